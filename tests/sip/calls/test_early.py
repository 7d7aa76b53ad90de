"""Early dialogs of the caller: RSeq in order for each branch of a fork, PRACK at once (RFC 3262 §4), and which branch wins."""

from __future__ import annotations

import pytest

from sip.call import Call
from sip.errors import LocalProtocolError
from sip.events import CallAnswered, CallEnded, CallProceeding, EndCause, OfferReceived
from sip.message import Request
from tests.sip.pair import ANSWER, HOLD, OFFER, Pair, dial, make_pair


def rings(
    pair: Pair,
    tag: str,
    number: int | str | None,
    *,
    status: int = 183,
    body: bytes = b"",
    require: str = "100rel",
    again: int = -1,
) -> None:
    """A provisional response from a branch of a fork, reliable when it has a number."""
    headers = [("Contact", f"<sip:{tag}@192.0.2.2:5060>")]
    if number is not None:
        headers += [("Require", require), ("RSeq", str(number))]
    if body:
        headers.append(("Content-Type", "application/sdp"))
    invite = pair.requests("INVITE")[again]
    pair.inject(invite.reply(status, to_tag=tag or None, headers=headers, body=body).to_bytes(), pair.alice)
    pair.flush()


def answers(pair: Pair, tag: str, body: bytes = b"") -> None:
    """The 2xx of a branch."""
    headers = [("Contact", f"<sip:{tag}@192.0.2.2:5060>")]
    if body:
        headers.append(("Content-Type", "application/sdp"))
    invite = pair.requests("INVITE")[-1]
    pair.inject(invite.reply(200, to_tag=tag or None, headers=headers, body=body).to_bytes(), pair.alice)
    pair.flush()


def calling(sdp: bytes | None = OFFER, silent: bool = True) -> tuple[Pair, Call]:
    """Alice calls; Bob himself never hears of it."""
    pair = make_pair()
    if silent:
        pair.drop("*", 1000, "alice")
    call = dial(pair, sdp)
    pair.flush()
    return pair, call


def racks(pair: Pair) -> list[str | None]:
    """What was acknowledged; a PRACK that is only sent again counts once."""
    seen: dict[str, str | None] = {}
    for request in pair.requests("PRACK"):
        seen[request.branch] = request.get("RAck")
    return list(seen.values())


def answer_prack(pair: Pair, status: int, place: int = -1) -> None:
    request = pair.requests("PRACK")[place]
    pair.inject(request.reply(status).to_bytes(), pair.alice)
    pair.flush()


def test_each_branch_of_a_fork_has_numbers_of_its_own() -> None:
    pair, _ = calling()
    for tag, number in (("a", 7), ("b", 900), ("a", 8), ("b", 901)):
        rings(pair, tag, number)
    assert racks(pair) == ["7 1 INVITE", "900 1 INVITE", "8 1 INVITE", "901 1 INVITE"]
    assert [(one.to_tag, one.cseq.number) for one in pair.requests("PRACK")] == [
        ("a", 2),
        ("b", 2),
        ("a", 3),
        ("b", 3),
    ]
    assert str(pair.requests("PRACK")[1].uri) == "sip:b@192.0.2.2:5060"


def test_what_comes_again_or_too_early_is_neither_told_nor_acknowledged() -> None:
    pair, _ = calling()
    for number in (5, 5, 7, 4, 6, 5):
        rings(pair, "a", number, body=ANSWER if number == 5 else b"")
    assert racks(pair) == ["5 1 INVITE", "6 1 INVITE"]
    assert len(pair.alice.heard(CallProceeding)) == 2
    assert pair.alice.agent.counters["rseq_out_of_order"] == 1


@pytest.mark.parametrize("number", ["0", "x", "-1", "4294967296", "99999999999", ""])
def test_a_number_that_is_none_makes_it_a_mere_provisional_response(number: str) -> None:
    pair, call = calling()
    rings(pair, "a", number or " ")
    assert racks(pair) == []
    assert pair.alice.agent.counters["bad_rseq"] == 1
    assert pair.alice.last(CallProceeding) == CallProceeding(call, 183, None, "a")


def test_100_is_never_acknowledged_nor_what_has_no_tag_nor_what_requires_something_else() -> None:
    pair, _ = calling()
    rings(pair, "a", 1, status=100)
    rings(pair, "", 1)
    rings(pair, "a", 1, require="x-other")
    assert racks(pair) == []


def test_a_prack_that_was_refused_is_sent_anew_when_its_18x_comes_again() -> None:
    pair, _ = calling()
    rings(pair, "a", 5)
    answer_prack(pair, 500)
    rings(pair, "a", 4)
    assert racks(pair) == ["5 1 INVITE"]
    for _ in range(2):
        rings(pair, "a", 5)
    assert racks(pair) == ["5 1 INVITE", "5 1 INVITE"]
    assert [one.cseq.number for one in pair.requests("PRACK")] == [2, 3]
    assert pair.alice.agent.counters["prack_refused"] == 1


