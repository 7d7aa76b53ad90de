"""Who may speak to us, and how much strangers may."""

from __future__ import annotations

from collections import Counter

import pytest

from sip.transport.sources import Sources, shortest


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_nobody_is_heard_but_those_who_are_known() -> None:
    counters: Counter[str] = Counter()
    sources = Sources({"192.0.2.1"}, Clock(), counters)
    assert "192.0.2.1" in sources.known
    assert not sources.hears("192.0.2.2")
    assert counters == {"foreign_source": 1}


def test_an_address_stays_known_as_long_as_anybody_wants_it() -> None:
    sources = Sources((), Clock(), Counter())
    known = sources.known
    assert sources.allow(["192.0.2.1", "192.0.2.2"], 1)
    assert not sources.allow(["192.0.2.2"], 2)
    assert sources.allow(["192.0.2.3"], 1)
    assert known == {"192.0.2.2", "192.0.2.3"}, "in place: the transports hold it"
    assert not sources.allow(["192.0.2.3"], 1)
    assert sources.allow([], 2)
    assert known == {"192.0.2.3"}


def test_addresses_are_known_in_any_spelling() -> None:
    sources = Sources(["2001:DB8:0:0::1"], Clock(), Counter())
    assert sources.known == {"2001:db8::1"}
    assert shortest("192.0.2.1") == "192.0.2.1"
    assert (
        shortest("::ffff:192.0.2.1") == "::ffff:192.0.2.1"
        or shortest("::ffff:192.0.2.1") == "::ffff:c000:201"
    )
    with pytest.raises(ValueError, match="pbx"):
        sources.allow(["pbx.example"], 1)


def test_where_everybody_may_speak_strangers_do_so_in_measure_all_together() -> None:
    clock, counters = Clock(), Counter[str]()
    sources = Sources(None, clock, counters, rate=10, burst=5)
    assert sum(sources.hears(f"192.0.2.{number}") for number in range(100)) == 5
    assert counters == {"stranger_limited": 95}
    clock.now += 0.35
    assert sum(sources.hears("192.0.2.1") for _ in range(100)) == 3
    clock.now += 3600
    assert sum(sources.hears("192.0.2.1") for _ in range(100)) == 5
