"""Laws of the ledger, tried by a machine that tells facts late, twice and in any order.

What really happens is a *history*: some calls, each with the facts of its life. Each fact is told at least once, perhaps again, at
any moment after it came true. However it is told: every call is there, in one state, the one of its history; every ended
call has one end; and when all time has passed nothing is left.
"""

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.calls.facts import (
    CallBegan,
    CommandAccepted,
    CommandFailed,
    Fact,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegRef,
    LegResumed,
)
from gateway.calls.ledger import FORGET_S, Ledger
from gateway.calls.legs import Leg, LegInput, LegState
from protocol.codes import Cause, Code
from protocol.entities import Device, End, Party, State
from protocol.state import apply, diff

LINGER_S = 10.0
HOME = Device("browser", "t1")
PARTY = Party("+79161234567", "+7 916 123-45-67")
ENDS = (End("them", Cause.HUNG_UP), End("us", Cause.CANCELLED), End("them", Cause.BUSY, 486))


@dataclass
class Life:
    """What is true of one call, and which of its facts were not told yet."""

    leg: LegRef
    incoming: bool
    answered: bool = False
    held: bool = False
    ended: End | None = None
    untold: list[Fact] = field(default_factory=list)
    told: list[Fact] = field(default_factory=list)

    @property
    def state(self) -> str:
        if self.ended is not None:
            return "ended"
        if self.answered:
            return "held" if self.held else "talking"
        return "incoming" if self.incoming else "dialing"


