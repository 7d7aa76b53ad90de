"""The machine that every table runs on."""

import logging
from enum import StrEnum
from typing import ClassVar

import pytest

from sip.errors import LocalProtocolError
from sip.machine import Machine, Table


class Lamp(StrEnum):
    OFF = "off"
    ON = "on"


class Touch(StrEnum):
    PRESS = "press"
    LOOK = "look"
    BREAK = "break"


class LampMachine(Machine[Lamp, Touch]):
    __slots__ = ("seen",)

    title = "lamp"
    figure = "a lamp"
    initial = Lamp.OFF

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, float]] = []

    def identity(self) -> str:
        return "kitchen"

    def _note(self, now: float) -> None:
        self.seen.append((self.state, now))

    def _press_again(self, now: float) -> None:
        self.step(Touch.PRESS, now)
        self._note(now)

    table: ClassVar[Table[Lamp, Touch]] = {
        (Lamp.OFF, Touch.PRESS): (Lamp.ON, _note),
        (Lamp.ON, Touch.PRESS): (Lamp.OFF, None),
        (Lamp.OFF, Touch.LOOK): (Lamp.OFF, None),
        (Lamp.OFF, Touch.BREAK): (Lamp.ON, _press_again),
    }


def test_a_machine_is_born_in_its_initial_state_and_silent() -> None:
    lamp = LampMachine()
    assert lamp.state is Lamp.OFF
    assert lamp.seen == []


def test_the_state_has_changed_before_the_action_runs() -> None:
    lamp = LampMachine()
    lamp.step(Touch.PRESS, 2.5)
    assert lamp.seen == [("on", 2.5)]


def test_a_row_without_an_action_only_moves() -> None:
    lamp = LampMachine()
    lamp.step(Touch.LOOK, 1.0)
    assert (lamp.state, lamp.seen) == ("off", [])


def test_an_action_may_step_the_machine_again() -> None:
    lamp = LampMachine()
    lamp.step(Touch.BREAK, 1.0)
    assert lamp.seen == [("off", 1.0)]


def test_what_is_no_row_is_a_mistake_of_ours_and_changes_nothing() -> None:
    lamp = LampMachine()
    lamp.step(Touch.PRESS, 1.0)
    with pytest.raises(LocalProtocolError, match="lamp: break is not allowed in on"):
        lamp.step(Touch.BREAK, 2.0)
    assert (lamp.state, len(lamp.seen)) == ("on", 1)


def test_every_passage_is_one_line_of_the_debug_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "trubka.sip")
    lamp = LampMachine()
    lamp.step(Touch.PRESS, 1.0)
    assert caplog.messages == ["= lamp: off -[press]-> on (kitchen)"]


def test_a_machine_without_a_name_of_its_own_is_told_apart_by_its_place() -> None:
    class Nameless(LampMachine):
        __slots__ = ()
        identity = Machine.identity

    assert Nameless().identity() != LampMachine().identity()
    one, other = Nameless(), Nameless()
    assert one.identity() != other.identity()


def test_nothing_is_logged_or_formatted_above_debug(caplog: pytest.LogCaptureFixture) -> None:
    class Quiet(LampMachine):
        __slots__ = ()

        def identity(self) -> str:
            raise AssertionError("formatted for nobody")

    caplog.set_level(logging.INFO, "trubka.sip")
    Quiet().step(Touch.PRESS, 1.0)
    assert caplog.messages == []
