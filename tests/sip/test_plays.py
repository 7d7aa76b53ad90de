"""Alice and Bob play the call flows of RFC 3665, and what a bad wire makes of them.

Every play ends with both parties quiet: no call, no transaction, no deadline is left.
"""

from __future__ import annotations

import pytest

from sip.account import Transport
from sip.errors import LocalProtocolError
from sip.events import (
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallProceeding,
    CallReceived,
    EndCause,
)
from sip.headers import Reason
from tests.sip.pair import (
    ANSWER,
    OFFER,
    answers_itself,
    assert_ended,
    dial,
    make_pair,
    talk,
)


@pytest.mark.parametrize("transport", ["udp", "tcp", "auto"])
def test_a_call_is_rung_answered_talked_and_hung_up_by_the_caller(transport: Transport) -> None:
    pair = make_pair(transport=transport)
    mine, theirs = talk(pair)
    assert (mine.local_sdp, mine.remote_sdp) == (OFFER, ANSWER)
    assert (theirs.local_sdp, theirs.remote_sdp) == (ANSWER, OFFER)
    assert (mine.local_tag, mine.remote_tag) == (theirs.remote_tag, theirs.local_tag)
    mine.bye(pair.now, [Reason("Q.850", 16)])
    hers, his = assert_ended(pair, "us", EndCause.HUNG_UP)
    assert hers.status == 200
    assert (his.by, his.cause, his.reasons) == ("them", EndCause.HUNG_UP, (Reason("Q.850", 16),))
    assert [name for _, name in pair.story if name.isupper() or name[0].isdigit()] == [
        "INVITE", "100 INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE",
    ]  # fmt: skip


def test_the_callee_hangs_up() -> None:
    pair = make_pair()
    _, theirs = talk(pair)
    theirs.bye(pair.now)
    hers, his = assert_ended(pair, "them", EndCause.HUNG_UP)
    assert (his.by, his.status) == ("us", 200)
    assert hers.status is None


def test_both_hang_up_at_once_and_each_ends_once() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    mine.bye(pair.now)
    theirs.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)
    assert pair.bob.last(CallEnded).by == "us"
    assert pair.names().count("BYE") == 2


def test_a_rejected_call_ends_with_status_phrase_and_reasons() -> None:
    pair = make_pair()
    dial(pair)
    pair.advance(0.1)
    pair.bob.call().reject(486, pair.now, headers=[("Reason", Reason("Q.850", 17))])
    hers, his = assert_ended(pair, "them", EndCause.REFUSED)
    assert (hers.status, hers.reasons) == (486, (Reason("Q.850", 17),))
    assert (his.by, his.cause, his.status) == ("us", EndCause.REJECTED, 486)
    assert pair.names().count("ACK") == 1


def test_a_redirection_is_not_followed() -> None:
    pair = make_pair()
    dial(pair)
    pair.advance(0.1)
    pair.bob.call().reject(302, pair.now, headers=[("Contact", "<sip:carol@192.0.2.9>")])
    hers, _ = assert_ended(pair, "them", EndCause.REDIRECTED)
    assert hers.status == 302
    assert pair.names().count("INVITE") == 1


def test_early_media_comes_with_183_and_later_ringing_has_none() -> None:
    pair = make_pair()
    mine = dial(pair)
    pair.advance(0.1)
    theirs = pair.bob.call()
    theirs.ring(pair.now, ANSWER, status=183)
    pair.advance(0.1)
    theirs.ring(pair.now)
    pair.advance(0.1)
    assert [(event.status, event.sdp) for event in pair.alice.heard(CallProceeding)] == [
        (183, ANSWER),
        (180, None),
    ]
    assert pair.alice.last(CallProceeding).tag == theirs.local_tag
    mine.cancel(pair.now)
    assert_ended(pair, "us", EndCause.CANCELLED)


