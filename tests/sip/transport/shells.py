"""What the tests of connections share: a shell on the loopback that writes down what it tells, and a plain client."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sip.flow import Flow
from sip.transport.port import bind
from sip.transport.sources import Sources
from sip.transport.streams import Streams

MESSAGE = b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 2\r\n\r\nhi"


class Noted(Counter[str]):
    """A counter that wakes whoever waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.news = asyncio.Event()

    def __setitem__(self, name: str, value: int) -> None:
        super().__setitem__(name, value)
        self.news.set()


@dataclass
class Shell:
    """A TCP shell and what it told."""

    address: tuple[str, int]
    tls_address: tuple[str, int] = ("", 0)
    received: list[tuple[bytes, Flow]] = field(default_factory=list)
    lost: list[Flow] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    made: list[Flow] = field(default_factory=list)
    counters: Noted = field(default_factory=Noted)
    tcp: Streams = field(init=False)

    def receive(self, data: bytes, flow: Flow) -> None:
        self.received.append((data, flow))
        self.counters.news.set()

    def lose(self, flow: Flow, cause: str) -> None:
        self.lost.append(flow)
        self.causes.append(cause)
        self.counters.news.set()

    def regain(self, flow: Flow) -> None:
        self.made.append(flow)
        self.counters.news.set()

    async def until(self, done: Callable[[], object]) -> None:
        """Wait for news until `done`."""
        async with asyncio.timeout(60):
            while not done():
                self.counters.news.clear()
                await self.counters.news.wait()


@asynccontextmanager
async def shell(
    allowed: Iterable[str] | None = None, *, host: str = "127.0.0.1", port: int = 0, **more: Any
) -> AsyncIterator[Shell]:
    sockets = bind(host, port, tls_port=0)
    sockets.udp.close()
    assert sockets.tls is not None
    made = Shell(sockets.tcp.getsockname()[:2])
    clock = asyncio.get_running_loop().time
    made.tcp = Streams(
        made.receive,
        made.lose,
        made.regain,
        sources=Sources(allowed, clock, made.counters),
        counters=made.counters,
        **more,
    )
    made.tls_address = sockets.tls.getsockname()[:2]
    made.tcp.open(sockets.tcp, sockets.tls)
    try:
        yield made
    finally:
        await made.tcp.close()


@asynccontextmanager
async def client(server: Shell) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(*server.address)
    try:
        yield reader, writer
    finally:
        writer.close()
