"""The ordered list of deadlines."""

import gc
import weakref

from hypothesis import given
from hypothesis import strategies as st

from sip.deadlines import Deadlines


def _deadlines() -> Deadlines[str, str]:
    return Deadlines()


def test_an_empty_list_has_no_deadline() -> None:
    deadlines = _deadlines()
    assert deadlines.next_deadline() is None
    assert list(deadlines.due(1e9)) == []
    assert len(deadlines) == 0


def test_deadlines_come_due_in_the_order_of_their_moments_and_not_before() -> None:
    deadlines = _deadlines()
    deadlines.set("call", "late", 3.0)
    deadlines.set("line", "early", 1.0)
    deadlines.set("call", "middle", 2.0)
    assert deadlines.next_deadline() == 1.0
    assert list(deadlines.due(0.999)) == []
    assert list(deadlines.due(2.0)) == [("line", "early"), ("call", "middle")]
    assert deadlines.next_deadline() == 3.0
    assert list(deadlines.due(9.0)) == [("call", "late")]
    assert deadlines.next_deadline() is None


def test_equal_moments_come_due_in_the_order_of_setting() -> None:
    deadlines = _deadlines()
    for name in "cab":
        deadlines.set("x", name, 1.0)
    assert [name for _, name in deadlines.due(1.0)] == ["c", "a", "b"]


def test_setting_again_moves_the_deadline() -> None:
    deadlines = _deadlines()
    deadlines.set("x", "a", 1.0)
    deadlines.set("x", "a", 5.0)
    assert len(deadlines) == 1
    assert list(deadlines.due(4.0)) == []
    assert list(deadlines.due(5.0)) == [("x", "a")]
    assert list(deadlines.due(9.0)) == []


def test_an_owners_deadlines_are_cancelled_as_a_group() -> None:
    deadlines = _deadlines()
    deadlines.set("x", "a", 1.0)
    deadlines.set("x", "b", 2.0)
    deadlines.set("y", "a", 3.0)
    deadlines.cancel("x")
    deadlines.cancel("nobody")
    assert deadlines.next_deadline() == 3.0
    assert not deadlines.is_set("x")
    assert list(deadlines.due(9.0)) == [("y", "a")]


def test_one_deadline_is_cancelled_by_its_name() -> None:
    deadlines = _deadlines()
    deadlines.set("x", "a", 1.0)
    deadlines.set("x", "b", 2.0)
    deadlines.cancel("x", "a")
    deadlines.cancel("x", "unset")
    deadlines.cancel("y", "a")
    assert (deadlines.is_set("x", "a"), deadlines.is_set("x", "b"), deadlines.is_set("x")) == (
        False,
        True,
        True,
    )
    deadlines.cancel("x", "b")
    assert not deadlines.is_set("x")
    assert deadlines.next_deadline() is None


def test_what_is_cancelled_while_others_are_handled_is_not_due() -> None:
    deadlines = _deadlines()
    for owner in "xyz":
        deadlines.set(owner, "a", 1.0)
    given_out = []
    for owner, _ in deadlines.due(2.0):
        given_out.append(owner)
        deadlines.cancel("y")
    assert given_out == ["x", "z"]


def test_what_is_moved_while_others_are_handled_is_due_at_its_new_moment() -> None:
    deadlines = _deadlines()
    deadlines.set("x", "a", 1.0)
    deadlines.set("y", "a", 1.0)
    for _ in deadlines.due(1.0):
        if deadlines.is_set("y"):
            deadlines.set("y", "a", 1.5)
    assert list(deadlines.due(1.4)) == []
    assert list(deadlines.due(1.5)) == [("y", "a")]


def test_what_is_set_while_others_are_handled_waits_for_the_next_time() -> None:
    deadlines = _deadlines()
    deadlines.set("x", "a", 1.0)
    rounds = 0
    for owner, name in deadlines.due(5.0):
        rounds += 1
        deadlines.set(owner, name, 1.0)
    assert rounds == 1
    assert deadlines.next_deadline() == 1.0


def test_what_was_not_reached_stays_pending() -> None:
    deadlines = _deadlines()
    for name in "abc":
        deadlines.set("x", name, 1.0)
    iteration = deadlines.due(1.0)
    assert next(iteration) == ("x", "a")
    iteration.close()  # type: ignore[attr-defined]
    assert list(deadlines.due(1.0)) == [("x", "b"), ("x", "c")]


def test_memory_is_bounded_when_many_are_set_and_cancelled() -> None:
    deadlines: Deadlines[object, str] = Deadlines()
    for _ in range(100):
        deadlines.set(object(), "kept", 1e6)
    for moment in range(10_000):
        owner = object()
        deadlines.set(owner, "a", moment)
        deadlines.set(owner, "b", moment + 32.0)
        deadlines.cancel(owner)
    assert len(deadlines) == 100
    assert deadlines.size <= 2 * 100 + 64 + 4


def test_owners_are_let_go_in_the_end() -> None:
    class Owner:
        pass

    deadlines: Deadlines[Owner, str] = Deadlines()
    owner = Owner()
    trace = weakref.ref(owner)
    deadlines.set(owner, "a", 1.0)
    deadlines.cancel(owner)
    del owner
    assert deadlines.next_deadline() is None
    gc.collect()
    assert trace() is None


_ACTS = st.lists(
    st.tuples(
        st.sampled_from(["set", "cancel", "cancel all", "advance"]),
        st.sampled_from("xyz"),
        st.sampled_from("ab"),
        st.integers(0, 20),
    ),
    max_size=300,
)


@given(_ACTS)
def test_any_history_gives_what_a_plain_dictionary_would(acts: list[tuple[str, str, str, int]]) -> None:
    deadlines, plain, now = _deadlines(), dict[tuple[str, str], int](), 0
    for act, owner, name, amount in acts:
        if act == "set":
            deadlines.set(owner, name, now + amount)
            plain.pop((owner, name), None)
            plain[owner, name] = now + amount
        elif act == "cancel":
            deadlines.cancel(owner, name)
            plain.pop((owner, name), None)
        elif act == "cancel all":
            deadlines.cancel(owner)
            plain = {key: at for key, at in plain.items() if key[0] != owner}
        else:
            now += amount
            due = sorted((key for key, at in plain.items() if at <= now), key=plain.__getitem__)
            assert list(deadlines.due(now)) == due
            plain = {key: at for key, at in plain.items() if at > now}
        assert deadlines.next_deadline() == min(plain.values(), default=None)
        assert len(deadlines) == len(plain)
