"""A ladder as a picture: columns, one arrow a message, times, what decides, and the life of each dialog beside our column.

One self-contained SVG that follows the reader's light or dark scheme, prints well, and shows a message's text when the pointer rests on
its arrow. Invariant: whatever a message holds, what comes out is well-formed XML (`_text` is the only door for foreign text).
"""

from collections.abc import Iterator
from datetime import tzinfo
from typing import Final

from gateway.ladder.lifelines import STEP, bars
from gateway.ladder.steps import Ladder, Step
from gateway.ladder.words import clock, heading_lines, pause, wrapped

GUTTER: Final = 152
MARGIN: Final = 96
PEER_GAP: Final = 400
PAGE_GAP: Final = 340
LINE: Final = 15
FACT: Final = 6.65  # width of a character of the small monospaced face
TITLE: Final = 8.1  # and of the titles, on the safe side
LONG_PAUSE: Final = 2.0  # seconds without a message that get a row of their own

_STYLE: Final = """
svg { --paper: #ffffff; --ink: #1c2128; --soft: #5b6572; --faint: #d5dae1; --band: #f5f7f9; --ok: #12733a; --bad: #c0232c;
  --page: #7b3fc4; --t0: #0b62c4; --t1: #b3560b; --t2: #0a7c7c; --t3: #a3308c; --t4: #4d6b00; --t5: #5a55c9; }
@media (prefers-color-scheme: dark) { svg { --paper: #14181d; --ink: #e8ecf1; --soft: #98a3b0; --faint: #39424d; --band: #1b2027;
  --ok: #5fcf8a; --bad: #ff7b7b; --page: #c39bff; --t0: #6db3ff; --t1: #f0a35e; --t2: #53cfcf; --t3: #f08ad9; --t4: #b2d154;
  --t5: #a9a5ff; } }
text { font: 12px ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: var(--ink); }
.head { font-size: 17px; font-weight: 650; } .column { font-size: 13.5px; font-weight: 650; text-anchor: middle; }
.sub, .fact, .time, .gap, .full, .id { font: 11px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: var(--soft); }
.sub, .fact, .gap { text-anchor: middle; } .time { fill: var(--ink); text-anchor: end; } .since { fill: var(--soft); }
.full { fill: var(--ink); white-space: pre; } .title { font-size: 13px; font-weight: 650; text-anchor: middle; }
.page .title { fill: var(--page); } .quiet .title { font-weight: 450; fill: var(--soft); } .success .title { fill: var(--ok); }
.failure .title, .title .odd { fill: var(--bad); } .odd { font-size: 11px; font-weight: 600; } .news { font-size: 11.5px; font-weight: 600; }
.cseq { font-size: 11px; font-weight: 450; fill: var(--soft); }
.lifeline { stroke: var(--faint); stroke-width: 1.5; } .arrow { fill: none; stroke-width: 1.6; } .again .arrow { stroke-dasharray: 5 4; }
.page .arrow { stroke: var(--page); } .page.quiet .arrow { stroke-opacity: .55; } .halo { stroke: var(--paper); stroke-width: 4px; paint-order: stroke; stroke-linejoin: round; }
.step:hover .band { fill: var(--band); } .band { fill: transparent; }
"""


def svg(ladder: Ladder, zone: tzinfo, *, full: bool = False) -> str:
    """The picture. `full`: with the whole messages below it."""
    return _Drawing(ladder, zone).drawn(full=full)


