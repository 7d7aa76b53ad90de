"""A call as the steps of a ladder: who says what to whom, in which transaction, and what becomes of the dialogs.

Between the story that travels and the two ways of drawing it; pure. Columns are the other sides of SIP, then we, then the pages.
A dialog's life is read from its messages (RFC 3261 §12, §13): begun, early, confirmed, held, ended.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from gateway.ladder.frames import Seen
from gateway.ladder.reading import Reading, shortened
from gateway.ladder.story import Said, Story

MOST_PEERS: Final = 3
"""Columns for the other sides of SIP; those beyond share the last one."""

Tone = Literal["request", "provisional", "success", "failure", "page"]
Life = Literal["begun", "early", "confirmed", "held", "ended"]


@dataclass(frozen=True, slots=True)
class Column:
    """A lifeline."""

    title: str
    subtitle: str


@dataclass(slots=True)
class Step:
    """An arrow.

    Attributes:
        number: from 1, as it is counted in the full text.
        source, target: columns.
        cseq: its number, and of a response its method.
        transaction: steps of one transaction have the same one; -1 between a page and us.
        leg: place of the SIP leg; -1 between a page and us.
        life: what the leg's dialog becomes with this message, if it becomes another.
        news: the same in words.
        again: the same message went this way before.
        answered: False of a request that no response is known to.
        quiet: it changes little: a delta that leaves the call in its state.
        missing: how many messages before this one were not kept.
    """

    number: int
    at: float
    source: int
    target: int
    title: str
    tone: Tone
    facts: list[str]
    text: str
    cseq: str = ""
    transaction: int = -1
    leg: int = -1
    life: Life | None = None
    news: str = ""
    again: bool = False
    answered: bool = True
    quiet: bool = False
    missing: int = 0

    @property
    def remark(self) -> str:
        """What is odd about it, in a word or two."""
        if self.again:
            return "again"
        return "" if self.answered else "no response"


@dataclass(slots=True)
class Ladder:
    """What is to be drawn."""

    story: Story
    columns: list[Column]
    steps: list[Step]
    us: int
    """The place of our column."""


@dataclass(slots=True)
class _Dialog:
    """What the messages of a leg have said so far."""

    life: Life | None = None
    offers: dict[tuple[bool, str, str], str] = field(default_factory=dict)
    """Direction that was offered, by who asked, and the number and method of the request."""
    count: int = 0


def ladder(story: Story) -> Ladder:
    """Lay a story out."""
    peers = list(dict.fromkeys((said.peer, said.transport) for said in story.said))
    columns = [Column("PBX", f"{peer} {transport}") for peer, transport in peers[:MOST_PEERS]]
    if len(peers) > MOST_PEERS:
        columns[-1] = Column("PBX", f"{len(peers) - MOST_PEERS + 1} addresses")
    if not columns:
        columns = [Column("PBX", "")]
    us = len(columns)
    heading = story.heading
    columns.append(Column("Trubka", f"extension {heading.extension}" if heading.extension else ""))
    if story.seen:
        columns.append(Column("browser", _tabs(story.seen)))
    place = {peer: min(number, MOST_PEERS - 1) for number, peer in enumerate(peers)}
    steps = list(_steps(story, place, us))
    answered = {step.transaction for step in steps if step.tone in ("provisional", "success", "failure")}
    for step in steps:
        step.answered = step.tone != "request" or step.title == "ACK" or step.transaction in answered
    return Ladder(story, columns, steps, us)


def _steps(story: Story, place: dict[tuple[str, str], int], us: int) -> Iterator[Step]:
    dialogs = [_Dialog() for _ in story.legs]
    transactions: dict[tuple[int, bool, str, str], int] = {}
    told: list[Said | Seen] = [*story.said, *story.seen]
    # At one and the same moment what a page orders comes before what leaves for the PBX, and what comes before what a page is shown.
    told.sort(key=lambda one: (one.at, _rank(one)))
    for number, one in enumerate(told, 1):
        if isinstance(one, Seen):
            yield _page_step(number, one, us)
            continue
        reading, peer = Reading(one.text), place[one.peer, one.transport]
        ends = (us, peer) if one.sent else (peer, us)
        step = Step(
            number, one.at, *ends, reading.title, _tone(reading), reading.facts(), one.text, reading.cseq
        )
        step.leg, step.again = one.leg, one.again
        # An ACK is drawn with its INVITE, whichever transaction it is of (RFC 3261 §17).
        method = "INVITE" if reading.method == "ACK" else reading.method
        key = (one.leg, one.sent == reading.is_request, reading.number, method)
        step.transaction = transactions.setdefault(key, len(transactions))
        dialog, leg = dialogs[one.leg], story.legs[one.leg]
        if dialog.count == leg.gap and leg.left_out:
            step.missing = leg.left_out
        dialog.count += 1
        _live(dialog, step, reading, sent=one.sent)
        yield step


def _page_step(number: int, seen: Seen, us: int) -> Step:
    ends = (us + 1, us) if seen.from_page else (us, us + 1)
    tone: Tone = "failure" if seen.failed else "page"
    facts = [shortened(detail) for detail in seen.details]
    step = Step(number, seen.at, *ends, shortened(seen.what, 60), tone, facts, seen.text)
    step.quiet = seen.what.startswith("delta") and not seen.changes
    return step


def _rank(one: Said | Seen) -> int:
    if isinstance(one, Seen):
        return 0 if one.from_page else 2
    return 1


def _tone(reading: Reading) -> Tone:
    if reading.is_request:
        return "request"
    if reading.status < 200:
        return "provisional"
    return "success" if reading.status < 300 else "failure"


def _live(dialog: _Dialog, step: Step, reading: Reading, *, sent: bool) -> None:
    """What the message makes of the leg's dialog."""
    before, after = dialog.life, _after(dialog, reading)
    news = ""
    key = (sent == reading.is_request, reading.number, reading.method)
    if reading.is_request and reading.description and reading.method in ("INVITE", "UPDATE"):
        dialog.offers[key] = _direction(reading.description)
    elif 200 <= reading.status < 300 and before in ("confirmed", "held") and key in dialog.offers:
        is_hold = dialog.offers.pop(key) in ("sendonly", "inactive")
        after = "held" if is_hold else "confirmed"
        # A response that we sent answers an offer of theirs.
        news = f"held by {'the PBX' if sent else 'us'}" if is_hold else "resumed"
    if after is not None and after != before:
        dialog.life = step.life = after
        step.news = news or ("goes on" if before is None and after == "confirmed" else _NEWS[after])


