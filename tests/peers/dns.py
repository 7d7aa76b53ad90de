"""A name server of the test's own, on loopback: it says what its zone file says, and keeps silent when it is told to."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

HOST = "127.0.0.1"


class NameServer(asyncio.DatagramProtocol):
    """Answers from its records.

    Attributes:
        speaks: whether it answers at all.
        asked: how often each question came, as "SRV _sip._udp.pbx.test".
    """

    def __init__(self, ttl: int = 30) -> None:
        self.ttl = ttl
        self.speaks = True
        self.asked: Counter[str] = Counter()
        self.port = 0
        self._records: dict[tuple[str, str], list[str]] = {}
        self._transport: asyncio.DatagramTransport | None = None

    def say(self, name: str, kind: str, *values: str) -> None:
        """Records in the form of a zone file, as ("_sip._udp.pbx.test", "SRV", "10 0 5060 a.pbx.test."); none takes them away."""
        self._records[name, kind] = list(values)

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = (
            question.name.to_text(omit_final_dot=True).lower(),
            dns.rdatatype.to_text(question.rdtype),
        )
        self.asked[f"{kind} {name}"] += 1
        if not self.speaks:
            return
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA | dns.flags.RA
        values = self._records.get((name, kind), [])
        if values:
            response.answer.append(dns.rrset.from_text_list(question.name, self.ttl, "IN", kind, values))
        elif not any(known == name for known, _ in self._records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        assert self._transport is not None
        self._transport.sendto(response.to_wire(), addr)


@asynccontextmanager
async def name_server(ttl: int = 30) -> AsyncIterator[NameServer]:
    """A name server at a free port."""
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: NameServer(ttl), local_addr=(HOST, 0)
    )
    try:
        yield server
    finally:
        transport.close()
