"""RFC 3261 table 4 and RFC 6026: the values of the timers."""

import pytest

from sip.timers import Timers

DEFAULTS = Timers()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (DEFAULTS.t1, 0.5),
        (DEFAULTS.t2, 4.0),
        (DEFAULTS.t4, 5.0),
        (DEFAULTS.t_a, 0.5),
        (DEFAULTS.t_b, 32.0),
        (DEFAULTS.t_d(reliable=False), 32.0),
        (DEFAULTS.t_d(reliable=True), 0.0),
        (DEFAULTS.t_e, 0.5),
        (DEFAULTS.t_f, 32.0),
        (DEFAULTS.t_g, 0.5),
        (DEFAULTS.t_h, 32.0),
        (DEFAULTS.t_i(reliable=False), 5.0),
        (DEFAULTS.t_i(reliable=True), 0.0),
        (DEFAULTS.t_j(reliable=False), 32.0),
        (DEFAULTS.t_j(reliable=True), 0.0),
        (DEFAULTS.t_k(reliable=False), 5.0),
        (DEFAULTS.t_k(reliable=True), 0.0),
        (DEFAULTS.t_l, 32.0),
        (DEFAULTS.t_m, 32.0),
    ],
)
def test_the_defaults_are_those_of_table_4(value: float, seconds: float) -> None:
    assert value == seconds


def test_the_timers_follow_t1() -> None:
    slow = Timers(t1=1.0)
    assert (slow.t_a, slow.t_b, slow.t_e, slow.t_h, slow.t_l, slow.t_m) == (1.0, 64.0, 1.0, 64.0, 64.0, 64.0)
    assert slow.t_d(reliable=False) == 64.0


def test_timer_d_must_be_at_least_32_seconds_however_fast_the_network() -> None:
    assert Timers(t1=0.01).t_d(reliable=False) == 32.0


@pytest.mark.parametrize("wrong", [{"t1": 0.0}, {"t1": 5.0}, {"t4": 0.0}, {"trying": -0.1}])
def test_values_that_make_no_sense_are_a_mistake_of_ours(wrong: dict[str, float]) -> None:
    with pytest.raises(AssertionError):
        Timers(**wrong)
