"""INFO and NOTIFY hold/talk inside a call, both ways (RFC 6086, RFC 6665 §8.2)."""

from __future__ import annotations

import pytest

from sip.calls.inside_events import ControlAnswered, DigitReceived, InfoAnswered, RemoteControlRequested
from sip.dtmf import RELAY, relay
from sip.errors import LocalProtocolError
from sip.events import CallEnded
from tests.sip.calls.test_refer_in import by_hand
from tests.sip.pair import OFFER, Pair, answers_itself, dial, make_pair, rings, talk


def inform(pair: Pair, body: bytes, *headers: tuple[str, str]) -> str:
    """Alice's INFO by hand; Bob's answer."""
    (call,) = pair.alice.agent.calls
    request = call.established().request("INFO", headers=headers, body=body)
    via = f"SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKinfo{request.cseq.number}"
    pair.inject(request.prepend("Via", via).to_bytes(), pair.bob)
    pair.flush()
    return pair.names(pair.bob)[-1]


def talking() -> Pair:
    pair = make_pair()
    talk(pair)
    return pair


# INFO


def test_digits_are_told_to_the_peer_and_its_answer_to_us() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    mine.info(RELAY, relay("5", 200), pair.now)
    pair.advance(0.1)
    assert pair.bob.last(DigitReceived) == DigitReceived(theirs, "5", 200)
    assert pair.alice.last(InfoAnswered) == InfoAnswered(mine, RELAY, relay("5", 200), 200, "OK")


def test_a_bare_digit_is_told() -> None:
    pair = talking()
    assert inform(pair, b"#", ("Content-Type", "Application/DTMF;x=1")) == "200 INFO"
    assert pair.bob.last(DigitReceived).digit == "#"


@pytest.mark.parametrize(
    ("body", "headers", "answer", "header"),
    [
        (b"", [], "200 INFO", None),
        (b"Signal=x", [("Content-Type", RELAY)], "400 INFO", None),
        (
            b"<xml/>",
            [("Content-Type", "application/media_control+xml")],
            "415 INFO",
            ("Accept", "application/dtmf-relay, application/dtmf"),
        ),
        (b"5", [], "415 INFO", None),
        (b"5", [("Info-Package", "foo"), ("Content-Type", RELAY)], "469 INFO", ("Recv-Info", "")),
        (b"Signal=5" + b"\r\n" * 600, [("Content-Type", RELAY)], "413 INFO", None),
    ],
)
def test_other_infos_are_answered_as_rfc_6086_asks(
    body: bytes, headers: list[tuple[str, str]], answer: str, header: tuple[str, str] | None
) -> None:
    pair = talking()
    assert inform(pair, body, *headers) == answer
    assert not pair.bob.heard(DigitReceived)
    if header is not None:
        assert pair.responses(answer)[0].get(header[0]) == header[1]


def test_a_peer_that_refuses_an_info_is_told_of_and_the_call_goes_on() -> None:
    pair = make_pair()
    mine, _ = talk(pair)
    mine.info("text/plain", b"hello", pair.now)
    pair.advance(0.1)
    assert pair.alice.last(InfoAnswered).status == 415
    assert mine.state == "confirmed"


def test_an_info_that_nobody_answers_is_told_without_a_status() -> None:
    pair = make_pair()
    mine, _ = talk(pair)
    pair.drop("INFO", 20)
    mine.info(RELAY, relay("5"), pair.now)
    pair.advance(40)
    assert pair.alice.last(InfoAnswered).status is None
    assert mine.state == "confirmed"


def test_481_to_an_info_ends_the_call_rfc6086_4_2_1() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    pair.bob.agent = pair.bob.new_agent()
    mine.info(RELAY, relay("5"), pair.now)
    pair.advance(0.1)
    assert pair.alice.last(InfoAnswered).status == 481
    assert pair.alice.last(CallEnded).cause == "gone"
    assert theirs.state == "confirmed"


def test_an_answer_that_comes_after_the_end_is_told_to_nobody() -> None:
    pair = make_pair()
    mine, _ = talk(pair)
    pair.delay("INFO", 3.0)
    mine.info(RELAY, relay("5"), pair.now)
    mine.bye(pair.now)
    pair.advance(40)
    assert pair.alice.events[-1].__class__ is CallEnded
    assert not pair.alice.heard(InfoAnswered)


def test_while_the_call_ends_no_digit_is_told() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    pair.drop("BYE", 20)
    theirs.bye(pair.now)
    mine.info(RELAY, relay("5"), pair.now)
    pair.advance(0.1)
    assert pair.names(pair.bob)[-1] == "481 INFO"
    assert not pair.bob.heard(DigitReceived)


