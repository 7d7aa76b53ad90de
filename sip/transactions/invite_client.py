"""The INVITE client transaction: RFC 3261 §17.1.1 as corrected by RFC 6026 §7.2, and the CANCEL that goes with it.

Sends an INVITE until anything answers, acknowledges a 300-699 by itself, and passes responses up. The ACK of a 2xx is
not its business: 2xx and its ACK go from end to end, and the user sends it (§13.2.2.4).
Knows nothing of dialogs: that 2xx with different To tags are different answers is the user's discovery.

Invariants: of 300-699 at most one is passed up, and none after a 2xx; every 300-699 received in time is acknowledged
with the same ACK; the user hears of an end without a final response exactly once, or not at all if it ended it.
"""

from enum import StrEnum
from typing import ClassVar, Final

from sip.fields import Headers, Value
from sip.machine import Table
from sip.message import Request, Response
from sip.transactions.base import ClientTransaction


class State(StrEnum):
    CALLING = "calling"
    PROCEEDING = "proceeding"
    COMPLETED = "completed"
    ACCEPTED = "accepted"
    TERMINATED = "terminated"


class Input(StrEnum):
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "300-699"
    TIMER_A = "timer A"
    TIMER_B = "timer B"
    TIMER_D = "timer D"
    TIMER_M = "timer M"
    TRANSPORT_LOST = "transport lost"
    RESUME = "resume"
    ABANDON = "abandon"


CALLING: Final = State.CALLING
PROCEEDING: Final = State.PROCEEDING
COMPLETED: Final = State.COMPLETED
ACCEPTED: Final = State.ACCEPTED
TERMINATED: Final = State.TERMINATED

PROVISIONAL: Final = Input.PROVISIONAL
SUCCESS: Final = Input.SUCCESS
FAILURE: Final = Input.FAILURE
TIMER_A: Final = Input.TIMER_A
TIMER_B: Final = Input.TIMER_B
TIMER_D: Final = Input.TIMER_D
TIMER_M: Final = Input.TIMER_M
TRANSPORT_LOST: Final = Input.TRANSPORT_LOST
RESUME: Final = Input.RESUME
ABANDON: Final = Input.ABANDON


def build_cancel(invite: Request, more: Headers = ()) -> Request:
    """The CANCEL of an INVITE that was sent (§9.1): the same target, Via, Route, From, To, Call-ID and CSeq number.

    Args:
        invite: as it left, with its Via: `transaction.request`.
        more: further headers, such as Reason.
    """
    return _build_companion("CANCEL", invite, invite.get("To") or "", more)


def _build_ack(invite: Request, response: Response) -> Request:
    """The ACK of a 300-699 (§17.1.1.3): as the INVITE, but To as the response has it."""
    return _build_companion("ACK", invite, response.get("To") or "")


def _build_companion(method: str, invite: Request, to: str, more: Headers = ()) -> Request:
    headers: list[tuple[str, Value]] = [
        ("Via", invite.get("Via") or ""),
        *(("Route", route) for route in invite.get_all("Route")),
        ("Max-Forwards", "70"),
        ("From", invite.get("From") or ""),
        ("To", to),
        ("Call-ID", invite.call_id),
        ("CSeq", f"{invite.cseq.number} {method}"),
        *more,
    ]
    return Request.build(method, invite.uri, headers)


