"""Codes: the range of a close code is the policy."""

import pytest

from protocol.codes import CloseCode, Code, advice


@pytest.mark.parametrize("code", list(CloseCode))
def test_the_range_of_a_close_code_says_what_to_do(code: CloseCode) -> None:
    expected = {40: "retry", 41: "authenticate", 42: "stop"}[int(code) // 100]
    assert code.advice == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (1000, "retry"),
        (1001, "retry"),
        (1006, "retry"),
        (1012, "retry"),
        (3999, "retry"),
        (4000, "retry"),
        (4099, "retry"),
        (4100, "authenticate"),
        (4199, "authenticate"),
        (4200, "stop"),
        (4299, "stop"),
        (4300, "retry"),
    ],
)
def test_a_code_of_tomorrow_is_understood_by_its_range(code: int, expected: str) -> None:
    assert advice(code) == expected


def test_what_may_succeed_later_is_temporary() -> None:
    assert Code.RATE_LIMITED.temporary
    assert Code.LINE_NOT_READY.temporary
    assert not Code.NO_SUCH_CALL.temporary
    assert not Code.MALFORMED.temporary