# NOTIFY hold and talk


@pytest.mark.parametrize("action", ["hold", "talk"])
def test_a_phone_is_told_to_hold_and_to_talk(action: str) -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    mine.notify_control(action, pair.now)  # type: ignore[arg-type]
    pair.advance(0.1)
    (request,) = pair.requests("NOTIFY")
    assert (request.get("Event"), request.get("Subscription-State")) == (action, "active")
    assert pair.bob.last(RemoteControlRequested) == RemoteControlRequested(theirs, action)  # type: ignore[arg-type]
    answered = pair.alice.last(ControlAnswered)
    assert (answered.action, answered.status) == (action, 200)


def test_a_phone_says_that_it_can_be_told() -> None:
    pair = talking()
    for request in (pair.requests("INVITE")[0], pair.responses("200 INVITE")[0]):
        assert request.get("Allow-Events") == "hold, talk, refer"


def test_talk_to_a_phone_that_rings_is_told() -> None:
    pair = make_pair()
    mine = rings(pair)
    dialog = mine.dialog_with(pair.bob.call().local_tag)
    assert dialog is not None
    request = dialog.request("NOTIFY", contact="<sip:alice@192.0.2.1>", headers=[("Event", "talk")])
    pair.inject(
        request.prepend("Via", "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKt").to_bytes(), pair.bob
    )
    pair.flush()
    assert pair.names(pair.bob)[-1] == "200 NOTIFY"
    assert pair.bob.last(RemoteControlRequested).action == "talk"


@pytest.mark.parametrize(
    ("event", "answer"),
    [("message-summary", "489 NOTIFY"), ("", "489 NOTIFY"), ("refer", "481 NOTIFY"), ("refer;id=1", "481 NOTIFY"), ("hold;x=1", "200 NOTIFY"), ("TALK", "200 NOTIFY")],
)  # fmt: skip
def test_other_events_are_refused_by_name(event: str, answer: str) -> None:
    pair = talking()
    assert by_hand(pair, "NOTIFY", ("Event", event), ("Subscription-State", "active")) == answer
    if answer.startswith("489"):
        assert pair.responses(answer)[0].get("Allow-Events") == "hold, talk, refer"
        assert pair.bob.agent.counters["bad_event"] == 1


def test_a_phone_that_knows_no_such_thing_is_told_of() -> None:
    pair = make_pair()
    mine, _ = talk(pair)
    pair.bob.agent = pair.bob.new_agent()  # 481: it knows no such call, nor such a subscription
    mine.notify_control("hold", pair.now)
    pair.advance(0.1)
    assert pair.alice.last(ControlAnswered).status == 481
    assert mine.state == "confirmed"


def test_while_the_call_ends_nobody_is_told_to_hold() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    pair.drop("BYE", 20)
    theirs.bye(pair.now)
    mine.notify_control("hold", pair.now)
    pair.advance(0.1)
    assert not pair.bob.heard(RemoteControlRequested)
    assert pair.names(pair.bob)[-1] == "489 NOTIFY"


def test_commands_need_a_confirmed_call() -> None:
    pair = make_pair()
    mine = rings(pair)
    with pytest.raises(LocalProtocolError):
        mine.info(RELAY, b"", pair.now)
    with pytest.raises(LocalProtocolError):
        mine.notify_control("hold", pair.now)
    assert not pair.requests("INFO")
    assert not pair.requests("NOTIFY")


def test_a_refer_while_the_call_only_rings_may_come_again_later() -> None:
    pair = make_pair()
    mine = rings(pair)
    dialog = mine.dialog_with(pair.bob.call().local_tag)
    assert dialog is not None
    request = dialog.request("REFER", contact="<sip:alice@192.0.2.1>", headers=[("Refer-To", "<sip:1@a>")])
    pair.inject(
        request.prepend("Via", "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKt").to_bytes(), pair.bob
    )
    pair.flush()
    assert pair.names(pair.bob)[-1] == "500 REFER"
    assert pair.responses("500 REFER")[0].integer("Retry-After") is not None


def test_what_the_invite_says_beside_its_session_is_at_hand() -> None:
    pair = make_pair()
    answers_itself(pair.bob, "callee")
    mine = pair.alice.agent.invite(
        pair.alice.account, dial(pair, OFFER).request_uri, OFFER, pair.now, headers=[("Answer-Mode", "Auto")]
    )
    pair.advance(0.1)
    assert mine.invitation.answer_after == pair.bob.call().invitation.answer_after == 0.0
