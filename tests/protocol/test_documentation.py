"""`docs/protocol.md` names what there is: every frame, close code, fault and limit."""

import re
from pathlib import Path
from typing import get_args

import pytest

from gateway.crm.widget_auth import TokenFault
from gateway.realtime.limits import Limits
from gateway.realtime.sessions import LIFE as SESSION_LIFE
from gateway.realtime.tickets import LIFE as TICKET_LIFE
from protocol.codec import MAX_FRAME
from protocol.codes import CloseCode
from protocol.messages import ClientMessage, GatewayMessage
from protocol.typescript import tag_of

TEXT = (Path(__file__).parent.parent.parent / "docs" / "protocol.md").read_text("utf-8")
FRAMES = (*get_args(ClientMessage), *get_args(GatewayMessage))


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.__name__)
def test_every_frame_has_its_row(frame: type) -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("|") and f"`{tag_of(frame)}`" in line]
    assert rows


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.__name__)
def test_every_field_is_named(frame: type) -> None:
    for name in frame.__struct_fields__:  # type: ignore[attr-defined]
        assert re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", TEXT), name


def test_every_close_code_is_explained_and_no_other() -> None:
    table = TEXT[TEXT.index("| 4000–4099 retry") :]
    named = {int(code) for code in re.findall(r"\| (4\d\d\d) ", table)}
    assert named == {int(code) for code in CloseCode}


def test_every_fault_of_a_token_is_named() -> None:
    for fault in TokenFault:
        assert f"`{fault.value}`" in TEXT


def test_the_limits_are_those_of_the_code() -> None:
    limits = Limits()
    said = {
        "within 5 s": limits.hello == 5.0,
        "more than 20 frames a second (40 at once)": (limits.rate, limits.burst) == (20.0, 40),
        "the eleventh such frame in a minute": limits.patience == 10,
        "The last 64 answers": limits.answers == 64,
        "32 deltas, 8 KB": (limits.ring_frames, limits.ring_bytes) == (32, 8192),
        "60 s without": limits.keep == 60.0,
        "256 KB wait": limits.unread == 262_144,
        "two pings (20 s each)": limits.ping == 20.0,
        "too many tabs (12)": limits.sockets_per_user == 12,
        "above 64 KB": MAX_FRAME == 65_536,
        "once, for 30 s": TICKET_LIFE == 30.0,
        "**Resume secret**: 12 h": SESSION_LIFE == 12 * 3600,
    }
    for words, holds in said.items():
        assert words in TEXT
        assert holds, words