class InviteClientTransaction(ClientTransaction[State, Input]):
    """An INVITE of ours, first or within a dialog."""

    __slots__ = ()

    title = "INVITE client"
    figure = "RFC 3261 §17.1.1.2, figure 5, as corrected by RFC 6026 §7.2"
    initial = CALLING

    def begin(self, now: float) -> None:
        timers = self._context.timers
        self._wire = self.request.to_bytes()
        self._send(now)
        self._start(TIMER_B, timers.t_b, now)
        if not self.flow.is_reliable:
            self._interval = timers.t_a
            self._start(TIMER_A, self._interval, now)

    def resume(self, now: float) -> None:
        """Wait for responses to an INVITE that an earlier life of this process sent; nothing is sent.

        Its end is the user's: `abandon`, if no final response came within 64*T1 of the CANCEL (§9.1).
        """
        self.step(RESUME, now)

    def receive(self, response: Response, now: float) -> None:
        self._response = response
        status = response.status
        self.step(PROVISIONAL if status < 200 else SUCCESS if status < 300 else FAILURE, now)

    def lose_transport(self, now: float) -> None:
        self.step(TRANSPORT_LOST, now)

    def abandon(self, now: float) -> None:
        """Give up waiting for a final response (§9.1: 64*T1 after CANCEL); the user is not told of what it did itself.

        Does nothing when a final response has come.
        """
        self.step(ABANDON, now)

    def label(self, event: Input) -> str:
        return str(self._response.status) if event in (PROVISIONAL, SUCCESS, FAILURE) else event

    def _resend(self, now: float) -> None:
        self._interval *= 2  # without a ceiling: an INVITE may wait for long (§17.1.1.2)
        self._start(TIMER_A, self._interval, now)
        self._send(now)

    def _proceed(self, now: float) -> None:
        self._context.deadlines.cancel(self)  # timers A and B: from now on it rings as long as it rings
        self._pass_up(now)

    def _accept(self, now: float) -> None:
        self._context.deadlines.cancel(self)
        self._start(TIMER_M, self._context.timers.t_m, now)
        self._pass_up(now)

    def _refuse(self, now: float) -> None:
        self._context.deadlines.cancel(self)
        self._wire = _build_ack(self.request, self._response).to_bytes()
        self._send(now)
        self._start(TIMER_D, self._context.timers.t_d(reliable=self.flow.is_reliable), now)
        self._pass_up(now)

    def _pass_up_as_stray(self, now: float) -> None:
        self._context.user.stray_response(self._response, self.flow, now)

    # RFC 3261 §17.1.1.2, figure 5, as corrected by RFC 6026 §7.2: the INVITE client transaction.
    # fmt: off
    table: ClassVar[Table[State, Input]] = {
        (CALLING, PROVISIONAL):       (PROCEEDING, _proceed),
        (CALLING, SUCCESS):           (ACCEPTED, _accept),
        (CALLING, FAILURE):           (COMPLETED, _refuse),
        (CALLING, TIMER_A):           (CALLING, _resend),
        (CALLING, TIMER_B):           (TERMINATED, ClientTransaction._time_out),
        (CALLING, TRANSPORT_LOST):    (TERMINATED, ClientTransaction._fail),
        (CALLING, RESUME):            (PROCEEDING, None),     # ours: an earlier life of the process sent it
        (CALLING, ABANDON):           (TERMINATED, ClientTransaction._end),

        (PROCEEDING, PROVISIONAL):    (PROCEEDING, ClientTransaction._pass_up),
        (PROCEEDING, SUCCESS):        (ACCEPTED, _accept),
        (PROCEEDING, FAILURE):        (COMPLETED, _refuse),
        (PROCEEDING, TRANSPORT_LOST): (TERMINATED, ClientTransaction._fail),  # ours: the road of the answer is gone
        (PROCEEDING, ABANDON):        (TERMINATED, ClientTransaction._end),

        (COMPLETED, PROVISIONAL):     (COMPLETED, None),      # overtaken by the final response
        (COMPLETED, SUCCESS):         (COMPLETED, _pass_up_as_stray),  # ours: another branch of a fork was answered
        (COMPLETED, FAILURE):         (COMPLETED, ClientTransaction._send),   # the ACK again
        (COMPLETED, TIMER_D):         (TERMINATED, ClientTransaction._end),
        (COMPLETED, TRANSPORT_LOST):  (TERMINATED, ClientTransaction._fail),
        (COMPLETED, ABANDON):         (COMPLETED, None),

        (ACCEPTED, PROVISIONAL):      (ACCEPTED, None),       # overtaken, or of another branch of a fork
        (ACCEPTED, SUCCESS):          (ACCEPTED, ClientTransaction._pass_up),
        (ACCEPTED, FAILURE):          (ACCEPTED, None),       # a proxy forwards none after a 2xx (§16.7)
        (ACCEPTED, TIMER_M):          (TERMINATED, ClientTransaction._end),
        (ACCEPTED, TRANSPORT_LOST):   (ACCEPTED, None),       # nothing is sent any more
        (ACCEPTED, ABANDON):          (ACCEPTED, None),

        (TERMINATED, ABANDON):        (TERMINATED, None),
    }
    # fmt: on
