"""RFC 3261 §17.2.1 and RFC 6026 §7.1: the INVITE server transaction."""

import pytest

from sip.flow import Flow
from sip.timers import Timers
from sip.transactions.invite_server import Input, InviteServerTransaction, State
from tests.sip.transactions.recorder import TCP, UDP, Bench, effects, read_figure, their_request
from tests.sip.transactions.walker import Walker

# Figure 7 with the Accepted state of RFC 6026 and its transport errors, which end nothing. Ours: what is absorbed.
FIGURE_7 = read_figure("""
    proceeding | INVITE            -> proceeding | send 100
    proceeding | ACK               -> proceeding |
    proceeding | 100 due           -> proceeding | send 100
    proceeding | 1xx from user     -> proceeding | send 1xx
    proceeding | 2xx from user     -> accepted   | send 2xx
    proceeding | 300-699 from user -> completed  | send 300-699
    proceeding | transport lost    -> proceeding | transport failed
    completed  | INVITE            -> completed  | send 300
    completed  | ACK               -> confirmed  |
    completed  | timer G           -> completed  | send 300
    completed  | timer H           -> terminated | timed out
    completed  | transport lost    -> completed  | transport failed
    confirmed  | INVITE            -> confirmed  |
    confirmed  | ACK               -> confirmed  |
    confirmed  | timer I           -> terminated |
    confirmed  | transport lost    -> confirmed  |
    accepted   | INVITE            -> accepted   |
    accepted   | ACK               -> accepted   | ack
    accepted   | 2xx from user     -> accepted   | send 2xx
    accepted   | timer L           -> terminated |
    accepted   | transport lost    -> accepted   | transport failed
    terminated | 2xx from user     -> terminated |
""")
STATUSES = {
    Input.SEND_PROVISIONAL: (100, 180, 183),
    Input.SEND_SUCCESS: (200, 202),
    Input.SEND_FAILURE: (300, 401, 480, 486, 487, 503, 603),
}
WAY = {
    State.PROCEEDING: [],
    State.COMPLETED: [Input.SEND_FAILURE],
    State.CONFIRMED: [Input.SEND_FAILURE, Input.ACK],
    State.ACCEPTED: [Input.SEND_SUCCESS],
    State.TERMINATED: [Input.SEND_SUCCESS, Input.TIMER_L],
}


def _respond(bench: Bench, transaction: InviteServerTransaction, status: int) -> None:
    transaction.respond(transaction.request.reply(status, to_tag="tb"), bench.now)


def _serve(bench: Bench, flow: Flow = UDP) -> InviteServerTransaction:
    transaction = bench.serve(their_request("INVITE"), flow)
    assert isinstance(transaction, InviteServerTransaction)
    return transaction


WALKER = Walker(
    FIGURE_7,
    STATUSES,
    WAY,
    _serve,
    _respond,
    {
        Input.INVITE: lambda bench, one: one.receive(their_request("INVITE"), bench.now),
        Input.ACK: lambda bench, one: one.receive(their_request("ACK"), bench.now),
    },
)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Input)
def test_every_state_and_input_does_what_figure_7_says(state: State, event: Input) -> None:
    WALKER.check(state, event)


def test_100_leaves_at_once_when_the_delay_is_zero() -> None:
    bench = Bench()
    bench.receive(their_request("INVITE"))
    (trying,) = bench.sent()
    assert trying.to_tag is None  # §8.2.6.2: a 100 needs none
    assert bench.user.take_told() == ["request INVITE"]
    assert bench.layer.next_deadline() is None


def test_100_must_leave_within_the_delay_unless_the_user_has_answered() -> None:
    bench = Bench(timers=Timers(trying=0.2))
    bench.receive(their_request("INVITE"))
    bench.advance(0.19)
    assert bench.sent_words() == []
    bench.receive(their_request("INVITE"))  # nothing to repeat yet
    assert bench.sent_words() == []
    bench.advance(0.01)
    assert bench.sent_words() == ["100"]


@pytest.mark.parametrize("status", [180, 200, 486])
def test_100_does_not_leave_once_the_user_has_answered(status: int) -> None:
    bench = Bench(timers=Timers(trying=0.2))
    transaction = _serve(bench)
    _respond(bench, transaction, status)
    bench.advance(0.3)
    assert bench.sent_words() == [str(status)]


