"""How measurements are told: one JSON object each, on standard output, with what, how many, median and spread."""

import json
import platform
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path


def spread(values: Sequence[float], unit: float = 1000.0) -> dict[str, float]:
    """Median, p99, least and most of the values, in milliseconds where the values are seconds."""
    if not values:
        return {}
    ordered = sorted(values)
    return {
        "p50": round(statistics.median(ordered) * unit, 3),
        "p90": round(ordered[int(len(ordered) * 0.90)] * unit, 3),
        "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * unit, 3),
        "least": round(ordered[0] * unit, 3),
        "most": round(ordered[-1] * unit, 3),
    }


def tell(what: str, **figures: object) -> None:
    """Print one measurement."""
    print(json.dumps({"what": what, **figures}, ensure_ascii=False), flush=True)


def tell_machine() -> None:
    """Print what it was measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    tell("machine", cpu=model, python=platform.python_version(), system=platform.release())


def progress(sentence: str) -> None:
    """A word for the person who waits, on standard error."""
    print(sentence, file=sys.stderr, flush=True)
