"""Turns at a registrar: bounded in number and in rate, and none is lost."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sip.deadlines import Deadlines
from sip.pacer import Pace, Paced, Pacer


class Guest:
    """Somebody who wants turns; `story` is what became of it."""

    def __init__(self, scene: Scene, name: int) -> None:
        self.scene = scene
        self.name = name
        self.state = "idle"

    def take_turn(self, now: float) -> None:
        assert self.state == "queued"
        self.state = "out"
        self.scene.turns.append(now)

    def be_passed_over(self, now: float) -> None:
        assert self.state == "queued"
        self.state = "away"

    def come_back(self, now: float) -> None:
        assert self.state in ("away", "idle")
        self.state = "queued"
        self.scene.pacer.ask(self, now)


class Scene:
    """A pacer and its guests."""

    def __init__(self, pace: Pace, guests: int) -> None:
        self.deadlines: Deadlines[object, str] = Deadlines()
        self.counters: Counter[str] = Counter()
        self.pacer = Pacer(pace, self.deadlines, self.counters)  # type: ignore[arg-type]
        self.turns: list[float] = []
        self.now = 0.0
        self.guests = [Guest(self, number) for number in range(guests)]

    def ask(self, guest: Guest) -> None:
        guest.state = "queued"
        self.pacer.ask(guest, self.now)

    def ask_all(self) -> None:
        for guest in self.guests:
            self.ask(guest)

    def answer(self, guest: Guest, *, heard: bool = True) -> None:
        guest.state = "idle" if heard else "away"
        self.pacer.done(guest, self.now, heard=heard)

    def of(self, state: str) -> list[Guest]:
        return [guest for guest in self.guests if guest.state == state]

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while (at := self.deadlines.next_deadline()) is not None and at <= end:
            self.now = max(at, self.now)
            for owner, name in self.deadlines.due(self.now):
                assert owner is self.pacer
                self.pacer.handle_timer(name, self.now)
        self.now = end


def test_the_first_ones_go_at_once_and_the_rest_in_the_order_in_which_they_asked() -> None:
    scene = Scene(Pace(rate=1e6, window=2), 4)
    scene.ask_all()
    assert [guest.state for guest in scene.guests] == ["out", "out", "queued", "queued"]
    assert scene.counters["registrations_paced"] == 2
    scene.answer(scene.guests[1])
    assert [guest.state for guest in scene.guests] == ["out", "idle", "out", "queued"]
    assert (scene.pacer.out, scene.pacer.queued) == (2, 1)


def test_the_window_begins_small_and_opens_by_one_with_each_answer() -> None:
    scene = Scene(Pace(rate=1e6, window=100), 300)
    scene.ask_all()
    assert scene.pacer.out == 16
    scene.answer(scene.of("out")[0])
    assert scene.pacer.out == 17
    for _ in range(150):
        scene.answer(scene.of("out")[0])
    assert scene.pacer.out == 100, "and never wider than it may be"


def test_no_more_than_the_rate_are_let_through_in_any_second() -> None:
    scene = Scene(Pace(rate=100, window=1000, first=1000), 1000)
    scene.ask_all()
    scene.pass_time(5)
    assert 495 <= len(scene.turns) <= 503
    for begin in range(5):
        assert len([at for at in scene.turns if begin < at <= begin + 1]) <= 101


def test_the_next_turn_is_due_once_however_many_answers_come_meanwhile() -> None:
    scene = Scene(Pace(rate=100, window=1000), 100)
    scene.pacer._window = 1000.0
    scene.ask_all()
    kept = scene.deadlines.size
    assert kept == 1
    for guest in scene.of("out"):
        scene.answer(guest)
    assert scene.deadlines.size == kept


def test_when_the_registrar_is_silent_those_who_wait_are_told_so_at_once() -> None:
    scene = Scene(Pace(rate=1e6, window=4), 10)
    scene.ask_all()
    scene.answer(scene.guests[0], heard=False)
    assert [guest.state for guest in scene.guests] == ["away"] + ["out"] * 3 + ["away"] * 6
    assert scene.counters["registrar_silent"] == 1


def test_a_silent_registrar_is_asked_by_one_at_a_time() -> None:
    scene = Scene(Pace(rate=1e6, window=4), 10)
    scene.ask_all()
    for guest in scene.of("out"):
        scene.answer(guest, heard=False)
    for guest in scene.guests:
        scene.ask(guest)
    assert len(scene.of("out")) == 1
    assert scene.counters["registrar_silent"] == 1, "it is silent once, however many find it so"


def test_everybody_comes_back_when_it_speaks_again_as_fast_as_the_window_opens() -> None:
    scene = Scene(Pace(rate=1e6, window=8), 100)
    scene.ask_all()
    for guest in scene.of("out"):
        scene.answer(guest, heard=False)
    assert len(scene.of("away")) == 100
    scene.ask(scene.guests[50])
    scene.answer(scene.guests[50])
    assert len(scene.of("out")) == 2, "one, and one for the answer"
    most = 0
    while scene.of("out"):
        most = max(most, len(scene.of("out")))
        scene.answer(scene.of("out")[0])
    assert most == 8
    assert len(scene.of("idle")) == 100


def test_who_withdraws_gets_no_turn_and_does_not_come_back() -> None:
    scene = Scene(Pace(rate=1e6, window=1), 3)
    scene.ask_all()
    scene.pacer.withdraw(scene.guests[1])
    scene.guests[1].state = "gone"
    scene.answer(scene.guests[0])
    assert scene.guests[2].state == "out"
    scene.answer(scene.guests[2], heard=False)
    scene.pacer.withdraw(scene.guests[2])
    scene.guests[2].state = "gone"
    scene.ask(scene.guests[0])
    scene.answer(scene.guests[0])
    assert [guest.state for guest in scene.guests] == ["idle", "gone", "gone"]


def test_done_without_a_turn_is_ignored() -> None:
    scene = Scene(Pace(), 1)
    scene.pacer.done(scene.guests[0], 0.0, heard=False)
    scene.ask(scene.guests[0])
    assert scene.guests[0].state == "out"


@pytest.mark.parametrize(("rate", "window"), [(0, 1), (1, 0)])
def test_a_pace_that_lets_nobody_through_is_refused(rate: float, window: int) -> None:
    with pytest.raises(AssertionError):
        Pace(rate, window)


class Turns(RuleBasedStateMachine):
    """Guests ask, are answered or not, and withdraw, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene(Pace(rate=50, window=5), 12)

    @rule(number=st.integers(0, 11))
    def ask(self, number: int) -> None:
        guest = self.scene.guests[number]
        if guest.state in ("idle", "away"):
            self.scene.ask(guest)

    @rule(number=st.integers(0, 11))
    def withdraw(self, number: int) -> None:
        guest = self.scene.guests[number]
        if guest.state in ("queued", "away"):
            self.scene.pacer.withdraw(guest)
            guest.state = "idle"

    @precondition(lambda self: self.scene.of("out"))
    @rule(place=st.integers(0, 11), heard=st.booleans())
    def answer(self, place: int, heard: bool) -> None:
        out = self.scene.of("out")
        self.scene.answer(out[place % len(out)], heard=heard)

    @rule(seconds=st.floats(0, 1))
    def wait(self, seconds: float) -> None:
        self.scene.pass_time(seconds)

    @invariant()
    def never_more_than_the_window_are_out(self) -> None:
        assert len(self.scene.of("out")) == self.scene.pacer.out <= 5
        assert len(self.scene.of("queued")) == self.scene.pacer.queued

    @invariant()
    def the_rate_is_kept(self) -> None:
        recent = [at for at in self.scene.turns if at > self.scene.now - 1]
        assert len(recent) <= 51

    def teardown(self) -> None:
        """Whatever happened: a registrar that answers has everybody served in the end."""
        scene = self.scene
        for guest in scene.of("idle"):
            scene.ask(guest)
        for _ in range(100):
            if not (scene.of("out") or scene.of("queued")):
                break
            for guest in scene.of("out"):
                scene.answer(guest)
            scene.pass_time(1)
        assert not scene.of("out")
        assert not scene.of("queued")
        assert not scene.of("away")


TestTurns = Turns.TestCase
TestTurns.settings = settings(deadline=None, max_examples=60, stateful_step_count=30)
_: type[Paced] = Guest
