"""A ring is told to the PBX when a page has said that it rings."""

from itertools import product

import pytest

from gateway.lines.ringing import Ring, Ringing, RingInput

PAGE, ACK, NOBODY, TIMER, TAKEN = RingInput


class Recorder:
    """A leg that writes down what it is told to do."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.deadline: float | None = None

    def tell_ringing(self, now: float) -> None:
        self.done.append("180")

    def pass_on(self, now: float) -> None:
        self.done.append("480")

    def set_ring_deadline(self, at: float | None) -> None:
        self.deadline = at


def after(*inputs: RingInput, state: Ring = Ring.UNHEARD) -> tuple[Ring, list[str], float | None]:
    leg = Recorder()
    ring = Ringing(leg, grace_s=2.0, return_s=7.0, state=state)
    ring.begin(0.0)
    for second, one in enumerate(inputs, 1):
        ring.step(one, float(second))
    return ring.state, leg.done, leg.deadline


@pytest.mark.parametrize(
    ("inputs", "state", "done", "deadline"),
    [
        ((), Ring.UNHEARD, [], 2.0),
        ((PAGE,), Ring.UNHEARD, [], 3.0),  # a page that comes within the grace has a grace of its own
        ((PAGE, ACK), Ring.RINGING, ["180"], None),
        ((ACK, ACK, PAGE), Ring.RINGING, ["180"], None),
        ((NOBODY, TIMER), Ring.OVER, ["480"], None),
        ((TAKEN, ACK, TIMER), Ring.OVER, [], None),
        ((ACK, NOBODY), Ring.UNATTENDED, ["180"], 9.0),
        ((ACK, NOBODY, PAGE), Ring.UNATTENDED, ["180"], 10.0),
        ((ACK, NOBODY, PAGE, ACK), Ring.RINGING, ["180"], None),
        ((ACK, NOBODY, TIMER), Ring.OVER, ["180", "480"], None),
        ((ACK, NOBODY, TAKEN), Ring.OVER, ["180"], None),
    ],
)
def test_a_ring(inputs: tuple[RingInput, ...], state: Ring, done: list[str], deadline: float | None) -> None:
    assert after(*inputs) == (state, done, deadline)


def test_a_ring_that_was_found_after_a_restart_waits_for_a_page_to_come_back() -> None:
    assert after(state=Ring.UNATTENDED) == (Ring.UNATTENDED, [], 7.0)


def test_every_state_takes_everything_but_a_clock_that_does_not_run() -> None:
    missing = {one for one in product(Ring, RingInput) if one not in Ringing.table}
    assert missing == {(Ring.RINGING, TIMER)}
