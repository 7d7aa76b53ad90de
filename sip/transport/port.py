"""The SIP port of a process: one address, UDP and TCP, one user agent behind it, one timer.

Knows the loop and the clock, and nothing of what is said. Invariant: after every input there is one `flush`: what the agent has to
say is sent, what happened is told, and the timer is set to the agent's next deadline.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Container
from typing import Final, NamedTuple, Self

from sip.agent import UserAgent
from sip.events import Event
from sip.flow import UDP, Flow
from sip.trace import Trace
from sip.transport.alarm import Alarm
from sip.transport.tcp import TcpTransport
from sip.transport.udp import UdpTransport

_ATTEMPTS: Final = 20

Deliver = Callable[[list[Event], float], None]


class Sockets(NamedTuple):
    """A UDP and a listening TCP socket of one address."""

    udp: socket.socket
    tcp: socket.socket

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.udp.getsockname()[:2]
        return host, port

    def close(self) -> None:
        self.udp.close()
        self.tcp.close()


def bind(host: str, port: int = 0) -> Sockets:
    """Take an address for UDP and TCP; port 0 takes one that is free for both.

    Raises:
        OSError: it is taken.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _bind(host, port)
        except OSError:
            if port or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def _bind(host: str, port: int) -> Sockets:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM)
    tcp = socket.socket(family, socket.SOCK_STREAM)
    sockets = Sockets(udp, tcp)
    try:
        udp.bind((host, port))
        # The port is fixed per process and taken again after a restart, connections of its earlier life or not.
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind((host, udp.getsockname()[1]))
        for sock in sockets:
            sock.setblocking(False)
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
        allowed: the addresses that may speak to us; None: all.
        trace: is told of every message that comes or leaves; None: nobody is.
    """

    def __init__(
        self,
        agent: UserAgent,
        deliver: Deliver,
        sockets: Sockets,
        *,
        clock: Callable[[], float] | None = None,
        allowed: Container[str] | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.agent = agent
        self._deliver = deliver
        self._sockets = sockets
        self._trace = trace
        self._clock = clock or asyncio.get_running_loop().time
        self._udp = UdpTransport(self._received, allowed=allowed, counters=agent.counters)
        self._tcp = TcpTransport(self._received, self._lost, allowed=allowed, counters=agent.counters)
        self._alarm = Alarm(self._clock, self._fire)
        self._is_open = False
        self._is_flushing = False

    async def __aenter__(self) -> Self:
        await self._udp.open(self._sockets.udp)
        await self._tcp.open(self._sockets.tcp)
        self._is_open = True
        self.flush()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._is_open = False
        self._alarm.cancel()
        self._udp.close()
        await self._tcp.close()

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
                self._tcp.send(data, flow)

    def _received(self, data: bytes, flow: Flow) -> None:
        now = self._clock()
        if self._trace is not None:
            self._trace.record(now, False, flow, data)
        self.agent.receive(data, flow, now)
        self.flush()

    def _lost(self, flow: Flow) -> None:
        self.agent.transport_lost(flow, self._clock())
        self.flush()

    def _fire(self) -> None:
        try:
            self.agent.handle_timer(self._clock())
        finally:
            # An error of ours over one deadline must not leave all the others without a timer.
            self.flush()
