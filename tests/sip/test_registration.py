"""A registration against Bob as registrar (RFC 3261 §10.2, RFC 3665 §2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sip.account import Account
from sip.errors import LocalProtocolError
from sip.events import CallReceived, Registered, RegistrationFailed, Unregistered
from sip.registration import Registration, RegistrationInput, RegistrationState
from sip.uri import Uri
from sip.verifier import Verdict, Verifier
from tests.sip.pair import OFFER, Pair, make_pair
from tests.sip.registrar import SECRET, Registrar, grant, refuse, registrar_pair


def account(pair: Pair) -> Account:
    """Alice's account at Bob's registrar."""
    return replace(pair.alice.account, registrar=Uri("sip", None, None, "192.0.2.2"), expires=600)


def register(pair: Pair) -> Registration:
    registration = pair.alice.agent.register(account(pair), pair.now, owner="line")
    pair.advance(0.1)
    return registration


def test_the_request_is_as_the_rfc_draws_it() -> None:
    pair, registrar = registrar_pair(grant(600))
    registration = register(pair)
    (request,) = registrar.seen
    assert str(request.uri) == "sip:192.0.2.2", "§10.2: without a user part"
    assert (str(request.to), str(request.from_.uri)) == ("<sip:alice@192.0.2.1>", "sip:alice@192.0.2.1")
    assert request.contact is not None
    assert request.contact.uri == registration.contact
    assert request.integer("Expires") == 600
    assert request.cseq.number == 1
    assert (registration.owner, registration.state) == ("line", "registered")


def test_the_granted_time_is_that_of_our_contact_not_of_others() -> None:
    pair, _ = registrar_pair(grant(120))
    registration = register(pair)
    assert pair.alice.last(Registered) == Registered(registration, 120, refreshed=False)
    assert registration.expires_at == pytest.approx(120.02)


@pytest.mark.parametrize(
    ("headers", "expires"),
    [
        ({"Expires": "90"}, 90),
        ({}, 600),
        ({"Contact": "<sip:other@192.0.2.1>;expires=5", "Expires": "70"}, 70),
    ],
)
def test_without_our_contact_in_the_answer_its_expires_counts_else_what_was_asked(
    headers: dict[str, str], expires: int
) -> None:
    pair, _ = registrar_pair(refuse(200, **headers))
    register(pair)
    assert pair.alice.last(Registered).expires == expires


def test_it_is_refreshed_at_a_share_of_the_granted_time_with_the_same_call_id_and_a_higher_cseq() -> None:
    pair, registrar = registrar_pair(grant(100))
    registration = register(pair)
    pair.advance(74)
    assert len(registrar.seen) == 1
    pair.advance(12)
    assert len(registrar.seen) == 2
    assert pair.alice.last(Registered) == Registered(registration, 100, refreshed=True)
    first, second = registrar.seen
    assert (first.call_id, first.from_tag) == (second.call_id, second.from_tag)
    assert second.cseq.number == first.cseq.number + 1
    pair.advance(1000)
    assert 11 <= len(registrar.seen) <= 16


def test_423_is_asked_again_with_the_time_that_the_registrar_wants() -> None:
    pair, registrar = registrar_pair(refuse(423, Min_Expires="1800"), grant(1800))
    register(pair)
    assert [request.integer("Expires") for request in registrar.seen] == [600, 1800]
    assert pair.alice.last(Registered).expires == 1800


@pytest.mark.parametrize("least", ["60", "600", "x", "999999999"])
def test_423_that_asks_for_nothing_longer_is_a_failure_and_no_loop(least: str) -> None:
    pair, registrar = registrar_pair(refuse(423, Min_Expires=least))
    register(pair)
    assert len(registrar.seen) == 1
    assert pair.alice.last(RegistrationFailed).status == 423


def test_digest_is_answered_and_the_next_request_has_its_credentials_at_once() -> None:
    pair, registrar = registrar_pair(grant(100), verifier=Verifier("bob", SECRET))
    register(pair)
    assert registrar.verdicts == [Verdict.MISSING, Verdict.ACCEPTED]
    assert [request.cseq.number for request in registrar.seen] == [1, 2]
    pair.advance(86)
    assert registrar.verdicts[2:] == [Verdict.ACCEPTED]


def test_a_stale_nonce_is_answered_with_the_new_one() -> None:
    pair, registrar = registrar_pair(grant(100), verifier=Verifier("bob", SECRET, lifetime=10))
    register(pair)
    pair.advance(86)
    assert registrar.verdicts == [Verdict.MISSING, Verdict.ACCEPTED, Verdict.STALE, Verdict.ACCEPTED]
    assert len(pair.alice.heard(Registered)) == 2


def test_a_wrong_password_is_tried_once_and_then_slowly() -> None:
    pair, registrar = registrar_pair(grant(100), verifier=Verifier("bob", SECRET), password="other")
    register(pair)
    assert registrar.verdicts == [Verdict.MISSING, Verdict.REFUSED]
    failed = pair.alice.last(RegistrationFailed)
    assert failed.status == 401
    assert failed.retry_at is not None
    assert 30 <= failed.retry_at <= 91
    pair.advance(3600 * 24)
    assert len(registrar.seen) < 2 * 150, "half an hour apart in the end"


def test_it_comes_back_by_itself_when_the_password_is_right_again() -> None:
    pair, _ = registrar_pair(refuse(403), refuse(403), grant(60))
    registration = register(pair)
    pair.advance(400)
    assert registration.state == "registered"
    assert len(pair.alice.heard(RegistrationFailed)) == 2


def test_a_silent_registrar_is_asked_again_soon_and_bounded_with_jitter() -> None:
    pair, _ = registrar_pair(grant(60))
    pair.drop("REGISTER", 100_000)
    register(pair)
    pair.advance(3600)
    failed = pair.alice.heard(RegistrationFailed)
    assert {event.status for event in failed} == {None}
    pauses = [event.retry_at - 32 for event in failed[:1] if event.retry_at]
    assert 1.0 <= pauses[0] <= 3.1
    attempts = [one for one in pair.requests("REGISTER") if one.via.branch]
    distinct = {request.branch for request in attempts}
    assert 3600 / (32 + 90) <= len(distinct) <= 3600 / (32 + 30) + 8


def test_retry_after_is_obeyed() -> None:
    pair, registrar = registrar_pair(refuse(503, Retry_After="200 (busy)"), grant(60))
    register(pair)
    pair.advance(199)
    assert len(registrar.seen) == 1
    pair.advance(2)
    assert len(registrar.seen) == 2


def test_the_pause_begins_small_again_after_a_success() -> None:
    answers = [refuse(500)] * 8 + [grant(60)] + [refuse(500)] * 2 + [grant(60)]
    pair, _ = registrar_pair(*answers)
    register(pair)
    pair.advance(600)
    failed = pair.alice.heard(RegistrationFailed)
    assert len(failed) == 10
    moments = [event.retry_at for event in failed if event.retry_at]
    assert moments == sorted(moments)
    assert len(pair.alice.heard(Registered)) >= 2


def test_unregister_asks_for_zero_and_says_so() -> None:
    pair, registrar = registrar_pair(grant(600))
    registration = register(pair)
    registration.unregister(pair.now)
    registration.unregister(pair.now)
    pair.settle()
    assert registrar.seen[-1].integer("Expires") == 0
    assert pair.alice.heard(Unregistered) == [Unregistered(registration)]
    assert registration.expires_at is None
    assert pair.alice.is_quiet()
    registration.unregister(pair.now)
    assert pair.alice.is_quiet()


def test_unregister_during_a_register_waits_for_its_answer() -> None:
    pair, registrar = registrar_pair(grant(600))
    registration = pair.alice.agent.register(account(pair), 0.0)
    registration.unregister(0.0)
    pair.settle()
    assert [request.integer("Expires") for request in registrar.seen] == [600, 0]
    assert not pair.alice.heard(Registered)
    assert pair.alice.heard(Unregistered)
    assert pair.alice.is_quiet()


def test_a_line_that_is_switched_off_and_on_again_is_registered_in_the_end() -> None:
    pair, registrar = registrar_pair(grant(600))
    registration = register(pair)
    registration.unregister(pair.now)
    registration.refresh(pair.now)
    pair.advance(1)
    assert [request.integer("Expires") for request in registrar.seen] == [600, 0, 600]
    assert registration.state == "registered"
    assert not pair.alice.heard(Unregistered)


def test_a_registrar_that_does_not_answer_the_unregister_lets_it_go() -> None:
    pair, _ = registrar_pair(grant(600))
    registration = register(pair)
    pair.drop("REGISTER", 100)
    registration.unregister(pair.now)
    pair.settle()
    assert pair.alice.heard(Unregistered)
    assert pair.alice.is_quiet()


def test_a_lost_connection_registers_anew_within_two_seconds() -> None:
    pair = make_pair(transport="tcp", methods=["REGISTER"])
    registrar = Registrar(pair.bob, grant(600))
    register(pair)
    (transmit,) = list(pair.requests("REGISTER"))
    assert transmit.via.transport == "TCP"
    assert registrar.seen[0].contact is not None
    assert registrar.seen[0].contact.uri.transport == "tcp"
    flow = account(pair).flow(0)
    pair.alice.agent.transport_lost(flow, pair.now)
    pair.alice.agent.transport_lost(flow._replace(remote=("192.0.2.9", 5060)), pair.now)
    pair.advance(2.1)
    assert len(registrar.seen) == 2


def test_why_the_connection_cannot_be_made_is_the_reason_of_the_failure() -> None:
    pair = make_pair(transport="tls", methods=["REGISTER"])
    registration = pair.alice.agent.register(account(pair), pair.now)
    pair.alice.agent.take_output()
    assert registration.flow is not None
    pair.alice.agent.transport_lost(registration.flow, pair.now, "the certificate has expired")
    failed = next(one for one in pair.alice.agent.take_events() if isinstance(one, RegistrationFailed))
    assert (failed.status, failed.reason) == (None, "the certificate has expired")


def test_a_connection_that_stands_again_brings_its_lines_back_and_no_others() -> None:
    pair = make_pair(transport="tcp", methods=["REGISTER"])
    registrar = Registrar(pair.bob, grant(600))
    registration = register(pair)
    assert registration.flow is not None
    elsewhere = registration.flow._replace(remote=("192.0.2.77", 5060))
    pair.alice.agent.transport_made(elsewhere, pair.now)
    pair.advance(2.1)
    assert len(registrar.seen) == 1
    pair.alice.agent.transport_made(registration.flow._replace(connection=4), pair.now)
    pair.advance(2.1)
    assert len(registrar.seen) == 2


@pytest.mark.parametrize("state", list(RegistrationState))
@pytest.mark.parametrize("event", list(RegistrationInput))
def test_every_row_is_written_or_refused(state: RegistrationState, event: RegistrationInput) -> None:
    """Commands and transports are foreseen in every state; answers only while a REGISTER is under way; turns only in the queue; time only
    in a pause."""
    asking = {"registering", "refreshing", "leaving", "unregistering", "returning"}
    queued = {"queued", "refresh queued", "leave queued"}
    where = {
        RegistrationInput.ACCEPTED: asking,
        RegistrationInput.TOO_BRIEF: asking,
        RegistrationInput.REFUSED: asking,
        RegistrationInput.TURN: queued,
        RegistrationInput.SILENT: queued,
        RegistrationInput.TIMER: {"idle", "registered", "waiting"},
    }
    assert ((state, event) in Registration.table) == (state in where.get(event, set(RegistrationState)))


def test_what_no_row_foresees_raises_and_changes_nothing() -> None:
    pair, _ = registrar_pair(grant(600))
    registration = register(pair)
    with pytest.raises(LocalProtocolError):
        registration.step(RegistrationInput.ACCEPTED, pair.now)
    assert registration.state == "registered"


def test_a_line_that_waits_for_its_turn_is_found_by_calls_and_registers_when_it_comes() -> None:
    pair, registrar = registrar_pair(grant(600))
    waiting = pair.alice.agent.register(account(pair), pair.now, owner="line", contact_user="mark", pause=5.0)
    pair.advance(4.9)
    assert registrar.seen == []
    pair.bob.agent.invite(pair.bob.account, waiting.contact, OFFER, pair.now)
    pair.advance(0.05)
    assert pair.alice.last(CallReceived).call.owner == "line"
    pair.advance(0.5)
    assert [request.contact for request in registrar.seen if request.contact] != []
    assert waiting.state == "registered"


def test_a_line_that_is_taken_back_before_its_turn_never_registers() -> None:
    pair, registrar = registrar_pair(grant(600))
    waiting = pair.alice.agent.register(account(pair), pair.now, pause=5.0)
    waiting.unregister(pair.now)
    pair.advance(10)
    assert (waiting.state, registrar.seen) == ("off", [])
    assert pair.alice.agent.registration_count == 0
