"""The one timer of a shell: it follows the next deadline of its core.

Knows the loop and a clock, nothing of what is due. Invariants: when a deadline has come, `fire` is called at the end of its tick,
at most `TICK` late; however often the deadline moves, there is one timer, and it is moved only when something comes sooner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import ceil
from typing import Final

# Seconds. A process that slept pays 25 to 60 µs of CPU to wake up, more than most of what is due costs; deadlines of one tick share
# one awakening, and none of SIP's timers minds 20 ms (T1 is 500).
TICK: Final = 0.02


class Alarm:
    """Calls `fire` when the deadline has come.

    Args:
        clock: gives the moment, in seconds, as the deadlines mean it.
        fire: is called with the alarm unset; it sets it again.
    """

    __slots__ = ("_at", "_clock", "_fire", "_timer")

    def __init__(self, clock: Callable[[], float], fire: Callable[[], None]) -> None:
        self._clock = clock
        self._fire = fire
        self._timer: asyncio.TimerHandle | None = None
        self._at = 0.0

    @property
    def is_set(self) -> bool:
        """Whether it is going to ring."""
        return self._timer is not None

    def follow(self, deadline: float | None) -> None:
        """The core's next deadline is this one now; None: there is none. Inside the running loop.

        Most deadlines are cancelled before they come: a timer that fires for nothing is cheaper than one that is moved each time.
        """
        if deadline is None:
            return
        at = ceil(deadline / TICK) * TICK
        if self._timer is not None:
            if self._at <= at:
                return
            self._timer.cancel()
        self._at = at
        self._timer = asyncio.get_running_loop().call_later(max(0.0, at - self._clock()), self._ring)

    def cancel(self) -> None:
        """Follow nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self._fire()
