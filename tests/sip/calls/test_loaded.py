"""The restart contract (design, section 6): a call is dumped, the process dies, a new user agent at the same address loads it."""

from __future__ import annotations

import pytest

from sip.call import Call
from sip.errors import LocalProtocolError, SipError
from sip.events import (
    CallConfirmed,
    CallEnded,
    DialogRefreshed,
    EndCause,
    OfferAccepted,
    OfferReceived,
    ProbeFailed,
)
from sip.message import Request, parse
from tests.sip.calls.disk import through_disk
from tests.sip.pair import (
    ANSWER,
    HOLD,
    OFFER,
    Pair,
    Party,
    answers_itself,
    assert_ended,
    dial,
    make_pair,
    rings,
    talk,
)


def restart(pair: Pair, party: Party, call: Call) -> Call:
    """The party's process dies after `call` was saved and comes back with nothing but what was saved."""
    saved = through_disk(call.dump())
    party.agent = party.new_agent()
    account = party.account if call.account is not None else None
    return party.agent.load_call(saved, account, pair.now, owner="again")


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_a_confirmed_call_goes_on_after_a_restart_of_either_side(who: str) -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    if who == "caller":
        mine = restart(pair, pair.alice, mine)
        loaded, party = mine, pair.alice
    else:
        theirs = restart(pair, pair.bob, theirs)
        loaded, party = theirs, pair.bob
    assert (loaded.state, loaded.owner, loaded.direction) == (
        "confirmed",
        "again",
        "out" if who == "caller" else "in",
    )
    assert (mine.local_sdp, mine.remote_sdp) == (theirs.remote_sdp, theirs.local_sdp) == (OFFER, ANSWER)
    assert (mine.local_tag, mine.remote_tag) == (theirs.remote_tag, theirs.local_tag)
    loaded.update(pair.now)
    pair.advance(0.1)
    assert party.last(DialogRefreshed).call is loaded
    mine.reinvite(HOLD, pair.now)
    pair.advance(0.1)
    pair.bob.last(OfferReceived).call.answer_offer(ANSWER, pair.now)
    pair.advance(0.1)
    assert pair.alice.last(OfferAccepted).call is mine
    theirs.bye(pair.now)
    pair.settle()
    assert (mine.state, theirs.state) == ("ended", "ended")
    assert pair.alice.is_quiet()
    assert pair.bob.is_quiet()


def test_cseq_skips_100_so_that_it_grows_whatever_was_sent_after_the_saving() -> None:
    pair = make_pair()
    mine, _ = talk(pair)
    saved = mine.dump()
    for _ in range(90):
        mine.options(pair.now)
        pair.advance(0.05)
    pair.alice.agent = pair.alice.new_agent()
    loaded = pair.alice.agent.load_call(saved, pair.alice.account, pair.now)
    loaded.update(pair.now)
    pair.advance(0.1)
    numbers = [request.cseq.number for request in pair.requests("OPTIONS") + pair.requests("UPDATE")]
    assert numbers == sorted(set(numbers))
    assert pair.alice.last(DialogRefreshed).call is loaded


def test_an_update_that_gets_481_ends_the_loaded_call() -> None:
    pair = make_pair()
    mine, _ = talk(pair)
    loaded = restart(pair, pair.alice, mine)
    pair.bob.agent = pair.bob.new_agent()  # the PBX restarted too, and knows nothing
    loaded.update(pair.now)
    pair.advance(0.1)
    ended = pair.alice.last(CallEnded)
    assert (ended.by, ended.status, ended.cause) == ("nobody", 481, EndCause.GONE)
    assert pair.alice.agent.calls == []


def test_an_update_that_gets_408_ends_the_loaded_call_by_bye() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    loaded = restart(pair, pair.alice, mine)
    pair.drop("UPDATE")
    loaded.update(pair.now)
    pair.flush()
    response = pair.requests("UPDATE")[0].reply(408)
    pair.inject(response.to_bytes(), pair.alice)
    pair.settle()
    assert (pair.alice.last(CallEnded).status, pair.alice.last(CallEnded).cause) == (200, EndCause.GONE)
    assert theirs.state == "ended"


