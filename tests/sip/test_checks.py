"""What a request must be before anyone looks at what it wants (RFC 3261 §8.2): the answer, the counter, and nothing else."""

from __future__ import annotations

import pytest

from sip.core import METHODS, SUPPORTED
from sip.events import RequestReceived
from tests.sip.strangers import BOB, agent, answers, ask, request

ALLOW = ", ".join(METHODS)


@pytest.mark.parametrize(
    ("data", "status", "counter", "header"),
    [
        (request("REGISTER"), 405, "method_not_allowed", ("Allow", ALLOW)),
        (request("SUBSCRIBE"), 405, "method_not_allowed", None),
        (request("MESSAGE", "Content-Type: text/plain", body=b"hello"), 405, "method_not_allowed", ("Allow", ALLOW)),
        (request("REFER", "Refer-To: <sip:102@pbx>"), 405, "method_not_allowed", ("Allow", ALLOW)),
        (request("NOTIFY", "Event: refer"), 481, "out_of_dialog", None),
        (request("INFO"), 481, "out_of_dialog", None),
        (request("INFO", to=";tag=gone"), 481, "out_of_dialog", None),
        (request("REFER", to=";tag=gone"), 481, "out_of_dialog", None),
        (request("NOTIFY", to=";tag=gone"), 481, "out_of_dialog", None),
        (request("SUBSCRIBE", "Event: refer", to=";tag=gone"), 481, "out_of_dialog", None),
        (request("DANCE"), 501, "unknown_method", None),
        (request("BYE"), 481, "out_of_dialog", None),
        (request("UPDATE"), 481, "out_of_dialog", None),
        (request("PRACK"), 481, "out_of_dialog", None),
        (request("BYE", to=";tag=gone"), 481, "out_of_dialog", None),
        (request("INVITE", to=";tag=gone"), 481, "out_of_dialog", None),
        (request("OPTIONS", to=";tag=gone"), 481, "out_of_dialog", None),
        (request("CANCEL"), 481, "nothing_to_cancel", None),
        (request("INVITE", "Require: x-unheard-of, replaces"), 420, "bad_extension", ("Unsupported", "x-unheard-of")),
        (request("INVITE", "Max-Forwards: 0"), 483, "too_many_hops", None),
        (request("INVITE", "Content-Type: text/html", body=b"x"), 415, "unsupported_media", ("Accept", "application/sdp")),
        (request("INVITE", "Content-Type: application/sdp", "Content-Encoding: gzip", body=b"x"), 415, "unsupported_media", None),
        (request("INVITE", body=b"x"), 415, "unsupported_media", None),
        (request("INVITE", "Replaces: nonsense"), 400, "bad_replaces", None),
        (request("INVITE", "Replaces: a;to-tag=b;from-tag=c\r\nReplaces: a;to-tag=b;from-tag=c"), 400, "bad_replaces", None),
        (request("OPTIONS", "Replaces: a;to-tag=b;from-tag=c"), 400, "bad_replaces", None),
        (request("INVITE", "Replaces: a;to-tag=b;from-tag=c"), 481, "replaces_refused", None),
        (request("INVITE", "Contact: *"), 400, "no_contact", None),
        (request("INVITE").replace(b"INVITE sip:alice@192.0.2.1", b"INVITE tel:+7495"), 416, "unsupported_scheme", None),
        (request("INVITE", "CSeq: 1 BYE"), 400, "malformed", None),
        (request("INVITE").replace(b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia"), 505, "malformed", None),
        (request("OPTIONS", "X-Long: " + "x" * 70_000), 513, "oversized", None),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_served_gets_its_refusal_and_is_counted(
    data: bytes, status: int, counter: str, header: tuple[str, str] | None
) -> None:
    ua = agent()
    (response,) = ask(ua, data)
    assert response.status == status
    assert response.to_tag
    if header is not None:
        assert response.get(header[0]) == header[1]
    assert ua.counters == {counter: 1}
    assert ua.take_events() == []
    assert ua.calls == []


@pytest.mark.parametrize(
    ("data", "counter"),
    [
        (b"garbage", "malformed"),
        (b"\x00\xff" * 100, "malformed"),
        (request("INVITE")[:60], "malformed"),
        (request("ACK"), "stray_ack"),
        (request("ACK", to=";tag=x"), "stray_ack"),
        (b"SIP/2.0 200 OK\r\n" + request("INVITE").partition(b"\r\n")[2], "foreign_via"),
    ],
)
def test_what_cannot_be_answered_is_dropped_and_counted(data: bytes, counter: str) -> None:
    ua = agent()
    assert ask(ua, data) == []
    assert ua.counters == {counter: 1}
    assert ua.take_events() == []
    assert ua.next_deadline() is None


def test_a_stranger_does_not_make_us_call_even_when_calls_may_be_transferred() -> None:
    ua = agent(referable=True)
    (response,) = ask(ua, request("REFER", "Refer-To: <sip:102@pbx>"))
    assert (response.status, ua.counters, ua.take_events()) == (603, {"refers_refused": 1}, [])


def test_options_outside_a_dialog_is_answered_with_what_we_can() -> None:
    (response,) = ask(agent(), request("OPTIONS"))
    assert response.status == 200
    assert response.get("Allow") == ALLOW
    assert response.get("Accept") == "application/sdp"
    assert response.get("Supported") == ", ".join(sorted(SUPPORTED))


def test_options_without_hops_left_is_answered_all_the_same() -> None:
    (response,) = ask(agent(), request("OPTIONS", "Max-Forwards: 0"))
    assert response.status == 200  # §11: that is how a path is traced


def test_a_merged_request_gets_482() -> None:
    ua = agent()
    ask(ua, request("INVITE"))
    (response,) = ask(ua, request("INVITE", branch="z9hG4bKother"))
    assert response.status == 482
    assert len(ua.calls) == 1


def test_methods_that_the_user_asked_for_are_told() -> None:
    ua = agent(methods=["REGISTER"])
    ua.receive(request("REGISTER"), BOB, 0.0)
    (event,) = ua.take_events()
    assert isinstance(event, RequestReceived)
    assert event.flow == BOB
    event.transaction.respond(event.request.reply(200), 0.0)
    assert [response.status for response in answers(ua)] == [200]
    (options,) = ask(ua, request("OPTIONS", branch="z9hG4bKy"))
    assert options.get("Allow") == f"{ALLOW}, REGISTER"


def test_more_calls_than_the_limit_are_refused_with_retry_after() -> None:
    ua = agent(max_calls=1)
    ask(ua, request("INVITE"))
    (response,) = ask(ua, request("INVITE", "Call-ID: second", branch="z9hG4bKy"))
    assert (response.status, response.get("Retry-After")) == (503, "10")
    assert ua.counters == {"calls_refused": 1}
    assert len(ua.calls) == 1


def test_a_publish_is_for_the_pbx_and_gets_405() -> None:
    ua = agent()
    (response,) = ask(ua, request("PUBLISH", "Event: presence"))
    assert (response.status, "PUBLISH" in (response.get("Allow") or "")) == (405, False)