_NEWS: Final[dict[Life, str]] = {
    "begun": "begun",
    "early": "early dialog",
    "confirmed": "confirmed",
    "held": "held",
    "ended": "ended",
}


def _after(dialog: _Dialog, reading: Reading) -> Life | None:
    before, status = dialog.life, reading.status
    if reading.is_request:
        if before is None:
            # An UPDATE, or an INVITE with a tag, belongs to a dialog of an earlier life of ours.
            return "confirmed" if reading.has_tag("to") and reading.method != "CANCEL" else "begun"
        return (
            "begun"
            if before == "ended" and reading.method == "INVITE" and not reading.has_tag("to")
            else None
        )
    if reading.method == "BYE" and status >= 200:
        return "ended"
    if reading.method != "INVITE" or before not in ("begun", "early"):
        return "ended" if status in (408, 481) and before in ("confirmed", "held") else None
    if status >= 300:
        return None if status in (401, 407) else "ended"
    if status >= 200:
        return "confirmed"
    return "early" if status > 100 and reading.has_tag("to") else None


def _direction(sdp: str) -> str:
    for line in sdp.splitlines():
        if line in ("a=sendonly", "a=recvonly", "a=inactive", "a=sendrecv"):
            return line[2:]
    return "sendrecv"


def _tabs(seen: list[Seen]) -> str:
    tabs = list(dict.fromkeys(one.tab for one in seen if one.tab))
    if len(tabs) == 1:
        return f"tab {shortened(tabs[0], 20)}"
    return f"{len(tabs)} tabs" if tabs else ""
