"""Entities: values that are compared by value and cannot be changed in place."""

import pytest

from protocol.entities import Party, Phone, Position, State


def test_values_are_equal_by_value() -> None:
    assert Position("e", 1) == Position("e", 1)
    assert Position("e", 1) != Position("f", 1)


def test_a_value_cannot_be_changed_in_place() -> None:
    party = Party("+7", "+7")
    with pytest.raises(AttributeError):
        party.number = "+8"  # type: ignore[misc]


def test_two_empty_states_share_nothing() -> None:
    first, second = State(), State()
    assert first == second
    assert first.calls is not second.calls
    assert first.phone == Phone(tab=None)
