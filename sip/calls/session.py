"""The session under a call: its dialog, its requests and answers, and the ways in which it ends (RFC 3261 §12, §14, §15).

What both roles share once there is a dialog, without the user's commands, which are in `sip.call`. Knows nothing of how the dialog
came to be.

Invariants: `state` is the only truth about the session and the tables the only way to change it; CallEnded is told exactly once,
with the passage to ENDED; an ended call has no deadline and is found by no request any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sip.calls import leaving
from sip.calls.acceptance import NO_ACK, REPEAT, Acceptance
from sip.calls.offers import Offers
from sip.calls.states import (
    ACKED,
    BYE,
    BYE_ANSWERED,
    BYE_RECEIVED,
    CONFIRMED,
    ENDED,
    ENDING,
    EXPIRED,
    GONE,
    UNACKED,
    UNRESPONSIVE,
    CallInput,
    CallState,
    End,
)
from sip.calls.usage import InviteUsage
from sip.core import reason_headers
from sip.events import CallEnded, EndCause
from sip.exchange import Exchange
from sip.headers import Reason
from sip.machine import Table
from sip.message import Response

if TYPE_CHECKING:
    pass


class Session(InviteUsage):
    """One INVITE session; see `sip.call.Call` for its attributes."""

    __slots__ = ()

    # What the parts of the call share.

    @property
    def offers(self) -> Offers:
        """The changes of the session (RFC 3261 §14)."""
        if self._offers is None:
            self._offers = Offers(self.as_call(), self.established())
        return self._offers

    def offers_in(self, remote_tag: str) -> Offers | None:
        """The changes of the session in the dialog with this remote tag ("" for the one dialog there is), once they may be: before that
        the INVITE's own offer is still unanswered."""
        if self.state is CONFIRMED:
            return self.offers
        return None if self.state is ENDING or self.state is ENDED else self._offers

    def handle_timer(self, name: str, now: float) -> None:
        """A deadline of this call came due."""
        acceptance = self._acceptance
        if name == REPEAT and acceptance is not None:
            acceptance.repeat(now)
        elif name == NO_ACK and acceptance is not None:
            acceptance.stop()
            self._acceptance = None
            self.step(UNACKED, now)

    def judge(self, response: Response, now: float) -> bool:
        """Whether the failure of a request in the dialog ends the whole call (§12.2.1.2); if so it is ended here.

        A time-out of our own is no proof that the peer forgot the call: the user decides on ProbeFailed or OfferRefused.
        """
        if response.status not in (408, 481):
            return False
        self._response = response
        self.step(GONE if response.status == 481 else UNRESPONSIVE, now)
        return True

    def await_ack(self, acceptance: Acceptance, now: float) -> None:
        """Send a 2xx to INVITE and repeat it until its ACK comes (§13.3.1.4)."""
        self._acceptance = acceptance
        acceptance.start(now)

    def stop_awaiting_ack(self) -> None:
        """The peer has gone on, so the ACK was only lost."""
        if self._acceptance is not None:
            self._acceptance.stop()
            self._acceptance = None

    # Actions of the tables.

    def _hang_up(self, now: float) -> None:
        self._end = End("us", None, self._reasons, EndCause.HUNG_UP)
        self._send_bye(now)

    def _send_bye(self, now: float) -> None:
        self.core.deadlines.cancel(self)
        self._close_offers(now)
        self.ask("BYE", self._bye_answered, now, headers=reason_headers(self._reasons))

    def _bye_answered(self, exchange: Exchange, response: Response, now: float) -> None:
        if response.status >= 200:
            self._response = response
            self.step(BYE_ANSWERED, now)

    def _end_with_answer(self, now: float) -> None:
        self._end = self._end._replace(status=self._response.status)
        self._finish(now)

    def _give_up(self, now: float) -> None:
        self._end = End("nobody", None, (), EndCause.NOT_ACKNOWLEDGED)
        self._reasons = (Reason("SIP", 408, "ACK was not received"),)
        self._send_bye(now)

    def _give_up_unresponsive(self, now: float) -> None:
        self._end = End("nobody", 408, self._response.reasons, EndCause.GONE)
        self._reasons = ()
        self._send_bye(now)

    def _expire(self, now: float) -> None:
        """RFC 4028 §10."""
        self._end = End("nobody", 408, (), EndCause.GONE)
        self._reasons = (Reason("SIP", 408, "Session timer expired"),)
        self._send_bye(now)

    def _be_gone(self, now: float) -> None:
        self._end = End("nobody", self._response.status, self._response.reasons, EndCause.GONE)
        self._finish(now)

    def _be_hung_up(self, now: float) -> None:
        self.respond(self._transaction, 200, now)
        self.reasons = self._request.reasons
        self._end = End("them", None, self.reasons, EndCause.HUNG_UP)
        self._finish(now)

    def _cross_byes(self, now: float) -> None:
        self.respond(self._transaction, 200, now)
        self._finish(now)

    def _refuse_bye(self, now: float) -> None:
        self.respond(self._transaction, 481, now)

    def _finish(self, now: float) -> None:
        """The one way to end: nothing may be left behind."""
        core = self.core
        core.deadlines.cancel(self)
        self._acceptance = None
        self._close_offers(now)
        leaving.leave(self, now)
        core.events.append(CallEnded(self.as_call(), *self._end))

    def _close_offers(self, now: float) -> None:
        self._acceptance = None
        if self._offers is not None:
            self._offers.close(now)
        if self._timer is not None:
            self._timer.close(now)


# The rows of the session once it is confirmed (§12.2, §15), for both roles.
# fmt: off
SESSION_TABLE: Final[Table[CallState, CallInput]] = {
    (CONFIRMED, BYE):            (ENDING, Session._hang_up),
    (CONFIRMED, BYE_RECEIVED):   (ENDED, Session._be_hung_up),
    (CONFIRMED, ACKED):          (CONFIRMED, None),              # the peer repeats itself
    (CONFIRMED, UNACKED):        (ENDING, Session._give_up),        # our 200 to a re-INVITE, §14.2
    (CONFIRMED, GONE):           (ENDED, Session._be_gone),
    (CONFIRMED, UNRESPONSIVE):   (ENDING, Session._give_up_unresponsive),
    (CONFIRMED, EXPIRED):        (ENDING, Session._expire),

    (ENDING, BYE):               (ENDING, None),
    (ENDING, BYE_RECEIVED):      (ENDED, Session._cross_byes),
    (ENDING, BYE_ANSWERED):      (ENDED, Session._end_with_answer),
    (ENDING, GONE):              (ENDING, None),                 # our BYE is under way and will hear the same
    (ENDING, UNRESPONSIVE):      (ENDING, None),

    (ENDED, BYE):                (ENDED, None),
    (ENDED, BYE_ANSWERED):       (ENDED, None),                  # after both hung up at once
    (ENDED, GONE):               (ENDED, None),
    (ENDED, UNRESPONSIVE):       (ENDED, None),
}
# fmt: on
