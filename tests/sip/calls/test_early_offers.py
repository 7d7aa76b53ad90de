"""Offers in an early dialog: UPDATE both ways and PRACK with an offer (RFC 3311 §5, RFC 3262 §5, RFC 6337)."""

from __future__ import annotations

import pytest

from sip.call import Call
from sip.errors import LocalProtocolError
from sip.events import CallEnded, EndCause, OfferAccepted, OfferReceived, OfferRefused, TargetChanged
from sip.message import Request
from sip.uri import Uri
from tests.sip.pair import ANSWER, HOLD, OFFER, Pair, Party, answers_itself, assert_ended, dial, make_pair

OTHER = HOLD.replace(b"o=- 1 2", b"o=- 1 9")


def early(offer: bytes | None = OFFER) -> tuple[Pair, Call, Call]:
    """A call that rings, whose first offer is answered."""
    pair = make_pair()
    mine = dial(pair, offer)
    pair.advance(0.1)
    theirs = pair.bob.call()
    theirs.ring(pair.now, ANSWER, status=183, reliable=True)
    pair.advance(0.1)
    if offer is None:
        mine.answer_offer(OFFER, pair.now)
        pair.advance(0.1)
    return pair, mine, theirs


def calls(pair: Pair, mine: Call, theirs: Call, who: str) -> tuple[Party, Call, Party, Call]:
    if who == "caller":
        return pair.alice, mine, pair.bob, theirs
    return pair.bob, theirs, pair.alice, mine


@pytest.mark.parametrize("offer", [OFFER, None])
@pytest.mark.parametrize("who", ["caller", "callee"])
def test_update_offers_other_media_while_it_rings(who: str, offer: bytes | None) -> None:
    pair, mine, theirs = early(offer)
    sender, one, receiver, other = calls(pair, mine, theirs, who)
    one.update(pair.now, HOLD)
    pair.advance(0.1)
    received = receiver.last(OfferReceived)
    assert (received.call, received.sdp, received.in_update) == (other, HOLD, True)
    assert received.tag == (theirs.local_tag if who == "callee" else "")
    other.answer_offer(OTHER, pair.now)
    pair.advance(0.1)
    assert sender.last(OfferAccepted) == OfferAccepted(one, OTHER)
    assert (one.local_sdp, one.remote_sdp) == (other.remote_sdp, other.local_sdp) == (HOLD, OTHER)
    theirs.accept(None, pair.now)
    pair.advance(0.1)
    assert pair.responses("200 INVITE")[-1].body == b""
    mine.acknowledge(pair.now)
    pair.advance(0.1)
    assert (one.local_sdp, one.remote_sdp) == (other.remote_sdp, other.local_sdp) == (HOLD, OTHER)
    mine.reinvite(OFFER, pair.now)
    pair.advance(0.1)
    theirs.answer_offer(ANSWER, pair.now)
    pair.advance(0.1)
    theirs.bye(pair.now)
    assert_ended(pair, "them", EndCause.HUNG_UP)
    for party in (pair.alice, pair.bob):
        sent = [m for n, m in pair.sent if n == party.name and isinstance(m, Request) and m.method != "ACK"]
        numbers = [request.cseq.number for request in sent]
        assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_no_offer_before_the_first_one_is_answered(who: str) -> None:
    pair = make_pair()
    mine = dial(pair)
    pair.advance(0.1)
    theirs = pair.bob.call()
    theirs.ring(pair.now, ANSWER, status=183)  # not reliable: it settles nothing
    pair.advance(0.1)
    _, one, _, _ = calls(pair, mine, theirs, who)
    with pytest.raises(LocalProtocolError):
        one.update(pair.now, HOLD)
    with pytest.raises(LocalProtocolError):
        one.answer_offer(HOLD, pair.now)


def test_the_callees_update_waits_for_the_prack() -> None:
    pair = make_pair()
    pair.drop("PRACK", 1)
    dial(pair)
    pair.advance(0.1)
    theirs = pair.bob.call()
    theirs.ring(pair.now, ANSWER, status=183, reliable=True)
    theirs.update(pair.now, HOLD)
    pair.advance(0.2)
    assert "UPDATE" not in pair.names()  # RFC 3311 §5.1: not before the PRACK
    pair.advance(1)
    assert pair.alice.last(OfferReceived).sdp == HOLD


def test_the_callers_update_waits_for_the_end_of_its_prack() -> None:
    pair = make_pair()
    pair.drop("200 PRACK", 1)
    mine = dial(pair)
    pair.advance(0.1)
    pair.bob.call().ring(pair.now, ANSWER, status=183, reliable=True)
    pair.advance(0.1)
    mine.update(pair.now, HOLD)
    pair.advance(0.1)
    assert "UPDATE" not in pair.names(), "overtaking its PRACK it would cost that PRACK a 500"
    pair.advance(1)
    assert pair.bob.last(OfferReceived).sdp == HOLD


def test_offers_of_both_that_meet_get_491_and_are_repeated() -> None:
    pair, mine, theirs = early()
    for party in (pair.alice, pair.bob):
        party.reacts = lambda event, now: (
            event.call.answer_offer(OTHER, now) if isinstance(event, OfferReceived) else None
        )
    mine.update(pair.now, HOLD)
    theirs.update(pair.now, HOLD)
    pair.advance(10)
    assert pair.names().count("491 UPDATE") == 2
    assert len(pair.alice.heard(OfferAccepted)) == len(pair.bob.heard(OfferAccepted)) == 1


