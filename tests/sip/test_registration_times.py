"""What a registrar's answers say of time (RFC 3261 §10.2.4, §20.33)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.message import Response
from sip.registration_times import granted, refresh_pause, retry_pause
from sip.uri import Uri

CONTACT = Uri("sip", "u7f3", None, "192.0.2.1", 5062)


def answer(*contacts: str, expires: str | None = None) -> Response:
    headers = [("Contact", one) for one in contacts] + ([("Expires", expires)] if expires else [])
    return Response.build(200, headers=headers)


@pytest.mark.parametrize(
    ("response", "seconds"),
    [
        (answer("<sip:u7f3@192.0.2.1:5062>;expires=120"), 120),
        (answer("<sip:desk@192.0.2.7>;expires=9", "<sip:u7f3@192.0.2.1>;expires=70"), 70),
        (answer("<sip:desk@192.0.2.7>;expires=9, <sip:u7f3@203.0.113.1:1024>;expires=70"), 70),
        (answer("<sip:u7f3@192.0.2.1>", expires="80"), 80),
        (answer("<sip:u7f3@192.0.2.1>;expires=soon", expires="80"), 80),
        (answer("<sip:desk@192.0.2.7>;expires=9", expires="80"), 80),
        (answer("<sip:xu7f3x@192.0.2.7>;expires=9", expires="80"), 80),
        (answer("<sip:u7f3@192.0.2.1>;expires=0"), 0),
        (answer(), 600),
    ],
)
def test_the_time_is_that_of_our_contact_among_others_else_expires_else_what_was_asked(
    response: Response, seconds: int
) -> None:
    assert granted(response, CONTACT, 600) == seconds


def test_a_contact_of_another_device_that_cannot_be_read_does_not_matter() -> None:
    response = answer("what is this?, <sip:u7f3@192.0.2.1>;expires=70")
    assert granted(response, CONTACT, 600) == 70


@given(st.integers(0, 10**9), st.floats(0, 1, exclude_max=True))
def test_law_a_refresh_comes_before_the_end_and_never_more_than_once_a_second(
    seconds: int, fraction: float
) -> None:
    pause = refresh_pause(seconds, fraction)
    assert pause >= 1
    assert pause <= max(1.0, seconds * 0.85)


@given(
    st.integers(1, 10**6),
    st.sampled_from([None, 403, 408, 503, 600]),
    st.integers(0, 10**9),
    st.floats(0, 1, exclude_max=True),
)
def test_law_a_retry_waits_at_least_a_second_and_as_long_as_it_is_told_to_within_reason(
    failures: int, status: int | None, retry_after: int, fraction: float
) -> None:
    pause = retry_pause(failures, status, retry_after, fraction)
    assert pause >= max(1.0, min(retry_after, 3600))
    assert pause <= 3600


def test_pauses_double_and_what_wants_a_human_is_tried_slowly() -> None:
    assert [retry_pause(failures, 503, 0, 0.5) for failures in (1, 2, 3, 20)] == [2.0, 4.0, 8.0, 60.0]
    assert [retry_pause(failures, 403, 0, 0.5) for failures in (1, 2, 20)] == [60.0, 120.0, 1800.0]
