"""The user agent: what the user asks of it, and that nothing a peer sends raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import LocalProtocolError
from sip.events import CallEnded, CallReceived
from sip.headers import ReplacesHeader
from tests.sip.pair import OFFER, bob_uri, dial, make_pair, talk
from tests.sip.strangers import BOB, agent, request


@given(st.lists(st.binary(max_size=40), max_size=4), st.integers(0, 400))
def test_receive_never_raises(noise: list[bytes], at: int) -> None:
    ua = agent()
    whole = request("INVITE", "Replaces: a;to-tag=b;from-tag=c", "Reason: SIP;cause=x", "Route: <sip:x;lr>")
    for number, piece in enumerate(noise):
        place = min(at + 31 * number, len(whole))
        ua.receive(whole[:place] + piece + whole[place:], BOB, 0.0)
        ua.receive(piece, BOB, 0.0)
        ua.receive(whole[:place], BOB, 0.0)
        ua.receive(b"SIP/2.0 200 " + whole[place:], BOB, 0.0)
    ua.take_output()
    assert ua.counters["unforeseen"] == 0
    assert all(isinstance(event, (CallReceived, CallEnded)) for event in ua.take_events())


def test_the_contact_of_a_registered_account_stands_in_its_calls() -> None:
    pair = make_pair()
    registration = pair.alice.agent.register(pair.alice.account, 0.0, contact_user="kept")
    call = dial(pair)
    assert call.contact == registration.contact
    assert registration.contact.user == "kept"


def test_replaces_is_sent_exposed_and_finds_the_call_it_means() -> None:
    pair = make_pair()
    _, theirs = talk(pair)
    replaces = ReplacesHeader(theirs.id, theirs.local_tag, theirs.remote_tag)
    pair.alice.agent.invite(pair.alice.account, bob_uri(), OFFER, pair.now, replaces=replaces)
    pair.advance(0.1)
    second = pair.bob.call()
    assert second.replaces == replaces
    assert pair.requests("INVITE")[1].get("Require") == "replaces"
    assert pair.bob.agent.find_replaced(replaces) is theirs
    assert pair.bob.agent.find_replaced(replaces._replace(from_tag="other")) is None
    assert pair.bob.agent.find_replaced(replaces._replace(to_tag="other")) is None
    assert pair.bob.agent.find_call(theirs.id, theirs.local_tag) is theirs


def test_headers_and_call_id_of_the_users_choice_are_sent() -> None:
    pair = make_pair()
    pair.alice.agent.invite(
        pair.alice.account, bob_uri(), OFFER, 0.0, headers=[("X-Deal", "7")], call_id="chosen", owner="me"
    )
    pair.flush()
    invite = pair.requests("INVITE")[0]
    assert (invite.get("X-Deal"), invite.call_id) == ("7", "chosen")
    assert pair.alice.agent.calls[0].owner == "me"


def test_an_injected_header_is_refused_and_nothing_is_sent() -> None:
    pair = make_pair()
    with pytest.raises(LocalProtocolError):
        pair.alice.agent.invite(pair.alice.account, bob_uri(), OFFER, 0.0, headers=[("X", "a\r\nVia: b")])
    assert pair.alice.agent.take_output() == []
    assert pair.alice.is_quiet()
