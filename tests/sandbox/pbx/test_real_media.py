"""What is done to descriptions that go to and come from browsers, and what is left without aiortc."""

import asyncio

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from sandbox.pbx import real_media, webrtc
from sandbox.pbx.media import PaperLeg, wants_browser
from sandbox.pbx.real_media import RealMedia
from sip.errors import ParseError
from sip.sdp import Sdp


class User:
    def sdp_ready(self, sdp: bytes | None) -> None:
        """Nobody waits."""


def test_candidates_that_cannot_be_used_are_left_out_and_nothing_else() -> None:
    sdp = (
        "a=candidate:1 1 udp 2122 127.0.0.1 5000 typ host\r\n"
        "a=candidate:2 1 udp 2122 6a0f.local 5000 typ host\r\n"
        "a=candidate:3 1 tcp 1518 127.0.0.1 9 typ host tcptype active\r\n"
        "a=mid:0\r\n"
    )
    assert webrtc._reachable(sdp) == "a=candidate:1 1 udp 2122 127.0.0.1 5000 typ host\r\na=mid:0\r\n"


def test_digits_are_written_into_our_description_under_the_browsers_number() -> None:
    sdp = "m=audio 9 UDP/TLS/RTP/SAVPF 8 0\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"
    assert webrtc._with_events(sdp, 126) == (
        b"m=audio 9 UDP/TLS/RTP/SAVPF 8 0 126\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
        b"a=rtpmap:126 telephone-event/8000\r\na=fmtp:126 0-16\r\na=sendrecv\r\n"
    )
    assert webrtc._with_events(sdp, -1) == sdp.encode()


class Listener:
    """Waits for what a leg says."""

    def __init__(self) -> None:
        self.said: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def sdp_ready(self, sdp: bytes | None) -> None:
        assert sdp is not None
        self.said.set_result(sdp)


async def test_an_offer_has_g711_digits_and_candidates_of_the_chosen_address_only() -> None:
    media, listener = RealMedia("127.0.0.1", loopback_only=True), Listener()
    leg = media.leg(listener, browser=True)
    leg.make_offer()
    said = await listener.said
    leg.close()
    await media.close()
    offer = Sdp.parse(said)
    assert offer.audio is not None
    assert set(offer.audio.codecs.values()) == {"PCMA/8000", "PCMU/8000", "telephone-event/8000"}
    assert {candidate.split()[4] for candidate in offer.audio.candidates} == {"127.0.0.1"}
    assert wants_browser(said)


async def test_an_answer_leaves_no_codec_but_g711_to_a_browser_that_would_rather_speak_opus() -> None:
    media, listener = RealMedia("127.0.0.1", loopback_only=True), Listener()
    browser = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    browser.addTransceiver("audio")
    await browser.setLocalDescription(await browser.createOffer())
    offered = browser.localDescription.sdp
    leg = media.leg(listener, browser=True)
    leg.take_offer(offered.encode())
    said = await listener.said
    leg.close()
    await media.close()
    await browser.close()
    answer = Sdp.parse(said)
    assert "opus/48000/2" in offered
    assert answer.audio is not None
    assert set(answer.audio.codecs.values()) == {"PCMA/8000", "PCMU/8000"}


async def test_without_aiortc_a_browser_gets_papers_without_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_media, "HAS_WEBRTC", False)
    assert isinstance(RealMedia("127.0.0.1").leg(User(), browser=True), PaperLeg)


@pytest.mark.parametrize(
    ("protocol", "browser"), [("UDP/TLS/RTP/SAVPF", True), ("RTP/AVP", False), ("RTP/SAVP", False)]
)
def test_webrtc_is_told_by_dtls(protocol: str, browser: bool) -> None:
    sdp = f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 {protocol} 8\r\n"
    assert wants_browser(sdp.encode()) is browser


def test_what_is_no_description_is_said_so() -> None:
    with pytest.raises(ParseError):
        wants_browser(b"hello")