def test_an_update_that_nobody_answers_leaves_the_call_for_the_user_to_judge() -> None:
    pair = make_pair()
    mine, _ = talk(pair)
    loaded = restart(pair, pair.alice, mine)
    pair.drop("*", 1000)
    loaded.update(pair.now)
    pair.advance(33)
    assert pair.alice.last(ProbeFailed) == ProbeFailed(loaded, None, "Request Timeout")
    assert loaded.state == "confirmed"


def test_the_peers_bye_finds_the_loaded_call() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    loaded = restart(pair, pair.alice, mine)
    theirs.bye(pair.now)
    pair.settle()
    assert pair.alice.last(CallEnded) == CallEnded(loaded, "them", None, (), EndCause.HUNG_UP)


def test_a_caller_killed_between_the_200_and_its_ack_acknowledges_after_the_restart() -> None:
    pair = make_pair()
    mine = rings(pair)
    theirs = pair.bob.call()
    theirs.accept(ANSWER, pair.now)
    pair.advance(0.1)
    assert mine.state == "answered"
    loaded = restart(pair, pair.alice, mine)
    pair.advance(1.0)
    assert (loaded.state, theirs.state) == ("confirmed", "confirmed")
    assert pair.requests("ACK")[0].cseq.number == pair.requests("INVITE")[0].cseq.number
    loaded.bye(pair.now)
    pair.settle()
    assert theirs.state == "ended"


def test_an_unanswered_invite_of_ours_is_cancelled_by_its_saved_branch() -> None:
    pair = make_pair()
    mine = rings(pair)
    loaded = restart(pair, pair.alice, mine)
    assert (loaded.state, loaded.id, loaded.local_sdp) == ("proceeding", mine.id, OFFER)
    loaded.cancel(pair.now)
    pair.settle()
    assert pair.requests("CANCEL")[0].branch == pair.requests("INVITE")[0].branch
    assert pair.alice.last(CallEnded) == CallEnded(loaded, "us", 487, (), EndCause.CANCELLED)
    assert pair.bob.last(CallEnded).by == "them"
    assert pair.alice.is_quiet()
    assert pair.bob.is_quiet()


def test_a_loaded_invite_that_is_answered_before_the_cancel_is_acked_and_ended() -> None:
    pair = make_pair()
    mine = rings(pair)
    loaded = restart(pair, pair.alice, mine)
    pair.bob.call().accept(ANSWER, pair.now)
    pair.flush()
    loaded.cancel(pair.now)
    pair.settle()
    assert pair.alice.last(CallEnded).cause == EndCause.CANCELLED
    assert pair.bob.last(CallEnded).by == "them"
    assert pair.alice.is_quiet()
    assert pair.bob.is_quiet()


def test_a_loaded_invite_may_also_be_answered_and_talked() -> None:
    pair = make_pair()
    mine = rings(pair)
    loaded = restart(pair, pair.alice, mine)
    answers_itself(pair.alice, "caller")
    pair.bob.call().accept(ANSWER, pair.now)
    pair.advance(0.2)
    assert loaded.state == pair.bob.call().state == "confirmed"


