"""A line's account at a PBX: who we are, with which password, and where its messages go. Values only, nothing is resolved.

Invariant: the place a message goes to depends on the account, the next hop and its size, and on nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from typing import Literal, TypeAlias

from sip.flow import Flow
from sip.uri import Uri

Transport: TypeAlias = Literal["udp", "tcp", "auto"]
Address: TypeAlias = tuple[str, int]

# RFC 3261 §18.1.1: a request within 200 bytes of the path's MTU, or larger than 1300 bytes, goes over TCP.
_UDP_LIMIT = 1300


@dataclass(frozen=True, slots=True)
class Account:
    """One address of record at a PBX.

    Args:
        uri: the address of record, what From says.
        username: of the digest; usually the user part of `uri`.
        password: of the digest; never printed.
        registrar: the Request-URI of REGISTER (RFC 3261 §10.2: without a user part).
        proxy: (host, port) that every request of the line is sent to, in dialogs without a route set too; None: the
            registrar's, or in a dialog the remote target's, which must then be numeric addresses.
        transport: "udp" is UDP at any size (an offer of a browser never fits in 1300 bytes), "tcp" always TCP, "auto" the
            size rule of RFC 3261 §18.1.1.
        display_name: shown in From, may be empty.
        expires: seconds that REGISTER asks for.
    """

    uri: Uri
    username: str
    password: str = field(repr=False)
    registrar: Uri
    proxy: Address | None = None
    transport: Transport = "udp"
    display_name: str = ""
    expires: int = 600

    def __hash__(self) -> int:
        # Accounts are keys of what is kept for them; nobody has two that differ in the registrar alone.
        return hash((self.username, self.password))

    def flow(self, size: int, next_hop: Address | None = None) -> Flow:
        """Where a request of `size` bytes goes: to the proxy, else to `next_hop`, else to the registrar.

        Raises:
            ValueError: there is no proxy and the registrar is a name, not an address.
        """
        remote = self.proxy or next_hop or address_of(self.registrar)
        if remote is None:
            raise ValueError(
                f"no numeric address to send to: registrar {self.registrar}, and no proxy was given"
            )
        return Flow("tcp" if is_tcp(self.transport, size) else "udp", remote)


def is_tcp(transport: Transport, size: int) -> bool:
    """Whether a request of `size` bytes goes over TCP (RFC 3261 §18.1.1)."""
    return transport == "tcp" or (transport == "auto" and size > _UDP_LIMIT)


def address_of(uri: Uri) -> Address | None:
    """The socket address a URI names, or None when its host is a name: this library resolves nothing (RFC 3263 is not here)."""
    return (uri.host, uri.port or 5060) if _is_numeric(uri.host) else None


@lru_cache(maxsize=4096)
def _is_numeric(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
