"""What a subscription of ours asks for, and the SUBSCRIBE that says so outside a dialog (RFC 6665 §4.1.2.1). A value."""

from __future__ import annotations

from dataclasses import dataclass

from sip.account import Account
from sip.fields import Headers, Value
from sip.headers import CSeq
from sip.message import Request
from sip.subscriptions.header_values import EventHeader
from sip.uri import NameAddr, Uri


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for.

    Args:
        target: whose state.
        event: of which package.
        expires: seconds; 0 fetches the state once.
        accept: media types of bodies.
        headers: others, for each SUBSCRIBE.
    """

    account: Account
    target: Uri
    event: EventHeader
    expires: int
    accept: tuple[str, ...] = ()
    headers: tuple[tuple[str, Value], ...] = ()

    def first_request(self, sender: NameAddr, call_id: str, cseq: int, headers: Headers) -> Request:
        """The SUBSCRIBE without Via. Raises LocalProtocolError for what may not stand on the wire."""
        fields: list[tuple[str, Value]] = [
            ("Max-Forwards", "70"),
            ("From", sender),
            ("To", NameAddr("", self.target)),
            ("Call-ID", call_id),
            ("CSeq", CSeq(cseq, "SUBSCRIBE")),
            *headers,
        ]
        return Request.build("SUBSCRIBE", self.target, fields)
