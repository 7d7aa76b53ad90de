"""Event and Subscription-State (RFC 6665 §8.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import LocalProtocolError, ParseError
from sip.subscriptions.header_values import EventHeader, SubscriptionStateHeader, read_event


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("dialog", EventHeader("dialog")),
        (" dialog ;ID=a7 ; ma=x", EventHeader("dialog", "a7")),
        ("presence.winfo", EventHeader("presence.winfo")),
        ("Dialog", EventHeader("Dialog")),
    ],
)
def test_an_event_is_a_package_and_perhaps_an_id_8_2_1(text: str, event: EventHeader) -> None:
    assert EventHeader.parse(text) == event


@pytest.mark.parametrize("text", ["", ";id=1", "dia log", "dialog;x y=1", "@"])
def test_an_event_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        EventHeader.parse(text)


@pytest.mark.parametrize("text", ["", "dialog;id=a b", "dialog\r\nX: y", 'dialog;id="a\nb"'])
def test_an_event_of_our_user_that_is_none_is_our_error(text: str) -> None:
    with pytest.raises(LocalProtocolError):
        read_event(text)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("active;expires=600", SubscriptionStateHeader("active", expires=600)),
        ("Terminated ; Reason=NoResource", SubscriptionStateHeader("terminated", "noresource")),
        (
            "terminated;reason=probation;retry-after=60",
            SubscriptionStateHeader("terminated", "probation", None, 60),
        ),
        ("active;expires=soon;retry-after=-1", SubscriptionStateHeader("active")),
        ("active;expires=99999999999", SubscriptionStateHeader("active")),
        ("active;expires", SubscriptionStateHeader("active")),
        ("terminated;reason=", SubscriptionStateHeader("terminated")),
        ("dormant;x=y", SubscriptionStateHeader("dormant")),
    ],
)
def test_a_state_has_its_reason_and_times_8_2_3(text: str, state: SubscriptionStateHeader) -> None:
    assert SubscriptionStateHeader.parse(text) == state


@pytest.mark.parametrize("text", ["", ";expires=5", "act ive", "active;ä=1"])
def test_a_state_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        SubscriptionStateHeader.parse(text)


words = st.from_regex(r"[a-z\-]{1,12}", fullmatch=True)
seconds = st.none() | st.integers(0, 10**9)


@given(st.builds(SubscriptionStateHeader, words, st.none() | words, seconds, seconds))
def test_what_is_written_is_read_back(state: SubscriptionStateHeader) -> None:
    assert SubscriptionStateHeader.parse(str(state)) == state


@given(st.text(max_size=40))
def test_no_text_raises_anything_else(text: str) -> None:
    for read in (EventHeader.parse, SubscriptionStateHeader.parse):
        try:
            read(text)
        except ParseError:
            continue


@pytest.mark.parametrize(
    "value",
    [EventHeader("a\r\nb"), EventHeader("a", "b;c"), SubscriptionStateHeader("a b"), SubscriptionStateHeader("a", "b\n")],
)  # fmt: skip
def test_nothing_but_tokens_is_written(value: EventHeader | SubscriptionStateHeader) -> None:
    with pytest.raises(LocalProtocolError):
        str(value)
