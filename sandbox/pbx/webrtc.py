"""Sound of browsers: one aiortc peer connection per leg, G.711 only, so that nothing is transcoded.

Invariants: no STUN or TURN server is ever asked; a description has all its candidates; a connection is closed with its leg. aiortc
leaves the loopback out of its ICE candidates, which would make a machine without network mute: `use_addresses` says which addresses
ICE may use (docs/decisions/0005-sandbox-media.md).
"""

import asyncio
import fractions
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Final

import aioice.ice
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDtlsTransport,
    RTCPeerConnection,
    RTCRtpCodecCapability,
    RTCRtpReceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from sandbox.pbx.media import MediaUser
from sandbox.pbx.rtp import read_packet
from sandbox.pbx.sound.digits import CLOCK, Digits
from sandbox.pbx.sound.frames import FRAME, FRAME_SECONDS, RATE, Ear, Silence, Source
from sip.errors import ParseError
from sip.sdp import Sdp

log = logging.getLogger("sandbox.webrtc")

_TIME_BASE: Final = fractions.Fraction(1, RATE)
_EVENTS: Final = 101  # the payload type of digits in our own offers
_CODECS: Final = ("audio/PCMA", "audio/PCMU")
_LATE: Final = 0.2  # seconds behind the clock after which the mouth stops to catch up


