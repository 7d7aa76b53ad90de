"""The ladder in letters: never wider than 100 columns, and nothing in it that a terminal obeys."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ladder.steps import ladder
from gateway.ladder.story import Heading
from gateway.ladder.text import WIDTH, listed, text
from tests.gateway.ladder.stories import BEGAN, ZONE, Telling, answered

DRAWN = """\
Call in: +7 916 123-45-67 → 101
2026-11-22 17:58:48 +0300 · not ended · call call-1
Call-ID c0

                        PBX                            Trubka                           browser
                192.0.2.1:5060 udp                  extension 101                      tab tab-a
                         │                                │                                │
17:58:48.010             │─────────── INVITE 1 ──────────▶│ begun                          │
                         │ sip:101@192.0.2.9              │                                │
                         │ From <sip:a@x>                 │                                │
                         │ audio 192.0.2.1:4000 sendrecv  │                                │
                         │ RTP/AVP PCMA, telephone-event  │                                │
17:58:48.020  +0.010     │◀───── 100 Trying 1 INVITE ─────│                                │
17:58:48.030  +0.010     │                                │───────────── ring ────────────▶│
                         │                                │ audio 192.0.2.1:4000 sendrecv  │
17:58:48.040  +0.010     │                                │◀─────────── ring_ack ──────────│
17:58:48.050  +0.010     │◀───── 180 Ringing 1 INVITE ────│ early dialog                   │
17:58:48.060  +0.010     │                                │◀──────────── answer ───────────│
17:58:48.070  +0.010     │◀─────── 200 OK 1 INVITE ───────│ confirmed                      │
                         │ audio 192.0.2.1:4000 sendrecv  │                                │
                         │ RTP/AVP PCMA, telephone-event  │                                │
17:58:48.080  +0.010     │──────────── ACK 1 ────────────▶│                                │
17:58:48.090  +0.010     │                                │─── delta incoming → talking ──▶│
                         │         38.0 s later           │                                │
17:59:26.090 +38.000     │──────────── BYE 2 ────────────▶│                                │
17:59:26.100  +0.010     │◀───────── 200 OK 2 BYE ────────│ ended                          │
                         │                                │                                │
"""


def test_a_call_is_drawn_so() -> None:
    assert text(answered().ladder, ZONE) == DRAWN


def test_the_whole_messages_stand_below_when_they_are_asked_for() -> None:
    drawn = text(answered().ladder, ZONE, full=True)
    assert drawn.startswith(DRAWN.rstrip("\n"))
    assert "\n--- 1  INVITE  17:58:48.010 ---" in drawn
    assert "\nm=audio 4000 RTP/AVP 8 101\n" in drawn
    assert "--- 3" not in drawn, "a frame without a description has nothing more to say"


@given(st.text(max_size=120), st.text(max_size=60), st.integers(0, 6))
@settings(max_examples=80)
def test_no_line_of_a_ladder_is_wider_than_it_may_be_and_none_is_obeyed(
    words: str, what: str, peers: int
) -> None:
    told = Telling().say("INVITE", "1 INVITE", f"Reason: {words}").see(what, words)
    for number in range(peers):
        told.say("BYE", f"{number} BYE", peer=f"{words}{number}")
    story = told.story
    story.heading.party, story.legs[0].call_id = words, words
    drawn = text(ladder(story), ZONE)
    assert all(len(line) <= WIDTH for line in drawn.split("\n"))
    assert all(one.isprintable() or one == "\n" for one in drawn)


def test_control_characters_of_a_message_do_not_reach_the_terminal() -> None:
    told = Telling().say("INVITE", "1 INVITE", "X: \x1b[31mred\x07")
    assert "\x1b" not in text(told.ladder, ZONE, full=True)


def test_what_is_missing_is_said() -> None:
    story = answered().story
    story.legs[0].left_out, story.legs[0].gap, story.frames_left_out = 12, 2, 3
    drawn = text(ladder(story), ZONE)
    assert " 12 messages were not kept " in drawn
    assert "3 frames of pages were not kept" in drawn


def test_legs_are_named_where_there_are_several() -> None:
    told = Telling(legs=2).say("INVITE", "1 INVITE", to="").say("INVITE", "1 INVITE", leg=1, to="")
    told.say("180 Ringing", "1 INVITE", leg=1, sent=True)
    assert "│ leg 2 begun\n" in text(told.ladder, ZONE)
    assert "│ leg 2 early dialog\n" in text(told.ladder, ZONE)


def test_the_list_has_a_line_for_each_call() -> None:
    headings = [
        Heading(
            BEGAN + 60, "call-2", "102", "out", "+7 495 000-00-00", ended_at=BEGAN + 75.5, end="hung_up by us"
        ),
        Heading(BEGAN, "", direction="in", legs=["abc@pbx"]),
    ]
    assert listed(headings, ZONE).splitlines() == [
        "2026-11-22 17:59:48  out  102 → +7 495 000-00-00    15.5 s, hung_up by us  call-2",
        "2026-11-22 17:58:48  in   ? → no extension of ours  –                      Call-ID abc@pbx",
    ]
    assert listed([], ZONE) == "No call since the gateway was started.\n"
