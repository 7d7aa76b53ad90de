"""A description in a line or two, whatever it looks like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ladder.sdp import digest
from tests.gateway.pbx import sdp


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n",
            ["audio 192.0.2.1:4000 sendonly", "RTP/AVP PCMA, PCMU, telephone-event"],
        ),
        ("c=IN IP4 192.0.2.1\na=inactive\nm=audio 4 RTP/AVP\n", ["audio 192.0.2.1:4 inactive", "RTP/AVP"]),
        (
            "m=audio 4000 RTP/AVP 8\nc=IN IP6 2001:db8::1/64\n",
            ["audio [2001:db8::1]:4000 sendrecv", "RTP/AVP PCMA"],
        ),
        (
            "c=IN IP4 0.0.0.0\nm=audio 9 UDP/TLS/RTP/SAVPF 111\na=rtpmap:111 opus/48000/2\na=candidate:1 1 udp\na=candidate:2 1 tcp\n",
            ["audio ICE, 2 candidates sendrecv", "UDP/TLS/RTP/SAVPF opus"],
        ),
        ("m=audio 9 X 1\na=candidate:1\n", ["audio ICE, 1 candidate sendrecv", "X"]),
        ("m=audio 0 RTP/AVP 8\nm=video 0 RTP/AVP 96\n", ["audio refused", "video refused"]),
        ("m=audio 4 R 0 3 4 8 9 18\n", ["audio ?:4 sendrecv", "R PCMU, GSM, G723, PCMA…"]),
        ("m=\n", [" ?: sendrecv", ""]),
        ("", []),
    ],
)
def test_it_says_where_which_way_and_in_what(text: str, said: list[str]) -> None:
    assert digest(text) == said


def test_a_browser_s_description_is_read() -> None:
    where, what = digest(sdp("page"))
    assert where.startswith("audio ")
    assert what.startswith("UDP/TLS/RTP/SAVPF opus")


def test_streams_without_end_are_not_all_told() -> None:
    assert len(digest("m=audio 4000 RTP/AVP 8\n" * 1000)) == 8


@given(st.text(max_size=200))
def test_any_text_is_taken(text: str) -> None:
    assert all(isinstance(line, str) for line in digest(text))
