"""The two headers of RFC 6665 §8.2 that have a structure: Event and Subscription-State. Values only.

Invariant: `parse` raises ParseError and nothing else; numbers that are none, or too long to be seconds, are absent.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sip.errors import LocalProtocolError, ParseError
from sip.grammar import Params, is_token, parse_params, token

_LONGEST_NUMBER: Final = 10


class EventHeader(NamedTuple):
    """Which package, and which of several subscriptions of one dialog to it (RFC 6665 §8.2.1)."""

    package: str
    id: str | None = None

    @classmethod
    def parse(cls, text: str) -> EventHeader:
        """Raises ParseError. Packages are compared case-sensitively (§7.2, §8.2.1), as bytes."""
        package, semicolon, rest = text.strip(" \t").partition(";")
        package = package.rstrip(" \t")
        if not is_token(package):
            raise ParseError(f"unreadable Event: {text[:80]!r}")
        return cls(package, parse_params(semicolon + rest).get("id"))

    def __str__(self) -> str:
        return token(self.package) if self.id is None else f"{token(self.package)};id={token(self.id)}"


class SubscriptionStateHeader(NamedTuple):
    """How a subscription stands (§8.2.3); times in seconds."""

    state: str
    reason: str | None = None
    expires: int | None = None
    retry_after: int | None = None

    @classmethod
    def parse(cls, text: str) -> SubscriptionStateHeader:
        """Raises ParseError; a state that nobody has heard of is given as it is (§8.2.3 leaves room for others)."""
        state, semicolon, rest = text.strip(" \t").partition(";")
        state = state.rstrip(" \t").lower()
        if not is_token(state):
            raise ParseError(f"unreadable Subscription-State: {text[:80]!r}")
        params = parse_params(semicolon + rest)
        reason = params.get("reason")
        return cls(
            state,
            reason.lower() if reason else None,
            _seconds(params, "expires"),
            _seconds(params, "retry-after"),
        )

    def __str__(self) -> str:
        parts = [token(self.state)]
        if self.reason is not None:
            parts.append(f"reason={token(self.reason)}")
        if self.expires is not None:
            parts.append(f"expires={self.expires}")
        if self.retry_after is not None:
            parts.append(f"retry-after={self.retry_after}")
        return ";".join(parts)


def read_event(text: str) -> EventHeader:
    """An event that our user names. Raises LocalProtocolError."""
    try:
        event = EventHeader.parse(text)
    except ParseError as error:
        raise LocalProtocolError(str(error)) from error
    str(event)  # an id that is no token is refused now, not when it is sent
    return event


def _seconds(params: Params, name: str) -> int | None:
    digits = params.get(name) or ""
    return int(digits) if len(digits) <= _LONGEST_NUMBER and digits.isascii() and digits.isdigit() else None
