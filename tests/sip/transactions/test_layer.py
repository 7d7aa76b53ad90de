"""RFC 3261 §17.1.3, §17.2.3, §9.2, §8.2.2.2, §18: what belongs to which transaction."""

import pytest

from sip.errors import LocalProtocolError
from sip.flow import Flow
from sip.message import Request, Response, parse
from sip.transactions.layer import InviteClientTransaction, InviteServerTransaction, ServerTransaction
from tests.sip.transactions.recorder import TCP, UDP, Bench, answer, effects, our_request, their_request


def _respond(bench: Bench, transaction: ServerTransaction, status: int) -> None:
    transaction.respond(transaction.request.reply(status, to_tag="tb"), bench.now)


# §17.1.3: responses.


def test_responses_find_their_transaction_by_branch() -> None:
    bench = Bench()
    one, two = bench.send(our_request(call_id="one")), bench.send(our_request(call_id="two"))
    bench.receive(answer(two, 200))
    assert (one.state, two.state) == ("trying", "completed")


def test_a_response_of_the_same_branch_and_another_method_is_not_the_invites() -> None:
    bench = Bench()
    invite = bench.send(our_request("INVITE"))
    assert isinstance(invite, InviteClientTransaction)
    bench.layer.send_cancel(invite, bench.now)
    bench.layer.take_output()
    ok = our_request("CANCEL").prepend("Via", invite.request.get("Via") or "").reply(200, to_tag="x")
    bench.receive(ok)
    assert invite.state == "calling"
    assert bench.user.take_told() == ["response 200"]


def test_a_response_to_nothing_is_a_stray() -> None:
    bench = Bench()
    transaction = bench.send(our_request())
    text = answer(transaction, 200).to_bytes().replace(transaction.branch.encode(), b"z9hG4bKnobodys")
    bench.layer.receive(_parsed(text), UDP, bench.now)
    assert bench.user.take_told() == ["stray 200"]
    assert transaction.state == "trying"


@pytest.mark.parametrize("sent_by", [b"192.0.2.1:5070", b"192.0.2.9:5060", b"192.0.2.1"])
def test_a_response_whose_via_is_not_ours_must_be_discarded(sent_by: bytes) -> None:
    bench = Bench()
    transaction = bench.send(our_request())
    text = answer(transaction, 200).to_bytes().replace(b"192.0.2.1:5060;rport", sent_by + b";rport")
    bench.layer.receive(_parsed(text), UDP, bench.now)
    assert effects(bench) == []
    assert bench.layer.counters["foreign_via"] == 1
    assert transaction.state == "trying"


# §17.2.3: requests.


@pytest.mark.parametrize(
    "other",
    [
        their_request(branch="z9hG4bKother", call_id="other"),
        their_request(sent_by="192.0.2.3:5060", call_id="other"),
        their_request(sent_by="192.0.2.2:5070", call_id="other"),
        their_request("MESSAGE", call_id="other"),
    ],
)
def test_another_branch_sent_by_or_method_is_another_transaction(other: Request) -> None:
    bench = Bench()
    bench.serve(their_request())
    bench.receive(other)
    assert len(bench.user.take_told()) == 1
    assert bench.layer.server_count == 2


def test_an_ack_that_fits_no_invite_goes_to_the_user_and_makes_no_transaction() -> None:
    bench = Bench()
    bench.receive(their_request("ACK", to_tag="tb"))
    assert effects(bench) == ["ack"]
    assert bench.layer.server_count == 0


@pytest.mark.parametrize("branch", [None, "1", "old-style"])
def test_requests_of_rfc_2543_are_matched_by_the_old_rule(branch: str | None) -> None:
    bench = Bench()
    transaction = bench.serve(their_request("INVITE", branch=branch))
    bench.receive(their_request("INVITE", branch=branch))
    assert effects(bench) == ["send 100"]
    _respond(bench, transaction, 486)
    bench.layer.take_output()
    bench.receive(their_request("ACK", branch=branch, to_tag="tb"))
    assert transaction.state == "confirmed"
    bench.receive(their_request("INVITE", branch=branch, cseq=2))
    assert bench.user.take_told() == ["request INVITE"]


# §9.2 and §8.2.2.2: what the user may ask.


def test_a_cancel_finds_its_invite_and_is_a_transaction_of_its_own() -> None:
    bench = Bench()
    invite = bench.serve(their_request("INVITE"))
    cancel = bench.serve(their_request("CANCEL"))
    assert cancel is not invite
    assert bench.layer.find_cancelled(cancel.request) is invite
    assert not cancel.is_merged
    _respond(bench, cancel, 200)
    _respond(bench, invite, 487)
    assert bench.sent_words() == ["200", "487"]


