"""The agents of a call flow: user agents of ours, which do what the text commands, and the bodies that are named in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from sip.account import Account, Address
from sip.agent import UserAgent
from sip.call import Call
from sip.calls.inside_events import ReferReceived
from sip.events import CallReceived, Event
from sip.fields import Value
from sip.headers import ReplacesHeader
from sip.ids import SeededIds
from sip.registration import Registration
from sip.subscriptions.facts import SubscriptionReceived
from sip.subscriptions.subscription import Subscription
from sip.uri import Uri
from tests.sip.pair import ANSWER, HOLD, OFFER

if TYPE_CHECKING:
    from tests.sip.flows.servers import Server

RESUMED = HOLD.replace(b"a=sendonly\r\n", b"").replace(b"o=- 1 2", b"o=- 1 3")
HELD = ANSWER.replace(b"o=- 1 1", b"o=- 1 2") + b"a=recvonly\r\n"
E = TypeVar("E")
BODIES = {"offer": OFFER, "answer": ANSWER, "hold": HOLD, "held": HELD, "resumed": RESUMED, "none": b""}


class Agent:
    """A user agent of ours, and what its user does."""

    def __init__(
        self, name: str, address: Address, proxy: Address | None, seed: int, *, refers: bool
    ) -> None:
        self.name = name
        self.address = address
        host, port = address
        ids = SeededIds(seed)
        self.agent = UserAgent(host=host, port=port, ids=ids, packages=["dialog"], referable=refers)
        home = Uri("sip", None, None, "example.com") if proxy else Uri("sip", None, None, address[0])
        self.account = Account(replace(home, user=name), name, "secret", home, proxy=proxy)
        self.calls: list[Call] = []
        self.events: list[Event] = []
        self._heard = 0  # how many of the events the text has mentioned
        self._registration: Registration | None = None
        self._subscription: Subscription | None = None

    def take_events(self) -> None:
        for event in self.agent.take_events():
            self.events.append(event)
            if isinstance(event, CallReceived):
                self.calls.append(event.call)

    def last(self, kind: type[E]) -> E:
        """The latest event of this kind."""
        return [event for event in self.events if isinstance(event, kind)][-1]

    def must_hear(self, name: str, below: list[str]) -> None:
        """The event comes after those that were mentioned before; its attributes are as the lines say."""
        for place in range(self._heard, len(self.events)):
            event = self.events[place]
            if type(event).__name__ == name:
                self._heard = place + 1
                for line in below:
                    if line.startswith("replaces "):
                        self._must_replace(event, int(line.rpartition("/")[2]))
                        continue
                    attribute, _, value = line.partition(": ")
                    assert str(getattr(event, attribute)) == value, f"{line}: {getattr(event, attribute)}"
                return
        raise AssertionError(
            f"{self.name} heard {[type(one).__name__ for one in self.events[self._heard :]]}"
        )

    def _must_replace(self, event: Event, number: int) -> None:
        assert isinstance(event, CallReceived)
        assert event.call.replaces is not None
        assert self.agent.find_replaced(event.call.replaces) is self.calls[number - 1]

    def obey(
        self, words: str, number: int, below: list[str], actors: dict[str, Agent | Server], now: float
    ) -> None:
        """Do what the text commands, with call `number` of this agent (0: the latest)."""
        verb, *rest = words.split()
        if verb == "register":
            self._register(now)
        elif verb == "unregister":
            assert self._registration is not None
            self._registration.unregister(now)
        elif verb == "dial":
            self._dial(actors[rest[0]], rest[1:], below, now)
        elif verb in ("watch", "unwatch", "allow", "tell"):
            self._with_states(verb, rest, actors, now)
        elif verb == "follow":
            refer = self.last(ReferReceived).refer
            refer.accept(now)
        elif verb == "report":
            self.last(ReferReceived).refer.progress(int(rest[0]), now)
        elif verb == "refer":
            self._refer(self.calls[number - 1], actors[rest[0]], rest[1:], now)
        else:
            self._with_call(self.calls[number - 1], verb, rest, now)

    def _register(self, now: float) -> None:
        if self._registration is None:
            self._registration = self.agent.register(self.account, now, contact_user=self.name)
        else:
            self._registration.refresh(now)

    def _dial(self, whom: Agent | Server, rest: list[str], below: list[str], now: float) -> None:
        host = "example.com" if self.account.proxy and isinstance(whom, Agent) else whom.address[0]
        sdp = None if rest[:2] == ["without", "offer"] else OFFER
        headers: list[tuple[str, Value]] = [
            (name, value.strip())
            for name, _, value in (line.partition(":") for line in below)
            if name != "Replaces"
        ]
        replaced = next((line.partition(":")[2] for line in below if line.startswith("Replaces:")), None)
        replaces = ReplacesHeader.parse(replaced) if replaced else None
        target = Uri("sip", whom.name, None, host)
        if rest[:1] == ["referred"]:
            refer = self.last(ReferReceived).refer
            target, replaces = refer.refer_to.uri, refer.replaces
            headers += refer.invite_headers
        call = self.agent.invite(self.account, target, sdp, now, replaces=replaces, headers=headers)
        self.calls.append(call)

    def _refer(self, call: Call, whom: Agent | Server, rest: list[str], now: float) -> None:
        replaces = None
        if rest[:1] == ["replacing"]:
            other = self.calls[int(rest[1]) - 1]
            replaces = ReplacesHeader(other.id, other.remote_tag, other.local_tag)
        target = Uri("sip", whom.name, None, whom.address[0])
        call.refer(target, now, replaces=replaces, referred_by=self.account.uri)

    def _with_states(self, verb: str, rest: list[str], actors: dict[str, Agent | Server], now: float) -> None:
        match verb:
            case "watch":
                whom = actors[rest[0]]
                target = Uri("sip", whom.name, None, whom.address[0])
                self._subscription = self.agent.subscribe(self.account, target, "dialog", now, expires=600)
            case "unwatch":
                assert self._subscription is not None
                self._subscription.unsubscribe(now)
            case "allow":
                self.last(SubscriptionReceived).watcher.accept(now, "text/plain", rest[0].encode())
            case _:
                self.last(SubscriptionReceived).watcher.notify("text/plain", rest[0].encode(), now)

    def _with_call(self, call: Call, verb: str, rest: list[str], now: float) -> None:
        body = BODIES[rest[0]] if rest and rest[0] in BODIES else None
        match verb:
            case "ring":
                call.ring(now, body, status=183 if body else 180)
            case "accept":
                call.accept(body or ANSWER, now)
            case "replace":
                call.accept_replacing(body or ANSWER, now)
            case "reject":
                call.reject(int(rest[0]), now)
            case "acknowledge":
                call.acknowledge(now, body)
            case "cancel":
                call.cancel(now)
            case "bye":
                call.bye(now)
            case "offer":
                call.reinvite(body or OFFER, now)
            case "answer":
                call.answer_offer(body or ANSWER, now)
            case "refuse":
                call.refuse_offer(int(rest[0]), now)
            case _:
                raise AssertionError(f"no such command: {verb}")
