"""The UDP shell alone: what it hands on, what it drops and where, and that no flood keeps the loop from others."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from sip.flow import Flow
from sip.transport import packet_filter
from sip.transport import udp as udp_module
from sip.transport.port import bind
from sip.transport.sources import Sources
from sip.transport.udp import PER_TURN, UdpTransport


@dataclass
class Shell:
    """A UDP shell on a real socket, and what it told."""

    address: tuple[str, int]
    sources: Sources
    counters: Counter[str]
    got: list[tuple[bytes, Flow]] = field(default_factory=list)
    udp: UdpTransport = field(init=False)

    def receive(self, data: bytes, flow: Flow) -> None:
        self.got.append((data, flow))

    def say(self, *datagrams: bytes, host: str = "127.0.0.1") -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((host, 0))
            for data in datagrams:
                sender.sendto(data, self.address)

    async def until(self, last: bytes) -> None:
        """Wait for a datagram."""
        await turns(lambda: any(data == last for data, _ in self.got))


async def turns(done: Callable[[], object]) -> None:
    """Let the loop turn until `done`: turns are what is bounded here."""
    async with asyncio.timeout(60):
        while not done():  # noqa: ASYNC110
            await asyncio.sleep(0)


@asynccontextmanager
async def shell(allowed: Iterable[str] | None = None, host: str = "127.0.0.1") -> AsyncIterator[Shell]:
    sockets = bind(host)
    sockets.tcp.close()
    counters: Counter[str] = Counter()
    made = Shell(sockets.address, Sources(allowed, asyncio.get_running_loop().time, counters), counters)
    made.udp = UdpTransport(made.receive, sources=made.sources, counters=counters)
    made.udp.open(sockets.udp)
    try:
        yield made
    finally:
        made.udp.close()


async def test_a_datagram_is_handed_on_with_its_flow_of_two_parts() -> None:
    async with shell(host="::1") as udp:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
            sender.bind(("::1", 0))
            sender.sendto(b"x", udp.address)
            await udp.until(b"x")
            assert udp.got == [(b"x", Flow("udp", sender.getsockname()[:2]))]


async def test_keep_alives_are_dropped_silently() -> None:
    async with shell() as udp:
        udp.say(b"\r\n\r\n", b"\0\0", b"", b"\r\n", b"last")
        await udp.until(b"last")
        assert [data for data, _ in udp.got] == [b"last"]
        assert not udp.counters


async def test_the_kernel_drops_what_comes_from_elsewhere_and_counts_it() -> None:
    async with shell({"127.0.0.2"}) as udp:
        if not udp.udp.is_filtered:
            pytest.skip("no socket filter here")
        udp.say(b"x", b"y")
        udp.say(b"last", host="127.0.0.2")
        await udp.until(b"last")
        assert [data for data, _ in udp.got] == [b"last"]
        assert udp.udp.drops() == 2
        assert not udp.counters, "it never came as far as here"


async def test_without_a_filter_the_same_is_dropped_here_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_filter, "attach", lambda sock, addresses: False)
    async with shell({"127.0.0.2"}) as udp:
        assert not udp.udp.is_filtered
        udp.say(b"x", b"y")
        udp.say(b"last", host="127.0.0.2")
        await udp.until(b"last")
        assert [data for data, _ in udp.got] == [b"last"]
        assert udp.counters == {"foreign_source": 2}


async def test_an_address_that_is_allowed_later_is_heard_and_one_that_is_not_any_more_is_not() -> None:
    async with shell({"127.0.0.2"}) as udp:
        udp.sources.allow(["127.0.0.3"], "account")
        udp.udp.filter()
        udp.say(b"x", host="127.0.0.3")
        await udp.until(b"x")
        udp.sources.allow([], "account")
        udp.udp.filter()
        udp.say(b"y", host="127.0.0.3")
        udp.say(b"last", host="127.0.0.2")
        await udp.until(b"last")
        assert [data for data, _ in udp.got] == [b"x", b"last"]


async def test_a_filter_of_before_goes_when_the_new_one_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with shell({"127.0.0.2"}) as udp:
        monkeypatch.setattr(packet_filter, "attach", lambda sock, addresses: False)
        udp.sources.allow(["127.0.0.3"], "account")
        udp.udp.filter()
        udp.say(b"x", host="127.0.0.3")
        await udp.until(b"x")


async def test_a_flood_leaves_the_loop_to_others_after_so_many_datagrams() -> None:
    async with shell() as udp:
        udp.sources.allow(["127.0.0.1"], "known")
        udp.say(*[b"%d" % number for number in range(PER_TURN * 3)])
        seen: list[int] = []
        while len(udp.got) < PER_TURN * 3:
            await asyncio.sleep(0)  # one turn
            seen.append(len(udp.got))
        assert max(later - earlier for earlier, later in zip([0, *seen], seen, strict=False)) == PER_TURN


async def test_a_flood_where_everybody_may_speak_is_shut_out_by_the_kernel_for_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(udp_module, "_SHUT", 3600.0)
    async with shell() as udp:
        udp.sources.allow(["127.0.0.2"], "the PBX")
        udp.say(*[b"x"] * 400)
        await turns(lambda: udp.counters["flood"])
        assert udp.udp.is_filtered
        before = udp.udp.drops()
        udp.say(b"shut out")
        udp.say(b"known", host="127.0.0.2")
        await udp.until(b"known")
        assert udp.udp.drops() == before + 1
        udp.udp._let_in()
        udp.sources._left = 1.0
        udp.say(b"let in")
        await udp.until(b"let in")
        assert udp.counters["flood"] == 1
        assert not any(data == b"shut out" for data, _ in udp.got)


async def test_strangers_in_measure_shut_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp_module, "_FLOOD", 3)
    async with shell() as udp:
        for number in range(1, 6):
            udp.sources._left = -1e6
            udp.say(b"x", b"x")
            while udp.counters["stranger_limited"] < 2 * number:  # noqa: ASYNC110
                await asyncio.sleep(0)
            udp.sources._left = 1.0
            udp.say(b"heard %d" % number)
            await udp.until(b"heard %d" % number)
        assert udp.counters["flood"] == 0
        assert not udp.udp.is_filtered


async def test_a_datagram_that_the_system_refuses_is_counted() -> None:
    async with shell() as udp:
        udp.udp.send(b"x", ("2001:db8::1", 5060))
        udp.udp.send(b"x" * 70_000, ("127.0.0.1", 5060))
        assert udp.counters == {"udp_error": 2}


class Full:
    """A socket whose system takes so many datagrams and no more."""

    def __init__(self, real: socket.socket, room: int) -> None:
        self.real, self.room = real, room
        self.sent: list[bytes] = []

    def sendto(self, data: bytes, remote: tuple[str, int]) -> None:
        if self.room <= 0:
            raise BlockingIOError
        if data == b"bad":
            raise OSError("unreachable")
        self.room -= 1
        self.sent.append(data)

    def fileno(self) -> int:
        return self.real.fileno()

    def close(self) -> None:
        self.real.close()


async def test_what_the_system_does_not_take_waits_in_its_order_and_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(udp_module, "_MOST_UNSENT", 3)
    async with shell() as udp:
        real = udp.udp._sock
        assert real is not None
        full = Full(real, 1)
        udp.udp._sock = full  # type: ignore[assignment]
        for data in (b"1", b"2", b"bad", b"3", b"4"):
            udp.udp.send(data, ("127.0.0.1", 9))
        assert (full.sent, udp.counters) == ([b"1"], {"udp_unsent": 1})
        await asyncio.sleep(0)
        full.room = 9
        await turns(lambda: full.sent[-1] == b"3")
        assert full.sent == [b"1", b"2", b"3"]
        assert udp.counters == {"udp_unsent": 1, "udp_error": 1}
        udp.udp.send(b"5", ("127.0.0.1", 9))
        assert full.sent[-1] == b"5"


async def test_a_socket_may_be_closed_by_what_a_datagram_says() -> None:
    async with shell() as udp:
        udp.sources.allow(["127.0.0.1"], "known")
        taken: list[bytes] = []

        def close(data: bytes, flow: Flow) -> None:
            taken.append(data)
            udp.udp.close()

        udp.udp._received = close
        udp.say(b"1", b"2")
        await turns(lambda: taken)
        assert taken == [b"1"]
        udp.udp.send(b"late", ("127.0.0.1", 9))
        udp.udp.close()
        udp.udp.filter()
        assert udp.udp.drops() == 0


async def test_the_receive_buffer_is_enlarged_and_the_socket_closed() -> None:
    sockets = bind("127.0.0.1")
    before = sockets.udp.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    counters: Counter[str] = Counter()
    sources = Sources(None, asyncio.get_running_loop().time, counters)
    udp = UdpTransport(lambda data, flow: None, sources=sources, counters=counters)
    udp.close()  # nothing yet
    udp.open(sockets.udp)
    assert sockets.udp.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= before
    udp.close()
    sockets.tcp.close()
    assert sockets.udp.fileno() == -1
