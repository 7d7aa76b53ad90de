"""RFC 3261 §17.2.2: the non-INVITE server transaction."""

import pytest

from sip.flow import Flow
from sip.transactions.server import Input, NonInviteServerTransaction, State
from tests.sip.transactions.recorder import TCP, UDP, Bench, read_figure, their_request
from tests.sip.transactions.walker import Walker

# Figure 8. In trying nothing was sent, so nothing can fail to be sent; who answers after the end is heard by nobody.
FIGURE_8 = read_figure("""
    trying     | request           -> trying     |
    trying     | 1xx from user     -> proceeding | send 1xx
    trying     | 200-699 from user -> completed  | send 200-699
    trying     | transport lost    -> trying     |
    proceeding | request           -> proceeding | send 100
    proceeding | 1xx from user     -> proceeding | send 1xx
    proceeding | 200-699 from user -> completed  | send 200-699
    proceeding | transport lost    -> terminated | transport failed
    completed  | request           -> completed  | send 200
    completed  | 1xx from user     -> completed  |
    completed  | 200-699 from user -> completed  |
    completed  | timer J           -> terminated |
    completed  | transport lost    -> terminated | transport failed
    terminated | 1xx from user     -> terminated |
    terminated | 200-699 from user -> terminated |
""")
STATUSES = {Input.SEND_PROVISIONAL: (100, 182), Input.SEND_FINAL: (200, 302, 405, 501, 603)}
WAY = {
    State.TRYING: [],
    State.PROCEEDING: [Input.SEND_PROVISIONAL],
    State.COMPLETED: [Input.SEND_FINAL],
    State.TERMINATED: [Input.SEND_FINAL, Input.TIMER_J],
}


def _serve(bench: Bench, flow: Flow = UDP) -> NonInviteServerTransaction:
    transaction = bench.serve(their_request(), flow)
    assert isinstance(transaction, NonInviteServerTransaction)
    return transaction


def _respond(bench: Bench, transaction: NonInviteServerTransaction, status: int) -> None:
    transaction.respond(transaction.request.reply(status, to_tag="tb"), bench.now)


WALKER = Walker(
    FIGURE_8,
    STATUSES,
    WAY,
    _serve,
    _respond,
    {Input.REQUEST: lambda bench, one: one.receive(one.request, bench.now)},
)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Input)
def test_every_state_and_input_does_what_figure_8_says(state: State, event: Input) -> None:
    WALKER.check(state, event)


def test_the_request_must_be_passed_up_once() -> None:
    bench = Bench()
    for _ in range(3):
        bench.receive(their_request())
    assert bench.user.take_told() == ["request OPTIONS"]
    assert bench.layer.counters["repeated_request"] == 2
    assert bench.sent_words() == []


def test_a_repeated_request_must_be_answered_with_the_same_response() -> None:
    bench = Bench()
    transaction = _serve(bench)
    transaction.respond(transaction.request.reply(200, to_tag="tb"), bench.now)
    first = bench.layer.take_output()
    bench.advance(31)
    bench.receive(their_request())
    assert bench.layer.take_output() == first
    assert len(first) == 1


def test_any_other_final_response_must_be_discarded_in_completed() -> None:
    bench = Bench()
    transaction = _serve(bench)
    transaction.respond(transaction.request.reply(200, to_tag="tb"), bench.now)
    transaction.respond(transaction.request.reply(500, to_tag="tb"), bench.now)
    assert bench.sent_words() == ["200"]
    bench.receive(their_request())
    assert bench.sent_words() == ["200"]


def test_timer_j_is_64_t1() -> None:
    bench = Bench()
    transaction = _serve(bench)
    transaction.respond(transaction.request.reply(200, to_tag="tb"), bench.now)
    bench.advance(31.99)
    assert bench.layer.server_count == 1
    bench.advance(0.01)
    assert bench.layer.server_count == 0
    assert bench.layer.next_deadline() is None
    bench.receive(their_request())
    assert bench.user.take_told() == ["request OPTIONS"]  # by now a new one


def test_timer_j_is_zero_on_a_reliable_transport() -> None:
    bench = Bench()
    transaction = _serve(bench, TCP)
    transaction.respond(transaction.request.reply(200, to_tag="tb"), bench.now)
    assert transaction.state is State.TERMINATED
    assert bench.layer.server_count == 0
    assert bench.sent_words() == ["200"]


def test_the_answer_is_owed_as_long_as_the_user_takes() -> None:
    bench = Bench()
    transaction = _serve(bench)
    assert bench.layer.next_deadline() is None
    bench.advance(3600)
    transaction.respond(transaction.request.reply(200, to_tag="tb"), bench.now)
    assert bench.sent_words() == ["200"]
