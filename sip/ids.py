"""Where branches, tags and Call-IDs come from.

A core does not read the machine's randomness: it is given an `Ids` at birth. The shell gives `ByteIds` a
cryptographic source (`secrets.token_bytes`), tests give `SeededIds`, whose answers repeat from run to run.

Invariants: every id has at least 64 bits of its source (RFC 3261 §19.3 asks 32 for tags, §8.1.1.7 uniqueness over
space and time for branches); ids are made of letters and digits only, so that they are tokens everywhere.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Final, Protocol

MAGIC_COOKIE: Final = "z9hG4bK"  # RFC 3261 §8.1.1.7: tells a branch that is unique from one of RFC 2543


class Ids(Protocol):
    """The source of everything that must not be guessed or must not repeat."""

    def branch(self) -> str:
        """A Via branch, with the magic cookie."""

    def tag(self) -> str:
        """A From or To tag; whoever wants a prefix puts it before."""

    def call_id(self) -> str:
        """A Call-ID."""

    def token(self) -> str:
        """128 unguessable bits: a cnonce, the user part of a contact."""

    def fraction(self) -> float:
        """A number from 0 up to, not including, 1: jitter for pauses."""


class ByteIds:
    """Ids cut from a source of bytes.

    Args:
        read: gives that many random bytes; in production `secrets.token_bytes`.
    """

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def branch(self) -> str:
        return MAGIC_COOKIE + self._read(10).hex()

    def tag(self) -> str:
        return self._read(8).hex()

    def call_id(self) -> str:
        return self._read(16).hex()

    def token(self) -> str:
        return self._read(16).hex()

    def fraction(self) -> float:
        return int.from_bytes(self._read(6), "big") / (1 << 48)


class SeededIds(ByteIds):
    """Ids that repeat from run to run: for tests only, for whoever knows the seed knows them all."""

    __slots__ = ("_count", "_seed")

    def __init__(self, seed: int = 0) -> None:
        super().__init__(self._next_bytes)
        self._seed = seed
        self._count = 0

    def _next_bytes(self, size: int) -> bytes:
        self._count += 1
        return blake2b(f"{self._seed}/{self._count}".encode(), digest_size=size).digest()
