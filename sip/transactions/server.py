"""The non-INVITE server transaction: RFC 3261 §17.2.2.

Passes a request up once, sends what the user answers, and answers repeats of the request with the same again.
Knows nothing of what the method means.

Invariants: the request is passed up once; after the final response no other leaves.
"""

from enum import StrEnum
from typing import ClassVar, Final

from sip.machine import Table
from sip.message import Request, Response
from sip.transactions.base import ServerTransaction


class State(StrEnum):
    TRYING = "trying"
    PROCEEDING = "proceeding"
    COMPLETED = "completed"
    TERMINATED = "terminated"


class Input(StrEnum):
    REQUEST = "request"
    SEND_PROVISIONAL = "1xx from user"
    SEND_FINAL = "200-699 from user"
    TIMER_J = "timer J"
    TRANSPORT_LOST = "transport lost"


TRYING: Final = State.TRYING
PROCEEDING: Final = State.PROCEEDING
COMPLETED: Final = State.COMPLETED
TERMINATED: Final = State.TERMINATED

REQUEST: Final = Input.REQUEST
SEND_PROVISIONAL: Final = Input.SEND_PROVISIONAL
SEND_FINAL: Final = Input.SEND_FINAL
TIMER_J: Final = Input.TIMER_J
TRANSPORT_LOST: Final = Input.TRANSPORT_LOST


class NonInviteServerTransaction(ServerTransaction[State, Input]):
    """A request of the peer's that is no INVITE and no ACK."""

    __slots__ = ()

    title = "non-INVITE server"
    figure = "RFC 3261 §17.2.2, figure 8"
    initial = TRYING

    def receive(self, request: Request, now: float) -> None:
        self.step(REQUEST, now)

    def respond(self, response: Response, now: float) -> None:
        provisional = response.status < 200
        if self.state is not COMPLETED:
            self._response = response
        self.step(SEND_PROVISIONAL if provisional else SEND_FINAL, now)

    def lose_transport(self, now: float) -> None:
        self.step(TRANSPORT_LOST, now)

    def label(self, event: Input) -> str:
        return f"{self._response.status} from user" if event in (SEND_PROVISIONAL, SEND_FINAL) else event

    def _complete(self, now: float) -> None:
        self._send_response(now)
        self._start(TIMER_J, self._context.timers.t_j(reliable=self.flow.is_reliable), now)

    # RFC 3261 §17.2.2, figure 8: the non-INVITE server transaction.
    # fmt: off
    table: ClassVar[Table[State, Input]] = {
        (TRYING, REQUEST):              (TRYING, None),       # a retransmission; the user is at it
        (TRYING, SEND_PROVISIONAL):     (PROCEEDING, ServerTransaction._send_response),
        (TRYING, SEND_FINAL):           (COMPLETED, _complete),
        (TRYING, TRANSPORT_LOST):       (TRYING, None),       # nothing was sent yet; the answer will not arrive

        (PROCEEDING, REQUEST):          (PROCEEDING, ServerTransaction._repeat),
        (PROCEEDING, SEND_PROVISIONAL): (PROCEEDING, ServerTransaction._send_response),
        (PROCEEDING, SEND_FINAL):       (COMPLETED, _complete),
        (PROCEEDING, TRANSPORT_LOST):   (TERMINATED, ServerTransaction._fail),

        (COMPLETED, REQUEST):           (COMPLETED, ServerTransaction._repeat),
        (COMPLETED, SEND_PROVISIONAL):  (COMPLETED, None),    # "any other final responses MUST be discarded"
        (COMPLETED, SEND_FINAL):        (COMPLETED, None),
        (COMPLETED, TIMER_J):           (TERMINATED, ServerTransaction._end),
        (COMPLETED, TRANSPORT_LOST):    (TERMINATED, ServerTransaction._fail),

        (TERMINATED, SEND_PROVISIONAL): (TERMINATED, None),   # the user answers what was lost meanwhile
        (TERMINATED, SEND_FINAL):       (TERMINATED, None),
    }
    # fmt: on
