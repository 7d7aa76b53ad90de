"""INVITE with Replaces at its receiver (RFC 3891 §3)."""

from __future__ import annotations

import pytest

from sip.call import Call
from sip.calls.inside_events import CallReplaced
from sip.calls.leaving import MOST_ENDED, leave
from sip.errors import LocalProtocolError
from sip.events import CallEnded, CallReceived
from sip.headers import ReplacesHeader
from tests.sip.pair import ANSWER, OFFER, Pair, assert_both_quiet, bob_uri, dial, make_pair, rings, talk


def of(call: Call, *, early_only: bool = False) -> ReplacesHeader:
    """The Replaces that means this call at its owner."""
    return ReplacesHeader(call.id, call.local_tag, call.remote_tag, early_only)


def take_over(pair: Pair, replaces: ReplacesHeader) -> Call:
    """Alice's INVITE that wants the place of a call of Bob's."""
    call = pair.alice.agent.invite(pair.alice.account, bob_uri(), OFFER, pair.now, replaces=replaces)
    pair.advance(0.1)
    return call


def status_of(pair: Pair, call: Call) -> int | None:
    (ended,) = [event for event in pair.alice.heard(CallEnded) if event.call is call]
    return ended.status


def test_a_confirmed_call_makes_room_by_bye() -> None:
    pair = make_pair()
    old, theirs = talk(pair)
    new = take_over(pair, of(theirs))
    heir = pair.bob.call()
    assert heir is not theirs
    assert theirs.state == "confirmed"  # nothing happens before the user accepts
    heir.accept_replacing(ANSWER, pair.now)
    pair.advance(0.1)
    new.acknowledge(pair.now)
    pair.advance(0.1)
    assert pair.bob.last(CallReplaced) == CallReplaced(theirs, heir)
    ended = pair.bob.last(CallEnded)
    assert (ended.call, ended.by) == (theirs, "us")
    assert (old.state, new.state, heir.state) == ("ended", "confirmed", "confirmed")
    kinds = [type(event).__name__ for event in pair.bob.events]
    assert kinds.index("CallReplaced") < kinds.index("CallEnded")


def test_an_early_call_of_ours_makes_room_by_cancel() -> None:
    pair = make_pair()
    ringing = pair.bob.agent.invite(pair.bob.account, pair.alice.account.uri, OFFER, pair.now)
    pair.advance(0.1)
    pair.alice.call().ring(pair.now)
    pair.advance(0.1)
    replaces = ReplacesHeader(ringing.id, ringing.local_tag, pair.alice.call().local_tag, early_only=True)
    take_over(pair, replaces)
    pair.bob.call().accept_replacing(ANSWER, pair.now)
    pair.advance(0.1)
    assert "CANCEL" in pair.names(pair.bob)
    assert (ringing.state, pair.bob.last(CallEnded).cause) == ("ended", "cancelled")


def test_an_early_call_that_we_did_not_begin_gets_481() -> None:
    pair = make_pair()
    mine = rings(pair)
    theirs = pair.bob.call()
    new = take_over(pair, ReplacesHeader(mine.id, theirs.local_tag, mine.local_tag))
    assert status_of(pair, new) == 481
    assert (theirs.state, len(pair.bob.heard(CallReceived))) == ("ringing", 1)


def test_early_only_does_not_take_a_confirmed_call_486() -> None:
    pair = make_pair()
    _, theirs = talk(pair)
    new = take_over(pair, of(theirs, early_only=True))
    assert status_of(pair, new) == 486
    assert (theirs.state, len(pair.bob.heard(CallReceived))) == ("confirmed", 1)
    assert pair.bob.agent.counters["replaces_refused"] == 1


@pytest.mark.parametrize("change", [{"call_id": "other"}, {"to_tag": "other"}, {"from_tag": "other"}])
def test_a_dialog_that_nobody_knows_gets_481(change: dict[str, str]) -> None:
    pair = make_pair()
    _, theirs = talk(pair)
    new = take_over(pair, of(theirs)._replace(**change))  # type: ignore[arg-type]
    assert status_of(pair, new) == 481
    assert len(pair.bob.heard(CallReceived)) == 1


def test_a_dialog_that_is_over_gets_603() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    replaces = of(theirs)
    mine.bye(pair.now)
    pair.advance(0.1)
    assert status_of(pair, take_over(pair, replaces)) == 603
    assert status_of(pair, take_over(pair, replaces._replace(from_tag="other"))) == 481


def test_a_dialog_that_is_being_ended_gets_603() -> None:
    pair = make_pair()
    _, theirs = talk(pair)
    replaces = of(theirs)
    pair.drop("BYE", 20)
    theirs.bye(pair.now)
    assert status_of(pair, take_over(pair, replaces)) == 603


def test_a_call_whose_200_waits_for_its_ack_can_be_taken_over() -> None:
    pair = make_pair()
    mine = rings(pair)
    theirs = pair.bob.call()
    theirs.accept(ANSWER, pair.now)
    pair.advance(0.1)
    new = take_over(pair, of(theirs))
    pair.bob.call().accept_replacing(ANSWER, pair.now)
    pair.advance(0.1)
    assert theirs.state == "leaving"  # §15: BYE waits for the ACK
    mine.acknowledge(pair.now)
    new.acknowledge(pair.now)
    pair.advance(0.1)
    assert (mine.state, theirs.state, new.state) == ("ended", "ended", "confirmed")


def test_a_call_that_ended_meanwhile_leaves_nothing_to_end() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    take_over(pair, of(theirs))
    mine.bye(pair.now)
    pair.advance(0.1)
    pair.bob.call().accept_replacing(ANSWER, pair.now)
    pair.advance(0.1)
    assert not pair.bob.heard(CallReplaced)
    assert pair.bob.call().state == "accepted"


def test_refused_the_old_call_stays_as_it_is() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    new = take_over(pair, of(theirs))
    pair.bob.call().reject(486, pair.now)
    pair.advance(0.1)
    assert status_of(pair, new) == 486
    assert (mine.state, theirs.state) == ("confirmed", "confirmed")
    mine.bye(pair.now)
    assert_both_quiet(pair)


def test_without_replaces_there_is_no_place_to_take() -> None:
    pair = make_pair()
    dial(pair)
    pair.advance(0.1)
    with pytest.raises(LocalProtocolError):
        pair.bob.call().accept_replacing(ANSWER, pair.now)
    assert pair.bob.call().state == "received"


def test_the_caller_cannot_accept_in_anothers_place() -> None:
    pair = make_pair()
    _, theirs = talk(pair)
    new = take_over(pair, of(theirs))
    with pytest.raises(LocalProtocolError):
        new.accept_replacing(ANSWER, pair.now)


def test_the_memory_of_what_ended_is_bounded() -> None:
    pair = make_pair()
    _, theirs = talk(pair)
    core = theirs.core
    core.ended.update({(f"call {number}", "tag"): "other" for number in range(MOST_ENDED)})
    leave(theirs, pair.now)
    assert len(core.ended) == MOST_ENDED
    assert ("call 0", "tag") not in core.ended
    assert core.ended[theirs.id, theirs.local_tag] == theirs.remote_tag
