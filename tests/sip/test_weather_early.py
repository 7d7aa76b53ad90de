"""The weather of `test_weather`, with calls that are rung reliably, changed while they ring, and kept alive by session timers.

Beyond what holds there: when the storm is over, both sides of a call have the same two descriptions, and no request of either came out
of order for good.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from sip.call import Call
from sip.events import CallAnswered, CallReceived, Event, OfferReceived
from sip.timers import SessionTimers
from tests.sip.pair import ANSWER, HOLD, OFFER, Party, dial
from tests.sip.test_weather import Weather


class EarlyWeather(Weather):
    """Alice and Bob, who begin to change the session before it is answered."""

    @initialize(seed=st.integers(0, 2**16), rough=st.sampled_from([0.0, 0.3, 0.45, 0.6]))
    def begin(self, seed: int, rough: float) -> None:
        super().begin(seed, rough)
        for party in self.parties():
            party.session_timers = SessionTimers(ask=100)
            party.agent = party.new_agent()
        self.offers = 1

    def fresh(self, sdp: bytes) -> bytes:
        """A description that nobody gave before, so that two that are mixed up are seen."""
        self.offers += 1
        return sdp.replace(b"s=-", b"s=%d" % self.offers)

    def note(self, party: Party) -> Callable[[Event, float], None]:
        def react(event: Event, now: float) -> None:
            chance = self.chance.fraction()
            match event:
                case CallReceived(call) if chance < 0.8:
                    sdp = self.fresh(ANSWER) if call.remote_sdp else self.fresh(OFFER)
                    call.ring(now, sdp if chance < 0.7 else None, reliable=chance < 0.7)
                    if chance < 0.3:
                        call.accept(sdp, now)
                case CallAnswered(call) if chance < 0.8:
                    self.acknowledged_at_once.add(call.id)
                    call.acknowledge(now, None if call.local_sdp else self.fresh(ANSWER))
                case OfferReceived(call) if chance < 0.8:
                    call.answer_offer(self.fresh(ANSWER), now, tag=event.tag)
                case _:
                    pass

        return react

    @rule(number=st.integers(0, 3))
    def dial_without_an_offer(self, number: int) -> None:
        if len(self.pair.alice.agent.calls) < 3:
            dial(self.pair, None)
        self.pair.advance(0.02 * number**3)

    @rule(who=st.integers(0, 1), number=st.integers(0, 3), seconds=st.sampled_from([0.0, 0.05, 0.6, 3.0]))
    def update(self, who: int, number: int, seconds: float) -> None:
        """Offers by UPDATE, early or not, and answers to what waits."""
        party = self.parties()[who]
        now = self.pair.now
        may = [call for call in party.agent.calls if call.offers_in("") is not None]
        if may:
            call = may[number % len(may)]
            offers = call.offers_in("")
            assert offers is not None
            if offers.is_offered:
                call.answer_offer(self.fresh(ANSWER), now)
            elif offers.state in ("stable", "answered") and offers.is_settled:
                call.update(now, self.fresh(HOLD))
        self.pair.advance(seconds)

    @rule()
    def a_long_while(self) -> None:
        self.pair.advance(90)

    def both_sides_agree(self) -> None:
        super().both_sides_agree()
        pair = self.pair
        theirs = {call.id: call for call in self.calls(pair.bob, "confirmed")}
        for mine in self.calls(pair.alice, "confirmed"):
            other = theirs[mine.id]
            if self.is_at_rest(mine) and self.is_at_rest(other):
                assert mine.local_sdp == other.remote_sdp, pair.story
                assert mine.remote_sdp == other.local_sdp, pair.story

    def is_at_rest(self, call: Call) -> bool:
        return call.offers.state == "stable"


TestEarlyWeather = EarlyWeather.TestCase
TestEarlyWeather.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
