"""The SIP port of a process: one address, UDP, TCP and TLS, one user agent behind it, one timer.

Knows the loop and the clock, and nothing of what is said. Invariant: after every input there is one `flush`: what the agent has to
say is sent, what happened is told, and the timer is set to the agent's next deadline.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Final, NamedTuple, Self

from sip.agent import UserAgent
from sip.events import Event
from sip.flow import UDP, Flow
from sip.location.plan import Hop, Target
from sip.location.records import Answer
from sip.trace import Trace
from sip.transport.alarm import Alarm
from sip.transport.connection import KeepAlive
from sip.transport.resolver import Resolver
from sip.transport.sources import Sources
from sip.transport.streams import Streams
from sip.transport.tls import Tls
from sip.transport.udp import UdpTransport

_ATTEMPTS: Final = 20

Deliver = Callable[[list[Event], float], None]


class Sockets(NamedTuple):
    """A UDP and a TCP socket of one address, and one for TLS at another port of it, if we listen there."""

    udp: socket.socket
    tcp: socket.socket
    tls: socket.socket | None = None

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.udp.getsockname()[:2]
        return host, port

    def close(self) -> None:
        for sock in self:
            if sock is not None:
                sock.close()


def bind(host: str, port: int = 0, tls_port: int | None = None) -> Sockets:
    """Take an address for UDP and TCP; port 0 takes one that is free for both.

    Args:
        tls_port: for TLS, if we are to listen there; 0 takes one that is free.

    Raises:
        OSError: it is taken.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _bind(host, port, tls_port)
        except OSError:
            if port or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def _bind(host: str, port: int, tls_port: int | None) -> Sockets:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM)
    streams = [socket.socket(family, socket.SOCK_STREAM) for _ in range(1 if tls_port is None else 2)]
    sockets = Sockets(udp, *streams)
    try:
        for sock in (udp, *streams):
            sock.setblocking(False)
            if family == socket.AF_INET6:
                # Else IPv4 comes too where `host` is ::, from addresses that are written like no PBX's.
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        udp.bind((host, port))
        for sock, its_port in zip(streams, (udp.getsockname()[1], tls_port), strict=False):
            # The port is fixed per process and taken again after a restart, connections of its earlier life or not.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, its_port))
    except OSError:
        sockets.close()
        raise
    return sockets


