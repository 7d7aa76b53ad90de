"""The token bucket."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.realtime.limits import Bucket, Limits
from protocol.codec import MAX_FRAME


def test_a_burst_and_then_the_rate() -> None:
    bucket = Bucket(2.0, 3, 0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(0.5)
    assert not bucket.take(0.5)


def test_it_never_holds_more_than_the_burst() -> None:
    bucket = Bucket(1.0, 2, 0.0)
    assert [bucket.take(1000.0) for _ in range(3)] == [True, True, False]


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = Bucket(1.0, 1, 100.0)
    assert bucket.take(100.0)
    assert not bucket.take(50.0)
    assert bucket.take(51.0)


@given(st.lists(st.floats(0.0, 5.0), max_size=60))
def test_no_more_is_taken_than_burst_and_rate_allow(steps: list[float]) -> None:
    bucket, now, taken = Bucket(3.0, 4, 0.0), 0.0, 0
    for step in steps:
        now += step
        taken += bucket.take(now)
    assert taken <= 4 + 3.0 * now + 1e-6


def test_the_socket_takes_what_the_codec_takes() -> None:
    assert Limits().frame == MAX_FRAME
