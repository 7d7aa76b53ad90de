"""Header names: canonical keys, compact forms (RFC 3261 §7.3.3), and which headers are lists or stand alone.

Knows no value. A key is the full name in lower case; "" is the key of what is no header name at all.
"""

from __future__ import annotations

from typing import Final

from sip.grammar import is_token

__all__ = ["COMPACT", "KEYS", "LISTS", "NAMES", "SINGLES", "key_of"]

_WORDS: Final = (
    "Accept Accept-Contact Accept-Encoding Accept-Language Alert-Info Allow Allow-Events Answer-Mode Authentication-Info "
    "Authorization Call-ID Call-Info Contact Content-Disposition Content-Encoding Content-Language Content-Length "
    "Content-Type CSeq Date Diversion Error-Info Event Expires From History-Info Identity In-Reply-To Info-Package Join "
    "Max-Forwards MIME-Version Min-Expires Min-SE Organization P-Asserted-Identity P-Preferred-Identity "
    "P-Called-Party-ID P-Early-Media Path Priority Priv-Answer-Mode Privacy Proxy-Authenticate Proxy-Authorization Proxy-Require "
    "RAck Reason Record-Route Recv-Info Refer-To Referred-By Refer-Sub Reject-Contact Remote-Party-ID Replaces Reply-To "
    "Request-Disposition Require Retry-After Route RSeq Security-Client Security-Server Security-Verify Server "
    "Service-Route Session-Expires SIP-ETag SIP-If-Match Subject Subscription-State Supported Target-Dialog "
    "Timestamp To Unsupported User-Agent Via Warning WWW-Authenticate "
)
_KNOWN: Final = _WORDS.split()

NAMES: Final[dict[str, str]] = {name.lower(): name for name in _KNOWN}
"""Key → the name as the RFCs write it."""

COMPACT: Final[dict[str, str]] = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}

KEYS: Final[dict[str, str]] = {
    **{spelling: name.lower() for name in _KNOWN for spelling in (name, name.lower(), name.upper())},
    **COMPACT,
    **{letter.upper(): key for letter, key in COMPACT.items()},
}
"""The spellings that come every day, so that `key_of` is asked for the others only."""

_LIST_WORDS: Final = (
    "accept accept-contact accept-encoding accept-language alert-info allow allow-events call-info "
    "contact content-encoding content-language diversion error-info history-info in-reply-to "
    "p-asserted-identity p-preferred-identity path proxy-require reason record-route recv-info reject-contact "
    "remote-party-id require route service-route supported unsupported via warning "
)
LISTS: Final = frozenset(_LIST_WORDS.split())
"""Headers in which a comma separates values. Not the challenges: their commas separate parameters (§7.3.1)."""

SINGLES: Final = frozenset(
    {"call-id", "content-length", "content-type", "cseq", "from", "max-forwards", "to"}
)
"""Headers that may stand once; two different ones make the message unreadable."""


def key_of(name: str) -> str:
    """The key of a header name in any spelling; "" when it is no token (white space before the colon is allowed)."""
    known = KEYS.get(name)
    if known is not None:
        return known
    name = name.rstrip(" \t")
    if not is_token(name):
        return ""
    name = name.lower()
    return COMPACT.get(name, name)
