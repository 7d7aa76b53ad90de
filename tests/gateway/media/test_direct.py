"""What the gateway says in the page's name."""

import pytest

from gateway.media.direct import BadDescription, answer, checked, held, resumed, version_of
from sip.sdp import Sdp

PAGE = "\r\n".join(
    (
        "v=0",
        "o=- 4611 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS s",
        "m=audio 50000 UDP/TLS/RTP/SAVPF 111 63 9 0 8 126",
        "c=IN IP4 192.0.2.1",
        "a=rtcp:9 IN IP4 0.0.0.0",
        "a=candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host",
        "a=ice-ufrag:page",
        "a=ice-pwd:pagepagepagepagepagepage",
        "a=fingerprint:sha-256 AA:BB",
        "a=setup:actpass",
        "a=mid:0",
        "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "a=extmap:2 urn:other",
        "a=sendrecv",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        "a=rtpmap:111 opus/48000/2",
        "a=rtcp-fb:111 transport-cc",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=rtpmap:63 red/48000/2",
        "a=rtpmap:9 G722/8000",
        "a=rtpmap:126 telephone-event/8000",
        "a=ssrc:1 cname:x",
        "",
    )
)


def theirs(
    *lines: str,
    name: str = "pbx",
    setup: str = "actpass",
    direction: str = "sendrecv",
    head: str = "m=audio 14002 UDP/TLS/RTP/SAVPF 8 126",
    address: str = "192.0.2.9",
) -> bytes:
    text = (
        "v=0", "o=- 99 5 IN IP4 192.0.2.9", "s=Asterisk", f"c=IN IP4 {address}", "t=0 0", head,
        f"a=ice-ufrag:{name}", f"a=fingerprint:sha-256 {name}", f"a=setup:{setup}",
        "a=rtpmap:8 PCMA/8000", "a=rtpmap:126 telephone-event/8000", "a=rtcp-mux", f"a={direction}", *lines, "",
    )  # fmt: skip
    return "\r\n".join(text).encode()


FIRST = theirs(setup="active")  # what the PBX answered to the page's offer


# --- offers ------------------------------------------------------------------------------------------------------------


def changed_lines(sdp: bytes) -> set[str]:
    return set(sdp.decode().split("\r\n")) ^ set(PAGE.split("\r\n"))


def test_a_hold_is_the_pages_description_inactive_and_with_a_higher_version() -> None:
    assert changed_lines(held(PAGE.encode(), 3)) == {
        "o=- 4611 2 IN IP4 127.0.0.1", "o=- 4611 3 IN IP4 127.0.0.1", "a=sendrecv", "a=inactive",
    }  # fmt: skip


def test_a_resume_is_the_pages_description_with_a_higher_version() -> None:
    assert changed_lines(resumed(PAGE.encode(), 4)) == {
        "o=- 4611 2 IN IP4 127.0.0.1",
        "o=- 4611 4 IN IP4 127.0.0.1",
    }
    assert resumed(held(PAGE.encode(), 3), 4) == resumed(PAGE.encode(), 4)


def test_a_page_with_bare_line_feeds_is_sent_with_proper_ends() -> None:
    assert checked(PAGE.replace("\r\n", "\n")) == PAGE.encode()
    assert version_of(PAGE.encode()) == 2


@pytest.mark.parametrize(
    "text", [b"", b"v=0\r\ns=-\r\n", b"v=0\r\no=- 1 x IN IP4 1.1.1.1\r\n", b"s=o=- 1 2 IN IP4 a\r\n"]
)
def test_what_has_no_origin_has_no_version(text: bytes) -> None:
    with pytest.raises(BadDescription):
        version_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=1",
        "hello",
        "v=0\r\ns=-\r\n",
        "v=0\r\no=- x 1 IN IP4 1.1.1.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n",
        "v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nt=0 0\r\n",
        "v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nt=0 0\r\nm=video 9 RTP/AVP 0\r\n",
        "v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n",
        "v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nt=0 0\r\nm=audio\r\n",
    ],
)
def test_what_describes_no_audio_is_refused_with_488(text: str) -> None:
    with pytest.raises(BadDescription) as caught:
        checked(text)
    assert caught.value.status == 488


# --- answers -----------------------------------------------------------------------------------------------------------


def test_an_answer_names_only_what_was_offered() -> None:
    sdp = Sdp.parse(answer(PAGE.encode(), theirs(), FIRST, 3, holding=False).sdp)
    (media,) = sdp.media
    assert media.formats == ("8", "126")
    assert media.protocol == "UDP/TLS/RTP/SAVPF"
    assert media.port == 50000
    text = str(sdp)
    assert "a=rtpmap:126 telephone-event/8000\r\n" in text
    assert "a=candidate:1 1 udp" in text
    for absent in ("opus", "a=fmtp:111", "a=rtcp-fb:111", "a=extmap", "a=rtcp-rsize", "a=group", "a=mid"):
        assert absent not in text
    assert "a=rtcp-mux\r\n" in text
    assert sdp.version == 3


