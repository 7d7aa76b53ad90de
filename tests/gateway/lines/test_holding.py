"""Our hold: one layer, one confirmed state, never sent twice."""

from itertools import product

import pytest

from gateway.lines.holding import Hold, Holding, HoldInput

H, R, CONFIRMED, ACCEPTED, REFUSED = HoldInput


class Recorder:
    """A leg that writes down what it is told to do."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def send_hold(self, now: float) -> None:
        self.done.append("send hold")

    def send_resume(self, now: float) -> None:
        self.done.append("send resume")

    def tell_held(self, now: float) -> None:
        self.done.append("held")

    def tell_resumed(self, now: float) -> None:
        self.done.append("resumed")

    def tell_hold_failed(self, now: float) -> None:
        self.done.append("hold failed")

    def tell_resume_failed(self, now: float) -> None:
        self.done.append("resume failed")


def after(*inputs: HoldInput, state: Hold = Hold.OPEN) -> tuple[Hold, list[str]]:
    leg = Recorder()
    hold = Holding(leg, state)
    for one in inputs:
        hold.step(one, 0.0)
    return hold.state, leg.done


@pytest.mark.parametrize(
    ("inputs", "state", "done"),
    [
        ((H,), Hold.HOLDING, ["send hold"]),
        ((H, H, H), Hold.HOLDING, ["send hold"]),
        ((H, ACCEPTED), Hold.HELD, ["send hold", "held"]),
        ((H, ACCEPTED, H), Hold.HELD, ["send hold", "held"]),
        ((H, REFUSED), Hold.OPEN, ["send hold", "hold failed"]),
        ((H, R, ACCEPTED, ACCEPTED), Hold.OPEN, ["send hold", "held", "send resume", "resumed"]),
        ((H, R, H, ACCEPTED), Hold.HELD, ["send hold", "held"]),
        ((H, R, REFUSED), Hold.OPEN, ["send hold", "resumed"]),
        ((H, ACCEPTED, R, ACCEPTED), Hold.OPEN, ["send hold", "held", "send resume", "resumed"]),
        ((H, ACCEPTED, R, REFUSED), Hold.HELD, ["send hold", "held", "send resume", "resume failed"]),
        (
            (H, ACCEPTED, R, H, ACCEPTED, ACCEPTED),
            Hold.HELD,
            ["send hold", "held", "send resume", "resumed", "send hold", "held"],
        ),
        ((H, ACCEPTED, R, H, REFUSED), Hold.HELD, ["send hold", "held", "send resume", "held"]),
        ((R, ACCEPTED, REFUSED), Hold.OPEN, []),
    ],
)
def test_what_is_wanted_becomes_true_one_offer_at_a_time(
    inputs: tuple[HoldInput, ...], state: Hold, done: list[str]
) -> None:
    assert after(*inputs) == (state, done)


@pytest.mark.parametrize(
    ("inputs", "state", "done"),
    [
        ((CONFIRMED,), Hold.OPEN, []),
        ((H,), Hold.EARLY_WANTED, []),
        ((H, H, R, CONFIRMED), Hold.OPEN, []),
        ((H, CONFIRMED), Hold.HOLDING, ["send hold"]),
    ],
)
def test_nothing_is_sent_before_the_dialog_is_confirmed(
    inputs: tuple[HoldInput, ...], state: Hold, done: list[str]
) -> None:
    assert after(*inputs, state=Hold.EARLY) == (state, done)


def test_the_table_is_whole_but_for_answers_to_what_was_not_asked() -> None:
    early = (Hold.EARLY, Hold.EARLY_WANTED)
    missing = {(state, one) for state, one in product(Hold, HoldInput) if (state, one) not in Holding.table}
    assert missing == {(state, one) for state in early for one in (ACCEPTED, REFUSED)} | {
        (state, CONFIRMED) for state in Hold if state not in early
    }


@pytest.mark.parametrize("state", Hold)
def test_what_a_restart_has_to_know(state: Hold) -> None:
    hold = Holding(Recorder(), state)
    assert hold.held == (state in (Hold.HOLDING, Hold.HOLDING_BACK, Hold.HELD))
    assert hold.under_way == (state not in (Hold.EARLY, Hold.EARLY_WANTED, Hold.OPEN, Hold.HELD))
