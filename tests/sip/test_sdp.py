"""The view of a session description (RFC 8866, RFC 3264)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import LocalProtocolError, ParseError
from sip.sdp import Direction, Media, Origin, Sdp
from tests.sip.messages import SDP

BROWSER = (
    "\r\n".join(
        """v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS 7f1
m=audio 49203 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 192.0.2.7
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1 1 udp 2122260223 192.0.2.7 49203 typ host generation 0
a=candidate:2 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active
a=ice-ufrag:4Zlg
a=ice-pwd:8ZIoYs0
a=fingerprint:sha-256 AA:BB:CC
a=setup:actpass
a=mid:0
a=sendrecv
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtpmap:8 PCMA/8000
a=ssrc:1 cname:x
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
a=mid:1
""".splitlines()
    )
    + "\r\n"
)


@pytest.mark.parametrize("text", [SDP, BROWSER, "v=0\r\no=- 1 1 IN IP4 h\r\ns= \r\n"])
def test_every_line_is_kept(text: str) -> None:
    assert str(Sdp.parse(text)) == text
    assert Sdp.parse(text.encode()).to_bytes() == text.encode()


def test_bare_line_feeds_are_taken() -> None:
    assert str(Sdp.parse(SDP.replace("\r\n", "\n").rstrip("\n"))) == SDP


def test_the_first_audio_is_at_hand() -> None:
    sdp = Sdp.parse(SDP)
    assert (sdp.address(), sdp.port, sdp.payloads, sdp.is_rejected) == ("10.0.0.9", 14002, (8, 0, 101), False)
    assert sdp.audio is not None
    assert sdp.audio.codecs == {"8": "PCMA/8000", "0": "PCMU/8000", "101": "telephone-event/8000"}
    assert sdp.audio.protocol == "RTP/AVP"


def test_what_a_browser_says_of_ice_and_dtls_is_read() -> None:
    sdp = Sdp.parse(BROWSER)
    assert sdp.fingerprint == "sha-256 AA:BB:CC"
    assert sdp.ice_ufrag == "4Zlg"
    assert sdp.attribute("setup") == "actpass"
    assert sdp.attribute("rtcp-mux") == ""
    assert sdp.attribute("ice-lite") is None
    assert sdp.attribute("extmap-allow-mixed") == ""
    assert sdp.address() == "192.0.2.7"
    assert sdp.audio is not None
    assert len(sdp.audio.candidates) == 2
    assert [media.kind for media in sdp.media] == ["audio", "application"]


def test_fingerprint_and_fragment_may_stand_in_the_session() -> None:
    sdp = Sdp.parse(SDP.replace("t=0 0", "t=0 0\r\na=fingerprint:sha-1 00\r\na=ice-ufrag:x"))
    assert (sdp.fingerprint, sdp.ice_ufrag) == ("sha-1 00", "x")


@pytest.mark.parametrize(
    ("text", "rejected"),
    [
        (SDP.replace("audio 14002", "audio 0"), True),
        (SDP.replace("m=audio", "m=video"), True),
        (SDP.replace("audio 14002", "audio 0").replace("a=ptime:20", "a=bundle-only"), False),
    ],
)
def test_port_zero_or_no_audio_is_rejected_rfc3264_6(text: str, rejected: bool) -> None:
    assert Sdp.parse(text).is_rejected is rejected


def test_without_audio_there_is_nothing_to_read() -> None:
    sdp = Sdp.parse("v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\n")
    assert (sdp.audio, sdp.port, sdp.payloads, sdp.address(), sdp.direction()) == (
        None,
        None,
        (),
        None,
        "sendrecv",
    )


@pytest.mark.parametrize(
    ("session", "media", "direction"),
    [
        ("", "", "sendrecv"),
        ("a=inactive\r\n", "", "inactive"),
        ("a=inactive\r\n", "a=sendonly\r\n", "sendonly"),
        ("", "a=recvonly\r\n", "recvonly"),
    ],
)
def test_a_stream_has_its_own_direction_or_the_sessions_rfc8866_6_7(
    session: str, media: str, direction: str
) -> None:
    text = SDP.replace("a=sendrecv\r\n", media).replace("t=0 0\r\n", "t=0 0\r\n" + session)
    assert Sdp.parse(text).direction() == direction


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (SDP, False),
        (SDP.replace("sendrecv", "recvonly"), False),
        (SDP.replace("sendrecv", "sendonly"), True),
        (SDP.replace("sendrecv", "inactive"), True),
        (SDP.replace("c=IN IP4 10.0.0.9", "c=IN IP4 0.0.0.0"), True),
    ],
)
def test_hold_is_known_in_its_three_forms(text: str, held: bool) -> None:
    assert Sdp.parse(text).is_hold is held


@pytest.mark.parametrize("direction", ["sendonly", "recvonly", "inactive", "sendrecv"])
def test_a_direction_is_changed_in_its_place_and_nothing_else_is(direction: Direction) -> None:
    assert str(Sdp.parse(SDP).with_direction(direction)) == SDP.replace("sendrecv", direction)
    assert str(Sdp.parse(BROWSER).with_direction(direction)) == BROWSER.replace("sendrecv", direction)


def test_a_direction_of_the_session_moves_into_the_streams() -> None:
    text = SDP.replace("a=sendrecv\r\n", "").replace("t=0 0\r\n", "t=0 0\r\na=sendrecv\r\n")
    changed = Sdp.parse(text).with_direction("inactive")
    assert str(changed) == SDP.replace("sendrecv", "inactive")
    assert changed.direction() == "inactive"


def test_two_directions_of_one_stream_become_one() -> None:
    text = SDP.replace("a=ptime:20", "a=sendonly")
    assert str(Sdp.parse(text).with_direction("inactive")).count("a=inactive") == 1


def test_a_direction_that_is_none_must_not_be_written() -> None:
    with pytest.raises(LocalProtocolError):
        Sdp.parse(SDP).with_direction("send\r\nonly")  # type: ignore[arg-type]


def test_a_changed_description_has_a_greater_version_rfc3264_8() -> None:
    sdp = Sdp.parse(BROWSER)
    assert sdp.origin == Origin("-", 4611731400430051336, 2, "IN", "IP4", "127.0.0.1")
    assert sdp.with_next_version().version == 3
    assert sdp.with_next_version(after=9).version == 10
    assert str(sdp.with_version(7)) == BROWSER.replace(" 2 IN", " 7 IN")


def test_an_address_may_carry_a_ttl_or_be_of_the_sixth_kind() -> None:
    assert Sdp.parse(SDP.replace("IP4 10.0.0.9\r\nt=", "IP4 224.2.1.1/127\r\nt=")).address() == "224.2.1.1"
    assert Sdp.parse(SDP.replace("c=IN IP4 10.0.0.9", "c=IN IP6 ::1")).address() == "::1"
    assert Sdp.parse(SDP.replace("c=IN IP4 10.0.0.9", "c=IN")).address() is None


def test_odd_formats_are_no_payloads() -> None:
    media = Media.parse(("m=audio 9/2 RTP/AVP 8 x ² 1234",))
    assert media.payloads == (8,)
    assert Media.parse(("m=audio 9 RTP/AVP",)).formats == ()


@pytest.mark.parametrize(
    "text",
    ["", "v=1\r\n", "nonsense", SDP.replace("v=0\r\n", ""), SDP.replace("s=Asterisk", "s"), SDP.replace("o=-", "x=-"),
     SDP.replace("1234 1 IN", "x 1 IN"), SDP.replace("1234 1 IN", "1" * 30 + " 1 IN"), SDP.replace("audio 14002", "audio x"),
     SDP.replace("audio 14002", "audio 70000"), SDP.replace("Asterisk", "a\rb"), SDP.replace("Asterisk", "a\0b"),
     SDP.replace("\r\nt=", "\r\n\r\nt=")],
)  # fmt: skip
def test_what_no_peer_could_use_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        Sdp.parse(text)


@given(
    st.binary()
    | st.lists(st.sampled_from([*SDP.encode().splitlines(), b"a=", b"c=x", b"m=audio 1 x", b"\xff"])).map(
        b"\r\n".join
    )
)
def test_nothing_but_a_parse_error_comes_of_any_bytes_and_what_is_read_can_be_written(data: bytes) -> None:
    try:
        sdp = Sdp.parse(data)
    except ParseError:
        return
    assert Sdp.parse(str(sdp)) == sdp
    held = sdp.with_next_version().with_direction("inactive")
    assert Sdp.parse(str(held)) == held
    _ = sdp.address(), sdp.payloads, sdp.fingerprint, sdp.is_hold, sdp.is_rejected
