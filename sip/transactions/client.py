"""The non-INVITE client transaction: RFC 3261 §17.1.2.

Sends a request until it is answered, passes responses up, and absorbs repeats of the final one.
Knows nothing of what the method means.

Invariants: at most one final response is passed up; the user hears of an end without one exactly once.
"""

from enum import StrEnum
from typing import ClassVar, Final

from sip.machine import Table
from sip.message import Response
from sip.transactions.base import ClientTransaction


class State(StrEnum):
    TRYING = "trying"
    PROCEEDING = "proceeding"
    COMPLETED = "completed"
    TERMINATED = "terminated"


class Input(StrEnum):
    PROVISIONAL = "1xx"
    FINAL = "200-699"
    TIMER_E = "timer E"
    TIMER_F = "timer F"
    TIMER_K = "timer K"
    TRANSPORT_LOST = "transport lost"
    ABANDON = "abandon"


TRYING: Final = State.TRYING
PROCEEDING: Final = State.PROCEEDING
COMPLETED: Final = State.COMPLETED
TERMINATED: Final = State.TERMINATED

PROVISIONAL: Final = Input.PROVISIONAL
FINAL: Final = Input.FINAL
TIMER_E: Final = Input.TIMER_E
TIMER_F: Final = Input.TIMER_F
TIMER_K: Final = Input.TIMER_K
TRANSPORT_LOST: Final = Input.TRANSPORT_LOST
ABANDON: Final = Input.ABANDON


class NonInviteClientTransaction(ClientTransaction[State, Input]):
    """A request of ours that is no INVITE and no ACK."""

    __slots__ = ()

    title = "non-INVITE client"
    figure = "RFC 3261 §17.1.2.2, figure 6"
    initial = TRYING

    def begin(self, now: float) -> None:
        timers = self._context.timers
        self._wire = self.request.to_bytes()
        self._send(now)
        self._start(TIMER_F, timers.t_f, now)
        if not self.flow.is_reliable:
            self._interval = timers.t_e
            self._start(TIMER_E, self._interval, now)

    def receive(self, response: Response, now: float) -> None:
        self._response = response
        self.step(PROVISIONAL if response.status < 200 else FINAL, now)

    def lose_transport(self, now: float) -> None:
        self.step(TRANSPORT_LOST, now)

    def abandon(self, now: float) -> None:
        self.step(ABANDON, now)

    def label(self, event: Input) -> str:
        return str(self._response.status) if event in (PROVISIONAL, FINAL) else event

    def _resend(self, now: float) -> None:
        self._interval = min(2 * self._interval, self._context.timers.t2)
        self._resend_after_interval(now)

    def _resend_slowly(self, now: float) -> None:
        self._interval = self._context.timers.t2
        self._resend_after_interval(now)

    def _resend_after_interval(self, now: float) -> None:
        self._start(TIMER_E, self._interval, now)
        self._send(now)

    def _complete(self, now: float) -> None:
        self._context.deadlines.cancel(self)
        self._start(TIMER_K, self._context.timers.t_k(reliable=self.flow.is_reliable), now)
        self._pass_up(now)

    # RFC 3261 §17.1.2.2, figure 6: the non-INVITE client transaction.
    # fmt: off
    table: ClassVar[Table[State, Input]] = {
        (TRYING, PROVISIONAL):        (PROCEEDING, ClientTransaction._pass_up),
        (TRYING, FINAL):              (COMPLETED, _complete),
        (TRYING, TIMER_E):            (TRYING, _resend),
        (TRYING, TIMER_F):            (TERMINATED, ClientTransaction._time_out),
        (TRYING, TRANSPORT_LOST):     (TERMINATED, ClientTransaction._fail),
        (TRYING, ABANDON):            (TERMINATED, ClientTransaction._end),   # ours: another server is asked

        (PROCEEDING, PROVISIONAL):    (PROCEEDING, ClientTransaction._pass_up),
        (PROCEEDING, FINAL):          (COMPLETED, _complete),
        (PROCEEDING, TIMER_E):        (PROCEEDING, _resend_slowly),
        (PROCEEDING, TIMER_F):        (TERMINATED, ClientTransaction._time_out),
        (PROCEEDING, TRANSPORT_LOST): (TERMINATED, ClientTransaction._fail),
        (PROCEEDING, ABANDON):        (TERMINATED, ClientTransaction._end),

        (COMPLETED, PROVISIONAL):     (COMPLETED, None),      # overtaken by the final response
        (COMPLETED, FINAL):           (COMPLETED, None),      # a retransmission; absorbed
        (COMPLETED, TRANSPORT_LOST):  (COMPLETED, None),      # nothing is sent any more
        (COMPLETED, ABANDON):         (COMPLETED, None),
        (COMPLETED, TIMER_K):         (TERMINATED, ClientTransaction._end),

        (TERMINATED, ABANDON):        (TERMINATED, None),
    }
    # fmt: on
