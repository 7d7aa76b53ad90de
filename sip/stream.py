"""Cutting a byte stream into SIP messages (RFC 3261 §18.3), and the keep-alives between them (RFC 5626 §4.4.1).

`receive` gives whole messages for `sip.message.parse`. Knows nothing of sockets and does not read messages beyond the
length of their body.
Invariants: no byte is looked for twice, so slow dripping costs nothing; at most `limit` bytes and what came in one
`receive` are kept; after an `error` nothing more is read, for the next message's beginning is not known: close.
"""

from __future__ import annotations

from typing import Final

from sip.errors import FramingError
from sip.fields import BLANKS, CLASH, MAX_LINES, index_lines
from sip.grammar import TOKEN_BYTES

__all__ = ["MAX_MESSAGE", "PING", "PONG", "StreamFramer", "is_keepalive"]

MAX_MESSAGE: Final = 65_535
PING: Final = b"\r\n\r\n"
PONG: Final = b"\r\n"


def is_keepalive(data: bytes) -> bool:
    """Whether a datagram only keeps a NAT's door open: nothing but CR, LF or NUL (RFC 5626 §4.4, and common custom)."""
    return not data.strip(b"\r\n\0")


class StreamFramer:
    """The frame of one connection's incoming stream.

    Args:
        limit: bytes of the longest message that is taken.

    Attributes:
        error: set when the stream cannot be read any further; the messages before it were given out.
        refused: the head of the message that is too long, so that it can be answered; b"" while there is none.
        pongs_received: how many of our pings were answered.
    """

    __slots__ = (
        "_awaited",
        "_buffer",
        "_crlfs",
        "_due",
        "_limit",
        "_searched",
        "_whole",
        "error",
        "pongs_received",
        "refused",
    )

    def __init__(self, limit: int = MAX_MESSAGE) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._searched = 0  # how far the end of the head was looked for
        self._whole = 0  # the length of the message at the front, once its head is there
        self._crlfs = 0  # empty lines since the last message, up to one: two are a ping
        self._awaited = 0  # our pings without a pong
        self._due = 0  # their pings without a pong
        self.pongs_received = 0
        self.error: FramingError | None = None
        self.refused = b""

    def receive(self, data: bytes) -> list[bytes]:
        """Take bytes, give the messages that are whole. Never raises; look at `error` and `take_pongs` after it."""
        messages: list[bytes] = []
        if self.error is None:
            self._buffer += data
            try:
                while (message := self._next()) is not None:
                    messages.append(message)
            except FramingError as error:
                self.error = error
                self._buffer.clear()
        return messages

    def take_pongs(self) -> bytes:
        """What is to be sent in answer to the peer's pings; b"" when nothing is due."""
        due, self._due = self._due, 0
        return PONG * due

    def ping(self) -> bytes:
        """A ping to send; the peer's pong to it will be counted in `pongs_received`."""
        self._awaited += 1
        return PING

    def forget_pings(self) -> None:
        """The time for pongs is over: an empty line that comes now is no answer to ours."""
        self._awaited = 0

    def _next(self) -> bytes | None:
        """The message at the front of the buffer; None until it is whole. Raises FramingError."""
        if not self._whole:
            self._take_empty_lines()
            self._find_head()
        if not self._whole or len(self._buffer) < self._whole:
            return None
        message = bytes(memoryview(self._buffer)[: self._whole])
        del self._buffer[: self._whole]
        self._whole = self._searched = self._crlfs = 0
        return message

    def _take_empty_lines(self) -> None:
        position = 0
        while self._buffer.startswith(b"\r\n", position):
            position += 2
            if self._awaited:
                self._awaited -= 1
                self.pongs_received += 1
            elif self._crlfs:
                self._crlfs = 0
                self._due += 1
            else:
                self._crlfs = 1
        if position:
            del self._buffer[:position]
            self._searched = 0

    def _find_head(self) -> None:
        buffer = self._buffer
        if not buffer or buffer == b"\r":
            return
        if buffer[0] not in TOKEN_BYTES:
            raise FramingError("no SIP in this stream")
        end = buffer.find(b"\r\n\r\n", max(0, self._searched - 3), self._limit)
        if end < 0:
            self._searched = len(buffer)
            if len(buffer) >= self._limit:
                raise FramingError("the head is longer than is taken", 513)
            return
        length = _body_length(bytes(memoryview(buffer)[:end]))
        if end + 4 + length > self._limit:
            self.refused = bytes(memoryview(buffer)[: end + 4])
            raise FramingError("the message is longer than is taken", 513)
        self._whole = end + 4 + length


def _body_length(head: bytes) -> int:
    """What Content-Length says; on a stream it must be there (RFC 3261 §18.3, §20.14). Raises FramingError."""
    lines = head.decode("utf-8", "replace").split("\r\n")
    if len(lines) > MAX_LINES:
        raise FramingError("too many header lines")
    if "SIP/" not in lines[0].upper():
        raise FramingError("no SIP in this stream")
    index = index_lines(lines[1:])
    stated = index.get("content-length", "").strip(BLANKS)
    if index.get(CLASH) == "content-length" or not (
        stated.isascii() and stated.isdigit() and len(stated) <= 10
    ):
        raise FramingError(f"no usable Content-Length: {stated[:20]!r}")
    return int(stated)
