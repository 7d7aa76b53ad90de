"""SIPp as a telephone that was written by others: registers, answers, refuses, calls in, by the scenarios in `scenarios/`.

    async with Sipp(workshop, "answer", pbx=pbx.address, number="101", password="secret-101") as phone:
        await phone.until_registered()
        …
        assert (await phone.until_done()).successful == 1

One `Sipp` plays one scenario `calls` times and ends. Scenarios that begin with a registration are called in the order
register → wait for the call, in one process and on one port, as a telephone does.
"""

import csv
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.peers.ports import HOST, free_port, free_range
from tests.peers.processes import Process, Workshop, program
from tests.peers.waiting import PATIENCE

Address = tuple[str, int]
SCENARIOS = Path(__file__).parent / "scenarios"


@dataclass(frozen=True)
class Statistics:
    """What SIPp counted. `messages`: how often each request or response of the scenario came, and was sent again."""

    exit_code: int
    successful: int
    failed: int
    retransmissions: int


class Sipp:
    """A run of one scenario: `register`, `answer`, `busy`, `ring` (until cancelled) or `call`, or one of `prack_*` and `timer_*`; with
    a user agent instead of a PBX: `transferor`, `transferee`, `takeover`.
    """

    def __init__(
        self,
        workshop: Workshop,
        scenario: str,
        *,
        pbx: Address,
        number: str,
        password: str = "",
        dials: str = "",
        calls: int = 1,
        talks_for: float = 1.0,
        port: int | None = None,
        words: Mapping[str, str] | None = None,
    ) -> None:
        """`number`: its own; `dials`: whom `call` calls; `talks_for`: seconds until `call` hangs up; `words`: what the scenario asks for
        in brackets, beside these."""
        self.port = port or free_port()
        self.number = number
        self._workshop = workshop
        self._pbx = pbx
        self._password = password
        self._scenario = scenario
        self._dials = dials
        self._calls = calls
        self._talks_for = talks_for
        self._words = words or {}
        self._process: Process | None = None
        self._media = free_range(4)[0]
        self._counts = workshop.folder / f"sipp-{scenario}-{self.port}.csv"

    async def start(self) -> None:
        if self._scenario in ("answer", "busy", "ring"):
            await self._register(300)
        self._process = self._run(self._scenario, calls=self._calls)

    async def unregister(self) -> None:
        """Once the scenario is done: let the PBX forget this telephone, for the plays that come after on the same PBX."""
        await self._register(0)

    async def _register(self, expires: int) -> None:
        registered = self._run("register", calls=1, expires=expires)
        code = await registered.until_ended()
        assert code == 0, f"SIPp could not register {self.number}: {registered.output()[-2000:]}"

    async def until_done(self, within: float = PATIENCE) -> Statistics:
        """Wait until the scenario was played as often as wanted."""
        assert self._process is not None, "this SIPp was not started"
        code = await self._process.until_ended(within)
        with self._counts.open(newline="") as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
        return Statistics(
            exit_code=code,
            successful=int(last["SuccessfulCall(C)"]),
            failed=int(last["FailedCall(C)"]),
            retransmissions=int(last["Retransmissions(C)"]),
        )

    def errors(self) -> str:
        """What SIPp says of messages that its scenario did not expect."""
        file = self._counts.with_suffix(".errors")
        return file.read_text() if file.exists() else ""

    def _run(self, scenario: str, calls: int, expires: int = 300) -> Process:
        argv = [
            *(program("sipp"), f"{self._pbx[0]}:{self._pbx[1]}"),
            *("-sf", str(SCENARIOS / f"{scenario}.xml"), "-m", str(calls), "-l", "1", "-t", "u1"),
            *("-i", HOST, "-p", str(self.port), "-mi", HOST, "-mp", str(self._media), "-rtp_echo"),
            *("-s", self._dials or self.number, "-key", "own", self.number, "-au", self.number),
            *("-ap", self._password, "-key", "talks", str(int(self._talks_for * 1000))),
            *("-key", "expires", str(expires)),
            *(part for name, word in self._words.items() for part in ("-key", name, word)),
            *("-d", str(int(self._talks_for * 1000)), "-nostdin", "-trace_stat", "-stf", str(self._counts)),
            *("-trace_err", "-error_file", str(self._counts.with_suffix(".errors"))),
        ]
        name = f"sipp {scenario} {self.number}"
        return self._workshop.start(name, argv, cwd=self._workshop.folder, end_signal=signal.SIGKILL)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.end()
