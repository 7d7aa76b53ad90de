"""`make bench`: the figures of design section 7 that this version can be asked for, as JSON lines.

The gateway runs on core 0 and everything that makes load on core 1, where there are two. Nothing is asserted: a figure that
is not where it should be is a figure to explain.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import uvloop

from tests.bench.calls import Scene
from tests.bench.figures import progress, spread, tell, tell_machine
from tests.bench.office import PASSWORD, Office, line_name
from tests.bench.pbx import LoadPbx
from tests.bench.widgets import Widget

TICKETS_AT_ONCE = 50


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--rates", default="20,100,500", help="calls a second, separated by commas")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each rate is kept")
    parser.add_argument(
        "--profile", default="", metavar="FILE", help="run the gateway under cProfile; figures suffer"
    )
    return parser.parse_args()


async def open_pbx() -> LoadPbx:
    _, pbx = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: LoadPbx(PASSWORD), local_addr=("127.0.0.1", 0)
    )
    return pbx


async def until_registered(pbx: LoadPbx, lines: int, within: float = 120) -> None:
    deadline = time.perf_counter() + within
    while len(pbx.registered_at) < lines:
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{len(pbx.registered_at)} of {lines} lines are registered after {within:g} s")
        await asyncio.sleep(0.005)


async def connect(scene: Scene) -> None:
    """Open every widget's socket, by ticket, and tell how long it took."""
    loop = asyncio.get_running_loop()
    office = scene.office
    host, port = "127.0.0.1", office.http_port
    gate = asyncio.Semaphore(TICKETS_AT_ONCE)
    waits: list[float] = []
    began, cpu = time.perf_counter(), office.cpu()
    async with aiohttp.ClientSession() as client:

        async def one(number: int) -> None:
            async with gate:
                asked = time.perf_counter()
                headers = {"X-Auth-Token": office.token(number), "Origin": "https://bench.amocrm.ru"}
                async with client.post(f"{office.url}/api/session", headers=headers) as answer:
                    answer.raise_for_status()
                    given = await answer.json()
                waits.append(time.perf_counter() - asked)
            _, widget = await loop.create_connection(
                lambda: Widget(line_name(number), given["ticket"], given["url"], scene.rang), host, port
            )
            scene.widgets.append(widget)
            await widget.ready

        await asyncio.gather(*(one(number) for number in range(office.lines)))
    tell(
        "widgets connected by ticket",
        widgets=office.lines,
        seconds=round(time.perf_counter() - began, 3),
        cpu_ms_each=round((office.cpu() - cpu) / office.lines * 1000, 3),
        ticket_ms=spread(waits),
    )


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a gateway, KB: with its lines registered, and with their widgets connected."""

    lines: int
    registered: float
    connected: float

    def tell_slope(self, smaller: "Memory") -> None:
        """What one more line costs: the difference of two offices, so that what a process needs anyway is left out."""
        more = self.lines - smaller.lines
        tell(
            "memory of a line",
            kb_registered=round((self.registered - smaller.registered) / more, 2),
            kb_with_its_socket=round((self.connected - smaller.connected) / more, 2),
            process_mb=round(smaller.registered / 1024, 1),
            lines=[smaller.lines, self.lines],
        )


@asynccontextmanager
async def furnished(
    folder: Path, lines: int, core: int | None, profile: str = ""
) -> AsyncIterator[tuple[Scene, Memory]]:
    """An office whose lines are registered and whose widgets are connected."""
    folder.mkdir()
    pbx = await open_pbx()
    office = Office(folder, lines, pbx.port, core, profile)
    progress(f"making {lines} lines…")
    await office.prepare()
    scene = Scene(office, pbx, [])
    office.start()
    try:
        await asyncio.to_thread(office.until_ready)
        cpu = office.cpu()
        await until_registered(pbx, lines)
        moments = sorted(pbx.registered_at.values())
        tell(
            "lines registered with digest",
            lines=lines,
            seconds=round(moments[-1] - moments[0], 3),
            cpu_ms_each=round((office.cpu() - cpu) / lines * 1000, 3),
        )
        registered = office.memory_kb()
        await connect(scene)
        yield scene, Memory(lines, registered, office.memory_kb())
    finally:
        await asyncio.to_thread(office.stop)


async def bench(given: argparse.Namespace, folder: Path) -> None:
    tell_machine()
    cores = sorted(os.sched_getaffinity(0))
    core = cores[0] if len(cores) > 1 else None
    if core is not None:
        os.sched_setaffinity(0, set(cores[1:]))
    async with furnished(folder / "small", max(1, given.lines // 10), core) as (_, smaller):
        pass
    async with furnished(folder / "large", given.lines, core, given.profile) as (scene, larger):
        larger.tell_slope(smaller)
        for rate in (int(part) for part in given.rates.split(",")):
            await scene.run(rate, given.seconds, answered=False)
            await scene.run(rate, given.seconds, answered=True)
        tell("memory after all calls", mb=round(scene.office.memory_kb() / 1024, 1))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="trubka-bench-") as folder:
        uvloop.run(bench(arguments(), Path(folder)))


if __name__ == "__main__":
    main()
