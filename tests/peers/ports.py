"""Free ports of the loopback for peers that must be told their port before they start.

Ports lie below the kernel's ephemeral range, so that a socket opened in passing by somebody else does not take one
between our asking and the peer's binding; and what one test run was given no other run on this machine is given, for as long as
the first one lives. A port given once is not given again in this process, unless it was given back. A port counts as free when
both UDP and TCP can be bound. Single ports and ranges come from regions of their own: a few hundred single ones would leave no
room for a range.
"""

import fcntl
import functools
import os
import random
import socket
import tempfile
from collections.abc import Iterable
from pathlib import Path

HOST = "127.0.0.1"
_SINGLE, _RANGES = range(15000, 20000), range(20000, 32000)

_given: set[int] = set()


def free_port() -> int:
    """A port that nobody holds on 127.0.0.1, neither in UDP nor in TCP."""
    return free_range(1)[0]


def free_range(length: int) -> range:
    """`length` neighbouring free ports that begin with an even one (RTP ports go in pairs, RFC 3550 §11)."""
    dice = random.SystemRandom()
    region = _SINGLE if length == 1 else _RANGES
    for _ in range(500):
        first = dice.randrange(region.start, region.stop - length) & ~1
        ports = range(first, first + length)
        if _given.isdisjoint(ports) and _claim(ports):
            if all(_is_free(port) for port in ports):
                _given.update(ports)
                return ports
            _let_go(ports)
    raise RuntimeError(f"no {length} neighbouring free ports between {region.start} and {region.stop}")


def give_back(ports: Iterable[int]) -> None:
    """Whoever used them is gone."""
    for port in ports:
        _given.discard(port)
        _let_go(range(port, port + 1))


@functools.cache
def _claims() -> int:
    """The file on which the runs of one user agree: byte n is locked by the run that has port n. The system lets go of a dead run's
    locks. It is never closed: to close any descriptor of it would let go of all."""
    path = Path(tempfile.gettempdir()) / f"trubka-ports-{os.geteuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _claim(ports: range) -> bool:
    try:
        fcntl.lockf(_claims(), fcntl.LOCK_EX | fcntl.LOCK_NB, len(ports), ports.start)
    except OSError:
        return False
    return True


def _let_go(ports: range) -> None:
    fcntl.lockf(_claims(), fcntl.LOCK_UN, len(ports), ports.start)


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                return False
    return True
