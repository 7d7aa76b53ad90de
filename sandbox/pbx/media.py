"""The media of one leg, as the exchange knows it: descriptions in and out, something to hear, something to play.

A port: `webrtc.py` (browsers) and `rtp.py` (telephones) carry real sound, `PaperMedia` here only writes the papers. The exchange
never waits: a description is asked for, and the leg is told when it is there. Invariants: each request for a description is
answered once, by `sdp_ready`; a closed leg says nothing more.
"""

from typing import Protocol

from sandbox.pbx.sound.frames import Silence, Source
from sip.sdp import Sdp


class MediaUser(Protocol):
    """Who waits for descriptions."""

    def sdp_ready(self, sdp: bytes | None) -> None:
        """The offer or answer that was asked for; None when there can be none. May come inside the asking call."""


class MediaLeg(Protocol):
    """The sound of one device."""

    @property
    def voice(self) -> Source:
        """What the device says."""

    @property
    def pressed(self) -> str:
        """The digits that were pressed on it in this call."""

    def listen(self, source: Source) -> None:
        """From now on the device hears that."""

    def make_offer(self) -> None:
        """Ask for an offer of ours."""

    def take_offer(self, sdp: bytes) -> None:
        """Ask for our answer to the device's offer."""

    def take_answer(self, sdp: bytes) -> None:
        """The device answered our offer."""

    def take_change(self, sdp: bytes) -> bool:
        """The device offers a change in mid-call; false when it cannot be followed (another DTLS identity)."""

    def close(self) -> None:
        """The call is over."""


class Media(Protocol):
    """Where legs come from."""

    def leg(self, user: MediaUser, *, browser: bool) -> MediaLeg:
        """A leg for a browser (WebRTC) or for a telephone (plain RTP); silent until it is asked."""


class PaperMedia:
    """Legs without sound: for tests of signalling, and where aiortc is not installed."""

    def leg(self, user: MediaUser, *, browser: bool) -> MediaLeg:
        return PaperLeg(user, browser=browser)


_BROWSER_LINES = "a=ice-ufrag:papr\r\na=ice-pwd:paperpaperpaperpaperpaper\r\na=fingerprint:sha-256 00:00\r\na=setup:actpass\r\na=rtcp-mux\r\n"


class PaperLeg:
    """One such leg. Its descriptions are whole and say port 9; what it was asked is in `asked`."""

    def __init__(self, user: MediaUser, *, browser: bool) -> None:
        self._user = user
        self._browser = browser
        self._offered: Sdp | None = None
        self.asked: list[str] = []
        self.heard: Source = Silence()
        self.voice: Source = Silence()
        self.pressed = ""

    def listen(self, source: Source) -> None:
        self.heard = source

    def make_offer(self) -> None:
        self.asked.append("offer")
        self._user.sdp_ready(self._description("actpass"))

    def take_offer(self, sdp: bytes) -> None:
        self.asked.append("answer")
        self._offered = Sdp.parse(sdp)
        self._user.sdp_ready(self._description("active"))

    def take_answer(self, sdp: bytes) -> None:
        self._offered = Sdp.parse(sdp)

    def take_change(self, sdp: bytes) -> bool:
        known, new = self._offered, Sdp.parse(sdp)
        return known is None or known.fingerprint == new.fingerprint

    def close(self) -> None:
        self.asked.append("close")

    def _description(self, setup: str) -> bytes:
        protocol = "UDP/TLS/RTP/SAVPF" if self._browser else "RTP/AVP"
        extra = _BROWSER_LINES.replace("actpass", setup) if self._browser else ""
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio 9 {protocol} 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n{extra}"
        ).encode()


def wants_browser(sdp: bytes) -> bool:
    """Whether an offer speaks WebRTC: DTLS-SRTP, as RFC 8827 asks of browsers."""
    audio = Sdp.parse(sdp).audio
    return audio is not None and "TLS" in audio.protocol
