"""Reason phrases."""

from __future__ import annotations

import pytest

from sip.phrases import PHRASES, phrase


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (100, "Trying"),
        (200, "OK"),
        (487, "Request Terminated"),
        (603, "Decline"),
        (505, "Version Not Supported"),
    ],
)
def test_a_registered_status_has_its_phrase(status: int, text: str) -> None:
    assert phrase(status) == text


@pytest.mark.parametrize(
    ("status", "text"),
    [(199 - 1, "Progress"), (299, "OK"), (499, "Request Failure"), (699, "Global Failure")],
)
def test_an_unregistered_status_is_named_after_its_class(status: int, text: str) -> None:
    assert status not in PHRASES
    assert phrase(status) == text


def test_every_phrase_may_stand_in_a_status_line() -> None:
    assert all(100 <= status <= 699 and text.isprintable() and text for status, text in PHRASES.items())
