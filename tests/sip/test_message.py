"""Reading and building messages (RFC 3261 §7, §8.2.6, §18.3), and what a broken one is answered with."""

from __future__ import annotations

import pytest

from sip.errors import LocalProtocolError, ParseError
from sip.headers import CSeq, Via
from sip.message import Message, Request, Response, parse
from sip.uri import NameAddr, Uri
from tests.sip.messages import INVITE, RINGING, SDP, lines, request, response


def refused(data: bytes, limit: int = 65_535) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse(data, limit)
    return caught.value


def test_a_request_is_read() -> None:
    message = request(INVITE)
    assert message.method == "INVITE"
    assert message.uri == Uri.parse("sip:tb7f3a@10.0.0.5:5062;transport=udp")
    assert message.target == "sip:tb7f3a@10.0.0.5:5062;transport=udp"
    assert message.body.decode() == SDP
    assert message.to_bytes() == INVITE


def test_a_response_is_read() -> None:
    message = response(RINGING)
    assert (message.status, message.reason, message.cseq) == (180, "Ringing", CSeq(7, "INVITE"))
    assert (message.from_tag, message.to_tag) == ("tb1", "as9")


def test_all_that_7_3_allows_is_read() -> None:
    data = (
        "\r\n\r\nOPTIONS sip:b@[2001:db8::9] SIP/2.0\r\n"
        "v: SIP/2.0/UDP\t[2001:db8::9:1]:5061;branch=z9hG4bK1,SIP / 2.0 / TCP\r\n first.example.com;branch=z9hG4bK2\r\n"
        'FROM :"Петров, \\"И\\" <b>"\r\n\t<sip:a@example.com>\r\n ;tag=1\r\n'
        "t\t: sip:b@example.com ; tag=2\r\n"
        "i: x\r\nCSEQ:\r\n 0009\r\n OPTIONS\r\nl:0\r\nm:<sip:c@d>\r\n\r\n"
    ).encode()
    message = request(data)
    assert message.via == Via("UDP", "2001:db8::9:1", 5061, {"branch": "z9hG4bK1"})
    assert len(message.get_all("Via")) == 2
    assert message.from_.display == 'Петров, "И" <b>'
    assert (message.from_tag, message.to_tag, message.call_id, message.cseq.number) == ("1", "2", "x", 9)
    assert message.uri.host == "2001:db8::9"


def test_a_display_name_that_is_not_utf8_does_not_lose_the_call() -> None:
    data = INVITE.replace(b"Ivan Petrov", "Иван".encode("cp1251"))
    message = request(data)
    assert message.from_tag == "as12f9"
    assert message.from_.display.encode()
    assert message.reply(180, to_tag="x").to_bytes()
    assert message.body.decode() == SDP


@pytest.mark.parametrize("name", ["Via", "From", "To", "Call-ID", "CSeq"])
def test_a_request_without_a_mandatory_header_is_never_answered(name: str) -> None:
    kept = [line for line in lines().split(b"\r\n") if not line.startswith(name.encode() + b":")]
    error = refused(b"\r\n".join(kept))
    assert (error.status, error.message) == (400, None)
    assert name in error.detail


def test_max_forwards_may_be_absent() -> None:
    assert request(lines()).get("Max-Forwards") is None


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (lines(method="OPTIONS", cseq="1 INVITE"), 400),
        (lines("Content-Length: -1"), 400),
        (lines("Content-Length: 1x"), 400),
        (lines("Content-Length: 1"), 400),
        (lines("Content-Length: 99999999999"), 400),
        (lines("Content-Length: 0", "l: 1"), 400),
        (lines("Contact: <sip:x"), 400),
        (lines("Contact: <sip:a@b>, <sip:"), 400),
        (lines("Route: <sip:x"), 400),
        (lines("Record-Route: sip:a@b@c"), 400),
        (lines().replace(b"sip:b@example.com SIP/2.0", b"sip:b@@example.com SIP/2.0"), 400),
        (lines().replace(b"sip:b@example.com SIP/2.0", b"sip:b@example.com  SIP/2.0"), 400),
        (lines().replace(b" SIP/2.0\r\n", b" SIP/7.0\r\n", 1), 505),
        (lines(to="<sip:a"), 400),
        (lines(cseq=f"{2**31} OPTIONS"), 400),
        (lines("To: <sip:other@example.com>"), 400),
        (lines()[:-2], 400),
    ],
)
def test_a_broken_request_that_can_be_answered_carries_its_answer(data: bytes, status: int) -> None:
    error = refused(data)
    assert error.status == status
    assert error.message is not None
    reply = error.message.reply(error.status, to_tag="x").to_bytes()
    assert reply.startswith(f"SIP/2.0 {status} ".encode())
    assert b"\r\nCall-ID: call-1\r\n" in reply