def test_a_loaded_invite_is_answered_by_a_200_to_the_attempt_that_was_not_written_down() -> None:
    """It left again with credentials, under another branch and CSeq, and the process died before the row was renewed."""
    pair = make_pair()
    pair.drop("INVITE", 1)
    first = dial(pair).dump()
    invite = parse(first.invite)
    assert isinstance(invite, Request)
    pair.flush()
    challenge = invite.reply(401, headers=[("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')])
    pair.inject(challenge.to_bytes(), pair.alice)
    pair.advance(0.1)
    pair.alice.agent = pair.alice.new_agent()
    loaded = pair.alice.agent.load_call(first, pair.alice.account, pair.now)
    answers_itself(pair.alice, "caller")
    pair.bob.call().accept(ANSWER, pair.now)
    pair.advance(0.2)
    assert loaded.state == pair.bob.call().state == "confirmed"
    assert pair.requests("ACK")[-1].cseq.number == pair.requests("INVITE")[-1].cseq.number == 2
    loaded.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)


def test_a_200_for_an_invite_that_was_not_even_saved_is_ended() -> None:
    pair = make_pair()
    rings(pair)
    pair.alice.agent = pair.alice.new_agent()
    pair.bob.call().accept(ANSWER, pair.now)
    pair.settle()
    assert pair.alice.agent.counters["late_200_ended"] == 1
    assert pair.bob.last(CallEnded).by == "them"


@pytest.mark.parametrize("rang", [False, True])
def test_an_invite_to_us_is_answered_after_the_restart_with_the_same_tag(rang: bool) -> None:
    pair = make_pair()
    answers_itself(pair.alice, "caller")
    mine = dial(pair)
    pair.advance(0.1)
    theirs = pair.bob.call()
    if rang:
        theirs.ring(pair.now)
        pair.advance(0.1)
    loaded = restart(pair, pair.bob, theirs)
    assert (loaded.state, loaded.local_tag, loaded.remote_sdp) == ("received", theirs.local_tag, OFFER)
    loaded.ring(pair.now)
    loaded.accept(ANSWER, pair.now)
    pair.advance(0.2)
    assert pair.bob.last(CallConfirmed).call is loaded
    assert mine.remote_tag == theirs.local_tag
    mine.bye(pair.now)
    pair.settle()
    assert pair.bob.is_quiet()


def test_the_caller_may_cancel_the_invite_that_was_loaded() -> None:
    pair = make_pair()
    mine = rings(pair)
    loaded = restart(pair, pair.bob, pair.bob.call())
    mine.cancel(pair.now)
    pair.settle()
    assert (loaded.state, pair.bob.last(CallEnded).cause) == ("ended", EndCause.CANCELLED)
    assert len(pair.alice.heard(CallEnded)) == 1


def test_a_callee_killed_between_its_200_and_the_ack_accepts_again() -> None:
    pair = make_pair()
    mine = rings(pair)
    theirs = pair.bob.call()
    theirs.accept(ANSWER, pair.now)
    pair.advance(0.1)
    assert mine.state == "answered"
    loaded = restart(pair, pair.bob, theirs)
    assert (loaded.state, loaded.local_sdp) == ("received", ANSWER)
    loaded.accept(ANSWER, pair.now)
    mine.acknowledge(pair.now)
    pair.advance(1)
    assert (mine.state, loaded.state) == ("confirmed", "confirmed")


def test_what_lives_is_not_loaded_twice() -> None:
    pair = make_pair()
    mine, _ = talk(pair)
    with pytest.raises(LocalProtocolError):
        pair.alice.agent.load_call(mine.dump(), pair.alice.account, pair.now)


def test_what_is_over_or_has_not_begun_cannot_be_saved() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    mine.bye(pair.now)
    pair.settle()
    for call in (mine, theirs):
        with pytest.raises(LocalProtocolError):
            call.dump()


def test_what_is_about_to_leave_as_our_description_can_be_written_down_before() -> None:
    pair = make_pair()
    rings(pair)
    theirs = pair.bob.call()
    assert theirs.dump().local_sdp is None
    assert theirs.dump(ANSWER).local_sdp == ANSWER
    assert theirs.local_sdp is None
    theirs.accept(ANSWER, pair.now)
    pair.advance(0.1)
    assert theirs.dump().local_sdp == ANSWER


def test_an_invite_of_ours_needs_its_account() -> None:
    pair = make_pair()
    saved = rings(pair).dump()
    pair.alice.agent = pair.alice.new_agent()
    with pytest.raises(SipError):
        pair.alice.agent.load_call(saved, None, pair.now)
    assert pair.alice.is_quiet()
