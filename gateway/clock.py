"""One list of deadlines for everything an office waits for, so that the shell needs one timer (house rule 11).

Whoever waits is a `Timed` and is told which of its deadlines came due. Knows no clock: `now` is given.
"""

from collections.abc import Hashable
from typing import Protocol, TypeAlias

from sip.deadlines import Deadlines


class Timed(Hashable, Protocol):
    """Who may set deadlines."""

    def handle_timer(self, name: str, now: float) -> None:
        """The deadline of this name came due."""


Clock: TypeAlias = Deadlines[Timed, str]


def fire(clock: Clock, now: float) -> None:
    """Tell everybody whose deadline is due."""
    for owner, name in clock.due(now):
        owner.handle_timer(name, now)
