"""A stage for call flows: user agents of ours and scripted servers play what a text says, message by message.

The text is as the RFCs draw it: one line a message, `F1 alice -> proxy INVITE`. From an agent of ours the message is awaited: it must be the
next thing that leaves there, and must be as the indented lines below say. From a server it is made and sent. Nothing is delivered before its
line, so the text decides what crosses what; time stands still but for `wait`. `README.md` has the language.

Invariants: a message that the text does not name fails the flow; at the end every agent is quiet.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from sip.flow import Flow
from sip.message import Message, Request, Response, parse
from tests.sip.flows.agents import BODIES, Agent
from tests.sip.flows.servers import Server
from tests.sip.pair import label

_ARROW = re.compile(r"(?:(F\d+) +)?(\w+) -> (\w+) +([A-Z]+|\d{3}(?: [A-Z]+)?)( lost)?(?: from (\w+))?")
_COMMAND = re.compile(r"(\w+?)(?:/(\d))?: (.+)")
_HEARS = re.compile(r"(\w+) hears (\w+)")
_LIKE = re.compile(r"([\w-]+) (as|unlike|above) (F\d+)")
_PART: dict[str, Callable[[Any], Any]] = {
    "branch": lambda message: message.branch,
    "call-id": lambda message: message.call_id,
    "from-tag": lambda message: message.from_tag,
    "to-tag": lambda message: message.to_tag,
    "cseq": lambda message: message.cseq.number,
    "target": lambda message: message.target,
    "body": lambda message: message.body,
}

Line: TypeAlias = tuple[int, str, list[str]]


def lines_of(text: str) -> list[Line]:
    """Number, line, and the indented lines below it; comments and empty lines are left out."""
    found: list[Line] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.split("  #")[0].rstrip()
        if not line or line.startswith("#"):
            continue
        if line[0] == " ":
            found[-1][2].append(line.strip())
        else:
            found.append((number, line, []))
    return found


@dataclass
class Stage:
    """One flow being played."""

    actors: dict[str, Agent | Server] = field(default_factory=dict)
    now: float = 0.0
    named: dict[str, Message] = field(default_factory=dict)
    senders: dict[str, str] = field(default_factory=dict)
    _flying: dict[str, deque[tuple[str, Message]]] = field(default_factory=dict)

    @property
    def agents(self) -> list[Agent]:
        return [actor for actor in self.actors.values() if isinstance(actor, Agent)]

    def play(self, path: Path) -> None:
        """Play the file to its end. Raises AssertionError with the line that went wrong."""
        for number, line, below in lines_of(path.read_text("utf-8")):
            try:
                self._do(line, below)
            except AssertionError as error:
                raise AssertionError(f"{path.name}:{number}: {line}: {error}") from error
        self._end()

    def _do(self, line: str, below: list[str]) -> None:
        verb, _, rest = line.partition(" ")
        if verb in ("agent", "server"):
            self._enter(verb, rest)
        elif verb == "wait":
            self._wait(float(rest))
        elif match := _HEARS.fullmatch(line):
            self._agent(match[1]).must_hear(match[2], below)
        elif match := _COMMAND.fullmatch(line):
            agent = self._agent(match[1])
            whom = self.actors.get(match[3].split()[-1])
            agent.obey(
                match[3], int(match[2] or 0), self._filled(below, whom or agent), self.actors, self.now
            )
            self._collect(agent)
        elif match := _ARROW.fullmatch(line):
            self._pass(match, below)
        else:
            raise AssertionError("not a line of a flow")

    def _enter(self, kind: str, words: str) -> None:
        name, *rest = words.split()
        place = len(self.actors) + 1
        address = (f"192.0.2.{place}", 5060)
        self._flying[name] = deque()
        if kind == "agent":
            proxy = self.actors[rest[1]].address if rest[:1] == ["through"] else None
            self.actors[name] = Agent(name, address, proxy, place, refers="refers" in rest)
        else:
            self.actors[name] = Server(name, address, records="records" in rest)

    def _agent(self, name: str) -> Agent:
        agent = self.actors[name]
        assert isinstance(agent, Agent), f"{name} is a server"
        return agent

    # Messages.

    def _pass(self, match: re.Match[str], below: list[str]) -> None:
        name, word = match[1], match[4]
        sender, receiver = self.actors[match[2]], self.actors[match[3]]
        if isinstance(sender, Agent):
            message = self._next_of(sender, receiver, word)
            self._compare(message, below)
        else:
            message = sender.make(word, receiver, self._filled(below, receiver), match[6])
        if name is not None:
            self.named[name], self.senders[name] = message, sender.name
        if match[5]:
            return  # lost
        if isinstance(receiver, Server):
            receiver.take(sender, message)
        else:
            receiver.agent.receive(message.to_bytes(), Flow("udp", sender.address), self.now)
            self._collect(receiver)

    def _filled(self, below: list[str], receiver: Agent | Server) -> list[str]:
        """`replaces F3` as the header that names this message's dialog from the receiver's side (RFC 3891 §3)."""
        filled = []
        for line in below:
            if line.startswith("replaces F"):
                of = self.named[line[9:]]
                ours, theirs = of.from_tag, of.to_tag
                if self.senders[line[9:]] == receiver.name:
                    ours, theirs = theirs, ours
                line = f"Replaces: {of.call_id};to-tag={ours};from-tag={theirs}"
            filled.append(line)
        return filled

    def _next_of(self, sender: Agent, receiver: Agent | Server, word: str) -> Message:
        waiting = self._flying[sender.name]
        assert waiting, f"{sender.name} sends nothing"
        to, message = waiting.popleft()
        said = label(message) if isinstance(message, Request) or " " in word else label(message)[:3]
        assert (said, to) == (word, receiver.name), f"{sender.name} sends {label(message)} to {to}"
        return message

    def _compare(self, message: Message, below: list[str]) -> None:
        for line in below:
            if match := _LIKE.fullmatch(line):
                mine, other = _PART[match[1]](message), _PART[match[1]](self.named[match[3]])
                kept = {"as": mine == other, "unlike": mine != other}.get(match[2])
                assert kept if kept is not None else mine > other, f"{line}: {mine!r}, {other!r}"
            elif line.startswith("no "):
                assert message.get(line[3:]) is None, f"{line}: {message.get(line[3:])!r}"
            elif line.startswith("to "):
                assert isinstance(message, Request)
                assert message.target == line[3:], message.target
            elif line.startswith("says "):
                assert line[5:].encode() in message.body, message.body
            elif line.startswith("body "):
                assert message.body == BODIES[line[5:]], message.body
            else:
                header, _, value = line.partition(":")
                found, want = message.get_all(header), value.strip()
                part = want.strip("…")
                assert any(part in one if "…" in want else one == want for one in found), f"{line}: {found}"

    def _collect(self, agent: Agent) -> None:
        places = {actor.address: name for name, actor in self.actors.items()}
        for transmit in agent.agent.take_output():
            message = parse(transmit.data)
            inspect(message)
            self._flying[agent.name].append((places[transmit.flow.remote], message))
        agent.take_events()

    # Time.

    def _wait(self, seconds: float) -> None:
        end = self.now + seconds
        while True:
            deadlines = [(agent.agent.next_deadline(), agent) for agent in self.agents]
            due = [(at, agent) for at, agent in deadlines if at is not None and at <= end]
            if not due:
                break
            at, agent = min(due, key=lambda pair: pair[0])
            self.now = max(self.now, at)
            agent.agent.handle_timer(self.now)
            self._collect(agent)
        self.now = end

    def _end(self) -> None:
        """Nothing is on its way, and a while later nobody remembers anything."""
        self._nothing_flies("at the end")
        self._wait(100.0)
        self._nothing_flies("after the end")
        for agent in self.agents:
            left = (agent.agent.calls, agent.agent.transaction_count)
            assert left == ([], 0), f"{agent.name} is not quiet: {left}"
            assert agent.agent.counters["unforeseen"] == 0

    def _nothing_flies(self, when: str) -> None:
        for name, waiting in self._flying.items():
            assert not waiting, f"{when} {name} sends {label(waiting[0][1])} to {waiting[0][0]}"


def inspect(message: Message) -> None:
    """What every message of ours must have, whatever the flow (RFC 3261 §8.1.1, §8.2.6)."""
    assert message.integer("Content-Length") == len(message.body)
    assert bool(message.body) == (message.content_type is not None)
    if isinstance(message, Request):
        assert message.branch.startswith("z9hG4bK")
        assert len(message.branch) > 12
        assert message.via.host.startswith("192.0.2.")
        assert message.integer("Max-Forwards") == 70
        assert message.from_tag
        if message.method in ("INVITE", "SUBSCRIBE", "REFER", "UPDATE"):
            assert message.contact is not None
        assert bool(message.to_tag) or message.method not in ("BYE", "INFO", "PRACK", "UPDATE", "NOTIFY")
    else:
        assert isinstance(message, Response)
        assert message.to_tag or message.status == 100
        if message.cseq.method == "INVITE" and 100 < message.status < 300:
            assert message.contact is not None
