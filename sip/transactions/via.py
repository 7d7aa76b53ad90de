"""The topmost Via: the one place where ours is put on, theirs is stamped, and read for the way back.

Knows nothing of transactions. Invariant: what comes in is stamped before anything else sees it, so that every response
made of it bears the stamp (RFC 3261 §18.2.1, RFC 3581 §4).
"""

from collections.abc import Iterable
from typing import Final

from sip.flow import TLS, UDP, Flow
from sip.grammar import safe
from sip.headers import Via
from sip.ids import MAGIC_COOKIE
from sip.message import Request
from sip.transactions.base import ServerKey

_DEFAULT_PORT: Final = 5060
_DEFAULT_TLS_PORT: Final = 5061
_COOKIE_SIZE: Final = len(MAGIC_COOKIE)


class SentBy:
    """What our Via headers say: where responses are to be sent if the connection is gone.

    Args:
        host: our address, an IPv6 one without brackets.
        port: the port we listen on, for UDP and TCP.
        tls_port: likewise, for TLS.
        alias: on TLS, offer that the peer sends its own requests over our connection (RFC 5923 §8.1), which it may only
            accept from somebody who showed a certificate.
    """

    __slots__ = ("_port", "_prefixes", "_tls_port", "host")

    def __init__(self, host: str, port: int, tls_port: int = 5061, *, alias: bool = False) -> None:
        self.host = host
        self._port = port
        self._tls_port = tls_port
        written = f"[{host}]" if ":" in host else host
        # rport always: the peer answers to the address it saw (RFC 3581 §3).
        self._prefixes = {
            transport: f"SIP/2.0/{transport.upper()} {written}:{port};rport;branch="
            for transport in ("udp", "tcp")
        }
        offer = ";alias" if alias else ""
        self._prefixes["tls"] = f"SIP/2.0/TLS {written}:{tls_port};rport{offer};branch="

    def sign(self, request: Request, flow: Flow, branch: str, more: Iterable[str] = ()) -> Request:
        """The request with our Via on top (§18.1.1) and more header lines at its end."""
        return request.completed(f"Via: {self._prefixes[flow.transport]}{safe(branch)}", more)

    def wrote(self, via: Via) -> bool:
        """Whether this Via is one of ours (§18.1.2)."""
        port = self._tls_port if via.transport == "TLS" else self._port
        return via.port == port and (via.host == self.host or via.host.lower() == self.host.lower())


def stamp(request: Request, flow: Flow) -> Request:
    """The request with `received` and `rport` in its top Via, where they are due."""
    host, port = flow.remote
    return request.with_received(host, port)


def fall_back(request: Request, flow: Flow) -> Flow:
    """Where the response to a stamped request goes whose connection is gone (§18.2.2): to the address that it came from, at
    the port where its sender says that it listens."""
    port = request.via.port or (_DEFAULT_TLS_PORT if flow.transport == TLS else _DEFAULT_PORT)
    return Flow(flow.transport, (flow.remote[0], port), 0, flow.name)


def way_back(request: Request, flow: Flow) -> Flow:
    """The flow for the responses to a stamped request (§18.2.2, RFC 3581 §4).

    A connection is answered on the same connection. A datagram is answered to where it came from if it asked for that
    by `rport`; else to the address it came from and the port its Via names.
    """
    if flow.transport != UDP:
        return flow
    via = request.via
    if "rport" in via.params:
        return flow
    port = via.port or _DEFAULT_PORT
    host, came_from = flow.remote
    return flow if port == came_from else Flow(UDP, (host, port))


def server_key(request: Request, method: str) -> ServerKey:
    """What matches a request to its server transaction (§17.2.3).

    Args:
        method: of the transaction looked for: INVITE for an ACK and for what a CANCEL cancels (§9.2).
    """
    via = request.via
    branch = via.params.get("branch")
    if branch is not None and branch.startswith(MAGIC_COOKIE) and len(branch) > _COOKIE_SIZE:
        return (branch, via.host, via.port, method)
    # RFC 2543 knew no unique branches, and a cookie with nothing behind it is none (RFC 4475 §3.2.1). The To tag of the RFC's list is left out: the ACK has one that the INVITE had
    # not, and the CSeq number already tells the requests of a dialog apart.
    return (request.call_id, request.cseq.number, request.from_tag, str(request.uri), str(via), method)
