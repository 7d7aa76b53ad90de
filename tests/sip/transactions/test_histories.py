"""Any history of any transaction keeps its promises: a Hypothesis machine for each of the four."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sip.message import Response
from sip.transactions.layer import (
    ClientTransaction,
    InviteClientTransaction,
    InviteServerTransaction,
    NonInviteServerTransaction,
    ServerTransaction,
)
from tests.sip.transactions.recorder import TCP, UDP, Bench, answer, our_request, their_request

FLOWS = st.sampled_from([UDP, TCP])
PAUSES = st.sampled_from([0.0, 0.001, 0.4, 0.5, 3.9, 5.0, 31.0, 40.0])
PROVISIONAL = st.sampled_from([100, 180, 183])
SUCCESS = st.sampled_from([200, 202])
FAILURE = st.sampled_from([302, 401, 486, 487, 503, 603])

LIMITS = settings(max_examples=50, stateful_step_count=25, deadline=None)
LONGEST = 64 * 0.5  # 64*T1: nothing waits longer after the last thing that happened


class History(RuleBasedStateMachine):
    """What all four have in common: time, a lost transport, and the end."""

    bench: Bench
    transaction: ClientTransaction | ServerTransaction

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.sent: list[str] = []
        self.sent_before_final: int | None = None

    def note(self) -> None:
        """Take what happened."""
        words = self.bench.sent_words()
        self.sent += words
        self.told += self.bench.user.take_told()

    @property
    def is_over(self) -> bool:
        return str(self.transaction.state) == "terminated"

    @property
    def finals(self) -> list[str]:
        return [word for word in self.told if word.startswith("response") and word >= "response 2"]

    @rule(pause=PAUSES)
    def let_time_pass(self, pause: float) -> None:
        self.bench.advance(pause)
        self.note()

    @precondition(lambda self: not self.is_over)
    @rule()
    def lose_transport(self) -> None:
        self.bench.layer.transport_lost(self.transaction.flow, self.bench.now)
        self.note()

    @invariant()
    def an_ended_transaction_has_no_deadline_and_is_in_no_index(self) -> None:
        if hasattr(self, "transaction") and self.is_over:
            assert self.bench.layer.next_deadline() is None
            assert self.bench.layer.client_count + self.bench.layer.server_count == 0

    @invariant()
    def no_deadline_lies_in_the_past(self) -> None:
        if hasattr(self, "bench"):
            at = self.bench.layer.next_deadline()
            assert at is None or at > self.bench.now

    @invariant()
    def the_user_hears_of_a_timeout_once(self) -> None:
        assert self.told.count("timed out") <= 1

    def owes_nothing(self) -> bool:
        """Whether the transaction must end by itself when nothing more happens."""
        return True

    def teardown(self) -> None:
        if not hasattr(self, "transaction"):
            return
        if self.owes_nothing():
            self.bench.advance(LONGEST)
            self.note()
            assert self.is_over
        self.an_ended_transaction_has_no_deadline_and_is_in_no_index()


class ClientHistory(History):
    """A request of ours and whatever the network makes of the responses."""

    method = "OPTIONS"

    @initialize(flow=FLOWS)
    def send(self, flow: object) -> None:
        self.bench = Bench()
        self.transaction = self.client = self.bench.send(
            our_request(self.method), TCP if flow is TCP else UDP
        )

    def _receive(self, status: int, to_tag: str = "pbx9") -> None:
        self.bench.receive(answer(self.client, status, to_tag))
        self.note()

    @rule(status=PROVISIONAL)
    def receive_provisional(self, status: int) -> None:
        self._receive(status)

    @rule(status=FAILURE)
    def receive_failure(self, status: int) -> None:
        self._receive(status)

    @rule(status=SUCCESS, to_tag=st.sampled_from(["a", "b"]))
    def receive_success(self, status: int, to_tag: str) -> None:
        self._receive(status, to_tag)

    @invariant()
    def a_final_response_and_a_failure_exclude_each_other(self) -> None:
        assert not (self.finals and "timed out" in self.told)

    @invariant()
    def no_provisional_response_is_told_after_a_final_one(self) -> None:
        words = [word for word in self.told if word.startswith("response")]
        first_final = next((place for place, word in enumerate(words) if word >= "response 2"), len(words))
        assert all(word >= "response 2" for word in words[first_final:])


class NonInviteClientHistory(ClientHistory):
    @invariant()
    def never_two_finals_are_passed_up(self) -> None:
        assert len(self.finals) <= 1

    @invariant()
    def nothing_is_repeated_after_the_final_response(self) -> None:
        if self.finals:
            if self.sent_before_final is None:
                self.sent_before_final = len(self.sent)
            assert len(self.sent) == self.sent_before_final
            assert str(self.transaction.state) in ("completed", "terminated")

    @invariant()
    def repeats_are_bounded(self) -> None:
        assert len(self.sent) <= 10  # at 0.5, 1.5, 3.5 and then every 4 s up to 32 s


class InviteClientHistory(ClientHistory):
    method = "INVITE"

    @rule()
    def abandon(self) -> None:
        assert isinstance(self.client, InviteClientTransaction)
        self.client.abandon(self.bench.now)
        self.note()

    @invariant()
    def of_the_refusals_one_is_passed_up_and_none_beside_a_success(self) -> None:
        refusals = [word for word in self.finals if word >= "response 3"]
        assert len(refusals) <= 1
        assert not refusals or len(self.finals) == 1

    @invariant()
    def a_success_is_never_acked_and_a_refusal_always(self) -> None:
        refused = any(word >= "response 3" for word in self.finals)
        assert ("ACK" in self.sent) == refused

    def owes_nothing(self) -> bool:
        return str(self.transaction.state) != "proceeding"  # it may ring as long as it rings


class ServerHistory(History):
    """A request of the peer's, repeated at any time, and a user that answers at any time."""

    method = "OPTIONS"

    @initialize(flow=FLOWS)
    def serve(self, flow: object) -> None:
        self.bench = Bench()
        self.flow = TCP if flow is TCP else UDP
        self.transaction = self.server = self.bench.serve(their_request(self.method), self.flow)

    @precondition(lambda self: not self.is_over)
    @rule()
    def repeat_request(self) -> None:
        self.bench.receive(their_request(self.method), self.flow)
        self.note()

    def _respond(self, status: int) -> None:
        self.server.respond(self._response(status), self.bench.now)
        self.note()

    def _response(self, status: int) -> Response:
        return self.server.request.reply(status, to_tag="tb")

    @invariant()
    def the_request_is_passed_up_once(self) -> None:
        if hasattr(self, "bench"):
            assert (
                self.told.count(f"request {self.method}") == 0
            )  # the first was told before the history begins
            assert len(self.bench.user.servers) == 1

    @invariant()
    def one_final_response_at_most_leaves_however_often(self) -> None:
        assert len({word for word in self.sent if word >= "2"}) <= 1

    @invariant()
    def no_provisional_response_leaves_after_a_final_one(self) -> None:
        first_final = next((place for place, word in enumerate(self.sent) if word >= "2"), len(self.sent))
        assert all(word >= "2" for word in self.sent[first_final:])

    def owes_nothing(self) -> bool:
        return str(self.transaction.state) not in ("trying", "proceeding")


