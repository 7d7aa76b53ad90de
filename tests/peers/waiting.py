"""Waiting for what cannot be awaited: a level over time, a file, another process' view. Everything else waits for an event."""

import asyncio
from collections.abc import Callable


async def until(
    met: Callable[[], bool], *, within: float = 20.0, otherwise: Callable[[], str], every: float = 0.02
) -> None:
    """Look again every 20 ms until a condition is met. Raises TimeoutError with the sentence of `otherwise`."""
    try:
        async with asyncio.timeout(within):
            while not met():  # noqa: ASYNC110 - nobody sets an event when time passes over a level
                await asyncio.sleep(every)
    except TimeoutError:
        raise TimeoutError(f"{otherwise()} (waited {within} s)") from None
