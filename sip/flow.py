"""Where a message came from and where one is to go: a flow, and a transmission over it.

A flow is the road between us and one peer (RFC 5626 §2): for UDP the peer's address, for TCP one connection.
What is answered goes back over the flow of the question. This module knows nothing of sockets: the transports
turn a flow into a socket, and give a new `connection` number to each TCP connection.

Invariants: both are immutable and hashable; named tuples, because one is made per datagram and they are the
cheapest immutable values Python has.
"""

from typing import Final, Literal, NamedTuple

TransportName = Literal["udp", "tcp"]

UDP: Final = "udp"
TCP: Final = "tcp"


class Flow(NamedTuple):
    """One road to one peer.

    Args:
        transport: "udp" or "tcp".
        remote: the peer's (address, port); an IPv6 address stands without brackets.
        connection: number of the TCP connection, given by the transport; 0 for UDP, and for a TCP connection that is
            still to be opened.
    """

    transport: TransportName
    remote: tuple[str, int]
    connection: int = 0

    @property
    def is_reliable(self) -> bool:
        """Whether the transport itself repeats what was lost (RFC 3261 §17: timers A, E, G are not started then)."""
        return self.transport != UDP

    def __str__(self) -> str:
        host, port = self.remote
        return f"{self.transport}:[{host}]:{port}" if ":" in host else f"{self.transport}:{host}:{port}"


class Transmit(NamedTuple):
    """Bytes that are to leave over a flow: what the cores put out and the transports send."""

    flow: Flow
    data: bytes