class SipPort:
    """Binds an agent to its sockets; an asynchronous context manager.

    Args:
        agent: its `host` and `port` are what the sockets are reached at.
        deliver: is handed the events of each input in a list, with the moment. It may give commands to the agent; what they send
            leaves before `flush` returns.
        sockets: bound; they are closed here.
        clock: gives the moment, in seconds; the running loop's if None.
        allowed: the addresses that may speak to us, beside those that `allow` adds; None: all, strangers in measure.
        tls: whom we believe and what we show.
        trace: is told of every message that comes or leaves; None: nobody is.
        resolver: puts the questions of the agent's locator; None: the system's DNS is asked.
    """

    def __init__(
        self,
        agent: UserAgent,
        deliver: Deliver,
        sockets: Sockets,
        *,
        clock: Callable[[], float] | None = None,
        allowed: Iterable[str] | None = None,
        tls: Tls | None = None,
        keep_alive: KeepAlive | None = None,
        trace: Trace | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        self.agent = agent
        self._deliver = deliver
        self._sockets = sockets
        self._trace = trace
        self._clock = clock or asyncio.get_running_loop().time
        self._keep_alive = keep_alive or KeepAlive()
        self._sources = Sources(allowed, self._clock, agent.counters)
        shared: dict[str, Any] = {"sources": self._sources, "counters": agent.counters}
        self._udp = UdpTransport(self._received, **shared)
        self._streams = Streams(
            self._received, self._lost, self._made, tls=tls, keep_alive=self._keep_alive, **shared
        )
        self._alarm = Alarm(self._clock, self._fire)
        self._resolver = resolver or Resolver()
        self._nat_timer: asyncio.TimerHandle | None = None
        self._is_open = False
        self._is_flushing = False

    async def __aenter__(self) -> Self:
        self._udp.open(self._sockets.udp)
        self._streams.open(self._sockets.tcp, self._sockets.tls)
        self._is_open = True
        self.flush()
        self._plan_keep_alive()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._is_open = False
        self._alarm.cancel()
        if self._nat_timer is not None:
            self._nat_timer.cancel()
        await self._resolver.close()
        self._udp.close()
        await self._streams.close()

    def allow(self, addresses: Iterable[str], whose: Hashable) -> None:
        """These numeric addresses may speak to us on behalf of somebody, in place of those that he named before.

        Raises:
            ValueError: one is not numeric.
        """
        if self._sources.allow(addresses, whose):
            self._udp.filter()

    @property
    def dropped(self) -> int:
        """Datagrams that the kernel threw away: from elsewhere, by its filter, or because we were too slow."""
        return self._udp.drops()

    async def locate(self, hop: Hop) -> tuple[Target, ...]:
        """The servers of a hop in the order in which they are tried; none, where nobody knows of any. The port need not be open.

        The agent has a locator.
        """
        locator = self.agent.locator
        assert locator is not None, "an agent that was made with `locates`"
        while (targets := locator.locate(hop, self._clock())) is None:
            known = asyncio.get_running_loop().create_future()
            locator.wait(hop, lambda now, known=known: known.done() or known.set_result(None))  # type: ignore[misc]
            self._look_up()
            await known
        return targets

    def now(self) -> float:
        """The moment on the agent's clock."""
        return self._clock()

    def flush(self) -> None:
        """Tell, send, set the timer. To be called after every command given to the agent; inside `deliver` it is not needed.

        Before the port is open nothing happens: what the agent has to say waits, and what comes waits in the sockets.
        """
        if self._is_flushing or not self._is_open:
            return
        self._is_flushing = True
        try:
            while events := self.agent.take_events():
                # Told first: what `deliver` writes down is written before what it tells of has left.
                self._deliver(events, self._clock())
                self.send()
            self.send()
        finally:
            self._is_flushing = False
            self._look_up()
            self._alarm.follow(self.agent.next_deadline())

    def send(self) -> None:
        """Send what the agent has to say by now. `deliver` may call it, if what it does next is to come after that."""
        output = self.agent.take_output()
        if self._trace is not None and output:
            now = self._clock()
            for flow, data in output:
                self._trace.record(now, True, flow, data)
        for flow, data in output:
            if flow.transport == UDP:
                self._udp.send(data, flow.remote)
            else:
                self._streams.send(data, flow)

    def _look_up(self) -> None:
        locator = self.agent.locator
        if locator is not None and locator.questions:
            for question in locator.take_questions():
                self._resolver.ask(question, self._looked_up)

    def _looked_up(self, answer: Answer) -> None:
        locator = self.agent.locator
        if locator is not None:
            locator.answered(answer, self._clock())
            self._look_up()
            self.flush()

    def _received(self, data: bytes, flow: Flow) -> None:
        now = self._clock()
        if self._trace is not None:
            self._trace.record(now, False, flow, data)
        self.agent.receive(data, flow, now)
        self.flush()

    def _lost(self, flow: Flow, cause: str) -> None:
        self.agent.transport_lost(flow, self._clock(), cause)
        self.flush()

    def _made(self, flow: Flow) -> None:
        self.agent.transport_made(flow, self._clock())
        self.flush()

    def _fire(self) -> None:
        try:
            self.agent.handle_timer(self._clock())
        finally:
            # An error of ours over one deadline must not leave all the others without a timer.
            self.flush()

    def _plan_keep_alive(self) -> None:
        if self._keep_alive.datagram:
            loop = asyncio.get_running_loop()
            self._nat_timer = loop.call_later(self._keep_alive.datagram, self._keep_open)

    def _keep_open(self) -> None:
        for flow in self.agent.registered_roads():
            if flow.transport == UDP:
                self._udp.keep_open(flow.remote)
        self._plan_keep_alive()
