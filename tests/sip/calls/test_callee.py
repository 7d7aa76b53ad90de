"""The callee: ring, accept, reject, and what the caller does meanwhile (RFC 3261 §9.2, §13.3, §15)."""

from __future__ import annotations

import pytest

from sip.core import METHODS
from sip.errors import LocalProtocolError
from sip.events import CallEnded, CallReceived, EndCause
from tests.sip.pair import ANSWER, OFFER, assert_both_quiet, dial, make_pair, rings


def test_an_invite_gets_100_at_once_and_nothing_else_until_the_user_speaks() -> None:
    pair = make_pair()
    dial(pair)
    pair.advance(25)
    assert pair.names(pair.bob) == ["100 INVITE"]
    assert pair.bob.call().remote_sdp == OFFER


def test_all_responses_of_a_callee_bear_one_to_tag_and_its_contact() -> None:
    pair = make_pair()
    rings(pair)
    pair.bob.call().accept(ANSWER, pair.now)
    pair.flush()
    ringing, accepted = pair.responses("180 INVITE")[0], pair.responses("200 INVITE")[0]
    assert ringing.to_tag == accepted.to_tag == pair.bob.call().local_tag
    assert (ringing.get("Contact"), accepted.get("Contact")) == ("<sip:bob@192.0.2.2:5060>",) * 2
    assert accepted.get("Allow") == ", ".join((*METHODS, "REFER"))  # §13.3.1.4
    assert (accepted.body, accepted.content_type) == (ANSWER, "application/sdp")


def test_a_repeated_invite_gets_the_last_response_again_and_makes_no_second_call() -> None:
    pair = make_pair()
    rings(pair)
    pair.inject(pair.requests("INVITE")[0].to_bytes(), pair.bob)
    pair.flush()
    assert pair.names(pair.bob) == ["100 INVITE", "180 INVITE", "180 INVITE"]
    assert len(pair.bob.heard(CallReceived)) == 1


def test_bye_in_the_early_dialog_ends_it_with_487() -> None:
    pair = make_pair()
    mine = rings(pair)
    dialog = mine.dialog_with(pair.bob.call().local_tag)
    assert dialog is not None
    bye = dialog.request("BYE").prepend("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKhand")
    pair.inject(bye.to_bytes(), pair.bob)
    pair.flush()
    assert pair.names(pair.bob)[-2:] == ["200 BYE", "487 INVITE"]  # §15
    assert (pair.bob.last(CallEnded).by, pair.bob.last(CallEnded).cause) == ("them", EndCause.HUNG_UP)


def test_cancel_after_the_200_has_no_effect() -> None:
    pair = make_pair()
    mine = rings(pair)
    pair.drop("200 INVITE")
    theirs = pair.bob.call()
    theirs.accept(ANSWER, pair.now)
    pair.flush()
    mine.cancel(pair.now)
    pair.advance(0.05)
    assert (pair.names(pair.bob)[-1], theirs.state) == ("200 CANCEL", "accepted")  # §9.2
    assert_both_quiet(pair)
    assert theirs.state == "ended"


def test_a_rejection_has_the_users_phrase_and_headers() -> None:
    pair = make_pair()
    dial(pair)
    pair.advance(0.1)
    pair.bob.call().reject(480, pair.now, "Nobody here", headers=[("Retry-After", 5)])
    pair.flush()
    (refusal,) = pair.responses("480 INVITE")
    assert (refusal.reason, refusal.get("Retry-After")) == ("Nobody here", "5")


def test_an_answer_that_cannot_be_written_changes_nothing() -> None:
    pair = make_pair()
    rings(pair)
    with pytest.raises(LocalProtocolError):
        pair.bob.call().accept(ANSWER, pair.now, headers=[("X", "a\r\nb: c")])
    with pytest.raises(LocalProtocolError):
        pair.bob.call().reject(486, pair.now, "Busy\r\nX: y")
    assert pair.bob.call().state == "ringing"