def test_an_invite_without_an_offer_is_answered_in_the_ack() -> None:
    pair = make_pair()
    mine = dial(pair, None)
    pair.advance(0.1)
    theirs = pair.bob.call()
    assert pair.bob.last(CallReceived).call.remote_sdp is None
    theirs.accept(OFFER, pair.now)
    pair.advance(0.1)
    assert pair.alice.last(CallAnswered).sdp == OFFER
    with pytest.raises(LocalProtocolError):
        mine.acknowledge(pair.now)  # §13.2.2.4: the answer is due
    mine.acknowledge(pair.now, ANSWER)
    pair.advance(0.1)
    assert pair.bob.last(CallConfirmed).sdp == ANSWER
    assert (theirs.remote_sdp, mine.local_sdp) == (ANSWER, ANSWER)
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)


@pytest.mark.parametrize(
    "name", ["INVITE", "100 INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"]
)
def test_each_message_may_be_lost_once(name: str) -> None:
    pair = make_pair()
    answers_itself(pair.alice, "caller")
    answers_itself(pair.bob, "callee")
    pair.drop(name)
    mine = dial(pair)
    pair.advance(10)
    assert mine.state == "confirmed", pair.story
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)
    assert len(pair.bob.heard(CallReceived)) == 1


@pytest.mark.parametrize("name", ["INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"])
def test_each_message_may_come_twice(name: str) -> None:
    pair = make_pair()
    answers_itself(pair.alice, "caller")
    answers_itself(pair.bob, "callee")
    pair.duplicate(name)
    mine = dial(pair)
    pair.advance(10)
    assert mine.state == "confirmed", pair.story
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)
    for party in (pair.alice, pair.bob):
        assert len(party.heard(CallEnded)) == 1
    assert len(pair.alice.heard(CallAnswered)) == len(pair.bob.heard(CallConfirmed)) == 1


def test_a_180_that_comes_after_the_200_says_nothing_any_more() -> None:
    pair = make_pair()
    answers_itself(pair.alice, "caller")
    answers_itself(pair.bob, "callee")
    pair.delay("180 INVITE", 0.2)
    mine = dial(pair)
    pair.advance(1)
    assert mine.state == "confirmed"
    assert not pair.alice.heard(CallProceeding)
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)


def test_a_bye_that_overtakes_its_ack_ends_the_call_once() -> None:
    pair = make_pair()
    answers_itself(pair.alice, "caller")
    answers_itself(pair.bob, "callee")
    pair.delay("ACK", 0.3)
    mine = dial(pair)
    pair.advance(0.15)
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)
    assert pair.bob.agent.counters["stray_ack"] == 1


def test_a_dead_peer_ends_the_call_with_no_answer_after_timer_b() -> None:
    pair = make_pair()
    pair.drop("*", 10_000)
    dial(pair)
    pair.advance(31)
    assert not pair.alice.heard(CallEnded)
    hers, _ = assert_ended(pair, "nobody", EndCause.NO_ANSWER)
    assert hers.status is None
    assert pair.names().count("INVITE") == 7


def test_a_bye_that_nobody_answers_ends_the_call_after_timer_f() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    pair.drop("*", 10_000)
    mine.bye(pair.now)
    pair.advance(33)
    assert pair.alice.last(CallEnded).status == 408
    assert pair.alice.is_quiet()
    assert theirs.state == "confirmed"


def test_a_lost_connection_fails_an_unanswered_invite_and_not_a_confirmed_call() -> None:
    pair = make_pair(transport="tcp")
    mine, _ = talk(pair)
    second = dial(pair)
    pair.flush()
    pair.alice.agent.transport_lost(second.flow, pair.now)
    pair.flush()
    ended = pair.alice.last(CallEnded)
    assert (ended.call, ended.by, ended.cause) == (second, "nobody", EndCause.TRANSPORT_LOST)
    pair.advance(1)
    mine.bye(pair.now)
    pair.advance(1)
    assert mine.state == "ended"
    assert pair.bob.agent.counters["unforeseen"] == 0
