"""Refer-To, Referred-By, Event and Refer-Sub (RFC 3515, RFC 3891 §6, RFC 3892, RFC 4488)."""

from __future__ import annotations

import pytest

from sip.calls.refer_headers import (
    read_event,
    read_refer_to,
    read_referred_by,
    read_state,
    wants_no_subscription,
    write_refer_to,
)
from sip.errors import LocalProtocolError, ParseError
from sip.headers import ReplacesHeader
from sip.subscriptions.header_values import EventHeader, SubscriptionStateHeader
from sip.uri import NameAddr, Uri
from tests.sip.messages import lines, request

REPLACES = ReplacesHeader("7@host", "to;x".partition(";")[0], "from")


def test_replaces_is_escaped_into_the_uri_and_read_again() -> None:
    value = str(write_refer_to(Uri("sip", "102", None, "pbx"), REPLACES))
    assert value == "<sip:102@pbx?Replaces=7%40host%3Bto-tag%3Dto%3Bfrom-tag%3Dfrom>"
    read = read_refer_to(request(lines(f"Refer-To: {value}", method="REFER")))
    assert (read.replaces, str(read.address), read.method) == (REPLACES, "<sip:102@pbx>", "INVITE")


def test_a_display_name_stays_with_the_target() -> None:
    target = NameAddr("Ivan", Uri("sip", "102", None, "pbx"))
    assert str(write_refer_to(target, None)) == '"Ivan" <sip:102@pbx>'
    assert write_refer_to(target, REPLACES).display == "Ivan"


def test_a_tel_uri_can_be_called_but_bears_no_replaces() -> None:
    assert str(write_refer_to(Uri("tel", "+7495"), None)) == "<tel:+7495>"
    with pytest.raises(LocalProtocolError):
        write_refer_to(Uri("tel", "+7495"), REPLACES)


def test_the_uris_other_headers_are_not_sent_on() -> None:
    read = read_refer_to(
        request(
            lines(
                "r: <sip:102@pbx;method=bye?Subject=x&replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>", method="REFER"
            )
        )
    )
    assert (str(read.address), read.method, read.replaces) == (
        "<sip:102@pbx>",
        "BYE",
        ReplacesHeader("a", "b", "c"),
    )


@pytest.mark.parametrize(
    "headers",
    [(), ("Refer-To: <sip:1@a>", "Refer-To: <sip:2@a>"), ("Refer-To: <sip:1@a>, <sip:2@a>",), ("Refer-To: nonsense",), ("Refer-To: ",),
     ("Refer-To: <sip:1@a?Replaces=nonsense>",), ("Refer-To: <sip:1@a?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc&replaces=x>",)],
)  # fmt: skip
def test_there_must_be_one_readable_refer_to(headers: tuple[str, ...]) -> None:
    with pytest.raises(ParseError):
        read_refer_to(request(lines(*headers, method="REFER")))


def test_an_unreadable_referred_by_is_passed_over() -> None:
    assert read_referred_by(request(lines("Referred-By: <nonsense"))) is None
    by = read_referred_by(request(lines("b: <sip:101@pbx>")))
    assert by is not None
    assert by.uri.user == "101"


@pytest.mark.parametrize(
    ("text", "event"),
    [("Refer;id=7", EventHeader("refer", "7")), (" TALK ", EventHeader("talk")), ("", None), (";id=7", None), ("refer;i d=7", None)],
)  # fmt: skip
def test_an_event_is_read_in_any_case(text: str, event: EventHeader | None) -> None:
    assert read_event(request(lines(f"Event: {text}"))) == event
    assert read_event(request(lines())) is None


def test_a_state_that_cannot_be_read_is_as_good_as_none() -> None:
    assert read_state(request(lines("Subscription-State: active ; expires=60"))) == SubscriptionStateHeader(
        "active", expires=60
    )
    assert read_state(request(lines("Subscription-State: ;x"))) is None
    assert read_state(request(lines())) is None


@pytest.mark.parametrize(
    ("header", "none"),
    [("Refer-Sub: false", True), ("Refer-Sub: FALSE;x=1", True), ("Refer-Sub: true", False), ("X: y", False)],
)
def test_refer_sub_false_asks_for_silence_rfc4488(header: str, none: bool) -> None:
    assert wants_no_subscription(request(lines(header))) is none
