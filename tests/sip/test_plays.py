"""Alice and Bob play the call flows of RFC 3261 and RFC 3665, and what a bad wire makes of them.

Every play ends with both parties quiet: no call, no transaction, no deadline is left.
"""

from __future__ import annotations

import pytest

from sip.account import Transport
from sip.call import Call
from sip.errors import LocalProtocolError
from sip.events import (
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallProceeding,
    CallReceived,
    DialogRefreshed,
    EndCause,
    OfferAccepted,
    OfferReceived,
    OfferRefused,
    TargetChanged,
)
from sip.headers import Reason
from sip.uri import Uri
from tests.sip.pair import (
    ANSWER,
    HOLD,
    OFFER,
    Pair,
    answers_itself,
    dial,
    make_pair,
    rings,
    talk,
)


def assert_both_quiet(pair: Pair) -> None:
    pair.settle()
    for party in (pair.alice, pair.bob):
        assert party.is_quiet(), (party.name, party.agent.calls, party.agent.transaction_count, pair.story)


def assert_ended(pair: Pair, by: str, cause: str) -> tuple[CallEnded, CallEnded]:
    """Both calls ended exactly once; `by` and `cause` are Alice's."""
    assert_both_quiet(pair)
    hers, his = pair.alice.heard(CallEnded), pair.bob.heard(CallEnded)
    assert len(hers) == len(pair.alice.heard(CallEnded)) == 1, pair.story
    assert len(his) <= 1, pair.story
    assert (hers[0].by, hers[0].cause) == (by, cause), pair.story
    return hers[0], his[0] if his else hers[0]


# A whole call (RFC 3665 §3.1).


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


# CANCEL (RFC 3261 §9).


def test_cancel_while_it_rings_ends_both_with_487() -> None:
    pair = make_pair()
    mine = rings(pair)
    reasons = [Reason("SIP", 200, "Call completed elsewhere"), Reason("Q.850", 26)]
    mine.cancel(pair.now, reasons)
    mine.cancel(pair.now)
    hers, his = assert_ended(pair, "us", EndCause.CANCELLED)
    assert hers.status == 487
    assert (his.by, his.cause, his.reasons) == ("them", EndCause.CANCELLED, tuple(reasons))
    assert pair.names().count("CANCEL") == 1


def test_cancel_MUST_NOT_leave_before_a_provisional_response_came() -> None:
    pair = make_pair()
    pair.drop("100 INVITE", 1)
    mine = dial(pair)
    pair.advance(0.1)
    mine.cancel(pair.now)
    pair.advance(0.1)
    assert "CANCEL" not in pair.names()
    pair.bob.call().ring(pair.now)
    pair.advance(0.1)
    assert "CANCEL" in pair.names()
    assert_ended(pair, "us", EndCause.CANCELLED)


def test_cancel_that_crosses_the_200_ends_the_call_by_ack_and_bye() -> None:
    pair = make_pair()
    mine = rings(pair)
    pair.bob.call().accept(ANSWER, pair.now)
    pair.flush()
    mine.cancel(pair.now)
    hers, his = assert_ended(pair, "us", EndCause.CANCELLED)
    assert not pair.alice.heard(CallAnswered)
    assert [name for name in pair.names(pair.alice) if name in ("CANCEL", "ACK", "BYE")] == [
        "CANCEL",
        "ACK",
        "BYE",
    ]
    assert (his.by, his.cause) == ("them", EndCause.HUNG_UP)
    assert hers.status == 200


def test_cancel_held_back_and_answered_at_once_ends_the_call_by_ack_and_bye() -> None:
    pair = make_pair()
    pair.drop("100 INVITE")
    mine = dial(pair)
    pair.advance(0.1)
    mine.cancel(pair.now)
    pair.bob.call().accept(ANSWER, pair.now)
    assert_ended(pair, "us", EndCause.CANCELLED)
    assert "CANCEL" not in pair.names()


def test_cancel_to_a_peer_that_is_gone_is_given_up_after_64_t1() -> None:
    pair = make_pair()
    mine = rings(pair)
    pair.drop("*", 10_000)
    began = pair.now
    mine.cancel(pair.now)
    pair.advance(31.9)
    assert not pair.alice.heard(CallEnded)
    pair.advance(0.2)
    assert pair.alice.last(CallEnded).status is None
    assert pair.alice.last(CallEnded).by == "us"
    assert pair.now - began == pytest.approx(32.1)


