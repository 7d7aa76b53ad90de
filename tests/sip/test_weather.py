"""Two user agents over a wire that loses, doubles, delays and reorders, steered at random: both always end in the same final state.

The wire is not allowed to lose everything for ever: of one name to one side it loses at most two copies in a row, which SIP's timers
outlast. Time is given; a run of minutes takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sip.call import Call
from sip.errors import LocalProtocolError
from sip.events import (
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallReceived,
    EndCause,
    Event,
    OfferAccepted,
    OfferReceived,
)
from sip.message import Message
from tests.sip.calls.disk import through_disk
from tests.sip.pair import ANSWER, HOLD, Party, dial, label, make_pair

_LOSSES_IN_A_ROW = 2


# By weight: what is done seldom would otherwise never be done, for a call dies of its first cancel.
_DEEDS = ["dial"] * 4 + ["reinvite"] * 6 + ["bye"] * 2 + [
    "cancel", "acknowledge", "ring", "accept", "reject", "update", "options", "answer offer", "answer offer", "refuse offer",
]  # fmt: skip
_MAY = {
    "cancel": ("calling", "proceeding", "answered"),
    "acknowledge": ("answered",),
    "ring": ("received", "ringing"),
    "accept": ("received", "ringing"),
    "reject": ("received", "ringing"),
    "bye": ("confirmed", "accepted", "answered"),
    "update": ("confirmed",),
    "options": ("confirmed",),
    "reinvite": ("confirmed",),
    "answer offer": ("confirmed",),
    "refuse offer": ("confirmed",),
}
_DEEDS_DONE: dict[str, Callable[[Call, float], None]] = {
    "cancel": lambda call, now: call.cancel(now),
    "acknowledge": lambda call, now: call.acknowledge(now, None if call.local_sdp else ANSWER),
    "ring": lambda call, now: call.ring(now),
    "accept": lambda call, now: call.accept(call.local_sdp or ANSWER, now),
    "reject": lambda call, now: call.reject(486, now),
    "bye": lambda call, now: call.bye(now),
    "update": lambda call, now: call.update(now),
    "options": lambda call, now: call.options(now),
    "reinvite": lambda call, now: call.reinvite(HOLD, now),
    "answer offer": lambda call, now: call.answer_offer(ANSWER, now),
    "refuse offer": lambda call, now: call.refuse_offer(488, now),
}


class Weather(RuleBasedStateMachine):
    """Alice and Bob, who do what users do at any moment at which they may."""

    @initialize(seed=st.integers(0, 2**16), rough=st.sampled_from([0.0, 0.3, 0.45, 0.6]))
    def begin(self, seed: int, rough: float) -> None:
        self.pair = make_pair(seed=seed)
        self.rough = rough
        self.lost: dict[str, int] = {}
        self.acknowledged_at_once: set[str] = set()
        self.chance = self.pair.alice.ids.__class__(seed + 77)
        self.pair.weather = self.blow
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

    def note(self, party: Party) -> Callable[[Event, float], None]:
        """Parties do much by themselves, or nearly all calls would be cancelled before they live."""

        def react(event: Event, now: float) -> None:
            chance = self.chance.fraction()
            match event:
                case CallReceived(call) if chance < 0.7:
                    call.ring(now)
                    if chance < 0.5:
                        call.accept(ANSWER, now)
                case CallAnswered(call) if chance < 0.8:
                    self.acknowledged_at_once.add(call.id)
                    call.acknowledge(now)
                case OfferReceived(call):
                    if chance < 0.6:
                        call.answer_offer(ANSWER, now)
                case _:
                    pass

        return react

    def calls(self, party: Party, *states: str) -> list[Call]:
        return [call for call in party.agent.calls if call.state in states]

    def parties(self) -> tuple[Party, Party]:
        return self.pair.alice, self.pair.bob

    @rule(seconds=st.sampled_from([0.0, 0.02, 0.3, 1.0, 5.0, 40.0]))
    def wait(self, seconds: float) -> None:
        self.pair.advance(seconds)

    @rule(what=st.sampled_from(_DEEDS), who=st.integers(0, 1), number=st.integers(0, 3))
    def act(self, what: str, who: int, number: int) -> None:
        """Somebody does something, if it may be done at this moment; then a little time passes."""
        party = self.parties()[who]
        now = self.pair.now
        if what == "dial" and len(self.pair.alice.agent.calls) < 3:
            dial(self.pair)
        may = [call for call in party.agent.calls if call.state in _MAY.get(what, ())]
        if what == "reinvite":
            may = [call for call in may if call.offers.state in ("stable", "waiting", "answered")]
        elif what.endswith("offer"):
            may = [call for call in may if call.offers.state.startswith("offered")]
        if may:
            call = may[number % len(may)]
            _DEEDS_DONE[what](call, now)
        self.pair.advance(0.02 * number**3)

    @rule(what=st.sampled_from(sorted(_DEEDS_DONE)), who=st.integers(0, 1), number=st.integers(0, 3))
    def try_anything(self, what: str, who: int, number: int) -> None:
        """A command at a moment at which it may not be given changes nothing and sends nothing; this weighs little, so as not to end
        all calls."""
        party, now = self.parties()[who], self.pair.now
        calls = party.agent.calls
        if not calls or (what in ("bye", "cancel", "reject") and number):
            return
        call = calls[number % len(calls)]
        self.pair.flush()
        before = call.state, party.agent.transaction_count, party.agent.next_deadline()
        try:
            _DEEDS_DONE[what](call, now)
        except LocalProtocolError:
            assert party.agent.take_output() == []
            assert party.agent.take_events() == []
            after = call.state, party.agent.transaction_count, party.agent.next_deadline()
            assert after == before
        self.pair.advance(0.02)

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
        self.ask_whether_calls_live()
        self.both_sides_agree()
        for ended in pair.bob.heard(CallEnded):
            if ended.cause == EndCause.NOT_ACKNOWLEDGED:
                assert ended.call.id not in self.acknowledged_at_once, (
                    "its ACK should have come with a repeated 200"
                )
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

    def ask_whether_calls_live(self) -> None:
        """Only after a restart is it not known."""

    def both_sides_agree(self) -> None:
        """Whatever is confirmed here is confirmed there: nobody talks to nobody."""
        pair = self.pair
        hers = {call.id for call in self.calls(pair.alice, "confirmed", "answered")}
        his = {call.id for call in self.calls(pair.bob, "confirmed")}
        assert his <= hers, pair.story
        confirmed = {call.id for call in self.calls(pair.alice, "confirmed")}
        assert confirmed <= his, pair.story


class Restarts(Weather):
    """The same, and now and then a process dies with all its transactions and loads what was written of its calls (design, section 6)."""

    @precondition(lambda self: self.pair.alice.agent.calls or self.pair.bob.agent.calls)
    @rule(who=st.integers(0, 1))
    def restart(self, who: int) -> None:
        """One of the two dies and comes back; its user then does what the restart contract says."""
        party, pair = self.parties()[who], self.pair
        pair.flush()
        saved = [through_disk(call.dump()) for call in party.agent.calls]
        party.agent = party.new_agent()
        for one in saved:
            call = party.agent.load_call(one, party.account if one.direction == "out" else None, pair.now)
            if one.kind == "dialog":
                call.update(pair.now)
            elif one.kind == "incoming" and one.local_sdp:
                call.accept(one.local_sdp, pair.now)
        assert {(call.id, call.local_tag) for call in party.agent.calls} == {
            (one.call_id, one.local_tag) for one in saved
        }
        assert len(party.agent.calls) == len(saved)
        pair.advance(0.02)

    def ask_whether_calls_live(self) -> None:
        for party in self.parties():
            for call in self.calls(party, "confirmed"):
                call.update(self.pair.now)
        self.pair.advance(70)


LIMITS = settings(
    max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestWeather = Weather.TestCase
TestRestarts = Restarts.TestCase
TestWeather.settings = TestRestarts.settings = LIMITS
