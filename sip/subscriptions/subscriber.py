"""What a subscription of ours sends and takes in: SUBSCRIBE and its answers, NOTIFY and its dialog (RFC 6665 §4.1).

Knows the wire and the deadlines, and leaves what follows to the table in `sip.subscriptions.subscription`.
Invariants: the dialog is made by the first NOTIFY, not by the 2xx (§4.4.1); every NOTIFY gets its answer before anything is told of
it; CSeq grows over all attempts of one Call-ID; a body that is told has a bound.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from sip.core import Core
from sip.dialog import Dialog
from sip.exchange import Exchange
from sip.fields import Value
from sip.flow import Flow
from sip.machine import Machine
from sip.message import Request, Response
from sip.subscriptions.header_values import SubscriptionStateHeader
from sip.subscriptions.notices import read_notice
from sip.subscriptions.retries import ENDING, Again, after_reason, after_status, allowed_retry_after
from sip.subscriptions.states import (
    ACTIVE,
    DISMISSED,
    EARLY,
    EXPIRED,
    NOTIFIED,
    OK,
    REFRESHING,
    REFUSED,
    TERMINATED,
    TIMER,
    TIMER_N,
    TOO_BRIEF,
    SubscriptionInput,
    SubscriptionState,
)
from sip.subscriptions.wish import Wish
from sip.uri import NameAddr

if TYPE_CHECKING:
    from sip.subscriptions.subscription import Subscription
    from sip.transactions.layer import ServerTransaction

# The share of the granted time after which it is refreshed; what is added by chance spreads thousands of them out.
_REFRESH_SHARE: Final = 0.75
_REFRESH_JITTER: Final = 0.1
_LONGEST_MIN_EXPIRES: Final = 86400
# Seconds: every NOTIFY says how long is left, and what differs by less is the way of the message.
_SAME: Final = 2.0
# The time in which other notifiers may answer the same SUBSCRIBE (§4.1.2.4).
_FORKS: Final = "forks"
_MAY_FORK: Final = frozenset({EARLY, ACTIVE, REFRESHING})


class Subscriber(Machine[SubscriptionState, SubscriptionInput], ABC):
    """The part of `Subscription` that speaks."""

    __slots__ = (
        "_again",
        "_asked_pause",
        "_call_id",
        "_core",
        "_cseq",
        "_exchange",
        "_expires",
        "_failures",
        "_forks",
        "_granted",
        "_heard",
        "_met",
        "_notice",
        "_phrase",
        "_reason",
        "_status",
        "_tag",
        "dialog",
        "expires_at",
        "origin",
        "owner",
        "substate",
        "wish",
    )

    def __init__(self, core: Core, wish: Wish, owner: object, origin: Subscription | None = None) -> None:
        super().__init__()
        self.wish = wish
        self.owner = owner
        self.origin = origin
        self.dialog: Dialog | None = None
        self.substate = ""
        self.expires_at: float | None = None
        self._core = core
        self._call_id = self._tag = ""
        self._cseq = 0
        self._expires = wish.expires  # seconds asked for: 423 raises it
        self._failures = 0
        self._exchange: Exchange | None = None
        self._forks: list[Subscriber] = []
        self._met: Flow
        # What the present step is about. A status that was not heard, or 0, is none.
        self._granted = wish.expires
        self._heard = True
        self._status, self._phrase = 0, ""
        self._reason, self._again, self._asked_pause = "", Again.LATER, 0
        self._notice = SubscriptionStateHeader("active")

    @abstractmethod
    def transport_lost(self, flow: Flow, now: float) -> None:
        """A connection is gone."""

    @abstractmethod
    def unsubscribe(self, now: float) -> None:
        """It is not wanted any more."""

    @abstractmethod
    def _tell_body(self, content_type: str, body: bytes) -> None:
        """A body came, in order."""

    @abstractmethod
    def _fork(self) -> Subscriber | None:
        """A subscription for another notifier that answered our SUBSCRIBE; None when there may be no more."""

    @abstractmethod
    def _tell_fork(self) -> None:
        """It is born."""

    def identity(self) -> str:
        return f"{self.wish.event.package} {self._call_id}"

    @staticmethod
    def serves(method: str) -> bool:
        """Whether requests of this method belong to it."""
        return method == "NOTIFY"

    def handle_timer(self, name: str, now: float) -> None:
        """A deadline of this subscription came due."""
        if name == _FORKS:
            self._core.subscriptions.pop((self._call_id, self._tag, ""), None)
        else:
            self.step(SubscriptionInput(name), now)

    # SUBSCRIBE and its answers.

    def _renew_ids(self) -> None:
        core = self._core
        self._release()  # of one that was left and is wanted again, before its end was heard
        self._call_id, self._tag, self._cseq = core.ids.call_id(), core.new_tag(), 0
        self.dialog = None
        self._granted = self._expires
        core.subscriptions[self._call_id, self._tag, ""] = self

    def _next_cseq(self) -> int:
        if self.dialog is not None:
            return self.dialog.next_cseq()
        self._cseq += 1
        return self._cseq

    def _ask(self, expires: int, now: float) -> None:
        core, wish = self._core, self.wish
        account = wish.account
        contact = f"<{core.line_contact(account)}>"
        headers: list[tuple[str, Value]] = [("Event", str(wish.event)), ("Expires", expires)]
        if wish.accept:
            headers.append(("Accept", ", ".join(wish.accept)))
        headers += (*wish.headers, *core.capabilities)
        if self.dialog is not None:
            request = self.dialog.request("SUBSCRIBE", contact=contact, headers=headers)
            way = core.way(request, self.dialog, account, self._met, now)
        else:
            sender = NameAddr(account.display_name, account.uri, {"tag": self._tag})
            first = [*core.routes(account), ("Contact", contact), *headers]
            request = wish.first_request(sender, self._call_id, self._next_cseq(), first)
            way = core.first_way(request, account, now)
        self._exchange = Exchange(
            core, request, way, account, self._next_cseq, self._answered, self._asks_again
        )
        if self.dialog is None:
            self._met = self._exchange.flow
        self._exchange.send(now)

    def _wait_for_notify(self, now: float) -> None:
        """Timer N (§4.1.2.4): a NOTIFY must come within 64*T1 of the SUBSCRIBE; no longer do we listen to forks."""
        deadlines, until = self._core.deadlines, now + self._core.timers.timeout
        deadlines.set(self, TIMER_N, until)
        if self.dialog is None:
            deadlines.set(self, _FORKS, until)

    def _asks_again(self, now: float) -> bool:
        """A challenge is being answered: the time for the NOTIFY begins anew."""
        if self._core.deadlines.is_set(self, TIMER_N):
            self._wait_for_notify(now)
        return True

    def _answered(self, exchange: Exchange, response: Response, now: float) -> None:
        status = response.status
        if status < 200 or exchange is not self._exchange:
            return
        self._exchange = None
        self._status, self._phrase, self._heard = status, response.reason, exchange.heard
        self._asked_pause = response.integer("Retry-After") or 0
        if status < 300:
            granted = response.integer("Expires")
            self._granted = min(self._expires if granted is None else granted, self._expires)
            self.step(OK, now)
        elif status == 423 and self._learn_min_expires(response):
            self.step(TOO_BRIEF, now)
        else:
            self.step(self._judge(status), now)

    def _judge(self, status: int) -> SubscriptionInput:
        """What a refusal means for what there is."""
        self._again = after_status(status)
        self._reason = "gone" if status == 481 and self.dialog is not None else "refused"
        if self.dialog is not None and self._heard and status in ENDING:
            return self._over()
        if self.dialog is None and self._again is Again.NEVER:
            return DISMISSED
        return REFUSED

    def _over(self) -> SubscriptionInput:
        """A fork is never asked for by itself: its origin will find it again."""
        never = self._again is Again.NEVER or self.origin is not None
        return DISMISSED if never else TERMINATED

    def _learn_min_expires(self, response: Response) -> bool:
        """Whether the notifier names a longer time that we can ask for."""
        least = response.integer("Min-Expires")
        if least is None or not 0 < self._expires < least <= _LONGEST_MIN_EXPIRES:
            return False
        self._expires = least
        return True

    # NOTIFY.

    def receive(self, transaction: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        """A NOTIFY with our Call-ID and tag, in this dialog or in one that we do not know yet (§4.1.3)."""
        dialog = self.dialog
        if dialog is not None and dialog.remote_tag != (request.from_tag or ""):
            self._receive_fork(transaction, request, flow, now)
            return
        status, notice = read_notice(request, self.wish.event, is_first=dialog is None)
        if notice is not None and dialog is not None and not dialog.admits(request):
            status, notice = 500, None
            self._core.counters["cseq_too_low"] += 1
        headers: list[tuple[str, Value]] = [*self._core.server_header]
        if status == 489:
            headers.append(("Allow-Events", self._core.understood_events(self.wish.event.package)))
        transaction.respond(request.reply(status, headers=headers), now)
        if notice is None:
            self._core.counters["notify_refused"] += 1
            return
        if dialog is None:
            self._establish(request)
        else:
            dialog.refresh_target(request)
        self._met = flow
        self._take(notice, request, now)

    def _establish(self, request: Request) -> None:
        """§4.4.1: the dialog of the NOTIFY, seen from the one who is to send SUBSCRIBE in it."""
        contact = request.contact
        self.dialog = Dialog(
            call_id=self._call_id,
            local_tag=self._tag,
            remote_tag=request.from_tag or "",
            local=request.get("To") or "",
            remote=request.get("From") or "",
            target=contact.uri if contact else self.wish.target,
            route_set=request.get_all("Record-Route"),
            local_cseq=self._cseq,
            remote_cseq=request.cseq.number,
        )
        self._core.subscriptions[self._call_id, self._tag, self.dialog.remote_tag] = self
        if self.origin is not None:
            self.origin._forks.append(self)
            self._tell_fork()

    def _receive_fork(self, transaction: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        """Another notifier answered the same SUBSCRIBE (§4.1.4, §4.4.1)."""
        fork = self._fork() if self.state in _MAY_FORK else None
        if fork is None:
            self._core.counters["fork_refused"] += 1
            headers = self._core.server_header
            transaction.respond(request.reply(481, headers=headers), now)
            return
        fork._call_id, fork._tag, fork._cseq = self._call_id, self._tag, self._cseq
        fork._granted = self._granted
        fork.receive(transaction, request, flow, now)

    def _take(self, notice: SubscriptionStateHeader, request: Request, now: float) -> None:
        self._notice = notice
        if notice.state == "terminated":
            self._again, self._reason, self._status = after_reason(notice.reason), notice.reason or "", 0
            self._asked_pause = allowed_retry_after(notice.reason, notice.retry_after)
            if request.body:
                self._tell_body(request.content_type or "", request.body)
            self.step(self._over(), now)
        else:
            self.step(NOTIFIED, now)
            if request.body:
                self._tell_body(request.content_type or "", request.body)

    # What there is.

    def _keep_until(self, seconds: int, now: float) -> None:
        """The subscription stands for so long without a refresh."""
        deadlines, at = self._core.deadlines, now + seconds
        if (
            self.expires_at is not None
            and abs(at - self.expires_at) < _SAME
            and deadlines.is_set(self, TIMER)
        ):
            return
        self.expires_at = at
        share = _REFRESH_SHARE + _REFRESH_JITTER * self._core.ids.fraction()
        deadlines.set(self, TIMER, now + max(1.0, seconds * share))
        deadlines.set(self, EXPIRED, at)

    def _release(self) -> None:
        """Nothing of it is waited for any more; a NOTIFY for it gets 481."""
        core = self._core
        core.deadlines.cancel(self)
        self._exchange = None
        self.expires_at, self.substate = None, ""
        tags = ("", self.dialog.remote_tag) if self.dialog is not None else ("",)
        for tag in tags:
            if core.subscriptions.get((self._call_id, self._tag, tag)) is self:
                del core.subscriptions[self._call_id, self._tag, tag]
        if self.origin is not None and self in self.origin._forks:
            self.origin._forks.remove(self)
