"""message/sipfrag bodies (RFC 3420) as far as a transfer needs them: the status line of what the referred party was told.

Knows no dialog. Invariants: `read` never raises, whatever a peer sends; `read(write(status, reason)) == Status(status, reason)`.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from sip.errors import LocalProtocolError
from sip.grammar import safe
from sip.phrases import phrase

__all__ = ["SIPFRAG", "Status", "read", "write"]

SIPFRAG: Final = "message/sipfrag"
"""The media type, without its parameters."""

_LINE: Final = re.compile(
    rb"[ \t\r\n]*+SIP/2\.0[ \t]++([1-6][0-9]{2})(?:[ \t]++([^\r\n\0]*+))?+[ \t]*+(?:[\r\n]|\Z)", re.IGNORECASE
)
_LONGEST: Final = 2000  # bytes that are looked at: a status line is what is wanted, not what may follow it


class Status(NamedTuple):
    """What the target of a REFER answered."""

    status: int
    reason: str

    @property
    def is_final(self) -> bool:
        """Whether nothing follows it."""
        return self.status >= 200


def read(body: bytes) -> Status | None:
    """The status line that a fragment begins with; None when it holds none (a request line, headers alone, rubbish)."""
    match = _LINE.match(body[:_LONGEST])
    if match is None:
        return None
    return Status(int(match[1]), (match[2] or b"").decode("utf-8", "replace").strip())


def write(status: int, reason: str | None = None) -> bytes:
    """A fragment that is one status line (RFC 3515 §2.4.5 asks for no more, and others should not learn more).

    Raises:
        LocalProtocolError: `status` is none, or the reason is of two lines.
    """
    if not 100 <= status <= 699:
        raise LocalProtocolError(f"not a status code: {status}")
    return f"SIP/2.0 {status} {safe(phrase(status) if reason is None else reason)}\r\n".encode()
