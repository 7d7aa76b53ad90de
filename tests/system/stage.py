"""The stage of the plays: one Asterisk, one customers' phone and few gateways for the whole run; each play gets people of its own.

    async def test_…(agent: Agent, stage: Stage) -> None:
        async with agent.page() as page: …

To start a PBX and a gateway costs more than most plays last. So they are shared, and what a play could disturb is its own: user,
extension and customers' numbers. A play ends with nothing left in Asterisk and in the gateway, which `Stage.until_quiet` proves.

    plain        straight to Asterisk over UDP; its extension 118 by TCP, 119 with a wrong password
    wired        through a wire that can lose, double and stop datagrams
    postgres     its journal and its store on PostgreSQL
    impatient    gives a customer up when nobody is back after 4 s
    hasty        holds a call whose page is silent for 3 s, and says 480 when no page acknowledges a ring within 2 s
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, closing, suppress
from itertools import count
from pathlib import Path
from typing import Final, Literal

from cryptography.fernet import Fernet

from gateway.store.journal_sqlite import journal_path
from tests.peers.ami import ManagerError
from tests.peers.asterisk import Asterisk
from tests.peers.fixtures import CUSTOMER_HZ, DESK_HZ
from tests.peers.gateway import ACCOUNT, Gateway
from tests.peers.lossy import Address, LossyWire
from tests.peers.page import Page
from tests.peers.phone import Phone
from tests.peers.phone_call import PhoneCall
from tests.peers.postgres import Postgres
from tests.peers.processes import Workshop
from tests.peers.waiting import PATIENCE, until

AGENT_HZ: Final = 300
DESK, SECOND_DESK, DESK_OF_OTHERS = "171", "172", "173"  # extensions that no gateway has
BY_TCP: Final = "118"
MISTYPED: Final = "119"

Kind = Literal["plain", "wired", "postgres", "impatient", "hasty"]
_TEAMS: Final[dict[Kind, range]] = {
    "plain": range(101, 111),
    "wired": range(121, 131),
    "postgres": range(141, 142),
    "impatient": range(151, 152),
    "hasty": range(161, 165),
}
_EXTENSIONS: Final = (
    *(str(one) for team in _TEAMS.values() for one in team),
    BY_TCP,
    MISTYPED,
    DESK,
    SECOND_DESK,
    DESK_OF_OTHERS,
)


class Wire(LossyWire):
    """A wire with a toll gate: what `stops` says does not pass, and is kept in `stopped`."""

    def __init__(self, target: Address) -> None:
        super().__init__(target)
        self.stops: Callable[[bytes], bool] = _nothing
        self.stopped: list[bytes] = []
        self._news = asyncio.Event()

    def near_received(self, data: bytes, client: Address) -> None:
        if not self._stop(data):
            super().near_received(data, client)

    def far_received(self, data: bytes, client: Address) -> None:
        if not self._stop(data):
            super().far_received(data, client)

    async def until_stopped(self, within: float = PATIENCE) -> bytes:
        """Wait until something was stopped; what."""
        async with asyncio.timeout(within):
            while not self.stopped:
                self._news.clear()
                await self._news.wait()
        return self.stopped[0]

    def open(self) -> None:
        """Let all pass again, without loss."""
        self.stops, self.stopped = _nothing, []
        self.loss = self.double = self.reorder = 0.0

    def _stop(self, data: bytes) -> bool:
        if not self.stops(data):
            return False
        self.stopped.append(data)
        self._news.set()
        return True


class Agent:
    """A user of a gateway with an extension, theirs alone while the play lasts."""

    def __init__(self, stage: "Stage", gateway: Gateway, extension: str) -> None:
        self.stage = stage
        self.gateway = gateway
        self.extension = extension
        self.user = int(extension)
        self.channel = f"PJSIP/{extension}p-*"  # of the softphone, as Asterisk names it
        self.number = f"74950000{extension}"  # what a customer dials

    def page(self, tab: str = "", frequency: float | None = AGENT_HZ) -> Page:
        return Page(self.gateway, self.user, tab=tab, frequency=frequency)

    def desk(self) -> Phone:
        """The telephone on this agent's desk; not registered yet."""
        pbx = self.stage.pbx
        number = self.extension
        return Phone(number, pbx=pbx.address, password=pbx.password(number), frequency=DESK_HZ)

    async def talk(self, page: Page) -> tuple[str, PhoneCall]:
        """Call a customer who answers, until both hear each other: the call's id, and the customer's side of it."""
        number = self.stage.new_number()
        await page.until_line(self.extension)
        call = await page.dial(number)
        answered = await (await self.stage.customers.until_called(number)).until_answered()
        await page.until_call(call, state="talking")
        await self.until_both_hear(page, call, answered)
        return call, answered

    async def be_called(self, page: Page) -> tuple[str, PhoneCall]:
        """Be called by a customer and answer, until both hear each other."""
        await page.until_line(self.extension)
        calling = await self.stage.customers.dial(self.number)
        call = await page.until_ringing()
        await page.answer(call)
        await self.until_both_hear(page, call, calling)
        return call, calling

    async def until_written(self, legs: int) -> None:
        """Wait until the gateway's journal (on SQLite) has so many legs of this extension, as another process sees the file."""
        await until(
            lambda: len(self._written()) == legs,
            otherwise=lambda: f"{self._written()} are written down, not {legs} legs",
        )

    def _written(self) -> list[dict[str, str]]:
        path = journal_path(Path(self.gateway.environment["TRUBKA_DATABASE_URL"].removeprefix("sqlite:///")))
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            bodies = [json.loads(body) for (body,) in database.execute("select body from journal")]
        return [
            {"phase": body["phase"], "replaces": body["replaces"]}
            for body in bodies
            if body["extension"] == self.extension
        ]

    async def until_both_hear(self, page: Page, call: str, customer: PhoneCall) -> None:
        """Prove the sound both ways, each voice by its frequency and alone."""
        await asyncio.gather(
            page.sounds[call].until_hears(CUSTOMER_HZ), customer.until_hears(page.frequency or 0.0)
        )


