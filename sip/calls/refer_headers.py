"""The headers of a transfer: Refer-To with an INVITE's Replaces inside its URI, Referred-By, Event, Subscription-State.

RFC 3515 §2.1, RFC 3891 §6 (Replaces in a URI), RFC 3892 §2, RFC 4488 §3. Pure; knows no dialog.
Invariants: `read_refer_to` raises ParseError only; what it gives has no URI headers left that could be sent on unseen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from sip.errors import LocalProtocolError, ParseError
from sip.grammar import NO_PARAMS
from sip.headers import ReplacesHeader
from sip.subscriptions.header_values import EventHeader, SubscriptionStateHeader
from sip.uri import NameAddr, Uri

if TYPE_CHECKING:
    from sip.message import Message

__all__ = [
    "ReferTo",
    "read_event",
    "read_refer_to",
    "read_referred_by",
    "read_state",
    "wants_no_subscription",
    "write_refer_to",
]


class ReferTo(NamedTuple):
    """Whom a REFER wants called: `method` is INVITE unless its URI says otherwise (RFC 3261 §19.1.1)."""

    address: NameAddr
    replaces: ReplacesHeader | None
    method: str


def read_event(message: Message) -> EventHeader | None:
    """Event, its package in lower case, since some phones shout; None when it is absent or cannot be read."""
    value = message.get("Event")
    try:
        event = None if value is None else EventHeader.parse(value)
    except ParseError:
        return None
    return None if event is None else event._replace(package=event.package.lower())


def read_state(message: Message) -> SubscriptionStateHeader | None:
    """Subscription-State; None when it is absent or cannot be read."""
    value = message.get("Subscription-State")
    try:
        return None if value is None else SubscriptionStateHeader.parse(value)
    except ParseError:
        return None


def write_refer_to(target: Uri | NameAddr, replaces: ReplacesHeader | None) -> NameAddr:
    """The value of Refer-To; `replaces` goes, escaped, into the headers of its URI (RFC 3891 §6.1, example).

    Raises:
        LocalProtocolError: the target is no SIP URI and cannot bear a header.
    """
    address = target if isinstance(target, NameAddr) else NameAddr("", target)
    if replaces is None:
        return address
    if address.uri.scheme not in ("sip", "sips"):
        raise LocalProtocolError(f"a {address.uri.scheme} URI cannot bear a Replaces")
    uri = replace(address.uri, headers={**address.uri.headers, "Replaces": str(replaces)})
    return replace(address, uri=uri)


def read_refer_to(message: Message) -> ReferTo:
    """Whom a REFER wants called.

    Raises:
        ParseError: there is no Refer-To, more than one (RFC 3515 §2.4.2), or one that cannot be read.
    """
    values = message.get_all("Refer-To")
    if len(values) != 1:
        raise ParseError(f"{len(values)} Refer-To headers")
    address = NameAddr.parse(values[0])
    uri = address.uri
    inside = [value for name, value in uri.headers.items() if name.lower() == "replaces"]
    if len(inside) > 1:
        raise ParseError("two Replaces in one Refer-To")
    method = uri.params.get("method") or "INVITE"
    bare = replace(
        uri, headers=NO_PARAMS, params={name: one for name, one in uri.params.items() if name != "method"}
    )
    return ReferTo(
        NameAddr(address.display, bare), ReplacesHeader.parse(inside[0]) if inside else None, method.upper()
    )


def read_referred_by(message: Message) -> NameAddr | None:
    """Who wants it (RFC 3892); a courtesy as long as no token proves it, so an unreadable one is passed over."""
    value = message.get("Referred-By")
    try:
        return None if value is None else NameAddr.parse(value)
    except ParseError:
        return None


def wants_no_subscription(message: Message) -> bool:
    """Whether Refer-Sub is false (RFC 4488 §3), in a REFER or in the 2xx to it."""
    value = message.get("Refer-Sub")
    return value is not None and value.partition(";")[0].strip(" \t").lower() == "false"