def test_an_offer_while_one_is_being_answered_gets_500_with_retry_after() -> None:
    pair, mine, theirs = early()
    theirs.update(pair.now, HOLD)
    pair.advance(0.1)
    assert mine.offers_in("") is not None
    crossing = pair.requests("UPDATE")[0]
    again = (
        crossing.to_bytes()
        .replace(b"branch=", b"branch=z9hG4bKx")
        .replace(
            b"CSeq: %d" % crossing.cseq.number,
            b"CSeq: %d" % (crossing.cseq.number + 5),
        )
    )
    pair.inject(again, pair.alice)
    pair.flush()
    assert pair.names(pair.alice)[-1] == "500 UPDATE"
    retry = pair.responses("500 UPDATE")[-1].integer("Retry-After")
    assert retry is not None
    assert 0 <= retry <= 10


def test_an_update_that_nobody_answers_gets_504_before_it_times_out() -> None:
    pair, mine, theirs = early()
    mine.update(pair.now, HOLD)
    pair.advance(15.9)
    assert "504 UPDATE" not in pair.names()
    pair.advance(1)
    assert pair.bob.last(OfferRefused) == OfferRefused(theirs, 504, "Server Time-out")
    assert pair.alice.last(OfferRefused).status == 504
    with pytest.raises(LocalProtocolError):
        theirs.answer_offer(ANSWER, pair.now)
    theirs.update(pair.now, HOLD)
    pair.advance(0.1)
    assert pair.alice.last(OfferReceived).sdp == HOLD, "the way is free again"


def test_a_refused_update_leaves_everything_as_it_was() -> None:
    pair, mine, theirs = early()
    mine.update(pair.now, HOLD)
    pair.advance(0.1)
    theirs.refuse_offer(488, pair.now)
    pair.advance(0.1)
    assert pair.alice.last(OfferRefused).status == 488
    assert (mine.local_sdp, mine.state, theirs.remote_sdp) == (OFFER, "proceeding", OFFER)


@pytest.mark.parametrize("status", [408, 481])
def test_an_early_update_that_fails_leaves_the_end_to_the_invite(status: int) -> None:
    pair, mine, _ = early()
    pair.drop("UPDATE")
    mine.update(pair.now, HOLD)
    pair.flush()
    pair.inject(pair.requests("UPDATE")[0].reply(status).to_bytes(), pair.alice)
    pair.flush()
    assert pair.alice.last(OfferRefused).status == status
    assert (mine.state, pair.alice.heard(CallEnded)) == ("proceeding", [])


def test_an_offer_in_the_prack_is_answered_in_its_2xx() -> None:
    pair = make_pair()
    pair.drop("PRACK", 1000)
    dial(pair)
    pair.advance(0.1)
    theirs = pair.bob.call()
    theirs.ring(pair.now, ANSWER, status=183, reliable=True)
    pair.advance(0.1)
    prack = pair.requests("PRACK")[0]
    with_offer = prack.without("Content-Length").append("Content-Type", "application/sdp")
    pair.inject(with_offer.to_bytes() + HOLD, pair.bob)
    pair.advance(0.1)
    assert pair.bob.last(OfferReceived) == OfferReceived(theirs, HOLD, False)
    pair.advance(5)
    assert pair.names().count("183 INVITE") == 1, "it is acknowledged all the same"
    theirs.answer_offer(OTHER, pair.now)
    pair.flush()
    assert pair.responses("200 PRACK")[0].body == OTHER
    assert (theirs.local_sdp, theirs.remote_sdp) == (OTHER, HOLD)


def test_an_offer_in_the_prack_of_a_mere_180_is_premature_and_gets_500() -> None:
    pair = make_pair()
    pair.drop("PRACK", 1000)
    dial(pair)
    pair.advance(0.1)
    pair.bob.call().ring(pair.now, reliable=True)
    pair.advance(0.1)
    prack = pair.requests("PRACK")[0].without("Content-Length").append("Content-Type", "application/sdp")
    pair.inject(prack.to_bytes() + HOLD, pair.bob)
    pair.flush()
    assert pair.names(pair.bob)[-1] == "500 PRACK"
    assert pair.bob.heard(OfferReceived) == []


def test_update_without_sdp_moves_the_target_of_an_early_dialog() -> None:
    pair, mine, theirs = early()
    dialog = theirs.dialog
    assert dialog is not None
    mine.contact = Uri("sip", "moved", None, "192.0.2.1", 5060)
    mine.update(pair.now, HOLD)
    pair.advance(0.1)
    theirs.answer_offer(OTHER, pair.now)
    assert (dialog.target.user, pair.bob.agent.take_events()) == ("moved", [TargetChanged(theirs)])


def test_an_update_without_sdp_while_one_is_being_answered_gets_500() -> None:
    pair, mine, _ = early()
    answers_itself(pair.alice, "caller")
    theirs = pair.bob.call()
    theirs.accept(None, pair.now)
    pair.advance(0.1)
    mine.update(pair.now, HOLD)
    pair.advance(0.1)
    mine.update(pair.now)
    pair.advance(0.1)
    assert pair.names(pair.bob)[-1] == "500 UPDATE"  # RFC 3311 §5.2


def test_the_call_may_end_with_offers_of_both_under_way() -> None:
    pair, mine, theirs = early()
    pair.drop("UPDATE", 1)
    theirs.update(pair.now, HOLD)
    mine.update(pair.now, HOLD)
    pair.advance(0.2)
    mine.cancel(pair.now)
    assert_ended(pair, "us", EndCause.CANCELLED)


def test_an_update_under_way_survives_the_answer() -> None:
    pair, mine, theirs = early()
    answers_itself(pair.alice, "caller")
    pair.drop("UPDATE", 1)
    theirs.update(pair.now, HOLD)
    theirs.accept(None, pair.now)
    pair.advance(2)
    assert pair.bob.last(OfferAccepted) == OfferAccepted(theirs, ANSWER)
    assert (mine.state, mine.remote_sdp, theirs.local_sdp) == ("confirmed", HOLD, HOLD)
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)
