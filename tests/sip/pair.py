"""Alice and Bob: two user agents face to face over a wire in memory that can drop, delay, double and reorder.

Time is a number that `advance` moves. Both parties write what happens to them to one shared list, `story`, and so does the wire:
("alice", "CallAnswered"), ("alice>bob", "ACK"), ("alice>bob", "200 INVITE lost").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Literal, TypeVar

from sip.account import Account, Transport
from sip.agent import UserAgent
from sip.call import Call
from sip.events import CallAnswered, CallEnded, CallReceived, Event, OfferReceived
from sip.flow import Flow, Transmit
from sip.ids import SeededIds
from sip.message import Message, Request, Response, parse
from sip.timers import SessionTimers, Timers
from sip.uri import Uri

OFFER = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
ANSWER = OFFER.replace(b"4000", b"6000")
HOLD = OFFER.replace(b"o=- 1 1", b"o=- 1 2") + b"a=sendonly\r\n"

E = TypeVar("E", bound=Event)


def label(message: Message) -> str:
    """What a message is called in the story and in rules: `INVITE`, `200 INVITE`."""
    if isinstance(message, Request):
        return message.method
    assert isinstance(message, Response)
    return f"{message.status} {message.cseq.method}"


@dataclass
class Rule:
    """What the wire does to messages of one name: the delays of the copies that arrive; none is a loss."""

    name: str
    delays: Sequence[float]
    left: int
    sender: str | None = None


class Party:
    """One user agent with its address and what happened to it."""

    def __init__(
        self,
        name: str,
        host: str,
        *,
        seed: int,
        transport: Transport = "udp",
        timers: Timers | None = None,
        methods: Sequence[str] = (),
        packages: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.address = (host, 5060)
        self.ids = SeededIds(seed)
        self.timers = timers or Timers()
        self.methods = methods
        self.packages = packages
        self.transport = transport
        self.referable = True
        self.session_timers = SessionTimers()
        self.agent = self.new_agent()
        self.events: list[Event] = []
        self.reacts: Callable[[Event, float], None] = lambda event, now: None
        self.account = Account(
            Uri("sip", name, None, host), name, "secret", Uri("sip", None, None, host), transport=transport
        )

    def new_agent(self) -> UserAgent:
        """A user agent at this party's address, as after a restart."""
        host, port = self.address
        return UserAgent(
            host=host,
            port=port,
            ids=self.ids,
            timers=self.timers,
            methods=self.methods,
            packages=self.packages,
            referable=self.referable,
            session_timers=self.session_timers,
        )

    def heard(self, kind: type[E]) -> list[E]:
        """The events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def last(self, kind: type[E]) -> E:
        """The latest event of one kind."""
        found = self.heard(kind)
        assert found, f"{self.name} heard no {kind.__name__}: {self.events}"
        return found[-1]

    def call(self) -> Call:
        """The call that came in last."""
        return self.last(CallReceived).call

    def is_quiet(self) -> bool:
        """Nothing is left: no call, no subscription, no transaction, no deadline."""
        return (
            not self.agent.calls
            and not self.agent.subscription_count
            and not self.agent.transaction_count
            and self.agent.next_deadline() is None
        )


@dataclass
class Pair:
    """The two parties and the wire between them."""

    alice: Party
    bob: Party
    latency: float = 0.01
    now: float = 0.0
    story: list[tuple[str, str]] = field(default_factory=list)
    sent: list[tuple[str, Message]] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    # Decides for each message the delays of its copies, after the rules; None is the plain wire.
    weather: Callable[[Message], Sequence[float]] | None = None
    _flying: list[tuple[float, int, Party, Party, Transmit]] = field(default_factory=list)
    _count: int = 0

    # What the wire does.

    def drop(self, name: str, count: int = 1, sender: str | None = None) -> None:
        self.rules.append(Rule(name, (), count, sender))

    def delay(self, name: str, seconds: float, count: int = 1, sender: str | None = None) -> None:
        self.rules.append(Rule(name, (seconds,), count, sender))

    def duplicate(self, name: str, count: int = 1, sender: str | None = None) -> None:
        self.rules.append(Rule(name, (self.latency, self.latency), count, sender))

    # Time.

    def flush(self) -> None:
        """What both agents have to say leaves and is told; to be called after a command, as the transports do."""
        for party, other in ((self.alice, self.bob), (self.bob, self.alice)):
            for transmit in party.agent.take_output():
                self._send(party, other, transmit)
            for event in party.agent.take_events():
                party.events.append(event)
                self.story.append((party.name, type(event).__name__))
                party.reacts(event, self.now)

    def advance(self, seconds: float) -> None:
        """Let time pass, delivering and firing in order."""
        end = self.now + seconds
        while True:
            self._drain()
            at = self._next()
            if at is None or at > end:
                break
            self.now = max(self.now, at)
            self._fire()
        self.now = end

    def settle(self, longest: float = 300.0) -> None:
        """Let time pass until nothing is left to happen, or `longest` is over."""
        end = self.now + longest
        self._drain()
        while (at := self._next()) is not None and at <= end:
            self.advance(max(0.0, at - self.now))

    def inject(self, data: bytes, to: Party, sender: Party | None = None) -> None:
        """Bytes from nowhere."""
        remote = (sender or (self.bob if to is self.alice else self.alice)).address
        to.agent.receive(data, Flow("udp", remote), self.now)

    def names(self, sender: Party | None = None) -> list[str]:
        """The names of the messages that were sent, lost ones included."""
        return [label(message) for name, message in self.sent if sender is None or name == sender.name]

    def messages(self, name: str) -> list[Message]:
        """The messages of one name that were sent, lost ones included."""
        return [message for _, message in self.sent if label(message) == name]

    def requests(self, method: str) -> list[Request]:
        return [message for message in self.messages(method) if isinstance(message, Request)]

    def responses(self, name: str) -> list[Response]:
        return [message for message in self.messages(name) if isinstance(message, Response)]

    def _drain(self) -> None:
        """Say everything there is to say at this moment."""
        while True:
            before = self._count, len(self.story)
            self.flush()
            if (self._count, len(self.story)) == before:
                return

    def _next(self) -> float | None:
        moments = [self.alice.agent.next_deadline(), self.bob.agent.next_deadline()]
        if self._flying:
            moments.append(self._flying[0][0])
        return min((at for at in moments if at is not None), default=None)

    def _fire(self) -> None:
        while self._flying and self._flying[0][0] <= self.now:
            _, _, sender, receiver, transmit = heappop(self._flying)
            flow = Flow(transmit.flow.transport, sender.address, 1 if transmit.flow.transport == "tcp" else 0)
            receiver.agent.receive(transmit.data, flow, self.now)
            self.flush()
        for party in (self.alice, self.bob):
            deadline = party.agent.next_deadline()
            if deadline is not None and deadline <= self.now:
                party.agent.handle_timer(self.now)

    def _send(self, sender: Party, receiver: Party, transmit: Transmit) -> None:
        message = parse(transmit.data)
        name = label(message)
        assert transmit.flow.remote == receiver.address, f"{name} to {transmit.flow}"
        self.sent.append((sender.name, message))
        delays: Sequence[float] = (self.latency,)
        if self.weather is not None:
            delays = self.weather(message)
        for rule in self.rules:
            if rule.left and rule.name in (name, "*") and rule.sender in (None, sender.name):
                rule.left -= 1
                delays = rule.delays
                break
        self.story.append((f"{sender.name}>{receiver.name}", name if delays else f"{name} lost"))
        for delay in delays:
            self._count += 1
            heappush(self._flying, (self.now + delay, self._count, sender, receiver, transmit))


def make_pair(
    *,
    seed: int = 1,
    transport: Transport = "udp",
    timers: Timers | None = None,
    methods: Sequence[str] = (),
    packages: Sequence[str] = (),
) -> Pair:
    """Alice and Bob, born silent."""

    def party(name: str, host: str, seed: int) -> Party:
        return Party(
            name, host, seed=seed, transport=transport, timers=timers, methods=methods, packages=packages
        )

    return Pair(party("alice", "192.0.2.1", seed), party("bob", "192.0.2.2", seed + 1000))


def bob_uri() -> Uri:
    return Uri("sip", "bob", None, "192.0.2.2")


def dial(pair: Pair, sdp: bytes | None = OFFER) -> Call:
    """Alice calls Bob."""
    return pair.alice.agent.invite(pair.alice.account, bob_uri(), sdp, pair.now)


def rings(pair: Pair) -> Call:
    """Alice's call that rings at Bob's."""
    call = dial(pair)
    pair.advance(0.1)
    pair.bob.call().ring(pair.now)
    pair.advance(0.1)
    return call


def talk(pair: Pair) -> tuple[Call, Call]:
    """A confirmed call from Alice to Bob: hers and his."""
    mine = rings(pair)
    theirs = pair.bob.call()
    theirs.accept(ANSWER, pair.now)
    pair.advance(0.1)
    mine.acknowledge(pair.now)
    pair.advance(0.1)
    assert (mine.state, theirs.state) == ("confirmed", "confirmed")
    return mine, theirs


def answers_itself(party: Party, role: Literal["caller", "callee"]) -> None:
    """The party acknowledges, accepts and answers offers by itself."""

    def react(event: Event, now: float) -> None:
        match event:
            case CallReceived(call) if role == "callee":
                call.ring(now)
                call.accept(ANSWER, now)
            case CallAnswered(call) if role == "caller":
                call.acknowledge(now)
            case OfferReceived(call):
                call.answer_offer(ANSWER, now)
            case _:
                pass

    party.reacts = react


def assert_both_quiet(pair: Pair) -> None:
    pair.settle()
    for party in (pair.alice, pair.bob):
        assert party.is_quiet(), (party.name, party.agent.calls, party.agent.transaction_count, pair.story)


def assert_ended(pair: Pair, by: str, cause: str) -> tuple[CallEnded, CallEnded]:
    """Both calls ended exactly once; `by` and `cause` are Alice's."""
    assert_both_quiet(pair)
    hers, his = pair.alice.heard(CallEnded), pair.bob.heard(CallEnded)
    assert len(hers) == len(pair.alice.heard(CallEnded)) == 1, pair.story
    assert len(his) <= 1, pair.story
    assert (hers[0].by, hers[0].cause) == (by, cause), pair.story
    return hers[0], his[0] if his else hers[0]