@pytest.mark.parametrize(
    "cancel", [their_request("CANCEL", branch="z9hG4bKno"), their_request("CANCEL", sent_by="192.0.2.9")]
)
def test_a_cancel_of_something_else_finds_nothing(cancel: Request) -> None:
    bench = Bench()
    bench.serve(their_request("INVITE"))
    bench.receive(cancel)
    assert bench.layer.find_cancelled(bench.user.servers[-1].request) is None


def test_the_same_request_by_another_path_is_merged_while_the_first_is_known() -> None:
    bench = Bench()
    first = bench.serve(their_request("INVITE"))
    second = bench.serve(their_request("INVITE", branch="z9hG4bKfork"))
    assert isinstance(second, InviteServerTransaction)
    assert not first.is_merged
    assert second.is_merged
    _respond(bench, second, 482)
    bench.receive(their_request("ACK", branch="z9hG4bKfork", to_tag="tb"))
    bench.advance(5)
    third = bench.serve(their_request("INVITE", branch="z9hG4bKfork3"))
    assert third.is_merged  # the end of the second did not unmake the first
    _respond(bench, third, 482)
    _respond(bench, first, 200)
    bench.advance(33)
    assert not bench.serve(their_request("INVITE", branch="z9hG4bKlate")).is_merged


@pytest.mark.parametrize(
    ("to_tag", "cseq", "call_id"), [("tb", 1, "theirs"), (None, 2, "theirs"), (None, 1, "other")]
)
def test_a_request_in_a_dialog_or_with_another_id_is_not_merged(
    to_tag: str | None, cseq: int, call_id: str
) -> None:
    bench = Bench()
    bench.serve(their_request("INVITE"))
    request = their_request("INVITE", branch="z9hG4bKb", to_tag=to_tag, cseq=cseq, call_id=call_id)
    assert not bench.serve(request).is_merged


# §18.2.1, §18.2.2, RFC 3581: the way back.


def test_the_response_goes_back_to_where_the_request_came_from_with_its_address_in_the_via() -> None:
    bench, behind_nat = Bench(), Flow("udp", ("198.51.100.7", 40123))
    transaction = bench.serve(their_request(), behind_nat)
    assert (transaction.request.via.received, transaction.request.via.rport) == ("198.51.100.7", 40123)
    _respond(bench, transaction, 200)
    (transmit,) = bench.layer.take_output()
    assert transmit.flow == behind_nat
    assert _parsed(transmit.data).via.rport == 40123
    assert bench.user.flows == [behind_nat]


def test_without_rport_the_response_goes_to_the_source_address_and_the_port_of_the_via() -> None:
    bench = Bench()
    transaction = bench.serve(their_request(rport=False), Flow("udp", ("198.51.100.7", 40123)))
    assert transaction.request.via.received == "198.51.100.7"
    _respond(bench, transaction, 200)
    (transmit,) = bench.layer.take_output()
    assert transmit.flow == Flow("udp", ("198.51.100.7", 5060))


def test_on_a_connection_the_response_goes_back_over_the_connection() -> None:
    bench = Bench()
    transaction = bench.serve(their_request(rport=False, transport="TCP"), TCP)
    _respond(bench, transaction, 200)
    (transmit,) = bench.layer.take_output()
    assert transmit.flow == TCP


# §17.1.4, §17.2.4: a lost flow.


def test_a_lost_flow_ends_its_client_transactions_and_no_others() -> None:
    bench = Bench()
    other = Flow("tcp", ("192.0.2.2", 5060), 8)
    lost, unopened, kept, datagrams = (
        bench.send(our_request(call_id=str(flow)), flow)
        for flow in (TCP, TCP._replace(connection=0), other, UDP)
    )
    bench.layer.transport_lost(TCP, bench.now)
    states = [transaction.state for transaction in (lost, unopened, kept, datagrams)]
    assert states == ["terminated", "terminated", "trying", "trying"]
    assert bench.user.take_told() == ["transport failed"] * 2


def test_an_answer_that_is_owed_on_a_lost_connection_goes_over_a_new_one_18_2_2() -> None:
    bench = Bench()
    transaction = bench.serve(their_request("INVITE", sent_by="192.0.2.2:5088", transport="TCP"), TCP)
    bench.layer.transport_lost(TCP, bench.now)
    assert bench.user.take_told() == []
    transaction.respond(transaction.request.reply(486, to_tag="tb"), bench.now)
    (transmit,) = bench.layer.take_output()
    assert transmit.flow == Flow("tcp", ("192.0.2.2", 5088))
    assert transmit.data.startswith(b"SIP/2.0 486 ")


