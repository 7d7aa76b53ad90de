"""Waiting for what cannot be awaited: a level over time, a file, another process' view. Everything else waits for an event."""

import asyncio
from collections.abc import Callable
from typing import Final

# Seconds that a play waits for what must come, on a machine with two cores that others keep busy. Who waits is told by an event
# and does not lose time by patience; it ends only what would never come.
PATIENCE: Final = 60.0


async def until(
    met: Callable[[], bool], *, within: float = PATIENCE, otherwise: Callable[[], str], every: float = 0.02
) -> None:
    """Look again every 20 ms until a condition is met. Raises TimeoutError with the sentence of `otherwise`."""
    try:
        async with asyncio.timeout(within):
            while not met():  # noqa: ASYNC110 - nobody sets an event when time passes over a level
                await asyncio.sleep(every)
    except TimeoutError:
        raise TimeoutError(f"{otherwise()} (waited {within} s)") from None
