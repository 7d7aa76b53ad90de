"""The TCP shell: connections, made when something is to be sent and kept for what comes back (RFC 3261 §18).

Knows where a message ends (`StreamFramer`) and nothing of what it says. Invariants: a connection has a number of its own for the
life of the process; whoever sends to connection 0 of a peer gets the living one, or a new one; a lost connection is told once; the
number of connections, what is read ahead and what waits to be written are bounded.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Container
from typing import Final, cast

from sip.flow import TCP, Flow
from sip.stream import StreamFramer
from sip.transport.udp import Received

_MOST_CONNECTIONS: Final = 1024
_MOST_UNSENT: Final = 1024 * 1024  # bytes that a peer may leave unread before it is cut off
_CONNECT_TIMEOUT: Final = 10.0
_PARTING: Final = 2.0  # seconds a peer has to read the answer to a message that is too long
_SILENCE: Final = 32.0  # seconds an incoming connection may take for its first message

Address = tuple[str, int]


class TcpTransport:
    """All connections of a process, and the socket that listens.

    Args:
        received: is handed every whole message with its flow.
        lost: is told the flow of a connection that is gone or could not be made.
        allowed: the addresses that may connect to us; None: all.
        counters: "foreign_source", "tcp_refused", "framing_error", "tcp_slow_peer", "tcp_silent".
    """

    def __init__(
        self,
        received: Received,
        lost: Callable[[Flow], None],
        *,
        allowed: Container[str] | None = None,
        counters: Counter[str] | None = None,
    ) -> None:
        self.received = received
        self.counters: Counter[str] = Counter() if counters is None else counters
        self._lost = lost
        self._allowed = allowed
        self._connections: dict[int, Connection] = {}
        self._by_remote: dict[Address, Connection] = {}
        # What waits for a connection that is being made.
        self._waiting: dict[Address, list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._count = 0

    async def open(self, sock: socket.socket) -> None:
        """Listen on a bound socket, which is this object's from now on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self, is_ours=False), sock=sock)

    async def close(self) -> None:
        """Close everything; nothing is told as lost any more."""
        self._lost = lambda flow: None
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self._connections.values()):
            connection.close()
        if self._server is not None:
            await self._server.wait_closed()

    def send(self, data: bytes, flow: Flow) -> None:
        """Send over the connection that the flow names; of connection 0, over any to that peer, made if there is none."""
        if flow.connection:
            connection = self._connections.get(flow.connection)
        else:
            connection = self._by_remote.get(flow.remote)
        if connection is not None:
            connection.write(data)
        elif flow.connection:
            self.counters["tcp_lost_output"] += 1
        elif flow.remote in self._waiting:
            self._waiting[flow.remote].append(data)
        else:
            self._waiting[flow.remote] = [data]
            task = asyncio.get_running_loop().create_task(self._connect(flow.remote))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self, remote: Address) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                _, connection = await loop.create_connection(lambda: Connection(self, is_ours=True), *remote)
        except OSError:  # TimeoutError is one too
            self._waiting.pop(remote, None)
            self._lost(Flow(TCP, remote))
            return
        self._by_remote[remote] = connection
        for data in self._waiting.pop(remote, ()):
            connection.write(data)

    def admit(self, connection: Connection) -> int:
        """The number of a new connection; 0: it is not wanted."""
        host = connection.remote[0]
        if not connection.is_ours and self._allowed is not None and host not in self._allowed:
            self.counters["foreign_source"] += 1
            return 0
        if len(self._connections) >= _MOST_CONNECTIONS:
            self.counters["tcp_refused"] += 1
            return 0
        self._count += 1
        self._connections[self._count] = connection
        self._by_remote.setdefault(connection.remote, connection)
        return self._count

    def forget(self, connection: Connection) -> None:
        """A connection is gone."""
        if self._connections.pop(connection.number, None) is None:
            return
        if self._by_remote.get(connection.remote) is connection:
            del self._by_remote[connection.remote]
        self._lost(Flow(TCP, connection.remote, connection.number))


class Connection(asyncio.Protocol):
    """One TCP connection, theirs or ours."""

    def __init__(self, owner: TcpTransport, *, is_ours: bool) -> None:
        self.is_ours = is_ours
        self.number = 0
        self.remote: Address = ("", 0)
        self._owner = owner
        self._framer = StreamFramer()
        self._transport: asyncio.Transport | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._is_over = False

    def write(self, data: bytes) -> None:
        """Queue bytes; a peer that reads too slowly is cut off."""
        transport = self._transport
        if transport is None or transport.is_closing() or self._is_over:
            return
        if transport.get_write_buffer_size() > _MOST_UNSENT:
            self._owner.counters["tcp_slow_peer"] += 1
            transport.abort()
            return
        transport.write(data)

    def close(self) -> None:
        """Send what waits, then close."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.remote = tuple(transport.get_extra_info("peername")[:2])
        self.number = self._owner.admit(self)
        if not self.number:
            self._transport.abort()
            return
        sock = transport.get_extra_info("socket")
        # A peer that vanished without a word is noticed by the system, in minutes.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if not self.is_ours:
            self._silence = asyncio.get_running_loop().call_later(_SILENCE, self._be_silent)

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        flow = Flow(TCP, self.remote, self.number)
        messages = self._framer.receive(data)
        pongs = self._framer.take_pongs()
        if pongs:
            self.write(pongs)
        if messages:
            self._stop_waiting()
        for message in messages:
            self._owner.received(message, flow)
        if self._framer.error is not None:
            self._owner.counters["framing_error"] += 1
            if self._framer.refused:
                self._owner.received(self._framer.refused, flow)
                self._part()
            else:
                self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._owner.forget(self)

    def _part(self) -> None:
        """The message that is too long was answered; what follows it in the stream cannot be read, so that was all."""
        self._is_over = True
        self._stop_waiting()
        # Half closed first: closing with bytes unread would be a reset, which takes the answer with it.
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()
            self._silence = asyncio.get_running_loop().call_later(_PARTING, self.abort)

    def _be_silent(self) -> None:
        self._owner.counters["tcp_silent"] += 1
        self.abort()

    def _stop_waiting(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
