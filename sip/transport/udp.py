"""The UDP shell: datagrams in, datagrams out, over one socket for all lines of a process.

Knows nothing of SIP but that a datagram of blanks only keeps a NAT open. Invariant: what comes from an address that is not allowed is
dropped before it is read.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Container
from typing import Final, Protocol, cast

from sip.flow import UDP, Flow
from sip.message import MAX_DATAGRAM
from sip.stream import is_keepalive

Received = Callable[[bytes, Flow], None]
_RECEIVE_BUFFER: Final = 4 * 1024 * 1024  # bytes; ten thousand lines may register in one second


class _Sized(Protocol):
    """The stock loop's transport, which asks the system for so many bytes per datagram."""

    max_size: int


class UdpTransport(asyncio.DatagramProtocol):
    """One bound UDP socket.

    Args:
        received: is handed every datagram with its flow.
        allowed: the addresses that may speak to us; None: all.
        counters: "foreign_source", "udp_error".
    """

    def __init__(
        self,
        received: Received,
        *,
        allowed: Container[str] | None = None,
        counters: Counter[str] | None = None,
    ) -> None:
        self._received = received
        self._allowed = allowed
        self._counters: Counter[str] = Counter() if counters is None else counters
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self, sock: socket.socket) -> None:
        """Serve a bound socket, which is this object's from now on."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, sock=sock)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def send(self, data: bytes, remote: tuple[str, int]) -> None:
        """Send one datagram; one that the system refuses is counted, since UDP promises nothing anyway."""
        if self._transport is not None:
            self._transport.sendto(data, remote)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        if hasattr(transport, "max_size"):
            # 256 KiB by default, for which malloc maps and unmaps memory at each datagram: 49 µs instead of 13.
            cast(_Sized, transport).max_size = MAX_DATAGRAM

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._allowed is not None and addr[0] not in self._allowed:
            self._counters["foreign_source"] += 1
        elif not is_keepalive(data):
            self._received(data, Flow(UDP, addr[:2]))

    def error_received(self, exc: Exception) -> None:
        self._counters["udp_error"] += 1
