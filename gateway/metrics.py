"""`/metrics`: what the cores count, as Prometheus reads it.

What it does not know: what is counted. Cores keep plain `Counter`s, which cost nothing on the call path; they are read here,
when somebody asks.

Invariants: every refused thing has a name, as a label value that the source code spells out, so their number is bounded; no
label carries a number, a name or a tab.
"""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Counts = Mapping[str, int]
Read = Callable[[], Counts]


class Counted(Collector):
    """Shows counters and gauges that live elsewhere.

    Counters become `trubka_<subject>_total{what="<name>"}`; a name that was not counted yet is not shown, and those that are
    given as `names` are shown from the beginning, so that an alert can be written on them.
    """

    def __init__(self) -> None:
        self._counters: dict[str, tuple[str, Read, tuple[str, ...]]] = {}
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}

    def counters(self, subject: str, sentence: str, read: Read, names: tuple[str, ...] = ()) -> None:
        """Show a `Counter`.

        Args:
            subject: whose they are, as in `trubka_<subject>_total`.
            sentence: what they count, for people.
            read: gives the counts of now.
            names: shown as 0 when they were not counted yet.

        Raises:
            ValueError: the subject is taken.
        """
        if subject in self._counters:
            raise ValueError(f"two counters are named {subject}")
        self._counters[subject] = (sentence, read, names)

    def gauge(self, name: str, sentence: str, read: Callable[[], float]) -> None:
        """Show a number of now, as `trubka_<name>`.

        Raises:
            ValueError: the name is taken.
        """
        if name in self._gauges:
            raise ValueError(f"two gauges are named {name}")
        self._gauges[name] = (sentence, read)

    def collect(self) -> Iterator[Metric]:
        """Called by the registry when somebody asks."""
        for subject, (sentence, read, names) in self._counters.items():
            family = CounterMetricFamily(f"trubka_{subject}", sentence, labels=["what"])
            for what, count in sorted((dict.fromkeys(names, 0) | dict(read())).items()):
                family.add_metric([what], count)
            yield family
        for name, (sentence, measure) in self._gauges.items():
            yield GaugeMetricFamily(f"trubka_{name}", sentence, value=measure())


def exposition(registry: CollectorRegistry) -> tuple[bytes, str]:
    """The text of `/metrics` and its content type."""
    return generate_latest(registry), CONTENT_TYPE_LATEST
