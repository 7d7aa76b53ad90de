"""`docs/flow.md` says which way a datagram and a frame go; here both are sent through a served gateway and followed.

Followed is every call of a function of ours, from the loop's callback to the write on the other side. The way that was taken, as
parts in the order in which they were first entered, must be the way in the table, each entered by its door; and all of it happens
before the callback returns.
"""

import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest

from protocol.commands import Dial
from protocol.messages import Ring
from tests.gateway.pbx import sdp
from tests.gateway.process import Exchange, House, Tab, house, migrated

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "flow.md").read_text("utf-8")
MOST_HOPS = {
    "An INVITE comes in": 7,
    "A click on a number": 8,
}  # house rule 6, and the journal before what leaves
OURS = ("sip/", "gateway/", "protocol/")


class Part(NamedTuple):
    """A row of a table."""

    name: str
    door: str
    modules: tuple[str, ...]


def table(heading: str) -> list[Part]:
    """The parts of the way under a heading that begins so."""
    section = TEXT.partition(f"## {heading}")[2].partition("\n## ")[0]
    parts = []
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| ") and cells[0].isdigit():
            parts.append(Part(cells[1], cells[2].strip("`"), tuple(re.findall(r"`([^`]+)`", cells[3]))))
    return parts


def tools() -> tuple[str, ...]:
    """Modules that keep nothing and are no part."""
    sentence = TEXT.partition("is no part:")[2].partition(").")[0]
    named = re.findall(r"`([a-z]+)`", sentence)
    assert named, "docs/flow.md names the tools"
    return ("protocol/", *(f"sip/{name}" for name in named))


def onlookers() -> tuple[str, ...]:
    """Modules that are told what passes and hand nothing on."""
    sentence = TEXT.partition("what only looks on:")[2].partition(".\n")[0]
    named = re.findall(r"`((?:sip|gateway)/[a-z/]+)`", sentence)
    assert named, "docs/flow.md names the onlookers"
    return tuple(named)


ONLOOKERS = onlookers()
INCOMING, CLICK = (table(heading) for heading in MOST_HOPS)


@dataclass
class Way:
    """What was entered between the callback `begins` and the write that `ends` makes."""

    begins: str
    ends: str
    writes: str
    entered: list[tuple[str, str]] = field(default_factory=list)
    is_over: bool = False
    was_one_turn: bool = False
    led_on: list[str] = field(default_factory=list)
    """What an onlooker called: nothing of ours, or it would be a part."""
    _inside: bool = False

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """As `sys.setprofile` wants it; what is written in C has no frame of its own."""
        if event not in ("call", "c_call") or self.is_over:
            return
        code = frame.f_code
        name, caller = (code.co_name, frame.f_back) if event == "call" else (argument.__name__, frame)
        if self._inside and name == self.writes and _is(caller, self.ends):
            self.is_over = True
            self.was_one_turn = _stands_on(frame, self.begins)
        if event == "c_call":
            return
        module = module_of(code.co_filename)
        if module is not None:
            self._inside = self._inside or code.co_qualname == self.begins
            if self._inside and _stands_on(frame, self.begins):
                self.entered.append((module, code.co_qualname))
                if is_part(module) and is_onlooker(frame.f_back):
                    self.led_on.append(code.co_qualname)

    def parts(self, table: list[Part]) -> list[str]:
        """The parts in the order in which they were first entered."""
        names = (part_of(module, table) for module, _ in self.entered)
        return list(dict.fromkeys(name for name in names if name is not None))

    def first_entry(self, door: str) -> int:
        """When a door was first gone through."""
        places = [place for place, (_, name) in enumerate(self.entered) if name == door]
        assert places, f"{door} was not gone through"
        return places[0]


def _is(frame: FrameType | None, name: str) -> bool:
    return frame is not None and frame.f_code.co_qualname == name


def _stands_on(frame: FrameType | None, name: str) -> bool:
    """Whether a function of that name has not returned yet."""
    while frame is not None and not _is(frame, name):
        frame = frame.f_back
    return frame is not None


def is_part(module: str) -> bool:
    return module not in tools() and not module.startswith(("protocol/", *ONLOOKERS))


def is_onlooker(frame: FrameType | None) -> bool:
    """Whether a function of an onlooker called this one."""
    module = None if frame is None else module_of(frame.f_code.co_filename)
    return module is not None and module.startswith(ONLOOKERS)


