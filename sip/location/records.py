"""DNS as values: what is asked and what was answered (RFC 1035, RFC 2782, RFC 3403).

Knows no packet and no server. Invariant: names are in lower case and without the dot at their end.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

MOST_RECORDS: Final = 32
"""Records of one answer that are looked at: a zone is written by strangers."""


class Kind(StrEnum):
    """The types of records that locating needs."""

    NAPTR = "NAPTR"
    SRV = "SRV"
    A = "A"
    AAAA = "AAAA"


class Question(NamedTuple):
    """One question to the DNS."""

    kind: Kind
    name: str


class Naptr(NamedTuple):
    """Which service a domain offers, and the name under which its servers are listed (RFC 3263 §4.1, RFC 3403 §4).

    Args:
        flags: "s" leads to SRV records; no other flag has a meaning for SIP.
        service: as "SIP+D2U".
        replacement: the name to ask for SRV records.
    """

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


class Srv(NamedTuple):
    """One server of a service (RFC 2782); a `target` of "" says that the service is decidedly not offered."""

    priority: int
    weight: int
    port: int
    target: str


Record: TypeAlias = Naptr | Srv | str
"""An address (A, AAAA) is its text."""


class Answer(NamedTuple):
    """What the DNS said.

    Args:
        records: of the kind that was asked; empty when the name, or a record of this kind, does not exist.
        ttl: seconds for which that holds, of a "does not exist" too (RFC 2308).
        failed: nobody answered, or with an error: it says nothing about the records.
    """

    question: Question
    records: tuple[Record, ...] = ()
    ttl: float = 0.0
    failed: bool = False


def canonical(name: str) -> str:
    """The form in which names are compared and kept."""
    return name.rstrip(".").lower()