class LedgerMachine(RuleBasedStateMachine):
    """A world of calls, a ledger that hears of it, and a page that is sent only differences."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.count = 0
        self.lives: dict[str, Life] = {}
        self.ledger = Ledger(self._new_id, LINGER_S)
        self.page = State()
        self.seen_ends: dict[str, End] = {}
        self.revs: dict[str, int] = {}

    def _new_id(self) -> str:
        self.count += 1
        return f"late{self.count}"

    def _tick(self) -> float:
        self.now += 0.001
        return self.now

    def _living(self) -> list[Life]:
        return [life for life in self.lives.values() if life.ended is None]

    # --- what happens ------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.lives) < 4)
    @rule(incoming=st.booleans())
    def a_call_begins(self, incoming: bool) -> None:
        id = f"c{len(self.lives)}"
        leg = LegRef("sip", id)
        life = self.lives[id] = Life(leg, incoming)
        direction = "in" if incoming else "out"
        life.untold.append(CallBegan(leg, self._tick(), "101", direction, PARTY, HOME, id))  # type: ignore[arg-type] # a plain str

    @precondition(lambda self: self._living())
    @rule(data=st.data())
    def it_is_answered(self, data: st.DataObject) -> None:
        life = data.draw(st.sampled_from(self._living()))
        life.answered = True
        life.untold.append(LegAnswered(life.leg, self._tick(), HOME))

    @precondition(lambda self: self._living())
    @rule(data=st.data(), on=st.booleans())
    def it_is_held_or_taken_back(self, data: st.DataObject, on: bool) -> None:
        life = data.draw(st.sampled_from(self._living()))
        life.held = on
        fact = LegHeld if on else LegResumed
        life.untold.append(fact(life.leg, self._tick(), "us"))

    @precondition(lambda self: self._living())
    @rule(data=st.data())
    def a_command_fails(self, data: st.DataObject) -> None:
        life = data.draw(st.sampled_from(self._living()))
        life.untold.append(CommandAccepted(life.leg, self._tick(), "hold"))
        life.untold.append(CommandFailed(life.leg, self._tick(), "hold", Code.HOLD_FAILED))

    @precondition(lambda self: self._living())
    @rule(data=st.data(), end=st.sampled_from(ENDS))
    def it_ends(self, data: st.DataObject, end: End) -> None:
        life = data.draw(st.sampled_from(self._living()))
        life.ended = end
        life.untold.append(LegEnded(life.leg, self._tick(), end))

    # --- what is told ------------------------------------------------------------------------------------------------

    @precondition(lambda self: any(life.untold for life in self.lives.values()))
    @rule(data=st.data())
    def any_fact_is_told(self, data: st.DataObject) -> None:
        life = data.draw(st.sampled_from([life for life in self.lives.values() if life.untold]))
        fact = life.untold.pop(data.draw(st.integers(0, len(life.untold) - 1)))
        life.told.append(fact)
        self.ledger.receive(fact, self.now)

    @precondition(lambda self: any(life.untold for life in self.lives.values()))
    @rule(data=st.data())
    def all_facts_of_a_call_are_told(self, data: st.DataObject) -> None:
        life = data.draw(st.sampled_from([life for life in self.lives.values() if life.untold]))
        for fact in data.draw(st.permutations(life.untold)):
            life.told.append(fact)
            self.ledger.receive(fact, self.now)
        life.untold.clear()

    @precondition(lambda self: any(life.told for life in self.lives.values()))
    @rule(data=st.data())
    def a_fact_is_told_again(self, data: st.DataObject) -> None:
        life = data.draw(st.sampled_from([life for life in self.lives.values() if life.told]))
        again = data.draw(st.sampled_from(life.told))
        if not isinstance(again, CommandAccepted | CommandFailed):
            self.ledger.receive(again, self.now)

    @rule()
    def the_page_is_brought_up_to_date(self) -> None:
        new = State(calls=self.ledger.calls(["101"]))
        delta = diff(self.page, new, 1)
        if delta is not None:
            self.page = apply(self.page, delta)
        assert self.page == new

    # --- the laws ----------------------------------------------------------------------------------------------------

    @invariant()
    def every_call_whose_facts_were_told_is_there_in_the_state_of_its_history(self) -> None:
        calls = self.ledger.calls(["101"])
        for id, life in self.lives.items():
            if not life.untold:
                assert calls[id].state == life.state, (id, life)
                assert calls[id].end == life.ended

    @invariant()
    def an_end_is_an_end(self) -> None:
        for id, call in self.ledger.calls(["101"]).items():
            assert (call.state == "ended") == (call.end is not None)
            if call.end is not None:
                assert self.seen_ends.setdefault(id, call.end) == call.end
            assert (call.state != "ended") or call.pending == ()

    @invariant()
    def rev_never_falls(self) -> None:
        for id, call in self.ledger.calls(["101"]).items():
            assert call.rev >= self.revs.get(id, 0)
            self.revs[id] = call.rev

    @invariant()
    def no_call_is_doubled(self) -> None:
        assert self.ledger.calls(["101"]).keys() <= self.lives.keys()

    def teardown(self) -> None:
        for life in self.lives.values():
            for fact in life.untold:
                self.ledger.receive(fact, self.now)
            if life.ended is None:
                self.ledger.receive(LegEnded(life.leg, self.now, ENDS[0]), self.now)
        self.ledger.handle_timer(self.now + LINGER_S)
        assert self.ledger.calls(["101"]) == {}
        self.ledger.handle_timer(self.now + LINGER_S + FORGET_S)
        assert self.ledger.next_deadline() is None
        assert all(self.ledger.by_leg(life.leg) is None for life in self.lives.values())


LedgerMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLedger = LedgerMachine.TestCase


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ((LegState.TALKING, LegInput.ENDED), LegState.TALKING),
        ((LegState.DIALING, LegInput.ANSWERED), LegState.RINGING),
        ((LegState.INCOMING, LegInput.ANSWERED), LegState.INCOMING),
    ],
)
def test_the_machine_finds_a_broken_row(
    monkeypatch: pytest.MonkeyPatch, row: tuple[LegState, LegInput], wrong: LegState
) -> None:
    monkeypatch.setattr(Leg, "table", {**Leg.table, row: (wrong, None)})
    quick = settings(
        max_examples=200,
        stateful_step_count=20,
        deadline=None,
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
        phases=[Phase.generate],  # to find it is enough
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(LedgerMachine, settings=quick)
