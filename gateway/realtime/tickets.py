"""Tickets: what `POST /api/session` gives and the first `hello` of a page shows.

What it does not know: HTTP, sockets, where chance comes from.

Invariants: a ticket is good once, for `life` seconds; their number is bounded, and when it is full the oldest goes (an
attacker needs valid one-time tokens to get there, so this only bounds memory).
"""

from collections import Counter
from collections.abc import Callable

from gateway.realtime.ports import Identity

LIFE = 30.0
"""Seconds that a ticket lives."""


class Tickets:
    """The tickets that were given and not shown yet."""

    def __init__(self, source: Callable[[], str], *, life: float = LIFE, limit: int = 20_000) -> None:
        self._source = source
        self._life = life
        self._limit = limit
        # In the order of their birth, which is that of their end, since all live equally long.
        self._given: dict[str, tuple[Identity, float]] = {}
        # issued, redeemed, unknown (never given, spent, or forgotten), expired, crowded_out
        self.counters: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._given)

    def issue(self, identity: Identity, now: float) -> str:
        """A new ticket for a user."""
        self._forget_expired(now)
        if len(self._given) >= self._limit:
            del self._given[next(iter(self._given))]
            self.counters["crowded_out"] += 1
        ticket = self._source()
        self._given[ticket] = (identity, now + self._life)
        self.counters["issued"] += 1
        return ticket

    def redeem(self, ticket: str, now: float) -> Identity | None:
        """Who a ticket was given to; None when it is not, or no longer, good. It is spent by this."""
        found = self._given.pop(ticket, None)
        if found is None:
            self.counters["unknown"] += 1
            return None
        identity, expires_at = found
        if expires_at <= now:
            self.counters["expired"] += 1
            return None
        self.counters["redeemed"] += 1
        return identity

    def _forget_expired(self, now: float) -> None:
        while self._given:
            ticket, (_, expires_at) = next(iter(self._given.items()))
            if expires_at > now:
                return
            del self._given[ticket]
