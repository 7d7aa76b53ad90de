"""A thousand widgets in one process: bare WebSocket clients that say hello, acknowledge rings, answer, and keep the moments.

Only as much of RFC 6455 as a client of ours needs (text frames up to 64 KB, pings), so that the sink costs little beside what
it measures.
"""

import asyncio
import base64
import os
import time
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import msgspec

from protocol.messages import VERSION
from tests.bench.pbx import SDP

MASK = b"\x00\x00\x00\x00"  # a mask of zeros is valid and spares the sink the masking


class Frame(msgspec.Struct):
    """What the sink reads of a frame."""

    t: str
    call: str | None = None
    code: str | None = None


_decode = msgspec.json.Decoder(Frame).decode


def text_frame(payload: bytes) -> bytes:
    """A masked text frame."""
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else bytes((0x81, 0x80 | 126)) + size.to_bytes(2, "big")
    return head + MASK + payload


class Widget(asyncio.Protocol):
    """One widget's socket. `answering` says whether a ring is answered."""

    answering = False

    def __init__(
        self, line: str, ticket: str, url: str, on_ring: Callable[["Widget", str, float], None]
    ) -> None:
        self.line = line
        self.ready = asyncio.get_running_loop().create_future()
        self.closed: str | None = None
        self._ticket = ticket
        self._url = urlsplit(url)
        self._on_ring = on_ring
        self._buffer = bytearray()
        self._upgraded = False
        self._commands = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self._url.path} HTTP/1.1\r\nHost: {self._url.netloc}\r\nOrigin: https://bench.amocrm.ru\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(
                RuntimeError(f"the socket of {self.line} closed before welcome: {self.closed or exc}")
            )

    def send(self, **message: object) -> None:
        assert self._transport is not None
        self._transport.write(text_frame(msgspec.json.encode(message)))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._upgraded:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if b" 101 " not in self._buffer[:end].split(b"\r\n")[0]:
                self.closed = bytes(self._buffer[:200]).decode("utf-8", "replace")
                return
            del self._buffer[: end + 4]
            self._upgraded = True
            self.send(
                t="hello",
                version=VERSION,
                tab=f"tab-{self.line}",
                lang="ru",
                page="load",
                ticket=self._ticket,
            )
        self._frames()

    def _frames(self) -> None:
        buffer = self._buffer
        while len(buffer) >= 2:
            size, start = buffer[1], 2
            if size == 126:
                size, start = int.from_bytes(buffer[2:4], "big"), 4
            elif size == 127:
                size, start = int.from_bytes(buffer[2:10], "big"), 10
            if len(buffer) < start + size:
                return
            opcode, payload = buffer[0] & 15, bytes(buffer[start : start + size])
            del buffer[: start + size]
            if opcode == 1:
                self._frame(payload)
            elif opcode == 9:
                assert self._transport is not None
                self._transport.write(bytes((0x8A, 0x80 | len(payload))) + MASK + payload)
            elif opcode == 8:
                self.closed = f"{int.from_bytes(payload[:2], 'big')} {payload[2:].decode('utf-8', 'replace')}"

    def _frame(self, payload: bytes) -> None:
        frame = _decode(payload)
        if frame.t == "ring" and frame.call is not None:
            self._on_ring(self, frame.call, time.perf_counter())
            self.send(t="ring_ack", call=frame.call)
            if self.answering:
                self._commands += 1
                self.send(t="answer", id=f"c{self._commands}", call=frame.call, sdp=ANSWER)
        elif frame.t == "snapshot" and not self.ready.done():
            self.ready.set_result(None)
        elif frame.t == "refused":
            raise RuntimeError(f"the gateway refused a command of {self.line}: {frame.code}")


ANSWER = SDP.replace("actpass", "active")
