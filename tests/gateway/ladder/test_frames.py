"""What a frame says, in a line."""

from typing import Any

import msgspec
import pytest

from gateway.ladder.diary import Frame, Ordered, Passed
from gateway.ladder.frames import Seen, told
from protocol.codes import Cause, Code
from protocol.commands import Answer, Dial, Dtmf, HangUp, HoldCall, Mute, Reattach
from protocol.entities import Call, End, Hold
from protocol.messages import Done, Notice, Refused, Remote, Ring, RingAck
from tests.gateway.pbx import sdp
from tests.gateway.realtime.play import call

DONE = Done("1")


def tell(*passed: Passed, from_page: bool = False) -> list[Seen]:
    return told(Frame(float(place), from_page, "tab-a", one) for place, one in enumerate(passed))


def changed(**fields: Any) -> Call:
    return msgspec.structs.replace(call("c1"), **fields)


@pytest.mark.parametrize(
    ("passed", "what"),
    [
        (Ordered(Dial("1", "+7 495", sdp("page")), DONE), "dial +7 495"),
        (Ordered(Answer("1", "c1", sdp("page")), DONE), "answer"),
        (Ordered(Reattach("1", "c1", sdp("page")), DONE), "reattach"),
        (Ordered(HoldCall("1", "c1"), DONE), "hold"),
        (Ordered(HangUp("1", "c1"), DONE), "hang_up"),
        (Ordered(Mute("1", "c1", True), DONE), "mute"),
        (Ordered(Mute("1", "c1", False), DONE), "unmute"),
        (RingAck("c1"), "ring_ack"),
        (Ring("c1", sdp("pbx")), "ring"),
        (Remote("c1", "pranswer", sdp("pbx")), "remote pranswer"),
        (Notice(Code.REATTACH_FAILED, call="c1"), "notice reattach_failed"),
        ("joined", "hello"),
        ("left", "leaving"),
        ("lost", "socket lost"),
    ],
)
def test_what_passed_has_its_name(passed: Passed, what: str) -> None:
    (seen,) = tell(passed)
    assert (seen.what, seen.tab, seen.at) == (what, "tab-a", 0.0)


def test_descriptions_are_told_in_a_line_and_shown_without_their_keys() -> None:
    offer = sdp("pbx") + "a=ice-pwd:s3cr3t\r\n"
    for passed in (Ring("c1", offer), Remote("c1", "answer", offer), Ordered(Answer("1", "c1", offer), DONE)):
        (seen,) = tell(passed)
        assert seen.details[0].startswith("audio ")
        assert "a=ice-pwd:" in seen.text
        assert "s3cr3t" not in seen.text


def test_tones_are_counted_and_not_told() -> None:
    assert [
        one.what for one in tell(Ordered(Dtmf("1", "c1", "1234"), DONE), Ordered(Dtmf("1", "c1", "5"), DONE))
    ] == [
        "dtmf, 4 tones",
        "dtmf, 1 tone",
    ]


def test_a_refusal_is_told_with_its_code() -> None:
    (seen,) = tell(Ordered(HoldCall("1", "c1"), Refused(Code.ALREADY_HELD, id="1")), from_page=True)
    assert (seen.failed, seen.details) == (True, ["refused: already_held"])
    assert tell(Notice(Code.INTERNAL))[0].failed


def test_the_first_delta_tells_the_state_and_the_next_ones_what_changed() -> None:
    first, second, third = tell(
        call("c1"),
        changed(state="talking", sound="here", pending=("hold",)),
        changed(state="held", sound="here", hold=Hold(True, False, False, True)),
    )
    assert (first.what, first.details, first.changes) == ("delta incoming", [], True)
    assert (second.what, second.details) == ("delta incoming → talking", ["sound here", "pending hold"])
    assert (third.what, third.details) == ("delta talking → held", ["held by us and them", "nothing pending"])


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"sound": "lost"}, "delta sound lost"),
        ({"muted": True}, "delta muted"),
        ({"pending": ("answer", "hold")}, "delta pending answer, hold"),
        ({"confirmed": False}, "delta unconfirmed"),
        ({"hold": Hold(False, True, False, False)}, "delta held by PBX"),
    ],
)
def test_a_delta_that_leaves_the_state_as_it_is_says_what_else_changed_and_back(
    fields: dict[str, Any], what: str
) -> None:
    _, there, back = tell(call("c1"), changed(**fields), call("c1"))
    assert (there.what, there.changes) == (what, False)
    assert back.what.startswith("delta ")


def test_the_end_is_told_with_its_cause() -> None:
    _, end = tell(call("c1"), changed(state="ended", end=End("them", Cause.HUNG_UP)))
    assert (end.what, end.details) == ("delta incoming → ended", ["hung_up by them"])


def test_a_delta_that_tells_nothing_new_is_not_told() -> None:
    assert len(tell(call("c1"), call("c1", rev=2))) == 1
