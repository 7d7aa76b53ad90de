"""Reliable provisional responses as the callee sends them (RFC 3262 §3), and what they settle (§5)."""

from __future__ import annotations

import itertools

import pytest

from sip.call import Call
from sip.calls.provisional import CLOSED, READY, UNACKNOWLEDGED, Input, Provisional, State
from sip.errors import LocalProtocolError
from sip.events import CallAnswered, CallConfirmed, CallEnded, CallProceeding, EndCause, OfferAccepted
from sip.message import Request
from tests.sip.pair import ANSWER, HOLD, OFFER, Pair, answers_itself, assert_ended, bob_uri, dial, make_pair


def rung(pair: Pair, sdp: bytes | None = ANSWER, offer: bytes | None = OFFER) -> tuple[Call, Call]:
    """Alice's call that Bob rings reliably; what he sent is on its way."""
    mine = dial(pair, offer)
    pair.advance(0.1)
    theirs = pair.bob.call()
    theirs.ring(pair.now, sdp, status=183 if sdp else 180, reliable=True)
    return mine, theirs


def insists(pair: Pair, sdp: bytes | None = OFFER) -> Call:
    """Alice calls and requires reliable responses."""
    agent, account = pair.alice.agent, pair.alice.account
    call = agent.invite(account, bob_uri(), sdp, pair.now, headers=[("Require", "100rel")])
    pair.advance(0.1)
    return call


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("event", list(Input))
def test_every_row_is_written_or_refused(state: State, event: Input) -> None:
    table: dict[Input, set[State]] = {
        Input.SEND: {READY, UNACKNOWLEDGED},
        Input.PRACKED: {UNACKNOWLEDGED, CLOSED},
        Input.REPEAT: {UNACKNOWLEDGED},
        Input.EXPIRED: {UNACKNOWLEDGED},
        Input.CLOSE: {READY, UNACKNOWLEDGED, CLOSED},
    }
    assert ((state, event) in Provisional.table) == (state in table[event])


def test_a_reliable_18x_has_require_rseq_and_contact_and_gets_its_prack() -> None:
    pair = make_pair()
    mine, _theirs = rung(pair)
    pair.advance(0.1)
    (response,) = pair.responses("183 INVITE")
    assert response.get("Require") == "100rel"
    number = response.integer("RSeq")
    assert number is not None
    assert 1 <= number < 2**31
    assert response.contact is not None
    (prack,) = pair.requests("PRACK")
    assert prack.get("RAck") == f"{number} {pair.requests('INVITE')[0].cseq.number} INVITE"
    assert prack.cseq.number == pair.requests("INVITE")[0].cseq.number + 1
    assert prack.to_tag == response.to_tag
    assert pair.names(pair.bob)[-1] == "200 PRACK"
    assert pair.alice.last(CallProceeding) == CallProceeding(mine, 183, ANSWER, response.to_tag or "")
    pair.advance(20)
    assert pair.names().count("183 INVITE") == 1, "it is not repeated any more"


def test_the_answer_in_a_reliable_18x_is_not_said_again_in_the_2xx() -> None:
    pair = make_pair()
    mine, theirs = rung(pair)
    pair.advance(0.1)
    theirs.accept(None, pair.now)
    pair.advance(0.1)
    assert pair.responses("200 INVITE")[0].body == b""
    assert pair.alice.last(CallAnswered) == CallAnswered(mine, ANSWER)
    mine.acknowledge(pair.now)
    pair.advance(0.1)
    assert pair.bob.last(CallConfirmed) == CallConfirmed(theirs, None)
    assert (mine.remote_sdp, theirs.local_sdp) == (ANSWER, ANSWER)
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)
    numbers = [one.cseq.number for one in pair.requests("PRACK") + pair.requests("BYE")]
    assert numbers == sorted(set(numbers))


