"""The UDP shell alone: what it hands on, what it drops, what it sets on the socket."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter

from sip.flow import Flow
from sip.message import MAX_DATAGRAM
from sip.transport.port import bind
from sip.transport.udp import UdpTransport


class Loop(asyncio.DatagramTransport):
    """A transport that notes what is sent; `max_size` is what the stock loop's has."""

    max_size = 256 * 1024

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[bytes, tuple[str, int]]] = []

    def sendto(self, data: object, addr: object = None) -> None:
        assert isinstance(data, bytes)
        assert isinstance(addr, tuple)
        self.sent.append((data, addr))


def test_a_datagram_is_handed_on_with_its_flow_of_two_parts() -> None:
    got: list[tuple[bytes, Flow]] = []
    udp = UdpTransport(lambda data, flow: got.append((data, flow)))
    udp.datagram_received(b"x", ("::1", 5060, 0, 0))  # type: ignore[arg-type]
    assert got == [(b"x", Flow("udp", ("::1", 5060)))]


def test_keep_alives_and_strangers_are_dropped_and_only_strangers_counted() -> None:
    counters: Counter[str] = Counter()
    got: list[bytes] = []
    udp = UdpTransport(lambda data, flow: got.append(data), allowed={"192.0.2.1"}, counters=counters)
    for data, host in (
        (b"\r\n\r\n", "192.0.2.1"),
        (b"\0\0", "192.0.2.1"),
        (b"", "192.0.2.1"),
        (b"x", "192.0.2.2"),
    ):
        udp.datagram_received(data, (host, 5060))
    udp.datagram_received(b"last", ("192.0.2.1", 5060))
    assert got == [b"last"]
    assert counters == {"foreign_source": 1}


def test_errors_of_the_system_are_counted() -> None:
    counters: Counter[str] = Counter()
    UdpTransport(lambda data, flow: None, counters=counters).error_received(OSError("unreachable"))
    assert counters == {"udp_error": 1}


def test_the_stock_loop_is_told_how_large_a_datagram_can_be() -> None:
    transport = Loop()
    udp = UdpTransport(lambda data, flow: None)
    udp.send(b"early", ("192.0.2.1", 5060))
    udp.connection_made(transport)
    udp.send(b"data", ("192.0.2.1", 5060))
    assert transport.max_size == MAX_DATAGRAM
    assert transport.sent == [(b"data", ("192.0.2.1", 5060))]


async def test_the_receive_buffer_is_enlarged_and_the_socket_closed() -> None:
    sockets = bind("127.0.0.1")
    before = sockets.udp.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    udp = UdpTransport(lambda data, flow: None)
    udp.close()  # nothing yet
    await udp.open(sockets.udp)
    assert sockets.udp.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= before
    udp.close()
    sockets.tcp.close()
    await asyncio.sleep(0)
    assert sockets.udp.fileno() == -1