def test_the_answer_to_a_broken_request_finds_its_transaction() -> None:
    error = refused(lines("Content-Length: 12"))
    assert error.message is not None
    reply = error.message.reply(error.status, to_tag="tb1")
    read = response(reply.to_bytes())
    assert (read.status, read.branch, read.cseq, read.call_id) == (
        400,
        "z9hG4bK1",
        CSeq(1, "OPTIONS"),
        "call-1",
    )
    assert read.to_tag == "tb1"


def test_a_broken_to_is_given_back_as_it_came() -> None:
    error = refused(lines(to="<sip:a"))
    assert error.message is not None
    assert b"To: <sip:a\r\n" in error.message.reply(400).to_bytes()
    assert b"To: <sip:a\r\n" in error.message.reply(400, to_tag="x").to_bytes()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"\0\0\0\0",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        lines("Content-Length: 1", method="ACK"),
        lines(via="SIP/2.0/UDP"),
        lines(cseq="x OPTIONS"),
        lines(call_id=" "),
        lines("Subject: a\nVia: b"),
        lines("Subject: a\rb"),
        lines("Subject: a\0b"),
        lines("Subject: a\rb\nc"),
        lines(*["X: y"] * 600),
        RINGING.replace(b"180 Ringing", b"80 Ringing"),
        RINGING.replace(b"180 Ringing", b"1800 Ringing"),
        RINGING.replace(b"180 Ringing", b"700 Ringing"),
        RINGING.replace(b"SIP/2.0 180", b"SIP/3.0 180"),
        RINGING.replace(b"Content-Length: 0", b"Content-Length: 1"),
        b"INVITE  SIP/2.0\r\n\r\n",
        b"IN VITE sip:a@b SIP/2.0",
        INVITE[:200],
    ],
)
def test_what_cannot_be_answered_is_dropped(data: bytes) -> None:
    assert refused(data).message is None


def test_a_body_longer_than_content_length_is_cut_18_3() -> None:
    message = request(lines("Content-Length: 3") + b"abcdef")
    assert message.body == b"abc"
    assert message.to_bytes().endswith(b"\r\n\r\nabc")


def test_without_content_length_the_body_ends_with_the_datagram_18_3() -> None:
    assert request(lines() + b"abcdef").body == b"abcdef"


def test_a_message_over_the_limit_is_answered_with_513() -> None:
    error = refused(lines() + b"x" * 5000, limit=1000)
    assert error.status == 513
    assert error.message is not None
    long_head = refused(lines("Subject: " + "x" * 5000), limit=1000)
    assert long_head.status == 513
    assert refused(b"x" * 70_000).message is None
    head_of_a_stream = refused(lines("Content-Length: 5000"), limit=1000)
    assert head_of_a_stream.status == 513
    assert head_of_a_stream.message is not None


@pytest.mark.parametrize("line", [b"SIP/2.0 200", b"SIP/2.0 200 ", b"sip/2.0 200 OK"])
def test_a_reason_phrase_may_be_empty_and_the_version_in_any_case(line: bytes) -> None:
    assert response(RINGING.replace(b"SIP/2.0 180 Ringing", line)).status == 200