class _Drawing:
    """One picture on its way."""

    def __init__(self, ladder: Ladder, zone: tzinfo) -> None:
        self.ladder = ladder
        self.zone = zone
        self.xs = [float(GUTTER + MARGIN)]
        for place in range(1, len(ladder.columns)):
            gap = PEER_GAP if place == ladder.us else PAGE_GAP if place > ladder.us else PEER_GAP * 0.55
            self.xs.append(self.xs[-1] + gap)
        has_pages = len(ladder.columns) > ladder.us + 1
        self.width = self.xs[-1] + MARGIN + (24 if has_pages else 84)
        # Where each arrow is, by its place among the steps.
        self.ys: list[float] = []
        self.parts: list[str] = []

    def drawn(self, *, full: bool) -> str:
        top = self._heading()
        body, bottom = self._rows(top + 46)
        self._lifelines(top, bottom)
        self.parts += bars(self.ladder, self.ys, self.xs[self.ladder.us], bottom)
        self.parts += body
        if full:
            bottom = self._messages(bottom + 24)
        height = bottom + 24
        title = _text(heading_lines(self.ladder, self.zone)[0])
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {height:g}" width="{self.width:g}" '
            f'height="{height:g}" role="img">\n<title>{title}</title>\n<style>{_STYLE}</style>\n{_MARKERS}\n'
            f'<rect width="100%" height="100%" fill="var(--paper)"/>\n' + "\n".join(self.parts) + "\n</svg>\n"
        )

    def _heading(self) -> float:
        """The call in words; where the columns begin."""
        first, *rest = heading_lines(self.ladder, self.zone)
        most = int((self.width - 48) / FACT)
        self._put(24, 34, "head", _clipped(first, int((self.width - 48) / 9.2)))
        y = 36.0
        for line in rest:
            y += 17
            self._put(24, y, "id", _clipped(line, most))
        return y + 34

    def _lifelines(self, top: float, bottom: float) -> None:
        for x, column in zip(self.xs, self.ladder.columns, strict=True):
            most = int(min(PAGE_GAP, PEER_GAP * 0.55) / FACT) - 1
            self._put(x, top, "column", _clipped(column.title, most))
            self._put(x, top + 15, "sub", _clipped(column.subtitle, most))
            self.parts.append(
                f'<line class="lifeline" x1="{x:g}" x2="{x:g}" y1="{top + 24:g}" y2="{bottom:g}"/>'
            )

    def _rows(self, y: float) -> tuple[list[str], float]:
        """Every step, and the pauses between them; where they end."""
        outer, self.parts = self.parts, []
        before: Step | None = None
        for step in self.ladder.steps:
            if step.missing:
                y = self._between(y, f"{step.missing} messages were not kept")
            elif before is not None and step.at - before.at >= LONG_PAUSE:
                y = self._between(y, pause(step.at - before.at))
            y = self._step(step, before, y)
            before = step
        if self.ladder.story.frames_left_out:
            y = self._between(y, f"{self.ladder.story.frames_left_out} frames of pages were not kept")
        inner, self.parts = self.parts, outer
        return inner, y + 6

    def _between(self, y: float, words: str) -> float:
        left, right = self.xs[0] - 40, self.xs[-1] + 40
        middle = (self.xs[0] + self.xs[self.ladder.us]) / 2
        self.parts.append(
            f'<line x1="{left:g}" x2="{right:g}" y1="{y + 8:g}" y2="{y + 8:g}" stroke="var(--faint)" stroke-dasharray="2 5"/>'
        )
        self._put(middle, y + 12, "gap halo", words)
        return y + 26

    def _step(self, step: Step, before: Step | None, y: float) -> float:
        """One arrow with what stands above, below and beside it; where the next one begins."""
        source, target = self.xs[step.source], self.xs[step.target]
        room = int((abs(source - target) - 34) / FACT)
        facts = wrapped(step.facts, room)
        at, height = y + 20, 26 + LINE * len(facts) + 9
        self.ys.append(at)
        self.parts.append(f'<g class="{_classes(step)}"><title>{_text(step.text or step.title)}</title>')
        self.parts.append(f'<rect class="band" x="0" y="{y:g}" width="{self.width:g}" height="{height:g}"/>')
        self._put(14, at + 4, "id", str(step.number))
        self._put(GUTTER - 26, at + 4, "time", clock(step.at, self.zone))
        if before is not None:
            self._put(GUTTER - 26, at + 17, "time since", f"+{step.at - before.at:.3f}")
        self._arrow(step, source, target, at)
        middle = (source + target) / 2
        self._title(step, middle, at - 6, int(abs(source - target) / TITLE) - 3)
        for place, line in enumerate(facts):
            self._put(middle, at + 14 + LINE * place, "fact halo", line)
        if step.news:
            self._news(step, at + 4)
        self.parts.append("</g>")
        return y + height

    def _news(self, step: Step, y: float) -> None:
        """What becomes of the leg's dialog, beside its bar."""
        legs = len(self.ladder.story.legs)
        x = self.xs[self.ladder.us] + legs * STEP / 2 + 11
        words = step.news if legs == 1 else f"leg {step.leg + 1}: {step.news}"
        self.parts.append(
            f'<text class="news halo" x="{x:g}" y="{y:g}" style="fill:var(--t{step.leg % 6})">{_text(words)}</text>'
        )

    def _title(self, step: Step, x: float, y: float, most: int) -> None:
        most -= len(step.cseq) + len(step.remark)
        words = _text(_clipped(step.title, most))
        for kind, more in (("cseq", step.cseq), ("odd", step.remark)):
            words += f'<tspan class="{kind}" dx="7">{_text(more)}</tspan>' if more else ""
        self.parts.append(f'<text class="title halo" x="{x:g}" y="{y:g}">{words}</text>')

    def _arrow(self, step: Step, source: float, target: float, y: float) -> None:
        direction = 1 if target > source else -1
        # Beside our column stand the bars of the legs.
        ours = len(self.ladder.story.legs) * STEP / 2 + 2
        source += direction * (ours if step.source == self.ladder.us else 2)
        target -= direction * ((ours if step.target == self.ladder.us else 2) + 6)
        colour = "" if step.transaction < 0 else f' style="stroke:var(--t{step.transaction % 6})"'
        tip = "page" if step.transaction < 0 else f"{step.transaction % 6}"
        self.parts.append(
            f'<path class="arrow" d="M{source:g} {y:g}H{target:g}"{colour} marker-end="url(#tip-{tip})"/>'
        )

    def _messages(self, y: float) -> float:
        """Every message whole, numbered as above."""
        most = int((self.width - 80) / FACT)
        for step in self.ladder.steps:
            if not step.text:
                continue
            self._put(24, y + 12, "title", f"{step.number}  {step.title}", anchor="start")
            y += 18
            for line in step.text.splitlines():
                # A line that is too long goes on in the next one, a little to the right.
                for place in range(0, max(1, len(line)), most):
                    y += 14
                    self._put(40 if not place else 56, y, "full", line[place : place + most])
            y += 22
        return y

    def _put(self, x: float, y: float, kind: str, words: str, anchor: str = "") -> None:
        style = f' style="text-anchor:{anchor}"' if anchor else ""
        self.parts.append(f'<text class="{kind}" x="{x:g}" y="{y:g}"{style}>{_text(words)}</text>')


def _tips() -> Iterator[str]:
    for name, colour in (*((str(place), f"t{place}") for place in range(6)), ("page", "page")):
        yield (
            f'<marker id="tip-{name}" viewBox="0 0 10 10" refX="2" refY="5" markerWidth="9" markerHeight="9" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L10 5L0 10z" fill="var(--{colour})"/></marker>'
        )


_MARKERS: Final = f"<defs>{''.join(_tips())}</defs>"


def _classes(step: Step) -> str:
    kinds = {
        step.tone: True,
        "page": step.leg < 0,
        "again": step.again,
        "quiet": step.quiet,
    }
    return " ".join(["step", *(kind for kind, holds in kinds.items() if holds)])


def _clipped(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: max(1, most - 1)]}…"


def _text(words: str) -> str:
    """Foreign text inside an element: escaped, and without what XML 1.0 cannot hold (§2.2)."""
    kept = "".join(
        one
        for one in words
        if one in "\t\n" or " " <= one <= "\ud7ff" or "\ue000" <= one <= "\ufffd" or one > "\uffff"
    )
    return kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
