"""All connections of a process, over TCP and TLS: made when something is to be sent, taken from those who may, and kept for what
comes back (RFC 3261 §18).

Knows nothing of what is said; `Connection` is one of them, `Road` decides when one is made anew. Invariants: a connection has a number
of its own for the life of the process; whoever sends to connection 0 of a peer gets the living one, or a new one; a lost connection is
told once; connections are bounded, in all and for each address, and counted before TLS costs anything.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections import Counter
from collections.abc import Callable, Coroutine
from logging import getLogger
from typing import Final

from sip.flow import TCP, TLS, Flow, TransportName
from sip.road import Road
from sip.transport.connection import Connection, KeepAlive
from sip.transport.sources import Sources
from sip.transport.tls import CertificateRefused, Tls, cause_of
from sip.transport.udp import Received

_MOST_CONNECTIONS: Final = 1024
_MOST_OF_ONE_ADDRESS: Final = 128
_MOST_ROADS: Final = 1024
_BACKLOG: Final = 128
_CONNECT_TIMEOUT: Final = 10.0
_ACCEPT_PAUSE: Final = 1.0  # seconds, when the process has no descriptors left
_SHORT_LIFE: Final = (
    5.0  # seconds; a connection that does not live longer counts as one that could not be made
)
_REFUSAL_DELAY: Final = 0.05  # ten thousand lines that try a road in its pause are told together

log: Final = getLogger("trubka.sip")


class Streams:
    """The connections, and the sockets that listen.

    Args:
        received: is handed every whole message with its flow.
        lost: is told the flow of a connection that is gone or could not be made, and why.
        made: is told the flow of a connection that stands, after it could not be made before.
        sources: who may connect to us.
        tls: whom we believe and what we show.
        counters: "foreign_source", "tcp_refused", "tcp_failed", "tls_refused", "tls_handshake_failed", "framing_error",
            "tcp_slow_peer", "tcp_silent", "tcp_lost_output", "pong_missing", "accept_failed".
        fraction: gives numbers by chance, 0 to 1.
    """

    def __init__(
        self,
        received: Received,
        lost: Callable[[Flow, str], None],
        made: Callable[[Flow], None],
        *,
        sources: Sources,
        counters: Counter[str],
        tls: Tls | None = None,
        keep_alive: KeepAlive = KeepAlive(),  # noqa: B008
        fraction: Callable[[], float] = random.random,
    ) -> None:
        self.received = received
        self.counters = counters
        self.keep_alive = keep_alive
        self.fraction = fraction
        self._lost = lost
        self._made = made
        self._sources = sources
        self._tls = tls or Tls()
        self._connections: dict[int, Connection] = {}
        self._roads: dict[Flow, Road] = {}
        # Those that peers made: by their address, for whoever answers there, and how many of each host.
        self._theirs: dict[Flow, Connection] = {}
        self._hosts: Counter[str] = Counter()
        self._refused: dict[Flow, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._listeners: list[socket.socket] = []
        self._timers: set[asyncio.TimerHandle] = set()
        self._count = 0

    def open(self, tcp: socket.socket, tls: socket.socket | None = None) -> None:
        """Listen on bound sockets, which are this object's from now on. Inside the running loop."""
        self._listen(tcp, TCP)
        if tls is not None:
            self._listen(tls, TLS)

    async def close(self) -> None:
        """Close everything; nothing is told as lost any more."""
        self._lost = lambda flow, cause: None
        self._made = lambda flow: None
        for timer in self._timers:
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for listener in self._listeners:
            listener.close()
        for connection in list(self._connections.values()):
            connection.close()

    def send(self, data: bytes, flow: Flow) -> None:
        """Send over the connection that the flow names; of connection 0, over any to that peer, made if there is none."""
        if flow.connection or flow in self._theirs:
            self.write(flow, data)
            return
        road = self._roads.get(flow)
        if road is None:
            if len(self._roads) >= _MOST_ROADS:
                self.counters["tcp_refused"] += 1
                self.tell_refused(flow, "too many connections")
                return
            road = self._roads[flow] = Road(flow, self)
        road.send(data, _now())

    # What a connection tells.

    def admit(self, connection: Connection) -> int:
        """The number of a new connection; 0: it is not wanted."""
        if len(self._connections) >= _MOST_CONNECTIONS:
            self.counters["tcp_refused"] += 1
            return 0
        self._count += 1
        self._connections[self._count] = connection
        if not connection.is_ours:
            self._theirs.setdefault(connection.flow, connection)
        return self._count

    def forget(self, connection: Connection) -> None:
        """A connection is gone."""
        flow = connection.flow
        if not connection.is_ours:
            self._part_from(flow.remote[0])
        if self._connections.pop(flow.connection, None) is None:
            return
        if self._theirs.get(flow.road) is connection:
            del self._theirs[flow.road]
        log.info("! %s: %s", flow, connection.cause)
        road = self._roads.get(flow.road)
        if road is not None and road.flow == flow:
            lived = _now() - connection.made_at
            road.lost(connection.cause, _now(), cut_short=lived < _SHORT_LIFE)
        else:
            self._lost(flow, connection.cause)

    # What a road has done for it.

    def connect(self, road: Road) -> None:
        self._spawn(self._connect(road))

    def write(self, flow: Flow, data: bytes) -> None:
        connection = self._connections.get(flow.connection) if flow.connection else self._theirs.get(flow)
        if connection is None:
            self.counters["tcp_lost_output"] += 1
        else:
            connection.write(data)

    def wake(self, road: Road, pause: float) -> None:
        self._later(pause, lambda: road.wake(_now()))

    def tell_lost(self, flow: Flow, cause: str) -> None:
        self._lost(flow, cause)

    def tell_refused(self, flow: Flow, cause: str) -> None:
        if not self._refused:
            self._later(_REFUSAL_DELAY, self._tell_refusals)
        self._refused[flow] = cause

    def tell_made(self, flow: Flow) -> None:
        self._made(flow)

    def forget_road(self, road: Road) -> None:
        self._roads.pop(road.flow, None)

    def _tell_refusals(self) -> None:
        refused, self._refused = self._refused, {}
        for flow, cause in refused.items():
            self._lost(flow, cause)

    async def _connect(self, road: Road) -> None:
        flow, loop = road.flow, asyncio.get_running_loop()
        connection = Connection(self, flow.transport, flow)
        try:
            context = self._tls.client() if flow.transport == TLS else None
            name = (flow.name or flow.remote[0]) if context else None
            if name is not None:
                name.encode("idna")  # the loop would find that out with a socket in its hand
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                await loop.create_connection(
                    lambda: connection, *flow.remote, ssl=context, server_hostname=name
                )
            if connection.refusal is not None:
                raise connection.refusal
            if connection.is_over:
                raise ConnectionResetError
        except (OSError, ValueError, CertificateRefused) as error:
            cause = cause_of(error)
            self.counters["tls_refused" if cause.startswith("certificate") else "tcp_failed"] += 1
            log.warning("! %s: %s", flow, cause)
            road.failed(cause, _now())
        else:
            road.made(connection.flow.connection, _now())

    async def _accept(self, sock: socket.socket, transport: TransportName) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                theirs, address = await loop.sock_accept(sock)
            except OSError as error:
                self.counters["accept_failed"] += 1
                log.error("! no connection can be taken: %s", error)
                await asyncio.sleep(_ACCEPT_PAUSE)
                continue
            if self._takes(address[0]):
                self._hosts[address[0]] += 1
                self._spawn(self._greet(theirs, transport, address[0]))
            else:
                theirs.close()
            # A backlog that is never empty must not keep the loop from everybody else.
            await asyncio.sleep(0)

    def _takes(self, host: str) -> bool:
        """Whether an address may have a connection more; decided before TLS costs anything."""
        if host not in self._sources.known and not self._sources.hears(host):
            return False
        if self._hosts[host] >= _MOST_OF_ONE_ADDRESS or self._hosts.total() >= _MOST_CONNECTIONS:
            self.counters["tcp_refused"] += 1
            return False
        return True

    async def _greet(self, sock: socket.socket, transport: TransportName, host: str) -> None:
        connection = Connection(self, transport, None)
        try:
            context = self._tls.server() if transport == TLS else None
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                await asyncio.get_running_loop().connect_accepted_socket(
                    lambda: connection, sock, ssl=context
                )
        except OSError as error:
            self.counters["tls_handshake_failed"] += 1
            log.info("! %s from %s: %s", transport, host, cause_of(error))
            sock.close()
            if not connection.made_at:
                self._part_from(host)

    def _part_from(self, host: str) -> None:
        self._hosts[host] -= 1
        if self._hosts[host] <= 0:
            del self._hosts[host]

    def _listen(self, sock: socket.socket, transport: TransportName) -> None:
        sock.listen(_BACKLOG)
        self._listeners.append(sock)
        self._spawn(self._accept(sock, transport))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _later(self, delay: float, then: Callable[[], None]) -> None:
        def fire() -> None:
            self._timers.discard(timer)
            then()

        timer = asyncio.get_running_loop().call_later(delay, fire)
        self._timers.add(timer)


def _now() -> float:
    return asyncio.get_running_loop().time()
