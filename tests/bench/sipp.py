"""Calls at a given rate between our user agent and SIPp, a peer in C, on loopback: how many are lost, and what a call costs us.

    python -m tests.bench.sipp --rates 100,500 --seconds 60        JSON lines; `make bench` runs it

First SIPp calls (`call.xml`): INVITE, 180, 200, ACK, a moment's talk, BYE. Then it is called (`answer.xml`). Everything of ours is in this
process (`SipPort`, uvloop, a trace as in the gateway), so that its CPU time is the calls'; SIPp has a core of its own where there are two.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import gc
import os
import secrets
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import uvloop

from sip.account import Account
from sip.agent import UserAgent
from sip.events import CallAnswered, CallEnded, CallReceived, EndCause, Event
from sip.ids import ByteIds
from sip.trace import Trace
from sip.transport.port import SipPort, bind
from sip.uri import Uri
from tests.bench.figures import progress, tell, tell_machine
from tests.peers.ports import HOST, free_port
from tests.peers.processes import Process, Workshop, program
from tests.peers.sipp import SCENARIOS

PATIENCE: Final = 45.0  # seconds after the last call has begun; 64*T1 and some more
TALK: Final = 0.1  # seconds
STATISTICS: Final = 1.0  # seconds between two lines of SIPp's
_SDP: Final = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
)


class Outcome(NamedTuple):
    """What became of a run.

    Attributes:
        lost: calls that did not come to their end as the caller and, where SIPp calls, both sides see it. Where SIPp is called its own count
            is told beside: an INVITE that is repeated after its call has ended is another call to it, and fails.
        repeated: messages that SIPp sent again.
    """

    calls: int
    lost: int
    repeated: int
    cpu_us: float


class Ours:
    """Our side: answers every call, and hangs up those that it made as soon as they are answered."""

    def __init__(self) -> None:
        sockets = bind(HOST)
        host, port = sockets.address
        self.agent = UserAgent(host=host, port=port, ids=ByteIds(secrets.token_bytes))
        self.port = SipPort(self.agent, self._deliver, sockets, allowed={HOST}, trace=Trace(500))
        self.counts: Counter[str] = Counter()
        self.done = asyncio.Event()
        self.wanted = 0

    def _deliver(self, events: list[Event], now: float) -> None:
        for event in events:
            match event:
                case CallReceived(call):
                    call.ring(now)
                    call.accept(_SDP, now)
                case CallAnswered(call):
                    call.acknowledge(now)
                    call.bye(now)
                case CallEnded(_, _, _, _, cause):
                    self.counts["well" if cause == EndCause.HUNG_UP else f"badly: {cause}"] += 1
                    if self.counts.total() >= self.wanted:
                        self.done.set()
                case _:
                    pass

    async def dial(self, peer: int, rate: float, count: int) -> None:
        """Make so many calls to SIPp at this rate."""
        uri = Uri("sip", "caller", None, HOST, peer)
        account = Account(uri, "caller", "secret", Uri("sip", None, None, HOST, peer))
        target, began, made = Uri("sip", "callee", None, HOST, peer), time.perf_counter(), 0
        while made < count:
            due = min(count, int((time.perf_counter() - began) * rate) + 1)
            for _ in range(made, due):
                self.agent.invite(account, target, _SDP, self.port.now())
            self.port.flush()
            made = due
            await asyncio.sleep(max(0.0, began + made / rate - time.perf_counter()))

    async def until_done(self) -> None:
        """Wait until every call has ended, or too long."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self.done.wait()
        except TimeoutError:
            progress(f"{self.wanted - self.counts.total()} calls have not ended after {PATIENCE:g} s")


async def run(direction: str, rate: float, seconds: float) -> Outcome:
    """Play calls at a rate; `direction`: "in" (SIPp calls) or "out" (it is called)."""
    count = int(rate * seconds)
    ours = Ours()
    ours.wanted = count
    with Workshop("bench-sipp") as workshop:
        async with ours.port:
            gc.collect()
            began = time.process_time()
            sipp, peer = _sipp(workshop, direction, ours.agent.address, rate, count)
            if direction == "out":
                await asyncio.sleep(0.5)  # SIPp says nothing when it is ready
                began = time.process_time()
                await ours.dial(peer, rate, count)
            else:
                await sipp.until_ended(seconds + PATIENCE)
            await ours.until_done()
            cpu = time.process_time() - began
            if direction == "out":
                await asyncio.sleep(2 * STATISTICS)
        counted = _counted(workshop, direction)
    lost = count - ours.counts["well"]
    if direction == "in":
        lost = max(lost, count - counted["SuccessfulCall(C)"], counted["FailedCall(C)"])
    outcome = Outcome(count, lost, counted["Retransmissions(C)"], round(cpu / count * 1e6, 1))
    tell(
        "SIPp calls us" if direction == "in" else "we call SIPp",
        rate_per_s=rate,
        seconds=seconds,
        **outcome._asdict(),
        core=round(cpu / seconds, 3),
        ended=dict(ours.counts),
        sipp=counted,
        counters=dict(ours.agent.counters),
    )
    return outcome


def _sipp(
    workshop: Workshop, direction: str, address: tuple[str, int], rate: float, count: int
) -> tuple[Process, int]:
    port = free_port()
    scenario = "call" if direction == "in" else "answer"
    argv = [
        *(program("sipp"), f"{address[0]}:{address[1]}", "-sf", str(SCENARIOS / f"{scenario}.xml")),
        *("-i", HOST, "-p", str(port), "-t", "u1", "-l", str(max(1000, int(rate * 40)))),
        *(
            "-s",
            "line",
            "-key",
            "own",
            "sipp",
            "-d",
            str(int(TALK * 1000)),
            "-nostdin",
            "-buff_size",
            "4194304",
        ),
        *("-trace_stat", "-stf", str(workshop.folder / f"{direction}.csv"), "-fd", f"{STATISTICS:g}"),
        *("-trace_err", "-error_file", str(workshop.folder / f"{direction}.errors")),
    ]
    if direction == "in":
        argv += ["-m", str(count), "-r", f"{rate:g}", "-rp", "1000"]
    with _on_another_core():
        return workshop.start(f"sipp {direction}", argv, cwd=workshop.folder, end_signal=signal.SIGKILL), port


@contextmanager
def _on_another_core() -> Iterator[None]:
    """What is started inside does not run on the core that is ours, where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        yield
        return
    os.sched_setaffinity(0, cores[1:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _counted(workshop: Workshop, direction: str) -> dict[str, int]:
    """The last line of SIPp's statistics."""
    with (workshop.folder / f"{direction}.csv").open(newline="") as file:
        last = list(csv.DictReader(file, delimiter=";"))[-1]
    return {name: int(last[name]) for name in ("SuccessfulCall(C)", "FailedCall(C)", "Retransmissions(C)")}


async def _main(rates: list[float], seconds: float) -> None:
    for direction in ("in", "out"):
        for rate in rates:
            progress(f"{rate:g} calls a second, {direction}, {seconds:g} s…")
            await run(direction, rate, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sipp", description=__doc__)
    parser.add_argument("--rates", default="100,500", help="calls a second, separated by commas")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each rate is kept")
    given = parser.parse_args()
    tell_machine()
    uvloop.run(_main([float(one) for one in given.rates.split(",")], given.seconds))


if __name__ == "__main__":
    main()
