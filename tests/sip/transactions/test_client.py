"""RFC 3261 §17.1.2: the non-INVITE client transaction."""

import pytest

from sip.flow import Flow
from sip.timers import Timers
from sip.transactions.client import Input, NonInviteClientTransaction, State
from tests.sip.transactions.recorder import TCP, UDP, Bench, answer, our_request, read_figure
from tests.sip.transactions.walker import Walker

# Figure 6, and what it leaves unsaid: a final response overtakes others; after it the transport does not matter.
FIGURE_6 = read_figure("""
    trying     | 1xx            -> proceeding | response 1xx
    trying     | 200-699        -> completed  | response 200-699
    trying     | timer E        -> trying     | send OPTIONS
    trying     | timer F        -> terminated | timed out
    trying     | transport lost -> terminated | transport failed
    proceeding | 1xx            -> proceeding | response 1xx
    proceeding | 200-699        -> completed  | response 200-699
    proceeding | timer E        -> proceeding | send OPTIONS
    proceeding | timer F        -> terminated | timed out
    proceeding | transport lost -> terminated | transport failed
    completed  | 1xx            -> completed  |
    completed  | 200-699        -> completed  |
    completed  | transport lost -> completed  |
    completed  | timer K        -> terminated |
""")
# Ours: another server is asked (RFC 3263 §4.3), and the user knows it.
FIGURE_6 |= {
    (State.TRYING, Input.ABANDON): (State.TERMINATED, []),
    (State.PROCEEDING, Input.ABANDON): (State.TERMINATED, []),
    (State.COMPLETED, Input.ABANDON): (State.COMPLETED, []),
    (State.TERMINATED, Input.ABANDON): (State.TERMINATED, []),
}
STATUSES = {Input.PROVISIONAL: (100, 183, 199), Input.FINAL: (200, 302, 401, 503, 603)}
WAY = {
    State.TRYING: [],
    State.PROCEEDING: [Input.PROVISIONAL],
    State.COMPLETED: [Input.FINAL],
    State.TERMINATED: [Input.FINAL, Input.TIMER_K],
}


def _ask(bench: Bench) -> NonInviteClientTransaction:
    transaction = bench.send(our_request())
    assert isinstance(transaction, NonInviteClientTransaction)
    return transaction


WALKER = Walker(
    FIGURE_6, STATUSES, WAY, _ask, lambda bench, one, status: one.receive(answer(one, status), bench.now)
)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Input)
def test_every_state_and_input_does_what_figure_6_says(state: State, event: Input) -> None:
    WALKER.check(state, event)


def test_the_request_leaves_once_with_our_via_on_top() -> None:
    bench = Bench()
    transaction = bench.layer.send_request(our_request(), UDP, bench.now)
    (sent,) = bench.sent()
    assert sent.via.host == "192.0.2.1"
    assert sent.via.port == 5060
    assert sent.via.transport == "UDP"
    assert "rport" in sent.via.params
    assert sent.branch == transaction.branch
    assert sent.branch.startswith("z9hG4bK")
    assert sent.headers[0][0] == "Via"


def test_timer_e_doubles_up_to_t2_in_trying() -> None:
    bench = Bench()
    bench.send(our_request())
    started = bench.now
    times = []
    while (at := bench.layer.next_deadline()) is not None and at < started + 31:
        bench.advance(at - bench.now)
        times.append(at - started)
        assert bench.sent_words() == ["OPTIONS"]
    assert times == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5]


def test_timer_e_is_reset_to_t2_in_proceeding() -> None:
    bench = Bench()
    transaction = bench.send(our_request())
    bench.receive(answer(transaction, 100))
    bench.advance(0.5)
    assert bench.sent_words() == ["OPTIONS"]  # the timer that ran already
    bench.advance(3.9)
    assert bench.sent_words() == []
    bench.advance(0.1)
    assert bench.sent_words() == ["OPTIONS"]


@pytest.mark.parametrize("flow", [UDP, TCP])
@pytest.mark.parametrize("status", [None, 100])
def test_without_a_final_response_the_user_must_be_told_at_64_t1(flow: Flow, status: int | None) -> None:
    bench = Bench()
    transaction = bench.send(our_request(), flow)
    if status:
        bench.receive(answer(transaction, status))
        bench.user.take_told()
    bench.advance(31.99)
    assert bench.user.take_told() == []
    bench.advance(0.01)
    assert bench.user.take_told() == ["timed out"]
    assert bench.layer.client_count == 0
    assert bench.layer.next_deadline() is None


def test_the_request_must_not_be_repeated_on_a_reliable_transport() -> None:
    bench = Bench()
    bench.layer.send_request(our_request(), TCP, bench.now)
    bench.advance(31)
    assert bench.sent_words() == ["OPTIONS"]


def test_a_repeated_final_response_is_absorbed_for_t4() -> None:
    bench = Bench()
    transaction = bench.send(our_request())
    bench.receive(answer(transaction, 200))
    bench.advance(4.99)
    bench.receive(answer(transaction, 200))
    assert bench.user.take_told() == ["response 200"]
    bench.advance(0.01)
    assert transaction.state is State.TERMINATED
    bench.receive(answer(transaction, 200))
    assert bench.user.take_told() == ["stray 200"]


def test_timer_k_is_zero_on_a_reliable_transport() -> None:
    bench = Bench()
    transaction = bench.send(our_request(), TCP)
    bench.receive(answer(transaction, 200), TCP)
    assert transaction.state is State.TERMINATED
    assert bench.user.take_told() == ["response 200"]
    assert bench.layer.next_deadline() is None


def test_no_repeat_leaves_after_the_final_response() -> None:
    bench = Bench()
    transaction = bench.send(our_request())
    bench.receive(answer(transaction, 200))
    bench.advance(60)
    assert bench.sent_words() == []
    assert bench.layer.client_count == 0


def test_the_timers_are_those_that_were_given() -> None:
    bench = Bench(timers=Timers(t1=0.25, t2=0.5, t4=1.0))
    bench.send(our_request())
    bench.advance(1.25)  # 0.25, 0.75, 1.25
    assert bench.sent_words() == ["OPTIONS"] * 3
    bench.advance(16 - 1.25)
    assert bench.user.take_told() == ["timed out"]
