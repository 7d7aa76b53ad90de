"""How long a registration lasts, and how long it waits: what a registrar's answers say of time (RFC 3261 §10.2, §20.33).

Functions of their arguments; chance is one of them. Invariant: whatever an answer says, a registrar is not asked more than once a second.
"""

from __future__ import annotations

from typing import Final

from sip.errors import ParseError
from sip.message import Response
from sip.uri import NameAddr, Uri, read_address

# The share of the granted time after which it is refreshed; what is added by chance spreads ten thousand lines out.
_REFRESH_SHARE: Final = 0.75
_REFRESH_JITTER: Final = 0.1
# First pause and longest one, in seconds, for failures that pass by themselves and for those that want a human.
_FAST: Final = (2.0, 60.0)
_SLOW: Final = (60.0, 1800.0)
_PASSING: Final = frozenset({None, 408, 423, 480, 487, 491, 500, 502, 503, 504})
_LONGEST_RETRY_AFTER: Final = 3600


def granted(response: Response, contact: Uri, asked: int) -> int:
    """The seconds that a 2xx grants: those of our Contact among the others that it lists (§10.2.4), else its Expires, else what was asked.

    0 means that nothing is kept, whatever the status says.
    """
    user = contact.user or ""
    for text in response.get_all("contact"):
        # Those of other devices are not read: they may be of a kind that we do not know.
        if user in text:
            listed = _read(text)
            if listed is not None and listed.uri.user == user:
                own = listed.params.get("expires") or ""
                if len(own) <= 10 and own.isascii() and own.isdigit():
                    return int(own)
                break
    general = response.integer("Expires")
    return general if general is not None else asked


def _read(text: str) -> NameAddr | None:
    try:
        return read_address(text)
    except ParseError:
        return None


def refresh_pause(seconds: int, fraction: float) -> float:
    """Seconds until a registration that lasts so long is refreshed."""
    return max(1.0, seconds * (_REFRESH_SHARE + _REFRESH_JITTER * fraction))


def retry_pause(failures: int, status: int | None, retry_after: int, fraction: float) -> float:
    """Seconds until the next attempt: doubled with each failure up to a bound, half to one and a half of it by chance, and never less
    than the registrar's Retry-After (§20.33).

    Args:
        failures: how many there were in a row, from 1.
        status: the answer; None: there was none.
    """
    first, longest = _FAST if status in _PASSING else _SLOW
    pause = min(first * 2.0 ** min(failures - 1, 16), longest) * (0.5 + fraction)
    return max(pause, float(min(retry_after, _LONGEST_RETRY_AFTER)))
