"""What a reader of ladders looks at in a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ladder.reading import LONGEST, Reading, shortened

HEAD = 'From: "Customer" <sip:+7495@x>;tag=a\nTo: <sip:101@x>\nCSeq: 7 {method}\nCall-ID: c\n'


def request(method: str, *headers: str, body: str = "") -> Reading:
    lines = "\n".join([f"{method} sip:101@192.0.2.9 SIP/2.0", HEAD.format(method=method).strip(), *headers])
    return Reading(f"{lines}\n\n{body}")


def response(status: str, method: str = "INVITE", *headers: str, body: str = "") -> Reading:
    lines = "\n".join([f"SIP/2.0 {status}", HEAD.format(method=method).strip(), *headers])
    return Reading(f"{lines}\n\n{body}")


def test_a_request_is_known_by_its_method() -> None:
    bye = request("BYE")
    assert (bye.is_request, bye.method, bye.status, bye.title, bye.cseq) == (True, "BYE", 0, "BYE", "7")
    assert bye.facts() == []


def test_a_response_says_which_method_it_answers() -> None:
    ringing = response("180 Ringing")
    assert (ringing.is_request, ringing.method, ringing.status) == (False, "INVITE", 180)
    assert (ringing.title, ringing.cseq) == ("180 Ringing", "7 INVITE")


def test_the_first_invite_says_who_calls_whom() -> None:
    assert request("INVITE").facts() == ["sip:101@192.0.2.9", 'From "Customer" <sip:+7495@x>']
    again = Reading(request("INVITE").start + "\nTo: <sip:101@x>;tag=b\nCSeq: 8 INVITE\n\n")
    assert again.facts() == [], "in a dialog everybody knows"


@pytest.mark.parametrize(
    ("reading", "fact"),
    [
        (request("BYE", 'Reason: Q.850;cause=16;text="Normal"'), 'Reason Q.850;cause=16;text="Normal"'),
        (request("INVITE", "Replaces: c0;to-tag=b;from-tag=a"), "Replaces c0;to-tag=b;from-tag=a"),
        (request("REFER", "r: <sip:102@x>"), "Refer-To <sip:102@x>"),
        (request("NOTIFY", "o: refer", "Subscription-State: active"), "Event refer"),
        (
            request("NOTIFY", "Content-Type: message/sipfrag", body="SIP/2.0 180 Ringing\n"),
            "SIP/2.0 180 Ringing",
        ),
        (request("INVITE", "Authorization: Digest x"), "with credentials"),
        (
            response("401 Unauthorized", "INVITE", 'WWW-Authenticate: Digest realm="pbx", nonce="x"'),
            "challenge of pbx",
        ),
        (response("407 P", "INVITE", "Proxy-Authenticate: Digest realm=pbx,x=y"), "challenge of pbx"),
        (response("401 Unauthorized", "INVITE", "WWW-Authenticate: Basic"), "challenge of a realm"),
        (response("302 Moved", "INVITE", "m: <sip:x@y>;q=1"), "Contact <sip:x@y>"),
        (response("503 Busy", "INVITE", "Retry-After: 5"), "Retry-After 5"),
        (response("200 OK", "INVITE", "x: 1800;refresher=uac"), "Session-Expires 1800;refresher=uac"),
        (
            response(
                "200 OK", "INVITE", "c: application/sdp;x=y", body="c=IN IP4 192.0.2.1\nm=audio 4 RTP/AVP 8\n"
            ),
            "audio 192.0.2.1:4 sendrecv",
        ),
    ],
)
def test_what_decides_is_told(reading: Reading, fact: str) -> None:
    assert fact in reading.facts()


def test_a_body_of_another_kind_is_no_description() -> None:
    assert request("INVITE", "Content-Type: text/plain", body="m=audio 4 RTP/AVP 8\n").description == ""


def test_a_tag_is_seen_wherever_it_may_stand() -> None:
    assert request("X").has_tag("from")
    assert not request("X").has_tag("to")
    assert Reading("X y SIP/2.0\nTo: sip:a@b ; Tag = c\n\n").has_tag("to")
    assert not Reading("X y SIP/2.0\nTo: <sip:a@b;tag=c>\n\n").has_tag("to")


@pytest.mark.parametrize(
    "text", ["", "\n\n", "garbage", "SIP/2.0", "SIP/2.0 abc", "INVITE", "\x00 \x01\n:\n: :\nCSeq:"]
)
def test_what_is_no_message_is_read_all_the_same(text: str) -> None:
    reading = Reading(text)
    assert reading.title
    assert reading.status == 0
    assert isinstance(reading.facts(), list)


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    reading = Reading(text)
    assert len(reading.title) <= 40
    assert all(len(fact) <= LONGEST + 40 and "\n" not in fact for fact in reading.facts())


def test_long_values_are_cut_and_their_line_ends_taken_out() -> None:
    assert shortened("a\n  b\tc") == "a b c"
    assert shortened("x" * 200) == "x" * (LONGEST - 1) + "…"