class NonInviteServerHistory(ServerHistory):
    @rule(status=PROVISIONAL | SUCCESS | FAILURE)
    def respond(self, status: int) -> None:
        assert isinstance(self.server, NonInviteServerTransaction)
        self._respond(status)


class InviteServerHistory(ServerHistory):
    method = "INVITE"

    @precondition(lambda self: self.server.state == "proceeding")
    @rule(status=PROVISIONAL | FAILURE)
    def respond(self, status: int) -> None:
        assert isinstance(self.server, InviteServerTransaction)
        self._respond(status)

    @precondition(lambda self: self.server.state in ("proceeding", "accepted"))
    @rule()
    def accept(self) -> None:
        self._respond(200)

    @rule()
    def receive_ack(self) -> None:
        self.bench.receive(their_request("ACK", to_tag="tb"), self.flow)
        self.note()

    @invariant()
    def an_ack_is_told_only_of_a_success_or_of_nothing(self) -> None:
        if "ack" in self.told and not self.is_over:
            assert self.server.state == "accepted"


TestNonInviteClient = NonInviteClientHistory.TestCase
TestInviteClient = InviteClientHistory.TestCase
TestNonInviteServer = NonInviteServerHistory.TestCase
TestInviteServer = InviteServerHistory.TestCase

TestNonInviteClient.settings = LIMITS
TestInviteClient.settings = LIMITS
TestNonInviteServer.settings = LIMITS
TestInviteServer.settings = LIMITS
