"""Whom a message is for: the call, the line, the exchange, or nobody."""

from __future__ import annotations

from sip.events import CallReceived
from tests.sip.pair import Pair, make_pair, talk
from tests.sip.strangers import BOB, agent, request


def talking_pair() -> tuple[Pair, bytes]:
    """A pair in a confirmed call, and an in-dialog request of Alice's with @METHOD@, @CSEQ@ in it."""
    pair = make_pair()
    mine, _ = talk(pair)
    assert mine.dialog is not None
    made = mine.dialog.request("OPTIONS", cseq=900).prepend(
        "Via", "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKhand"
    )
    return pair, made.to_bytes()


def test_in_dialog_options_is_answered() -> None:
    pair, _ = talking_pair()
    pair.alice.agent.calls[0].options(pair.now)
    pair.advance(0.1)
    assert pair.names()[-2:] == ["OPTIONS", "200 OPTIONS"]
    assert pair.story[-1] == ("alice", "DialogRefreshed")


def test_a_request_with_a_lower_cseq_gets_500() -> None:
    pair, options = talking_pair()
    pair.inject(options, pair.bob)
    pair.inject(options.replace(b"900", b"899").replace(b"hand", b"hand2"), pair.bob)
    pair.flush()
    assert pair.names(pair.bob)[-2:] == ["200 OPTIONS", "500 OPTIONS"]
    assert pair.bob.agent.counters["cseq_too_low"] == 1


def test_a_request_with_a_strange_from_tag_gets_481() -> None:
    pair, options = talking_pair()
    tag = pair.alice.agent.calls[0].local_tag.encode()
    pair.inject(options.replace(tag, b"forged"), pair.bob)
    pair.flush()
    assert pair.names(pair.bob)[-1] == "481 OPTIONS"
    assert len(pair.bob.agent.calls) == 1


def test_known_methods_that_are_not_served_in_a_dialog_get_405() -> None:
    for method in (b"MESSAGE", b"PUBLISH"):
        pair, options = talking_pair()
        pair.inject(options.replace(b"OPTIONS", method), pair.bob)
        pair.flush()
        assert pair.names(pair.bob)[-1] == f"405 {method.decode()}"
        assert "MESSAGE" not in (pair.responses(f"405 {method.decode()}")[0].get("Allow") or "")


def test_unknown_methods_in_a_dialog_get_501_with_allow() -> None:
    pair, options = talking_pair()
    pair.inject(options.replace(b"OPTIONS", b"DANCE"), pair.bob)
    pair.flush()
    assert pair.names(pair.bob)[-1] == "501 DANCE"
    assert "BYE" in (pair.responses("501 DANCE")[0].get("Allow") or "")
    assert len(pair.bob.agent.calls) == 1


def test_a_forged_ack_is_a_stray() -> None:
    pair, options = talking_pair()
    tag = pair.alice.agent.calls[0].local_tag.encode()
    pair.inject(options.replace(b"OPTIONS", b"ACK").replace(tag, b"forged"), pair.bob)
    assert pair.bob.agent.counters["stray_ack"] == 1


def test_an_invite_for_our_contact_belongs_to_the_line() -> None:
    ua = agent()
    pair = make_pair()
    registration = ua.register(pair.alice.account, 0.0, owner="line 101")
    ua.take_output()
    user = registration.contact.user
    assert user is not None
    assert len(user) >= 32
    ua.receive(
        request("INVITE").replace(b"sip:alice@192.0.2.1 SIP", f"sip:{user}@192.0.2.1 SIP".encode()), BOB, 0.0
    )
    (event,) = ua.take_events()
    assert isinstance(event, CallReceived)
    assert (event.call.owner, event.call.contact) == ("line 101", registration.contact)
    ua.receive(request("INVITE", "Call-ID: two", branch="z9hG4bKy"), BOB, 0.0)
    (event,) = ua.take_events()
    assert isinstance(event, CallReceived)
    assert event.call.owner is None