def test_a_peer_that_cannot_be_reached_at_its_port_either_is_told_as_lost_17_2_4() -> None:
    bench = Bench()
    bench.serve(their_request("INVITE", transport="TCP"), TCP)
    bench.layer.transport_lost(TCP, bench.now)
    bench.layer.transport_lost(Flow("tcp", ("192.0.2.2", 5060)), bench.now)
    assert bench.user.take_told() == ["transport failed"]


def test_why_a_flow_is_lost_can_be_asked_while_it_is_told_and_not_afterwards() -> None:
    bench, causes = Bench(), []
    bench.user.transport_failed = lambda transaction, now: causes.append(bench.layer.cause)  # type: ignore[method-assign]
    bench.send(our_request(), TCP)
    bench.layer.transport_lost(TCP, bench.now, "the certificate is somebody else's")
    assert (causes, bench.layer.cause) == (["the certificate is somebody else's"], "")


# The bound.


def test_beyond_the_limit_a_new_request_gets_503_and_nothing_is_kept() -> None:
    bench = Bench(most=2)
    bench.serve(their_request(branch="z9hG4bK1"))
    bench.serve(their_request(branch="z9hG4bK2"))
    for _ in range(2):
        bench.receive(their_request("INVITE", branch="z9hG4bK3"))
    assert bench.user.take_told() == []
    first, second = bench.sent()
    assert isinstance(first, Response)
    assert first.status == 503
    assert first.get("Retry-After") == "5"
    assert first.to_tag  # §8.2.7: the same tag for the same request
    assert first == second
    assert bench.layer.server_count == 2
    assert bench.layer.counters["overload"] == 2


def test_at_the_limit_dialogs_can_still_end_but_not_without_bound() -> None:
    bench = Bench(most=1)
    bench.serve(their_request("INVITE"))
    bench.receive(their_request("CANCEL"))
    bench.receive(their_request("BYE", branch="z9hG4bKbye", to_tag="tb"))
    assert bench.user.take_told() == ["request CANCEL"]
    assert bench.sent_words() == ["503"]
    assert bench.layer.server_count == 2


def test_repeats_and_acks_are_taken_at_the_limit() -> None:
    bench = Bench(most=1)
    transaction = bench.serve(their_request("INVITE"))
    _respond(bench, transaction, 486)
    bench.receive(their_request("INVITE"))
    bench.receive(their_request("ACK", to_tag="tb"))
    assert bench.sent_words() == ["486", "486"]
    assert transaction.state == "confirmed"


# What goes out without a transaction.


def test_the_ack_of_a_2xx_leaves_with_a_branch_of_its_own_and_can_leave_again() -> None:
    bench = Bench()
    invite = bench.send(our_request("INVITE"))
    transmit = bench.layer.send_ack(our_request("ACK"), UDP)
    bench.layer.resend(transmit)
    first, second = bench.sent()
    assert first == second
    assert first.branch != invite.branch
    assert first.branch.startswith("z9hG4bK")
    assert bench.layer.client_count == 1


@pytest.mark.parametrize("method", ["ACK", "CANCEL"])
def test_ack_and_cancel_are_not_sent_by_send_request(method: str) -> None:
    bench = Bench()
    with pytest.raises(LocalProtocolError):
        bench.layer.send_request(our_request(method), UDP, bench.now)
    assert bench.layer.take_output() == []


def test_refuse_answers_a_request_and_keeps_nothing() -> None:
    bench = Bench()
    bench.layer.refuse(their_request(), Flow("udp", ("198.51.100.7", 40123)), 400)
    (transmit,) = bench.layer.take_output()
    assert transmit.flow.remote == ("198.51.100.7", 40123)
    assert _parsed(transmit.data).to_tag
    assert bench.layer.server_count == 0


def test_an_ack_must_not_be_answered() -> None:
    bench = Bench()
    bench.layer.refuse(their_request("ACK"), UDP, 400)
    bench.layer.refuse(their_request(), UDP, 400)
    assert bench.sent_words() == ["400"]


def test_the_owner_stays_with_the_transaction() -> None:
    bench = Bench()
    owner = object()
    assert bench.layer.send_request(our_request(), UDP, bench.now, owner=owner).owner is owner
    assert bench.send(our_request()).owner is None


def test_taken_output_is_forgotten() -> None:
    bench = Bench()
    bench.layer.send_request(our_request(), UDP, bench.now)
    assert len(bench.layer.output) == 1
    assert len(bench.layer.take_output()) == 1
    assert bench.layer.output == []


def _parsed(data: bytes) -> Response:
    message = parse(data)
    assert isinstance(message, Response)
    return message
