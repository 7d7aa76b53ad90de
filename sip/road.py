"""The road to one peer over TCP or TLS: the connection that stands, is being made, or is waited for.

Knows no sockets: its owner connects, writes and tells. Invariants: at most one connection is being made; what is asked to be sent is
written, kept for a connection that is being made, or told as lost, and never forgotten; a peer that cannot be reached is tried at
pauses that grow, and only while somebody wants it.

The pauses are those of RFC 5626 §4.5 in form (doubled with each failure up to a bound, half to the whole of it by chance), but 1
to 30 s instead of 30 to 1800: a process is one client with one connection for all its lines, and an office without telephones is
waiting. What is asked of a road in its pause is told as lost at once, so that a line can try the next server.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import ClassVar, Final, Protocol

from sip.flow import Flow
from sip.machine import Machine, Table

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
# Bytes kept for a connection that is being made; ten thousand REGISTERs are 8 MB.
_MOST_WAITING: Final = 16 * 1024 * 1024


class RoadState(StrEnum):
    RESTING = "resting"  # no connection, and none is wanted
    CONNECTING = "connecting"
    OPEN = "open"
    PAUSING = "pausing"


class RoadInput(StrEnum):
    SEND = "send"
    MADE = "made"
    FAILED = "failed"
    LOST = "lost"
    CUT_SHORT = "lost at once"  # a connection that dies as soon as it stands is no success
    TIME = "time"
    TIME_UNWANTED = "time, and nobody asked"


RESTING: Final = RoadState.RESTING
CONNECTING: Final = RoadState.CONNECTING
OPEN: Final = RoadState.OPEN
PAUSING: Final = RoadState.PAUSING

SEND: Final = RoadInput.SEND
MADE: Final = RoadInput.MADE
FAILED: Final = RoadInput.FAILED
LOST: Final = RoadInput.LOST
CUT_SHORT: Final = RoadInput.CUT_SHORT
TIME: Final = RoadInput.TIME
TIME_UNWANTED: Final = RoadInput.TIME_UNWANTED


class RoadOwner(Protocol):
    """What a road has done for it."""

    def connect(self, road: Road) -> None:
        """Make a connection; MADE or FAILED follows, later."""

    def write(self, flow: Flow, data: bytes) -> None:
        """Write over the connection of that number."""

    def wake(self, road: Road, pause: float) -> None:
        """TIME is to come in so many seconds."""

    def tell_lost(self, flow: Flow, cause: str) -> None:
        """Nothing goes over this flow any more. Called last, as what is told may send again."""

    def tell_refused(self, flow: Flow, cause: str) -> None:
        """Nothing goes over this flow for now; to be told after the present call has returned."""

    def tell_made(self, flow: Flow) -> None:
        """A connection stands that could not be made before."""

    @property
    def fraction(self) -> Callable[[], float]:
        """Gives numbers by chance, 0 to 1."""

    def forget_road(self, road: Road) -> None:
        """The road is as if it had never been used."""


class Road(Machine[RoadState, RoadInput]):
    """One road.

    Attributes:
        flow: of the connection that stands; else without a number.
        cause: why the last connection failed or was lost.
    """

    __slots__ = ("_data", "_failures", "_is_wanted", "_owner", "_size", "_waiting", "cause", "flow")

    title = "road"
    figure = "RFC 3261 §18.1.1, §18.4 and RFC 5626 §4.5 (prose)"
    initial = RESTING

    def __init__(self, flow: Flow, owner: RoadOwner) -> None:
        super().__init__()
        self.flow = flow
        self.cause = ""
        self._owner = owner
        self._waiting: list[bytes] = []
        self._size = 0
        self._failures = 0
        self._is_wanted = False
        self._data = b""  # what the present SEND is about

    def identity(self) -> str:
        return str(self.flow)

    def send(self, data: bytes, now: float) -> None:
        """Send bytes, as soon as there is a connection."""
        self._data = data
        self.step(SEND, now)

    def made(self, connection: int, now: float) -> None:
        """The connection that was asked for stands, and has this number."""
        self.flow = self.flow._replace(connection=connection)
        self.step(MADE, now)

    def failed(self, cause: str, now: float) -> None:
        """It could not be made."""
        self.cause = cause
        self.step(FAILED, now)

    def lost(self, cause: str, now: float, *, cut_short: bool) -> None:
        """The connection that stood is gone."""
        self.cause = cause
        self.step(CUT_SHORT if cut_short else LOST, now)

    def wake(self, now: float) -> None:
        """The pause is over."""
        self.step(TIME if self._is_wanted else TIME_UNWANTED, now)

    def _connect(self, now: float) -> None:
        if self._data:
            self._keep(now)
        self._is_wanted = False
        self._owner.connect(self)

    def _keep(self, now: float) -> None:
        if self._size + len(self._data) > _MOST_WAITING:
            self._refuse(now)
            return
        self._size += len(self._data)
        self._waiting.append(self._data)
        self._data = b""

    def _write(self, now: float) -> None:
        self._owner.write(self.flow, self._data)
        self._data = b""

    def _refuse(self, now: float) -> None:
        self._data = b""
        self._is_wanted = True
        self._owner.tell_refused(self.flow, self.cause or "too much is waiting for a connection")

    def _open(self, now: float) -> None:
        waiting, self._waiting, self._size = self._waiting, [], 0
        for data in waiting:
            self._owner.write(self.flow, data)
        if self._failures:
            self._owner.tell_made(self.flow)

    def _rest(self, now: float) -> None:
        lost, self.flow = self.flow, self.flow.road
        self._failures = 0
        self._owner.forget_road(self)
        self._owner.tell_lost(lost, self.cause)

    def _pause(self, now: float) -> None:
        lost, self.flow = self.flow, self.flow.road
        self._is_wanted = bool(self._waiting)
        self._waiting, self._size = [], 0
        longest = min(FIRST_PAUSE * 2.0 ** min(self._failures, 16), LONGEST_PAUSE)
        self._failures += 1
        self._owner.wake(self, longest * (0.5 + 0.5 * self._owner.fraction()))
        self._owner.tell_lost(lost, self.cause)

    def _give_up(self, now: float) -> None:
        self._owner.forget_road(self)

    # fmt: off
    table: ClassVar[Table[RoadState, RoadInput]] = {
        (RESTING, SEND):          (CONNECTING, _connect),

        (CONNECTING, SEND):       (CONNECTING, _keep),
        (CONNECTING, MADE):       (OPEN, _open),
        (CONNECTING, FAILED):     (PAUSING, _pause),

        (OPEN, SEND):             (OPEN, _write),
        (OPEN, LOST):             (RESTING, _rest),     # it may just have been idle: the next SEND makes another at once
        (OPEN, CUT_SHORT):        (PAUSING, _pause),

        (PAUSING, SEND):          (PAUSING, _refuse),
        (PAUSING, TIME):          (CONNECTING, _connect),
        (PAUSING, TIME_UNWANTED): (RESTING, _give_up),
    }
    # fmt: on
