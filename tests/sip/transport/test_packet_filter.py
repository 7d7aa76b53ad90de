"""The kernel's filter: run by a small interpreter here, and by the kernel itself where there is one."""

from __future__ import annotations

import socket
import struct
import sys
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.transport import packet_filter
from sip.transport.packet_filter import attach, detach, drops, program

V4 = st.ip_addresses(v=4).map(str)
V6 = st.ip_addresses(v=6).map(str)


def accepts(code: bytes, source: str) -> bool:
    """What the kernel does with a packet from there (linux/filter.h)."""
    address = ip_address(source)
    header = (
        bytes([0x45]) + bytes(11) + address.packed + bytes(4)
        if address.version == 4
        else bytes([0x60]) + bytes(7) + address.packed + bytes(16)
    )
    steps = list(struct.iter_unpack("HBBI", code))
    at = accumulator = 0
    while True:
        operation, if_true, if_false, k = steps[at]
        at += 1
        if operation == 0x20:
            accumulator = int.from_bytes(header[k - 0xFFF00000 :][:4], "big")
        elif operation == 0x30:
            accumulator = header[k - 0xFFF00000]
        elif operation == 0x54:
            accumulator &= k
        elif operation == 0x15:
            at += if_true if accumulator == k else if_false
        elif operation == 0x05:
            at += k
        else:
            assert operation == 0x06
            return bool(k)


@given(st.lists(V4 | V6, max_size=12), V4 | V6)
def test_it_accepts_its_addresses_and_nobody_else(addresses: list[str], other: str) -> None:
    code = program(addresses)
    assert code is not None
    assert all(accepts(code, one) for one in addresses)
    assert accepts(code, other) == (other in addresses)


@given(st.lists(V6, min_size=1, max_size=4), st.integers(0, 127))
def test_an_address_that_differs_in_one_bit_is_another(addresses: list[str], bit: int) -> None:
    near = str(ip_address(int(ip_address(addresses[0])) ^ 1 << bit))
    near = near if ip_address(near).version == 6 else "2001:db8::1"
    code = program(addresses)
    assert code is not None
    assert accepts(code, near) == (ip_address(near) in map(ip_address, addresses))


def test_more_addresses_than_a_program_holds_make_none() -> None:
    assert program([f"10.0.{n // 256}.{n % 256}" for n in range(2040)]) is not None
    assert program([f"10.0.{n // 256}.{n % 256}" for n in range(2050)]) is None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        assert not attach(sock, [f"10.0.{n // 256}.{n % 256}" for n in range(2050)])


@pytest.mark.skipif(sys.platform != "linux", reason="the filter is Linux's")
@pytest.mark.parametrize(
    ("own", "friends", "stranger"),
    [("127.0.0.1", ["127.0.0.2", "127.0.0.4"], "127.0.0.3"), ("::1", ["::1"], None)],
)
def test_the_kernel_obeys_it_and_counts_what_it_drops(
    own: str, friends: list[str], stranger: str | None
) -> None:
    family = socket.AF_INET6 if ":" in own else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((own, 0))
        sock.settimeout(10)

        def say(host: str) -> None:
            with socket.socket(family, socket.SOCK_DGRAM) as sender:
                sender.bind((host, 0))
                sender.sendto(host.encode(), sock.getsockname()[:2])

        assert attach(sock, ["192.0.2.1", "2001:db8::1", *friends])
        for friend in friends:
            say(friend)
            assert sock.recv(100) == friend.encode()
        if stranger is not None:
            say(stranger)
            assert drops(sock) == 1
        before = drops(sock)
        assert attach(sock, ["192.0.2.1"])
        say(friends[0])
        assert drops(sock) == before + 1
        detach(sock)
        say(friends[0])
        assert sock.recv(100) == friends[0].encode()
        detach(sock)


def test_where_there_is_no_such_kernel_nothing_is_filtered(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        monkeypatch.setattr(packet_filter, "_SO_ATTACH_FILTER", 9999)
        monkeypatch.setattr(packet_filter, "_SO_MEMINFO", 9999)
        assert not attach(sock, ["192.0.2.1"])
        assert drops(sock) == 0
        monkeypatch.setattr(sys, "platform", "elsewhere")
        assert not attach(sock, ["192.0.2.1"])
        detach(sock)
        assert drops(sock) == 0
