"""The stream shell over loopback: framing, limits, lost connections, and who may connect."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

import pytest

from sip import road as road_module
from sip.flow import Flow
from sip.transport import connection as connection_module
from sip.transport import streams as streams_module
from sip.transport.port import bind
from tests.sip.transport.shells import MESSAGE, client, shell


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
    monkeypatch.setattr(connection_module, "_PARTING", 0.0)
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
    monkeypatch.setattr(streams_module, "_MOST_CONNECTIONS", 1)
    async with shell() as server, client(server) as (_, writer):
        writer.write(MESSAGE)
        await server.until(lambda: server.received)
        async with client(server) as (reader, _):
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                await reader.readexactly(1)
        assert server.counters == {"tcp_refused": 1}


async def test_a_connection_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "_SILENCE", 0.01)
    async with shell() as server, client(server) as (reader, _):
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await reader.readexactly(1)
        assert server.counters == {"tcp_silent": 1}


async def test_a_peer_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "_MOST_UNSENT", 10_000)
    async with shell() as server, client(server) as (_, writer):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        cast(asyncio.Transport, writer.transport).pause_reading()  # uvloop's is no subclass of it
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


async def test_why_a_connection_is_gone_is_told() -> None:
    async with shell() as server:
        async with client(server) as (_, writer):
            writer.write(MESSAGE)
            await server.until(lambda: server.received)
        await server.until(lambda: server.lost)
        assert server.causes == ["connection closed by the peer"]
        async with client(server) as (_, writer):
            writer.write(b"\x00garbage\r\n\r\n")
            await server.until(lambda: len(server.lost) == 2)
            assert server.causes[1].startswith("the stream cannot be read: ")


async def test_a_peer_that_cannot_be_reached_is_tried_again_while_somebody_wants_it_and_told_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(road_module, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(road_module, "LONGEST_PAUSE", 0.02)
    async with shell() as ours:
        deaf = bind("127.0.0.1")
        flow = Flow("tcp", deaf.address)
        ours.tcp.send(MESSAGE, flow)
        await ours.until(lambda: ours.lost)
        assert ours.causes == ["connection refused"]
        for count in (2, 3):
            ours.tcp.send(MESSAGE, flow)
            await ours.until(lambda count=count: ours.counters["tcp_failed"] >= count)  # type: ignore[misc]
        deaf.close()
        async with shell(port=flow.remote[1]) as server:
            ours.tcp.send(MESSAGE, flow)
            await ours.until(lambda: ours.made)
            assert ours.made[0].road == flow
            ours.tcp.send(MESSAGE, flow)
            await server.until(lambda: server.received)


async def test_ten_thousand_messages_for_a_peer_in_its_pause_are_told_together() -> None:
    async with shell() as ours:
        deaf = bind("127.0.0.1")
        flow = Flow("tcp", deaf.address)
        ours.tcp.send(MESSAGE, flow)
        await ours.until(lambda: ours.lost)
        for _ in range(10_000):
            ours.tcp.send(MESSAGE, flow)
        await ours.until(lambda: len(ours.lost) == 2)
        assert ours.lost == [flow, flow]
        assert ours.causes[1] == "connection refused"
        deaf.close()


async def test_a_connection_that_lived_is_made_anew_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams_module, "_SHORT_LIFE", 0.0)
    async with shell() as server, shell() as ours:
        flow = Flow("tcp", server.address)
        ours.tcp.send(MESSAGE, flow)
        await server.until(lambda: server.received)
        server.tcp._connections[1].close()
        await ours.until(lambda: ours.lost)
        ours.tcp.send(MESSAGE, flow)
        await server.until(lambda: len(server.received) == 2)
        assert ours.made == []


async def test_a_connection_that_dies_at_once_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams_module, "_SHORT_LIFE", 60.0)
    async with shell() as server, shell() as ours:
        flow = Flow("tcp", server.address)
        ours.tcp.send(MESSAGE, flow)
        await server.until(lambda: server.received)
        server.tcp._connections[1].close()
        await ours.until(lambda: ours.lost)
        ours.tcp.send(MESSAGE, flow)
        await ours.until(lambda: len(ours.lost) == 2)
        assert len(server.received) == 1


async def test_roads_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams_module, "_MOST_ROADS", 1)
    async with shell() as server, shell() as ours:
        ours.tcp.send(MESSAGE, Flow("tcp", server.address))
        ours.tcp.send(MESSAGE, Flow("tcp", server.address, 0, "another"))
        await ours.until(lambda: ours.lost)
        assert ours.causes == ["too many connections"]
        assert ours.counters == {"tcp_refused": 1}


async def test_one_address_has_only_so_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams_module, "_MOST_OF_ONE_ADDRESS", 1)
    async with shell() as server:
        async with client(server) as (_, writer):
            writer.write(MESSAGE)
            await server.until(lambda: server.received)
            async with client(server) as (reader, _):
                with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                    await reader.readexactly(1)
            assert server.counters == {"tcp_refused": 1}
        await server.until(lambda: server.lost)
        async with client(server) as (_, writer):
            writer.write(MESSAGE)
            await server.until(lambda: len(server.received) == 2)


async def test_a_system_without_descriptors_is_asked_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams_module, "_ACCEPT_PAUSE", 0.0)
    loop = asyncio.get_running_loop()
    real, failures = loop.sock_accept, [OSError(24, "Too many open files")]

    async def accept(sock: socket.socket) -> object:
        if failures:
            raise failures.pop()
        return await real(sock)

    monkeypatch.setattr(type(loop), "sock_accept", lambda self, sock: accept(sock), raising=False)
    async with shell() as server, client(server) as (_, writer):
        writer.write(MESSAGE)
        await server.until(lambda: server.received)
        assert server.counters == {"accept_failed": 1}
