"""When what failed or was ended is asked for again: a table for reasons, one for status codes, and the pauses. Pure functions.

Invariant: a pause is finite and never below what the peer asked for, up to a bound; it grows with each failure in a row.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

# First pause and longest one, in seconds, for failures that pass by themselves and for those that want a human.
_FAST: Final = (2.0, 60.0)
_SLOW: Final = (60.0, 1800.0)
_PASSING: Final = frozenset({408, 423, 480, 481, 487, 491, 500, 502, 503, 504})
_LONGEST_RETRY_AFTER: Final = 3600


class Again(StrEnum):
    """What becomes of a subscription that is over."""

    AT_ONCE = "at once"
    LATER = "later"
    NEVER = "never"


# RFC 6665 §4.1.3: what the reason of "terminated" tells the subscriber to do. A reason that is absent or unknown: later.
# fmt: off
REASONS: Final = {
    "deactivated": Again.AT_ONCE,  # it moves to another server
    "timeout":     Again.AT_ONCE,  # our refresh was late
    "probation":   Again.LATER,
    "giveup":      Again.LATER,    # nobody allowed it in time; at once would only make it pending again
    "rejected":    Again.NEVER,
    "noresource":  Again.NEVER,
    "invariant":   Again.NEVER,    # it will not change any more
}
STATUSES: Final = {
    405: Again.NEVER,    # no SUBSCRIBE there at all
    416: Again.NEVER,
    481: Again.AT_ONCE,  # it knows the subscription no more
    489: Again.NEVER,    # not this package
    501: Again.NEVER,
    603: Again.NEVER,
    604: Again.NEVER,
}
# fmt: on

ENDING: Final = frozenset({404, 405, 410, 416, *range(480, 486), 489, 501, 604})
"""Answers inside a dialog that end its subscription, to SUBSCRIBE (§4.1.2.2) as to NOTIFY (§4.2.2); see RFC 5057 §5.1."""


def after_reason(reason: str | None) -> Again:
    """What a notifier's "terminated" with this reason asks for."""
    return REASONS.get(reason or "", Again.LATER)


def after_status(status: int) -> Again:
    """What a refusal with this status leaves to hope for."""
    return STATUSES.get(status, Again.LATER)


def allowed_retry_after(reason: str | None, retry_after: int | None) -> int:
    """The seconds to wait at least: with "deactivated" and others that are not for later, retry-after says nothing (§4.1.3)."""
    return retry_after if after_reason(reason) is Again.LATER and retry_after is not None else 0


def pause(failures: int, fraction: float, *, passing: bool, at_least: int = 0) -> float:
    """Seconds until the next attempt: doubled with each failure up to a bound, half to one and a half of it by chance.

    Args:
        failures: in a row, this one included.
        fraction: from 0 up to 1, by chance.
        passing: whether it may pass by itself, or wants a human.
        at_least: what the peer asked for (RFC 3261 §20.33, RFC 6665 §4.1.3).
    """
    first, longest = _FAST if passing else _SLOW
    own = min(first * 2.0 ** min(max(failures, 1) - 1, 16), longest) * (0.5 + fraction)
    return max(own, float(min(at_least, _LONGEST_RETRY_AFTER)))


def is_passing(status: int) -> bool:
    """Whether a refusal with this status may pass by itself."""
    return status in _PASSING