def test_a_200_after_the_cancel_was_given_up_is_acked_and_ended() -> None:
    pair = make_pair()
    mine = rings(pair)
    pair.drop("CANCEL", 100)
    mine.cancel(pair.now)
    pair.advance(33)
    assert pair.alice.last(CallEnded).cause == EndCause.CANCELLED
    pair.bob.call().accept(ANSWER, pair.now)
    assert_both_quiet(pair)
    assert pair.alice.agent.counters["late_200_ended"] == 1
    assert pair.bob.last(CallEnded).by == "them"
    assert len(pair.alice.heard(CallEnded)) == 1


def test_a_cancel_of_nothing_gets_481() -> None:
    pair = make_pair()
    mine = rings(pair)
    cancel = (
        pair.requests("INVITE")[0].to_bytes().replace(b"INVITE", b"CANCEL").replace(b"z9hG4bK", b"z9hG4bKx")
    )
    pair.inject(cancel, pair.bob)
    pair.flush()
    assert pair.names(pair.bob)[-1] == "481 CANCEL"
    assert pair.bob.agent.counters["nothing_to_cancel"] == 1
    mine.cancel(pair.now)
    assert_ended(pair, "us", EndCause.CANCELLED)


# ACK for 2xx (§13.2.2.4, §13.3.1.4).


def test_the_ack_leaves_only_when_the_user_says_so_and_then_for_each_repeated_200() -> None:
    pair = make_pair()
    mine = rings(pair)
    pair.bob.call().accept(ANSWER, pair.now)
    pair.advance(1.0)
    assert pair.names().count("200 INVITE") == 2
    assert "ACK" not in pair.names()
    pair.drop("ACK")
    mine.acknowledge(pair.now)
    pair.advance(3.0)
    assert pair.names().count("ACK") == 2
    assert len(pair.alice.heard(CallAnswered)) == len(pair.bob.heard(CallConfirmed)) == 1
    acks = [ack.to_bytes() for ack in pair.requests("ACK")]
    assert acks[0] == acks[1]
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)


def test_a_200_is_repeated_from_t1_to_t2_until_the_ack_also_over_tcp() -> None:
    for transport in ("udp", "tcp"):
        pair = make_pair(transport=transport)
        rings(pair)
        began = pair.now
        pair.bob.call().accept(ANSWER, began)
        times = []
        for _ in range(320):
            before = pair.names().count("200 INVITE")
            pair.advance(0.1)
            times += [round(pair.now - began, 1)] * (pair.names().count("200 INVITE") - before)
        assert times[:6] == pytest.approx([0.1, 0.6, 1.6, 3.6, 7.6, 11.6], abs=0.11), transport
        assert len(times) == 11


def test_64_t1_without_an_ack_the_callee_hangs_up() -> None:
    pair = make_pair()
    mine = rings(pair)
    pair.bob.call().accept(ANSWER, pair.now)
    pair.drop("ACK", 1000)
    pair.advance(0.1)
    mine.acknowledge(pair.now)
    hers, his = assert_ended(pair, "them", EndCause.HUNG_UP)
    assert (his.by, his.cause) == ("nobody", EndCause.NOT_ACKNOWLEDGED)
    assert hers.reasons[0].cause == 408


def test_bye_of_the_callee_waits_for_the_ack() -> None:
    pair = make_pair()
    mine = rings(pair)
    theirs = pair.bob.call()
    theirs.accept(ANSWER, pair.now)
    theirs.bye(pair.now)
    theirs.bye(pair.now)
    pair.advance(0.3)
    assert "BYE" not in pair.names()
    mine.acknowledge(pair.now)
    _hers, his = assert_ended(pair, "them", EndCause.HUNG_UP)
    assert (his.by, his.cause) == ("us", EndCause.HUNG_UP)


def test_bye_of_the_caller_before_it_acknowledged_sends_the_ack_first() -> None:
    pair = make_pair()
    mine = rings(pair)
    pair.bob.call().accept(ANSWER, pair.now)
    pair.advance(0.1)
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)
    assert [name for name in pair.names(pair.alice) if name in ("ACK", "BYE")] == ["ACK", "BYE"]


def test_cancel_between_the_200_and_our_ack_hangs_up() -> None:
    pair = make_pair()
    mine = rings(pair)
    pair.bob.call().accept(ANSWER, pair.now)
    pair.advance(0.1)
    mine.cancel(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)
    assert "CANCEL" not in pair.names()


# A bad wire.


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


# Changes of a session (§14, RFC 3311).