def test_the_tables_turn_build_is_read_back_as_it_was() -> None:
    built = Request.build(
        "INVITE",
        Uri("sip", "+7 916", None, "pbx.example.com"),
        [
            ("Via", Via("UDP", "10.0.0.5", 5062, {"branch": "z9hG4bKa"})),
            ("From", NameAddr('Иван "x"', Uri.parse("sip:101@pbx.example.com"), {"tag": "tb1"})),
            ("To", "<sip:102@pbx.example.com>"),
            ("Call-ID", "abc"),
            ("CSeq", CSeq(1, "INVITE")),
            ("Max-Forwards", 70),
        ],
        SDP.encode(),
    )
    read = request(built.to_bytes())
    assert read == built
    assert read.headers == built.headers
    assert read.get("Content-Length") == str(len(SDP))
    assert read.uri.user == "+7 916"
    assert read.from_ == built.from_
    assert (read.body, read.branch, read.from_tag) == (built.body, built.branch, built.from_tag)


def test_content_length_is_ours_whatever_was_given() -> None:
    built = Request.build("INFO", "sip:a@b", [("Content-Length", 99), ("l", "98")], b"123")
    assert built.get_all("Content-Length") == ["3"]


@pytest.mark.parametrize(
    ("method", "uri"),
    [
        ("IN VITE", "sip:a@b"),
        ("", "sip:a@b"),
        ("INVITE", ""),
        ("INVITE", "sip:a b"),
        ("INVITE", "sip:a\r\nVia: x"),
        ("BYE\r\n", "sip:a@b"),
        ("BYE", "<sip:a@b>"),
        ("BYE", "sip:@b"),
        ("BYE", "nothing"),
    ],
)
def test_a_request_line_that_would_break_must_not_be_built(method: str, uri: str) -> None:
    with pytest.raises(LocalProtocolError):
        Request.build(method, uri)


@pytest.mark.parametrize(("status", "reason"), [(99, None), (700, None), (200, "OK\r\nVia: x"), (200, "a\0")])
def test_a_status_line_that_would_break_must_not_be_built(status: int, reason: str | None) -> None:
    with pytest.raises(LocalProtocolError):
        Response.build(status, reason)
    with pytest.raises(LocalProtocolError):
        request(INVITE).reply(status, reason)


def test_a_response_can_be_built_from_its_headers() -> None:
    built = Response.build(
        200, headers=[(name, value) for name, value in response(RINGING).headers], body=b"x"
    )
    assert response(built.to_bytes()) == built
    assert built.reason == "OK"


def test_a_reply_copies_what_8_2_6_2_says() -> None:
    data = INVITE.replace(
        b"From:", b"Via: SIP/2.0/UDP 10.0.0.8, SIP/2.0/UDP 10.0.0.7\r\nRecord-Route: <sip:p;lr>\r\nFrom:"
    )
    reply = response(
        request(data).reply(180, to_tag="tb1", headers=[("Contact", "<sip:x@y>")], body=b"b").to_bytes()
    )
    assert (reply.status, reply.reason, reply.body) == (180, "Ringing", b"b")
    assert len(reply.get_all("Via")) == 3
    assert reply.branch == "z9hG4bKPj1c7c2d9e1b"
    assert reply.get("From") == '"Ivan Petrov" <sip:+79161234567@pbx.example.com>;tag=as12f9'
    assert reply.get("To") == "<sip:tb7f3a@10.0.0.5>;tag=tb1"
    assert (reply.call_id, reply.cseq) == ("7c1-41ab-9f3c@10.0.0.9", CSeq(21547, "INVITE"))
    assert reply.get_all("Record-Route") == ["<sip:p;lr>"]
    assert reply.contact is not None


def test_a_reply_is_what_its_bytes_say() -> None:
    reply = request(INVITE).reply(200, "Fine", to_tag="tb1", headers=[("Server", "x")])
    assert response(reply.to_bytes()) == reply
    assert (reply.to_tag, reply.reason, reply.get("Server")) == ("tb1", "Fine", "x")


def test_a_to_tag_that_is_there_stays_8_2_6_2() -> None:
    data = INVITE.replace(b"To: <sip:tb7f3a@10.0.0.5>", b"To: <sip:tb7f3a@10.0.0.5>;tag=old")
    assert request(data).reply(200, to_tag="new").to_tag == "old"


