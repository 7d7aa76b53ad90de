"""Our reliable provisional responses to one INVITE: numbered, repeated until their PRACK comes, one at a time (RFC 3262 §3).

Goes beside the INVITE's transaction, which knows nothing of reliability. Does not know what a description in it means; whether the
2xx waits for it is asked by the call (`holds_2xx`).

Invariants: at most one response is unacknowledged, later ones wait for their turn; RSeq grows by one from a number by chance; after
the INVITE's final response nothing is sent or repeated, but a PRACK for what was sent still finds it.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from sip.calls.options import RELIABLE
from sip.fields import Value
from sip.machine import Machine, Table
from sip.message import Request

if TYPE_CHECKING:
    from sip.calls.early_callee import EarlyCallee

# §3: the first number is taken from 1 to 2**31 - 1; from the lower half, it never reaches the end.
_FIRST_RSEQ: Final = 2**30

_REPEAT: Final = "repeat 18x"
_NO_PRACK: Final = "no PRACK"


class State(StrEnum):
    READY = "ready"
    UNACKNOWLEDGED = "unacknowledged"
    CLOSED = "closed"


class Input(StrEnum):
    SEND = "send"
    PRACKED = "PRACK received"
    REPEAT = "repeat due"
    EXPIRED = "no PRACK for 64*T1"
    CLOSE = "final response sent"


READY: Final = State.READY
UNACKNOWLEDGED: Final = State.UNACKNOWLEDGED
CLOSED: Final = State.CLOSED

SEND: Final = Input.SEND
PRACKED: Final = Input.PRACKED
REPEAT: Final = Input.REPEAT
EXPIRED: Final = Input.EXPIRED
CLOSE: Final = Input.CLOSE


class Ringing(NamedTuple):
    """What a provisional response says."""

    status: int
    headers: tuple[tuple[str, Value], ...]
    sdp: bytes | None


class Provisional(Machine[State, Input]):
    """The reliable provisional responses of one incoming call."""

    __slots__ = ("_call", "_interval", "_outstanding", "_queue", "_response", "_rseq", "_said")

    title = "reliable 18x"
    figure = "RFC 3262 §3 (prose)"
    initial = READY

    def __init__(self, call: EarlyCallee) -> None:
        super().__init__()
        self._call = call
        self._rseq = 1 + int(call.core.ids.fraction() * _FIRST_RSEQ)
        self._queue: deque[Ringing] = deque()
        self._interval = 0.0
        # The number whose PRACK is still to come; §3 wants it known after the final response too.
        self._outstanding: int | None = None
        self._said: Ringing

    def identity(self) -> str:
        return self._call.id

    @property
    def holds_2xx(self) -> bool:
        """Whether a 2xx may not leave yet: a description is unacknowledged (§3, §5)."""
        return self.state is UNACKNOWLEDGED and self._said.sdp is not None

    def send(self, said: Ringing, now: float) -> None:
        """Send a response, or keep it until those before it are acknowledged."""
        self._queue.append(said)
        self.step(SEND, now)

    def drop_queue(self) -> None:
        """The 2xx makes what has not left superfluous."""
        self._queue.clear()

    def ring_again(self, now: float) -> None:
        """RFC 3261 §13.3.1.1: the same status once more, so that no proxy gives up; superfluous while it is repeated anyway."""
        if self.state is READY:
            self.send(self._said._replace(sdp=None), now)

    def matches(self, request: Request) -> bool:
        """Whether a PRACK is for the response that waits for one (§3)."""
        rack = (request.get("RAck") or "").split()
        if self._outstanding is None or len(rack) != 3:
            return False
        invite = self._call.request.cseq
        return rack == [str(self._outstanding), str(invite.number), invite.method]

    def acknowledge(self, now: float) -> None:
        """The PRACK that matches came."""
        self._outstanding = None
        self.step(PRACKED, now)

    def close(self, now: float) -> None:
        """The INVITE gets its final response."""
        self.step(CLOSE, now)

    def handle_timer(self, name: str, now: float) -> None:
        """A deadline came due."""
        self.step(REPEAT if name == _REPEAT else EXPIRED, now)

    # Actions.

    def _send(self, now: float) -> None:
        call, timers = self._call, self._call.core.timers
        status, headers, sdp = self._said = self._queue.popleft()
        more: list[tuple[str, Value]] = [*headers, ("Require", RELIABLE), ("RSeq", self._rseq)]
        self._outstanding = self._rseq
        self._rseq += 1
        self._response = call.reply(call.request, status, headers=more, contact=True, sdp=sdp)
        self._interval = timers.t1
        call.invite.respond(self._response, now)
        call.provisional_sent(sdp, now)
        call.core.deadlines.set(self, _REPEAT, now + self._interval)
        call.core.deadlines.set(self, _NO_PRACK, now + timers.timeout)

    def _repeat(self, now: float) -> None:
        self._call.invite.respond(self._response, now)
        self._interval *= 2
        self._call.core.deadlines.set(self, _REPEAT, now + self._interval)

    def _go_on(self, now: float) -> None:
        self._call.core.deadlines.cancel(self)
        if self._queue:
            self.step(SEND, now)

    def _stop(self, now: float) -> None:
        self._call.core.deadlines.cancel(self)
        self._queue.clear()

    def _give_up(self, now: float) -> None:
        self._stop(now)
        self._call.provisional_lost(now)

    # fmt: off
    table: ClassVar[Table[State, Input]] = {
        (READY, SEND):              (UNACKNOWLEDGED, _send),
        (READY, CLOSE):             (CLOSED, None),

        (UNACKNOWLEDGED, SEND):     (UNACKNOWLEDGED, None),   # its turn comes with the PRACK
        (UNACKNOWLEDGED, PRACKED):  (READY, _go_on),
        (UNACKNOWLEDGED, REPEAT):   (UNACKNOWLEDGED, _repeat),
        (UNACKNOWLEDGED, EXPIRED):  (CLOSED, _give_up),
        (UNACKNOWLEDGED, CLOSE):    (CLOSED, _stop),

        (CLOSED, PRACKED):          (CLOSED, None),           # of what was sent before the final response
        (CLOSED, CLOSE):            (CLOSED, None),
    }
    # fmt: on
