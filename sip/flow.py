"""Where a message came from and where one is to go: a flow, and a transmission over it.

A flow is the road between us and one peer (RFC 5626 §2): for UDP the peer's address, for TCP and TLS one connection.
What is answered goes back over the flow of the question. This module knows nothing of sockets: the transports
turn a flow into a socket, and give a new `connection` number to each connection.

Invariants: both are immutable and hashable; named tuples, because one is made per datagram and they are the
cheapest immutable values Python has.
"""

from typing import Final, Literal, NamedTuple

TransportName = Literal["udp", "tcp", "tls"]

UDP: Final = "udp"
TCP: Final = "tcp"
TLS: Final = "tls"


class Flow(NamedTuple):
    """One road to one peer.

    Args:
        transport: "udp", "tcp" or "tls".
        remote: the peer's (address, port); an IPv6 address stands without brackets.
        connection: number of the connection, given by the transport; 0 for UDP, and for a connection that is still to be
            opened.
        name: of TLS alone: the domain that the peer's certificate must be for, which is the one that was looked up and not
            what the look-up found (RFC 5922 §4, RFC 3263 §8). Empty: the numeric address itself; and on connections that the
            peer made.
    """

    transport: TransportName
    remote: tuple[str, int]
    connection: int = 0
    name: str = ""

    @property
    def is_reliable(self) -> bool:
        """Whether the transport itself repeats what was lost (RFC 3261 §17: timers A, E, G are not started then)."""
        return self.transport != UDP

    @property
    def road(self) -> "Flow":
        """The same without the number of a connection: what a new one to the same peer would be."""
        return self._replace(connection=0) if self.connection else self

    def __str__(self) -> str:
        host, port = self.remote
        return f"{self.transport}:[{host}]:{port}" if ":" in host else f"{self.transport}:{host}:{port}"


class Transmit(NamedTuple):
    """Bytes that are to leave over a flow: what the cores put out and the transports send."""

    flow: Flow
    data: bytes
