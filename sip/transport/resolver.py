"""Asks the DNS for a locator: NAPTR and SRV of the name servers, addresses as the system finds them (hosts file, containers' names).

A shell: it decides nothing about servers. Knows no SIP. Invariant: every question is answered once, within `_PATIENCE`, with records, with
"there is none", or with "failed", which says nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from typing import Final

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.resolver
from dns.rdtypes.IN.NAPTR import NAPTR
from dns.rdtypes.IN.SRV import SRV

from sip.location.records import MOST_RECORDS, Answer, Kind, Naptr, Question, Record, Srv, canonical

_PATIENCE: Final = 5.0  # seconds
_SYSTEM_TTL: Final = 60.0  # the system does not say how long its addresses hold
_ABSENT_TTL: Final = 60.0  # where no SOA says so (RFC 2308 §5)
_FAMILIES: Final = {Kind.A: socket.AF_INET, Kind.AAAA: socket.AF_INET6}

Told = Callable[[Answer], None]


class Resolver:
    """Puts questions to the DNS.

    Args:
        servers: (address, port) of name servers, which are then asked for everything; None: the system's.
    """

    def __init__(self, servers: Iterable[tuple[str, int]] | None = None) -> None:
        self._servers = None if servers is None else list(servers)
        self._tasks: set[asyncio.Task[None]] = set()
        self._dns: dns.asyncresolver.Resolver | None = None

    def ask(self, question: Question, told: Told) -> None:
        """Ask; `told` is called with the answer, later. Inside the running loop."""
        task = asyncio.get_running_loop().create_task(self._find(question, told))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Nobody is told anything any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _find(self, question: Question, told: Told) -> None:
        told(await self.answer(question))

    async def answer(self, question: Question) -> Answer:
        """The answer to one question."""
        if question.kind in _FAMILIES and self._servers is None:
            return await _system_addresses(question)
        if question.name.endswith("localhost"):
            return Answer(question, (), _SYSTEM_TTL)  # RFC 6761 §6.3: never asked for outside
        try:
            async with asyncio.timeout(_PATIENCE):
                found = await self._resolver().resolve(
                    dns.name.from_text(question.name), question.kind, raise_on_no_answer=False, search=False
                )
        except dns.resolver.NXDOMAIN:
            return Answer(question, (), _ABSENT_TTL)
        except (dns.exception.DNSException, OSError):  # TimeoutError is one too
            return Answer(question, failed=True)
        if found.rrset is None:
            return Answer(question, (), _ABSENT_TTL)
        records = tuple(_record(one) for one in list(found.rrset)[:MOST_RECORDS])
        return Answer(question, records, float(found.rrset.ttl))

    def _resolver(self) -> dns.asyncresolver.Resolver:
        """Made when it is needed first: many installations have a PBX with an address, and perhaps no DNS at all.

        Raises:
            dns.resolver.NoResolverConfiguration: the system has none.
        """
        if self._dns is None:
            resolver = dns.asyncresolver.Resolver(configure=self._servers is None)
            if self._servers is not None:
                resolver.nameservers = [
                    dns.nameserver.Do53Nameserver(host, port) for host, port in self._servers
                ]
            self._dns = resolver
        return self._dns


async def _system_addresses(question: Question) -> Answer:
    family = _FAMILIES[question.kind]
    try:
        async with asyncio.timeout(_PATIENCE):
            found = await asyncio.get_running_loop().getaddrinfo(
                question.name, None, family=family, type=socket.SOCK_DGRAM
            )
    except (OSError, UnicodeError):  # a label that is too long for any name is a UnicodeError
        # Whether there is no such name or nobody to ask is told in as many ways as there are systems.
        return Answer(question, failed=True)
    return Answer(question, tuple(dict.fromkeys(str(one[4][0]) for one in found))[:MOST_RECORDS], _SYSTEM_TTL)


def _record(data: object) -> Record:
    if isinstance(data, SRV):
        return Srv(data.priority, data.weight, data.port, canonical(data.target.to_text()))
    if isinstance(data, NAPTR):
        flags, service = data.flags.decode("ascii", "replace"), data.service.decode("ascii", "replace")
        return Naptr(data.order, data.preference, flags, service, canonical(data.replacement.to_text()))
    return str(data)