def test_hold_and_resume_by_re_invite() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    for offer in (HOLD, OFFER):
        mine.reinvite(offer, pair.now)
        pair.advance(0.1)
        assert pair.bob.last(OfferReceived) == OfferReceived(theirs, offer, False)
        theirs.answer_offer(ANSWER, pair.now)
        pair.advance(0.1)
        assert pair.alice.last(OfferAccepted) == OfferAccepted(mine, ANSWER)
        assert (theirs.remote_sdp, mine.local_sdp) == (offer, offer)
    assert pair.names().count("ACK") == 3
    cseqs = [request.cseq.number for request in pair.requests("INVITE")]
    assert cseqs == sorted(set(cseqs))
    theirs.reinvite(HOLD, pair.now)
    pair.advance(0.1)
    mine.answer_offer(ANSWER, pair.now)
    pair.advance(0.1)
    assert pair.bob.last(OfferAccepted) == OfferAccepted(theirs, ANSWER)
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)


def test_a_refused_offer_leaves_the_session_as_it_was() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    mine.reinvite(HOLD, pair.now)
    pair.advance(0.1)
    theirs.refuse_offer(488, pair.now)
    pair.advance(0.1)
    assert pair.alice.last(OfferRefused).status == 488
    assert (mine.state, mine.local_sdp, theirs.remote_sdp) == ("confirmed", OFFER, OFFER)
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)


def test_a_re_invite_without_an_offer_asks_for_ours() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    dialog = mine.dialog
    assert dialog is not None
    request = dialog.request("INVITE", contact=f"<{mine.contact}>")
    pair.inject(request.prepend("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKhand").to_bytes(), pair.bob)
    pair.advance(0.05)
    assert pair.bob.last(OfferReceived) == OfferReceived(theirs, None, False)
    theirs.answer_offer(OFFER, pair.now)
    pair.flush()
    number = request.cseq.number
    ack = dialog.request("ACK", cseq=number, body=ANSWER, headers=[("Content-Type", "application/sdp")])
    pair.inject(ack.prepend("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKhand2").to_bytes(), pair.bob)
    pair.advance(0.05)
    assert pair.bob.last(OfferAccepted) == OfferAccepted(theirs, ANSWER)
    assert (theirs.local_sdp, theirs.remote_sdp) == (OFFER, ANSWER)
    theirs.bye(pair.now)
    assert_ended(pair, "them", EndCause.HUNG_UP)


def test_glare_is_refused_with_491_on_both_sides_waited_out_and_repeated() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    mine.reinvite(HOLD, pair.now)
    theirs.reinvite(OFFER, pair.now)
    pair.advance(0.1)
    assert pair.names().count("491 INVITE") == 2
    assert not pair.alice.heard(OfferReceived)
    assert not pair.bob.heard(OfferReceived)
    pair.advance(2.0)  # §14.1: the callee, who does not own the Call-ID, comes back first
    assert pair.alice.last(OfferReceived).sdp == OFFER
    mine.answer_offer(ANSWER, pair.now)
    pair.advance(3.0)
    assert pair.bob.last(OfferAccepted).sdp == ANSWER
    assert pair.bob.last(OfferReceived).sdp == HOLD
    theirs.answer_offer(ANSWER, pair.now)
    pair.advance(0.1)
    assert pair.alice.last(OfferAccepted).sdp == ANSWER
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)


def test_an_offer_while_ours_waits_is_taken_and_ours_goes_after_it() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    theirs.reinvite(OFFER, pair.now)
    mine.reinvite(HOLD, pair.now)
    pair.advance(2.05)
    mine.answer_offer(ANSWER, pair.now)  # ours still waits, and goes when the ACK has come
    pair.advance(0.2)
    assert pair.bob.last(OfferReceived).sdp == HOLD
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)


def test_a_peer_that_answers_491_for_ever_is_given_up() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    theirs.reinvite(OFFER, pair.now)
    pair.drop("INVITE", 1000, "bob")
    pair.flush()
    mine.reinvite(HOLD, pair.now)
    pair.advance(31)
    refused = pair.alice.heard(OfferRefused)
    assert [event.status for event in refused] == [491]
    assert pair.names().count("491 INVITE") == 6
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)


