"""Metrics: counters that live elsewhere, read when somebody asks."""

from collections import Counter

import pytest
from prometheus_client import CollectorRegistry

from gateway.metrics import Counted, exposition


def text_of(counted: Counted) -> str:
    registry = CollectorRegistry()
    registry.register(counted)
    return exposition(registry)[0].decode()


def test_a_counter_is_read_at_the_moment_of_asking() -> None:
    counts: Counter[str] = Counter()
    counted = Counted()
    counted.counters("sip", "SIP that was refused", lambda: counts)
    counts["malformed"] += 2
    text = text_of(counted)
    assert "# HELP trubka_sip_total SIP that was refused\n" in text
    assert "# TYPE trubka_sip_total counter\n" in text
    assert 'trubka_sip_total{what="malformed"} 2.0\n' in text
    counts["malformed"] += 1
    assert 'trubka_sip_total{what="malformed"} 3.0\n' in text_of(counted)


def test_names_that_an_alert_is_written_on_are_there_from_the_beginning() -> None:
    counted = Counted()
    counted.counters("sip", "SIP that was refused", dict, ("malformed",))
    assert 'trubka_sip_total{what="malformed"} 0.0\n' in text_of(counted)


def test_a_gauge_is_read_at_the_moment_of_asking() -> None:
    sockets: list[int] = []
    counted = Counted()
    counted.gauge("sockets", "open sockets", lambda: len(sockets))
    assert "trubka_sockets 0.0\n" in text_of(counted)
    sockets.append(1)
    assert "trubka_sockets 1.0\n" in text_of(counted)


def test_a_name_can_be_taken_once() -> None:
    counted = Counted()
    counted.counters("sip", "", dict)
    counted.gauge("sockets", "", float)
    with pytest.raises(ValueError, match="sip"):
        counted.counters("sip", "", dict)
    with pytest.raises(ValueError, match="sockets"):
        counted.gauge("sockets", "", float)


def test_the_content_type_is_that_of_prometheus() -> None:
    assert exposition(CollectorRegistry())[1].startswith("text/plain")
