"""The status line in a message/sipfrag body (RFC 3420)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import LocalProtocolError
from sip.sipfrag import Status, read, write


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"SIP/2.0 100 Trying", Status(100, "Trying")),
        (b"SIP/2.0 100 Trying\r\n", Status(100, "Trying")),
        (b"SIP/2.0 200 OK\r\nTo: <sip:a@b>\r\n\r\n", Status(200, "OK")),
        (b"\r\n SIP/2.0 180 Ringing\n", Status(180, "Ringing")),
        (b"sip/2.0 486 Busy Here\r\n", Status(486, "Busy Here")),
        (b"SIP/2.0 503", Status(503, "")),
        (b"SIP/2.0 603 \r\n", Status(603, "")),
        (b"SIP/2.0  200   OK  \r\n", Status(200, "OK")),
        ("SIP/2.0 486 Занято\r\n".encode(), Status(486, "Занято")),
    ],
)
def test_a_status_line_is_read_however_it_is_written(body: bytes, status: Status) -> None:
    assert read(body) == status


@pytest.mark.parametrize(
    "body",
    [b"", b"rubbish", b"INVITE sip:a@b SIP/2.0\r\n", b"From: <sip:a@b>\r\n", b"SIP/2.0 99 No", b"SIP/2.0 700 No", b"SIP/2.0 2000 No",
     b"SIP/2.0200 OK", b"SIP/2.0 200OK", b" " * 3000 + b"SIP/2.0 200 OK"],
)  # fmt: skip
def test_a_fragment_without_a_status_line_says_nothing(body: bytes) -> None:
    assert read(body) is None


@given(st.binary(max_size=200))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    found = read(body)
    assert found is None or 100 <= found.status <= 699


@given(st.integers(100, 699), st.text(st.characters(codec="ascii", categories=("L", "N"))))
def test_what_is_written_is_read_again(status: int, reason: str) -> None:
    assert read(write(status, reason)) == Status(status, reason)


def test_without_a_reason_the_usual_phrase_is_written() -> None:
    assert write(100) == b"SIP/2.0 100 Trying\r\n"


@pytest.mark.parametrize(("status", "reason"), [(99, None), (700, None), (200, "OK\r\nVia: x")])
def test_what_is_no_status_line_is_not_written(status: int, reason: str | None) -> None:
    with pytest.raises(LocalProtocolError):
        write(status, reason)


def test_from_200_on_a_status_is_final() -> None:
    assert [Status(status, "").is_final for status in (100, 199, 200, 603)] == [False, False, True, True]
