"""Snapshot and difference: two pure functions that hold the gateway and the page together.

Law (tested, and shared with the widget by `tests/protocol/golden/deltas.json`): for all states a, b

    apply(a, diff(a, b, n)) == b        and        diff(a, a, n) is None

Invariants: neither function changes what it is given. Whole entities travel, never parts of them: a page needs no merging.
"""

from collections.abc import Mapping
from typing import TypeVar

from protocol.entities import Call, Line, State
from protocol.messages import Delta

Entity = TypeVar("Entity", Call, Line)


def diff(old: State, new: State, seq: int) -> Delta | None:
    """What leads from one state to another.

    Args:
        old: the state before.
        new: the state after.
        seq: the number the delta is to bear.

    Returns:
        The delta, or None when nothing changed.
    """
    calls, calls_gone = _difference(old.calls, new.calls)
    lines, lines_gone = _difference(old.lines, new.lines)
    phone = None if old.phone == new.phone else new.phone
    if not (calls or calls_gone or lines or lines_gone or phone):
        return None
    return Delta(seq, calls, calls_gone, lines, lines_gone, phone)


def apply(state: State, delta: Delta) -> State:
    """The state after a delta.

    A delta names an entity as changed or as gone, never both; what is gone already may be named gone again.
    """
    return State(
        calls=_changed(state.calls, delta.calls, delta.calls_gone),
        lines=_changed(state.lines, delta.lines, delta.lines_gone),
        phone=state.phone if delta.phone is None else delta.phone,
    )


def _difference(
    old: Mapping[str, Entity], new: Mapping[str, Entity]
) -> tuple[dict[str, Entity], tuple[str, ...]]:
    """Entities of `new` that are not the same in `old`, and the ids that only `old` has."""
    if old is new:
        return {}, ()
    # The same object is the common case (one call of ten changed), and spares the comparison by value.
    changed = {
        id: entity for id, entity in new.items() if (before := old.get(id)) is not entity and before != entity
    }
    gone = tuple(id for id in old if id not in new)
    return changed, gone


def _changed(
    old: Mapping[str, Entity], changed: Mapping[str, Entity], gone: tuple[str, ...]
) -> dict[str, Entity]:
    """The entities after a change."""
    result = {**old, **changed}
    for id in gone:
        result.pop(id, None)
    return result
