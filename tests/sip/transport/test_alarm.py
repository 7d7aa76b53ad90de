"""sip/transport/alarm.py: the timer moves when something comes sooner, and many deadlines share a tick."""

import asyncio

import pytest

from sip.transport.alarm import TICK, Alarm


class Bell:
    """Counts what rang, on a clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0
        self.rang: list[float] = []
        self.heard = asyncio.Event()
        self.alarm = Alarm(lambda: self.now, self.ring)

    def ring(self) -> None:
        self.rang.append(self.now)
        self.heard.set()


@pytest.fixture
async def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How far ahead the loop was asked to call; every call comes at once, so that no test waits."""
    loop = asyncio.get_running_loop()
    asked: list[float] = []
    call_later = loop.call_later

    def at_once(delay: float, *arguments: object) -> asyncio.TimerHandle:
        asked.append(delay)
        return call_later(0, *arguments)  # type: ignore[arg-type] # passed on as it came

    monkeypatch.setattr(loop, "call_later", at_once)
    return asked


async def test_it_rings_at_the_end_of_the_deadline_s_tick(delays: list[float]) -> None:
    bell = Bell()
    bell.alarm.follow(100.5 + TICK / 4)
    await bell.heard.wait()
    assert delays == [pytest.approx(0.5 + TICK)]


async def test_a_deadline_that_has_passed_rings_now(delays: list[float]) -> None:
    bell = Bell()
    bell.alarm.follow(50.0)
    await bell.heard.wait()
    assert delays == [0.0]


async def test_only_what_comes_sooner_moves_the_timer(delays: list[float]) -> None:
    bell = Bell()
    for deadline in (102.0, 103.0, 102.0 - TICK / 2, 101.0, None, 101.5):
        bell.alarm.follow(deadline)
    await bell.heard.wait()
    assert delays == [pytest.approx(2.0), pytest.approx(1.0)]
    assert len(bell.rang) == 1


async def test_a_cancelled_alarm_is_silent_and_can_be_set_again(delays: list[float]) -> None:
    bell, sentinel = Bell(), Bell()
    bell.alarm.follow(101.0)
    bell.alarm.cancel()
    bell.alarm.cancel()
    sentinel.alarm.follow(101.0)
    await sentinel.heard.wait()
    assert bell.rang == []
    bell.alarm.follow(101.0)
    await bell.heard.wait()
    assert len(bell.rang) == 1


async def test_after_it_rang_it_follows_the_next_deadline(delays: list[float]) -> None:
    bell = Bell()
    bell.alarm.follow(101.0)
    await bell.heard.wait()
    bell.heard.clear()
    bell.alarm.follow(110.0)
    await bell.heard.wait()
    assert delays == [pytest.approx(1.0), pytest.approx(10.0)]
