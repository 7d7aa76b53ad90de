"""Header lines: finding, changing and writing them (RFC 3261 §7.3)."""

from __future__ import annotations

import pytest

from sip.errors import LocalProtocolError
from sip.fields import CLASH, index_lines
from sip.headers import CSeq, Reason, ReplacesHeader, Via
from sip.message import Request, parse
from sip.uri import NameAddr, Uri
from tests.sip.messages import INVITE, RINGING, lines, request, response


def test_one_pass_finds_every_spelling_of_a_name() -> None:
    index = index_lines(["cAlL-iD : 1", "m:2", "X-Own:3", "CONTACT: 4"])
    assert index == {"call-id": " 1", "contact": "2\n 4", "x-own": "3"}


def test_a_folded_line_goes_on_with_the_one_before_7_3_1() -> None:
    index = index_lines(["Subject: I know you're there,", "\t pick up ", " the phone", "s:x"])
    assert index["subject"] == " I know you're there, pick up the phone\nx"


def test_a_line_that_is_no_header_is_passed_over_8_2_2() -> None:
    index = index_lines([" folded onto nothing", "no colon at all", "b@d: x", "To: y"])
    assert index.keys() == {"", "to"}


def test_a_header_that_may_stand_once_clashes_with_another_one() -> None:
    assert CLASH not in index_lines(["To: a", "t:  a "])
    assert index_lines(["To: a", "t: b", "From: c", "From: d"])[CLASH] == "to"


def test_get_gives_the_first_line_and_get_all_every_value() -> None:
    message = request(lines("Allow: INVITE, ACK", "ALLOW:BYE", "Subject: a, b", "Subject: c"))
    assert message.get("allow") == "INVITE, ACK"
    assert message.get_all("Allow") == ["INVITE", "ACK", "BYE"]
    assert message.get_all("s") == ["a, b", "c"]
    assert message.get("X-None") is None
    assert message.get_all("X-None") == []
    assert message.get("b\r\nd") is None


@pytest.mark.parametrize(
    ("value", "number"), [("3600", 3600), (" 0 ", 0), ("5 (I am away);duration=60", 5), ("120;x", 120), ("", None), ("-1", None), ("²", None), ("99999999999", None)]
)  # fmt: skip
def test_integers_are_read_and_what_is_none_is_none(value: str, number: int | None) -> None:
    assert request(lines(f"Retry-After: {value}")).integer("Retry-After") == number
    assert request(lines(f"Retry-After: {value}", "Retry-After: 77")).integer("Retry-After") == number


def test_the_headers_that_a_user_agent_touches() -> None:
    message = request(INVITE)
    assert message.via == Via("UDP", "10.0.0.9", 5060, {"rport": None, "branch": "z9hG4bKPj1c7c2d9e1b"})
    assert message.branch == "z9hG4bKPj1c7c2d9e1b"
    assert message.call_id == "7c1-41ab-9f3c@10.0.0.9"
    assert message.cseq == CSeq(21547, "INVITE")
    assert message.from_ == NameAddr(
        "Ivan Petrov", Uri.parse("sip:+79161234567@pbx.example.com"), {"tag": "as12f9"}
    )
    assert message.to == NameAddr("", Uri.parse("sip:tb7f3a@10.0.0.5"))
    assert (message.from_tag, message.to_tag) == ("as12f9", None)
    assert message.contact == NameAddr("", Uri.parse("sip:asterisk@10.0.0.9:5060"))
    assert message.content_type == "application/sdp"
    assert message.route == message.record_route == []
    assert message.replaces is None
    assert message.reasons == ()
    assert ("Min-SE", "90") in message.headers
    assert message.via is message.via
    assert message.from_ is message.from_


def test_routes_reasons_and_replaces_are_read() -> None:
    message = request(
        lines(
            "Record-Route: <sip:a;lr>, <sip:b;lr>",
            "Route: <sip:c;lr>",
            "Record-Route: <sip:d>",
            'Reason: SIP;cause=200;text="x", Q.850;cause=26',
            "Replaces: c;to-tag=1;from-tag=2",
        )
    )
    assert [str(one) for one in message.record_route] == ["<sip:a;lr>", "<sip:b;lr>", "<sip:d>"]
    assert [one.uri.is_loose_router for one in message.route] == [True]
    assert message.reasons == (Reason("SIP", 200, "x"), Reason("Q.850", 26))
    assert message.replaces == ReplacesHeader("c", "1", "2")


