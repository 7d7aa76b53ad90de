"""The call as its caller makes it: INVITE until a final response, CANCEL, the ACK of 2xx (RFC 3261 §9.1, §13.2).

Knows forks, whose early dialogs are in `calls.early`. Invariants: CANCEL never leaves before a provisional response came; each 2xx is acknowledged: the
first when the user says so, what comes again then at once; a 2xx of another fork, or after the end, gets ACK and BYE.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from sip.call import Call
from sip.calls import strays
from sip.calls.early_caller import EarlyCaller
from sip.calls.saved import SavedCall
from sip.calls.session import SESSION_TABLE
from sip.calls.states import (
    ACKNOWLEDGE,
    ANSWERED,
    BYE,
    BYE_RECEIVED,
    CALLING,
    CANCEL,
    CANCEL_HELD,
    CANCELLING,
    CONFIRMED,
    ENDED,
    ENDING,
    EXPIRED,
    FAILURE,
    IDLE,
    PROCEEDING,
    PROVISIONAL,
    REPEATED,
    RESENT,
    START,
    SUCCESS,
    TRYING,
    WAIT_OVER,
    CallInput,
    CallState,
    End,
)
from sip.core import checked_reasons, reason_headers
from sip.errors import LocalProtocolError
from sip.events import CallAnswered, CallProceeding, EndCause, InviteResent
from sip.exchange import Exchange
from sip.headers import Reason
from sip.machine import Table
from sip.message import Request, Response
from sip.transactions.layer import InviteClientTransaction

_CANCEL_WAIT: Final = "no final response"


class OutgoingCall(EarlyCaller):
    """A call of ours. `forks` are its early dialogs."""

    __slots__ = ()

    title = "call out"

    # Commands.

    def prepare(self) -> None:
        """Make the INVITE what it will be on the wire, so that `dump` can tell of it before `start`."""
        self._exchange.prepare()

    def start(self, now: float) -> None:
        self.step(START, now)

    def cancel(self, now: float, reasons: Iterable[Reason] = ()) -> None:
        self._reasons = checked_reasons(reasons)
        self.step(CANCEL, now)

    def acknowledge(self, now: float, sdp: bytes | None = None) -> None:
        if self.local_sdp is None and not sdp:
            raise LocalProtocolError("the 2xx brought an offer: its ACK must have the answer")
        if self._offers is not None and sdp:
            raise LocalProtocolError("the offer in a reliable 18x was answered in its PRACK already")
        self._answer = sdp
        self.step(ACKNOWLEDGE, now)

    def dump(self, local_sdp: bytes | None = None) -> SavedCall:
        if self.state not in (IDLE, CALLING, PROCEEDING, CANCEL_HELD, CANCELLING):
            return self.dump_dialog(local_sdp)
        request = self._exchange.on_the_wire()
        kept = [(name, value) for name, value in request.headers if name != "Content-Type"]
        invite = Request.build("INVITE", request.uri, kept)
        # Nobody has answered, so there is no dialog but what 100 makes of the INVITE: our side of it.
        dialog = self.new_dialog(request.reply(100))
        dialog.local_cseq = max(dialog.local_cseq, self.forks.highest_cseq)
        return self.saved("outgoing", dialog, local_sdp, invite.to_bytes())

    # What comes from the peer, and time.

    def cancel_unknown(self, now: float) -> None:
        """The peer said 481 to our CANCEL: it has no such INVITE, or has answered it. A 2xx of it is repeated within T2 (§13.3.1.4), so
        no longer is waited for one; what comes later still is acknowledged and ended."""
        if self.state is CANCELLING:
            self.core.deadlines.set(self, _CANCEL_WAIT, now + self.core.timers.t2)

    def handle_timer(self, name: str, now: float) -> None:
        if name == _CANCEL_WAIT:
            self.step(WAIT_OVER, now)
        else:
            super().handle_timer(name, now)

    def _may_retry(self, now: float) -> bool:
        """Whether a challenge is answered: not once the call is to be cancelled."""
        if self.state not in (CALLING, PROCEEDING):
            return False
        self.forks.close(now)
        self.step(RESENT, now)
        return True

    def _invite_answered(self, exchange: Exchange, response: Response, now: float) -> None:
        self.flow = exchange.flow
        status = response.status
        dialog = self.dialog
        if 200 <= status < 300 and dialog is not None and dialog.remote_tag != (response.to_tag or ""):
            # §13.2.2.4: another branch of a fork answered too; there is one call, so that one is ended.
            strays.end(self.core, response, self.flow, now, self.account, "forked_200_ended")
            return
        if status == 422 and exchange.heard and self._ask_longer(response, now):
            return
        self._response = response
        if status == 100:
            self.step(TRYING, now)
        elif status < 200:
            self.step(PROVISIONAL, now)
        elif status < 300:
            self.step(SUCCESS if dialog is None else REPEATED, now)
        else:
            self.step(FAILURE, now)

    # Actions.

    def _send(self, now: float) -> None:
        self._exchange.send(now)

    def _tell_resent(self, now: float) -> None:
        self.core.events.append(InviteResent(self))

    def _never_mind(self, now: float) -> None:
        """Taken back before it left: nobody need be told but the user."""
        self._end = End("us", None, (), EndCause.CANCELLED)
        self._finish(now)

    def _proceed(self, now: float) -> None:
        response = self._response
        place = len(self.core.events)
        if self.forks.receive(response, now):
            self.remote_sdp = response.body or self.remote_sdp
            told = CallProceeding(self, response.status, response.body or None, response.to_tag or "")
            self.core.events.insert(place, told)  # before the offer that it may have brought

    def _take_back(self, now: float) -> None:
        self._end = End("us", None, (), EndCause.CANCELLED)

    def _take_back_now(self, now: float) -> None:
        self._take_back(now)
        self._send_cancel(now)

    def _send_cancel(self, now: float) -> None:
        invite = self._exchange.transaction
        if invite is None:
            return  # it never left, which is told next
        assert isinstance(invite, InviteClientTransaction), "only an INVITE of ours is cancelled"
        core = self.core
        core.layer.send_cancel(invite, now, headers=reason_headers(self._reasons), owner=self)
        core.deadlines.set(self, _CANCEL_WAIT, now + core.timers.timeout)

    def _be_left(self, now: float) -> None:
        """BYE on the only early dialog: whoever rang takes leave, so the INVITE has no one to answer it."""
        self.respond(self._transaction, 200, now)
        self.reasons = self._request.reasons
        self._end = End("them", None, self.reasons, EndCause.HUNG_UP)
        self._reasons = ()
        self._send_cancel(now)

    def _accept_bye(self, now: float) -> None:
        self.respond(self._transaction, 200, now)

    def _be_answered(self, now: float) -> None:
        self._take_dialog(now)
        sdp = self._response.body or None
        self.core.events.append(CallAnswered(self, sdp if self._offers is None else self.remote_sdp))

    def _acknowledge(self, now: float) -> None:
        if self._answer:
            self.local_sdp = self._answer
        self._exchange.ack = self.acknowledge_2xx(self._exchange.on_the_wire(), self._cseq, self._answer)

    def _acknowledge_again(self, now: float) -> None:
        if self._exchange.ack is not None:
            self.core.layer.resend(self._exchange.ack)

    def _acknowledge_and_hang_up(self, now: float) -> None:
        self._acknowledge(now)
        self._hang_up(now)

    def _acknowledge_and_expire(self, now: float) -> None:
        self._acknowledge(now)
        self._expire(now)

    def _end_crossed(self, now: float) -> None:
        """§9.1: the 2xx was faster than our CANCEL: it is acknowledged and the call ended by BYE."""
        self._take_dialog(now)
        self._acknowledge(now)
        self._send_bye(now)

    def _end_late(self, now: float) -> None:
        strays.end(self.core, self._response, self.flow, now, self.account, "late_200_ended")

    def _be_cancelled(self, now: float) -> None:
        response = self._response
        self.reasons = response.reasons
        status = response.status if self._exchange.heard else None
        self._end = self._end._replace(status=status, reasons=self._end.reasons or response.reasons)
        self._finish(now)

    def _abandon(self, now: float) -> None:
        """§9.1: the peer said nothing for 64*T1 after our CANCEL; the INVITE is considered cancelled."""
        invite = self._exchange.transaction
        assert isinstance(invite, InviteClientTransaction), "only an INVITE of ours is abandoned"
        invite.abandon(now)
        self._finish(now)

    def _be_refused(self, now: float) -> None:
        response = self._response
        self.reasons = response.reasons
        status = response.status
        if not self._exchange.heard:
            lost = EndCause.TRANSPORT_LOST if status == 503 else EndCause.NO_ANSWER
            self._end = End("nobody", None, (), lost)
        else:
            cause = EndCause.REFUSED
            if status in (401, 407):
                cause = EndCause.UNAUTHORIZED
            elif status < 400:
                cause = EndCause.REDIRECTED
            self._end = End("them", status, response.reasons, cause)
        self._finish(now)

    # RFC 3261 §13.2 and §9.1, after which comes the session's own table.
    # fmt: off
    table: ClassVar[Table[CallState, CallInput]] = {
        (IDLE, START):                (CALLING, _send),
        (IDLE, CANCEL):               (ENDED, _never_mind),

        (CALLING, TRYING):            (PROCEEDING, None),
        (CALLING, PROVISIONAL):       (PROCEEDING, _proceed),
        (CALLING, SUCCESS):           (ANSWERED, _be_answered),
        (CALLING, FAILURE):           (ENDED, _be_refused),
        (CALLING, RESENT):            (CALLING, _tell_resent),
        (CALLING, CANCEL):            (CANCEL_HELD, _take_back),       # §9.1: not before a 1xx

        (PROCEEDING, TRYING):         (PROCEEDING, None),
        (PROCEEDING, PROVISIONAL):    (PROCEEDING, _proceed),
        (PROCEEDING, SUCCESS):        (ANSWERED, _be_answered),
        (PROCEEDING, FAILURE):        (ENDED, _be_refused),
        (PROCEEDING, RESENT):         (CALLING, _tell_resent),
        (PROCEEDING, CANCEL):         (CANCELLING, _take_back_now),
        (PROCEEDING, BYE_RECEIVED):   (CANCELLING, _be_left),

        (CANCEL_HELD, TRYING):        (CANCELLING, _send_cancel),
        (CANCEL_HELD, PROVISIONAL):   (CANCELLING, _send_cancel),
        (CANCEL_HELD, SUCCESS):       (ENDING, _end_crossed),
        (CANCEL_HELD, FAILURE):       (ENDED, _be_cancelled),
        (CANCEL_HELD, CANCEL):        (CANCEL_HELD, None),

        (CANCELLING, TRYING):         (CANCELLING, None),
        (CANCELLING, PROVISIONAL):    (CANCELLING, None),
        (CANCELLING, SUCCESS):        (ENDING, _end_crossed),
        (CANCELLING, FAILURE):        (ENDED, _be_cancelled),
        (CANCELLING, CANCEL):         (CANCELLING, None),
        (CANCELLING, WAIT_OVER):      (ENDED, _abandon),
        (CANCELLING, BYE_RECEIVED):   (CANCELLING, _accept_bye),

        (ANSWERED, ACKNOWLEDGE):      (CONFIRMED, _acknowledge),
        (ANSWERED, REPEATED):         (ANSWERED, None),                # the user has not said so yet
        (ANSWERED, BYE):              (ENDING, _acknowledge_and_hang_up),
        (ANSWERED, CANCEL):           (ENDING, _acknowledge_and_hang_up),  # the user did not know yet
        (ANSWERED, EXPIRED):          (ENDING, _acknowledge_and_expire),
        (ANSWERED, BYE_RECEIVED):     (ENDED, Call._be_hung_up),       # the callee gave up waiting for our ACK

        (CONFIRMED, REPEATED):        (CONFIRMED, _acknowledge_again),
        (ENDING, REPEATED):           (ENDING, _acknowledge_again),
        (ENDING, CANCEL):             (ENDING, None),

        (ENDED, TRYING):              (ENDED, None),
        (ENDED, PROVISIONAL):         (ENDED, None),
        (ENDED, SUCCESS):             (ENDED, _end_late),
        (ENDED, REPEATED):            (ENDED, _acknowledge_again),
        (ENDED, FAILURE):             (ENDED, None),
        (ENDED, CANCEL):              (ENDED, None),
        **SESSION_TABLE,
    }
    # fmt: on
