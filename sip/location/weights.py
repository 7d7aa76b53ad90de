"""The lottery among servers of one priority: who has a higher weight comes first more often (RFC 2782, "Weight").

Knows no DNS. Invariants: every server is drawn once, so that all of them are tried in the end; equal fractions give equal orders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def draw(weighted: Iterable[tuple[int, T]], fraction: Callable[[], float]) -> list[T]:
    """An order by lot.

    Args:
        weighted: weight (0 and up) and server.
        fraction: gives a number from 0 up to, not including, 1.
    """
    # "Arrange all SRV RRs so that all those with weight 0 are placed at the beginning": they have a very small chance.
    left = sorted(weighted, key=lambda one: one[0] > 0)
    order: list[T] = []
    while len(left) > 1:
        total = sum(weight for weight, _ in left)
        lot = int(fraction() * (total + 1))  # "between 0 and the sum (inclusive)"
        place, running = 0, left[0][0]
        while running < lot:
            place += 1
            running += left[place][0]
        order.append(left.pop(place)[1])
    return order + [one for _, one in left]
