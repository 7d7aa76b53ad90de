"""Sound of plain telephones: G.711 in RTP over UDP (RFC 3550, 3551), digits as events (RFC 4733).

One socket per leg. Knows nothing of calls. Invariants: sound goes where the description said, or where sound came from, whichever was
heard of last (phones behind NAT); a datagram that is no RTP of ours is dropped; nothing is sent before the other side is known.
"""

import asyncio
import socket
import struct
from typing import Final

from sandbox.pbx.media import MediaUser
from sandbox.pbx.sound import g711
from sandbox.pbx.sound.digits import CLOCK, Digits
from sandbox.pbx.sound.frames import FRAME, Ear, Silence, Source
from sip.errors import ParseError
from sip.sdp import Sdp

_HEADER: Final = struct.Struct("!BBHII")
_EVENTS: Final = 101  # the payload type of digits in our own offers
_LAWS: Final = {g711.PCMA: "PCMA/8000", g711.PCMU: "PCMU/8000"}


class RtpLeg:
    """The sound of one telephone. Silent until a description is asked for.

    Args:
        host: the address that its socket is bound to and its description says.
        seed: SSRC, first sequence number and timestamp; need not be secret here.
    """

    def __init__(self, user: MediaUser, host: str, seed: int) -> None:
        self.voice = Ear()
        self.digits = Digits()
        self._user = user
        self._host = host
        self._source: Source = Silence()
        self.is_closed = False
        self._socket: socket.socket | None = None
        self._remote: tuple[str, int] | None = None
        self._law = g711.PCMA
        self._events = _EVENTS
        self._ssrc, self._sequence, self._timestamp = seed & 0xFFFFFFFF, seed & 0xFFFF, seed * 7 & 0xFFFFFFFF

    @property
    def pressed(self) -> str:
        return self.digits.pressed

    def listen(self, source: Source) -> None:
        self._source = source

    def make_offer(self) -> None:
        self._open()
        self._user.sdp_ready(self._description((g711.PCMA, g711.PCMU)))

    def take_offer(self, sdp: bytes) -> None:
        if not self._aim(sdp):
            self._user.sdp_ready(None)
            return
        self._open()
        self._user.sdp_ready(self._description((self._law,)))

    def take_answer(self, sdp: bytes) -> None:
        self._aim(sdp)

    def take_change(self, sdp: bytes) -> bool:
        return self._aim(sdp)

    def close(self) -> None:
        self.is_closed = True
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def tick(self) -> None:
        """Send the next 20 ms."""
        frame = self._source.read()
        if self._socket is None or self._remote is None:
            return
        self._sequence = self._sequence + 1 & 0xFFFF
        self._timestamp = self._timestamp + FRAME & 0xFFFFFFFF
        header = _HEADER.pack(0x80, self._law, self._sequence, self._timestamp, self._ssrc)
        try:
            self._socket.sendto(header + g711.encode(frame, self._law), self._remote)
        except OSError:
            self._remote = None  # nobody there (ICMP): wait until the phone is heard of again

    def _open(self) -> None:
        if self._socket is None:
            family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
            self._socket.bind((self._host, 0))
            self._socket.setblocking(False)
            asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def _aim(self, sdp: bytes) -> bool:
        """Learn where the phone wants its sound and in which law; false when it speaks neither."""
        try:
            theirs = Sdp.parse(sdp)
        except ParseError:
            return False
        address, port = theirs.address(), theirs.port
        laws = [payload for payload in theirs.payloads if payload in _LAWS]
        if theirs.is_rejected or address is None or port is None or not laws:
            return False
        self._law = laws[0]
        audio = theirs.audio
        events = [
            int(payload) for payload, codec in (audio.codecs if audio else {}).items() if codec == CLOCK
        ]
        self._events = events[0] if events else _EVENTS
        self._remote = None if address == "0.0.0.0" else (address, port)
        return True

    def _description(self, laws: tuple[int, ...]) -> bytes:
        assert self._socket is not None, "opened before it is described"
        kind = "IP6" if ":" in self._host else "IP4"
        port = self._socket.getsockname()[1]
        maps = "".join(f"a=rtpmap:{law} {_LAWS[law]}\r\n" for law in laws)
        payloads = " ".join(map(str, (*laws, self._events)))
        return (
            f"v=0\r\no=- {self._ssrc} 1 IN {kind} {self._host}\r\ns=-\r\nc=IN {kind} {self._host}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {payloads}\r\n{maps}a=rtpmap:{self._events} {CLOCK}\r\n"
            f"a=fmtp:{self._events} 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
        ).encode()

    def _readable(self) -> None:
        assert self._socket is not None, "no reader without a socket"
        try:
            data, sender = self._socket.recvfrom(2048)
        except OSError:
            return  # an ICMP error of an earlier datagram, or nothing there after all
        packet = read_packet(data)
        if packet is None:
            return
        payload_type, timestamp, payload = packet
        if payload_type == self._events:
            self.digits.put(payload, timestamp)
        elif payload_type in _LAWS:
            self._remote = sender[:2]
            for at in range(0, len(payload) - FRAME + 1, FRAME):
                self.voice.put(g711.decode(payload[at : at + FRAME], payload_type))


def read_packet(data: bytes) -> tuple[int, int, bytes] | None:
    """Payload type, timestamp and payload of an RTP packet (RFC 3550 §5.1); None for what is none."""
    if len(data) < _HEADER.size:
        return None
    first, second, _, timestamp, _ = _HEADER.unpack_from(data)
    start = _HEADER.size + 4 * (first & 0x0F)
    if first >> 6 != 2 or len(data) < start:
        return None
    if first & 0x10:  # a header extension
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = len(data) - data[-1] if first & 0x20 else len(data)
    return (second & 0x7F, timestamp, data[start:end]) if start <= end else None
