"""The road to one peer: connections made anew at pauses that grow, and nothing forgotten on the way (RFC 5626 §4.5)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sip import road as road_module
from sip.flow import Flow
from sip.road import FIRST_PAUSE, LONGEST_PAUSE, Road, RoadInput, RoadState

PEER = Flow("tls", ("192.0.2.1", 5061), 0, "pbx.example")


class Shell:
    """The owner of a road: writes down what is done for it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.pauses: list[float] = []
        self.written: list[bytes] = []
        self.chance = 1.0
        self.road = Road(PEER, self)

    def connect(self, road: Road) -> None:
        self.done.append("connect")

    def write(self, flow: Flow, data: bytes) -> None:
        assert flow.connection
        self.done.append(f"write {flow.connection} {data.decode()}")
        self.written.append(data)

    def wake(self, road: Road, pause: float) -> None:
        self.pauses.append(pause)

    def tell_lost(self, flow: Flow, cause: str) -> None:
        self.done.append(f"lost {flow.connection} {cause}")

    def tell_refused(self, flow: Flow, cause: str) -> None:
        self.done.append(f"refused {flow.connection} {cause}")

    def tell_made(self, flow: Flow) -> None:
        self.done.append(f"made {flow.connection}")

    def forget_road(self, road: Road) -> None:
        self.done.append("forget")

    @property
    def fraction(self) -> Callable[[], float]:
        return lambda: self.chance

    def take(self) -> list[str]:
        done, self.done = self.done, []
        return done


def test_what_is_to_be_sent_waits_for_the_connection_and_leaves_in_its_order() -> None:
    shell = Shell()
    shell.road.send(b"1", 0)
    shell.road.send(b"2", 0)
    assert shell.take() == ["connect"]
    shell.road.made(7, 1)
    shell.road.send(b"3", 2)
    assert shell.take() == ["write 7 1", "write 7 2", "write 7 3"]
    assert shell.road.flow == PEER._replace(connection=7)


def test_a_connection_that_lived_and_is_lost_is_made_anew_as_soon_as_it_is_wanted() -> None:
    shell = Shell()
    shell.road.send(b"1", 0)
    shell.road.made(7, 0)
    shell.take()
    shell.road.lost("closed", 60, cut_short=False)
    assert shell.take() == ["forget", "lost 7 closed"], "told last: what is told may send again"
    shell.road.send(b"2", 60)
    assert shell.take() == ["connect"]
    shell.road.made(8, 60)
    assert shell.take() == ["write 8 2"], "it never failed, so nobody is told that it stands again"


def test_what_waited_for_a_connection_that_failed_is_told_as_lost_once() -> None:
    shell = Shell()
    shell.road.send(b"1", 0)
    shell.road.send(b"2", 0)
    shell.take()
    shell.road.failed("connection refused", 0)
    assert shell.take() == ["lost 0 connection refused"]
    shell.road.send(b"3", 0)
    assert shell.take() == ["refused 0 connection refused"], "a line can try another server meanwhile"


def test_pauses_double_up_to_a_bound_and_half_of_each_is_chance_4_5() -> None:
    shell = Shell()
    shell.road.send(b"1", 0)
    for _ in range(8):
        shell.road.failed("x", 0)
        shell.road.send(b"1", 0)
        shell.road.wake(0)
    assert shell.pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    assert (FIRST_PAUSE, LONGEST_PAUSE) == (1, 30)
    shell.chance = 0.0
    shell.road.failed("x", 0)
    assert shell.pauses[-1] == 15


def test_a_connection_that_stands_again_is_told_and_dies_young_without_being_a_success() -> None:
    shell = Shell()
    shell.road.send(b"1", 0)
    shell.road.failed("x", 0)
    shell.road.wake(1)
    shell.take()
    shell.road.made(7, 1)
    assert shell.take() == ["made 7"]
    shell.road.lost("reset", 2, cut_short=True)
    assert shell.take() == ["lost 7 reset"]
    assert shell.pauses == [1, 2]


def test_a_peer_that_nobody_asked_for_in_the_pause_is_let_go() -> None:
    shell = Shell()
    shell.road.send(b"1", 0)
    shell.road.failed("x", 0)
    shell.road.wake(1)  # what waited when it failed was somebody's wish
    shell.road.failed("x", 1)
    shell.take()
    shell.road.wake(3)
    assert shell.take() == ["forget"]
    assert shell.road.state == "resting"


def test_what_waits_for_a_connection_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(road_module, "_MOST_WAITING", 3)
    shell = Shell()
    shell.road.send(b"12", 0)
    shell.road.send(b"34", 0)
    assert shell.take() == ["connect", "refused 0 too much is waiting for a connection"]
    shell.road.send(b"5", 0)
    shell.road.made(7, 0)
    assert shell.take() == ["write 7 12", "write 7 5"]


@pytest.mark.parametrize("state", list(RoadState))
def test_sending_is_foreseen_in_every_state(state: RoadState) -> None:
    assert (state, RoadInput.SEND) in Road.table


class Journeys(RuleBasedStateMachine):
    """Whatever happens: every message is written once or told as lost, and one connection is made at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.shell = Shell()
        self.road = self.shell.road
        self.sent = 0
        self.number = 0

    @rule()
    def send(self) -> None:
        self.sent += 1
        self.road.send(str(self.sent).encode(), 0)

    @precondition(lambda self: self.road.state == "connecting")
    @rule(succeeds=st.booleans())
    def connect(self, succeeds: bool) -> None:
        self.number += 1
        if succeeds:
            self.road.made(self.number, 0)
        else:
            self.road.failed("x", 0)

    @precondition(lambda self: self.road.state == "open")
    @rule(cut_short=st.booleans())
    def lose(self, cut_short: bool) -> None:
        self.road.lost("x", 0, cut_short=cut_short)

    @precondition(lambda self: self.road.state == "pausing")
    @rule()
    def wake(self) -> None:
        self.road.wake(0)

    @invariant()
    def nothing_is_written_twice_or_out_of_order(self) -> None:
        numbers = [int(one) for one in self.shell.written]
        assert numbers == sorted(set(numbers))

    @invariant()
    def nothing_waits_but_for_a_connection(self) -> None:
        assert not self.road._waiting or self.road.state == "connecting"
        assert self.road._data == b""

    @invariant()
    def a_number_belongs_to_a_connection_that_stands(self) -> None:
        assert bool(self.road.flow.connection) == (self.road.state == "open")


TestJourneys = Journeys.TestCase
TestJourneys.settings = settings(max_examples=60, stateful_step_count=30)
