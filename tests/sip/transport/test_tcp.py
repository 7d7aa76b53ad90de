"""The TCP shell over loopback: framing, limits, lost connections, and who may connect."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Container
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from sip.flow import Flow
from sip.transport import tcp as tcp_module
from sip.transport.port import bind
from sip.transport.tcp import TcpTransport

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
    received: list[tuple[bytes, Flow]] = field(default_factory=list)
    lost: list[Flow] = field(default_factory=list)
    counters: Noted = field(default_factory=Noted)
    tcp: TcpTransport = field(init=False)

    def receive(self, data: bytes, flow: Flow) -> None:
        self.received.append((data, flow))
        self.counters.news.set()

    def lose(self, flow: Flow) -> None:
        self.lost.append(flow)
        self.counters.news.set()

    async def until(self, done: Callable[[], object]) -> None:
        """Wait for news until `done`."""
        async with asyncio.timeout(60):
            while not done():
                self.counters.news.clear()
                await self.counters.news.wait()


@asynccontextmanager
async def shell(allowed: Container[str] | None = None) -> AsyncIterator[Shell]:
    sockets = bind("127.0.0.1")
    sockets.udp.close()
    made = Shell(sockets.tcp.getsockname())
    made.tcp = TcpTransport(
        made.receive,
        made.lose,
        allowed=allowed,
        counters=made.counters,
    )
    await made.tcp.open(sockets.tcp)
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


async def test_messages_are_cut_out_of_the_stream_and_answered_on_the_same_connection() -> None:
    async with shell() as server, client(server) as (reader, writer):
        writer.write(MESSAGE + MESSAGE[:10])
        await server.until(lambda: server.received)
        writer.write(MESSAGE[10:])
        await server.until(lambda: len(server.received) == 2)
        (first, flow), (second, _) = server.received
        assert first == second == MESSAGE
        assert flow == Flow("tcp", writer.get_extra_info("sockname"), 1)
        server.tcp.send(b"answer", flow)
        assert await reader.readexactly(6) == b"answer"
        server.tcp.send(b"again", flow._replace(connection=0))
        assert await reader.readexactly(5) == b"again"


async def test_pings_get_pongs() -> None:
    async with shell() as server, client(server) as (reader, writer):
        writer.write(b"\r\n\r\n")
        assert await reader.readexactly(2) == b"\r\n"


async def test_garbage_closes_the_connection_and_is_counted_and_told_as_lost_once() -> None:
    async with shell() as server, client(server) as (reader, writer):
        writer.write(MESSAGE + b"\x00garbage\r\n\r\n")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await reader.readexactly(1)
        await server.until(lambda: server.lost)
        assert server.counters == {"framing_error": 1}
        assert [data for data, _ in server.received] == [MESSAGE]
        assert len(server.lost) == 1
        assert server.lost[0].connection == 1


async def test_the_head_of_a_message_that_is_too_long_is_handed_on_and_the_answer_leaves_before_the_end() -> (
    None
):
    """RFC 3261 §21.5.7: 513. What follows in the stream is the rest of that message, and is not read."""
    async with shell() as server, client(server) as (reader, writer):
        head = b"MESSAGE sip:a SIP/2.0\r\nContent-Length: 70000\r\n\r\n"
        answer = server.receive

        def refuse(data: bytes, flow: Flow) -> None:
            answer(data, flow)
            server.tcp.send(b"513", flow)

        server.tcp.received = refuse
        writer.write(head + b"x" * 70_000 + MESSAGE)
        assert await reader.read() == b"513"
        writer.close()
        await server.until(lambda: server.lost)
        assert [data for data, _ in server.received] == [head]
        assert server.counters == {"framing_error": 1}


async def test_a_peer_that_stays_after_its_message_was_too_long_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp_module, "_PARTING", 0.0)
    async with shell() as server, client(server) as (_, writer):
        writer.write(b"MESSAGE sip:a SIP/2.0\r\nContent-Length: 70000\r\n\r\n")
        await server.until(lambda: server.lost)
        flow = server.lost[0]
        server.tcp.send(b"too late", flow)
        assert server.counters == {"framing_error": 1, "tcp_lost_output": 1}


async def test_output_for_a_connection_that_is_gone_is_counted() -> None:
    async with shell() as server:
        async with client(server) as (_, writer):
            writer.write(MESSAGE)
            await server.until(lambda: server.received)
        await server.until(lambda: server.lost)
        server.tcp.send(b"late", server.received[0][1])
        assert server.counters == {"tcp_lost_output": 1}


async def test_one_connection_is_made_for_all_that_waits_for_it() -> None:
    async with shell() as server, shell() as other:
        flow = Flow("tcp", server.address)
        other.tcp.send(MESSAGE, flow)
        other.tcp.send(MESSAGE, flow)
        await server.until(lambda: len(server.received) == 2)
        assert len({flow for _, flow in server.received}) == 1
        server.tcp.send(MESSAGE, server.received[0][1])
        await other.until(lambda: other.received)
        assert other.received[0][1] == Flow("tcp", server.address, 1)


async def test_a_connection_that_cannot_be_made_is_told_as_lost() -> None:
    async with shell() as server:
        deaf = bind("127.0.0.1")  # it does not listen, and keeps others off the port
        server.tcp.send(MESSAGE, Flow("tcp", deaf.address))
        await server.until(lambda: server.lost)
        assert server.lost == [Flow("tcp", deaf.address)]
        deaf.close()


async def test_strangers_are_cut_off() -> None:
    async with shell(allowed={"127.0.0.9"}) as server, client(server) as (reader, _):
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await reader.readexactly(1)
        assert server.counters == {"foreign_source": 1}
        assert server.lost == []


async def test_the_number_of_connections_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_module, "_MOST_CONNECTIONS", 1)
    async with shell() as server, client(server) as (_, writer):
        writer.write(MESSAGE)
        await server.until(lambda: server.received)
        async with client(server) as (reader, _):
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                await reader.readexactly(1)
        assert server.counters == {"tcp_refused": 1}


async def test_a_connection_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_module, "_SILENCE", 0.01)
    async with shell() as server, client(server) as (reader, _):
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await reader.readexactly(1)
        assert server.counters == {"tcp_silent": 1}


async def test_a_peer_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_module, "_MOST_UNSENT", 10_000)
    async with shell() as server, client(server) as (_, writer):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reading = writer.transport
        assert isinstance(reading, asyncio.Transport)
        reading.pause_reading()
        writer.write(MESSAGE)
        await server.until(lambda: server.received)
        flow = server.received[0][1]
        for _ in range(2000):
            server.tcp.send(b"x" * 10_000, flow)
            if server.counters:
                break
        await server.until(lambda: server.lost)
        assert server.counters["tcp_slow_peer"] == 1


async def test_closing_tells_nothing_as_lost_and_ends_what_is_being_made() -> None:
    async with shell() as server:
        async with shell() as other:
            other.tcp.send(MESSAGE, Flow("tcp", server.address))
            await server.until(lambda: server.received)
            other.tcp.send(MESSAGE, Flow("tcp", ("127.0.0.1", 1)))
        assert other.lost == []
        await server.until(lambda: server.lost)
