"""Two user agents over a wire that loses, doubles, delays and reorders, steered at random: both always end in the same final state.

The wire is not allowed to lose everything for ever: of one name to one side it loses at most three copies in a row, which SIP's timers
outlast. Time is given; a run of minutes takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sip.call import Call
from sip.events import (
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallReceived,
    Event,
    OfferAccepted,
    OfferReceived,
    OfferRefused,
)
from sip.message import Message
from tests.sip.pair import ANSWER, HOLD, OFFER, Party, dial, label, make_pair

_LOSSES_IN_A_ROW = 3


class Weather(RuleBasedStateMachine):
    """Alice and Bob, who do what users do at any moment at which they may."""

    @initialize(seed=st.integers(0, 2**16), rough=st.floats(0, 0.6))
    def begin(self, seed: int, rough: float) -> None:
        self.pair = make_pair(seed=seed)
        self.rough = rough
        self.lost: dict[str, int] = {}
        self.chance = self.pair.alice.ids.__class__(seed + 77)
        self.pair.weather = self.blow
        self.offered: dict[str, Call] = {}
        for party in (self.pair.alice, self.pair.bob):
            party.reacts = self.note(party)

    def blow(self, message: Message) -> Sequence[float]:
        """The delays of the copies of a message."""
        name = f"{label(message)} {message.call_id} {message.from_tag}"
        if self.chance.fraction() < self.rough and self.lost.get(name, 0) < _LOSSES_IN_A_ROW:
            self.lost[name] = self.lost.get(name, 0) + 1
            return ()
        self.lost[name] = 0
        copies = 2 if self.chance.fraction() < self.rough / 2 else 1
        return [0.01 + (self.chance.fraction() * 2 * self.rough) ** 2 for _ in range(copies)]

    def note(self, party: Party):  # type: ignore[no-untyped-def]
        def react(event: Event, now: float) -> None:
            if isinstance(event, OfferReceived):
                self.offered[party.name] = event.call
            elif isinstance(event, (CallEnded, OfferRefused, CallAnswered)):
                if isinstance(event, CallAnswered) and self.chance.fraction() < 0.5:
                    event.call.acknowledge(now)
                elif not isinstance(event, CallAnswered) and self.offered.get(party.name) is event.call:
                    if isinstance(event, CallEnded) or event.status == 487:
                        del self.offered[party.name]

        return react

    def calls(self, party: Party, *states: str) -> list[Call]:
        return [call for call in party.agent.calls if call.state in states]

    def pick(self, calls: list[Call], number: int) -> Call:
        return calls[number % len(calls)]

    def parties(self) -> tuple[Party, Party]:
        return self.pair.alice, self.pair.bob

    @rule(seconds=st.sampled_from([0.0, 0.02, 0.3, 1.0, 5.0, 40.0]))
    def wait(self, seconds: float) -> None:
        self.pair.advance(seconds)

    @precondition(lambda self: len(self.pair.alice.agent.calls) < 3)
    @rule()
    def dial(self) -> None:
        dial(self.pair)

    @precondition(lambda self: self.calls(self.pair.alice, "calling", "proceeding", "answered"))
    @rule(number=st.integers(0, 3))
    def cancel(self, number: int) -> None:
        self.pick(self.calls(self.pair.alice, "calling", "proceeding", "answered"), number).cancel(
            self.pair.now
        )

    @precondition(lambda self: self.calls(self.pair.alice, "answered"))
    @rule(number=st.integers(0, 3))
    def acknowledge(self, number: int) -> None:
        self.pick(self.calls(self.pair.alice, "answered"), number).acknowledge(self.pair.now)

    @precondition(lambda self: self.calls(self.pair.bob, "received", "ringing"))
    @rule(number=st.integers(0, 3), what=st.sampled_from(["ring", "accept", "accept", "reject"]))
    def be_called(self, number: int, what: str) -> None:
        call = self.pick(self.calls(self.pair.bob, "received", "ringing"), number)
        if what == "ring":
            call.ring(self.pair.now)
        elif what == "accept":
            call.accept(ANSWER, self.pair.now)
        else:
            call.reject(486, self.pair.now)

    @rule(number=st.integers(0, 3), who=st.integers(0, 1))
    def hang_up(self, number: int, who: int) -> None:
        calls = self.calls(self.parties()[who], "confirmed", "accepted", "answered")
        if calls:
            self.pick(calls, number).bye(self.pair.now)

    @rule(number=st.integers(0, 3), who=st.integers(0, 1), what=st.sampled_from(["update", "options"]))
    def probe(self, number: int, who: int, what: str) -> None:
        calls = self.calls(self.parties()[who], "confirmed")
        if calls:
            getattr(self.pick(calls, number), what)(self.pair.now)

    @rule(number=st.integers(0, 3), who=st.integers(0, 1), sdp=st.sampled_from([HOLD, OFFER]))
    def offer(self, number: int, who: int, sdp: bytes) -> None:
        calls = [
            call
            for call in self.calls(self.parties()[who], "confirmed")
            if call.offers.state in ("stable", "waiting", "answered")
        ]
        if calls:
            self.pick(calls, number).reinvite(sdp, self.pair.now)

    @rule(who=st.integers(0, 1), accept=st.booleans())
    def answer_offer(self, who: int, accept: bool) -> None:
        party = self.parties()[who]
        call = self.offered.get(party.name)
        if call is not None and call.state == "confirmed" and call.offers.state.startswith("offered"):
            del self.offered[party.name]
            if accept:
                call.answer_offer(ANSWER, self.pair.now)
            else:
                call.refuse_offer(488, self.pair.now)

    @invariant()
    def nothing_unforeseen_came(self) -> None:
        if hasattr(self, "pair"):
            for party in self.parties():
                assert party.agent.counters["unforeseen"] == 0

    @invariant()
    def each_call_is_told_in_order_and_ends_once(self) -> None:
        if hasattr(self, "pair"):
            for party in self.parties():
                ended: set[int] = set()
                for event in party.events:
                    call = getattr(event, "call", None)
                    assert id(call) not in ended, f"{event} after the end"
                    if isinstance(event, CallEnded):
                        ended.add(id(call))

    def teardown(self) -> None:
        """The storm is over: whoever still talks hangs up; then nothing may be left on either side."""
        if not hasattr(self, "pair"):
            return
        pair = self.pair
        pair.weather = None
        pair.advance(40)
        for call in self.calls(pair.bob, "received", "ringing"):
            call.reject(480, pair.now)
        for call in self.calls(pair.alice, "calling", "proceeding"):
            call.cancel(pair.now)
        pair.advance(70)
        self.both_sides_agree()
        for party in self.parties():
            for call in self.calls(party, "confirmed", "answered"):
                call.bye(pair.now)
        pair.advance(200)
        for party in self.parties():
            assert party.is_quiet(), (party.name, party.agent.calls, party.agent.transaction_count)
            heard = {CallReceived: 0, CallEnded: 0, CallAnswered: 0, CallConfirmed: 0, OfferAccepted: 0}
            for event in party.events:
                heard[type(event)] = heard.get(type(event), 0) + 1
            if party is pair.bob:
                assert heard[CallReceived] == heard[CallEnded]

    def both_sides_agree(self) -> None:
        """Whatever is confirmed here is confirmed there: nobody talks to nobody."""
        pair = self.pair
        hers = {call.id for call in self.calls(pair.alice, "confirmed", "answered")}
        his = {call.id for call in self.calls(pair.bob, "confirmed")}
        assert his <= hers, pair.story
        confirmed = {call.id for call in self.calls(pair.alice, "confirmed")}
        assert confirmed <= his, pair.story


TestWeather = Weather.TestCase
TestWeather.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
