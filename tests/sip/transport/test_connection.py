"""Keep-alive on connections: the client pings, the server answers, and who used to answer is held to it (RFC 5626 §3.5.1, §4.4.1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from sip.flow import Flow
from sip.transport.connection import KeepAlive
from sip.transport.streams import Streams
from tests.sip.transport.shells import MESSAGE, Shell, client, shell

OFTEN = KeepAlive(stream=0.01, pong=0.01)


@dataclass
class Peer:
    """A server that answers the first so many pings, and counts them."""

    answers: int
    pings: int = 0
    address: tuple[str, int] = ("", 0)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.pings += 1
                if self.pings <= self.answers:
                    writer.write(b"\r\n")
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass
        finally:
            writer.close()
            self.over.set()


@asynccontextmanager
async def peer(answers: int) -> AsyncIterator[Peer]:
    made = Peer(answers)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.address = server.sockets[0].getsockname()[:2]
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()


def reach(ours: Shell, server: Peer) -> Streams:
    ours.tcp.send(b"\r\n\r\n", Flow("tcp", server.address))
    return ours.tcp


async def test_a_peer_that_used_to_answer_and_does_not_any_more_has_lost_the_flow() -> None:
    """§4.4.1: no pong within 10 s."""
    async with peer(answers=4) as server, shell(keep_alive=OFTEN) as ours:
        reach(ours, server)
        await ours.until(lambda: ours.lost)
        assert ours.lost == [Flow("tcp", server.address, 1)]
        assert ours.causes == ["no answer to a ping"]
        assert ours.counters == {"pong_missing": 1}
        await server.over.wait()


@pytest.mark.parametrize("answers", [0, 1])
async def test_a_peer_that_never_answers_is_pinged_all_the_same_and_not_held_to_it(answers: int) -> None:
    """Asterisk is such a one; one pong may have been half a ping of its own. What vanishes is noticed by TCP itself."""
    async with peer(answers=answers) as server, shell(keep_alive=OFTEN) as ours:
        reach(ours, server)
        async with asyncio.timeout(60):
            while server.pings < 8:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (ours.lost, dict(ours.counters)) == ([], {})


async def test_two_of_ours_keep_each_other_alive() -> None:
    """The time for an answer is over when it has come: on a busy machine no clock would promise that."""
    async with shell() as server, shell() as ours:
        ours.tcp.send(MESSAGE, Flow("tcp", server.address))
        await server.until(lambda: server.received)
        connection = ours.tcp._connections[1]
        for number in range(1, 6):
            connection._ping()
            async with asyncio.timeout(60):
                while connection._framer.pongs_received < number:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            connection._miss_pong()
        assert connection._answered == 5
        assert (ours.lost, server.lost) == ([], [])


async def test_pings_are_80_to_100_percent_of_the_longest_time_apart() -> None:
    planned: list[float] = []
    async with shell() as server:
        for chance in (0.0, 1.0):
            async with shell(fraction=lambda chance=chance: chance) as ours:
                ours.tcp.send(MESSAGE, Flow("tcp", server.address))
                await ours.until(lambda: True)
                await server.until(lambda: server.received)
                connection = ours.tcp._connections[1]
                assert connection._timer is not None
                planned.append(connection._timer.when() - connection.made_at)
                server.received.clear()
    assert planned == [pytest.approx(96, abs=5), pytest.approx(120, abs=5)]


async def test_keep_alive_can_be_left_to_others_and_servers_do_not_ping() -> None:
    async with shell(keep_alive=KeepAlive(stream=0)) as ours, shell(keep_alive=OFTEN) as server:
        ours.tcp.send(MESSAGE, Flow("tcp", server.address))
        await server.until(lambda: server.received)
        assert ours.tcp._connections[1]._timer is None
        assert server.tcp._connections[1]._timer is None


async def test_a_pong_that_comes_too_late_is_no_answer_to_the_next_ping() -> None:
    async with shell(keep_alive=OFTEN) as server, client(server) as (_, writer):
        writer.write(MESSAGE)
        await server.until(lambda: server.received)
        connection = server.tcp._connections[1]
        connection._ping()
        connection._miss_pong()
        writer.write(b"\r\n" + MESSAGE)
        await server.until(lambda: len(server.received) == 2)
        assert connection._framer.pongs_received == 0
