"""The caller: CANCEL at any moment (RFC 3261 §9.1), and the branches of a fork (§13.2.2.4)."""

from __future__ import annotations

import pytest

from sip.call import Call
from sip.calls.caller import OutgoingCall
from sip.errors import LocalProtocolError
from sip.events import (
    CallAnswered,
    CallEnded,
    EndCause,
)
from sip.headers import Reason
from sip.message import parse
from tests.sip.pair import (
    ANSWER,
    OFFER,
    Pair,
    assert_both_quiet,
    assert_ended,
    bob_uri,
    dial,
    make_pair,
    rings,
)


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


def overtaking(pair: Pair, method: str, body: bytes = b"") -> bytes:
    """A request of Bob's in the dialog that his 200 began, ahead of the 200."""
    dialog = pair.bob.call().dialog
    assert dialog is not None
    headers = [("Content-Type", "application/sdp")] if body else []
    request = dialog.request(method, contact="<sip:bob@192.0.2.2>", headers=headers, body=body)
    return request.prepend("Via", "SIP/2.0/UDP 192.0.2.2:5060;rport;branch=z9hG4bKfast").to_bytes()


@pytest.mark.parametrize("heard", [True, False])
@pytest.mark.parametrize(
    ("method", "body", "answer"),
    [("UPDATE", b"", "200 UPDATE"), ("UPDATE", OFFER, "491 UPDATE"), ("OPTIONS", b"", "200 OPTIONS")],
)
def test_a_request_that_overtakes_the_200_does_not_get_481_which_would_end_the_call(
    heard: bool, method: str, body: bytes, answer: str
) -> None:
    pair = make_pair()
    pair.drop("200 INVITE", 1)
    if not heard:
        pair.drop("100 INVITE", 1)
    mine = dial(pair)
    pair.advance(0.1)
    pair.bob.call().accept(ANSWER, pair.now)
    pair.advance(0.1)
    pair.inject(overtaking(pair, method, body), pair.alice)
    pair.flush()
    assert pair.names(pair.alice)[-1] == answer
    pair.advance(1.0)  # the 200 comes again
    mine.acknowledge(pair.now)
    pair.advance(0.1)
    assert (mine.state, pair.bob.call().state) == ("confirmed", "confirmed")


def test_bye_that_overtakes_the_200_ends_the_call() -> None:
    pair = make_pair()
    pair.drop("200 INVITE", 1)
    dial(pair)
    pair.advance(0.1)
    pair.bob.call().accept(ANSWER, pair.now)
    pair.advance(0.1)
    pair.inject(overtaking(pair, "BYE"), pair.alice)
    pair.flush()
    assert pair.names(pair.alice)[-2:] == ["200 BYE", "CANCEL"]
    pair.settle()
    end = pair.alice.last(CallEnded)
    assert (end.by, end.cause) == ("them", EndCause.HUNG_UP)
    assert not pair.alice.heard(CallAnswered)
    assert_both_quiet(pair)


def test_a_cancel_that_the_peer_knows_nothing_of_is_not_waited_for_until_64_t1() -> None:
    pair = make_pair()
    mine = rings(pair)
    pair.bob.agent = pair.bob.new_agent()  # restarted: it knows no INVITE
    mine.cancel(pair.now)
    pair.advance(0.1)
    assert pair.names(pair.bob)[-1] == "481 CANCEL"
    assert not pair.alice.heard(CallEnded)
    pair.advance(pair.alice.timers.t2)
    end = pair.alice.last(CallEnded)
    assert (end.by, end.cause) == ("us", EndCause.CANCELLED)
    pair.settle()
    assert pair.alice.is_quiet()


def test_a_200_whose_invite_was_cancelled_in_vain_is_acknowledged_and_ended_however_late() -> None:
    pair = make_pair()
    mine = rings(pair)
    pair.bob.call().accept(ANSWER, pair.now)
    pair.drop("200 INVITE", 4)
    pair.flush()
    pair.drop("200 CANCEL", 9)
    mine.cancel(pair.now)
    pair.advance(0.1)
    assert isinstance(mine, OutgoingCall)
    mine.cancel_unknown(pair.now)  # as a peer says whose INVITE transaction went with its 200
    pair.advance(pair.alice.timers.t2 + 0.1)
    assert pair.alice.heard(CallEnded)
    pair.settle()
    assert pair.names(pair.alice).count("BYE") == 1
    assert pair.bob.last(CallEnded).by == "them"
    assert_both_quiet(pair)


def waits(pair: Pair) -> Call:
    """A call that is made and not begun."""
    return pair.alice.agent.invite(pair.alice.account, bob_uri(), OFFER, pair.now, wait=True)


def test_an_invite_that_waits_is_saved_as_it_will_leave_and_leaves_at_start() -> None:
    pair = make_pair()
    mine = waits(pair)
    pair.advance(1.0)
    assert (mine.state, pair.names()) == ("idle", [])
    saved = parse(mine.dump().invite)
    mine.start(pair.now)
    pair.advance(0.1)
    (invite,) = pair.requests("INVITE")
    assert (saved.branch, saved.call_id, saved.from_tag) == (invite.branch, invite.call_id, invite.from_tag)
    assert parse(mine.dump().invite).branch == invite.branch
    with pytest.raises(LocalProtocolError):
        mine.start(pair.now)


def test_an_invite_that_waits_may_be_taken_back_and_then_nothing_is_sent() -> None:
    pair = make_pair()
    mine = waits(pair)
    mine.cancel(pair.now)
    pair.settle()
    assert pair.names() == []
    assert pair.alice.last(CallEnded) == CallEnded(mine, "us", None, (), EndCause.CANCELLED)
    assert_both_quiet(pair)


def test_an_invite_that_waited_can_be_found_by_its_saved_branch_after_a_restart() -> None:
    pair = make_pair()
    mine = waits(pair)
    saved = mine.dump()
    mine.start(pair.now)
    pair.advance(0.1)
    pair.alice.agent = pair.alice.new_agent()
    pair.alice.agent.load_call(saved, pair.alice.account, pair.now).cancel(pair.now)
    pair.settle()
    assert pair.bob.last(CallEnded).cause == EndCause.CANCELLED
