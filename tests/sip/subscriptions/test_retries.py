"""What is asked for again, and when (RFC 6665 §4.1.2.2, §4.1.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.subscriptions.retries import (
    ENDING,
    Again,
    after_reason,
    after_status,
    allowed_retry_after,
    is_passing,
    pause,
)


@pytest.mark.parametrize(
    ("reason", "again", "waits"),
    [
        ("deactivated", Again.AT_ONCE, 0),
        ("timeout", Again.AT_ONCE, 0),
        ("probation", Again.LATER, 7),
        ("giveup", Again.LATER, 7),
        ("rejected", Again.NEVER, 0),
        ("noresource", Again.NEVER, 0),
        ("invariant", Again.NEVER, 0),
        (None, Again.LATER, 7),
        ("", Again.LATER, 7),
        ("news", Again.LATER, 7),
    ],
)
def test_the_reason_says_whether_and_whether_a_retry_after_counts(
    reason: str | None, again: Again, waits: int
) -> None:
    assert after_reason(reason) is again
    assert allowed_retry_after(reason, 7) == waits
    assert allowed_retry_after(reason, None) == 0


def test_the_answers_that_end_a_subscription_are_those_of_4_1_2_2() -> None:
    ending = {404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604}
    assert ending == ENDING


def test_what_has_no_hope_is_never_asked_again() -> None:
    never = {status for status in range(300, 700) if after_status(status) is Again.NEVER}
    assert never == {405, 416, 489, 501, 603, 604}
    assert after_status(481) is Again.AT_ONCE


@given(st.integers(0, 10**6), st.floats(0, 1, exclude_max=True), st.booleans(), st.integers(0, 10**10))
def test_a_pause_has_a_bound_and_obeys_retry_after(
    failures: int, fraction: float, passing: bool, asked: int
) -> None:
    seconds = pause(failures, fraction, passing=passing, at_least=asked)
    assert 1.0 <= seconds <= 3600
    assert seconds >= min(asked, 3600)


@pytest.mark.parametrize(("passing", "first", "longest"), [(True, 2.0, 60.0), (False, 60.0, 1800.0)])
def test_a_pause_doubles_with_each_failure(passing: bool, first: float, longest: float) -> None:
    pauses = [pause(failures, 0.5, passing=passing) for failures in range(1, 30)]
    assert pauses[:3] == [first, 2 * first, 4 * first]
    assert pauses[-1] == longest
    assert pauses == sorted(pauses)


def test_what_a_busy_server_says_may_pass_and_a_refused_password_does_not() -> None:
    assert is_passing(503)
    assert is_passing(408)
    assert not is_passing(403)
    assert not is_passing(404)
