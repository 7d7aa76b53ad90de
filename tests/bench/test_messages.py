"""The comparison of messages compares the same: both libraries see the same headers and write the same bytes."""

import json

import pytest

from sip.message import parse
from tests.bench import turns
from tests.bench.messages import (
    KINDS,
    LINES,
    Kind,
    build_ours,
    build_theirs,
    compare_kind,
    message,
    touch_ours,
    touch_theirs,
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_both_read_the_same_headers_and_write_the_same_message(kind: Kind) -> None:
    for number in (0, 1, 17, 99_999):
        data = message(kind, number)
        touched = touch_ours(data)
        assert touched == touch_theirs(data)
        assert None not in touched[:6]
        one = parse(data)
        assert build_ours(one)() == data
        assert len(build_theirs(one)()) == len(data)


def test_the_invite_is_of_a_usual_size_and_each_one_is_another() -> None:
    assert 850 <= len(message(KINDS[0], 7)) <= 950
    for kind in KINDS:
        assert len({message(kind, number) for number in range(100)}) == 100
        assert message(kind, 7) != message(kind, 7 + LINES), "a line's next message is another one"


def test_the_figures_are_told_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    compare_kind(KINDS[0], 3, 1)
    turns.measure(3, 1)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["what"].split(":")[0] for one in told] == [
        "read INVITE with SDP",
        "write INVITE with SDP",
        "registration in the user agent",
        "incoming call in the user agent",
    ]
    assert told[0]["ratio"] > 0
    assert set(told[3]["steps_us"]) == {
        "INVITE comes", "180 leaves", "200 leaves", "ACK comes", "BYE comes, 200 leaves", "timers",
    }  # fmt: skip
    assert all(one["profile"] for one in told[2:])
