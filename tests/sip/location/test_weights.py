"""The lottery of RFC 2782."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from sip.ids import SeededIds
from sip.location.weights import draw


def given_lots(*fractions: float) -> Iterator[float]:
    return iter(fractions)


def test_the_first_is_the_one_in_whose_share_the_lot_falls() -> None:
    servers = [(10, "a"), (20, "b"), (70, "c")]
    # The lot is one of 0…100: 10 and below are a's, up to 30 b's, the rest c's.
    for fraction, first in [
        (0.0, "a"),
        (10 / 101, "a"),
        (11.5 / 101, "b"),
        (30.5 / 101, "b"),
        (31.5 / 101, "c"),
    ]:
        lots = given_lots(fraction, 0.0)
        assert draw(servers, lots.__next__)[0] == first, fraction


def test_weight_0_has_a_very_small_chance_beside_others_and_is_placed_first() -> None:
    servers = [(100, "heavy"), (0, "light")]
    assert draw(servers, lambda: 0.0) == ["light", "heavy"]
    assert draw(servers, lambda: 0.02) == ["heavy", "light"]


def test_without_weights_the_order_is_that_of_the_answer() -> None:
    assert draw([(0, "a"), (0, "b"), (0, "c")], lambda: 0.99) == ["a", "b", "c"]


def test_over_many_draws_the_first_places_follow_the_weights() -> None:
    ids = SeededIds(7)
    first = Counter(draw([(60, "a"), (30, "b"), (10, "c")], ids.fraction)[0] for _ in range(6000))
    assert 3400 < first["a"] < 3800
    assert 1650 < first["b"] < 1950
    assert 500 < first["c"] < 750


@given(st.lists(st.integers(0, 65535), max_size=12), st.data())
def test_every_server_is_drawn_exactly_once(weights: list[int], data: st.DataObject) -> None:
    fractions = st.floats(0, 1, exclude_max=True)
    order = draw(list(zip(weights, range(len(weights)), strict=True)), lambda: data.draw(fractions))
    assert sorted(order) == list(range(len(weights)))