def test_an_answer_keeps_what_was_offered_too() -> None:
    offer = theirs(
        "a=mid:audio-0", "a=rtcp-rsize", "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level"
    ).replace(b"t=0 0\r\n", b"t=0 0\r\na=group:BUNDLE audio-0\r\n")
    text = answer(PAGE.encode(), offer, FIRST, 3, holding=False).sdp.decode()
    for present in ("a=rtcp-rsize", "a=extmap:1 ", "a=mid:audio-0", "a=group:BUNDLE audio-0"):
        assert present in text
    assert "a=extmap:2" not in text


@pytest.mark.parametrize(
    ("offered", "answered", "them"),
    [
        ("sendrecv", "sendrecv", False),
        ("sendonly", "recvonly", True),
        ("recvonly", "sendonly", False),
        ("inactive", "inactive", True),
    ],
)
def test_the_direction_is_mirrored_and_their_hold_recognised(offered: str, answered: str, them: bool) -> None:
    result = answer(PAGE.encode(), theirs(direction=offered), FIRST, 3, holding=False)
    assert Sdp.parse(result.sdp).direction() == answered
    assert result.held_by_them is them


@pytest.mark.parametrize(
    ("offered", "them"), [("sendrecv", False), ("sendonly", True), ("recvonly", None), ("inactive", None)]
)
def test_while_we_hold_nothing_flows_and_an_echo_of_our_hold_is_not_theirs(
    offered: str, them: bool | None
) -> None:
    result = answer(PAGE.encode(), theirs(direction=offered), FIRST, 3, holding=True)
    assert Sdp.parse(result.sdp).direction() == "inactive"
    assert result.held_by_them is them


def test_an_address_of_zeros_is_the_hold_of_rfc_2543_unless_ice_says_where() -> None:
    plain = theirs(address="0.0.0.0").replace(b"a=ice-ufrag:pbx\r\n", b"")
    before = FIRST.replace(b"a=ice-ufrag:pbx\r\n", b"")
    assert answer(PAGE.encode(), plain, before, 3, holding=False).held_by_them is True
    assert answer(PAGE.encode(), theirs(address="0.0.0.0"), FIRST, 3, holding=False).held_by_them is False


@pytest.mark.parametrize(("theirs_was", "ours_is"), [("active", "passive"), ("passive", "active")])
def test_the_dtls_role_stays_what_it_was(theirs_was: str, ours_is: str) -> None:
    result = answer(PAGE.encode(), theirs(), theirs(setup=theirs_was), 3, holding=False)
    assert Sdp.parse(result.sdp).attribute("setup") == ours_is


def test_a_page_that_answered_keeps_its_own_role() -> None:
    page = PAGE.replace("a=setup:actpass", "a=setup:active").encode()
    assert b"a=setup:active" in answer(page, theirs(), theirs(), 3, holding=False).sdp
    with pytest.raises(BadDescription, match="role"):
        answer(page, theirs(setup="active"), theirs(), 3, holding=False)


@pytest.mark.parametrize(
    "offer",
    [
        theirs(name="other"),
        theirs().replace(b"a=ice-ufrag:pbx", b"a=ice-ufrag:restarted"),
        theirs().replace(b"a=fingerprint:sha-256 pbx", b"a=fingerprint:sha-256 other"),
    ],
)
def test_another_identity_cannot_be_answered_without_the_page(offer: bytes) -> None:
    with pytest.raises(BadDescription, match="identity"):
        answer(PAGE.encode(), offer, FIRST, 3, holding=False)


def test_without_a_codec_in_common_there_is_no_answer() -> None:
    offer = theirs(head="m=audio 14002 UDP/TLS/RTP/SAVPF 18")
    with pytest.raises(BadDescription, match="codec"):
        answer(PAGE.encode(), offer, FIRST, 3, holding=False)


def test_a_payload_number_that_means_another_codec_is_not_in_common() -> None:
    offer = theirs("a=rtpmap:111 telephone-event/48000", head="m=audio 1 UDP/TLS/RTP/SAVPF 8 111")
    assert Sdp.parse(answer(PAGE.encode(), offer, FIRST, 3, holding=False).sdp).payloads == (8,)


def test_a_stream_that_we_do_not_have_is_rejected_in_its_place() -> None:
    offer = theirs("m=video 14004 UDP/TLS/RTP/SAVPF 96", "a=mid:v", "a=rtpmap:96 VP8/90000")
    audio, video = Sdp.parse(answer(PAGE.encode(), offer, FIRST, 3, holding=False).sdp).media
    assert not audio.is_rejected
    assert (video.kind, video.port, video.attribute("mid")) == ("video", 0, "v")


def test_plain_rtp_has_no_role() -> None:
    page = PAGE.replace("a=setup:actpass\r\n", "").replace("a=fingerprint:sha-256 AA:BB\r\n", "")
    offer = theirs().replace(b"a=setup:actpass\r\n", b"").replace(b"a=fingerprint:sha-256 pbx\r\n", b"")
    assert b"a=setup" not in answer(page.encode(), offer, offer, 3, holding=False).sdp


def test_without_an_earlier_description_there_is_nothing_to_compare() -> None:
    assert answer(PAGE.encode(), theirs(), None, 3, holding=False).held_by_them is False