def test_a_tag_must_be_a_token() -> None:
    with pytest.raises(LocalProtocolError):
        request(INVITE).reply(200, to_tag="a;b")


@pytest.mark.parametrize(
    ("status", "method", "kept"),
    [(180, "INVITE", True), (200, "INVITE", True), (486, "INVITE", False), (200, "BYE", False)],
)
def test_record_route_is_copied_into_what_makes_a_dialog_12_1_1(status: int, method: str, kept: bool) -> None:
    reply = request(lines("Record-Route: <sip:p;lr>", method=method)).reply(status, to_tag="x")
    assert bool(reply.record_route) is kept


def test_timestamp_is_copied_into_100_only_8_2_6_1() -> None:
    message = request(lines("Timestamp: 54"))
    assert message.reply(100).get("Timestamp") == "54"
    assert message.reply(200).get("Timestamp") is None


def test_received_and_rport_are_noted_in_the_topmost_via_only() -> None:
    data = INVITE.replace(b"From:", b"Via: SIP/2.0/UDP 10.0.0.8\r\nFrom:")
    before = request(data)
    after = before.with_received("192.0.2.1", 4000)
    assert after.get_all("Via") == [
        "SIP/2.0/UDP 10.0.0.9:5060;rport=4000;branch=z9hG4bKPj1c7c2d9e1b;received=192.0.2.1",
        "SIP/2.0/UDP 10.0.0.8",
    ]
    assert after.via.rport == 4000
    assert before.via.rport is None
    assert request(after.to_bytes()) == after
    assert response(after.reply(200, to_tag="x").to_bytes()).via == after.via
    assert (after.body, after.cseq, after.from_tag) == (before.body, before.cseq, before.from_tag)


def test_received_is_noted_when_vias_share_a_folded_line() -> None:
    message = request(lines(via='SIP/2.0/UDP 10.0.0.9;x="a,b",\r\n SIP/2.0/UDP 10.0.0.8'))
    after = message.with_received("192.0.2.1", 4000)
    assert after.get_all("Via") == ['SIP/2.0/UDP 10.0.0.9;x="a,b";received=192.0.2.1', "SIP/2.0/UDP 10.0.0.8"]
    assert request(after.to_bytes()).get_all("Via") == after.get_all("Via")


def test_nothing_is_noted_when_it_came_from_where_it_says() -> None:
    message = request(lines())
    assert message.with_received("10.0.0.9", 5060) is message


def test_another_target_leaves_the_rest() -> None:
    moved = request(INVITE).with_uri(Uri.parse("sip:new@host"))
    assert moved.to_bytes() == INVITE.replace(
        b"sip:tb7f3a@10.0.0.5:5062;transport=udp SIP", b"sip:new@host SIP"
    )
    assert moved.uri.user == "new"


def test_every_message_is_one_of_two() -> None:
    assert isinstance(parse(INVITE), Message)
    assert isinstance(parse(RINGING), Message)


@pytest.mark.parametrize("via", ["SIP/2.0/UDP h;branch=z9hG4bK1;;rport", "SIP/2.0/UDP h;;,;,,"])
def test_an_empty_parameter_in_a_via_is_refused_rfc4475_3_1_2_1(via: str) -> None:
    with pytest.raises(ParseError) as refused:
        parse(lines(via=via))
    assert refused.value.message is not None


def test_two_semicolons_inside_quotes_are_no_empty_parameter() -> None:
    assert parse(lines(via='SIP/2.0/UDP h;branch=z9hG4bK1;x="a;;b"')).via.params["x"] == "a;;b"


def test_blanks_after_the_version_of_a_request_line_say_nothing_rfc4475_3_1_2_10() -> None:
    data = lines().replace(b" SIP/2.0\r\n", b" SIP/2.0   \r\n", 1)
    assert parse(data).to_bytes() == data
    assert parse(data).via.host == "10.0.0.9"
    with pytest.raises(ParseError):
        parse(b"OPTIONS   \r\n\r\n")