def use_addresses(addresses: Sequence[str]) -> None:
    """Let ICE use these addresses of the machine, for all peer connections of this process.

    aioice enumerates interfaces in a function of its own that leaves 127.0.0.1 out and takes no argument; it is replaced.
    """

    def chosen(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return [one for one in addresses if (use_ipv6 if ":" in one else use_ipv4)]

    aioice.ice.get_host_addresses = chosen


def machine_addresses() -> list[str]:
    """The loopback, and every address that aioice finds: a browser may offer only one of them."""
    return ["127.0.0.1", *aioice.ice.get_host_addresses(True, False)]


class Mouth(MediaStreamTrack):
    """What the browser hears: a source read every 20 ms of the loop's clock."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.source: Source = Silence()
        self._next_at: float | None = None
        self._timestamp = 0

    async def recv(self) -> AudioFrame:
        """The next frame, when its time has come."""
        if self.readyState != "live":
            raise MediaStreamError
        now = asyncio.get_running_loop().time()
        if self._next_at is None or now - self._next_at > _LATE:
            self._next_at = now
        await asyncio.sleep(self._next_at - now)
        self._next_at += FRAME_SECONDS
        frame = AudioFrame.from_ndarray(self.source.read().reshape(1, FRAME), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._timestamp, _TIME_BASE
        self._timestamp += FRAME
        return frame


class BrowserLeg:
    """The sound of one browser. Silent until a description is asked for.

    Args:
        spawn: runs a coroutine as a task that is awaited before the process ends.
    """

    def __init__(self, user: MediaUser, spawn: Callable[[Coroutine[None, None, None]], None]) -> None:
        self.voice = Ear()
        self.digits = Digits()
        self._user = user
        self._spawn = spawn
        self._mouth = Mouth()
        self._connection: RTCPeerConnection | None = None
        self._known: Sdp | None = None
        self._events = _EVENTS
        self._hearing: asyncio.Task[None] | None = None

    @property
    def pressed(self) -> str:
        return self.digits.pressed

    def listen(self, source: Source) -> None:
        self._mouth.source = source

    def make_offer(self) -> None:
        self._spawn(self._describe(None))

    def take_offer(self, sdp: bytes) -> None:
        self._spawn(self._describe(sdp))

    def take_answer(self, sdp: bytes) -> None:
        self._spawn(self._accept(sdp))

    def take_change(self, sdp: bytes) -> bool:
        """Hold and resume come with the same DTLS and ICE identity; another one cannot be taken in mid-call."""
        try:
            new = Sdp.parse(sdp)
        except ParseError:
            return False
        known = self._known
        return known is not None and (known.fingerprint, known.ice_ufrag) == (new.fingerprint, new.ice_ufrag)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._spawn(connection.close())
        if self._hearing is not None:
            self._hearing.cancel()  # aiortc does not end the track of a connection that never came about

    async def _describe(self, offer: bytes | None) -> None:
        """Make our offer, or our answer to theirs, with all candidates in it."""
        connection = self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.on("track", lambda track: self._spawn(self._hear(track)))
        try:
            # Before their description: aiortc chooses the codecs when it takes an offer, and not again.
            connection.addTrack(self._mouth)
            for transceiver in connection.getTransceivers():
                transceiver.setCodecPreferences(_wanted_codecs())
            if offer is not None:
                await self._take(connection, offer, "offer")
            made = await (connection.createOffer() if offer is None else connection.createAnswer())
            await connection.setLocalDescription(made)
        except Exception:
            # Whatever a stranger's description makes of aiortc, it costs this call and no other.
            log.exception("! no description")
            self.close()
            self._user.sdp_ready(None)
            return
        self._user.sdp_ready(_with_events(connection.localDescription.sdp, self._events))

    async def _accept(self, answer: bytes) -> None:
        if self._connection is None:
            return
        try:
            await self._take(self._connection, answer, "answer")
        except Exception:
            log.exception("! the answer cannot be used")

    async def _take(self, connection: RTCPeerConnection, sdp: bytes, kind: str) -> None:
        theirs = Sdp.parse(sdp)
        audio = theirs.audio
        events = [
            int(payload) for payload, codec in (audio.codecs if audio else {}).items() if codec == CLOCK
        ]
        self._events = events[0] if events else -1
        self._known = theirs
        await connection.setRemoteDescription(RTCSessionDescription(_reachable(str(theirs)), kind))
        for transceiver in connection.getTransceivers():
            self._catch_digits(transceiver.receiver.transport)

    def _catch_digits(self, transport: RTCDtlsTransport) -> None:
        """aiortc drops RTP of a payload type that it has no codec for; digits are looked at before it does."""
        handle = transport._handle_rtp_data

        async def look(data: bytes, arrival_time_ms: int) -> None:
            packet = read_packet(data)
            if packet is not None and packet[0] == self._events:
                self.digits.put(packet[2], packet[1])
            await handle(data, arrival_time_ms)

        # setattr, because a method is being covered: there is no hook for packets of unknown types.
        setattr(transport, "_handle_rtp_data", look)  # noqa: B010

    async def _hear(self, track: MediaStreamTrack) -> None:
        if self._connection is None:
            return  # closed before this task had its turn
        self._hearing = asyncio.current_task()
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame), "we take nothing but sound"
                samples = frame.to_ndarray().reshape(-1).astype(np.int16, copy=False)
                for at in range(0, len(samples) - FRAME + 1, FRAME):
                    self.voice.put(samples[at : at + FRAME])
        except MediaStreamError:
            return  # the browser or we have closed the connection


def _wanted_codecs() -> list[RTCRtpCodecCapability]:
    able = RTCRtpReceiver.getCapabilities("audio")
    codecs = able.codecs if able is not None else []
    return [codec for name in _CODECS for codec in codecs if codec.mimeType == name]


def _reachable(sdp: str) -> str:
    """Without candidates that cannot be used here: TCP, and names that only multicast DNS would resolve (RFC 8839 §5.1)."""
    lines = sdp.split("\r\n")
    return "\r\n".join(
        line
        for line in lines
        if not (line.startswith("a=candidate:") and (" tcp " in line.lower() or ".local " in line))
    )


def _with_events(sdp: str, payload: int) -> bytes:
    """The description with digits as events, which aiortc does not write; -1 for a peer that did not offer them."""
    if payload < 0:
        return sdp.encode()
    lines: list[str] = []
    for line in sdp.split("\r\n"):
        lines.append(f"{line} {payload}" if line.startswith("m=audio") else line)
        if line.startswith("a=rtpmap:0 "):
            lines += [f"a=rtpmap:{payload} {CLOCK}", f"a=fmtp:{payload} 0-16"]
    return "\r\n".join(lines).encode()
