"""Transfers over a wire that loses, doubles, delays and reorders, with either side doing what it may at any moment: whatever is begun
ends, is told once, and nothing is left on either side (RFC 3515 §4.1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sip.calls.inside_events import (
    ReferAccepted,
    ReferEnded,
    ReferLapsed,
    ReferProgress,
    ReferReceived,
    ReferRefused,
)
from sip.calls.refer_in import IncomingRefer
from sip.calls.refer_out import OutgoingRefer
from sip.events import CallEnded, Event
from sip.message import Message
from tests.sip.calls.test_refer_out import CAROL
from tests.sip.pair import Party, label, make_pair, talk

_LOSSES_IN_A_ROW = 2
_IN_ORDER = re.compile("R?|AP*E?")


class TransferWeather(RuleBasedStateMachine):
    """Alice refers Bob, as often as she may, and Bob does with it what he likes."""

    @initialize(seed=st.integers(0, 2**16), rough=st.sampled_from([0.0, 0.3, 0.5]))
    def begin(self, seed: int, rough: float) -> None:
        self.pair = make_pair(seed=seed)
        self.mine, self.theirs = talk(self.pair)
        self.rough = rough
        self.lost: dict[str, int] = {}
        self.chance = self.pair.alice.ids.__class__(seed + 7)
        self.pair.weather = self.blow
        self.pair.bob.reacts = self.react
        self.sent: list[OutgoingRefer] = []
        # What Bob said last of a target, by the number of its REFER, while Alice still wanted to know.
        self.said: dict[int, int] = {}

    def blow(self, message: Message) -> Sequence[float]:
        name = f"{label(message)} {message.from_tag} {message.cseq.number}"
        if self.chance.fraction() < self.rough and self.lost.get(name, 0) < _LOSSES_IN_A_ROW:
            self.lost[name] = self.lost.get(name, 0) + 1
            return ()
        copies = 2 if self.chance.fraction() < self.rough / 2 else 1
        return [0.01 + (self.chance.fraction() * 2 * self.rough) ** 2 for _ in range(copies)]

    def react(self, event: Event, now: float) -> None:
        """Bob takes most of them up by himself, or few would be followed."""
        match event:
            case ReferReceived(refer=refer):
                chance = self.chance.fraction()
                if chance < 0.7:
                    refer.accept(now)
                elif chance < 0.8:
                    refer.refuse(now)
            case _:
                pass

    def hers(self, number: int) -> OutgoingRefer:
        """Alice's REFER with this number."""
        return next(refer for refer in self.sent if refer.has_id(str(number)))

    def received(self, *states: str) -> list[IncomingRefer]:
        heard = [event.refer for event in self.pair.bob.heard(ReferReceived)]
        return [refer for refer in heard if refer.state in states]

    @rule(seconds=st.sampled_from([0.02, 0.02, 0.3, 0.3, 1.0, 5.0, 20.0]))
    def wait(self, seconds: float) -> None:
        self.pair.advance(seconds)

    @rule(silent=st.sampled_from([False, False, False, True]))
    def refer(self, silent: bool) -> None:
        if self.mine.state == "confirmed" and len(self.sent) < 6:
            headers = [("Refer-Sub", "false")] if silent else []
            self.sent.append(self.mine.refer(CAROL, self.pair.now, headers=headers))
            self.pair.advance(0.05)

    @rule(number=st.integers(0, 5), is_accepted=st.sampled_from([True, True, False]))
    def answer(self, number: int, is_accepted: bool) -> None:
        if waiting := self.received("received"):
            refer = waiting[number % len(waiting)]
            refer.accept(self.pair.now) if is_accepted else refer.refuse(self.pair.now)
            self.pair.advance(0.02)

    @rule(number=st.integers(0, 5), status=st.sampled_from([180, 180, 183, 200, 486]))
    def say(self, number: int, status: int) -> None:
        if going_on := self.received("notifying", "notifying", "unheard", "ended"):
            refer = going_on[number % len(going_on)]
            if status >= 200 and refer.state == "notifying" and self.hers(refer.number).state != "ended":
                self.said[refer.number] = status
            refer.progress(status, self.pair.now)
            self.pair.advance(0.02)

    @rule(status=st.sampled_from([200, 486]))
    def say_of_all(self, status: int) -> None:
        """The news of several at once: their NOTIFYs overtake each other."""
        for refer in self.received("notifying"):
            if self.hers(refer.number).state != "ended":
                self.said[refer.number] = status
            refer.progress(status, self.pair.now)

    @rule(who=st.sampled_from(["alice", "bob", *[""] * 14]))
    def hang_up(self, who: str) -> None:
        call = {"alice": self.mine, "bob": self.theirs}.get(who)
        if call is not None and call.state == "confirmed":
            call.bye(self.pair.now)

    @invariant()
    def nothing_unforeseen_came(self) -> None:
        if hasattr(self, "pair"):
            for party in (self.pair.alice, self.pair.bob):
                assert party.agent.counters["unforeseen"] == 0

    @invariant()
    def facts_come_in_their_order(self) -> None:
        if hasattr(self, "pair"):
            for refer in self.sent:
                facts = self.facts_of(refer)
                kinds = "".join(
                    type(fact).__name__[5] for fact in facts
                )  # Accepted, Progress, Ended, Refused
                assert _IN_ORDER.fullmatch(kinds), kinds

    def facts_of(self, refer: OutgoingRefer) -> list[object]:
        return [
            event
            for event in self.pair.alice.events
            if isinstance(event, ReferAccepted | ReferProgress | ReferEnded | ReferRefused)
            and event.refer is refer
        ]

    def teardown(self) -> None:
        if not hasattr(self, "pair"):
            return
        pair = self.pair
        pair.weather = None
        for call in (self.mine, self.theirs):
            if call.state == "confirmed":
                call.bye(pair.now)
                pair.advance(1)
        pair.advance(400)
        for refer in self.sent:
            assert refer.state == "ended"
            assert isinstance(self.facts_of(refer)[-1], ReferEnded | ReferRefused)
        self.both_sides_agree()
        for party in (pair.alice, pair.bob):
            self.is_over(party)
        for core in (self.mine.core, self.theirs.core):
            assert (core.referrals, core.subscriptions) == ({}, {})

    def both_sides_agree(self) -> None:
        """What Bob said last of a target is what Alice heard of it; what he refused, or let lapse, she knows to be refused."""
        for number, status in self.said.items():
            (ended,) = [fact for fact in self.facts_of(self.hers(number)) if isinstance(fact, ReferEnded)]
            assert ended.status == status, self.pair.story
        for lapsed in self.pair.bob.heard(ReferLapsed):
            (refused,) = self.facts_of(self.hers(lapsed.refer.number))
            assert isinstance(refused, ReferRefused)
            assert refused.status == lapsed.status

    def is_over(self, party: Party) -> None:
        assert party.is_quiet(), (party.name, party.agent.calls, party.agent.transaction_count)
        assert len(party.heard(CallEnded)) == 1


TestTransferWeather = TransferWeather.TestCase
TestTransferWeather.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