def module_of(path: str) -> str | None:
    """A module of ours, as `sip/agent`; None for others."""
    try:
        name = str(Path(path).relative_to(ROOT).with_suffix(""))
    except ValueError:
        return None
    return name if name.startswith(OURS) else None


def part_of(module: str, table: list[Part]) -> str | None:
    """The part that a module belongs to; None for a tool.

    The most exact name counts: `sip/transport/` before `sip/`.
    """
    if not is_part(module):
        return None
    found = [
        (len(name), part.name)
        for part in table
        for name in part.modules
        if module == name or (name.endswith("/") and module.startswith(name))
    ]
    assert found, f"{module} is on the way and belongs to no part of docs/flow.md"
    return max(found)[1]


@contextmanager
def followed(way: Way) -> Iterator[None]:
    before = sys.getprofile()
    sys.setprofile(way)
    try:
        yield
    finally:
        sys.setprofile(before)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return migrated(tmp_path)


@pytest.fixture
async def served(database: str) -> AsyncIterator[tuple[House, Exchange, Tab]]:
    async with Exchange() as exchange, house(database, exchange) as made, made.tab() as tab:
        await tab.shows(lambda state: state.lines["101"].state == "registered")
        yield made, exchange, tab


def check(way: Way, table: list[Part]) -> None:
    """The way that was taken is the way that is told, door by door, within one turn of the loop."""
    assert way.is_over, f"{way.ends} wrote nothing"
    assert way.parts(table) == [part.name for part in table]
    doors = [way.first_entry(part.door) for part in table]
    assert doors == sorted(doors), "the doors are gone through in the order of the table"
    for part, place in zip(table, doors, strict=True):
        assert part_of(way.entered[place][0], table) == part.name, f"{part.door} is no door of {part.name}"
    assert way.was_one_turn
    assert way.led_on == [], "who only looks on hands nothing on"
    assert any(module.startswith(ONLOOKERS) for module, _ in way.entered), "and was told what passed"


async def test_an_invite_comes_to_the_page_as_docs_flow_tells(served: tuple[House, Exchange, Tab]) -> None:
    _, exchange, tab = served
    way = Way("UdpTransport.read", "AgentSocket.write", "write")
    with followed(way):
        exchange.call()
        await tab.hears(Ring)
    check(way, INCOMING)


async def test_a_click_comes_to_the_pbx_as_docs_flow_tells(served: tuple[House, Exchange, Tab]) -> None:
    _, exchange, tab = served
    way = Way("AgentSocket.data_received", "UdpTransport.send", "sendto")
    with followed(way):
        await tab.say(Dial("dial-1", "89261112233", sdp("page")))
        await exchange.hears("INVITE ")
    check(way, CLICK)


@pytest.mark.parametrize(
    ("heading", "table", "hops"),
    [("An INVITE comes in", INCOMING, "six hops"), ("A click on a number", CLICK, "eight hops")],
)
def test_the_headings_count_the_hops(heading: str, table: list[Part], hops: str) -> None:
    words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight"]
    (line,) = [line for line in TEXT.splitlines() if line.startswith(f"## {heading}")]
    assert line.endswith(hops)
    assert words.index(hops.split()[0]) == len(table) - 1 <= MOST_HOPS[heading]


@pytest.mark.parametrize("table", [INCOMING, CLICK])
def test_every_module_that_is_named_exists(table: list[Part]) -> None:
    named = [name for part in table for name in part.modules]
    named += [name for name in tools() if name != "protocol/"] + list(ONLOOKERS)
    missing = [name for name in named if not (ROOT / (name if name.endswith("/") else f"{name}.py")).exists()]
    assert missing == []


def test_a_way_with_another_part_in_between_would_be_noticed() -> None:
    way = Way("begins", "ends", "write")
    way.entered = [("sip/transport/udp", "a"), ("gateway/node", "b"), ("sip/agent", "c"), ("sip/uri", "d")]
    assert way.parts(INCOMING) == ["transport", "node", "user agent"]
    with pytest.raises(AssertionError, match="belongs to no part"):
        part_of("gateway/realtime/surprise", INCOMING)


def test_both_pictures_are_there() -> None:
    assert TEXT.count("```mermaid\nsequenceDiagram") == 2
