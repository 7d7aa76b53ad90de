"""A flood of datagrams from addresses that are nobody's PBX, and the user agent that stands in it: three programs and what they measured.

    measured = await flood("invites", seconds=10, rate=100_000, filtered=False)

The victim is a process of its own, on uvloop as the gateway: lines that refresh their registrations again and again, and refuse the
calls of their PBX. The PBX is here. The flood comes from a third process, from 127.0.0.2 to 127.0.0.9.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import Any, Final, Literal

from sip.account import Account
from sip.agent import UserAgent
from sip.events import CallEnded, CallReceived, Event, Registered, RegistrationFailed, RequestReceived
from sip.ids import SeededIds
from sip.transport.port import SipPort, bind
from sip.uri import Uri
from tests.peers.gateway import PYTHON_ENVIRONMENT, ROOT
from tests.peers.ports import HOST
from tests.peers.waiting import until
from tests.sip.pair import OFFER

Kind = Literal["garbage", "invites", "responses"]
KINDS: Final[tuple[Kind, ...]] = ("garbage", "invites", "responses")
_LINES: Final = 50
_EVERY: Final = 0.02  # seconds between two calls of the PBX, and between two refreshes
_BURST: Final = 64
_VARIANTS: Final = 4096


@dataclass(frozen=True, slots=True)
class Measured:
    """What a flood did. Times in milliseconds, memory in MB."""

    kind: Kind
    filtered: bool
    datagrams_per_second: int
    cpu_percent: float
    calls: int
    calls_answered: int
    answer_p50: float
    answer_p99: float
    refreshes: int
    refreshes_failed: int
    memory_before: float
    memory_after: float
    dropped_in_kernel: int
    counters: dict[str, int]

    def __str__(self) -> str:
        return json.dumps(asdict(self))


class Pbx:
    """The PBX of the victim's lines: takes every registration, and calls."""

    def __init__(self) -> None:
        sockets = bind(HOST)
        host, port = sockets.address
        self.agent = UserAgent(host=host, port=port, ids=SeededIds(1), methods=["REGISTER"])
        self.port = SipPort(self.agent, self._deliver, sockets)
        self.port.allow([HOST], "the victim")
        self.contacts: dict[str, Uri] = {}
        self.calls = 0
        self.times: list[float] = []
        self._account = Account(Uri("sip", "desk", None, host), "", "", Uri("sip", None, None, host))
        self._began: dict[object, float] = {}

    def _deliver(self, events: list[Event], now: float) -> None:
        for event in events:
            if isinstance(event, RequestReceived) and event.request.contact is not None:
                contact = event.request.contact.uri
                self.contacts[str(event.request.to)] = contact
                headers = [("Contact", f"<{contact}>;expires=600")]
                event.transaction.respond(event.request.reply(200, headers=headers), now)
            elif isinstance(event, CallEnded):
                began = self._began.pop(event.call)
                if event.status == 486:
                    self.times.append((now - began) * 1000)

    @property
    def waits(self) -> bool:
        """Whether a call was neither refused nor given up yet."""
        return bool(self._began)

    def call(self, contact: Uri) -> None:
        """Call a line of the victim's."""
        now = self.port.now()
        call = self.agent.invite(self._account, contact, OFFER, now)
        self._began[call] = now
        self.calls += 1
        self.port.flush()


