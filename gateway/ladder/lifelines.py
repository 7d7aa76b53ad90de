"""The life of each leg's dialog, as a bar beside our column: hollow while it is early, full when it is confirmed, hatched while held."""

from collections.abc import Iterator, Sequence
from typing import Final

from gateway.ladder.steps import Ladder, Life

WIDTH: Final = 6
STEP: Final = 9

_LOOKS: Final[dict[Life, str]] = {
    "begun": 'fill="var(--paper)" stroke-dasharray="2 2"',
    "early": 'fill="var(--paper)"',
    "confirmed": 'fill="{colour}"',
    "held": 'fill="{colour}" fill-opacity=".35"',
}


def bars(ladder: Ladder, ys: Sequence[float], x: float, bottom: float) -> list[str]:
    """The bars as SVG.

    Args:
        ys: where each step's arrow is.
        x: where our column is; legs stand side by side around it.
        bottom: where the bar of a dialog that has not ended stops.
    """
    count = len(ladder.story.legs)
    return [
        part
        for leg in range(count)
        for part in _bar(ladder, ys, leg, x + (leg - (count - 1) / 2) * STEP, bottom)
    ]


def _bar(ladder: Ladder, ys: Sequence[float], leg: int, x: float, bottom: float) -> Iterator[str]:
    life: Life | None = None
    since = 0.0
    colour = f"var(--t{leg % 6})"
    for step, y in zip(ladder.steps, ys, strict=True):
        if step.leg != leg or step.life is None:
            continue
        if life is not None and life != "ended":
            yield _piece(life, colour, x, since, y)
        life, since = step.life, y
    if life is not None and life != "ended":
        yield _piece(life, colour, x, since, bottom)


def _piece(life: Life, colour: str, x: float, top: float, bottom: float) -> str:
    look = _LOOKS[life].replace("{colour}", colour)
    return (
        f'<rect x="{x - WIDTH / 2:g}" y="{top:g}" width="{WIDTH}" height="{max(0.0, bottom - top):g}" rx="1.5" '
        f'stroke="{colour}" {look}/>'
    )
