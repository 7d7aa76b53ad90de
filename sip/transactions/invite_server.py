"""The INVITE server transaction: RFC 3261 §17.2.1 as corrected by RFC 6026 §7.1.

Passes an INVITE up once, sends 100 Trying, repeats a 300-699 until its ACK comes. A 2xx is repeated by the user, through
`respond` again, until the user has its ACK (§13.3.1.4); this transaction then only absorbs repeats of the INVITE.
Knows nothing of dialogs and offers.

Invariants: the INVITE is passed up once; after a 300-699 no other response leaves, after a 2xx only 2xx; an answer is
still owed as long as the state is proceeding, even when the transport is lost.
"""

from enum import StrEnum
from typing import ClassVar, Final

from sip.machine import Table
from sip.message import Request, Response
from sip.transactions.base import ServerTransaction


class State(StrEnum):
    PROCEEDING = "proceeding"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"
    TERMINATED = "terminated"


class Input(StrEnum):
    INVITE = "INVITE"
    ACK = "ACK"
    SEND_PROVISIONAL = "1xx from user"
    SEND_SUCCESS = "2xx from user"
    SEND_FAILURE = "300-699 from user"
    TRYING_DUE = "100 due"
    TIMER_G = "timer G"
    TIMER_H = "timer H"
    TIMER_I = "timer I"
    TIMER_L = "timer L"
    TRANSPORT_LOST = "transport lost"


PROCEEDING: Final = State.PROCEEDING
COMPLETED: Final = State.COMPLETED
CONFIRMED: Final = State.CONFIRMED
ACCEPTED: Final = State.ACCEPTED
TERMINATED: Final = State.TERMINATED

INVITE: Final = Input.INVITE
ACK: Final = Input.ACK
SEND_PROVISIONAL: Final = Input.SEND_PROVISIONAL
SEND_SUCCESS: Final = Input.SEND_SUCCESS
SEND_FAILURE: Final = Input.SEND_FAILURE
TRYING_DUE: Final = Input.TRYING_DUE
TIMER_G: Final = Input.TIMER_G
TIMER_H: Final = Input.TIMER_H
TIMER_I: Final = Input.TIMER_I
TIMER_L: Final = Input.TIMER_L
TRANSPORT_LOST: Final = Input.TRANSPORT_LOST

_SENDS: Final = (SEND_PROVISIONAL, SEND_SUCCESS, SEND_FAILURE)


class InviteServerTransaction(ServerTransaction[State, Input]):
    """An INVITE of the peer's, first or within a dialog."""

    __slots__ = ("_ack",)

    title = "INVITE server"
    figure = "RFC 3261 §17.2.1, figure 7, as corrected by RFC 6026 §7.1"
    initial = PROCEEDING

    _ack: Request  # the last ACK received; read only by rows that an ACK leads to

    def begin(self, now: float) -> None:
        self._start(TRYING_DUE, self._context.timers.trying, now)

    def receive(self, request: Request, now: float) -> None:
        if request.method == "ACK":
            self._ack = request
            self.step(ACK, now)
        else:
            self.step(INVITE, now)

    def respond(self, response: Response, now: float) -> None:
        status = response.status
        self._response = response
        self.step(SEND_PROVISIONAL if status < 200 else SEND_SUCCESS if status < 300 else SEND_FAILURE, now)

    def lose_transport(self, now: float) -> None:
        self.step(TRANSPORT_LOST, now)

    def label(self, event: Input) -> str:
        return f"{self._response.status} from user" if event in _SENDS else event

    def _try(self, now: float) -> None:
        self._wire = self.request.reply(100).to_bytes()
        self._send(now)

    def _proceed(self, now: float) -> None:
        self._context.deadlines.cancel(self, TRYING_DUE)
        self._send_response(now)

    def _accept(self, now: float) -> None:
        self._context.deadlines.cancel(self)
        self._send_response(now)
        self._start(TIMER_L, self._context.timers.t_l, now)

    def _refuse(self, now: float) -> None:
        timers = self._context.timers
        self._context.deadlines.cancel(self)
        self._send_response(now)
        self._start(TIMER_H, timers.t_h, now)
        if not self.flow.is_reliable:
            self._interval = timers.t_g
            self._start(TIMER_G, self._interval, now)

    def _resend(self, now: float) -> None:
        self._interval = min(2 * self._interval, self._context.timers.t2)
        self._start(TIMER_G, self._interval, now)
        self._send(now)

    def _confirm(self, now: float) -> None:
        self._context.deadlines.cancel(self)
        self._start(TIMER_I, self._context.timers.t_i(reliable=self.flow.is_reliable), now)

    def _pass_up_ack(self, now: float) -> None:
        self._context.user.ack_received(self._ack, self.flow, now)

    # RFC 3261 §17.2.1, figure 7, as corrected by RFC 6026 §7.1: the INVITE server transaction.
    # fmt: off
    table: ClassVar[Table[State, Input]] = {
        (PROCEEDING, INVITE):           (PROCEEDING, ServerTransaction._repeat),
        (PROCEEDING, ACK):              (PROCEEDING, None),   # of nothing: no final response was sent
        (PROCEEDING, TRYING_DUE):       (PROCEEDING, _try),
        (PROCEEDING, SEND_PROVISIONAL): (PROCEEDING, _proceed),
        (PROCEEDING, SEND_SUCCESS):     (ACCEPTED, _accept),
        (PROCEEDING, SEND_FAILURE):     (COMPLETED, _refuse),
        (PROCEEDING, TRANSPORT_LOST):   (PROCEEDING, ServerTransaction._tell_failure),

        (COMPLETED, INVITE):            (COMPLETED, ServerTransaction._repeat),
        (COMPLETED, ACK):               (CONFIRMED, _confirm),
        (COMPLETED, TIMER_G):           (COMPLETED, _resend),
        (COMPLETED, TIMER_H):           (TERMINATED, ServerTransaction._time_out),
        (COMPLETED, TRANSPORT_LOST):    (COMPLETED, ServerTransaction._tell_failure),

        (CONFIRMED, INVITE):            (CONFIRMED, None),    # overtaken by the ACK
        (CONFIRMED, ACK):               (CONFIRMED, None),    # a retransmission; absorbed
        (CONFIRMED, TIMER_I):           (TERMINATED, ServerTransaction._end),
        (CONFIRMED, TRANSPORT_LOST):    (CONFIRMED, None),    # nothing is sent any more

        (ACCEPTED, INVITE):             (ACCEPTED, None),     # the user repeats the 2xx, not we
        (ACCEPTED, ACK):                (ACCEPTED, _pass_up_ack),
        (ACCEPTED, SEND_SUCCESS):       (ACCEPTED, ServerTransaction._send_response),
        (ACCEPTED, TIMER_L):            (TERMINATED, ServerTransaction._end),
        (ACCEPTED, TRANSPORT_LOST):     (ACCEPTED, ServerTransaction._tell_failure),

        (TERMINATED, SEND_SUCCESS):     (TERMINATED, None),   # the user's last repeat and timer L fell together
    }
    # fmt: on
