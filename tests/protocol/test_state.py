"""Snapshot and difference: the golden cases, and the law over any two states."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codec import decode_gateway, decode_state, encode
from protocol.entities import Call, Device, Hold, Line, Party, Phone, State
from protocol.messages import Delta
from protocol.state import apply, diff
from tests.protocol.golden_files import compact, golden

GOLDEN = golden("deltas")


def read(case: dict[str, object]) -> tuple[State, Delta, State]:
    delta = decode_gateway(compact(case["delta"]))
    assert isinstance(delta, Delta)
    return decode_state(compact(case["state"])), delta, decode_state(compact(case["result"]))


@pytest.mark.parametrize("case", GOLDEN["differences"], ids=lambda case: case["name"])
def test_golden_difference_both_ways(case: dict[str, object]) -> None:
    before, delta, after = read(case)
    assert apply(before, delta) == after
    assert diff(before, after, delta.seq) == delta


@pytest.mark.parametrize("case", GOLDEN["tolerated"], ids=lambda case: case["name"])
def test_golden_delta_that_must_be_borne(case: dict[str, object]) -> None:
    before, delta, after = read(case)
    assert apply(before, delta) == after


def call(id: str, rev: int) -> Call:
    return Call(
        id, rev, "101", "in", Party("1", "1"), Device("none"), "none", "incoming",
        Hold(False, False, False, False), False, (), True, 1.0, 1.0, {"answer": None},
    )  # fmt: skip


IDS = st.sampled_from(["a", "b", "c", "d"])
CALLS = st.dictionaries(IDS, st.integers(1, 3)).map(
    lambda revs: {id: call(id, rev) for id, rev in revs.items()}
)
LINES = st.dictionaries(IDS, st.sampled_from(["registered", "failed"])).map(
    lambda states: {id: Line(id, id, True, state) for id, state in states.items()}  # type: ignore[arg-type]
)
STATES = st.builds(State, CALLS, LINES, st.builds(Phone, st.none() | IDS))


@given(STATES, STATES, st.integers(1, 9))
def test_applying_the_difference_gives_the_new_state(old: State, new: State, seq: int) -> None:
    delta = diff(old, new, seq)
    if delta is None:
        assert old == new
    else:
        assert delta.seq == seq
        assert apply(old, delta) == new


@given(STATES)
def test_no_difference_from_itself_not_even_from_an_equal_copy(state: State) -> None:
    assert diff(state, state, 1) is None
    assert diff(state, decode_state(encode(state)), 1) is None


@given(STATES, STATES)
def test_neither_function_changes_what_it_is_given(old: State, new: State) -> None:
    before, after = encode(old), encode(new)
    delta = diff(old, new, 1)
    if delta is not None:
        apply(old, delta)
    assert (encode(old), encode(new)) == (before, after)


def test_the_same_entity_object_is_not_compared_by_value() -> None:
    class Uncomparable(Call, frozen=True):
        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared by value")

        __hash__ = None  # type: ignore[assignment]

    one = msgspec.convert(msgspec.to_builtins(call("a", 1)), Uncomparable)
    assert diff(State({"a": one}), State({"a": one}), 1) is None
