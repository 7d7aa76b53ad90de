"""RFC 3261 §17.1.1 and RFC 6026 §7.2: the INVITE client transaction."""

import pytest

from sip.flow import Flow
from sip.message import Request
from sip.timers import Timers
from sip.transactions.invite_client import Input, InviteClientTransaction, State, build_cancel
from tests.sip.transactions.recorder import TCP, UDP, Bench, answer, effects, our_request, read_figure
from tests.sip.transactions.walker import Walker

# Figure 5 with the Accepted state of RFC 6026. Ours, and no part of the figure: what is overtaken is ignored, a lost
# connection ends a wait, a 2xx after a refusal goes up as a stray, an INVITE can be resumed and abandoned.
FIGURE_5 = read_figure("""
    calling    | 1xx            -> proceeding | response 1xx
    calling    | 2xx            -> accepted   | response 2xx
    calling    | 300-699        -> completed  | send ACK, response 300-699
    calling    | timer A        -> calling    | send INVITE
    calling    | timer B        -> terminated | timed out
    calling    | transport lost -> terminated | transport failed
    calling    | resume         -> proceeding |
    calling    | abandon        -> terminated |
    proceeding | 1xx            -> proceeding | response 1xx
    proceeding | 2xx            -> accepted   | response 2xx
    proceeding | 300-699        -> completed  | send ACK, response 300-699
    proceeding | transport lost -> terminated | transport failed
    proceeding | abandon        -> terminated |
    completed  | 1xx            -> completed  |
    completed  | 2xx            -> completed  | stray 2xx
    completed  | 300-699        -> completed  | send ACK
    completed  | timer D        -> terminated |
    completed  | transport lost -> terminated | transport failed
    completed  | abandon        -> completed  |
    accepted   | 1xx            -> accepted   |
    accepted   | 2xx            -> accepted   | response 2xx
    accepted   | 300-699        -> accepted   |
    accepted   | timer M        -> terminated |
    accepted   | transport lost -> accepted   |
    accepted   | abandon        -> accepted   |
    terminated | abandon        -> terminated |
""")
STATUSES = {
    Input.PROVISIONAL: (100, 180, 183),
    Input.SUCCESS: (200, 202),
    Input.FAILURE: (300, 401, 407, 486, 487, 503, 603),
}
WAY = {
    State.CALLING: [],
    State.PROCEEDING: [Input.PROVISIONAL],
    State.COMPLETED: [Input.FAILURE],
    State.ACCEPTED: [Input.SUCCESS],
    State.TERMINATED: [Input.SUCCESS, Input.TIMER_M],
}


def _invite(bench: Bench, flow: Flow = UDP, route: str | None = None) -> InviteClientTransaction:
    transaction = bench.send(our_request("INVITE", route=route), flow)
    assert isinstance(transaction, InviteClientTransaction)
    return transaction


WALKER = Walker(
    FIGURE_5, STATUSES, WAY, _invite, lambda bench, one, status: one.receive(answer(one, status), bench.now)
)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Input)
def test_every_state_and_input_does_what_figure_5_says(state: State, event: Input) -> None:
    WALKER.check(state, event)


def test_timer_a_doubles_without_a_ceiling_until_timer_b() -> None:
    bench = Bench()
    _invite(bench)
    started, times = bench.now, []
    while (at := bench.layer.next_deadline()) is not None and at < started + 32:
        bench.advance(at - bench.now)
        times.append(at - started)
    assert times == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert bench.sent_words() == ["INVITE"] * 6


@pytest.mark.parametrize("flow", [UDP, TCP])
def test_without_any_response_the_user_must_be_told_at_timer_b(flow: Flow) -> None:
    bench = Bench()
    _invite(bench, flow)
    bench.advance(31.99)
    assert bench.user.take_told() == []
    bench.advance(0.01)
    assert bench.user.take_told() == ["timed out"]
    assert bench.layer.next_deadline() is None
    assert bench.layer.client_count == 0


def test_the_invite_must_not_be_repeated_on_a_reliable_transport() -> None:
    bench = Bench()
    _invite(bench, TCP)
    bench.advance(31)
    assert bench.sent_words() == []


def test_after_a_provisional_response_the_invite_is_not_repeated_and_rings_as_long_as_it_rings() -> None:
    bench = Bench()
    transaction = _invite(bench)
    bench.receive(answer(transaction, 180))
    assert bench.layer.next_deadline() is None
    bench.advance(3600)
    assert bench.sent_words() == []
    assert bench.user.take_told() == ["response 180"]


def test_2xx_in_calling_must_not_be_acked_by_the_transaction() -> None:
    bench = Bench()
    transaction = _invite(bench)
    bench.receive(answer(transaction, 200))
    bench.advance(40)
    assert bench.sent_words() == []


