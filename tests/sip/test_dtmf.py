"""Digits in INFO and the negotiation of telephone-events (RFC 4733 §2.4, RFC 3264)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.dtmf import (
    DIGITS,
    Agreed,
    Press,
    TelephoneEvent,
    agree,
    answer_lines,
    event_lines,
    read_press,
    relay,
    telephone_events,
    voice_rates,
)
from sip.errors import LocalProtocolError, ParseError
from sip.sdp import Media

RELAY = "application/dtmf-relay"
PLAIN = "application/dtmf"
USUAL = frozenset(range(16))


def media(formats: str, *lines: str) -> Media:
    return Media.parse((f"m=audio 4000 RTP/AVP {formats}", *(f"a={line}" for line in lines)))


# INFO


@pytest.mark.parametrize(
    ("kind", "body", "press"),
    [
        (RELAY, b"Signal=5\r\nDuration=160\r\n", Press("5", 160)),
        (RELAY, b"Signal= 5\r\nDuration= 160", Press("5", 160)),
        (RELAY, b"signal=#\nduration=250\n", Press("#", 250)),
        (RELAY, b"Signal=*", Press("*", None)),
        (RELAY, b"Signal=d\r\n", Press("D", None)),
        (RELAY, b"Signal=10\r\n", Press("*", None)),
        (RELAY, b"Signal=11\r\n", Press("#", None)),
        (RELAY, b"Signal=12\r\n", Press("A", None)),
        (RELAY, b"Signal=16\r\n", Press("!", None)),
        (PLAIN, b"7", Press("7", None)),
        (PLAIN, b"\r\n7\r\n", Press("7", None)),
        (PLAIN, b"d=7\r\n", Press("7", None)),
        (PLAIN, b"Signal=7\r\nDuration=90", Press("7", 90)),
    ],
)
def test_a_pressed_key_is_read(kind: str, body: bytes, press: Press) -> None:
    assert read_press(kind, body) == press


@pytest.mark.parametrize(
    ("kind", "body"),
    [(RELAY, b""), (RELAY, b"5"), (RELAY, b"Signal="), (RELAY, b"Signal=55"), (RELAY, b"Signal=17"), (RELAY, b"Signal=x"), (PLAIN, b"hello"),
     (PLAIN, b""), (PLAIN, b"\xff")],
)  # fmt: skip
def test_a_body_without_a_key_is_an_error(kind: str, body: bytes) -> None:
    with pytest.raises(ParseError):
        read_press(kind, body)


@given(st.sampled_from([RELAY, PLAIN]), st.binary(max_size=60))
def test_no_body_breaks_the_reader_in_another_way(kind: str, body: bytes) -> None:
    try:
        assert read_press(kind, body).digit in DIGITS
    except ParseError:
        pass


@given(st.sampled_from(DIGITS), st.integers(1, 99_999))
def test_a_key_that_is_written_is_read_again(digit: str, duration: int) -> None:
    assert read_press(RELAY, relay(digit, duration)) == Press(digit, duration)


@pytest.mark.parametrize(
    ("digit", "duration"), [("", 160), ("12", 160), ("x", 160), ("5", 0), ("5\r\n", 160), ("5", 10**6)]
)
def test_what_is_no_key_is_not_written(digit: str, duration: int) -> None:
    with pytest.raises(LocalProtocolError):
        relay(digit, duration)


# SDP


def test_the_formats_of_a_section_are_read_with_their_clock_and_events() -> None:
    section = media(
        "0 101 102 103", "rtpmap:101 telephone-event/8000", "fmtp:101 0-16,66,70-71", "rtpmap:102 TELEPHONE-EVENT/48000",
        "rtpmap:103 opus/48000/2", "fmtp:103 useinbandfec=1",
    )  # fmt: skip
    assert telephone_events(section) == (
        TelephoneEvent(101, 8000, frozenset([*range(17), 66, 70, 71])),
        TelephoneEvent(102, 48000, USUAL),
    )


def test_without_a_readable_fmtp_0_to_15_is_meant_2_4_1() -> None:
    for line in ("fmtp:101 rubbish", "fmtp:101 5-", "fmtp:101 9-3", "fmtp:101", "fmtp:102 0-16"):
        (event,) = telephone_events(media("101", "rtpmap:101 telephone-event/8000", line))
        assert event.events == USUAL, line


def test_events_are_bounded_by_their_code() -> None:
    (event,) = telephone_events(media("101", "rtpmap:101 telephone-event/8000", "fmtp:101 200-999"))
    assert event.events == frozenset(range(200, 256))


def test_a_format_that_the_media_line_does_not_list_does_not_count() -> None:
    assert telephone_events(media("0", "rtpmap:101 telephone-event/8000")) == ()


def test_the_clock_rates_are_those_of_the_voice_alone() -> None:
    section = media(
        "111 9 0 13 101 96",
        "rtpmap:111 opus/48000/2",
        "rtpmap:9 G722/8000",
        "rtpmap:101 telephone-event/16000",
        "rtpmap:96 CN/32000",
    )
    assert voice_rates(section) == (48000, 8000)
    assert voice_rates(media("8")) == (8000,)
    assert voice_rates(media("96")) == ()


def test_an_answer_takes_the_offers_payload_type_and_the_events_of_both() -> None:
    offer = media("0 101", "rtpmap:101 telephone-event/8000", "fmtp:101 0-16")
    (event,) = answer_lines(offer, [8000])
    assert event_lines(event) == ("a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15")


def test_an_answer_has_one_format_for_each_clock_of_its_codecs() -> None:
    offer = media(
        "111 8 100 101 102",
        *(f"rtpmap:{n} telephone-event/{rate}" for n, rate in ((100, 48000), (101, 8000), (102, 8000))),
    )
    assert [event.payload for event in answer_lines(offer, [8000])] == [101]
    assert [event.payload for event in answer_lines(offer, [8000, 48000])] == [100, 101]
    assert answer_lines(offer, [16000]) == ()


def test_without_a_common_event_there_is_no_format() -> None:
    offer = media("0 101", "rtpmap:101 telephone-event/8000", "fmtp:101 70")
    assert answer_lines(offer, [8000]) == ()


def test_each_side_receives_under_the_payload_type_it_named() -> None:
    ours = media("0 96", "rtpmap:96 telephone-event/8000")
    theirs = media("0 101", "rtpmap:101 telephone-event/8000", "fmtp:101 0-11")
    assert agree(ours, theirs) == Agreed(101, 96, 8000, frozenset(range(12)))


def test_the_clock_of_the_preferred_voice_is_taken() -> None:
    lines = ("rtpmap:111 opus/48000/2", "rtpmap:100 telephone-event/8000", "rtpmap:101 telephone-event/48000")
    both = media("111 0 100 101", *lines)
    agreed = agree(both, both)
    assert agreed is not None
    assert (agreed.rate, agreed.send) == (48000, 101)


def test_events_at_8000_beside_opus_are_taken_when_nothing_else_is_common() -> None:
    ours = media("111 101", "rtpmap:111 opus/48000/2", "rtpmap:101 telephone-event/8000")
    agreed = agree(ours, ours)
    assert agreed is not None
    assert agreed.rate == 8000


def test_without_a_common_clock_nothing_is_agreed() -> None:
    ours = media("0 96", "rtpmap:96 telephone-event/8000")
    theirs = media("111 101", "rtpmap:111 opus/48000/2", "rtpmap:101 telephone-event/48000")
    assert agree(ours, theirs) is None
    assert agree(ours, media("0")) is None


@given(st.frozensets(st.integers(0, 255), min_size=1))
def test_events_that_are_written_are_read_again(events: frozenset[int]) -> None:
    _, fmtp = event_lines(TelephoneEvent(101, 8000, events))
    (event,) = telephone_events(media("101", "rtpmap:101 telephone-event/8000", fmtp.removeprefix("a=")))
    assert event.events == events
