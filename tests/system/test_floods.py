"""Floods from addresses that are no PBX's: the lines go on working, and memory stays where it is (issue 3, *Bad input*)."""

from __future__ import annotations

import sys

import pytest

from tests.peers.flood import KINDS, Kind, Measured, flood

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="every 127.0.0.x is ours on Linux alone")


READ = {"malformed", "foreign_source", "stranger_limited", "stray_response", "late_200_ended"}


def check(measured: Measured, growth: float) -> None:
    """What must hold in every flood; `growth` in MB."""
    assert measured.calls_answered == measured.calls > 0, measured
    assert measured.refreshes > 0, measured
    assert measured.refreshes_failed == 0, measured
    assert measured.memory_after - measured.memory_before < growth, measured
    limited = measured.counters.get("stranger_limited", 0)
    assert (limited > 0) != measured.filtered, measured
    if measured.filtered:
        assert measured.dropped_in_kernel > 0, measured
        assert READ.isdisjoint(measured.counters), "none of the flood was read"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_short_flood_leaves_the_lines_working_where_everybody_may_speak(kind: Kind) -> None:
    check(await flood(kind, seconds=0.5, rate=20_000, filtered=False), growth=15)


async def test_a_short_flood_does_not_come_as_far_as_us_where_the_pbx_alone_may_speak() -> None:
    check(await flood("invites", seconds=0.5, rate=20_000, filtered=True), growth=10)


@pytest.mark.plays
@pytest.mark.parametrize("filtered", [True, False], ids=["from the PBX alone", "from everybody"])
@pytest.mark.parametrize("kind", KINDS)
async def test_100_000_datagrams_a_second_leave_the_lines_working(
    kind: Kind, filtered: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = await flood(kind, seconds=10, rate=100_000, filtered=filtered)
    with capsys.disabled():
        print(f"\n{measured}")
    check(measured, growth=25)
    assert measured.datagrams_per_second > 10_000, "this machine cannot flood"