def test_the_same_description_may_be_given_again_but_no_other() -> None:
    pair = make_pair()
    mine, theirs = rung(pair)
    pair.advance(0.1)
    with pytest.raises(LocalProtocolError):
        theirs.accept(HOLD, pair.now)
    with pytest.raises(LocalProtocolError):
        theirs.ring(pair.now, HOLD)
    theirs.ring(pair.now, ANSWER)
    pair.advance(0.1)
    assert pair.responses("180 INVITE")[0].body == b""
    theirs.accept(ANSWER, pair.now)
    pair.advance(0.1)
    assert pair.responses("200 INVITE")[0].body == b""
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)


def test_an_invite_without_an_offer_gets_ours_in_the_18x_and_answers_in_the_prack() -> None:
    pair = make_pair()
    mine, theirs = rung(pair, OFFER, None)
    pair.advance(3)
    assert "PRACK" not in pair.names(), "the answer is the user's"
    assert pair.names().count("183 INVITE") == 3
    mine.answer_offer(ANSWER, pair.now)
    pair.advance(0.1)
    (prack,) = pair.requests("PRACK")
    assert prack.body == ANSWER
    assert pair.bob.last(OfferAccepted) == OfferAccepted(theirs, ANSWER)
    theirs.accept(None, pair.now)
    pair.advance(0.1)
    assert pair.responses("200 INVITE")[0].body == b""
    assert pair.alice.last(CallAnswered) == CallAnswered(mine, OFFER)
    with pytest.raises(LocalProtocolError):
        mine.acknowledge(pair.now, ANSWER)
    mine.acknowledge(pair.now)
    pair.advance(0.1)
    assert pair.requests("ACK")[0].body == b""
    assert (mine.local_sdp, mine.remote_sdp) == (theirs.remote_sdp, theirs.local_sdp) == (ANSWER, OFFER)
    theirs.bye(pair.now)
    assert_ended(pair, "them", EndCause.HUNG_UP)


def test_an_offer_in_an_18x_cannot_be_refused_only_the_call_cancelled() -> None:
    pair = make_pair()
    mine, _ = rung(pair, OFFER, None)
    pair.advance(0.1)
    with pytest.raises(LocalProtocolError):
        mine.refuse_offer(488, pair.now)
    mine.cancel(pair.now)
    assert_ended(pair, "us", EndCause.CANCELLED)


def test_a_prack_without_the_answer_that_it_owes_gets_400_and_does_not_count() -> None:
    pair = make_pair()
    _, theirs = rung(pair, OFFER, None)
    pair.advance(0.1)
    pair.inject(hand_made_prack(pair).to_bytes(), pair.bob)
    pair.flush()
    assert pair.names(pair.bob)[-1] == "400 PRACK"
    assert pair.bob.agent.counters["prack_without_answer"] == 1
    pair.advance(40)
    assert pair.bob.last(CallEnded).status == 504
    assert theirs.state == "ended"


def hand_made_prack(pair: Pair, rack: str | None = None, cseq: int = 50) -> Request:
    response = pair.responses("183 INVITE")[0]
    invite = pair.requests("INVITE")[0]
    return Request.build(
        "PRACK",
        "sip:bob@192.0.2.2",
        [
            ("Via", f"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKhand{cseq}"),
            ("From", invite.get("From") or ""),
            ("To", response.get("To") or ""),
            ("Call-ID", invite.call_id),
            ("CSeq", f"{cseq} PRACK"),
            ("RAck", rack or f"{response.integer('RSeq')} {invite.cseq.number} INVITE"),
        ],
    )


def test_it_is_repeated_with_t1_doubling_and_after_64_t1_the_invite_gets_5xx() -> None:
    pair = make_pair()
    mine, _ = rung(pair)
    pair.drop("183 INVITE", 100)
    began = pair.now
    sent: list[float] = []
    for _ in range(350):
        before = pair.names().count("183 INVITE")
        pair.advance(0.1)
        sent += [round(pair.now - began, 1)] * (pair.names().count("183 INVITE") - before)
    gaps = [round(after - before) for before, after in itertools.pairwise(sent[1:])]
    assert gaps == [1, 2, 4, 8, 16]  # §3: 0.5 s at first, and no ceiling
    assert pair.bob.last(CallEnded) == CallEnded(
        pair.bob.call(), "nobody", 504, (), EndCause.NOT_ACKNOWLEDGED
    )
    assert pair.alice.last(CallEnded).status == 504
    assert mine.state == "ended"
    assert_ended(pair, "them", EndCause.REFUSED)


