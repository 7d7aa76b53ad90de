"""The procedure of RFC 3263 §4 as one pure function: what is known of the DNS goes in, the servers or what is still to be asked come out.

Knows no clock beyond what the answers say, no lots and no health: `Locator` does.
Invariants: a plan has at most `MOST_TARGETS` servers; the order of NAPTR and of SRV priorities is the order of its groups; whoever
answers at most three rounds of questions (NAPTR, SRV, addresses) gets a plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from math import inf
from typing import Final, NamedTuple, TypeAlias

from sip.flow import TLS, Flow, TransportName
from sip.location.records import MOST_RECORDS, Kind, Naptr, Question, Record, Srv, canonical
from sip.uri import Uri

MOST_TARGETS: Final = 16

# RFC 3263 §4.1; SCTP is not spoken here.
_SERVICES: Final[dict[str, TransportName]] = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
_LABELS: Final[dict[TransportName, str]] = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}
# In which order transports are tried whose order the domain does not say.
_OURS: Final[tuple[TransportName, ...]] = ("udp", "tcp", "tls")


class Hop(NamedTuple):
    """Whom to reach: the parts of the next hop's URI that locating looks at (§4: `maddr` counts before the host).

    Args:
        port: as it is written in the URI, else None.
        transports: those that may be used: one if the URI, its scheme or the account says so.
    """

    host: str
    port: int | None
    transports: tuple[TransportName, ...]

    @classmethod
    def of(cls, uri: Uri, allowed: Iterable[TransportName]) -> Hop:
        """The hop of a SIP or SIPS URI, if we may use these transports; the URI's own choice counts before ours."""
        wanted = TLS if uri.scheme == "sips" else uri.transport
        permitted = tuple(one for one in _OURS if one == wanted) or tuple(
            one for one in _OURS if one in allowed
        )
        return cls(canonical(uri.params.get("maddr") or uri.host), uri.port, permitted)

    @property
    def is_numeric(self) -> bool:
        return is_numeric(self.host)


class Target(NamedTuple):
    """One server.

    Args:
        flow: the road to it; of TLS it bears the name that was looked up, which the certificate must show (RFC 5922 §7.2).
        rank: the lower the better; those of one rank share the load.
    """

    flow: Flow
    rank: int


Group: TypeAlias = tuple[tuple[int, tuple[Target, ...]], ...]
"""Servers of one rank: weight, and the addresses of each."""


@dataclass(slots=True)
class Plan:
    """What is known of a hop.

    Attributes:
        groups: its servers, best rank first; empty: it has none.
        missing: what has to be asked before anything can be said of it.
        expires_at: until when it holds.
    """

    groups: list[Group] = field(default_factory=list)
    missing: list[Question] = field(default_factory=list)
    expires_at: float = inf

    @property
    def addresses(self) -> frozenset[str]:
        """Of all its servers."""
        return frozenset(
            one.flow.remote[0] for group in self.groups for _, targets in group for one in targets
        )


Known: TypeAlias = Callable[[Question], tuple[tuple[Record, ...], float] | None]
"""Gives what is known of a question, and until when; None: nothing."""


@lru_cache(maxsize=4096)
def is_numeric(host: str) -> bool:
    """Whether a host is an address and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def plan(hop: Hop, families: tuple[Kind, ...], known: Known) -> Plan:
    """The servers of a hop as far as they are known.

    Args:
        families: the kinds of addresses that our sockets can reach.
    """
    return _Planner(hop, families, known).plan()


class _Planner:
    """One passage through the procedure."""

    def __init__(self, hop: Hop, families: tuple[Kind, ...], known: Known) -> None:
        self._hop = hop
        self._families = families
        self._known = known
        self._made = Plan()
        self._count = 0

    def plan(self) -> Plan:
        hop, made = self._hop, self._made
        if not hop.transports:
            return made
        if hop.is_numeric or hop.port is not None:
            # §4.1, §4.2: a number, or a port: the name has nothing more to say.
            self._add_host(hop.transports[0])
        else:
            services = self._services()
            if services is not None:
                # All are asked at once; a domain without SRV records is a host (§4.2).
                listed = [self._add_service(transport, name) for transport, name in services]
                if not any(listed) and not made.missing:
                    self._add_host(hop.transports[0])
        if made.missing:
            made.groups.clear()
        return made

    def _ask(self, kind: Kind, name: str) -> tuple[Record, ...] | None:
        question = Question(kind, name)
        found = self._known(question)
        if found is None:
            if question not in self._made.missing:
                self._made.missing.append(question)
            return None
        records, until = found
        self._made.expires_at = min(self._made.expires_at, until)
        return records[:MOST_RECORDS]

    def _services(self) -> list[tuple[TransportName, str]] | None:
        """Which names list the servers of which transport, the domain's favourite first; None: it is not known yet."""
        hop = self._hop
        usual = [(transport, _LABELS[transport] + hop.host) for transport in hop.transports]
        if len(hop.transports) == 1:
            return usual  # §4.1: the transport is known, so NAPTR has nothing to say
        records = self._ask(Kind.NAPTR, hop.host)
        if records is None:
            return None
        usable = sorted(
            (one.order, one.preference, transport, canonical(one.replacement))
            for one in records
            if isinstance(one, Naptr)
            and one.flags.lower() == "s"
            and (transport := _SERVICES.get(one.service.upper())) in hop.transports
            and transport is not None
        )
        # RFC 3403 §4.1: what has a higher order than the first match is not looked at.
        best = [(transport, name) for order, _, transport, name in usable if order == usable[0][0]]
        return best or usual

    def _add_service(self, transport: TransportName, name: str) -> bool:
        """The servers that are listed under a name; whether there is such a list, or it may still turn out so."""
        records = self._ask(Kind.SRV, name)
        if records is None:
            return True
        listed = [one for one in records if isinstance(one, Srv)]
        for priority in sorted({one.priority for one in listed}):
            servers = [one for one in listed if one.priority == priority and one.target]
            self._add_group([(one.weight, canonical(one.target), one.port) for one in servers], transport)
        return bool(listed)

    def _add_host(self, transport: TransportName) -> None:
        hop = self._hop
        port = hop.port if hop.port is not None else default_port(transport)
        self._add_group([(0, hop.host, port)], transport)

    def _add_group(self, servers: Iterable[tuple[int, str, int]], transport: TransportName) -> None:
        rank = len(self._made.groups)
        name = self._hop.host if transport == TLS else ""
        group = []
        for weight, host, port in servers:
            addresses = self._addresses(host)[: MOST_TARGETS - self._count]
            self._count += len(addresses)
            if addresses and port:
                flows = [Flow(transport, (address, port), 0, name) for address in addresses]
                group.append((weight, tuple(Target(flow, rank) for flow in flows)))
        if group:
            self._made.groups.append(tuple(group))

    def _addresses(self, host: str) -> list[str]:
        if is_numeric(host):
            return [host]
        found: list[str] = []
        for kind in self._families:
            found += [one for one in self._ask(kind, host) or () if isinstance(one, str)]
        return found


def default_port(transport: str) -> int:
    """RFC 3261 §19.1.2."""
    return 5061 if transport == TLS else 5060


__all__ = ["MOST_TARGETS", "Group", "Hop", "Plan", "Target", "default_port", "is_numeric", "plan"]
