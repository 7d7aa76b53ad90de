"""A ladder in letters, for a terminal, a ticket or a mail: readable at 100 columns in any monospaced face.

Invariant: no line of a ladder is longer than WIDTH, and no control character of a message reaches the terminal.
"""

from datetime import tzinfo
from typing import Final

from gateway.ladder.steps import Ladder, Step
from gateway.ladder.story import Heading
from gateway.ladder.words import clock, day, heading_lines, outcome, parties, pause, wrapped

WIDTH: Final = 100
GUTTER: Final = 21  # `14:03:22.118  +0.043`
LONG_PAUSE: Final = 2.0  # seconds without a message that get a line of their own
_LINE: Final = "│"


def text(ladder: Ladder, zone: tzinfo, *, full: bool = False) -> str:
    """The ladder. `full`: with the whole messages below it."""
    drawing = _Drawing(ladder, zone)
    lines = [_plain(line) for line in drawing.lines()]
    if full:
        for step in ladder.steps:
            if step.text:
                lines += [
                    "",
                    f"--- {step.number}  {_plain(step.title)}  {clock(step.at, zone)} ".ljust(WIDTH, "-"),
                ]
                lines += [_plain(line) for line in step.text.splitlines()]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def listed(headings: list[Heading], zone: tzinfo) -> str:
    """The last calls, a line each, the latest first."""
    if not headings:
        return "No call since the gateway was started.\n"
    rows = [
        (day(one.began_at, zone)[:19], {"in": "in", "out": "out"}.get(one.direction, ""), parties(one), outcome(one) or "–",
         one.id or f"Call-ID {one.legs[0]}")
        for one in headings
    ]  # fmt: skip
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    return "".join(
        _plain("  ".join([*(cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)), row[4]]))
        + "\n"
        for row in rows
    )


class _Drawing:
    """One ladder on its way."""

    def __init__(self, ladder: Ladder, zone: tzinfo) -> None:
        self.ladder = ladder
        self.zone = zone
        count = len(ladder.columns)
        # Beside the last column there is room for its name, or for what becomes of a dialog.
        first, last = GUTTER + 4, WIDTH - (9 if count > ladder.us + 1 else 22)
        self.places = [first + round((last - first) * place / max(1, count - 1)) for place in range(count)]

    def lines(self) -> list[str]:
        lines = [line[:WIDTH] for line in heading_lines(self.ladder, self.zone)]
        lines += ["", self._names("title"), self._names("subtitle"), self._row()]
        before: Step | None = None
        for step in self.ladder.steps:
            if step.missing:
                lines.append(self._between(f"{step.missing} messages were not kept"))
            elif before is not None and step.at - before.at >= LONG_PAUSE:
                lines.append(self._between(pause(step.at - before.at)))
            lines += self._step(step, before)
            before = step
        if self.ladder.story.frames_left_out:
            lines.append(self._between(f"{self.ladder.story.frames_left_out} frames of pages were not kept"))
        return [*lines, self._row()]

    def _names(self, which: str) -> str:
        """Titles or subtitles over their columns, each as wide as there is room."""
        row = [" "] * WIDTH
        room = min([after - before for before, after in zip(self.places, self.places[1:], strict=False)]) - 1
        for place, column in zip(self.places, self.ladder.columns, strict=True):
            words = str(getattr(column, which))[: min(room, 2 * (WIDTH - place))]
            begin = max(0, min(place - len(words) // 2, WIDTH - len(words)))
            row[begin : begin + len(words)] = words
        return "".join(row)

    def _row(self, gutter: str = "") -> str:
        row = list(gutter.ljust(WIDTH))
        for place in self.places:
            row[place] = _LINE
        return "".join(row)

    def _over(self, row: str, begin: int, words: str) -> str:
        return f"{row[:begin]}{words}{row[begin + len(words) :]}"[:WIDTH]

    def _between(self, words: str) -> str:
        middle = (self.places[0] + self.places[self.ladder.us]) // 2
        return self._over(self._row(), middle - len(words) // 2 - 1, f" {words} ")

    def _step(self, step: Step, before: Step | None) -> list[str]:
        left, right = sorted((self.places[step.source], self.places[step.target]))
        room = right - left - 1
        title = " ".join(part for part in (step.title, step.cseq, step.remark) if part)
        to_right = step.target > step.source
        shaft = f" {title[: room - 6]} ".center(room - 1, "·" if step.quiet else "─")
        arrow = f"{shaft}▶" if to_right else f"◀{shaft}"
        since = "" if before is None else f"+{step.at - before.at:.3f}"
        lines = [self._over(self._row(f"{clock(step.at, self.zone)}{since:>8}"), left + 1, arrow)]
        if step.news:
            words = step.news if len(self.ladder.story.legs) == 1 else f"leg {step.leg + 1} {step.news}"
            us = self.places[self.ladder.us]
            lines[0] = self._over(lines[0], us + 2, words[: WIDTH - us - 2])
        lines += [self._over(self._row(), left + 2, fact) for fact in wrapped(step.facts, room - 2)]
        return lines


def _plain(line: str) -> str:
    """The line without what a terminal would obey."""
    return "".join(one if one.isprintable() else "�" for one in line)
