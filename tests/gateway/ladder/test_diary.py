"""What is kept of the pages' side of a call, and that it is bounded."""

import msgspec
import pytest

from gateway.calls.facts import CallBegan, LegEnded, LegJoined, LegRef, PartyRang
from gateway.ladder.diary import MOST_DESCRIBED, MOST_FRAMES, MOST_LEGS, Diary, Entry, Ordered
from gateway.realtime.ports import Identity
from protocol.codes import Cause, Code
from protocol.commands import Answer, Dial, HangUp, Reattach
from protocol.entities import Device, End, Party
from protocol.messages import Done, Notice, Refused, Remote, Result, Ring, RingAck, SecretRenewed
from tests.gateway.realtime.play import ANNA, BORIS, SDP, call

NONE = Device("none")


class Clock:
    """A moment that the test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def diary(clock: Clock) -> Diary:
    return Diary(clock, 3)


def begin(diary: Diary, id: str, leg: str = "") -> None:
    fact = CallBegan(
        LegRef("sip", leg or f"leg-{id}"), 90.0, "101", "in", Party("+7495", "+7 495", "Anna"), NONE, id
    )
    diary.fact(id, fact)


def entry(diary: Diary, name: str) -> Entry:
    found = diary.find(name)
    assert found is not None
    return found


def passed(diary: Diary, name: str) -> list[object]:
    return [frame.passed for frame in entry(diary, name).frames]


def test_a_call_begins_with_its_fact_and_ends_with_that_of_its_leg(diary: Diary) -> None:
    begin(diary, "c1")
    diary.fact("c1", PartyRang(LegRef("sip", "leg-c1"), 91.0))
    one = entry(diary, "c1")
    assert (one.id, one.extension, one.direction, one.began_at, one.end) == ("c1", "101", "in", 90.0, None)
    end = End("them", Cause.HUNG_UP)
    diary.fact("c1", LegEnded(LegRef("sip", "leg-c1"), 99.0, end))
    assert (one.end, one.ended_at) == (end, 99.0)


def test_a_call_is_found_by_its_id_and_by_the_call_ids_of_all_its_legs(diary: Diary) -> None:
    begin(diary, "c1", "first")
    diary.fact("c1", LegJoined(LegRef("sip", "second"), 95.0, LegRef("sip", "first"), NONE))
    diary.fact("c1", LegJoined(LegRef("sip", "second"), 95.0, LegRef("sip", "first"), NONE))
    assert entry(diary, "c1") is entry(diary, "first") is entry(diary, "second")
    assert entry(diary, "c1").legs == ["first", "second"]
    assert diary.find("third") is None


def test_what_passes_is_kept_with_its_moment_and_by_reference(diary: Diary, clock: Clock) -> None:
    begin(diary, "c1")
    ring, ack, remote = Ring("c1", SDP), RingAck("c1"), Remote("c1", "answer", SDP)
    diary.shown(ANNA, {"c1": call("c1")})
    clock.now = 101.0
    diary.letter("tab-a", ring)
    diary.rings("tab-a", ack)
    diary.letter("tab-a", remote)
    answer, done = Answer("1", "c1", SDP), Done("1")
    diary.command("tab-a", answer, done)
    frames = list(entry(diary, "c1").frames)
    assert [(one.at, one.from_page, one.tab) for one in frames] == [
        (100.0, False, None), (101.0, False, "tab-a"), (101.0, True, "tab-a"), (101.0, False, "tab-a"), (101.0, True, "tab-a"),
    ]  # fmt: skip
    assert frames[1].passed is ring
    assert frames[2].passed is ack
    assert frames[3].passed is remote
    assert frames[4].passed == Ordered(answer, done)


def test_dial_is_kept_with_the_call_that_it_made(diary: Diary) -> None:
    begin(diary, "c1")
    dial = Dial("1", "+7495", SDP)
    diary.command("tab-a", dial, Done("1", Result("c1")))
    diary.command("tab-a", dial, Refused(Code.BAD_NUMBER, id="1"))
    assert passed(diary, "c1") == [Ordered(dial, Done("1", Result("c1")))]


def test_what_is_of_no_known_call_is_forgotten(diary: Diary) -> None:
    diary.shown(ANNA, {"c9": call("c9")})
    diary.letter(None, Ring("c9", SDP))
    diary.letter(None, Notice(Code.INTERNAL))
    diary.letter(None, SecretRenewed("s", 1.0))
    diary.rings("tab-a", RingAck("c9"))
    diary.command("tab-a", HangUp("1", "c9"), Done("1"))
    diary.fact("c9", LegEnded(LegRef("sip", "x"), 1.0, End("us", Cause.HUNG_UP)))
    diary.page(ANNA, "tab-a", "left")
    assert diary.entries() == []


def test_a_page_that_comes_or_goes_concerns_the_user_s_living_calls(diary: Diary) -> None:
    for id, who in (("c1", ANNA), ("c2", BORIS), ("c3", ANNA)):
        begin(diary, id)
        diary.shown(who, {id: call(id)})
    diary.shown(ANNA, {"c3": msgspec.structs.replace(call("c3"), state="ended")})
    diary.page(ANNA, "tab-a", "left")
    assert [("left" in passed(diary, id)) for id in ("c1", "c2", "c3")] == [True, False, False]
    diary.page(Identity(9, 9), "tab-z", "joined")


def test_the_calls_that_began_first_go_first_and_pages_do_not_concern_them_any_more(diary: Diary) -> None:
    for number in range(5):
        begin(diary, f"c{number}")
        diary.shown(ANNA, {f"c{number}": call(f"c{number}")})
    assert [one.id for one in diary.entries()] == ["c4", "c3", "c2"]
    diary.page(ANNA, "tab-a", "lost")
    assert "lost" in passed(diary, "c2")
    begin(diary, "c4")
    assert len(passed(diary, "c4")) == 2, "a fact that comes twice begins nothing anew"


def test_a_diary_of_no_calls_keeps_nothing(clock: Clock) -> None:
    diary = Diary(clock, 0)
    begin(diary, "c1")
    assert diary.entries() == []


def test_of_too_many_frames_the_beginning_and_the_end_stay(diary: Diary, clock: Clock) -> None:
    begin(diary, "c1")
    for number in range(MOST_FRAMES + 50):
        clock.now = float(number)
        diary.rings("tab-a", RingAck("c1"))
    frames = list(entry(diary, "c1").frames)
    assert (len(frames), entry(diary, "c1").left_out) == (MOST_FRAMES, 50)
    half = MOST_FRAMES // 2
    assert [one.at for one in frames] == [*range(half), *range(half + 50, MOST_FRAMES + 50)]


def test_descriptions_without_end_are_left_out_of_their_frames(diary: Diary) -> None:
    begin(diary, "c1")
    long = "v=0\n" + "x" * (MOST_DESCRIBED // 2)
    sent = [
        Ordered(Reattach("1", "c1", long), Done("1")),
        Ordered(Answer("2", "c1", long), Done("2")),
        Ordered(Dial("3", "1", long), Done("3", Result("c1"))),
    ]
    for command, answer in sent:
        diary.command("tab-a", command, answer)
    diary.letter("tab-a", Ring("c1", long))
    diary.letter("tab-a", Remote("c1", "answer", long))
    kept = passed(diary, "c1")
    assert kept[0] == sent[0]
    assert kept[1:] == [
        Ordered(Answer("2", "c1", ""), Done("2")),
        Ordered(Dial("3", "1", ""), Done("3", Result("c1"))),
        Ring("c1", ""),
        Remote("c1", "answer", ""),
    ]


def test_legs_are_bounded(diary: Diary) -> None:
    begin(diary, "c1")
    for number in range(100):
        diary.fact("c1", LegJoined(LegRef("sip", f"l{number}"), 1.0, LegRef("sip", "leg-c1"), NONE))
    assert len(entry(diary, "c1").legs) == MOST_LEGS
