"""Fail-over on real sockets: a name server, two registrars on 127.0.0.1 and 127.0.0.2, and an agent that knows nothing but the domain."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sip.account import Account, Transport
from sip.agent import UserAgent
from sip.events import Event, Registered, RequestReceived
from sip.ids import ByteIds
from sip.location import locator as locator_module
from sip.location.plan import Hop
from sip.timers import Timers
from sip.transport.port import SipPort, bind
from sip.transport.resolver import Resolver
from sip.uri import Uri
from tests.peers.dns import NameServer, name_server
from tests.sip.registrar import Answer, grant, refuse

PATIENCE = 10.0
FIRST, SECOND = "127.0.0.1", "127.0.0.2"


class Server:
    """A registrar. `answer`: how it answers; None: not at all."""

    def __init__(self, host: str, answer: Answer | None = None) -> None:
        self.host = host
        self.answer: Answer | None = answer
        self.heard = 0
        self.port: SipPort

    @asynccontextmanager
    async def open(self, port: int = 0) -> AsyncIterator[Server]:
        sockets = bind(self.host, port)
        agent = UserAgent(
            host=self.host, port=sockets.address[1], ids=ByteIds(secrets.token_bytes), methods={"REGISTER"}
        )
        self.port = SipPort(agent, self._deliver, sockets)
        async with self.port:
            yield self

    @property
    def number(self) -> int:
        return self.port.agent.address[1]

    def _deliver(self, events: list[Event], now: float) -> None:
        for event in events:
            if isinstance(event, RequestReceived):
                self.heard += 1
                if self.answer is not None:
                    event.transaction.respond(self.answer(event.request), now)


class Office:
    """One line of ours and what happened to it."""

    def __init__(self, names: NameServer, transport: Transport = "udp") -> None:
        sockets = bind("127.0.0.3")
        self.agent = UserAgent(
            host="127.0.0.3",
            port=sockets.address[1],
            ids=ByteIds(secrets.token_bytes),
            timers=Timers(t1=0.02),
            locates=True,
        )
        self.registered: list[str] = []
        self.news = asyncio.Event()
        self.port = SipPort(
            self.agent, self._deliver, sockets, resolver=Resolver([("127.0.0.1", names.port)])
        )
        home = Uri("sip", None, None, "pbx.test")
        account = Account(Uri("sip", "101", None, "pbx.test"), "101", "secret", home, transport=transport)
        self.line = self.agent.register(account, self.port.now())

    def _deliver(self, events: list[Event], now: float) -> None:
        for event in events:
            if isinstance(event, Registered) and event.registration.flow is not None:
                self.registered.append(event.registration.flow.remote[0])
                self.news.set()

    async def next(self) -> str:
        """The server of the next registration that succeeds."""
        async with asyncio.timeout(PATIENCE):
            await self.news.wait()
        self.news.clear()
        return self.registered[-1]

    async def again(self) -> str:
        self.line.refresh(self.port.now())
        self.port.flush()
        return await self.next()


@asynccontextmanager
async def town(
    first: Answer | None, transport: str = "udp"
) -> AsyncIterator[tuple[NameServer, Server, Server]]:
    async with (
        name_server() as names,
        Server(FIRST, first).open() as one,
        Server(SECOND, grant(600)).open() as two,
    ):
        names.say(
            f"_sip._{transport}.pbx.test",
            "SRV",
            f"10 0 {one.number} a.pbx.test.",
            f"20 0 {two.number} b.pbx.test.",
        )
        names.say("a.pbx.test", "A", FIRST)
        names.say("b.pbx.test", "A", SECOND)
        yield names, one, two


@pytest.mark.parametrize("first", [None, refuse(503)], ids=["silent", "503"])
async def test_a_server_that_fails_is_left_for_the_next_and_used_again_when_it_is_back(
    first: Answer | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sip.exchange.SILENCE", 0.3)
    async with town(first) as (names, one, two):
        office = Office(names)
        async with office.port:
            assert await office.next() == SECOND
            assert one.heard >= 1
            assert await office.again() == SECOND
            one.answer = grant(600)
            async with asyncio.timeout(PATIENCE):
                while await office.again() != FIRST:  # noqa: ASYNC110 - each round is a registration, and takes its time
                    await asyncio.sleep(0.05)
            assert two.heard >= 2
    assert names.asked["SRV _sip._udp.pbx.test"] == 1


async def test_a_server_that_refuses_connections_is_left_for_the_next() -> None:
    async with town(grant(600), "tcp") as (names, one, two):
        names.say("_sip._tcp.pbx.test", "SRV", "10 0 9 a.pbx.test.", f"20 0 {two.number} b.pbx.test.")
        office = Office(names, "tcp")
        async with office.port:
            assert await office.next() == SECOND
        assert one.heard == 0


async def test_a_port_locates_before_it_is_open_and_who_lets_them_in_is_told() -> None:
    async with town(grant(600)) as (names, _, _):
        office = Office(names)
        told: list[frozenset[str]] = []
        assert office.agent.locator is not None
        office.agent.locator.found = lambda hop, addresses: told.append(addresses)
        found = await office.port.locate(Hop("pbx.test", None, ("udp",)))
        assert [target.flow.remote[0] for target in found] == [FIRST, SECOND]
        assert told[-1] == {FIRST, SECOND}
        assert await office.port.locate(Hop("nowhere.test", None, ("udp",))) == ()
        async with office.port:
            assert await office.next() == FIRST


async def test_a_name_server_that_is_gone_leaves_the_lines_where_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(locator_module, "_SHORTEST", 0.05)
    monkeypatch.setattr("sip.transport.resolver._PATIENCE", 0.1)
    async with town(grant(600)) as (names, _, _):
        names.ttl = 0
        office = Office(names)
        async with office.port:
            assert await office.next() == FIRST
            names.speaks = False
            await asyncio.sleep(0.1)
            assert await office.again() == FIRST
            assert office.agent.counters["locating_failed"] >= 1