def test_a_prack_of_before_that_fails_late_does_not_touch_the_next() -> None:
    pair, _ = calling()
    rings(pair, "a", 5)
    rings(pair, "a", 6)
    answer_prack(pair, 500, 0)
    rings(pair, "a", 6)
    assert racks(pair) == ["5 1 INVITE", "6 1 INVITE"]


def test_a_prack_is_sent_with_credentials_when_asked_for() -> None:
    pair, _ = calling()
    rings(pair, "a", 5)
    request = pair.requests("PRACK")[0]
    challenge = [("Proxy-Authenticate", 'Digest realm="r", nonce="n"')]
    pair.inject(request.reply(407, headers=challenge).to_bytes(), pair.alice)
    pair.flush()
    again = pair.requests("PRACK")[1]
    assert again.get("Proxy-Authorization") is not None
    assert (again.cseq.number, again.get("RAck")) == (3, "5 1 INVITE")


def test_the_description_of_the_branch_that_answers_is_the_one_that_holds() -> None:
    pair, call = calling()
    rings(pair, "a", 5, body=ANSWER)
    rings(pair, "b", 6, body=HOLD)
    assert call.remote_sdp == HOLD
    answers(pair, "a", OFFER)
    assert pair.alice.last(CallAnswered) == CallAnswered(call, ANSWER), "what the 2xx says is not looked at"
    assert call.remote_sdp == ANSWER


def test_a_later_description_in_a_reliable_18x_changes_nothing() -> None:
    pair, call = calling()
    rings(pair, "a", 5, body=ANSWER)
    rings(pair, "a", 6, body=HOLD)
    answers(pair, "a")
    assert pair.alice.last(CallAnswered) == CallAnswered(call, ANSWER)
    assert len(racks(pair)) == 2


def test_a_branch_that_loses_the_race_is_ended_with_a_number_above_its_pracks() -> None:
    pair, call = calling()
    for number in range(1, 5):
        rings(pair, "b", number)
    rings(pair, "a", 9)
    answers(pair, "a", ANSWER)
    call.acknowledge(pair.now)
    answers(pair, "b", ANSWER)
    bye = pair.requests("BYE")[0]
    assert bye.to_tag == "b"
    assert bye.cseq.number > max(one.cseq.number for one in pair.requests("PRACK"))


def test_a_2xx_that_comes_before_our_answer_to_the_18x_is_answered_in_its_ack() -> None:
    pair, call = calling(None)
    rings(pair, "a", 5, body=OFFER)
    assert pair.alice.last(OfferReceived) == OfferReceived(call, OFFER, False, "a")
    answers(pair, "a", OFFER)
    assert pair.alice.last(CallAnswered) == CallAnswered(call, OFFER)
    call.acknowledge(pair.now, ANSWER)
    pair.flush()
    assert pair.requests("ACK")[0].body == ANSWER
    assert racks(pair) == []


def test_the_event_of_the_18x_comes_before_that_of_its_offer() -> None:
    pair, _ = calling(None)
    rings(pair, "a", 5, body=OFFER)
    assert [type(event).__name__ for event in pair.alice.events] == ["CallProceeding", "OfferReceived"]


def test_several_branches_may_offer_and_each_gets_its_own_answer() -> None:
    pair, call = calling(None)
    rings(pair, "a", 5, body=OFFER)
    rings(pair, "b", 5, body=HOLD)
    call.answer_offer(ANSWER, pair.now, tag="a")
    call.answer_offer(HOLD, pair.now)
    pair.flush()
    pracks: list[Request] = pair.requests("PRACK")
    assert [(one.to_tag, one.body) for one in pracks] == [("a", ANSWER), ("b", HOLD)]
    with pytest.raises(LocalProtocolError):
        call.answer_offer(HOLD, pair.now, tag="nobody")


def test_a_retry_with_credentials_forgets_the_numbers_of_before() -> None:
    pair, _ = calling()
    rings(pair, "a", 5)
    challenge = [("WWW-Authenticate", 'Digest realm="r", nonce="n"')]
    pair.inject(pair.requests("INVITE")[0].reply(401, to_tag="p", headers=challenge).to_bytes(), pair.alice)
    pair.flush()
    rings(pair, "a", 1)
    assert racks(pair)[-1] == "1 2 INVITE"


def test_a_fork_to_very_many_phones_is_bounded() -> None:
    pair, _ = calling()
    for number in range(20):
        rings(pair, f"t{number}", 1)
    assert len(racks(pair)) == 16
    assert pair.alice.agent.counters["early_dialogs_refused"] == 4


def test_no_prack_leaves_once_the_call_is_to_be_cancelled() -> None:
    pair, call = calling()
    rings(pair, "a", None)
    call.cancel(pair.now)
    rings(pair, "a", 5)
    assert racks(pair) == []
    answers(pair, "a", ANSWER)
    pair.settle()
    assert pair.alice.last(CallEnded).cause == EndCause.CANCELLED
    assert pair.alice.is_quiet()
