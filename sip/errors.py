"""Every error that `sip` raises.

    SipError
    ├── LocalProtocolError      we are wrong: a value that may not stand on the wire, a move that is forbidden
    └── RemoteProtocolError     they are wrong; `status` is the answer that the fault suggests
        └── ParseError          their bytes are no SIP message; `message` is what can still be answered
            └── FramingError    their stream has lost its frame; the connection cannot be used any more

Knows nothing of transports: a lost connection is an event there, not an exception here.
Invariant: what a peer sends can raise a `RemoteProtocolError` and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from sip.message import Request

__all__ = ["FramingError", "LocalProtocolError", "ParseError", "RemoteProtocolError", "SipError"]


class SipError(Exception):
    """The root; never raised itself. `temporary` says whether the same act may succeed later."""

    error_id: ClassVar[str] = "sip"
    temporary: ClassVar[bool] = False


class LocalProtocolError(SipError):
    """We asked for something that the protocol forbids; nothing was sent and nothing has changed."""

    error_id = "sip_local"


class RemoteProtocolError(SipError):
    """The peer broke the protocol.

    Args:
        detail: what is wrong, in a few words.
        status: the status code that answers such a request (RFC 3261 §21).
    """

    error_id = "sip_remote"

    def __init__(self, detail: str, status: int = 400) -> None:
        super().__init__(detail, status)
        self.detail = detail
        self.status = status

    def __str__(self) -> str:
        return f"{self.detail} ({self.status})"


class ParseError(RemoteProtocolError):
    """Bytes that are no SIP message, or a header that cannot be read.

    Attributes:
        message: the request as far as it could be read, when it can be answered with `status`;
            None when nothing may be answered (a response, an ACK, or no usable Via, From, To, Call-ID, CSeq).
    """

    error_id = "sip_parse"

    def __init__(self, detail: str, status: int = 400, message: Request | None = None) -> None:
        super().__init__(detail, status)
        self.message = message


class FramingError(ParseError):
    """A byte stream in which the end of the message cannot be found: close the connection."""

    error_id = "sip_framing"