class Stage:
    """What is shared. Gateways start when a play first asks for one."""

    def __init__(self, workshop: Workshop, pbx: Asterisk, customers: Phone) -> None:
        self.workshop = workshop
        self.pbx = pbx
        self.customers = customers
        self.wire = Wire(pbx.address)
        self._gateways: dict[Kind, Gateway] = {}
        self._turns = {kind: count() for kind in _TEAMS}
        self._numbers = count(79_260_000_001)
        self._stack = AsyncExitStack()
        self._databases: Callable[[], str] | None = None

    @staticmethod
    def extensions() -> tuple[str, ...]:
        return _EXTENSIONS

    def lend(self, postgres: Postgres) -> None:
        """The server that the gateway on PostgreSQL gets its database from."""
        self._databases = postgres.new_database

    def new_number(self) -> str:
        """A customer's number that nobody has called yet, as the gateway dials it."""
        return f"+{next(self._numbers)}"

    async def agent(self, kind: Kind = "plain") -> Agent:
        """The next agent of a gateway; they take turns."""
        team = _TEAMS[kind]
        return Agent(self, await self.gateway(kind), str(team[next(self._turns[kind]) % len(team)]))

    async def team(self, kind: Kind) -> list[Agent]:
        """All agents of a gateway."""
        gateway = await self.gateway(kind)
        return [Agent(self, gateway, str(one)) for one in _TEAMS[kind]]

    async def gateway(self, kind: Kind) -> Gateway:
        if kind not in self._gateways:
            self._gateways[kind] = await self._start(kind)
        return self._gateways[kind]

    async def until_quiet(self, within: float = PATIENCE) -> None:
        """Wait until Asterisk has no channel and no gateway has a SIP call."""
        await self.pbx.until_quiet(within)
        async with asyncio.timeout(within):
            for gateway in self._gateways.values():
                while (await gateway.metrics())["trubka_calls"]:  # noqa: ASYNC110 - asking is all one can do
                    await asyncio.sleep(0.05)

    async def clear(self) -> None:
        """After a play, also a failed one: end what is left of it and forget its customers."""
        self.wire.open()
        for gateway in self._gateways.values():
            if gateway.process.returncode is not None:
                await gateway.start()
        for channel in await self.pbx.manager.channels():
            with suppress(ManagerError):  # it may have ended meanwhile
                await self.pbx.manager.hang_up(channel["Channel"])
        await self.customers.forget()

    async def close(self) -> None:
        await self._stack.aclose()

    async def _start(self, kind: Kind) -> Gateway:
        workshop = self._stack.enter_context(Workshop(kind))
        people = {one: (str(one),) for one in _TEAMS[kind]}
        pbx, settings, database_url = self.pbx.address, {}, ""
        if kind == "wired":
            pbx = (await self._stack.enter_async_context(self.wire)).address
        elif kind == "impatient":
            settings = {"TRUBKA_PAGE_RETURN": "4"}  # time to hear the music
        elif kind == "hasty":
            settings = {"TRUBKA_PAGE_GRACE": "2", "TRUBKA_BLIP": "3"}
        elif kind == "postgres":
            assert self._databases is not None, "nobody lent the stage a PostgreSQL"
            database_url = self._databases()
            settings = {"TRUBKA_SECRET_KEY": Fernet.generate_key().decode()}
        gateway = Gateway(workshop, pbx=pbx, people=people, database_url=database_url, settings=settings)
        self._stack.push_async_exit(gateway)
        await gateway.create()
        if kind == "plain":
            await gateway.run_commands([*_extension(BY_TCP, "tcp"), *_extension(MISTYPED, "udp", "mistyped")])
        await gateway.start()
        for one in workshop.processes:
            self.workshop.show(f"{kind}: {one.name}", one.log)
        return gateway


def _extension(number: str, transport: str, password: str = "") -> Sequence[tuple[list[str], str]]:
    """The command lines that add a user with an extension on the PBX's plain endpoint."""
    account = ("--account", str(ACCOUNT))
    user = ["user", "add", *account, "--id", number, "--name", f"Сотрудник {number}"]
    line = ["--number", number, "--user", number, "--sip-user", f"{number}p", "--transport", transport]
    return (user, ""), (["extension", "add", *account, *line], password or f"secret-{number}p")


def _nothing(data: bytes) -> bool:
    return False