def test_a_second_one_waits_until_the_first_is_acknowledged() -> None:
    pair = make_pair()
    pair.drop("PRACK", 2)
    mine, theirs = rung(pair)
    theirs.ring(pair.now, status=180, reliable=True)
    theirs.ring(pair.now, status=182, reliable=True)
    pair.advance(1)
    assert "180 INVITE" not in pair.names()
    pair.advance(2)
    assert [event.status for event in pair.alice.heard(CallProceeding)] == [183, 180, 182]
    numbers = [pair.responses(f"{status} INVITE")[0].integer("RSeq") or 0 for status in (183, 180, 182)]
    assert [number - numbers[0] for number in numbers] == [0, 1, 2]
    mine.cancel(pair.now)
    assert_ended(pair, "us", EndCause.CANCELLED)


def test_the_2xx_waits_for_the_prack_of_a_description() -> None:
    pair = make_pair()
    answers_itself(pair.alice, "caller")
    pair.drop("PRACK", 1)
    _, theirs = rung(pair)
    theirs.ring(pair.now, status=180, reliable=True)
    theirs.accept(None, pair.now)
    pair.advance(0.1)
    assert (theirs.state, "200 INVITE" in pair.names()) == ("accept held", False)
    pair.advance(1)
    assert theirs.state == "confirmed"
    assert "180 INVITE" not in pair.names(), "superfluous once the 2xx is ready"
    theirs.bye(pair.now)
    assert_ended(pair, "them", EndCause.HUNG_UP)


def test_the_2xx_does_not_wait_for_the_prack_of_a_mere_180_which_still_gets_200() -> None:
    pair = make_pair()
    answers_itself(pair.alice, "caller")
    pair.drop("PRACK", 1)
    _, theirs = rung(pair, None)
    theirs.accept(ANSWER, pair.now)
    pair.advance(0.1)
    assert theirs.state == "confirmed"
    assert pair.responses("200 INVITE")[0].body == ANSWER
    pair.advance(2)
    assert pair.names(pair.bob).count("200 PRACK") == 1
    assert pair.names().count("180 INVITE") == 1
    theirs.bye(pair.now)
    assert_ended(pair, "them", EndCause.HUNG_UP)


@pytest.mark.parametrize(
    ("deed", "cause"),
    [
        ("cancel", EndCause.CANCELLED),
        ("bye", EndCause.REJECTED),
        ("reject", EndCause.REJECTED),
        ("silence", EndCause.NOT_ACKNOWLEDGED),
        ("their bye", EndCause.HUNG_UP),
    ],
)
def test_a_call_whose_2xx_is_held_ends_in_every_way(deed: str, cause: EndCause) -> None:
    pair = make_pair()
    mine, theirs = rung(pair)
    pair.drop("PRACK", 100)
    pair.advance(0.05)
    theirs.accept(None, pair.now)
    match deed:
        case "cancel":
            mine.cancel(pair.now)
        case "bye":
            theirs.bye(pair.now)
        case "reject":
            theirs.reject(603, pair.now)
        case "their bye":
            invite = pair.requests("INVITE")[0]
            bye = hand_made_prack(pair).to_bytes().replace(b"PRACK", b"BYE")
            assert invite.call_id.encode() in bye
            pair.inject(bye, pair.bob)
        case _:
            pass
    pair.settle()
    assert pair.bob.last(CallEnded).cause == cause
    assert "200 INVITE" not in pair.names()
    assert pair.bob.is_quiet()
    assert pair.alice.is_quiet()


