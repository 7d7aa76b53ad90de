"""How many registrations a registrar is asked for at once, and how fast: nobody's start or return may become its storm.

One pacer for each registrar. Whoever wants to send a REGISTER asks for its turn, and says when it is done. The window opens and closes
as TCP's does (RFC 5681): it starts small, grows by one with each answer, and is one as long as the registrar keeps silent; then those
who wait are told so, instead of each finding it out by a time-out of its own, and all of them come back when it speaks again.

Knows no messages. Invariants: never more than `Pace.window` turns are out, never more than `Pace.rate` a second are given; everybody
is out, queued or away at most once; who is queued gets a turn or is told that the registrar is silent.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from sip.deadlines import Deadlines

if TYPE_CHECKING:
    from sip.core import TimerOwner

_NEXT: Final = "next turn"
_ENOUGH: Final = 1.0 - 1e-6  # of a token: what was waited for must not be missed by a rounding


@dataclass(frozen=True, slots=True)
class Pace:
    """What a registrar is thought to bear.

    Args:
        rate: turns a second.
        window: turns at once.
        first: the window with which it begins.
    """

    rate: float = 1000.0
    window: int = 128
    first: int = 16

    def __post_init__(self) -> None:
        assert self.rate > 0, "the rate is positive"
        assert min(self.window, self.first) >= 1, "the window lets at least one through"


class Paced(Protocol):
    """Who waits for a turn. Told apart by identity."""

    def __hash__(self) -> int: ...

    def take_turn(self, now: float) -> None:
        """It may send now, and calls `done` when that is answered, or never will be."""

    def be_passed_over(self, now: float) -> None:
        """The registrar keeps silent: there is no turn."""

    def come_back(self, now: float) -> None:
        """The registrar, which was silent when this one was last told about it, speaks again."""


class Pacer:
    """The turns at one registrar.

    Args:
        deadlines: the core's.
        counters: "registrations_paced" (those that had to wait), "registrar_silent" (how often it fell silent).
    """

    __slots__ = ("_away", "_burst", "_counters", "_deadlines", "_is_giving", "_is_silent", "_out", "_pace", "_queue",
                 "_tokens", "_tokens_at", "_window")  # fmt: skip

    def __init__(
        self, pace: Pace, deadlines: Deadlines[TimerOwner, str], counters: Counter[str] | None = None
    ) -> None:
        self._pace = pace
        self._deadlines = deadlines
        self._counters: Counter[str] = Counter() if counters is None else counters
        # Dictionaries as sets that keep their order.
        self._queue: dict[Paced, None] = {}
        self._out: dict[Paced, None] = {}
        self._away: dict[Paced, None] = {}
        self._window = float(min(pace.first, pace.window))
        self._burst = max(1.0, pace.rate / 50)  # what is due in one tick of the shell's timer
        self._tokens = self._burst
        self._tokens_at = 0.0
        self._is_silent = False
        self._is_giving = False

    @property
    def out(self) -> int:
        """Turns that were given and are not done."""
        return len(self._out)

    @property
    def queued(self) -> int:
        """How many wait for a turn."""
        return len(self._queue)

    def ask(self, who: Paced, now: float) -> None:
        """Queue for a turn; it may come at once."""
        self._away.pop(who, None)
        self._queue[who] = None
        self._give(now)
        if who in self._queue:
            self._counters["registrations_paced"] += 1

    def withdraw(self, who: Paced) -> None:
        """It wants no turn any more, and is not told of any."""
        self._queue.pop(who, None)
        self._away.pop(who, None)

    def done(self, who: Paced, now: float, *, heard: bool, busy: bool = False) -> None:
        """A turn is over. Ignored when there was no turn.

        Args:
            heard: whether the registrar answered at all.
            busy: it answered that it has too much to do.
        """
        if who not in self._out:
            return
        del self._out[who]
        if heard:
            wider = self._window / 2 if busy else self._window + 1.0
            self._window = max(1.0, min(wider, float(self._pace.window)))
            if self._is_silent:
                self._welcome(now)
        else:
            self._window = 1.0
            self._away[who] = None
            self._pass_over(now)
        self._give(now)

    def handle_timer(self, name: str, now: float) -> None:
        """The next turn is due."""
        self._give(now)

    def _give(self, now: float) -> None:
        """Give the turns that may be given now; what happens in a turn may ask for others."""
        if self._is_giving:
            return
        self._is_giving = True
        try:
            while self._queue and len(self._out) < int(self._window):
                if not self._may_spend(now):
                    if not self._deadlines.is_set(self, _NEXT):
                        self._deadlines.set(self, _NEXT, now + (1.0 - self._tokens) / self._pace.rate)
                    break
                who = next(iter(self._queue))
                del self._queue[who]
                self._out[who] = None
                who.take_turn(now)
        finally:
            self._is_giving = False

    def _may_spend(self, now: float) -> bool:
        self._tokens = min(self._burst, self._tokens + (now - self._tokens_at) * self._pace.rate)
        self._tokens_at = now
        if self._tokens < _ENOUGH:
            return False
        self._tokens = max(0.0, self._tokens - 1.0)
        return True

    def _pass_over(self, now: float) -> None:
        """The registrar answered nobody: those who wait need not find out one after the other."""
        if not self._is_silent:
            self._is_silent = True
            self._counters["registrar_silent"] += 1
        queue, self._queue = self._queue, {}
        self._away |= queue
        for who in queue:
            who.be_passed_over(now)

    def _welcome(self, now: float) -> None:
        """The registrar speaks again: everybody who was turned away comes back, as fast as the window opens."""
        self._is_silent = False
        away, self._away = self._away, {}
        self._is_giving = True
        for who in away:
            who.come_back(now)
        self._is_giving = False
