"""What all sockets of a process share on the shell's side: who may connect, who is there, and the way out.

What it does not know: frames, and what uvicorn is; a socket is anything that can write and close.

Invariant: `deliver` keeps the order of the outbox; a frame for a socket that is gone is dropped.
"""

from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from itertools import groupby
from operator import itemgetter
from typing import Protocol

from gateway.realtime.admission import Admission
from gateway.realtime.connection import Shared
from gateway.realtime.outbox import Close
from gateway.realtime.ports import Seats

_NUMBER = itemgetter(0)


class Socket(Protocol):
    """What the gate needs of a socket."""

    def write(self, frame: bytes) -> None:
        """Write a prepared frame, or cut off a peer that does not read."""

    def close(self, code: int, reason: str) -> None:
        """End the socket with this code."""


class Gate:
    """All sockets of a process, and what they need.

    Args:
        shared: what the connections share.
        admission: checks credentials.
        seats: knows whose pages may connect.
        clock: seconds since the epoch that never go back.
        on_input: called with the account's id after each input of a page that is in; the composition then flushes the office
            and calls `deliver`.
        path: where the sockets are.
    """

    def __init__(
        self,
        shared: Shared,
        admission: Admission,
        seats: Seats,
        clock: Callable[[], float],
        on_input: Callable[[int], None],
        path: str = "/ws",
    ) -> None:
        self.shared = shared
        self.admission = admission
        self.seats = seats
        self.clock = clock
        self.on_input = on_input
        self.path = path
        self.sockets: dict[int, Socket] = {}
        # Admissions and renewals under way; kept here, because the loop keeps no task alive by itself.
        self.tasks: set[object] = set()
        # accepted, not_found, foreign_origin, overloaded, no_handshake, protocol_error, binary, not_utf8, slow, silent, error
        self.counters: Counter[str] = Counter()
        self._last = 0

    def objection(self, path: str, origin: str) -> HTTPStatus | None:
        """Why an upgrade is answered by HTTP; None: it may go on."""
        if path != self.path:
            counter, status = "not_found", HTTPStatus.NOT_FOUND
        elif not self.seats.knows_origin(origin):
            counter, status = "foreign_origin", HTTPStatus.FORBIDDEN
        elif len(self.sockets) >= self.shared.limits.sockets:
            counter, status = "overloaded", HTTPStatus.SERVICE_UNAVAILABLE
        else:
            return None
        self.counters[counter] += 1
        return status

    def next_number(self) -> int:
        """A number for a new socket."""
        self._last += 1
        return self._last

    def deliver(self) -> None:
        """Write what waits in the outbox; neighbours for one socket (a delta and its letter) in one go."""
        sockets = self.sockets
        for number, group in groupby(self.shared.outbox.take_output(), _NUMBER):
            socket = sockets.get(number)
            if socket is None:
                continue
            frames: list[bytes] = []
            end: Close | None = None
            for _, item in group:
                if isinstance(item, Close):
                    end = item
                    break
                frames.append(item)
            if frames:
                socket.write(frames[0] if len(frames) == 1 else b"".join(frames))
            if end is not None:
                socket.close(end.code, end.reason)
