"""Three user agents and one wire in memory between all of them: what a transfer needs (RFC 5359). For two, see `pair`.

Time is a number that `advance` moves. A message finds its receiver by the address it is sent to. Nothing is lost here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush

from sip.call import Call
from sip.events import CallAnswered, CallReceived, Event
from sip.flow import Flow, Transmit
from sip.message import Request, parse
from tests.sip.pair import ANSWER, OFFER, Party, label

LATENCY = 0.01


@dataclass
class Trio:
    """Alice, who transfers; Bob, who is transferred; Carol, the target."""

    alice: Party
    bob: Party
    carol: Party
    now: float = 0.0
    # (sender>receiver, name of the message), in the order of sending.
    story: list[tuple[str, str]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    _flying: list[tuple[float, int, Party, Party, Transmit]] = field(default_factory=list)
    _count: int = 0

    @property
    def parties(self) -> tuple[Party, Party, Party]:
        return self.alice, self.bob, self.carol

    def dial(self, caller: Party, callee: Party) -> tuple[Call, Call]:
        """A confirmed call: the caller's and the callee's."""
        call = caller.agent.invite(caller.account, callee.account.uri, OFFER, self.now)
        self.advance(0.1)
        theirs = callee.call()
        theirs.ring(self.now)
        theirs.accept(ANSWER, self.now)
        self.advance(0.1)
        call.acknowledge(self.now)
        self.advance(0.1)
        return call, theirs

    def advance(self, seconds: float) -> None:
        """Let time pass, delivering and firing in order."""
        end = self.now + seconds
        while True:
            self._drain()
            moments = [at for party in self.parties if (at := party.agent.next_deadline()) is not None]
            if self._flying:
                moments.append(self._flying[0][0])
            if not moments or min(moments) > end:
                break
            self.now = max(self.now, min(moments))
            self._fire()
        self.now = end

    def assert_quiet(self) -> None:
        """Nothing is left: no call, no transaction, no deadline, no transfer."""
        self.advance(300)
        for party in self.parties:
            assert party.is_quiet(), (party.name, party.agent.calls, self.story)

    def _drain(self) -> None:
        busy = True
        while busy:
            busy = False
            for party in self.parties:
                for transmit in party.agent.take_output():
                    self._send(party, transmit)
                    busy = True
                for event in party.agent.take_events():
                    party.events.append(event)
                    party.reacts(event, self.now)
                    busy = True

    def _send(self, sender: Party, transmit: Transmit) -> None:
        (receiver,) = [party for party in self.parties if party.address == transmit.flow.remote]
        message = parse(transmit.data)
        if isinstance(message, Request):
            self.requests.append(message)
        self.story.append((f"{sender.name}>{receiver.name}", label(message)))
        self._count += 1
        heappush(self._flying, (self.now + LATENCY, self._count, sender, receiver, transmit))

    def _fire(self) -> None:
        while self._flying and self._flying[0][0] <= self.now:
            _, _, sender, receiver, transmit = heappop(self._flying)
            receiver.agent.receive(transmit.data, Flow("udp", sender.address), self.now)
            self._drain()
        for party in self.parties:
            deadline = party.agent.next_deadline()
            if deadline is not None and deadline <= self.now:
                party.agent.handle_timer(self.now)


def make_trio() -> Trio:
    """The three, born silent."""
    alice, bob, carol = (
        Party(name, f"192.0.2.{n}", seed=n * 1000) for n, name in enumerate(("alice", "bob", "carol"), 1)
    )
    return Trio(alice, bob, carol)


def answers(party: Party) -> None:
    """The party answers every call at once, also in another's place, and acknowledges its own."""

    def react(event: Event, now: float) -> None:
        match event:
            case CallReceived(call) if call.replaces is not None:
                call.accept_replacing(ANSWER, now)
            case CallReceived(call):
                call.ring(now)
                call.accept(ANSWER, now)
            case CallAnswered(call):
                call.acknowledge(now)
            case _:
                pass

    party.reacts = react
