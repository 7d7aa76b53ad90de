"""The messages of the legs and the frames of the pages, put together for who asks; without secrets."""

import msgspec
import pytest

from gateway.calls.facts import CallBegan, LegEnded, LegJoined, LegRef
from gateway.ladder.diary import Diary
from gateway.ladder.story import Archive, Heading, Story
from protocol.codes import Cause
from protocol.entities import Device, End, Party
from protocol.messages import Ring
from sip.flow import Flow
from sip.trace import Trace
from tests.gateway.realtime.play import ANNA, SDP, call

PBX = Flow("udp", ("192.0.2.1", 5060))
SIX = Flow("tcp", ("2001:db8::1", 5060), 7)
SECRET = "s3cr3tvalue"


@pytest.fixture
def archive() -> Archive:
    return Archive(Trace(10, most_messages=8), Diary(lambda: 103.0, 10))


def say(
    archive: Archive,
    call_id: str,
    at: float,
    start: str = "INVITE sip:x SIP/2.0",
    flow: Flow = PBX,
    sent: bool = False,
) -> None:
    head = f'{start}\r\nCall-ID: {call_id}\r\nAuthorization: Digest response="{SECRET}"\r\nCSeq: 1 INVITE\r\n\r\n'
    archive.trace.record(at, sent, flow, head.encode())


def begin(archive: Archive, id: str, leg: str, at: float = 100.0) -> None:
    fact = CallBegan(
        LegRef("sip", leg), at, "101", "out", Party("+7495", "+7 495", "Anna"), Device("none"), id
    )
    archive.diary.fact(id, fact)


def told(archive: Archive, name: str) -> Story:
    story = archive.story(name)
    assert story is not None
    return story


def test_all_legs_of_a_call_stand_in_one_story_in_the_order_of_time(archive: Archive) -> None:
    begin(archive, "c1", "first")
    say(archive, "first", 100.0, sent=True)
    say(archive, "second", 101.0, sent=True, flow=SIX)
    say(archive, "first", 102.0, "SIP/2.0 200 OK")
    archive.diary.fact(
        "c1", LegJoined(LegRef("sip", "second"), 101.0, LegRef("sip", "first"), Device("none"))
    )
    archive.diary.shown(ANNA, {"c1": call("c1")})
    archive.diary.letter("tab-a", Ring("c1", SDP))
    story = told(archive, "c1")
    assert [(one.at, one.leg, one.sent, one.transport, one.peer) for one in story.said] == [
        (100.0, 0, True, "udp", "192.0.2.1:5060"),
        (101.0, 1, True, "tcp", "[2001:db8::1]:5060"),
        (102.0, 0, False, "udp", "192.0.2.1:5060"),
    ]
    assert [leg.call_id for leg in story.legs] == ["first", "second"]
    assert [one.what for one in story.seen] == ["delta incoming", "ring"]
    assert told(archive, "second") == told(archive, "first") == told(archive, "last") == story


def test_no_secret_leaves(archive: Archive) -> None:
    say(archive, "first", 100.0)
    begin(archive, "c1", "first")
    archive.diary.letter("tab-a", Ring("c1", f"{SDP}a=ice-pwd:{SECRET}\r\n"))
    body = msgspec.json.encode(told(archive, "c1"))
    assert SECRET.encode() not in body
    assert msgspec.json.decode(body, type=Story) == told(archive, "c1")


def test_a_message_that_comes_again_is_marked_and_one_of_the_other_way_is_not(archive: Archive) -> None:
    say(archive, "first", 100.0)
    say(archive, "first", 100.5)
    say(archive, "first", 101.0, sent=True)
    assert [one.again for one in told(archive, "first").said] == [False, True, False]


def test_the_heading_says_who_when_and_how_it_ended(archive: Archive) -> None:
    begin(archive, "c1", "first")
    archive.diary.fact("c1", LegEnded(LegRef("sip", "first"), 148.0, End("them", Cause.BUSY, 486)))
    assert told(archive, "c1").heading == Heading(
        100.0, "c1", "101", "out", "+7 495", "Anna", 148.0, "busy by them (486)", ["first"]
    )


def test_a_call_that_no_line_knew_is_told_by_its_messages_alone(archive: Archive) -> None:
    say(archive, "stranger", 100.0)
    story = told(archive, "stranger")
    assert story.heading == Heading(100.0, "", direction="in", legs=["stranger"])
    assert (len(story.said), story.seen) == (1, [])
    assert told(archive, "last") == story


def test_the_list_has_every_call_once_the_latest_first(archive: Archive) -> None:
    begin(archive, "c1", "first", 100.0)
    say(archive, "first", 100.0)
    say(archive, "stranger", 101.0)
    begin(archive, "c2", "third;tb17", 102.0)
    say(archive, "third", 102.0)
    assert [(one.id, one.legs) for one in archive.headings()] == [
        ("c2", ["third;tb17"]), ("", ["stranger"]), ("c1", ["first"]),
    ]  # fmt: skip


def test_two_legs_of_one_call_id_stand_together(archive: Archive) -> None:
    begin(archive, "c1", "first;tb17")
    archive.diary.fact(
        "c1", LegJoined(LegRef("sip", "first"), 101.0, LegRef("sip", "first;tb17"), Device("none"))
    )
    say(archive, "first", 100.0)
    assert [leg.call_id for leg in told(archive, "c1").legs] == ["first"]
    assert len(told(archive, "c1").said) == 1


def test_what_is_not_kept_is_said(archive: Archive) -> None:
    begin(archive, "c1", "first")
    archive.diary.fact("c1", LegJoined(LegRef("sip", "gone"), 101.0, LegRef("sip", "first"), Device("none")))
    for number in range(20):
        say(archive, "first", 100.0 + number)
    first, gone = told(archive, "c1").legs
    assert (first.left_out, first.gap, first.kept, gone.kept) == (12, 4, True, False)


def test_what_is_not_known_has_no_story(archive: Archive) -> None:
    assert archive.story("nothing") is None
    assert archive.story("last") is None
    assert archive.headings() == []
