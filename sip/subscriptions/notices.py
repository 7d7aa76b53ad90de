"""What a NOTIFY says, or with which status it is refused (RFC 6665 §4.1.3, §8.2). A pure question.

Invariant: what is accepted has a package and an id that were asked for, a readable Subscription-State and a body of bounded size.
"""

from __future__ import annotations

from typing import Final

from sip.errors import ParseError
from sip.message import Request
from sip.subscriptions.header_values import EventHeader, SubscriptionStateHeader

_LARGEST_BODY: Final = 48 * 1024  # bytes; forty calls of an office in dialog-info


def read_notice(
    request: Request, event: EventHeader, *, is_first: bool
) -> tuple[int, SubscriptionStateHeader | None]:
    """The answer, and how the subscription stands if that is 200.

    Args:
        event: what was subscribed to.
        is_first: whether this NOTIFY is to make the dialog, for which it needs a Contact.
    """
    try:
        told = EventHeader.parse(request.get("Event") or "")
        notice = SubscriptionStateHeader.parse(request.get("Subscription-State") or "")
    except ParseError:
        return 400, None
    if told.package != event.package:
        return 489, None
    if told.id != event.id:
        return 481, None
    if is_first and request.contact is None:
        return 400, None
    if len(request.body) > _LARGEST_BODY:
        return 413, None
    if (request.get("Content-Encoding") or "identity").lower() != "identity":
        return 415, None
    return 200, notice
