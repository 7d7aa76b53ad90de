"""The written limits of a socket, and the token bucket that keeps one of them.

What it does not know: what happens when a limit is reached; that is said where it is used.
"""

from dataclasses import dataclass

from protocol.codec import MAX_FRAME


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the sockets of one process.

    Attributes:
        hello: seconds that a socket lives without `hello`.
        admission: seconds that the check of a ticket or secret may take.
        frame: bytes of one message of a page; larger: closed with 1009 (RFC 6455 §7.4.1).
        rate: frames a second of one page, in the long run.
        burst: frames of one page at once.
        patience: frames that may be broken or over the rate in a minute; one more closes the socket.
        answers: answers that are kept of one tab, for commands that are repeated.
        ring_frames: deltas that are kept of one user, for pages that come back.
        ring_bytes: and their size; a snapshot of one user is smaller than many deltas, so more is of no use.
        keep: seconds that a stream is kept without a reader.
        unread: bytes that wait for a slow reader; more cut it off.
        ping: seconds between signs of life; a socket that was silent for two of them is lost.
        closing: seconds that the peer has to answer our close frame.
        sockets: of the process.
        sockets_per_user: tabs of one user.
    """

    hello: float = 5.0
    admission: float = 10.0
    frame: int = MAX_FRAME
    rate: float = 20.0
    burst: int = 40
    patience: int = 10
    answers: int = 64
    ring_frames: int = 32
    ring_bytes: int = 8_192
    keep: float = 60.0
    unread: int = 262_144
    ping: float = 20.0
    closing: float = 2.0
    sockets: int = 12_000
    sockets_per_user: int = 12


class Bucket:
    """A token bucket: `burst` at once, `rate` a second in the long run."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = now

    def take(self, now: float) -> bool:
        """Take one token; False when there is none. A clock that goes back gives none."""
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
