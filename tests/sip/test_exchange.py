"""Digest retries of requests in and out of dialogs (RFC 3261 §22), and what stands for an answer when nobody gives one (§8.1.3.1)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sip.events import CallAnswered, CallEnded, EndCause, ProbeFailed
from sip.exchange import Exchange
from sip.fields import Value
from sip.message import Request, Response
from sip.transactions.layer import TransactionLayer
from tests.sip.pair import ANSWER, OFFER, Pair, bob_uri, dial, make_pair, talk


def challenge(
    nonce: str = "n1", *, realm: str = "bob", stale: bool = False, qop: str = "auth"
) -> tuple[str, Value]:
    parts = f'Digest realm="{realm}", nonce="{nonce}", qop="{qop}"'
    return "WWW-Authenticate", parts + (", stale=true" if stale else "")


def answer(pair: Pair, request: Request, status: int, *headers: tuple[str, Value], body: bytes = b"") -> None:
    """Bob's side by hand: a response to a request of Alice's that was sent."""
    fields = [*headers, ("Contact", "<sip:bob@192.0.2.2:5060>")]
    if body:
        fields.append(("Content-Type", "application/sdp"))
    pair.inject(request.reply(status, to_tag="bob", headers=fields, body=body).to_bytes(), pair.alice)
    pair.flush()


def alone() -> Pair:
    """Alice, and a Bob who hears nothing: the test answers for him."""
    pair = make_pair()
    pair.drop("*", 10_000, "alice")
    return pair


@pytest.mark.parametrize(("status", "asked", "given"), [(401, "WWW-", ""), (407, "Proxy-", "Proxy-")])
def test_an_invite_is_sent_again_with_credentials_a_new_cseq_and_a_new_branch(
    status: int, asked: str, given: str
) -> None:
    pair = alone()
    mine = dial(pair)
    pair.flush()
    name, value = challenge()
    answer(pair, pair.requests("INVITE")[0], status, (name.replace("WWW-", asked), value))
    first, second = pair.requests("INVITE")
    assert (second.cseq.number, second.call_id, second.from_tag) == (2, first.call_id, first.from_tag)
    assert second.branch != first.branch
    assert second.to_tag is None
    assert second.body == OFFER
    authorization = second.get(f"{given}Authorization")
    assert authorization is not None
    assert 'username="alice"' in authorization
    answer(pair, second, 200, body=ANSWER)
    mine.acknowledge(pair.now)
    pair.flush()
    ack = pair.requests("ACK")[-1]
    assert (ack.cseq.number, ack.get(f"{given}Authorization")) == (2, authorization), "§13.2.2.4"


def test_two_realms_may_ask_one_after_the_other() -> None:
    pair = alone()
    dial(pair)
    pair.flush()
    answer(pair, pair.requests("INVITE")[0], 407, ("Proxy-Authenticate", challenge(realm="proxy")[1]))
    answer(pair, pair.requests("INVITE")[1], 401, challenge(realm="bob"))
    third = pair.requests("INVITE")[2]
    assert 'realm="proxy"' in (third.get("Proxy-Authorization") or "")
    assert 'realm="bob"' in (third.get("Authorization") or "")


def test_a_wrong_password_is_tried_once() -> None:
    pair = alone()
    dial(pair)
    pair.flush()
    answer(pair, pair.requests("INVITE")[0], 401, challenge("n1"))
    answer(pair, pair.requests("INVITE")[1], 401, challenge("n2"))
    assert len(pair.requests("INVITE")) == 2
    ended = pair.alice.last(CallEnded)
    assert (ended.by, ended.status, ended.cause) == ("them", 401, EndCause.UNAUTHORIZED)
    assert pair.alice.agent.counters["credentials_refused"] == 1


def test_a_server_that_calls_every_nonce_stale_is_given_up() -> None:
    pair = alone()
    dial(pair)
    pair.flush()
    for number in range(10):
        answer(pair, pair.requests("INVITE")[-1], 401, challenge(f"n{number}", stale=True))
    assert len(pair.requests("INVITE")) == 5
    assert pair.alice.last(CallEnded).cause == EndCause.UNAUTHORIZED


@pytest.mark.parametrize(
    "header", [("WWW-Authenticate", "Bearer x"), ("X", "no challenge"), challenge(qop="auth-conf")]
)
def test_a_challenge_that_is_beyond_us_is_the_answer(header: tuple[str, Value]) -> None:
    pair = alone()
    dial(pair)
    pair.flush()
    answer(pair, pair.requests("INVITE")[0], 401, header)
    assert pair.alice.last(CallEnded).status == 401


def test_an_account_without_a_username_does_not_answer() -> None:
    pair = alone()
    pair.alice.agent.invite(replace(pair.alice.account, username=""), bob_uri(), OFFER, 0.0)
    pair.flush()
    answer(pair, pair.requests("INVITE")[0], 401, challenge())
    assert len(pair.requests("INVITE")) == 1


def test_a_challenge_after_cancel_ends_the_call_and_is_not_answered() -> None:
    pair = alone()
    mine = dial(pair)
    pair.flush()
    answer(pair, pair.requests("INVITE")[0], 100)
    mine.cancel(pair.now)
    answer(pair, pair.requests("INVITE")[0], 401, challenge())
    assert len(pair.requests("INVITE")) == 1
    assert (pair.alice.last(CallEnded).by, mine.state) == ("us", "ended")


def test_cancel_after_a_challenge_waits_for_a_1xx_of_the_new_invite() -> None:
    pair = alone()
    mine = dial(pair)
    pair.flush()
    answer(pair, pair.requests("INVITE")[0], 100)
    answer(pair, pair.requests("INVITE")[0], 401, challenge())
    mine.cancel(pair.now)
    pair.flush()
    assert "CANCEL" not in pair.names()
    answer(pair, pair.requests("INVITE")[1], 180)
    assert pair.requests("CANCEL")[0].branch == pair.requests("INVITE")[1].branch


def test_requests_in_a_dialog_are_authorized_too_and_the_next_ones_at_once() -> None:
    pair = make_pair()
    mine, _ = talk(pair)
    pair.drop("*", 10_000, "alice")
    mine.options(pair.now)
    pair.flush()
    answer(pair, pair.requests("OPTIONS")[0], 401, challenge())
    again = pair.requests("OPTIONS")[1]
    assert again.cseq.number == pair.requests("OPTIONS")[0].cseq.number + 1
    assert again.get("Authorization")
    answer(pair, again, 200)
    mine.bye(pair.now)
    pair.flush()
    bye = pair.requests("BYE")[0]
    assert "nc=00000002" in (bye.get("Authorization") or "")
    assert bye.cseq.number == again.cseq.number + 1


def test_a_bye_that_is_challenged_without_an_account_still_ends_the_call() -> None:
    pair = make_pair()
    _, theirs = talk(pair)
    assert theirs.account is None
    pair.drop("*", 10_000, "bob")
    theirs.bye(pair.now)
    pair.flush()
    bye = pair.requests("BYE")[0]
    pair.inject(bye.reply(401, headers=[challenge()]).to_bytes(), pair.bob)
    pair.flush()
    assert (pair.bob.last(CallEnded).by, pair.bob.last(CallEnded).status) == ("us", 401)


def test_nobodys_answer_is_told_as_unheard() -> None:
    pair = make_pair()
    mine, _ = talk(pair)
    pair.drop("*", 10_000)
    mine.options(pair.now)
    pair.advance(33)
    assert pair.alice.last(ProbeFailed) == ProbeFailed(mine, None, "Request Timeout")
    assert mine.state == "confirmed"


def test_auto_goes_over_udp_when_the_peer_has_no_tcp() -> None:
    pair = make_pair(transport="auto")
    mine = pair.alice.agent.invite(pair.alice.account, bob_uri(), OFFER * 20, 0.0)
    (transmit,) = pair.alice.agent.take_output()
    assert transmit.flow.transport == "tcp"
    pair.alice.agent.transport_lost(transmit.flow, 0.0)
    (transmit,) = pair.alice.agent.take_output()
    assert transmit.flow.transport == "udp"
    assert mine.state == "calling"
    pair.alice.agent.handle_timer(40.0)
    pair.flush()
    assert pair.alice.last(CallEnded).cause == EndCause.NO_ANSWER
    assert not pair.alice.heard(CallAnswered)


def test_an_exchange_is_born_silent() -> None:
    pair = make_pair()
    call = dial(pair)
    pair.flush()
    before = len(pair.sent)
    heard: list[Response] = []
    Exchange(call.core, call.request, call.flow, call.account, lambda: 1, lambda e, r, n: heard.append(r))
    pair.flush()
    assert isinstance(call.core.layer, TransactionLayer)
    assert (len(pair.sent), heard) == (before, [])
