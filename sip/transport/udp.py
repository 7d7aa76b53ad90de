"""The UDP shell: datagrams in, datagrams out, over one socket for all lines of a process.

Knows nothing of SIP but that a datagram of blanks only keeps a NAT open. Invariants: what comes from an address that is not allowed
is dropped before it is read, in the kernel where it has a filter; at most `PER_TURN` datagrams are read in a turn of the loop, so that
no flood keeps timers and connections waiting; what waits to be sent is bounded.

The socket is read here and not by the loop's own transport: the stock loop takes one datagram a turn and asks for 256 KiB for each,
and how many uvloop takes is its own affair.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from sip.flow import UDP, Flow
from sip.message import MAX_DATAGRAM
from sip.stream import PING, is_keepalive
from sip.transport import packet_filter
from sip.transport.sources import Sources

Received = Callable[[bytes, Flow], None]
PER_TURN: Final = 32
_RECEIVE_BUFFER: Final = 4 * 1024 * 1024  # bytes; ten thousand lines may register in one second
_MOST_UNSENT: Final = 20_000  # datagrams that wait for the system to take them
# So many refused in a row are a flood of ten thousand a second: those who are known would be lost in the socket's buffer with it.
_FLOOD: Final = 100
_SHUT: Final = 1.0  # seconds


class UdpTransport:
    """One bound UDP socket.

    Args:
        received: is handed every datagram with its flow.
        sources: who may speak to us.
        counters: "foreign_source", "stranger_limited", "flood", "udp_error", "udp_unsent".

    Attributes:
        is_filtered: the kernel drops what does not come from those who are known.
    """

    def __init__(self, received: Received, *, sources: Sources, counters: Counter[str]) -> None:
        self._received = received
        self._sources = sources
        self._counters = counters
        self._sock: socket.socket | None = None
        self._unsent: deque[tuple[bytes, tuple[str, int]]] = deque()
        self._refused = 0  # in a row
        self._shut: asyncio.TimerHandle | None = None
        self.is_filtered = False

    def open(self, sock: socket.socket) -> None:
        """Serve a bound socket, which is this object's from now on. Inside the running loop."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        sock.setblocking(False)
        self._sock = sock
        self.filter()
        asyncio.get_running_loop().add_reader(sock.fileno(), self.read)

    def close(self) -> None:
        """Send what waits as far as the system takes it, and leave the socket."""
        sock, self._sock = self._sock, None
        if sock is None:
            return
        if self._shut is not None:
            self._shut.cancel()
        loop = asyncio.get_running_loop()
        loop.remove_reader(sock.fileno())
        loop.remove_writer(sock.fileno())
        sock.close()

    def filter(self) -> None:
        """Have the kernel drop what does not come from the allowed addresses; to be called when they have changed."""
        if self._sock is None:
            return
        if self._sources.is_open and self._shut is None:
            packet_filter.detach(self._sock)
            self.is_filtered = False
        else:
            self.is_filtered = packet_filter.attach(self._sock, self._sources.known)
            if not self.is_filtered:
                packet_filter.detach(self._sock)  # one of before would drop those who are new

    def _shut_out(self) -> None:
        """Everybody may speak, and somebody floods: for a moment the kernel lets in only those who are known."""
        self._refused = 0
        if self._sources.is_open and self._shut is None:
            self._counters["flood"] += 1
            self._shut = asyncio.get_running_loop().call_later(_SHUT, self._let_in)
            self.filter()

    def _let_in(self) -> None:
        self._shut = None
        self.filter()

    def drops(self) -> int:
        """How many datagrams the kernel has dropped so far."""
        return 0 if self._sock is None else packet_filter.drops(self._sock)

    def send(self, data: bytes, remote: tuple[str, int]) -> None:
        """Send one datagram; one that the system refuses is counted, since UDP promises nothing anyway."""
        sock = self._sock
        if sock is None:
            return
        if self._unsent:
            self._keep(data, remote)
            return
        try:
            sock.sendto(data, remote)
        except BlockingIOError:
            self._keep(data, remote)
            asyncio.get_running_loop().add_writer(sock.fileno(), self._write)
        except OSError:
            self._counters["udp_error"] += 1

    def keep_open(self, remote: tuple[str, int]) -> None:
        """Send a datagram of blanks, for the NATs on the way; peers drop it silently."""
        self.send(PING, remote)

    def _keep(self, data: bytes, remote: tuple[str, int]) -> None:
        if len(self._unsent) < _MOST_UNSENT:
            self._unsent.append((data, remote))
        else:
            self._counters["udp_unsent"] += 1

    def _write(self) -> None:
        sock, unsent = self._sock, self._unsent
        assert sock is not None, "the writer is removed before the socket is closed"
        while unsent:
            try:
                sock.sendto(*unsent[0])
            except BlockingIOError:
                return
            except OSError:
                self._counters["udp_error"] += 1
            unsent.popleft()
        asyncio.get_running_loop().remove_writer(sock.fileno())

    def read(self) -> None:
        """Take what has come, up to the bound; the loop calls again at once when more is there."""
        known, received = self._sources.known, self._received
        for _ in range(PER_TURN):
            sock = self._sock
            if sock is None:  # closed by what the last one said
                return
            try:
                data, address = sock.recvfrom(MAX_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:
                self._counters["udp_error"] += 1
                continue
            if address[0] not in known:
                if not self._sources.hears(address[0]):
                    self._refused += 1
                    if self._refused >= _FLOOD:
                        self._shut_out()
                    continue
                self._refused = 0
            if not is_keepalive(data):
                received(data, Flow(UDP, address[:2]))
