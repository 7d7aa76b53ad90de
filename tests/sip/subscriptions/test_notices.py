"""Which NOTIFY is one for us (RFC 6665 §4.1.3); what happens with it is in `test_subscription.py`."""

from __future__ import annotations

import pytest

from sip.subscriptions.header_values import EventHeader, SubscriptionStateHeader
from sip.subscriptions.notices import read_notice
from tests.sip.messages import lines, request

GOOD = ("Event: dialog", "Subscription-State: active;expires=5")


def notify(*headers: str, body: bytes = b"") -> bytes:
    return lines(*headers, f"Content-Length: {len(body)}", method="NOTIFY") + body


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (notify(*GOOD), 200),
        (notify(*GOOD, "Content-Encoding: Identity"), 200),
        (notify("o: dialog", GOOD[1]), 200),
        (notify(GOOD[0]), 400),
        (notify(GOOD[1]), 400),
        (notify("Event: dialog;=;x y", GOOD[1]), 400),
        (notify("Event: presence", GOOD[1]), 489),
        (notify("Event: dialog;id=1", GOOD[1]), 481),
        (notify(*GOOD, "Content-Encoding: gzip"), 415),
        (notify(*GOOD, body=b"x" * 48 * 1024), 200),
        (notify(*GOOD, body=b"x" * (48 * 1024 + 1)), 413),
    ],
)
def test_each_fault_has_its_status(data: bytes, status: int) -> None:
    found, notice = read_notice(request(data), EventHeader("dialog"), is_first=False)
    assert found == status
    assert notice == (SubscriptionStateHeader("active", expires=5) if status == 200 else None)


def test_the_first_one_needs_a_contact() -> None:
    event = EventHeader("dialog")
    assert read_notice(request(notify(*GOOD)), event, is_first=True)[0] == 400
    assert read_notice(request(notify(*GOOD, "Contact: <sip:x@y>")), event, is_first=True)[0] == 200
