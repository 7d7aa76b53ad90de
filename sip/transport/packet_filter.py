"""The kernel's own filter on a datagram socket: what does not come from the PBXs' addresses wakes nobody.

A classic BPF program is made of the addresses and attached to the socket (Linux, SO_ATTACH_FILTER; no privilege is needed). Elsewhere,
and for more addresses than a program holds, there is none, and `Sources` drops the same datagrams a little later. Invariant: the
program accepts every address that it was made of, of both families, and nothing else.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from collections.abc import Iterable
from ipaddress import IPv4Address, ip_address
from typing import Final

_SO_ATTACH_FILTER: Final = 26
_SO_DETACH_FILTER: Final = 27
_SO_MEMINFO: Final = 55
_SK_MEMINFO_DROPS: Final = 8  # of nine numbers of 32 bits

# linux/bpf_common.h: LD|W|ABS, LD|B|ABS, ALU|AND|K, JMP|JEQ|K, JMP|JA, RET|K
_LOAD_WORD: Final = 0x20
_LOAD_BYTE: Final = 0x30
_AND: Final = 0x54
_JUMP_IF_EQUAL: Final = 0x15
_JUMP: Final = 0x05
_RETURN: Final = 0x06
_NETWORK_HEADER: Final = (
    0xFFF00000  # SKF_NET_OFF; without it a datagram socket's filter begins at the UDP header
)
_ACCEPT: Final = 0x40000
_LONGEST: Final = 4096  # BPF_MAXINSNS
_SOURCE_V4: Final = 12  # where the source address stands in the header (RFC 791 §3.1, RFC 8200 §3)
_SOURCE_V6: Final = 8

Instruction = tuple[int, int, int, int]


def program(addresses: Iterable[str]) -> bytes | None:
    """The program that accepts these source addresses alone; None when they are too many for one.

    Raises:
        ValueError: one is not numeric.
    """
    parsed = [ip_address(one) for one in addresses]
    four = [int(one) for one in parsed if isinstance(one, IPv4Address)]
    six = [int(one) for one in parsed if not isinstance(one, IPv4Address)]
    v4: list[Instruction] = [(_LOAD_WORD, 0, 0, _NETWORK_HEADER + _SOURCE_V4)]
    for number in four:
        v4 += [(_JUMP_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ACCEPT)]
    v6: list[Instruction] = []
    for number in six:
        v6 += _accept_v6(number)
    refuse: list[Instruction] = [(_RETURN, 0, 0, 0)]
    head: list[Instruction] = [
        (_LOAD_BYTE, 0, 0, _NETWORK_HEADER),
        (_AND, 0, 0, 0xF0),
        (_JUMP_IF_EQUAL, 0, 1, 0x40),
        (_JUMP, 0, 0, len(v6) + 3),
        (_JUMP_IF_EQUAL, 1, 0, 0x60),
        *refuse,
    ]
    whole = [*head, *v6, *refuse, *v4, *refuse]
    if len(whole) > _LONGEST:
        return None
    return b"".join(struct.pack("HBBI", *one) for one in whole)


def _accept_v6(number: int) -> list[Instruction]:
    """Four words, each compared; the first that differs leads to the next address."""
    steps: list[Instruction] = []
    for word in range(4):
        part = number >> 32 * (3 - word) & 0xFFFFFFFF
        behind = 2 * (3 - word) + 1
        steps += [
            (_LOAD_WORD, 0, 0, _NETWORK_HEADER + _SOURCE_V6 + 4 * word),
            (_JUMP_IF_EQUAL, 0, behind, part),
        ]
    return [*steps, (_RETURN, 0, 0, _ACCEPT)]


def attach(sock: socket.socket, addresses: Iterable[str]) -> bool:
    """Have the kernel drop what others send to a socket; in place of the filter that was there. Whether it does."""
    code = program(addresses) if sys.platform == "linux" else None
    if code is None:
        return False
    buffer = ctypes.create_string_buffer(code, len(code))
    fprog = struct.pack("HL", len(code) // 8, ctypes.addressof(buffer))
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, fprog)
    except OSError:  # a sandbox may forbid it
        return False
    return True


def detach(sock: socket.socket) -> None:
    """Take the filter away, if there is one."""
    if sys.platform == "linux":
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
        except OSError:
            return  # ENOENT: there was none


def drops(sock: socket.socket) -> int:
    """How many datagrams the kernel has thrown away for a socket: those that its filter refused, and those that found its buffer full."""
    if sys.platform != "linux":
        return 0
    try:
        numbers = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36)
    except OSError:  # older than 4.12
        return 0
    return int(struct.unpack_from("I", numbers, 4 * _SK_MEMINFO_DROPS)[0])
