"""The table of a leg."""

from itertools import product

import pytest

from gateway.calls.facts import LegRef
from gateway.calls.legs import LIVE, Leg, LegInput, LegState
from protocol.entities import Device

BROWSER = Device("browser", "t1")


def leg(state: LegState = LegState.DIALING) -> Leg:
    return Leg(LegRef("sip", "a"), state, BROWSER)


def test_every_state_takes_every_fact() -> None:
    for state, event in product(LegState, LegInput):
        leg(state).step(event, 0.0)


@pytest.mark.parametrize("event", LegInput)
def test_an_end_is_an_end(event: LegInput) -> None:
    one = leg(LegState.ENDED)
    one.step(event, 0.0)
    assert one.state is LegState.ENDED


@pytest.mark.parametrize("state", LegState)
def test_every_state_can_end(state: LegState) -> None:
    one = leg(state)
    one.step(LegInput.ENDED, 0.0)
    assert one.state is LegState.ENDED


@pytest.mark.parametrize("state", sorted(LIVE))
def test_every_living_leg_can_be_answered_and_does_not_go_back_to_ringing(state: LegState) -> None:
    one = leg(state)
    one.step(LegInput.ANSWERED, 0.0)
    one.step(LegInput.RANG, 0.0)
    assert one.state is LegState.TALKING


def test_a_replaced_leg_carries_nothing() -> None:
    one = leg(LegState.TALKING)
    one.step(LegInput.REPLACED, 0.0)
    assert one.state not in LIVE


def test_of_layers_in_the_wrong_order_the_later_one_counts() -> None:
    one = leg(LegState.TALKING)
    assert one.set_layer("us", on=False, at=2.0) is False
    assert one.set_layer("us", on=True, at=1.0) is False
    assert one.layers() == set()
    assert one.set_layer("us", on=True, at=3.0) is True
    assert one.set_layer("us", on=True, at=4.0) is False
    assert one.layers() == {"us"}


def test_a_leg_says_who_it_is_in_the_log() -> None:
    assert leg().identity() == "sip:a"
