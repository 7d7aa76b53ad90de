"""A REFER of ours and what is told of it: the transfer as the transferor sees it (RFC 3515 §2.4, RFC 4488, RFC 5589).

Knows no media and does not hang up: whether the call ends before the target answers is the user's choice and the peer's.

Invariants: ReferAccepted or ReferRefused is told first, ReferEnded or ReferRefused last and once; from the 2xx on a deadline is set,
so that it ends whatever the peer forgets; it may outlive its call (RFC 5057), by 64*T1 unless the peer goes on telling.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final

from sip import sipfrag
from sip.calls.inside_events import ReferAccepted, ReferEnded, ReferProgress, ReferRefused
from sip.calls.refer_headers import wants_no_subscription
from sip.exchange import Exchange
from sip.machine import Machine, Table
from sip.message import Request, Response

if TYPE_CHECKING:
    from sip.calls.referrals import Referrals
    from sip.fields import Headers
    from sip.subscriptions.header_values import SubscriptionStateHeader
    from sip.uri import NameAddr

# Seconds that a subscription is believed to last when the peer does not say: longer than telephones ring.
_USUAL: Final = 300
_LONGEST: Final = 3600

_SILENCE: Final = "silence after REFER"


class ReferState(StrEnum):
    IDLE = "idle"
    ASKED = "asked"  # REFER sent
    ACCEPTED = "accepted"  # 2xx heard, no NOTIFY yet
    FOLLOWED = "followed"  # NOTIFYs come
    SETTLED = "settled"  # the target's final answer is known, the subscription not ended yet
    ENDED = "ended"


class ReferInput(StrEnum):
    START = "start"
    TAKEN = "2xx"
    TAKEN_UNHEARD = "2xx, Refer-Sub: false"
    REFUSED = "3xx-6xx"
    PROGRESS = "NOTIFY"
    FINAL = "NOTIFY with a final status"
    LAST = "NOTIFY terminated with a final status"
    CUT = "NOTIFY terminated without"
    SILENCE = "time"
    CALL_ENDED = "call ended"


IDLE: Final = ReferState.IDLE
ASKED: Final = ReferState.ASKED
ACCEPTED: Final = ReferState.ACCEPTED
FOLLOWED: Final = ReferState.FOLLOWED
SETTLED: Final = ReferState.SETTLED
ENDED: Final = ReferState.ENDED

START: Final = ReferInput.START
TAKEN: Final = ReferInput.TAKEN
TAKEN_UNHEARD: Final = ReferInput.TAKEN_UNHEARD
REFUSED: Final = ReferInput.REFUSED
PROGRESS: Final = ReferInput.PROGRESS
FINAL: Final = ReferInput.FINAL
LAST: Final = ReferInput.LAST
CUT: Final = ReferInput.CUT
SILENCE: Final = ReferInput.SILENCE
CALL_ENDED: Final = ReferInput.CALL_ENDED


class OutgoingRefer(Machine[ReferState, ReferInput]):
    """One REFER of ours. Made by `Call.refer`.

    Attributes:
        call: in whose dialog it was sent; it may have ended.
        target: whom the peer shall call.
    """

    __slots__ = ("_exchange", "_heard", "_referrals", "_response", "_status", "_why", "call", "target")

    title = "refer out"
    figure = "RFC 3515 §2.4, RFC 6665 §4.1 (prose)"
    initial = IDLE

    def __init__(self, referrals: Referrals, target: NameAddr) -> None:
        super().__init__()
        self.call = referrals.call
        self.target = target
        self._referrals = referrals
        self._exchange: Exchange
        # What the present step is about.
        self._response: Response
        self._heard = True
        self._status: sipfrag.Status | None = None
        self._why = ""

    def identity(self) -> str:
        return self.call.id

    def start(self, headers: Headers, now: float) -> None:
        """Send it."""
        self._exchange = self._referrals.prepare("REFER", self._answered, headers)
        self.step(START, now)

    def has_id(self, number: str) -> bool:
        """Whether a NOTIFY's `Event: refer;id=` means this one: its CSeq number (RFC 3515 §2.4.6)."""
        return number == str(self._exchange.request.cseq.number)

    def receive(self, request: Request, state: SubscriptionStateHeader | None, now: float) -> None:
        """A NOTIFY for it, which is answered already.

        Args:
            state: its Subscription-State; None, from a peer that writes none, counts as active.
        """
        self._status = status = sipfrag.read(request.body)
        is_final = status is not None and status.is_final
        if state is not None and state.state == "terminated":
            self._why = state.reason or ""
            self.step(LAST if is_final else CUT, now)
        else:
            self._set_deadline(_duration(state), now)
            self.step(FINAL if is_final else PROGRESS, now)

    def call_ended(self, now: float) -> None:
        """The call is over; the transfer need not be."""
        self.step(CALL_ENDED, now)

    def handle_timer(self, name: str, now: float) -> None:
        """It was silent for too long."""
        self.step(SILENCE, now)

    def _answered(self, exchange: Exchange, response: Response, now: float) -> None:
        if response.status < 200:
            return
        self._response, self._heard = response, exchange.heard
        if response.status >= 300:
            self.step(REFUSED, now)
        elif wants_no_subscription(response):
            self.step(TAKEN_UNHEARD, now)
        else:
            self.step(TAKEN, now)

    def _set_deadline(self, seconds: float, now: float) -> None:
        core = self.call.core
        core.deadlines.set(self, _SILENCE, now + seconds)

    # Actions.

    def _send(self, now: float) -> None:
        self._exchange.send(now)

    def _be_accepted(self, now: float) -> None:
        """The first NOTIFY must come at once; 64*T1 is RFC 6665's timer N."""
        self._tell_accepted(now)
        self._why = "no notify"
        self._set_deadline(self.call.core.timers.timeout, now)

    def _tell_accepted(self, now: float) -> None:
        self.call.core.events.append(ReferAccepted(self))

    def _be_accepted_unheard(self, now: float) -> None:
        self.call.core.events.append(ReferAccepted(self, subscribed=False))
        self._why = "not subscribed"
        self._end(now)

    def _be_refused(self, now: float) -> None:
        response = self._response
        status = response.status if self._heard else None
        self._forget()
        self.call.core.events.append(ReferRefused(self, status, response.reason))
        if status == 481:
            self.call.judge(response, now)

    def _follow(self, now: float) -> None:
        self._why = "timeout"
        status = self._status
        self.call.core.events.append(
            ReferProgress(self, status.status if status else None, status.reason if status else "")
        )

    def _follow_first(self, now: float) -> None:
        self._tell_accepted(now)
        self._follow(now)

    def _settle(self, now: float) -> None:
        """RFC 3515 §2.4.7 wants the subscription ended with it; many a PBX sends that separately or never."""
        self._tell_end()
        self._set_deadline(self.call.core.timers.timeout, now)

    def _settle_first(self, now: float) -> None:
        self._tell_accepted(now)
        self._settle(now)

    def _end(self, now: float) -> None:
        self._forget()
        self._tell_end()

    def _end_first(self, now: float) -> None:
        self._tell_accepted(now)
        self._end(now)

    def _tell_end(self) -> None:
        status = self._status if self._status is not None and self._status.is_final else None
        told = ReferEnded(self, status.status, status.reason) if status else ReferEnded(self, None, self._why)
        self.call.core.events.append(told)

    def _close(self, now: float) -> None:
        self._forget()

    def _hurry(self, now: float) -> None:
        """A PBX may send its last NOTIFY after the BYE, and may forget it."""
        self._why = "call ended"
        self._set_deadline(self.call.core.timers.timeout, now)

    def _forget(self) -> None:
        self.call.core.deadlines.cancel(self)
        self._referrals.drop_outgoing(self)

    # fmt: off
    table: ClassVar[Table[ReferState, ReferInput]] = {
        (IDLE, START):               (ASKED, _send),

        (ASKED, TAKEN):              (ACCEPTED, _be_accepted),
        (ASKED, TAKEN_UNHEARD):      (ENDED, _be_accepted_unheard),
        (ASKED, REFUSED):            (ENDED, _be_refused),
        (ASKED, PROGRESS):           (FOLLOWED, _follow_first),   # RFC 3515 §2.4.4: NOTIFY may be faster than the 2xx
        (ASKED, FINAL):              (SETTLED, _settle_first),
        (ASKED, LAST):               (ENDED, _end_first),
        (ASKED, CUT):                (ENDED, _end_first),
        (ASKED, CALL_ENDED):         (ASKED, None),               # its transaction brings an answer, or 408

        (ACCEPTED, PROGRESS):        (FOLLOWED, _follow),
        (ACCEPTED, FINAL):           (SETTLED, _settle),
        (ACCEPTED, LAST):            (ENDED, _end),
        (ACCEPTED, CUT):             (ENDED, _end),
        (ACCEPTED, SILENCE):         (ENDED, _end),
        (ACCEPTED, CALL_ENDED):      (ACCEPTED, _hurry),

        (FOLLOWED, TAKEN):           (FOLLOWED, None),
        (FOLLOWED, TAKEN_UNHEARD):   (FOLLOWED, None),            # says one thing and does another
        (FOLLOWED, REFUSED):         (FOLLOWED, None),            # a 408 of our own: the 2xx was lost
        (FOLLOWED, PROGRESS):        (FOLLOWED, _follow),
        (FOLLOWED, FINAL):           (SETTLED, _settle),
        (FOLLOWED, LAST):            (ENDED, _end),
        (FOLLOWED, CUT):             (ENDED, _end),
        (FOLLOWED, SILENCE):         (ENDED, _end),
        (FOLLOWED, CALL_ENDED):      (FOLLOWED, _hurry),

        (SETTLED, TAKEN):            (SETTLED, None),
        (SETTLED, TAKEN_UNHEARD):    (SETTLED, None),
        (SETTLED, REFUSED):          (SETTLED, None),
        (SETTLED, PROGRESS):         (SETTLED, None),             # nothing comes after a final answer
        (SETTLED, FINAL):            (SETTLED, None),
        (SETTLED, LAST):             (ENDED, _close),
        (SETTLED, CUT):              (ENDED, _close),
        (SETTLED, SILENCE):          (ENDED, _close),
        (SETTLED, CALL_ENDED):       (SETTLED, None),

        (ENDED, TAKEN):              (ENDED, None),
        (ENDED, TAKEN_UNHEARD):      (ENDED, None),
        (ENDED, REFUSED):            (ENDED, None),
    }
    # fmt: on


def _duration(state: SubscriptionStateHeader | None) -> float:
    """Seconds until the peer must have said more: what its Subscription-State says, within reason."""
    if state is None or state.expires is None:
        return float(_USUAL)
    return float(min(max(state.expires, 1), _LONGEST))
