"""Waiting voicemail (RFC 3842 §5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import LocalProtocolError, ParseError
from sip.packages.message_summary import Counts, MessageSummary

RFC = (
    b"Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\nVoice-Message: 4/8 (1/2)\r\n"
    b"Fax-Message: 0/3\r\n\r\nTo: <alice@atlanta.example.com>\r\nVoice-Message: 9/9 (9/9)\r\n"
)


def test_all_that_5_2_has_is_read_and_the_messages_after_it_are_not() -> None:
    summary = MessageSummary.parse(RFC)
    assert summary.waiting
    assert summary.account == "sip:alice@vmail.example.com"
    assert summary.voice == Counts(4, 8, 1, 2)
    assert summary.counts["fax-message"] == Counts(0, 3)


@pytest.mark.parametrize(
    "data",
    [
        b"Messages-Waiting: no\r\n",
        b"\r\nmessages-waiting :  NO\nvoice-message: many\nX-Other: 1\nno colon here\n",
        b"Messages-Waiting: no\r\nVoice-Message: 99999999999/1\r\n",
        b"Messages-Waiting: no\r\nVoice-Message: 1/2 (3\r\n",
        b"Messages-Waiting: no\r\nGossip-Message: 1/2\r\n",
        b"Messages-Waiting: no\r\n\xff\xfe: 1\r\n",
    ],
)
def test_what_is_not_understood_is_passed_over(data: bytes) -> None:
    assert MessageSummary.parse(data) == MessageSummary(waiting=False)


@pytest.mark.parametrize(
    "data",
    [b"", b"Voice-Message: 1/0\r\n", b"Messages-Waiting: perhaps\r\n", b"Messages-Waiting: no\r\n" + b"x" * 17_000],
)  # fmt: skip
def test_what_does_not_say_whether_anything_waits_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        MessageSummary.parse(data)


@given(st.binary(max_size=100))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    try:
        MessageSummary.parse(b"Messages-Waiting: yes\r\n" + data)
        MessageSummary.parse(data)
    except ParseError:
        pass


numbers = st.integers(0, 999_999_999)


@given(
    st.booleans(),
    st.sampled_from(["", "sip:101@pbx", "sip:a b"]),
    st.dictionaries(
        st.sampled_from(["voice-message", "fax-message", "text-message"]),
        st.builds(Counts, numbers, numbers, numbers, numbers),
    ),
)
def test_what_is_written_is_read_back(waiting: bool, account: str, counts: dict[str, Counts]) -> None:
    summary = MessageSummary(waiting, account, counts)
    assert MessageSummary.parse(summary.to_bytes()) == summary


def test_a_line_of_the_users_making_cannot_become_two() -> None:
    with pytest.raises(LocalProtocolError):
        MessageSummary(False, "sip:a\r\nVoice-Message: 9/9").to_bytes()
    with pytest.raises(LocalProtocolError):
        MessageSummary(False, "", {"x\r\ny": Counts()}).to_bytes()
