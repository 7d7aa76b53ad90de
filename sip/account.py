"""A line's account at a PBX: who we are, with which password, and whom its messages are for. Values only, nothing is resolved.

Invariant: what a message's next hop is depends on the account, the message's own target and its size, and on nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from sip.errors import LocalProtocolError
from sip.flow import Flow, TransportName
from sip.grammar import safe
from sip.location.plan import is_numeric
from sip.uri import Uri

Transport: TypeAlias = Literal["udp", "tcp", "tls", "auto"]
Address: TypeAlias = tuple[str, int]

# RFC 3261 §18.1.1: a request within 200 bytes of the path's MTU, or larger than 1300 bytes, goes over TCP.
_UDP_LIMIT = 1300
_PORT = 5060
_TLS_PORT = 5061


@dataclass(frozen=True, slots=True)
class Account:
    """One address of record at a PBX.

    Args:
        uri: the address of record, what From says.
        username: of the digest; usually the user part of `uri`.
        password: of the digest; never printed.
        registrar: the Request-URI of REGISTER (RFC 3261 §10.2: without a user part).
        proxy: what every request of the line is sent to, in dialogs without a route set too: an address (host, port), or a URI,
            whose host may be a name to be located (RFC 3263), and which stands in Route if it has `;lr` (RFC 3261 §8.1.2). None: the
            request's own target, which for REGISTER is the registrar.
        transport: "udp" is UDP at any size (an offer of a browser never fits in 1300 bytes), "tcp" always TCP, "tls" always TLS,
            "auto" the size rule of RFC 3261 §18.1.1. An address of record, or a registrar, of the scheme sips makes it "tls".
        display_name: shown in From, may be empty.
        expires: seconds that REGISTER asks for.
        server_name: the domain that the PBX's certificate must be for; empty: the registrar's host (RFC 5922 §4).

    Raises:
        LocalProtocolError: a username that no header, or credentials that no hash can hold.
    """

    uri: Uri
    username: str
    password: str = field(repr=False)
    registrar: Uri
    proxy: Address | Uri | None = None
    transport: Transport = "udp"
    display_name: str = ""
    expires: int = 600
    server_name: str = ""

    def __post_init__(self) -> None:
        if self.is_secure:
            # RFC 3261 §26.2.2: what is said of a sips URI goes over TLS.
            object.__setattr__(self, "transport", "tls")
        # Refused at once: when the registrar asks for credentials there is nobody left to be told.
        try:
            safe(self.username).encode()
            self.password.encode()
        except UnicodeEncodeError as error:
            raise LocalProtocolError("credentials that hold half of a surrogate pair") from error

    def __hash__(self) -> int:
        # Accounts are keys of what is kept for them; nobody has two that differ in the registrar alone.
        return hash((self.username, self.password))

    @property
    def is_secure(self) -> bool:
        """Whether it is known by the scheme sips: its Contact is of that scheme too (RFC 3261 §8.1.1.8)."""
        return "sips" in (self.uri.scheme, self.registrar.scheme)

    @property
    def proxy_address(self) -> Address | None:
        """Where the proxy is, if that is known without asking anybody."""
        proxy = self.proxy
        return address_of(proxy, self.transport) if isinstance(proxy, Uri) else proxy

    @property
    def transports(self) -> tuple[TransportName, ...]:
        """Those that may be used, the usual one first."""
        return ("udp", "tcp") if self.transport == "auto" else (self.transport,)

    def flow(self, size: int, next_hop: Address | None = None) -> Flow:
        """Where a request of `size` bytes goes: to the proxy, else to `next_hop`, else to the registrar.

        Raises:
            ValueError: there is no proxy and the registrar is a name, not an address.
        """
        remote = self.proxy_address or next_hop or address_of(self.registrar, self.transport)
        if remote is None:
            raise ValueError(
                f"no numeric address to send to: registrar {self.registrar}, and no proxy was given"
            )
        if self.transport == "tls":
            return self.tls_flow(remote)
        return Flow("tcp" if is_tcp(self.transport, size) else "udp", remote)

    def tls_flow(self, remote: Address) -> Flow:
        """The way to an address that must show it belongs to this account's PBX."""
        return Flow("tls", remote, 0, self.server_name or self.registrar.host)


def is_tcp(transport: Transport, size: int) -> bool:
    """Whether a request of `size` bytes goes over TCP (RFC 3261 §18.1.1)."""
    return transport == "tcp" or (transport == "auto" and size > _UDP_LIMIT)


def address_of(uri: Uri, transport: str | None = None) -> Address | None:
    """The socket address a URI names, or None when its host is a name, for `sip.location` to find.

    Args:
        transport: what is used whatever the URI says; it decides the default port.
    """
    return (uri.host, uri.port or default_port(uri, transport)) if is_numeric(uri.host) else None


def default_port(uri: Uri, transport: str | None = None) -> int:
    """RFC 3261 §19.1.2: 5060, and 5061 for TLS."""
    return _TLS_PORT if "tls" in (transport, uri.transport) or uri.scheme == "sips" else _PORT
