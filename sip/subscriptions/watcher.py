"""Somebody's subscription to a state of ours: the notifier's side of RFC 6665 §4.2.

Knows no package: what it sends is what its user gave it last, each document being the whole state. Invariants: one NOTIFY is under
way at a time, and of the documents that are given meanwhile the last one follows; every accepted SUBSCRIBE is followed by a NOTIFY
(§4.2.1.2); WatcherEnded is told once for each that was accepted; one that is OFF has no deadline and is found by no request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from sip.core import Core
from sip.dialog import Dialog
from sip.errors import LocalProtocolError
from sip.exchange import Exchange
from sip.fields import Headers, Value
from sip.flow import Flow
from sip.grammar import safe
from sip.machine import Machine, Table
from sip.message import Request, Response
from sip.subscriptions.facts import SubscriptionReceived, WatcherEnded
from sip.subscriptions.header_values import EventHeader, SubscriptionStateHeader
from sip.subscriptions.retries import ENDING as ENDING_STATUSES
from sip.subscriptions.watcher_states import (
    ACCEPT,
    ACCEPT_ONCE,
    DELIVERED,
    END,
    ENDING,
    IDLE,
    LEAVING,
    LOST,
    NOTIFY,
    NOTIFYING,
    OFF,
    QUIET,
    RECEIVED,
    REFUSE,
    STALE,
    SUBSCRIBED,
    TIMER,
    WatcherInput,
    WatcherState,
)

if TYPE_CHECKING:
    from sip.subscriptions.watchers import Watchers
    from sip.transactions.layer import ServerTransaction

SHORTEST: Final = (
    60  # seconds: who asks for less gets 423, as a watcher that refreshes faster is a load without a use
)
LONGEST: Final = 3600
_STANDS: Final = frozenset({QUIET, NOTIFYING, STALE})
# §4.1.3: also what follows on Expires 0 (§4.2.1.1), with the state, which is what a fetch is for.
_TIMEOUT: Final = SubscriptionStateHeader("terminated", "timeout")


class Watcher(Machine[WatcherState, WatcherInput]):
    """Made by a SUBSCRIBE; its user answers by `accept` or `refuse`.

    Attributes:
        event: the package and id.
        request: the SUBSCRIBE that made it: whose state (`request.uri`), who asks (`request.from_`), Accept and all.
        expires: seconds asked for or granted; 0: to be told once.
        owner: the owner of the line whose Contact was asked; whatever else the user sets.
    """

    __slots__ = (
        "_account",
        "_body",
        "_cause",
        "_content_type",
        "_core",
        "_headers",
        "_last",
        "_met",
        "_status",
        "_substate",
        "_transaction",
        "_until",
        "_watchers",
        "dialog",
        "event",
        "expires",
        "owner",
        "request",
        "source",
    )

    title = "watcher"
    figure = "RFC 6665 §4.2.1, §4.2.2 (prose)"
    initial = IDLE

    def __init__(
        self, core: Core, watchers: Watchers, request: Request, event: EventHeader, flow: Flow
    ) -> None:
        super().__init__()
        line = core.lines.get(request.uri.user or "")
        self.request = request
        self.event = event
        self.expires = min(request.integer("Expires") or 0, LONGEST) if request.get("Expires") else LONGEST
        self.owner = line.owner if line is not None else None
        self.source = flow.remote[0]
        self.dialog = Dialog.of_callee(request, core.new_tag())
        self._account = line.account if line is not None else None
        self._core = core
        self._watchers = watchers
        self._met = flow
        self._transaction: ServerTransaction
        self._substate = "active"
        self._content_type, self._body = "", b""
        self._until = 0.0
        # What the present step is about.
        self._status = 200
        self._headers: Headers = ()
        self._cause, self._last = "", _TIMEOUT

    def identity(self) -> str:
        return f"{self.event.package} {self.dialog.call_id}"

    def __repr__(self) -> str:
        return f"<{self.title} {self.identity()} {self.state}>"

    # What its user may ask.

    def accept(
        self,
        now: float,
        content_type: str = "",
        body: bytes = b"",
        *,
        pending: bool = False,
        status: int = 200,
    ) -> None:
        """Let it see the state: 200 (or 202 for old ones), and at once a NOTIFY with this document (§4.2.1.2, §4.2.1.3).

        Args:
            body: the whole state; empty for one that is not known, or not to be shown while `pending`.

        Raises LocalProtocolError for a type that may not stand on the wire, as `notify` does, and `end` for such a reason.
        """
        self._content_type, self._body, self._status = safe(content_type), body, status
        self._substate = "pending" if pending else "active"
        self.step(ACCEPT if self.expires else ACCEPT_ONCE, now)

    def refuse(self, status: int, now: float, headers: Headers = ()) -> None:
        """Refuse it: 403, 401 with a challenge, 489…; nothing more is told of it."""
        if not 300 <= status <= 699:
            raise LocalProtocolError(f"a subscription is not refused with {status}")
        self._status, self._headers = status, headers
        self.step(REFUSE, now)

    def notify(self, content_type: str, body: bytes, now: float) -> None:
        """Tell it another state; the whole of it, since the same is told again when it refreshes. A pending one becomes active."""
        self._content_type, self._body = safe(content_type), body
        self._substate = "active"
        self.step(NOTIFY, now)

    def end(self, reason: str, now: float, retry_after: int | None = None) -> None:
        """End it by a last NOTIFY (§4.2.2): WatcherEnded follows at once. Ignored when it is over.

        Args:
            reason: deactivated, probation, rejected, giveup, noresource or invariant (§4.1.3).
            retry_after: seconds, for probation and giveup.
        """
        last = SubscriptionStateHeader("terminated", reason, retry_after=retry_after)
        str(last)  # so that it raises here
        self._cause, self._last = reason, last
        self.step(END, now)

    # What comes in.

    @staticmethod
    def serves(method: str) -> bool:
        return method == "SUBSCRIBE"

    def begin(self, transaction: ServerTransaction, now: float) -> None:
        """The SUBSCRIBE that made it."""
        self._transaction = transaction
        self.step(SUBSCRIBED, now)

    def receive(self, transaction: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        """A SUBSCRIBE in its dialog: a refresh, or Expires 0 (§4.2.1.1)."""
        refusal = self._watchers.refusal(request, self.event)
        if refusal is None and not self.dialog.admits(request):
            self._core.counters["cseq_too_low"] += 1
            refusal = 500, ()
        if refusal is not None or self.state not in _STANDS:
            status, headers = refusal or (481, ())
            transaction.respond(request.reply(status, headers=[*headers, *self._core.server_header]), now)
            return
        self.dialog.refresh_target(request)
        self._met = flow
        self._transaction, self._status = transaction, 200
        asked = request.integer("Expires")
        self.expires = LONGEST if asked is None else min(asked, LONGEST)
        if self.expires:
            self.step(SUBSCRIBED, now)
        else:
            self._respond(now)
            self._cause, self._last = "unsubscribed", _TIMEOUT
            self.step(END, now)

    def transport_lost(self, flow: Flow, now: float) -> None:
        """What follows opens another connection."""
        if self._met == flow:
            self._met = flow.road

    def handle_timer(self, name: str, now: float) -> None:
        self._cause, self._last = "expired", _TIMEOUT
        self.step(WatcherInput(name), now)

    # What rows do.

    def _tell(self, now: float) -> None:
        self._core.deadlines.set(self, TIMER, now + self._core.timers.timeout)
        self._core.events.append(SubscriptionReceived(self))

    def _install(self, now: float) -> None:
        self._respond(now)
        self._notify(now)

    def _respond(self, now: float) -> None:
        core = self._core
        self._until = now + self.expires
        if self.expires:
            core.deadlines.set(self, TIMER, self._until)
        headers: list[tuple[str, Value]] = [
            ("Expires", self.expires),
            ("Contact", self._contact()),
            *core.capabilities[:-1],
            *core.server_header,
        ]
        transaction = self._transaction
        tag = self.dialog.local_tag
        transaction.respond(transaction.request.reply(self._status, to_tag=tag, headers=headers), now)

    def _contact(self) -> str:
        return f"<{self._core.contact(self.request.uri.user, self._met.transport)}>"

    def _refuse(self, now: float) -> None:
        self._core.deadlines.cancel(self)
        self._watchers.forget(self)
        headers = [*self._headers, *self._core.server_header]
        request = self._transaction.request
        self._transaction.respond(
            request.reply(self._status, to_tag=self.dialog.local_tag, headers=headers), now
        )

    def _refuse_unanswered(self, now: float) -> None:
        """Our user has not answered in 64*T1; nor does the watcher wait any more."""
        self._core.counters["watcher_unanswered"] += 1
        self._status, self._headers = 500, ()
        self._refuse(now)

    def _notify(self, now: float) -> None:
        left = max(0, round(self._until - now))
        self._send(SubscriptionStateHeader(self._substate, expires=left), now)

    def _say_goodbye(self, now: float) -> None:
        if self._last is not _TIMEOUT:
            self._body = b""  # whoever is dismissed sees nothing more
        self._send(self._last, now)

    def _send(self, notice: SubscriptionStateHeader, now: float) -> None:
        core, body = self._core, self._body
        headers: list[tuple[str, Value]] = [
            ("Event", str(self.event)),
            ("Subscription-State", str(notice)),
            *core.capabilities,
        ]
        if body:
            headers.append(("Content-Type", self._content_type))
        request = self.dialog.request("NOTIFY", contact=self._contact(), headers=headers, body=body)
        way = core.way(request, self.dialog, self._account, self._met, now)
        Exchange(core, request, way, self._account, self.dialog.next_cseq, self._answered).send(now)

    def _answered(self, exchange: Exchange, response: Response, now: float) -> None:
        """§4.2.2: 481 and its like end it, and so does silence; with other failures it lives on."""
        status = response.status
        if status >= 200:
            gone = status in ENDING_STATUSES or not exchange.heard
            self.step(LOST if gone and response.integer("Retry-After") is None else DELIVERED, now)

    def _tell_end(self, now: float) -> None:
        """It ends; the last NOTIFY follows later."""
        self._core.deadlines.cancel(self)
        self._core.events.append(WatcherEnded(self, self._cause))

    def _finish(self, now: float) -> None:
        self._tell_end(now)
        self._say_goodbye(now)

    def _show_once(self, now: float) -> None:
        self._respond(now)
        self._cause, self._last = "unsubscribed", _TIMEOUT
        self._finish(now)

    def _lose(self, now: float) -> None:
        self._cause = "gone"
        self._tell_end(now)
        self._forget(now)

    def _forget(self, now: float) -> None:
        self._watchers.forget(self)

    # RFC 6665 §4.2: the notifier.
    # fmt: off
    table: ClassVar[Table[WatcherState, WatcherInput]] = {
        (IDLE, SUBSCRIBED):      (RECEIVED, _tell),

        (RECEIVED, ACCEPT):      (NOTIFYING, _install),
        (RECEIVED, ACCEPT_ONCE): (LEAVING, _show_once),
        (RECEIVED, REFUSE):      (OFF, _refuse),
        (RECEIVED, TIMER):       (OFF, _refuse_unanswered),

        (QUIET, SUBSCRIBED):     (NOTIFYING, _install),
        (QUIET, NOTIFY):         (NOTIFYING, _notify),
        (QUIET, END):            (LEAVING, _finish),
        (QUIET, TIMER):          (LEAVING, _finish),

        (NOTIFYING, SUBSCRIBED): (STALE, _respond),
        (NOTIFYING, NOTIFY):     (STALE, None),
        (NOTIFYING, END):        (ENDING, _tell_end),
        (NOTIFYING, TIMER):      (ENDING, _tell_end),
        (NOTIFYING, DELIVERED):  (QUIET, None),
        (NOTIFYING, LOST):       (OFF, _lose),

        (STALE, SUBSCRIBED):     (STALE, _respond),
        (STALE, NOTIFY):         (STALE, None),
        (STALE, END):            (ENDING, _tell_end),
        (STALE, TIMER):          (ENDING, _tell_end),
        (STALE, DELIVERED):      (NOTIFYING, _notify),
        (STALE, LOST):           (OFF, _lose),

        (ENDING, NOTIFY):        (ENDING, None),
        (ENDING, END):           (ENDING, None),
        (ENDING, DELIVERED):     (LEAVING, _say_goodbye),
        (ENDING, LOST):          (OFF, _forget),

        (LEAVING, NOTIFY):       (LEAVING, None),
        (LEAVING, END):          (LEAVING, None),
        (LEAVING, DELIVERED):    (OFF, _forget),
        (LEAVING, LOST):         (OFF, _forget),

        (OFF, NOTIFY):           (OFF, None),              # our user need not know yet that it is gone
        (OFF, END):              (OFF, None),
    }
    # fmt: on
