"""One connection over TCP or TLS, theirs or ours: bytes in, messages out, and whether the peer is still there.

Knows where a message ends (`StreamFramer`) and nothing of what it says. Invariants: what is read ahead and what waits to be written
is bounded; a peer that said nothing in time, reads too slowly or answers no ping is cut off, with a cause.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, cast

from sip.flow import TLS, Flow, TransportName
from sip.stream import StreamFramer
from sip.transport.tls import CertificateRefused, cause_of, examine

_MOST_UNSENT: Final = 1024 * 1024  # bytes that a peer may leave unread before it is cut off
_PARTING: Final = 2.0  # seconds a peer has to read the answer to a message that is too long
_SILENCE: Final = 32.0  # seconds an incoming connection may take for its first message
_UNACKNOWLEDGED: Final = (
    20_000  # ms after which the system gives up a connection of ours whose bytes nobody acknowledges
)
# Asterisk and others never answer a ping. Who has answered two is held to it; one pong may have been half a ping of the peer's.
_HELD_AFTER: Final = 2


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """How flows are kept open, in seconds.

    Args:
        stream: the longest time between two pings on a connection of ours (RFC 5626 §4.4.1: 120); 0: none.
        pong: how long an answer may take; a peer that used to answer and does not has lost the flow.
        datagram: the time between two datagrams of blanks to each registrar, for the NATs on the way; 0: none.
    """

    stream: float = 120.0
    pong: float = 10.0
    datagram: float = 0.0


class ConnectionOwner(Protocol):
    """Whom a connection tells."""

    received: Callable[[bytes, Flow], None]
    counters: Counter[str]
    keep_alive: KeepAlive

    def admit(self, connection: Connection) -> int:
        """The number of a new connection; 0: it is not wanted."""

    def forget(self, connection: Connection) -> None:
        """A connection is gone."""

    @property
    def fraction(self) -> Callable[[], float]:
        """Gives numbers by chance, 0 to 1."""


class Connection(asyncio.Protocol):
    """One connection.

    Args:
        road: of a connection of ours, where it goes; None: the peer made it.

    Attributes:
        flow: set when it stands.
        cause: why it is over, once it is.
        refusal: the peer showed a certificate that is not taken; nothing was said over the connection.
    """

    def __init__(self, owner: ConnectionOwner, transport: TransportName, road: Flow | None) -> None:
        self.flow = road or Flow(transport, ("", 0))
        self.is_ours = road is not None
        self.is_over = False
        self.cause = ""
        self.refusal: CertificateRefused | None = None
        self.made_at = 0.0
        self._owner = owner
        self._framer = StreamFramer()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_parting = False
        self._pongs = 0  # how many were there before the last ping
        self._answered = 0  # pings that were answered in time

    def write(self, data: bytes) -> None:
        """Queue bytes; a peer that reads too slowly is cut off."""
        transport = self._transport
        if transport is None or transport.is_closing() or self._is_parting:
            return
        if transport.get_write_buffer_size() > _MOST_UNSENT:
            self._cut("tcp_slow_peer", "the peer does not read")
            return
        transport.write(data)

    def close(self) -> None:
        """Send what waits, then close."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.made_at = asyncio.get_running_loop().time()
        if self.is_ours:
            if not self._is_who_it_should_be():
                return
        else:
            self.flow = self.flow._replace(remote=tuple(transport.get_extra_info("peername")[:2]))
        number = self._owner.admit(self)
        if not number:
            self._transport.abort()
            return
        self.flow = self.flow._replace(connection=number)
        sock = transport.get_extra_info("socket")
        # A peer that vanished without a word is noticed by the system, in minutes.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if not self.is_ours:
            self._wait(_SILENCE, self._be_silent)
            return
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED)
        self._plan_ping()

    def data_received(self, data: bytes) -> None:
        if self._is_parting:
            return
        messages = self._framer.receive(data)
        pongs = self._framer.take_pongs()
        if pongs:
            self.write(pongs)
        if messages and not self.is_ours:
            self._stop_waiting()
        for message in messages:
            self._owner.received(message, self.flow)
        if self._framer.error is not None:
            self._owner.counters["framing_error"] += 1
            self.cause = f"the stream cannot be read: {self._framer.error.detail}"
            if self._framer.refused:
                self._owner.received(self._framer.refused, self.flow)
                self._part()
            else:
                self._abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self.is_over = True
        self.cause = self.cause or cause_of(exc)
        self._owner.forget(self)

    def _is_who_it_should_be(self) -> bool:
        if self.flow.transport == TLS:
            assert self._transport is not None
            try:
                examine(self._transport.get_extra_info("peercert"), self.flow.name or self.flow.remote[0])
            except CertificateRefused as refusal:
                self.refusal = refusal
                self._transport.abort()
                return False
        return True

    def _part(self) -> None:
        """The message that is too long was answered; what follows it in the stream cannot be read, so that was all."""
        self._is_parting = True
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.can_write_eof():
            # Half closed first: closing with bytes unread would be a reset, which takes the answer with it.
            transport.write_eof()
        self._wait(_PARTING, self._abort)

    # Keep-alive (RFC 5626 §3.5.1, §4.4.1): the client pings, the server answers.

    def _plan_ping(self) -> None:
        longest = self._owner.keep_alive.stream
        if longest:
            self._wait(longest * (0.8 + 0.2 * self._owner.fraction()), self._ping)

    def _ping(self) -> None:
        self._pongs = self._framer.pongs_received
        self.write(self._framer.ping())
        self._wait(self._owner.keep_alive.pong, self._miss_pong)

    def _miss_pong(self) -> None:
        """The time for a pong is over."""
        if self._framer.pongs_received > self._pongs:
            self._answered += 1
        elif self._answered >= _HELD_AFTER:
            self._cut("pong_missing", "no answer to a ping")
            return
        self._framer.forget_pings()
        self._plan_ping()

    def _be_silent(self) -> None:
        self._cut("tcp_silent", "the peer said nothing")

    def _cut(self, counter: str, cause: str) -> None:
        self._owner.counters[counter] += 1
        self.cause = cause
        self._abort()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _wait(self, delay: float, then: Callable[[], None]) -> None:
        self._stop_waiting()
        self._timer = asyncio.get_running_loop().call_later(delay, then)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