async def flood(kind: Kind, *, seconds: float, rate: int, filtered: bool) -> Measured:
    """Flood a victim, and measure what its PBX and its lines notice of it.

    Args:
        rate: datagrams a second, if this machine can send as many.
        filtered: SIP is taken from the PBX's address alone; else from everybody.
    """
    pbx = Pbx()
    async with pbx.port:
        victim = await _start("victim", str(pbx.agent.address[1]), "filtered" if filtered else "open")
        try:
            await until(lambda: len(pbx.contacts) == _LINES, otherwise=lambda: "the lines do not register")
            target = next(iter(pbx.contacts.values())).port or 0
            flooder = await _start("flooder", kind, str(target), str(seconds), str(rate))
            before = await _ask(victim)
            began = time.monotonic()
            for contact in cycle(list(pbx.contacts.values())):
                if time.monotonic() - began > seconds:
                    break
                pbx.call(contact)
                await asyncio.sleep(_EVERY)
            after = await _ask(victim)
            sent = int((await flooder.communicate())[0])
            # What was lost in the flood is repeated, for 32 s.
            await until(lambda: not pbx.waits, otherwise=lambda: "a call has no end")
            last = await _ask(victim)
        finally:
            victim.kill()
            await victim.wait()
    times = sorted(pbx.times) or [0.0]
    return Measured(
        kind=kind,
        filtered=filtered,
        datagrams_per_second=round(sent / seconds),
        cpu_percent=round(100 * (after["cpu"] - before["cpu"]) / (after["at"] - before["at"]), 1),
        calls=pbx.calls,
        calls_answered=len(pbx.times),
        answer_p50=round(times[len(times) // 2], 2),
        answer_p99=round(times[len(times) * 99 // 100], 2),
        refreshes=last["refreshes"] - before["refreshes"],
        refreshes_failed=last["failures"],
        memory_before=round(before["memory"], 1),
        memory_after=round(after["memory"], 1),
        dropped_in_kernel=last["dropped"],
        counters=last["counters"],
    )


async def _start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.peers.flood", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **PYTHON_ENVIRONMENT},
        cwd=ROOT,
    )


async def _ask(victim: asyncio.subprocess.Process) -> dict[str, Any]:
    assert victim.stdin is not None
    assert victim.stdout is not None
    victim.stdin.write(b"\n")
    answer: dict[str, Any] = json.loads(await victim.stdout.readline())
    return answer


# The victim.


async def stand(pbx_port: int, filtered: bool) -> None:
    """Register, refresh, refuse calls; tell how it goes for each line on standard input."""
    sockets = bind(HOST)
    host, port = sockets.address
    agent = UserAgent(host=host, port=port, ids=SeededIds(2))
    told = {"refreshes": 0, "failures": 0}

    def deliver(events: list[Event], now: float) -> None:
        for event in events:
            if isinstance(event, Registered):
                told["refreshes"] += event.refreshed
            elif isinstance(event, RegistrationFailed):
                told["failures"] += 1
            elif isinstance(event, CallReceived):
                event.call.reject(486, now)

    sip_port = SipPort(agent, deliver, sockets, allowed=[] if filtered else None)
    sip_port.allow([HOST], "the PBX")
    async with sip_port:
        registrar = Uri("sip", None, None, HOST, pbx_port)
        lines = [
            agent.register(Account(Uri("sip", f"l{number}", None, HOST), f"l{number}", "", registrar), sip_port.now())
            for number in range(_LINES)
        ]  # fmt: skip
        sip_port.flush()
        asked = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)

        async def refresh() -> None:
            for line in cycle(lines):
                await asyncio.sleep(_EVERY)
                line.refresh(sip_port.now())
                sip_port.flush()

        task = asyncio.create_task(refresh())
        while await asked.readline():
            state = {
                **told,
                "at": time.monotonic(),
                "cpu": time.process_time(),
                "memory": _memory(),
                "dropped": sip_port.dropped,
                "counters": dict(agent.counters),
            }
            print(json.dumps(state), flush=True)
        task.cancel()


def _memory() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


# The flood.


def _datagrams(kind: Kind, port: int) -> Iterator[bytes]:
    for number in range(_VARIANTS):
        if kind == "garbage":
            yield os.urandom(20 + number % 700)
        elif kind == "invites":
            head = (
                f"INVITE sip:l1@{HOST}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2:5060;rport;branch=z9hG4bKf{number}\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:x@127.0.0.2>;tag=f{number}\r\nTo: <sip:l1@{HOST}>\r\n"
                f"Call-ID: flood{number}\r\nCSeq: 1 INVITE\r\nContact: <sip:x@127.0.0.2>\r\n"
                f"Content-Type: application/sdp\r\nContent-Length: {len(OFFER)}\r\n\r\n"
            )
            yield head.encode() + OFFER
        else:
            yield (
                f"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP {HOST}:{port};rport;branch=z9hG4bKn{number}\r\n"
                f"From: <sip:l1@{HOST}>;tag=tb{number}\r\nTo: <sip:x@127.0.0.2>;tag=y\r\nCall-ID: n{number}\r\n"
                "CSeq: 1 INVITE\r\nContact: <sip:x@127.0.0.2>\r\nContent-Length: 0\r\n\r\n"
            ).encode()


def pour(kind: Kind, port: int, seconds: float, rate: int) -> int:
    """Send datagrams at a rate, from eight addresses; how many left."""
    sockets = []
    for last in range(2, 10):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((f"127.0.0.{last}", 0))
        sock.connect((HOST, port))
        sockets.append(sock)
    datagrams, senders = cycle(list(_datagrams(kind, port))), cycle(sockets)
    began, sent = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        if sent > passed * rate:
            time.sleep(0.0005)
            continue
        send = next(senders).send
        for _ in range(_BURST):
            try:
                send(next(datagrams))
            except ConnectionRefusedError:
                continue
        sent += _BURST
    return sent


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "victim":
        import uvloop

        uvloop.run(stand(int(rest[0]), rest[1] == "filtered"))
    else:
        kind = next(one for one in KINDS if one == rest[0])
        print(pour(kind, int(rest[1]), float(rest[2]), int(rest[3])))
