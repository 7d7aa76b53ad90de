"""What both ways of drawing say in words."""

import pytest

from gateway.ladder.story import Heading
from gateway.ladder.words import clock, day, heading_lines, outcome, parties, pause, wrapped
from tests.gateway.ladder.stories import BEGAN, ZONE, Telling, answered


def test_moments_are_told_in_the_reader_s_zone() -> None:
    assert clock(BEGAN + 0.1184, ZONE) == "17:58:48.118"
    assert day(BEGAN, ZONE) == "2026-11-22 17:58:48 +0300"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (2.04, "2.0 s later"),
        (59.9, "59.9 s later"),
        (61, "1 min 01 s later"),
        (3599, "59 min 59 s later"),
        (7260, "2 h 01 min later"),
    ],
)
def test_pauses(seconds: float, said: str) -> None:
    assert pause(seconds) == said


def test_who_called_whom() -> None:
    heading = Heading(BEGAN, "c", "101", "in", "+7 495", "Anna")
    assert parties(heading) == "Anna +7 495 → 101"
    heading.direction, heading.name = "out", ""
    assert parties(heading) == "101 → +7 495"
    assert parties(Heading(BEGAN, "", direction="in")) == "? → no extension of ours"


def test_how_it_ended() -> None:
    heading = Heading(BEGAN, "c")
    assert outcome(heading) == "not ended"
    heading.ended_at, heading.end = BEGAN + 48.24, "hung_up by them"
    assert outcome(heading) == "48.2 s, hung_up by them"
    assert outcome(Heading(BEGAN, "")) == "", "SIP alone does not know"


def test_legs_are_numbered_where_there_are_several() -> None:
    assert heading_lines(answered().ladder, ZONE) == [
        "Call in: +7 916 123-45-67 → 101",
        "2026-11-22 17:58:48 +0300 · not ended · call call-1",
        "Call-ID c0",
    ]
    ladder = Telling(legs=2).ladder
    ladder.story.legs[1].kept = False
    assert heading_lines(ladder, ZONE)[2:] == [
        "leg 1 · Call-ID c0",
        "leg 2 · Call-ID c1 (its messages are not kept any more)",
    ]


def test_facts_stand_side_by_side_while_there_is_room() -> None:
    assert wrapped(["aa", "bb", "cccc", "dddddddddddd"], 9) == ["aa · bb", "cccc", "dddddddd…"]
    assert wrapped([], 9) == []
    assert wrapped(["abc"], 0) == ["…"] or wrapped(["abc"], 0) == ["a…"]
