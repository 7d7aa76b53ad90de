"""`python -m tests.bench.registrations`: 10,000 lines with digest in one process on one socket, as JSON lines.

How long until all are there, CPU of each, how much memory the SIP state of each takes, and what refreshing them costs. The registrar is
a process of its own (`tests.bench.registrar`) on the other core, where there are two, and granted so short that all refresh at once
would be seen.
"""

import argparse
import asyncio
import gc
import os
import secrets
import socket
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop

from sip.account import Account
from sip.agent import UserAgent
from sip.events import Event, Registered, RegistrationFailed
from sip.flow import Flow
from sip.ids import ByteIds
from sip.message import Request, parse
from sip.pacer import Pace
from sip.transport.port import SipPort, bind
from sip.uri import Uri
from tests.bench.figures import tell, tell_machine
from tests.bench.registrar import PASSWORD

BOUND_SECONDS, BOUND_BYTES = 2.0, 4096
REFRESH = 60  # seconds that the registrar grants in the part that measures refreshes
WATCHED = 15.0  # of which so many are watched


def accounts(lines: int, port: int) -> list[Account]:
    home, proxy = Uri("sip", None, None, "127.0.0.1", port), ("127.0.0.1", port)
    return [
        Account(Uri("sip", f"u{number}", None, "127.0.0.1", port), f"u{number}", PASSWORD, home, proxy)
        for number in range(lines)
    ]


@contextmanager
def registrar(expires: int, core: int | None) -> Iterator[int]:
    """Its port."""
    command = [sys.executable, "-m", "tests.bench.registrar", str(expires)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if core is not None:
        os.sched_setaffinity(process.pid, {core})
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def wrong_digests(port: int) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.sendto(b"COUNT", ("127.0.0.1", port))
        return int(sock.recv(100).split()[1])


class Lines:
    """The agent, its port, and how many registrations were told."""

    def __init__(self, pace: Pace) -> None:
        sockets = bind("127.0.0.1")
        self.agent = UserAgent(
            host="127.0.0.1", port=sockets.address[1], ids=ByteIds(secrets.token_bytes), pace=pace
        )
        self.port = SipPort(self.agent, self._deliver, sockets, allowed=["127.0.0.1"])
        self.registered = self.failed = 0
        self.wanted = 0
        self.all_there = asyncio.Event()

    def _deliver(self, events: list[Event], now: float) -> None:
        for event in events:
            self.registered += isinstance(event, Registered)
            self.failed += isinstance(event, RegistrationFailed)
        if self.registered >= self.wanted:
            self.all_there.set()

    async def register(self, given: list[Account]) -> tuple[float, float]:
        """Register all; seconds and seconds of CPU that it took."""
        self.wanted = len(given)
        began, cpu = time.perf_counter(), time.process_time()
        now = self.port.now()
        for account in given:
            self.agent.register(account, now)
        self.port.flush()
        async with asyncio.timeout(120):
            await self.all_there.wait()
        return time.perf_counter() - began, time.process_time() - cpu


async def start(lines: int, port: int) -> None:
    made = Lines(Pace(rate=1e6))
    async with made.port:
        seconds, cpu = await made.register(accounts(lines, port))
    tell(
        "registrations with digest",
        lines=lines, seconds=round(seconds, 3), bound_seconds=round(BOUND_SECONDS * lines / 10_000, 3),
        cpu_us_each=round(cpu / lines * 1e6, 1), failed=made.failed, wrong_digests=wrong_digests(port),
    )  # fmt: skip


async def refresh(lines: int, port: int) -> None:
    made = Lines(Pace(rate=1e6))
    async with made.port:
        await made.register(accounts(lines, port))
        await asyncio.sleep(REFRESH * 0.7)
        before, cpu, began = made.registered, time.process_time(), time.perf_counter()
        await asyncio.sleep(WATCHED)
        seconds = time.perf_counter() - began
        refreshed = made.registered - before
        cpu = time.process_time() - cpu
    tell(
        "registrations refreshed",
        lines=lines, granted_s=REFRESH, refreshes_per_second=round(refreshed / seconds, 1),
        cpu_s_per_second=round(cpu / seconds, 4), cpu_us_each=round(cpu / max(1, refreshed) * 1e6, 1),
    )  # fmt: skip


def memory(lines: int) -> None:
    """What is kept of each line when it is registered and its transactions are over, accounts left out: without sockets, on given time."""
    given = accounts(lines, 5099)
    agent = UserAgent(host="127.0.0.1", port=5060, ids=ByteIds(secrets.token_bytes), pace=Pace(rate=1e6))
    flow = Flow("udp", ("127.0.0.1", 5099))
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    now = 0.0
    for account in given:
        agent.register(account, now)
    while output := agent.take_output():
        for _, data in output:
            request = parse(data)
            assert isinstance(request, Request)
            if request.get("Authorization") is None:
                challenge = (
                    f'Digest realm="bench", nonce="{secrets.token_hex(16)}", algorithm=MD5, qop="auth"'
                )
                answer = request.reply(401, to_tag="b", headers=[("WWW-Authenticate", challenge)])
            else:
                answer = request.reply(
                    200, to_tag="b", headers=[("Contact", f"{request.get('Contact')};expires=3600")]
                )
            agent.receive(answer.to_bytes(), flow, now)
        agent.take_events()
    peak = tracemalloc.get_traced_memory()[0] - before
    agent.handle_timer(now + 40)
    agent.take_events()
    assert agent.transaction_count == 0
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert agent.registration_count == lines
    tell(
        "memory of a registration",
        lines=lines, bytes_each=round(kept / lines), bound_bytes=BOUND_BYTES,
        bytes_each_with_its_transactions=round(peak / lines),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.registrations", description=__doc__)
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--parts", default="start,refresh,memory", help="separated by commas")
    given = parser.parse_args()
    parts = given.parts.split(",")
    tell_machine()
    cores = sorted(os.sched_getaffinity(0))
    other = cores[1] if len(cores) > 1 else None
    if other is not None:
        os.sched_setaffinity(0, {cores[0]})
    if "start" in parts:
        with registrar(3600, other) as port:
            uvloop.run(start(given.lines, port))
    if "refresh" in parts:
        with registrar(REFRESH, other) as port:
            uvloop.run(refresh(given.lines, port))
    if "memory" in parts:
        memory(min(given.lines, 3000))


if __name__ == "__main__":
    main()
