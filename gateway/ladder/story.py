"""One call, told: the messages of its legs and what passed between us and its pages, without secrets, ready to travel.

What the running process gives to `trubka ladder`, which draws it (`steps`, `svg`, `text`). Puts the trace of the SIP port and the diary
together; knows neither HTTP nor pictures. Invariant: no text leaves here that has not been through `sip.redaction`, or that a field of
`protocol` named as harmless.
"""

from collections.abc import Iterator

from msgspec import Struct, field

from gateway.ladder.diary import Diary, Entry
from gateway.ladder.frames import Seen, told
from sip.flow import Flow
from sip.redaction import shown
from sip.trace import Trace, Traced, TracedCall

LAST = "last"
"""Stands for the call that began last."""


class Said(Struct, omit_defaults=True):
    """A SIP message.

    Attributes:
        sent: by us; else it came.
        peer: address of the other side.
        leg: place of its leg in `Story.legs`.
        text: without secrets, line ends as LF.
        again: the same bytes went the same way before.
    """

    at: float
    sent: bool
    transport: str
    peer: str
    leg: int
    text: str
    again: bool = False


class Leg(Struct, omit_defaults=True):
    """One SIP dialog of the call.

    Attributes:
        left_out: how many messages were not kept, after the message with the number `gap` of this leg.
        kept: whether any message of it was kept.
    """

    call_id: str
    left_out: int = 0
    gap: int = 0
    kept: bool = True


class Heading(Struct, omit_defaults=True):
    """A call in the list. `id` is empty for one of which only SIP messages are known.

    Attributes:
        party: who is at the other end.
        end: how it ended, in codes; empty while it lives.
    """

    began_at: float
    id: str
    extension: str = ""
    direction: str = ""
    party: str = ""
    name: str = ""
    ended_at: float | None = None
    end: str = ""
    legs: list[str] = field(default_factory=list)


class Story(Struct, omit_defaults=True):
    """A call, told in order."""

    heading: Heading
    legs: list[Leg]
    said: list[Said]
    seen: list[Seen] = field(default_factory=list)
    frames_left_out: int = 0


class Archive:
    """The last calls of a process, as they may be shown.

    Args:
        trace: of the SIP port.
        diary: of the pages.
    """

    def __init__(self, trace: Trace, diary: Diary) -> None:
        self.trace = trace
        self.diary = diary

    def headings(self) -> list[Heading]:
        """Every call that is known, the latest first."""
        entries = self.diary.entries()
        known = {name for entry in entries for leg in entry.legs for name in (leg, leg.partition(";")[0])}
        found = [_heading(entry) for entry in entries]
        for call_id in self.trace.call_ids():
            call = self.trace.find(call_id)
            if call_id not in known and call is not None and len(call):
                found.append(_bare(call_id, call))
        return sorted(found, key=lambda one: one.began_at, reverse=True)

    def story(self, name: str) -> Story | None:
        """The call of this name: our id, a Call-ID, or `last`.

        A ladder of some hundred messages takes some milliseconds, and a person waits for it: it is told at once.
        """
        if name == LAST:
            headings = self.headings()
            if not headings:
                return None
            name = headings[0].id or headings[0].legs[0]
        entry = self.diary.find(name)
        if entry is not None:
            legs = self._legs(entry.legs)
            return Story(
                _heading(entry),
                [_leg(call_id, call) for call_id, call in legs],
                sorted(_said(legs), key=lambda one: one.at),
                told(entry.frames),
                entry.left_out,
            )
        call = self.trace.find(name)
        if call is None or not len(call):
            return None
        legs = [(name, call)]
        return Story(_bare(name, call), [_leg(name, call)], list(_said(legs)))

    def _legs(self, names: list[str]) -> list[tuple[str, TracedCall | None]]:
        """The legs' Call-IDs with their messages.

        A leg's name bears our tag behind its Call-ID where two legs have the same one (`Line.name_of`): their messages stand together.
        """
        call_ids = dict.fromkeys(
            name if self.trace.find(name) is not None else name.partition(";")[0] for name in names
        )
        return [(call_id, self.trace.find(call_id)) for call_id in call_ids]


def _said(legs: list[tuple[str, TracedCall | None]]) -> Iterator[Said]:
    for place, (_, call) in enumerate(legs):
        before: set[tuple[bool, Flow, bytes]] = set()
        for one in call or ():
            same = (one.sent, one.flow, one.data)
            yield _one_said(one, place, again=same in before)
            before.add(same)


def _one_said(one: Traced, leg: int, *, again: bool) -> Said:
    host, port = one.flow.remote
    peer = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return Said(one.at, one.sent, one.flow.transport, peer, leg, shown(one.data), again)


def _leg(call_id: str, call: TracedCall | None) -> Leg:
    if call is None:
        return Leg(call_id, kept=False)
    return Leg(call_id, call.left_out, call.gap)


def _heading(entry: Entry) -> Heading:
    end = ""
    if entry.end is not None:
        end = f"{entry.end.cause} by {entry.end.by}" + (f" ({entry.end.status})" if entry.end.status else "")
    return Heading(
        began_at=entry.began_at,
        id=entry.id,
        extension=entry.extension,
        direction=entry.direction,
        party=entry.party.shown or entry.party.number,
        name=entry.party.name or "",
        ended_at=entry.ended_at,
        end=end,
        legs=list(entry.legs),
    )


def _bare(call_id: str, call: TracedCall) -> Heading:
    """A call that no line of ours knew, as far as its first message tells."""
    first = next(iter(call))
    return Heading(first.at, "", direction="out" if first.sent else "in", legs=[call_id])
