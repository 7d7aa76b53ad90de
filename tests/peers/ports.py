"""Free ports of the loopback for peers that must be told their port before they start.

Ports lie below the kernel's ephemeral range, so that a socket opened in passing by somebody else does not take one
between our asking and the peer's binding. A port given once is not given again in this process. A port counts as free
when both UDP and TCP can be bound.
"""

import random
import socket

HOST = "127.0.0.1"
_LOWEST, _HIGHEST = 15000, 32000

_given: set[int] = set()


def free_port() -> int:
    """A port that nobody holds on 127.0.0.1, neither in UDP nor in TCP."""
    return free_range(1)[0]


def free_range(length: int) -> range:
    """`length` neighbouring free ports that begin with an even one (RTP ports go in pairs, RFC 3550 §11)."""
    dice = random.SystemRandom()
    for _ in range(500):
        first = dice.randrange(_LOWEST, _HIGHEST - length) & ~1
        ports = range(first, first + length)
        if _given.isdisjoint(ports) and all(_is_free(port) for port in ports):
            _given.update(ports)
            return ports
    raise RuntimeError(f"no {length} neighbouring free ports between {_LOWEST} and {_HIGHEST}")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                return False
    return True
