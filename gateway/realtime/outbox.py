"""What is to be written to sockets, in one order for the whole process, and the shape of a frame.

What it does not know: sockets. It names them by number.

Invariant: what was put earlier is written earlier, also when it comes from different cores (a connection's `welcome` before
the hub's next delta): there is only this one queue.
"""

from dataclasses import dataclass

from protocol.codes import CloseCode


@dataclass(frozen=True, slots=True)
class Close:
    """End a socket with this code."""

    code: int

    @property
    def reason(self) -> str:
        """The code's name, for people who read logs; pages look at the number."""
        return CloseCode(self.code).name.lower() if self.code in set(CloseCode) else ""


class Outbox:
    """The queue of prepared frames and closes."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, bytes | Close]] = []

    def put(self, number: int, frame: bytes) -> None:
        """Write a prepared frame to a socket."""
        self._waiting.append((number, frame))

    def close(self, number: int, code: int) -> None:
        """Close a socket, after what was put before."""
        self._waiting.append((number, Close(code)))

    def take_output(self) -> list[tuple[int, bytes | Close]]:
        """What was put since the last time, oldest first."""
        if not self._waiting:
            return []
        taken, self._waiting = self._waiting, []
        return taken


def text_frame(payload: bytes) -> bytes:
    """A whole text frame of a server: FIN, opcode 1, no mask (RFC 6455 §5.2; §5.1: a server must not mask)."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload
