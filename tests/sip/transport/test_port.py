"""The SIP port over real loopback sockets: two agents talk; one flush after each input; one timer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import pytest

from sip.account import Account, Transport
from sip.agent import UserAgent
from sip.call import Call
from sip.events import (
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallReceived,
    EndCause,
    Event,
    Registered,
    RegistrationFailed,
    RequestReceived,
)
from sip.flow import Flow
from sip.ids import SeededIds
from sip.message import parse
from sip.timers import Timers
from sip.trace import Trace
from sip.transport.connection import KeepAlive
from sip.transport.port import SipPort, Sockets, bind
from sip.transport.tls import Tls
from sip.uri import Uri
from tests.peers.authority import Authority
from tests.sip.pair import ANSWER, OFFER

E = TypeVar("E", bound=Event)
OPTIONS = (
    b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2:9;rport;branch=z9hG4bKx\r\nFrom: <sip:a>;tag=a\r\nTo: <sip:b>\r\n"
    b"Call-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n"
)


@dataclass
class Phone:
    """An agent behind a port, and what it told."""

    port: SipPort
    account: Account
    events: list[Event] = field(default_factory=list)
    reacts: Callable[[Event, float], None] = lambda event, now: None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def deliver(self, events: list[Event], now: float) -> None:
        for event in events:
            self.events.append(event)
            self.reacts(event, now)
        self._news.set()

    def address(self, transport: str) -> tuple[str, int]:
        host, port = self.port.agent.address
        return (host, self.port.agent.tls_port) if transport == "tls" else (host, port)

    async def heard(self, kind: type[E], count: int = 1) -> E:
        """The event of a kind with this number, waited for."""
        async with asyncio.timeout(60):
            while len(found := [event for event in self.events if isinstance(event, kind)]) < count:
                self._news.clear()
                await self._news.wait()
        return found[count - 1]

    def call(self, other: Phone, sdp: bytes = OFFER) -> Call:
        host, port = other.address(self.account.transport)
        call = self.port.agent.invite(self.account, Uri("sip", "bob", None, host, port), sdp, self.port.now())
        self.port.flush()
        return call


def new_phone(
    sockets: Sockets,
    seed: int,
    *,
    transport: Transport = "udp",
    t1: float = 0.5,
    allowed: set[str] | None = None,
    trace: Trace | None = None,
    tls: Tls | None = None,
    keep_alive: KeepAlive | None = None,
) -> Phone:
    host, port = sockets.address
    tls_port = sockets.tls.getsockname()[1] if sockets.tls is not None else None
    agent = UserAgent(host=host, port=port, ids=SeededIds(seed), timers=Timers(t1=t1), tls_port=tls_port)
    uri = Uri("sip", f"u{seed}", None, host)
    phone: Phone
    sip_port = SipPort(
        agent,
        lambda events, now: phone.deliver(events, now),
        sockets,
        allowed=allowed,
        trace=trace,
        tls=tls,
        keep_alive=keep_alive,
    )
    phone = Phone(sip_port, Account(uri, "u", "p", Uri("sip", None, None, host), transport=transport))
    return phone


@asynccontextmanager
async def two_phones(
    transport: Transport = "udp", host: str = "127.0.0.1", **more: object
) -> AsyncIterator[tuple[Phone, Phone]]:
    async with AsyncExitStack() as stack:
        tls_port = 0 if "tls" in more else None
        phones = [new_phone(bind(host, 0, tls_port), seed, transport=transport, **more) for seed in (1, 2)]  # type: ignore[arg-type]
        for phone in phones:
            await stack.enter_async_context(phone.port)
        yield phones[0], phones[1]


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    """What a phone on the loopback shows, and whom it believes."""
    authority = Authority()
    issued = authority.issue("127.0.0.1", "::1", folder=tmp_path)
    return Tls(str(authority.write(tmp_path)), str(issued.certificate), str(issued.key))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_whole_call_over_real_sockets(transport: Transport, host: str, tls: Tls) -> None:
    async with two_phones(transport, host, tls=tls) as (alice, bob):
        alice.reacts = lambda event, now: (
            event.call.acknowledge(now) if isinstance(event, CallAnswered) else None
        )

        def answer(event: Event, now: float) -> None:
            if isinstance(event, CallReceived):
                event.call.ring(now)
                event.call.accept(ANSWER, now)

        bob.reacts = answer
        mine = alice.call(bob)
        invite = parse(mine.dump().invite)
        written = f"[{host}]" if ":" in host else host
        assert str(invite.get("Via")).startswith(f"SIP/2.0/{transport.upper()} {written}:")
        assert f"@{written}:" in str(invite.get("Contact"))
        await bob.heard(CallConfirmed)
        assert mine.remote_sdp == ANSWER
        mine.bye(alice.port.now())
        alice.port.flush()
        assert (await alice.heard(CallEnded)).status == 200
        assert (await bob.heard(CallEnded)).by == "them"
        assert not alice.port.agent.counters
        assert not bob.port.agent.counters


async def test_an_offer_of_a_browsers_size_goes_whole_over_udp() -> None:
    async with two_phones() as (alice, bob):
        offer = OFFER + b"a=x:" + b"y" * 20_000 + b"\r\n"
        alice.call(bob, offer)
        assert (await bob.heard(CallReceived)).call.remote_sdp == offer


async def test_the_timer_fires_without_any_input() -> None:
    async with two_phones(t1=0.01) as (alice, _):
        silent = bind("127.0.0.1")
        host, port = silent.address
        alice.port.agent.invite(alice.account, Uri("sip", "x", None, host, port), OFFER, alice.port.now())
        alice.port.flush()
        ended = await alice.heard(CallEnded)
        assert ended.cause == EndCause.NO_ANSWER
        received = 0
        silent.udp.setblocking(False)
        while True:
            try:
                silent.udp.recv(65_535)
            except BlockingIOError:
                break
            received += 1
        silent.close()
        assert 2 <= received <= 7, "as many as the loop found time for"


async def test_a_peer_that_refuses_the_connection_ends_the_call() -> None:
    async with two_phones("tcp") as (alice, _):
        deaf = bind("127.0.0.1")  # it does not listen, and keeps others off the port
        host, port = deaf.address
        alice.port.agent.invite(alice.account, Uri("sip", "x", None, host, port), OFFER, alice.port.now())
        alice.port.flush()
        assert (await alice.heard(CallEnded)).cause == EndCause.TRANSPORT_LOST
        deaf.close()


async def test_a_connection_is_shared_by_all_that_goes_to_its_peer() -> None:
    async with two_phones("tcp") as (alice, bob):
        calls = [alice.call(bob) for _ in range(3)]
        await bob.heard(CallReceived, 3)
        flows = {event.call.flow for event in bob.events if isinstance(event, CallReceived)}
        assert len(flows) == 1
        assert all(call.state == "proceeding" or call.state == "calling" for call in calls)


async def test_datagrams_from_elsewhere_are_dropped_before_they_are_read() -> None:
    async with two_phones(allowed={"127.0.0.2"}) as (alice, bob):
        stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stranger.bind(("127.0.0.1", 0))
        stranger.sendto(b"garbage", bob.port.agent.address)
        friend = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        friend.setblocking(False)
        friend.bind(("127.0.0.2", 0))
        friend.sendto(b"\r\n\r\n", bob.port.agent.address)  # a keep-alive says nothing
        friend.sendto(b"garbage", bob.port.agent.address)
        friend.sendto(OPTIONS, bob.port.agent.address)
        async with asyncio.timeout(60):
            answer = await asyncio.get_running_loop().sock_recv(friend, 65_535)
        assert answer.startswith(b"SIP/2.0 200 ")
        counters = bob.port.agent.counters
        assert counters["foreign_source"] + bob.port.dropped == 1, "here, or in the kernel already"
        assert counters["malformed"] == 1
        assert alice.events == []
        stranger.close()
        friend.close()


async def test_the_address_is_taken_for_both_transports_and_not_twice() -> None:
    sockets = bind("127.0.0.1")
    host, port = sockets.address
    with pytest.raises(OSError):
        bind(host, port)
    sockets.close()
    again = bind(host, port)
    assert again.address == (host, port)
    assert again.tcp.getsockname() == (host, port)
    again.close()


async def test_commands_given_inside_deliver_leave_before_flush_returns() -> None:
    async with two_phones() as (alice, bob):
        sent: list[str] = []

        def refuse(event: Event, now: float) -> None:
            if isinstance(event, CallReceived):
                event.call.reject(486, now)
                bob.port.flush()
                sent.append("486")

        bob.reacts = refuse
        alice.call(bob)
        assert (await alice.heard(CallEnded)).status == 486
        assert sent == ["486"]


async def test_deliver_may_have_its_commands_sent_before_what_it_does_next() -> None:
    async with two_phones() as (alice, bob):
        waiting: list[int] = []

        def refuse(event: Event, now: float) -> None:
            if isinstance(event, CallReceived):
                event.call.reject(486, now)
                bob.port.send()
                waiting.append(len(bob.port.agent.take_output()))

        bob.reacts = refuse
        alice.call(bob)
        assert (await alice.heard(CallEnded)).status == 486
        assert waiting == [0]


async def test_an_error_over_one_deadline_does_not_stop_the_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    async with two_phones() as (alice, bob):
        alice.call(bob)

        def fail(now: float) -> None:
            raise RuntimeError("a mistake of ours")

        monkeypatch.setattr(alice.port.agent, "handle_timer", fail)
        with pytest.raises(RuntimeError):
            alice.port._fire()
        assert alice.port._alarm.is_set


async def test_an_error_in_deliver_does_not_stop_the_timer() -> None:
    async with two_phones() as (alice, _):

        def fail(events: list[Event], now: float) -> None:
            raise RuntimeError("the user's mistake")

        alice.port._deliver = fail
        alice.port.agent.register(alice.account, alice.port.now())
        alice.port.agent._core.events.append(CallEnded.__new__(CallEnded))
        with pytest.raises(RuntimeError):
            alice.port.flush()
        assert alice.port._alarm.is_set


async def test_before_the_port_is_open_nothing_leaves_and_what_comes_waits() -> None:
    alice, bob = new_phone(bind("127.0.0.1"), 1), new_phone(bind("127.0.0.1"), 2)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(alice.port)
        alice.call(bob)  # the datagram waits in Bob's socket
        bob.port.agent.register(bob.account, bob.port.now())
        bob.port.flush()
        bob.port.flush()
        assert bob.port.agent.take_output() != [], "what the agent has to say was not thrown away"
        await stack.enter_async_context(bob.port)
        await bob.heard(CallReceived)


async def test_every_message_of_a_call_is_traced_as_it_crosses_the_wire() -> None:
    trace = Trace(10)
    async with two_phones(trace=trace) as (alice, bob):
        call = alice.call(bob)
        theirs = (await bob.heard(CallReceived)).call
        theirs.reject(486, bob.port.now())
        bob.port.flush()
        await alice.heard(CallEnded)
        alice_says, bob_says = alice.port.agent.address, bob.port.agent.address
    traced = trace.find(call.id)
    assert traced is not None
    told = [(one.sent, one.flow.remote, one.data.split(b"\r\n")[0].split(b" ", 2)[:2]) for one in traced]
    # Both ports tell the same trace: each message once as it leaves and once as it comes.
    assert told[:2] == [
        (True, bob_says, [b"INVITE", f"sip:bob@{bob_says[0]}:{bob_says[1]}".encode()]),
        (False, alice_says, [b"INVITE", f"sip:bob@{bob_says[0]}:{bob_says[1]}".encode()]),
    ]
    assert (False, bob_says, [b"SIP/2.0", b"486"]) in told
    assert (True, bob_says, [b"ACK", f"sip:bob@{bob_says[0]}:{bob_says[1]}".encode()]) in told
    assert [one.at for one in traced] == sorted(one.at for one in traced)


async def test_a_wrong_certificate_fails_the_registration_and_says_why(tls: Tls, tmp_path: Path) -> None:
    other = Authority().write(tmp_path / "..")
    async with two_phones("tls", tls=tls) as (alice, bob):
        alice.port._streams._tls = Tls(str(other))
        host, port = bob.address("tls")
        account = replace(alice.account, registrar=Uri("sip", None, None, host, port))
        alice.port.agent.register(account, alice.port.now())
        alice.port.flush()
        failed = await alice.heard(RegistrationFailed)
        assert failed.status is None
        assert failed.reason.startswith("certificate refused: ")
        assert alice.port.agent.counters["tls_refused"] == 1


async def test_a_line_whose_connection_is_lost_registers_over_a_new_one(tls: Tls) -> None:
    async with two_phones("tls", tls=tls) as (alice, bob):
        host, port = bob.address("tls")
        account = replace(alice.account, registrar=Uri("sip", None, None, host, port))
        bob.port.agent._core.methods = frozenset({"REGISTER"})
        flows: list[Flow] = []

        def register(event: Event, now: float) -> None:
            if isinstance(event, RequestReceived):
                flows.append(event.flow)
                contact = ("Contact", f"{event.request.contact};expires=600")
                event.transaction.respond(event.request.reply(200, headers=[contact]), now)

        bob.reacts = register
        line = alice.port.agent.register(account, alice.port.now())
        alice.port.flush()
        await alice.heard(Registered)
        assert str(line.contact).endswith(f":{alice.port.agent.tls_port};transport=tls")
        alice.port._streams._connections[1].made_at -= 3600
        bob.port._streams._connections[1].close()
        await alice.heard(Registered, 2)
        assert len(set(flows)) == 2


async def test_a_datagram_of_blanks_keeps_the_nats_open_towards_each_registrar() -> None:
    registrar = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    registrar.bind(("127.0.0.1", 0))
    registrar.setblocking(False)
    phone = new_phone(bind("127.0.0.1"), 1, keep_alive=KeepAlive(datagram=0.01))
    async with phone.port:
        account = replace(phone.account, registrar=Uri("sip", None, None, *registrar.getsockname()))
        phone.port.agent.register(account, phone.port.now())
        phone.port.flush()
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(60):
            assert (await loop.sock_recv(registrar, 65_535)).startswith(b"REGISTER ")
            while await loop.sock_recv(registrar, 65_535) != b"\r\n\r\n":
                pass
    registrar.close()


async def test_addresses_are_allowed_and_forgotten_while_the_port_is_open() -> None:
    async with two_phones(allowed=set()) as (alice, bob):
        bob.port.allow(["127.0.0.1"], "account")
        alice.call(bob)
        await bob.heard(CallReceived)
        with pytest.raises(ValueError, match="pbx"):
            bob.port.allow(["pbx.example"], "account")
        bob.port.allow(["127.0.0.2"], "account")
        alice.call(bob)
        alice.call(bob)
        bob.port.allow(["127.0.0.1", "127.0.0.2"], "account")
        alice.call(bob)
        await bob.heard(CallReceived, 2)
        assert bob.port.agent.counters["foreign_source"] + bob.port.dropped >= 2