@pytest.mark.parametrize("rack", ["1 1 INVITE", "x", "{n} 9 INVITE", "{n} 1 UPDATE", ""])
def test_a_prack_for_nothing_gets_481_and_changes_nothing(rack: str) -> None:
    pair = make_pair()
    pair.drop("PRACK", 1)
    mine, theirs = rung(pair)
    pair.advance(0.05)
    number = pair.responses("183 INVITE")[0].integer("RSeq")
    pair.inject(hand_made_prack(pair, rack.format(n=number) or " ").to_bytes(), pair.bob)
    pair.flush()
    assert pair.names(pair.bob)[-1] == "481 PRACK"
    assert pair.bob.agent.counters["prack_unmatched"] == 1
    mine.cancel(pair.now)
    pair.settle()
    assert theirs.state == "ended"


def test_a_prack_that_comes_a_second_time_in_a_new_transaction_gets_481() -> None:
    pair = make_pair()
    rung(pair)
    pair.advance(0.1)
    pair.inject(hand_made_prack(pair).to_bytes(), pair.bob)
    pair.flush()
    assert pair.names(pair.bob)[-1] == "481 PRACK"


def test_a_caller_is_never_sent_a_prack_that_it_could_answer() -> None:
    pair = make_pair()
    mine, _ = rung(pair)
    pair.advance(0.1)
    assert mine.serves("PRACK")
    response = pair.responses("183 INVITE")[0]
    data = hand_made_prack(pair).to_bytes()
    turned = data.replace(b"From: ", b"X: ").replace(b"To: ", b"From: ").replace(b"X: ", b"To: ")
    assert response.to_tag is not None
    pair.inject(turned.replace(b"192.0.2.1:5060;branch", b"192.0.2.2:5060;branch"), pair.alice)
    pair.flush()
    assert pair.names(pair.alice)[-1] == "481 PRACK"


def test_require_100rel_makes_every_18x_reliable() -> None:
    pair = make_pair()
    insists(pair)
    pair.bob.call().ring(pair.now)
    pair.advance(0.1)
    assert pair.responses("180 INVITE")[0].get("Require") == "100rel"
    assert len(pair.requests("PRACK")) == 1


def test_a_ring_without_the_offer_that_would_be_due_is_not_sent_to_who_insists() -> None:
    pair = make_pair()
    mine = insists(pair, None)
    theirs = pair.bob.call()
    theirs.ring(pair.now)
    pair.advance(0.1)
    assert pair.names(pair.bob) == ["100 INVITE"]  # §5: the first reliable one MUST bring the offer
    with pytest.raises(LocalProtocolError):
        theirs.ring(pair.now, reliable=True)
    theirs.accept(OFFER, pair.now)
    pair.advance(0.1)
    mine.acknowledge(pair.now, ANSWER)
    pair.advance(0.1)
    assert pair.bob.last(CallConfirmed) == CallConfirmed(theirs, ANSWER)


def test_who_does_not_know_100rel_is_not_rung_reliably() -> None:
    pair = make_pair()
    dial(pair)
    (transmit,) = pair.alice.agent.take_output()
    pair.inject(transmit.data.replace(b"Supported: 100rel, ", b"Supported: "), pair.bob)
    pair.flush()
    with pytest.raises(LocalProtocolError):
        pair.bob.call().ring(pair.now, reliable=True)
    assert pair.bob.call().state == "received"


def test_it_rings_again_each_minute_with_the_next_number() -> None:
    pair = make_pair()
    mine, _ = rung(pair, None)
    pair.advance(130)
    numbers = [one.integer("RSeq") or 0 for one in pair.responses("180 INVITE")]
    assert [number - numbers[0] for number in numbers] == [0, 1, 2]
    assert len(pair.requests("PRACK")) == 3
    mine.cancel(pair.now)
    assert_ended(pair, "us", EndCause.CANCELLED)


def test_accept_without_a_description_needs_one_said_before() -> None:
    pair = make_pair()
    dial(pair)
    pair.advance(0.1)
    theirs = pair.bob.call()
    with pytest.raises(LocalProtocolError):
        theirs.accept(None, pair.now)
    theirs.ring(pair.now, ANSWER, status=183)  # not reliable, so the 2xx repeats it
    theirs.accept(None, pair.now)
    pair.advance(0.1)
    assert pair.responses("200 INVITE")[0].body == ANSWER
