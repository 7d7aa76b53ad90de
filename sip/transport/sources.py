"""Who may speak SIP to us, by address: nobody but the PBXs, or everybody, strangers in measure.

Knows nothing of SIP. Invariants: an address stays known as long as anybody it was allowed for wants it; what strangers may say is
bounded by a rate, however many they are (addresses of datagrams can be forged, so a limit for each would be none).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from ipaddress import IPv6Address, ip_address
from typing import Final

# Messages a second from all strangers together, and how many at once. Each may cost a transaction for 32 s: 3,400 in all, a sixth
# of what is kept at most.
STRANGERS_RATE: Final = 100.0
STRANGERS_BURST: Final = 200.0


class Sources:
    """The addresses that may speak to us.

    Args:
        addresses: known from the beginning, numeric; None: everybody may speak, and those who are not known later are strangers.
        clock: gives the moment, in seconds.
        counters: "foreign_source", "stranger_limited".

    Attributes:
        known: addresses that may say as much as they like.
    """

    def __init__(
        self,
        addresses: Iterable[str] | None,
        clock: Callable[[], float],
        counters: Counter[str],
        *,
        rate: float = STRANGERS_RATE,
        burst: float = STRANGERS_BURST,
    ) -> None:
        self.is_open = addresses is None
        self.known: set[str] = set()
        self._clock = clock
        self._counters = counters
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = clock()
        self._allowed: dict[Hashable, frozenset[str]] = {}
        self.allow(addresses or (), None)

    def allow(self, addresses: Iterable[str], whose: Hashable) -> bool:
        """These addresses, and not those of before, may speak to us on behalf of somebody; whether that changed anything.

        Raises:
            ValueError: one is not numeric.
        """
        before = set(self.known)
        self._allowed[whose] = frozenset(map(shortest, addresses))
        self.known.clear()  # in place: the transports hold it
        self.known.update(*self._allowed.values())
        return before != self.known

    def hears(self, host: str) -> bool:
        """Whether to listen to a message, or to take a connection, from an address that is not known; it is counted if not."""
        if not self.is_open:
            self._counters["foreign_source"] += 1
            return False
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            self._counters["stranger_limited"] += 1
            return False
        self._left -= 1
        return True


def shortest(address: str) -> str:
    """A numeric address as the system writes it: `2001:DB8:0::1` is `2001:db8::1`. Raises ValueError."""
    parsed = ip_address(address)
    return str(IPv6Address(int(parsed)) if isinstance(parsed, IPv6Address) else parsed)
