"""Changes of a session by re-INVITE and UPDATE (RFC 3261 §14, RFC 3311), ours and theirs."""

from __future__ import annotations

import pytest

from sip.call import Call
from sip.errors import LocalProtocolError
from sip.events import (
    CallEnded,
    DialogRefreshed,
    EndCause,
    OfferAccepted,
    OfferReceived,
    OfferRefused,
    TargetChanged,
)
from sip.uri import Uri
from tests.sip.pair import (
    ANSWER,
    HOLD,
    OFFER,
    Pair,
    answers_itself,
    assert_both_quiet,
    assert_ended,
    dial,
    make_pair,
    talk,
)


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


def test_a_re_invite_that_nobody_answers_is_refused_and_the_call_left_to_the_user() -> None:
    pair = make_pair()
    mine, _ = talk(pair)
    pair.drop("*", 1000)
    mine.reinvite(HOLD, pair.now)
    pair.advance(33)
    assert pair.alice.last(OfferRefused) == OfferRefused(mine, 408, "Request Timeout")
    assert mine.state == "confirmed"


def test_a_re_invite_that_gets_a_100_and_nothing_more_is_taken_back() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    mine.reinvite(HOLD, pair.now)
    pair.advance(35.9)
    assert not pair.alice.heard(OfferRefused)
    pair.advance(0.3)
    assert pair.alice.last(OfferRefused).status == 408
    assert pair.names(pair.bob)[-1] == "487 INVITE"
    assert pair.bob.last(OfferRefused).call is theirs
    mine.reinvite(OFFER, pair.now)
    pair.advance(0.1)
    theirs.answer_offer(ANSWER, pair.now)
    pair.advance(0.1)
    assert pair.alice.last(OfferAccepted).sdp == ANSWER
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)


def test_a_call_that_ends_with_an_offer_under_way_leaves_no_transaction() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    mine.reinvite(HOLD, pair.now)
    pair.advance(0.1)
    pair.drop("487 INVITE", 100)
    mine.bye(pair.now)
    pair.advance(1)
    assert (mine.state, theirs.state) == ("ended", "ended")
    assert_ended(pair, "us", EndCause.HUNG_UP)


def test_a_challenge_to_a_re_invite_of_an_ended_call_is_not_answered() -> None:
    pair = make_pair()
    mine, _ = talk(pair)
    pair.drop("*", 1000, "alice")
    mine.reinvite(HOLD, pair.now)
    mine.bye(pair.now)
    pair.flush()
    invite = pair.requests("INVITE")[-1]
    challenge = invite.reply(401, headers=[("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')])
    pair.inject(challenge.to_bytes(), pair.alice)
    pair.flush()
    assert pair.requests("INVITE")[-1].branch == invite.branch
