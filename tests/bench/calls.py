"""Calls at a given rate: the moment from the INVITE's datagram to the frame on the widget's socket, and the CPU of a cycle."""

import asyncio
import time
from dataclasses import dataclass, field

from tests.bench.figures import progress, spread, tell
from tests.bench.office import Office
from tests.bench.pbx import LoadCall, LoadPbx
from tests.bench.widgets import Widget

SETTLE = (
    1.5  # seconds without load, before and after, to know what idling costs and to let the last calls end
)


@dataclass(slots=True)
class Scene:
    """The running office, its PBX and its widgets."""

    office: Office
    pbx: LoadPbx
    widgets: list[Widget]
    ring_latencies: list[float] = field(default_factory=list)
    _waiting: dict[str, LoadCall] = field(default_factory=dict)

    def rang(self, widget: Widget, _call: str, at: float) -> None:
        """A widget was told of a call: of the oldest of its line that has not rung yet."""
        call = self._waiting.pop(widget.line, None)
        if call is not None:
            self.ring_latencies.append(at - call.began_at)

    async def run(self, rate: int, seconds: float, *, answered: bool) -> None:
        """Play that load and tell its figures."""
        progress(f"{rate} calls a second, {'answered' if answered else 'unanswered'}, {seconds:g} s…")
        Widget.answering = answered
        self.ring_latencies.clear()
        self._waiting.clear()
        idle_from, idle_cpu = time.perf_counter(), self.office.cpu()
        await asyncio.sleep(SETTLE)
        idle = (self.office.cpu() - idle_cpu) / (time.perf_counter() - idle_from)

        before = self.pbx.counters.copy()
        began, cpu = time.perf_counter(), self.office.cpu()
        count, sent = int(rate * seconds), 0
        while sent < count:
            due = min(count, int((time.perf_counter() - began) * rate) + 1)
            for number in range(sent, due):
                widget = self.widgets[number % len(self.widgets)]
                self.pbx.call(widget.line, answered)
                self._waiting[widget.line] = next(reversed(self.pbx.calls.values()))
            sent = due
            await asyncio.sleep(max(0.0, began + sent / rate - time.perf_counter()))
        finished = time.perf_counter()
        deadline = finished + 15
        while self.pbx.calls and time.perf_counter() < deadline:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)
        spent = self.office.cpu() - cpu - idle * (time.perf_counter() - began)
        delta = self.pbx.counters - before
        tell(
            "answered call cycle" if answered else "unanswered call cycle",
            rate_per_s=rate,
            calls=count,
            ended={key: delta[key] for key in ("talked", "cancelled") if delta[key]},
            other={key: value for key, value in delta.items() if key.startswith(("refused", "stray"))},
            unfinished=len(self.pbx.calls),
            rings=len(self.ring_latencies),
            ring_ms=spread(self.ring_latencies),
            cpu_ms_per_call=round(spent / count * 1000, 3),
            core=round(spent / (finished - began), 3),
            idle_core=round(idle, 4),
        )
        self.pbx.calls.clear()
