"""A REFER of the peer's: it wants us to call somebody, and to be told how that goes (RFC 3515 §2.4, RFC 4488, RFC 6665 §4.2).

Knows nothing of the call that the user makes then: the user says how it goes. Invariants: the REFER gets exactly one final response,
at half the time that its sender waits for it the latest; while `notifying` a deadline is set; nothing is sent once the peer
unsubscribed or was found deaf, and what the user says then is ignored.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final

from sip import sipfrag
from sip.calls.inside_events import ReferLapsed
from sip.calls.refer_headers import ReferTo, read_referred_by, wants_no_subscription
from sip.errors import LocalProtocolError
from sip.exchange import Exchange
from sip.fields import Value
from sip.machine import Machine, Table
from sip.message import Response

if TYPE_CHECKING:
    from sip.calls.referrals import Referrals
    from sip.transactions.layer import ServerTransaction

# Seconds that the peer may follow us without renewing; longer than telephones ring.
_SUBSCRIPTION: Final = 300

# A peer that says 500 to every NOTIFY is not told for ever.
_MOST_REPEATS: Final = 3

_TIME: Final = "time of a REFER"


class ReferredState(StrEnum):
    RECEIVED = "received"
    NOTIFYING = "notifying"
    UNHEARD = "unheard"  # accepted, and nobody is subscribed
    ENDED = "ended"


class ReferredInput(StrEnum):
    # commands of the user
    ACCEPT = "accept"
    ACCEPT_UNHEARD = "accept, Refer-Sub: false"
    REFUSE = "refuse"
    PROGRESS = "1xx of the target"
    FINAL = "final answer of the target"
    # from the peer
    DEAF = "NOTIFY refused"
    OVERTAKEN = "500 to NOTIFY"
    RENEW = "SUBSCRIBE"
    UNSUBSCRIBE = "SUBSCRIBE with Expires: 0"
    # time, and the call
    TIME = "time"
    CALL_ENDED = "call ended"


RECEIVED: Final = ReferredState.RECEIVED
NOTIFYING: Final = ReferredState.NOTIFYING
UNHEARD: Final = ReferredState.UNHEARD
ENDED: Final = ReferredState.ENDED

ACCEPT: Final = ReferredInput.ACCEPT
ACCEPT_UNHEARD: Final = ReferredInput.ACCEPT_UNHEARD
REFUSE: Final = ReferredInput.REFUSE
PROGRESS: Final = ReferredInput.PROGRESS
FINAL: Final = ReferredInput.FINAL
DEAF: Final = ReferredInput.DEAF
OVERTAKEN: Final = ReferredInput.OVERTAKEN
RENEW: Final = ReferredInput.RENEW
UNSUBSCRIBE: Final = ReferredInput.UNSUBSCRIBE
TIME: Final = ReferredInput.TIME
CALL_ENDED: Final = ReferredInput.CALL_ENDED


class IncomingRefer(Machine[ReferredState, ReferredInput]):
    """One REFER of the peer's, as ReferReceived tells it.

    Attributes:
        call: in whose dialog it came; it may have ended.
        refer_to, replaces, referred_by: see ReferReceived.
        number: its CSeq number, which is the id of its subscription.
    """

    __slots__ = (
        "_exchange", "_referrals", "_repeats", "_said", "_state", "_status", "_transaction", "call", "number", "refer_to",
        "referred_by", "replaces",
    )  # fmt: skip

    title = "refer in"
    figure = "RFC 3515 §2.4, RFC 6665 §4.2 (prose)"
    initial = RECEIVED

    def __init__(
        self, referrals: Referrals, transaction: ServerTransaction, target: ReferTo, now: float
    ) -> None:
        super().__init__()
        request = transaction.request
        self.call = referrals.call
        self.refer_to = target.address
        self.replaces = target.replaces
        self.referred_by = read_referred_by(request)
        self.number = request.cseq.number
        self._referrals = referrals
        self._transaction = transaction
        self._said = sipfrag.Status(100, "Trying")
        # The NOTIFY that was sent last, its Subscription-State, and how often one had to be sent again.
        self._exchange: Exchange | None = None
        self._state = ""
        self._repeats = 0
        # What the present step is about.
        self._status = 0
        core = self.call.core
        core.deadlines.set(self, _TIME, now + core.timers.timeout / 2)

    def identity(self) -> str:
        return self.call.id

    # What the user asks.

    @property
    def invite_headers(self) -> tuple[tuple[str, Value], ...]:
        """What must stand in the INVITE that this REFER causes: its Referred-By, as it came (RFC 3892 §3)."""
        value = self._transaction.request.get("Referred-By")
        return () if value is None else (("Referred-By", value),)

    def accept(self, now: float) -> None:
        """Take it up: 202, and NOTIFY 100 Trying, unless the peer wants none (RFC 4488). Ignored when it has lapsed."""
        self.step(ACCEPT_UNHEARD if wants_no_subscription(self._transaction.request) else ACCEPT, now)

    def refuse(self, now: float, status: int = 603) -> None:
        """Do not take it up. Ignored when it has lapsed.

        Raises:
            LocalProtocolError: the status is no refusal, or it was accepted already.
        """
        if not 300 <= status <= 699:
            raise LocalProtocolError(f"not a refusal: {status}")
        self._status = status
        self.step(REFUSE, now)

    def progress(self, status: int, now: float, reason: str | None = None) -> None:
        """Say what the target answered; a final status ends the subscription (`noresource`). Ignored when nobody listens any more.

        Args:
            status: 100 to 699; a transfer that could not even be tried is 503.
        """
        said = sipfrag.read(sipfrag.write(status, reason))
        assert said is not None, "what was written can be read"
        event = FINAL if said.is_final else PROGRESS
        if self.state is RECEIVED:
            raise LocalProtocolError("a REFER is accepted before its progress is told")
        if self.state is not ENDED:  # the last word may have to be sent again
            self._said = said
        self.step(event, now)

    # What comes from the peer, and time.

    def has_id(self, number: str | None) -> bool:
        """Whether a SUBSCRIBE's `Event: refer;id=` means this one; without an id it may be any."""
        return number is None or number == str(self.number)

    def subscribe(self, transaction: ServerTransaction, expires: int | None, now: float) -> None:
        """The peer renews its subscription, or with 0 ends it (RFC 6665 §4.2.1)."""
        self._transaction = transaction
        self.step(UNSUBSCRIBE if expires == 0 else RENEW, now)

    def call_ended(self, now: float) -> None:
        """The call is over; what was accepted may go on."""
        self.step(CALL_ENDED, now)

    def handle_timer(self, name: str, now: float) -> None:
        """Unanswered for too long, or not renewed."""
        self.step(TIME, now)

    def _notified(self, exchange: Exchange, response: Response, now: float) -> None:
        # RFC 6665 §4.2.2: 481 and silence end a subscription, other failures need not.
        if response.status == 481 or (response.status >= 300 and not exchange.heard):
            self.step(DEAF, now)
        elif response.status == 500 and exchange is self._exchange and self._repeats < _MOST_REPEATS:
            self.step(OVERTAKEN, now)

    # Actions.

    def _accept(self, now: float) -> None:
        self.call.respond(self._transaction, 202, now, contact=True)
        self._set_deadline(now)
        self._notify(now)

    def _accept_unheard(self, now: float) -> None:
        self.call.respond(self._transaction, 202, now, contact=True, headers=[("Refer-Sub", "false")])
        self._forget(now)

    def _refuse(self, now: float) -> None:
        self.call.respond(self._transaction, self._status, now)
        self._forget(now)

    def _lapse(self, now: float) -> None:
        """RFC 4320 §4.2: a non-INVITE request is answered before its sender gives it up."""
        self._end_unanswered(603, now)

    def _end_unanswered(self, status: int, now: float) -> None:
        core = self.call.core
        core.counters["refers_unanswered"] += 1
        self.call.respond(self._transaction, status, now)
        self._forget(now)
        core.events.append(ReferLapsed(self, status))

    def _withdraw(self, now: float) -> None:
        """RFC 3261 §15.1.2: what is still unanswered when the session ends gets 487."""
        self._end_unanswered(487, now)

    def _notify(self, now: float) -> None:
        left = self.call.core.deadlines
        assert left.is_set(self, _TIME), "a subscription has an end"
        self._send(f"active;expires={_SUBSCRIPTION}", now)

    def _notify_last(self, now: float) -> None:
        self._forget(now)
        self._send("terminated;reason=noresource", now)

    def _expire(self, now: float) -> None:
        self._forget(now)
        self._send("terminated;reason=timeout", now)

    def _renew(self, now: float) -> None:
        self._set_deadline(now)
        self.call.respond(self._transaction, 200, now, contact=True, headers=[("Expires", _SUBSCRIPTION)])
        self._notify(now)

    def _unsubscribe(self, now: float) -> None:
        self.call.respond(self._transaction, 200, now, contact=True, headers=[("Expires", 0)])
        self._expire(now)

    def _send(self, state: str, now: float) -> None:
        headers: list[tuple[str, Value]] = [
            # RFC 3515 §2.4.6: the first of a dialog could go without its id; but which was first, a wire that reorders does not tell.
            ("Event", f"refer;id={self.number}"),
            ("Subscription-State", state),
            ("Content-Type", f"{sipfrag.SIPFRAG};version=2.0"),
        ]
        exchange = self._referrals.prepare("NOTIFY", self._notified, headers, sipfrag.write(*self._said))
        self._exchange, self._state = exchange, state
        exchange.send(now)

    def _send_again(self, now: float) -> None:
        """A later request of ours was faster, so this one came out of order (RFC 3261 §12.2.2) and its news is lost."""
        self._repeats += 1
        self._send(self._state, now)

    def _set_deadline(self, now: float) -> None:
        self.call.core.deadlines.set(self, _TIME, now + _SUBSCRIPTION)

    def _forget(self, now: float) -> None:
        self.call.core.deadlines.cancel(self)
        self._referrals.drop_incoming(self)

    # fmt: off
    table: ClassVar[Table[ReferredState, ReferredInput]] = {
        (RECEIVED, ACCEPT):          (NOTIFYING, _accept),
        (RECEIVED, ACCEPT_UNHEARD):  (UNHEARD, _accept_unheard),
        (RECEIVED, REFUSE):          (ENDED, _refuse),
        (RECEIVED, TIME):            (ENDED, _lapse),
        (RECEIVED, CALL_ENDED):      (ENDED, _withdraw),

        (NOTIFYING, PROGRESS):       (NOTIFYING, _notify),
        (NOTIFYING, FINAL):          (ENDED, _notify_last),
        (NOTIFYING, DEAF):           (UNHEARD, _forget),
        (NOTIFYING, OVERTAKEN):      (NOTIFYING, _send_again),
        (NOTIFYING, RENEW):          (NOTIFYING, _renew),
        (NOTIFYING, UNSUBSCRIBE):    (UNHEARD, _unsubscribe),
        (NOTIFYING, TIME):           (UNHEARD, _expire),
        (NOTIFYING, CALL_ENDED):     (NOTIFYING, None),           # RFC 5057 §4.1: the subscription goes on

        (UNHEARD, PROGRESS):         (UNHEARD, None),
        (UNHEARD, FINAL):            (ENDED, None),
        (UNHEARD, DEAF):             (UNHEARD, None),
        (UNHEARD, OVERTAKEN):        (UNHEARD, _send_again),

        (ENDED, ACCEPT):             (ENDED, None),               # the user did not know yet that it lapsed
        (ENDED, ACCEPT_UNHEARD):     (ENDED, None),
        (ENDED, REFUSE):             (ENDED, None),
        (ENDED, PROGRESS):           (ENDED, None),
        (ENDED, FINAL):              (ENDED, None),
        (ENDED, DEAF):               (ENDED, None),
        (ENDED, OVERTAKEN):          (ENDED, _send_again),
    }
    # fmt: on
