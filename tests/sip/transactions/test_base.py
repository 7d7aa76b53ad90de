"""What all transactions share: the log, the surroundings, a lost transport, the user's own mark."""

import logging
from collections import Counter

import pytest

from sip.ids import SeededIds
from sip.transactions.layer import TransactionLayer
from tests.sip.transactions.recorder import TCP, UDP, Bench, Recorder, answer, our_request, their_request


def test_the_log_says_which_response_moved_a_client_transaction(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "trubka.sip")
    bench = Bench()
    invite, options = bench.send(our_request("INVITE")), bench.send(our_request())
    bench.receive(answer(invite, 180))
    bench.receive(answer(options, 404))
    bench.advance(5)
    assert caplog.messages == [
        f"= INVITE client: calling -[180]-> proceeding (INVITE {invite.branch})",
        f"= non-INVITE client: trying -[404]-> completed (OPTIONS {options.branch})",
        f"= non-INVITE client: completed -[timer K]-> terminated (OPTIONS {options.branch})",
    ]


def test_the_log_says_what_the_user_answered(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "trubka.sip")
    bench = Bench()
    for method in ("INVITE", "OPTIONS"):
        transaction = bench.serve(their_request(method), TCP)
        transaction.respond(transaction.request.reply(486, to_tag="tb"), bench.now)
    bench.receive(their_request("ACK", to_tag="tb"), TCP)
    assert caplog.messages == [
        "= INVITE server: proceeding -[100 due]-> proceeding (INVITE z9hG4bKtheirs)",
        "= INVITE server: proceeding -[486 from user]-> completed (INVITE z9hG4bKtheirs)",
        "= non-INVITE server: trying -[486 from user]-> completed (OPTIONS z9hG4bKtheirs)",
        "= non-INVITE server: completed -[timer J]-> terminated (OPTIONS z9hG4bKtheirs)",
        "= INVITE server: completed -[ACK]-> confirmed (INVITE z9hG4bKtheirs)",
        "= INVITE server: confirmed -[timer I]-> terminated (INVITE z9hG4bKtheirs)",
    ]


def test_nothing_is_logged_above_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench()
    bench.receive(answer(bench.send(our_request()), 200))
    bench.advance(40)
    assert caplog.messages == []


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_a_lost_transport_must_be_told_to_the_user_of_a_client_transaction(method: str) -> None:
    bench = Bench()
    transaction = bench.send(our_request(method))
    transaction.lose_transport(bench.now)
    assert bench.user.take_told() == ["transport failed"]
    assert transaction.state == "terminated"
    assert bench.layer.next_deadline() is None


def test_a_lost_transport_before_the_answer_is_nothing_to_a_request_that_waits_for_it() -> None:
    bench = Bench()
    transaction = bench.serve(their_request(), UDP)
    transaction.lose_transport(bench.now)
    assert (bench.user.take_told(), transaction.state) == ([], "trying")


def test_the_counters_are_those_that_were_given() -> None:
    counters: Counter[str] = Counter()
    layer = TransactionLayer(Recorder(), host="192.0.2.1", port=5060, ids=SeededIds(), counters=counters)
    for _ in range(2):
        layer.receive(their_request(), UDP, 0.0)
    assert counters == {"repeated_request": 1}
    assert layer.counters is counters