def test_contacts_are_a_list_and_a_star_is_none() -> None:
    message = request(lines("Contact: <sip:a@b>;expires=60, <sip:c@d>", "m: <sip:e@f>", method="REGISTER"))
    assert [one.uri.user for one in message.contacts] == ["a", "c", "e"]
    assert message.contact == message.contacts[0]
    star = request(lines("Contact: *", method="REGISTER"))
    assert star.contact is None
    assert star.get("Contact") == "*"
    assert request(lines()).contact is None


def test_a_header_that_our_own_message_lacks_is_our_error() -> None:
    bare = Request.build("BYE", "sip:a@b")
    for read in (
        lambda: bare.via,
        lambda: bare.call_id,
        lambda: bare.cseq,
        lambda: bare.from_,
        lambda: bare.to_tag,
        lambda: bare.reply(200),
    ):
        with pytest.raises(LocalProtocolError):
            read()


def test_prepend_puts_a_header_on_top_and_leaves_the_message_alone() -> None:
    message = request(lines(method="BYE"))
    more = message.prepend("Via", Via("UDP", "10.0.0.5", 5062, {"branch": "z9hG4bK2"}))
    assert more.get_all("Via") == [
        "SIP/2.0/UDP 10.0.0.5:5062;branch=z9hG4bK2",
        "SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK1",
    ]
    assert more.branch == "z9hG4bK2"
    assert message.branch == "z9hG4bK1"
    assert (more.method, more.uri, more.body) == (message.method, message.uri, message.body)


def test_with_header_stands_in_the_place_of_all_that_were_there() -> None:
    message = request(lines("Contact: <sip:a@b>,", "  <sip:c@d>", "X-A: 1", "m: <sip:e@f>"))
    changed = message.with_header("Contact", "<sip:g@h>")
    assert [name for name, _ in changed.headers][-2:] == ["Contact", "X-A"]
    assert changed.get_all("contact") == ["<sip:g@h>"]
    assert len(message.contacts) == 3


def test_new_headers_go_before_our_content_length() -> None:
    built = Request.build("INFO", "sip:a@b", [("To", "<sip:a@b>")], b"12")
    for changed in (built.with_header("X-A", 1), built.append("X-A", 1)):
        assert changed.headers == [("To", "<sip:a@b>"), ("X-A", "1"), ("Content-Length", "2")]
    parsed = request(lines())
    assert parsed.append("X-A", "1").headers[-1] == ("X-A", "1")


def test_without_takes_every_line_of_a_header_away() -> None:
    message = response(RINGING.replace(b"Contact", b"m: <sip:x>,\r\n <sip:y>\r\nContact")).without("Contact")
    assert message.contact is None
    assert b"sip:y" not in message.to_bytes()
    assert message.status == 180


@pytest.mark.parametrize("bad", ["a\r\nVia: x", "a\nb", "a\rb", "a\0b"])
def test_no_way_of_adding_a_header_lets_a_line_end_in(bad: str) -> None:
    message = request(lines())
    for add in (message.prepend, message.append, message.with_header):
        with pytest.raises(LocalProtocolError):
            add("Subject", bad)
        with pytest.raises(LocalProtocolError):
            add(bad, "x")
    with pytest.raises(LocalProtocolError):
        Request.build("OPTIONS", "sip:a@b", [("Subject", bad)])
    with pytest.raises(LocalProtocolError):
        message.reply(200, headers=[("Subject", bad)])


def test_half_a_surrogate_pair_cannot_be_written() -> None:
    with pytest.raises(LocalProtocolError):
        Request.build("OPTIONS", "sip:a@b", [("Subject", "\ud800")]).to_bytes()


def test_messages_are_equal_when_their_bytes_are() -> None:
    one, same, other = parse(INVITE), parse(INVITE), parse(RINGING)
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != INVITE
    assert repr(other) == "<SIP/2.0 180 Ringing>"


def test_unfolded_headers_are_listed() -> None:
    message = request(lines("Subject: a", "  b", "X:"))
    assert message.headers[-2:] == [("Subject", "a b"), ("X", "")]
