"""An office under everything at once: calls, pages that come and go, a wire that loses, a process that is killed.

Whatever happened: nothing raises; both sides agree about every call once the wire is good again; two calls of one user do not talk at the
same time for long; and when everybody has hung up, nothing is left anywhere, not on the disk either.
"""

from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from protocol.entities import Action, Call
from protocol.messages import Refused
from sip.call import CallState
from tests.gateway.pbx import Page, World, answers, rings

CUSTOMER, EAGER = "+79161234567", "+79990000000"
_DEEDS: tuple[Action, ...] = ("answer", "reject", "hang_up", "hold", "resume", "reattach")


class OfficeMachine(RuleBasedStateMachine):
    """One user with two tabs, an exchange, a disk."""

    @initialize(loss=st.sampled_from([0.0, 0.0, 0.2]), seed=st.integers(0, 1000))
    def open(self, loss: float, seed: int) -> None:
        self.world = World()
        self.pages = [Page(self.world, "t1"), Page(self.world, "t2")]
        self.pages[0].hello()
        chance = Random(seed)
        self.bad_wire = lambda data, sender: chance.random() < loss
        self.world.lost = self.bad_wire
        self.world.pbx.does[CUSTOMER] = rings
        self.world.pbx.does[EAGER] = answers
        self.kills = 0

    def _page(self, data: st.DataObject) -> Page:
        return data.draw(st.sampled_from([page for page in self.pages if page.joined]))

    def _open(self) -> bool:
        return any(page.joined for page in self.pages)

    def _call(self, data: st.DataObject) -> Call | None:
        calls = self.world.calls()
        return data.draw(st.sampled_from(calls)) if calls else None

    # --- the user ----------------------------------------------------------------------------------------------------

    @precondition(_open)
    @rule(data=st.data(), number=st.sampled_from([CUSTOMER, EAGER]))
    def dials(self, data: st.DataObject, number: str) -> None:
        self._page(data).dial(number)

    @precondition(_open)
    @rule(data=st.data())
    def does_what_is_allowed(self, data: st.DataObject) -> None:
        page, call = self._page(data), self._call(data)
        if call is None:
            return
        allowed = [what for what in _DEEDS if call.actions[what] is None]
        if allowed:
            getattr(page, data.draw(st.sampled_from(allowed)))(call.id)

    @precondition(_open)
    @rule(data=st.data(), what=st.sampled_from(_DEEDS))
    def does_anything(self, data: st.DataObject, what: Action) -> None:
        page, call = self._page(data), self._call(data)
        if call is not None:
            code = call.actions[what]
            answer = getattr(page, what)(call.id)
            assert code is None or (isinstance(answer, Refused) and answer.code is code)

    # --- pages -------------------------------------------------------------------------------------------------------

    @rule(data=st.data(), page=st.integers(0, 1), how=st.sampled_from(["load", "reconnect"]))
    def a_page_comes(self, data: st.DataObject, page: int, how: str) -> None:
        self.pages[page].hello(how)  # type: ignore[arg-type] # a plain str

    @precondition(_open)
    @rule(data=st.data(), clean=st.booleans())
    def a_page_goes(self, data: st.DataObject, clean: bool) -> None:
        self._page(data).leave(clean=clean)

    @precondition(_open)
    @rule(data=st.data())
    def a_page_beats(self, data: st.DataObject) -> None:
        self._page(data).beat()

    # --- the customers -----------------------------------------------------------------------------------------------

    @rule()
    def a_customer_calls(self) -> None:
        if len(self.world.theirs()) < 5 and "101" in self.world.pbx.contacts:
            self.world.pbx.call("101", self.world.now)
            self.world.pump()

    @rule(data=st.data(), what=st.sampled_from(["answers", "hangs up"]))
    def a_customer_does_something(self, data: st.DataObject, what: str) -> None:
        theirs = self.world.theirs()
        if not theirs:
            return
        call = data.draw(st.sampled_from(theirs))
        now = self.world.now
        waits = call.direction == "in" and call.state in (CallState.RECEIVED, CallState.RINGING)
        if what == "answers" and waits:
            answers(call, now)
        elif what == "hangs up" and waits:
            call.reject(486, now)
        elif what == "hangs up" and call.state in (CallState.CALLING, CallState.PROCEEDING):
            call.cancel(now)
        elif what == "hangs up" and call.state is CallState.CONFIRMED:
            call.bye(now)
        self.world.pump()

    # --- the world ---------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.1, 1.0, 6.0, 35.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.run(seconds)

    @precondition(lambda self: self.kills < 2)
    @rule(down=st.sampled_from([0.0, 1.0, 10.0]))
    def the_process_is_killed(self, down: float) -> None:
        self.kills += 1
        self.world.kill()
        self.world.lost = lambda data, sender: sender == "pbx"
        self.world.run(down)
        self.world.lost = self.bad_wire
        self.world.restart()
        self.world.run(0.01)

    @rule(stuck=st.booleans())
    def the_disk_is_slow(self, stuck: bool) -> None:
        self.world.disk = "stuck" if stuck else "auto"
        self.world.pump()

    # --- the laws ----------------------------------------------------------------------------------------------------

    @invariant()
    def every_call_has_one_state_and_an_end_if_it_ended(self) -> None:
        for call in self.world.calls() if hasattr(self, "world") else ():
            assert (call.state == "ended") == (call.end is not None)
            assert (call.state != "ended") or (call.pending == () and call.sound == "none")

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        world = self.world
        world.lost = lambda data, sender: False
        world.disk = "auto"
        world.pump()
        # With a good wire, both sides come to the same view: each call that talks here is confirmed there, and the other way round.
        world.run(140)
        living = [call for call in world.calls() if call.state in ("talking", "held")]
        confirmed = [call for call in world.theirs() if call.state is CallState.CONFIRMED]
        assert len(living) == len(confirmed), (living, confirmed, world.story[-30:])
        assert all(call.confirmed for call in living)
        for call in world.theirs():
            if call.state is CallState.CONFIRMED:
                call.bye(world.now)
            elif call.direction == "in":
                call.reject(480, world.now)
            else:
                call.cancel(world.now)
        world.run(140)
        assert world.calls() == []
        assert world.theirs() == []
        assert world.agent.calls == []
        assert world.records == {}


OfficeMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestOffice = OfficeMachine.TestCase
