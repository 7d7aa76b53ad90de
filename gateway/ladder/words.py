"""What both ways of drawing a ladder say in words: moments, pauses, the heading, and facts broken into lines. Pure."""

from collections.abc import Iterable
from datetime import datetime, tzinfo

from gateway.ladder.steps import Ladder
from gateway.ladder.story import Heading


def clock(at: float, zone: tzinfo) -> str:
    """`14:03:22.118`."""
    return datetime.fromtimestamp(at, zone).strftime("%H:%M:%S.%f")[:-3]


def day(at: float, zone: tzinfo) -> str:
    """`2026-11-22 14:03:22 +0300`."""
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S %z")


def pause(seconds: float) -> str:
    """How long nothing was said."""
    if seconds < 60:
        return f"{seconds:.1f} s later"
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes} min {rest:02} s later"
        if minutes < 60
        else f"{minutes // 60} h {minutes % 60:02} min later"
    )


def parties(heading: Heading) -> str:
    """`+7 916 … → 101`, the caller first."""
    party = heading.party or "?"
    if heading.name:
        party = f"{heading.name} {party}"
    ours = heading.extension or "no extension of ours"
    return f"{party} → {ours}" if heading.direction == "in" else f"{ours} → {party}"


def outcome(heading: Heading) -> str:
    """How long it lasted and how it ended."""
    if heading.ended_at is None:
        return "not ended" if heading.id else ""
    return f"{heading.ended_at - heading.began_at:.1f} s, {heading.end or 'ended'}"


def heading_lines(ladder: Ladder, zone: tzinfo) -> list[str]:
    """The call in a line, then its legs, a line each."""
    story = ladder.story
    heading = story.heading
    kind = {"in": "Call in", "out": "Call out"}.get(heading.direction, "Call")
    id = f"call {heading.id}" if heading.id else ""
    about = (day(heading.began_at, zone), outcome(heading), id)
    lines = [f"{kind}: {parties(heading)}", " · ".join(part for part in about if part)]
    for place, leg in enumerate(story.legs, 1):
        name = f"leg {place} · " if len(story.legs) > 1 else ""
        lines.append(
            f"{name}Call-ID {leg.call_id}" + ("" if leg.kept else " (its messages are not kept any more)")
        )
    return lines


def wrapped(facts: Iterable[str], room: int) -> list[str]:
    """Facts side by side, as many as fit into a line of `room` characters; one that is too long is cut."""
    lines: list[str] = []
    for fact in facts:
        fact = fact if len(fact) <= room else f"{fact[: max(1, room - 1)]}…"
        if lines and len(lines[-1]) + 3 + len(fact) <= room:
            lines[-1] = f"{lines[-1]} · {fact}"
        else:
            lines.append(fact)
    return lines