def test_the_ack_of_a_refusal_is_built_of_the_invite_and_the_to_of_the_response() -> None:
    bench = Bench()
    transaction = _invite(bench, route="<sip:edge.example;lr>")
    bench.receive(answer(transaction, 486, to_tag="forked"))
    (ack,) = bench.sent()
    assert isinstance(ack, Request)
    invite = transaction.request
    assert ack.method == "ACK"
    assert str(ack.uri) == str(invite.uri)
    assert ack.get_all("Via") == invite.get_all("Via")
    assert ack.branch == transaction.branch
    assert ack.get("From") == invite.get("From")
    assert ack.to_tag == "forked"
    assert ack.call_id == invite.call_id
    assert ack.cseq.number == 17
    assert ack.cseq.method == "ACK"
    assert ack.get_all("Route") == ["<sip:edge.example;lr>"]
    assert ack.get("Max-Forwards") == "70"
    assert ack.body == b""


def test_every_repeated_refusal_must_be_acked_and_must_not_be_passed_up() -> None:
    bench = Bench()
    transaction = _invite(bench)
    bench.receive(answer(transaction, 603))
    first = bench.layer.take_output()
    for _ in range(3):
        bench.advance(4)
        bench.receive(answer(transaction, 603))
        assert bench.layer.take_output() == first
    assert bench.user.take_told() == ["response 603"]


@pytest.mark.parametrize("t1", [0.1, 0.5, 1.0])
def test_timer_d_is_at_least_32_seconds(t1: float) -> None:
    bench = Bench(timers=Timers(t1=t1))
    transaction = _invite(bench)
    bench.receive(answer(transaction, 404))
    wait = max(32.0, 64 * t1)
    bench.advance(wait - 0.01)
    assert transaction.state == "completed"
    bench.advance(0.01)
    assert transaction.state is State.TERMINATED


def test_timer_d_is_zero_on_a_reliable_transport() -> None:
    bench = Bench()
    transaction = _invite(bench, TCP)
    bench.receive(answer(transaction, 404), TCP)
    assert transaction.state is State.TERMINATED
    assert bench.sent_words() == ["ACK"]
    assert bench.user.take_told() == ["response 404"]
    assert bench.layer.next_deadline() is None


@pytest.mark.parametrize("flow", [UDP, TCP])
def test_every_2xx_must_be_passed_up_until_timer_m(flow: Flow) -> None:
    bench = Bench()
    transaction = _invite(bench, flow)
    bench.receive(answer(transaction, 200, to_tag="one"))
    bench.advance(10)
    bench.receive(answer(transaction, 200, to_tag="one"))
    bench.advance(21.99)
    bench.receive(answer(transaction, 200, to_tag="two"))
    assert bench.user.take_told() == ["response 200"] * 3
    assert [response.to_tag for response in bench.user.responses] == ["one", "one", "two"]
    bench.advance(0.01)
    assert transaction.state is State.TERMINATED
    bench.receive(answer(transaction, 200, to_tag="two"))
    assert bench.user.take_told() == ["stray 200"]


def test_cancel_has_the_same_target_via_route_and_cseq_number() -> None:
    bench = Bench()
    transaction = _invite(bench, route="<sip:edge.example;lr>")
    cancelling = bench.layer.send_cancel(transaction, bench.now, headers=[("Reason", "SIP;cause=200")])
    (cancel,) = bench.sent()
    assert isinstance(cancel, Request)
    invite = transaction.request
    assert cancel.method == "CANCEL"
    assert str(cancel.uri) == str(invite.uri)
    assert cancel.get_all("Via") == invite.get_all("Via")
    assert cancel.get_all("Route") == invite.get_all("Route")
    assert cancel.get("To") == invite.get("To")
    assert cancel.get("From") == invite.get("From")
    assert cancel.call_id == invite.call_id
    assert (cancel.cseq.number, cancel.cseq.method) == (17, "CANCEL")
    assert cancel.get("Reason") == "SIP;cause=200"
    assert build_cancel(invite).get("Reason") is None
    # Its own transaction: the 200 of the CANCEL is not one of the INVITE.
    bench.receive(answer(cancelling, 200))
    assert bench.user.take_told() == ["response 200"]
    assert transaction.state is State.CALLING
    bench.receive(answer(transaction, 487))
    assert bench.user.take_told() == ["response 487"]


def test_abandon_ends_the_wait_without_telling_the_user() -> None:
    bench = Bench()
    transaction = _invite(bench)
    bench.receive(answer(transaction, 180))
    bench.user.take_told()
    transaction.abandon(bench.now)
    assert bench.layer.client_count == 0
    transaction.abandon(bench.now)
    bench.advance(100)
    assert effects(bench) == []
    bench.receive(answer(transaction, 487))
    assert effects(bench) == ["stray 487"]


def test_a_resumed_invite_sends_nothing_and_acks_the_487_of_its_cancel() -> None:
    before, after = Bench(), Bench(now=5.0)
    old = _invite(before)
    new = after.layer.resume_invite(old.request, UDP, after.now, owner="the saved call")
    assert after.layer.take_output() == []
    assert new.owner == "the saved call"
    after.layer.send_cancel(new, after.now)
    assert [sent.branch for sent in after.sent()] == [old.branch]
    after.receive(answer(old, 487))
    assert effects(after) == ["send ACK", "response 487"]
