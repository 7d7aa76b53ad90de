"""Another process at another address takes saved calls over (issue: survival), and CSeq never goes back (RFC 3261 §12.2.1.1)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip.call import Call
from sip.calls.saved import SavedCall
from sip.dialog import CSEQ_SAVED_EACH, CSEQ_SKIP
from sip.events import (
    CallConfirmed,
    CallEnded,
    CSeqAdvanced,
    DialogRefreshed,
    EndCause,
    OfferAccepted,
    OfferReceived,
    TargetChanged,
)
from sip.message import Request
from tests.sip.calls.disk import through_disk
from tests.sip.pair import ANSWER, HOLD, OFFER, Pair, Party, dial, make_pair, rings, talk

HEIR = "192.0.2.77"


def heir_of(pair: Pair, party: Party) -> Party:
    """A process at another address, in the place of one that is gone for ever."""
    heir = Party(party.name, HEIR, seed=4711)
    heir.account = party.account  # the same line at the same PBX
    if party is pair.alice:
        pair.alice = heir
    else:
        pair.bob = heir
    return heir


def take_over(pair: Pair, party: Party, saved: SavedCall) -> tuple[Party, Call]:
    heir = heir_of(pair, party)
    account = heir.account if saved.direction == "out" else None
    return heir, heir.agent.load_call(through_disk(saved), account, pair.now)


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_a_dialog_is_taken_over_at_another_address_by_update_without_sdp(who: str) -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    party, call, peer, other = (
        (pair.alice, mine, pair.bob, theirs) if who == "caller" else (pair.bob, theirs, pair.alice, mine)
    )
    heir, loaded = take_over(pair, party, call.dump())
    assert heir.agent.take_output() == [], "nothing is sent by loading alone"
    loaded.update(pair.now)
    pair.advance(0.1)
    update = pair.requests("UPDATE")[0]
    assert (update.body, update.via.host) == (b"", HEIR)
    assert heir.last(DialogRefreshed).call is loaded
    assert peer.last(TargetChanged).call is other
    assert other.dialog is not None
    assert other.dialog.target.host == HEIR
    other.reinvite(HOLD, pair.now)
    pair.advance(0.1)
    loaded.answer_offer(ANSWER, pair.now)
    pair.advance(0.1)
    assert peer.last(OfferAccepted).call is other
    other.bye(pair.now)
    pair.settle()
    assert heir.last(CallEnded) == CallEnded(loaded, "them", None, (), EndCause.HUNG_UP)
    assert pair.alice.is_quiet()
    assert pair.bob.is_quiet()


def test_it_may_go_from_hand_to_hand_and_back() -> None:
    pair = make_pair()
    first = pair.alice
    mine, theirs = talk(pair)
    for _ in range(3):
        _, mine = take_over(pair, pair.alice, mine.dump())
        mine.update(pair.now)
        pair.advance(0.1)
        saved = mine.dump()
        first.agent = first.new_agent()
        pair.alice = first
        mine = first.agent.load_call(through_disk(saved), first.account, pair.now)
        mine.update(pair.now)
        pair.advance(0.1)
        assert theirs.dialog is not None
        assert theirs.dialog.target.host == "192.0.2.1"
    numbers = [one.cseq.number for one in pair.requests("UPDATE")]
    assert numbers == sorted(set(numbers))
    mine.bye(pair.now)
    pair.settle()
    assert theirs.state == "ended"


def test_an_unanswered_invite_is_cancelled_from_another_address_by_its_own_via() -> None:
    pair = make_pair()
    mine = rings(pair)
    invite = pair.requests("INVITE")[0]
    saved = mine.dump()
    gone = pair.alice
    heir, loaded = take_over(pair, gone, saved)
    loaded.cancel(pair.now)
    (transmit,) = heir.agent.take_output()
    cancel = transmit.data
    assert (b"Via: " + (invite.get("Via") or "").encode()) in cancel, "§9.1: the same as the INVITE's"
    pair.inject(cancel, pair.bob, heir)
    answers = pair.bob.agent.take_output()
    ok = [one for one in answers if b"200" in one.data[:12]]
    assert [one.flow.remote for one in ok] == [heir.address], "rport: to where the CANCEL came from"
    heir.agent.receive(ok[0].data, transmit.flow, pair.now)
    assert heir.agent.counters["foreign_via"] == 0
    assert pair.bob.call().state == "ended"
    heir.agent.handle_timer(pair.now + 32)  # the 487 goes to who sent the INVITE
    assert [type(event).__name__ for event in heir.agent.take_events()] == ["CallEnded"]


def test_a_call_to_us_is_answered_from_another_address() -> None:
    pair = make_pair()
    mine = rings(pair)
    heir, loaded = take_over(pair, pair.bob, pair.bob.call().dump())
    loaded.accept(ANSWER, pair.now)
    pair.advance(0.1)
    mine.acknowledge(pair.now)
    pair.advance(0.1)
    assert heir.last(CallConfirmed).call is loaded
    assert mine.dialog is not None
    assert mine.dialog.target.host == HEIR
    mine.bye(pair.now)
    pair.settle()
    assert loaded.state == "ended"


# Every state of a call, dumped and taken from disk at the same address (design, section 6: the restart contract).


def caller_calling(pair: Pair) -> Call:
    pair.drop("*", 1000, "bob")
    call = dial(pair)
    pair.advance(0.1)
    pair.rules.clear()
    return call


def caller_idle(pair: Pair) -> Call:
    return pair.alice.agent.invite(pair.alice.account, pair.bob.account.uri, OFFER, pair.now, wait=True)


def caller_proceeding(pair: Pair) -> Call:
    return rings(pair)


def caller_early(pair: Pair) -> Call:
    call = dial(pair)
    pair.advance(0.1)
    pair.bob.call().ring(pair.now, ANSWER, status=183, reliable=True)
    pair.advance(0.1)
    return call


def caller_pracking(pair: Pair) -> Call:
    pair.drop("PRACK", 3)
    return caller_early(pair)


def caller_updating(pair: Pair) -> Call:
    call = caller_early(pair)
    call.update(pair.now, HOLD)
    pair.advance(0.1)
    return call


def caller_asked_in_18x(pair: Pair) -> Call:
    call = dial(pair, None)
    pair.advance(0.1)
    pair.bob.call().ring(pair.now, OFFER, status=183, reliable=True)
    pair.advance(0.1)
    return call


def caller_cancel_held(pair: Pair) -> Call:
    call = caller_calling(pair)
    call.cancel(pair.now)
    return call


def caller_cancelling(pair: Pair) -> Call:
    call = rings(pair)
    pair.drop("CANCEL", 1)
    call.cancel(pair.now)
    pair.flush()
    return call


def caller_answered(pair: Pair) -> Call:
    call = rings(pair)
    pair.bob.call().accept(ANSWER, pair.now)
    pair.advance(0.1)
    return call


def caller_confirmed(pair: Pair) -> Call:
    return talk(pair)[0]


def caller_offering(pair: Pair) -> Call:
    call = talk(pair)[0]
    call.reinvite(HOLD, pair.now)
    pair.advance(0.1)
    return call


def caller_offered(pair: Pair) -> Call:
    call, theirs = talk(pair)
    theirs.update(pair.now, HOLD)
    pair.advance(0.1)
    assert pair.alice.last(OfferReceived)
    return call


def caller_ending(pair: Pair) -> Call:
    call = talk(pair)[0]
    pair.drop("BYE", 1)
    call.bye(pair.now)
    pair.flush()
    return call


def callee_received(pair: Pair) -> Call:
    dial(pair)
    pair.advance(0.1)
    return pair.bob.call()


def callee_ringing(pair: Pair) -> Call:
    rings(pair)
    return pair.bob.call()


def callee_unpracked(pair: Pair) -> Call:
    pair.drop("PRACK", 3)
    caller_early(pair)
    return pair.bob.call()


def callee_pracked(pair: Pair) -> Call:
    caller_early(pair)
    return pair.bob.call()


def callee_proposed(pair: Pair) -> Call:
    """Its offer in an 18x is answered."""
    caller_asked_in_18x(pair).answer_offer(ANSWER, pair.now)
    pair.advance(0.1)
    return pair.bob.call()


def callee_accept_held(pair: Pair) -> Call:
    call = callee_unpracked(pair)
    call.accept(None, pair.now)
    assert call.state == "accept held"
    return call


def callee_accepted(pair: Pair) -> Call:
    rings(pair)
    call = pair.bob.call()
    call.accept(ANSWER, pair.now)
    pair.advance(0.1)
    return call


def callee_leaving(pair: Pair) -> Call:
    call = callee_accepted(pair)
    call.bye(pair.now)
    assert call.state == "leaving"
    return call


def callee_confirmed(pair: Pair) -> Call:
    return talk(pair)[1]


CALLER_STATES = [
    caller_idle, caller_calling, caller_proceeding, caller_early, caller_pracking, caller_updating, caller_asked_in_18x,
    caller_cancel_held, caller_cancelling, caller_answered, caller_confirmed, caller_offering, caller_offered, caller_ending,
]  # fmt: skip
CALLEE_STATES = [
    callee_received, callee_ringing, callee_unpracked, callee_pracked, callee_proposed, callee_accept_held, callee_accepted,
    callee_leaving, callee_confirmed,
]  # fmt: skip


def restart(pair: Pair, party: Party, call: Call) -> Call:
    saved = through_disk(call.dump())
    party.agent = party.new_agent()
    return party.agent.load_call(saved, party.account if call.direction == "out" else None, pair.now)


def acknowledges(pair: Pair) -> None:
    """Alice acknowledges what Bob accepts, and both answer what is offered."""

    def react(event: object, now: float) -> None:
        match event:
            case OfferReceived(call):
                call.answer_offer(ANSWER, now)
            case _ if type(event).__name__ == "CallAnswered":
                event.call.acknowledge(now, None if event.call.local_sdp else ANSWER)  # type: ignore[attr-defined]

    pair.alice.reacts = pair.bob.reacts = react


@pytest.mark.parametrize("state", CALLER_STATES, ids=lambda state: state.__name__)
def test_a_caller_goes_on_from_every_state_and_nothing_is_left(state: object) -> None:
    pair = make_pair()
    call = state(pair)  # type: ignore[operator]
    loaded = restart(pair, pair.alice, call)
    acknowledges(pair)
    if loaded.state == "confirmed":
        loaded.update(pair.now)
        pair.advance(1)
    if loaded.state == "confirmed":
        loaded.bye(pair.now)
    elif loaded.state != "ended":
        loaded.cancel(pair.now)
    pair.settle(400)
    assert loaded.state == "ended"
    assert len([one for one in pair.alice.heard(CallEnded) if one.call is loaded]) == 1
    assert pair.alice.is_quiet()
    assert pair.bob.is_quiet(), pair.story
    numbers = [
        (m.to_tag, m.cseq.number) for n, m in pair.sent if n == "alice" and isinstance(m, Request)
        and m.method not in ("ACK", "CANCEL") and m.to_tag
    ]  # fmt: skip
    fresh = list(dict.fromkeys(numbers))
    assert [number for _, number in fresh] == sorted(number for _, number in fresh)
    assert pair.bob.agent.counters["cseq_too_low"] == 0


@pytest.mark.parametrize("deed", ["accept", "reject"])
@pytest.mark.parametrize("state", CALLEE_STATES, ids=lambda state: state.__name__)
def test_a_callee_goes_on_from_every_state_and_nothing_is_left(state: object, deed: str) -> None:
    pair = make_pair()
    call = state(pair)  # type: ignore[operator]
    loaded = restart(pair, pair.bob, call)
    acknowledges(pair)
    for mine in pair.alice.agent.calls:
        if mine.state == "answered":
            deed = "accept"  # its 200 has left already: the contract says to accept again
            mine.acknowledge(pair.now)
    if loaded.state == "received" and deed == "accept":
        loaded.ring(pair.now)
        loaded.accept(loaded.local_sdp or ANSWER, pair.now)
        pair.advance(5)
        assert loaded.state == "confirmed", pair.story
        mine = next(iter(pair.alice.agent.calls))
        assert (mine.local_sdp, mine.remote_sdp) == (loaded.remote_sdp, loaded.local_sdp)
    elif loaded.state == "received":
        loaded.reject(480, pair.now)
    if loaded.state == "confirmed":
        loaded.update(pair.now)
        pair.advance(1)
        loaded.bye(pair.now)
    pair.settle(400)
    assert loaded.state == "ended"
    assert pair.bob.is_quiet()
    assert pair.alice.is_quiet(), pair.story
    assert pair.alice.agent.counters["cseq_too_low"] == 0


def test_a_prack_that_is_under_way_over_the_restart_of_the_callee_gets_its_200() -> None:
    pair = make_pair()
    loaded = restart(pair, pair.bob, callee_unpracked(pair))
    pair.advance(5)
    assert pair.responses("200 PRACK"), pair.story
    with pytest.raises(Exception, match="lost with the process"):
        loaded.ring(pair.now, reliable=True)


# CSeq.


def test_each_50th_request_asks_to_save_the_call_again() -> None:
    pair = make_pair()
    mine, _ = talk(pair)
    for _ in range(2 * CSEQ_SAVED_EACH):
        mine.options(pair.now)
        pair.advance(0.05)
    assert pair.alice.heard(CSeqAdvanced) == [CSeqAdvanced(mine)] * 2
    assert CSEQ_SAVED_EACH < CSEQ_SKIP


deeds = st.lists(
    st.one_of(
        st.tuples(st.just("probe"), st.integers(1, 130)),
        st.tuples(st.just("offer"), st.integers(1, 3)),
        st.tuples(st.just("die"), st.just(0)),
        st.tuples(st.just("save and die"), st.just(0)),
    ),
    min_size=2,
    max_size=8,
)


@settings(deadline=None, max_examples=40)
@given(deeds=deeds, is_early=st.booleans())
def test_cseq_never_goes_back_whatever_is_saved_and_loaded(
    deeds: list[tuple[str, int]], is_early: bool
) -> None:
    """The process dies at any moment, with what was written down when it had to be: at the answer, with a new target or session, and
    each 50 requests."""
    pair = make_pair()
    on_disk: list[SavedCall] = []

    def keep(event: object, now: float) -> None:
        match event:
            case CSeqAdvanced(call) | OfferAccepted(call) | TargetChanged(call):
                on_disk.append(call.dump())
            case _:
                pass

    if is_early:
        mine = caller_early(pair)
        on_disk.append(mine.dump())
        mine = restart(pair, pair.alice, mine)
        pair.bob.call().accept(None, pair.now)
        pair.advance(1)
        mine.acknowledge(pair.now)
        pair.advance(1)
    else:
        mine, _ = talk(pair)
    on_disk.append(mine.dump())
    pair.alice.reacts = keep
    pair.bob.reacts = lambda event, now: (
        event.call.answer_offer(ANSWER, now) if isinstance(event, OfferReceived) else None
    )
    for deed, count in deeds:
        if deed.endswith("die"):
            if deed == "save and die":
                on_disk.append(mine.dump())
            pair.alice.agent = pair.alice.new_agent()
            mine = pair.alice.agent.load_call(through_disk(on_disk[-1]), pair.alice.account, pair.now)
            mine.update(pair.now)  # as the contract says
            pair.advance(0.1)
            on_disk.append(mine.dump())
        for _ in range(count):
            if deed == "probe":
                mine.options(pair.now)
            else:
                mine.reinvite(HOLD, pair.now)
            pair.advance(0.1)
    sent = [m for n, m in pair.sent if n == "alice" and isinstance(m, Request) and m.to_tag]
    numbers = [request.cseq.number for request in sent if request.method not in ("ACK", "CANCEL")]
    assert numbers == sorted(set(numbers))
    assert pair.bob.agent.counters["cseq_too_low"] == 0
    assert mine.state == "confirmed"
