"""Alice watches Bob over a wire that loses, doubles, delays and reorders, both steered at random: in the end she sees what he shows.

Of one kind of message the wire loses at most two copies in a row, which SIP's timers outlast. Time is given.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sip.events import Event
from sip.message import Message
from sip.subscriptions.facts import (
    Notified,
    SubscriptionActive,
    SubscriptionEnded,
    SubscriptionReceived,
    WatcherEnded,
)
from sip.subscriptions.subscription import Subscription
from sip.subscriptions.watcher import Watcher
from tests.sip.notifier import TARGET
from tests.sip.pair import label, make_pair

_LOSSES_IN_A_ROW = 2
_REASONS = ["deactivated", "probation", "rejected", "timeout", "giveup", "noresource"]


class Weather(RuleBasedStateMachine):
    """Alice has up to three subscriptions; Bob shows a number that grows."""

    @initialize(seed=st.integers(0, 2**16), rough=st.sampled_from([0.0, 0.3, 0.5]))
    def begin(self, seed: int, rough: float) -> None:
        self.pair = make_pair(seed=seed, packages=["dialog"])
        self.rough = rough
        self.lost: dict[str, int] = {}
        self.chance = self.pair.alice.ids.__class__(seed + 77)
        self.pair.weather = self.blow
        self.mine: list[Subscription] = []
        self.watchers: list[Watcher] = []
        self.seen: dict[int, bytes] = {}
        self.shown = 0
        self.is_calm = False
        self.pair.bob.reacts = self.serve
        self.pair.alice.reacts = self.watch

    def blow(self, message: Message) -> Sequence[float]:
        name = f"{label(message)} {message.call_id} {message.from_tag}"
        if self.chance.fraction() < self.rough and self.lost.get(name, 0) < _LOSSES_IN_A_ROW:
            self.lost[name] = self.lost.get(name, 0) + 1
            return ()
        self.lost[name] = 0
        copies = 2 if self.chance.fraction() < self.rough / 2 else 1
        return [0.01 + (self.chance.fraction() * 2 * self.rough) ** 2 for _ in range(copies)]

    def serve(self, event: Event, now: float) -> None:
        """Bob: mostly accepts at once."""
        match event:
            case SubscriptionReceived(watcher):
                chance = 0.5 if self.is_calm else self.chance.fraction()
                if chance < 0.1:
                    watcher.refuse(403, now)
                elif chance < 0.9:
                    watcher.accept(now, "text/plain", self.state(), pending=chance < 0.2)
                    self.watchers.append(watcher)
            case WatcherEnded(watcher):
                self.watchers.remove(watcher)
            case _:
                pass

    def watch(self, event: Event, now: float) -> None:
        match event:
            case Notified(subscription, _, body):
                self.seen[id(subscription)] = body
            case _:
                pass

    def state(self) -> bytes:
        return b"%d" % self.shown

    @rule(seconds=st.sampled_from([0.0, 0.02, 0.3, 2.0, 40.0, 100.0]))
    def wait(self, seconds: float) -> None:
        self.pair.advance(seconds)

    @rule(expires=st.sampled_from([60, 300, 3600, 0, 30]))
    def subscribe(self, expires: int) -> None:
        if len([one for one in self.mine if one.state != "off"]) < 3:
            agent, account = self.pair.alice.agent, self.pair.alice.account
            self.mine.append(agent.subscribe(account, TARGET, "dialog", self.pair.now, expires=expires))
            self.pair.advance(0.02)

    @rule(what=st.sampled_from(["refresh", "unsubscribe"]), number=st.integers(0, 2))
    def ask(self, what: str, number: int) -> None:
        if self.mine:
            one = self.mine[-1 - number % len(self.mine)]
            if what == "refresh":
                one.refresh(self.pair.now)
            else:
                one.unsubscribe(self.pair.now)
            self.pair.advance(0.02 * number)

    @rule()
    def show(self) -> None:
        self.shown += 1
        for watcher in self.watchers:
            watcher.notify("text/plain", self.state(), self.pair.now)
        self.pair.flush()

    @rule(reason=st.sampled_from(_REASONS), number=st.integers(0, 2))
    def dismiss(self, reason: str, number: int) -> None:
        if self.watchers:
            self.watchers[number % len(self.watchers)].end(reason, self.pair.now)
            self.pair.flush()

    @invariant()
    def nothing_unforeseen_came(self) -> None:
        if hasattr(self, "pair"):
            for party in (self.pair.alice, self.pair.bob):
                assert party.agent.counters["unforeseen"] == 0

    @invariant()
    def each_watcher_ends_once_and_no_subscription_ends_twice_without_another_begun(self) -> None:
        if not hasattr(self, "pair"):
            return
        ended = [event.watcher for event in self.pair.bob.heard(WatcherEnded)]
        assert len(ended) == len({id(watcher) for watcher in ended})
        over: set[int] = set()
        for event in self.pair.alice.events:
            if isinstance(event, SubscriptionEnded) and event.retry_at is not None:
                assert id(event.subscription) not in over, "active again before it can end again"
                over.add(id(event.subscription))
            elif isinstance(event, (SubscriptionActive, Notified)):
                over.discard(id(event.subscription))

    def teardown(self) -> None:
        """The storm is over: who watches sees the present state after a refresh; then all go, and nothing is left."""
        if not hasattr(self, "pair"):
            return
        pair, self.is_calm = self.pair, True
        pair.weather = None
        pair.advance(70)
        self.show()
        pair.advance(5)
        for one in self.mine:
            if one.state == "active":
                one.refresh(pair.now)
        pair.advance(40)
        for one in self.mine:
            if one.state == "active" and one.substate == "active":
                assert self.seen[id(one)] == self.state(), pair.story
        for one in self.mine:
            one.unsubscribe(pair.now)
        pair.advance(70)
        assert {one.state for one in self.mine} <= {"off"}
        pair.advance(3700)
        for party in (pair.alice, pair.bob):
            assert party.is_quiet(), (party.name, party.agent.subscription_count, pair.story[-30:])


TestWeather = Weather.TestCase
TestWeather.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
