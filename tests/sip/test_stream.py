"""Messages out of a byte stream (RFC 3261 §18.3) and keep-alives between them (RFC 5626 §4.4.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.message import parse
from sip.stream import PING, PONG, StreamFramer, is_keepalive
from tests.sip.effort import effort
from tests.sip.messages import INVITE, RINGING, lines

SHORT = lines("Content-Length: 0")


def test_a_whole_message_comes_out_as_it_went_in() -> None:
    framer = StreamFramer()
    assert framer.receive(INVITE) == [INVITE]
    assert parse(framer.receive(INVITE)[0]) == parse(INVITE)


@given(st.lists(st.sampled_from([INVITE, RINGING, SHORT, PONG])), st.lists(st.integers(1, 400)))
def test_messages_do_not_depend_on_how_the_stream_is_cut(parts: list[bytes], sizes: list[int]) -> None:
    stream, framer, found = b"".join(parts), StreamFramer(), list[bytes]()
    for size in sizes:
        found += framer.receive(stream[:size])
        stream = stream[size:]
    found += framer.receive(stream)
    assert found == [part for part in parts if part != PONG]
    assert framer.error is None


def test_byte_by_byte() -> None:
    framer = StreamFramer()
    found = [message for byte in INVITE + SHORT for message in framer.receive(bytes([byte]))]
    assert found == [INVITE, SHORT]


def test_the_length_is_known_in_every_spelling() -> None:
    for line in ("l: 3", "CONTENT-LENGTH :3", "Content-Length:\r\n 3", "l:3\r\nContent-Length: 3"):
        data = lines(line) + b"abc"
        assert StreamFramer().receive(data + SHORT) == [data, SHORT]


def test_a_double_crlf_is_a_ping_and_a_pong_is_due_rfc5626_4_4_1() -> None:
    framer = StreamFramer()
    assert framer.receive(SHORT + PING) == [SHORT]
    assert framer.take_pongs() == PONG
    assert framer.take_pongs() == b""
    framer.receive(PING + PING)
    assert framer.take_pongs() == PONG + PONG


def test_a_ping_in_two_halves_is_one_ping() -> None:
    framer = StreamFramer()
    framer.receive(b"\r\n\r")
    assert framer.take_pongs() == b""
    framer.receive(b"\n" + SHORT)
    assert framer.take_pongs() == PONG


def test_a_single_crlf_before_a_message_says_nothing_7_5() -> None:
    framer = StreamFramer()
    assert framer.receive(b"\r\n" + SHORT + b"\r\n" + SHORT) == [SHORT, SHORT]
    assert framer.take_pongs() == b""


def test_an_empty_line_after_the_time_for_pongs_is_no_pong() -> None:
    framer = StreamFramer()
    framer.ping()
    framer.forget_pings()
    assert framer.receive(b"\r\n\r\n") == []
    assert (framer.pongs_received, framer.take_pongs()) == (0, b"\r\n")


def test_the_answer_to_our_ping_is_counted_and_not_answered() -> None:
    framer = StreamFramer()
    assert framer.ping() == PING
    framer.receive(PONG)
    assert (framer.pongs_received, framer.take_pongs()) == (1, b"")
    framer.ping()
    framer.receive(PONG + PING)
    assert (framer.pongs_received, framer.take_pongs()) == (2, PONG)


@pytest.mark.parametrize(
    "garbage",
    [b"\x16\x03\x01\x02\x00", b" INVITE", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", lines(), lines("Content-Length: x"),
     lines("Content-Length: -1"), lines("Content-Length: 1", "l: 2"), lines("Content-Length: 99999999999"),
     lines("Content-Length: 0", *["X: y"] * 600), b"\r\x16", b"\n"],
)  # fmt: skip
def test_garbage_is_an_error_and_nothing_is_read_after_it(garbage: bytes) -> None:
    framer = StreamFramer()
    assert framer.receive(SHORT + garbage) == [SHORT]
    assert framer.error is not None
    assert framer.error.status == 400
    assert framer.error.message is None
    assert framer.receive(SHORT) == []


@pytest.mark.parametrize(
    "data", [b"A" * 1000, lines("Content-Length: 900"), lines("Subject: " + "x" * 1000, "Content-Length: 0")]
)
def test_what_is_longer_than_the_limit_is_an_error_before_it_is_whole(data: bytes) -> None:
    framer = StreamFramer(limit=1000)
    assert framer.receive(data) == []
    assert framer.error is not None
    assert framer.error.status == 513


def test_the_head_of_a_message_that_is_too_long_is_kept_for_the_answer() -> None:
    framer = StreamFramer(limit=1000)
    assert framer.receive(lines("Content-Length: 900") + b"the body") == []
    assert framer.refused == lines("Content-Length: 900")
    assert StreamFramer().refused == b""


def test_a_message_of_just_the_limit_is_taken() -> None:
    assert StreamFramer(limit=len(INVITE)).receive(INVITE) == [INVITE]


def test_slow_dripping_costs_time_that_grows_with_its_length_only() -> None:
    def drip() -> None:
        framer = StreamFramer()
        for _ in range(60_000):
            framer.receive(b"A")
        assert framer.error is None

    assert effort(drip, bound=1.0) < 1.0


@pytest.mark.parametrize(
    ("data", "alive"),
    [
        (b"", True),
        (PING, True),
        (PONG, True),
        (b"\0", True),
        (b"\0\0\0\0", True),
        (SHORT, False),
        (b" ", False),
    ],
)
def test_a_datagram_of_nothing_keeps_a_door_open(data: bytes, alive: bool) -> None:
    assert is_keepalive(data) is alive


@given(
    st.lists(
        st.binary() | st.sampled_from([SHORT, INVITE[:90], PONG, b"\r", b"SIP/2.0 200 OK\r\nl:1\r\n\r\n"])
    )
)
def test_no_bytes_raise(chunks: list[bytes]) -> None:
    framer = StreamFramer(limit=2000)
    for chunk in chunks:
        for message in framer.receive(chunk):
            assert len(message) <= 2000
        framer.take_pongs()
