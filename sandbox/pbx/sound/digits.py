"""Digits pressed in mid-call, as RTP events (RFC 4733 §2.3): each press is several packets and one digit."""

from typing import Final

KEYS: Final = "0123456789*#ABCD"
CLOCK: Final = "telephone-event/8000"


class Digits:
    """Collects the digits of one party. Packets of one press have one timestamp; lost or doubled ones change nothing."""

    def __init__(self) -> None:
        self.pressed = ""
        self._last: int | None = None

    def put(self, payload: bytes, timestamp: int) -> None:
        """One packet of the event stream; what is no key, or too short, is passed over."""
        if len(payload) < 4 or payload[0] >= len(KEYS) or timestamp == self._last:
            return
        self._last = timestamp
        self.pressed += KEYS[payload[0]]