def test_a_second_offer_before_the_first_is_answered_gets_500_with_retry_after() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    mine.reinvite(HOLD, pair.now)
    pair.advance(0.1)
    assert mine.dialog is not None
    again = mine.dialog.request(
        "INVITE", contact=f"<{mine.contact}>", body=OFFER, headers=[("Content-Type", "application/sdp")]
    )
    pair.inject(again.prepend("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKhand").to_bytes(), pair.bob)
    pair.flush()
    refusal = pair.responses("500 INVITE")[0]
    assert 0 <= (refusal.integer("Retry-After") or 0) <= 10
    theirs.answer_offer(ANSWER, pair.now)
    pair.advance(0.1)
    assert pair.alice.last(OfferAccepted).sdp == ANSWER
    mine.bye(pair.now)
    assert_both_quiet(pair)


def test_a_user_may_not_offer_while_an_offer_is_unanswered() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    mine.reinvite(HOLD, pair.now)
    with pytest.raises(LocalProtocolError):
        mine.reinvite(OFFER, pair.now)
    pair.advance(0.1)
    with pytest.raises(LocalProtocolError):
        theirs.reinvite(OFFER, pair.now)
    theirs.answer_offer(ANSWER, pair.now)
    with pytest.raises(LocalProtocolError):
        theirs.answer_offer(ANSWER, pair.now)
    theirs.reinvite(HOLD, pair.now)  # kept until the ACK has come
    pair.advance(0.2)
    assert pair.alice.last(OfferReceived).sdp == HOLD
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)
    assert pair.names(pair.alice).count("487 INVITE") == 1  # §15.1.2


def test_the_ack_of_a_re_invite_may_be_lost() -> None:
    pair = make_pair()
    answers_itself(pair.bob, "callee")
    mine, theirs = talk_by_itself(pair)
    pair.drop("ACK")
    mine.reinvite(HOLD, pair.now)
    pair.advance(2)
    assert pair.names().count("ACK") == 3
    pair.drop("ACK", 1000)
    mine.reinvite(OFFER, pair.now)
    pair.advance(33)
    assert (theirs.state, pair.bob.last(CallEnded).cause) == ("ended", EndCause.NOT_ACKNOWLEDGED)
    assert_ended(pair, "them", EndCause.HUNG_UP)


def talk_by_itself(pair: Pair) -> tuple[Call, Call]:
    answers_itself(pair.alice, "caller")
    mine = dial(pair)
    pair.advance(1)
    return mine, pair.bob.call()


def test_a_cancelled_re_invite_gets_487_and_the_call_goes_on() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    mine.reinvite(HOLD, pair.now)
    pair.advance(0.1)
    invite = pair.requests("INVITE")[-1]
    cancel = (
        invite.to_bytes()
        .split(b"\r\nContent-Type")[0]
        .replace(b"INVITE sip", b"CANCEL sip")
        .replace(b" INVITE\r", b" CANCEL\r")
    )
    pair.inject(cancel + b"\r\nContent-Length: 0\r\n\r\n", pair.bob)
    pair.advance(0.1)
    assert pair.bob.last(OfferRefused).status == 487
    assert pair.alice.last(OfferRefused).status == 487
    assert (mine.state, theirs.state) == ("confirmed", "confirmed")
    with pytest.raises(LocalProtocolError):
        theirs.answer_offer(ANSWER, pair.now)
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)


def test_update_without_sdp_refreshes_the_target_both_ways() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    mine.contact = Uri("sip", "moved", None, "192.0.2.1", 5060)
    mine.update(pair.now)
    pair.advance(0.1)
    assert pair.bob.last(TargetChanged).call is theirs
    assert pair.alice.last(DialogRefreshed).call is mine
    assert theirs.dialog is not None
    assert theirs.dialog.target.user == "moved"
    theirs.contact = Uri("sip", "too", None, "192.0.2.2", 5060)
    mine.update(pair.now)
    pair.advance(0.1)
    assert pair.alice.last(TargetChanged).call is mine
    mine.bye(pair.now)
    assert pair.alice.last(TargetChanged)
    assert_ended(pair, "us", EndCause.HUNG_UP)
    assert str(pair.requests("BYE")[0].uri) == "sip:too@192.0.2.2:5060"


def test_update_with_an_offer_is_told_and_answered_without_an_ack() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    assert mine.dialog is not None
    update = mine.dialog.request(
        "UPDATE", contact=f"<{mine.contact}>", body=HOLD, headers=[("Content-Type", "application/sdp")]
    )
    pair.inject(update.prepend("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKhand").to_bytes(), pair.bob)
    pair.advance(0.05)
    assert pair.bob.last(OfferReceived) == OfferReceived(theirs, HOLD, True)
    theirs.answer_offer(ANSWER, pair.now)
    pair.flush()
    assert pair.responses("200 UPDATE")[-1].body == ANSWER
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)