def test_a_repeated_invite_must_get_the_latest_provisional_response() -> None:
    bench = Bench()
    transaction = _serve(bench)
    _respond(bench, transaction, 180)
    bench.layer.take_output()
    bench.receive(their_request("INVITE"))
    assert effects(bench) == ["send 180"]


def test_a_refusal_is_repeated_doubling_up_to_t2_until_timer_h_which_must_be_told() -> None:
    bench = Bench()
    transaction = _serve(bench)
    _respond(bench, transaction, 486)
    started, times = bench.now, []
    while (at := bench.layer.next_deadline()) is not None and at < started + 32:
        bench.advance(at - bench.now)
        times.append(at - started)
    assert times == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert bench.sent_words() == ["486"] * 11
    assert bench.user.take_told() == []
    bench.advance(0.5)
    assert bench.user.take_told() == ["timed out"]
    assert bench.layer.server_count == 0


def test_a_refusal_must_not_be_repeated_on_a_reliable_transport_but_waits_for_its_ack() -> None:
    bench = Bench()
    transaction = _serve(bench, TCP)
    _respond(bench, transaction, 486)
    bench.advance(32)
    assert bench.sent_words() == ["486"]
    assert bench.user.take_told() == ["timed out"]


def test_the_ack_of_a_refusal_must_end_its_repeats_and_is_not_for_the_user() -> None:
    bench = Bench()
    transaction = _serve(bench)
    _respond(bench, transaction, 486)
    bench.layer.take_output()
    bench.receive(their_request("ACK", to_tag="tb"))
    bench.receive(their_request("ACK", to_tag="tb"))
    bench.advance(4.99)
    assert transaction.state == "confirmed"
    assert effects(bench) == []
    bench.advance(0.01)
    assert transaction.state is State.TERMINATED
    assert bench.layer.next_deadline() is None


def test_timer_i_is_zero_on_a_reliable_transport() -> None:
    bench = Bench()
    transaction = _serve(bench, TCP)
    _respond(bench, transaction, 486)
    bench.receive(their_request("ACK", to_tag="tb"), TCP)
    assert transaction.state is State.TERMINATED
    assert bench.layer.next_deadline() is None


@pytest.mark.parametrize("flow", [UDP, TCP])
def test_a_repeated_invite_must_be_absorbed_in_accepted_until_timer_l(flow: Flow) -> None:
    bench = Bench()
    transaction = _serve(bench, flow)
    _respond(bench, transaction, 200)
    bench.layer.take_output()
    bench.advance(31.99)
    bench.receive(their_request("INVITE"), flow)
    assert effects(bench) == []
    bench.advance(0.01)
    assert transaction.state is State.TERMINATED
    bench.receive(their_request("INVITE"), flow)
    assert bench.user.take_told() == ["request INVITE"]


def test_the_transaction_must_not_repeat_a_2xx_by_itself() -> None:
    bench = Bench()
    transaction = _serve(bench)
    _respond(bench, transaction, 200)
    bench.advance(40)
    assert bench.sent_words() == ["200"]


def test_the_user_repeats_a_2xx_through_the_transaction() -> None:
    bench = Bench()
    transaction = _serve(bench)
    for _ in range(3):
        _respond(bench, transaction, 200)
        bench.advance(0.5)
    assert bench.sent_words() == ["200"] * 3


def test_the_ack_of_a_2xx_with_a_branch_of_its_own_is_for_the_user() -> None:
    bench = Bench()
    transaction = _serve(bench)
    _respond(bench, transaction, 200)
    bench.receive(their_request("ACK", branch="z9hG4bKanother", to_tag="tb"))
    assert bench.user.take_told() == ["ack"]


def test_a_lost_transport_leaves_the_answer_owed() -> None:
    bench = Bench()
    transaction = _serve(bench, TCP)
    bench.layer.transport_lost(TCP, bench.now)
    assert bench.user.take_told() == [], "§18.2.2: there is another way"
    bench.layer.transport_lost(transaction.flow, bench.now)
    assert bench.user.take_told() == ["transport failed"]
    _respond(bench, transaction, 503)
    bench.advance(32)
    assert bench.layer.server_count == 0
