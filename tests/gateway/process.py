"""A whole gateway inside the test: the real composition, loopback sockets, an SQLite file; an exchange and tabs that follow a script.

`House` is `gateway.main.running` served; `Exchange` is a PBX that says what the test tells it and nothing else; `Tab` is a page's
socket by the `websockets` client. Nothing sleeps: who waits, waits for a message. That something did not happen is proved by
what is asked afterwards and answered in order.
"""

import asyncio
import re
import secrets
import shutil
import socket
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import jwt
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from gateway.main import Running, running
from gateway.settings import Settings
from gateway.store.accounts import Account
from gateway.store.database import database_url, migrate
from gateway.store.people import Extension, User
from gateway.store.store import Store
from protocol.codec import decode_gateway, encode
from protocol.commands import Answer, Dismiss
from protocol.entities import Call, State
from protocol.messages import VERSION, Delta, GatewayMessage, Hello, Refused, Ring, RingAck, Snapshot, Welcome
from protocol.state import apply
from tests.gateway.pbx import sdp
from tests.peers.ports import HOST, free_port
from tests.peers.sip_text import Header, Message, parameter

PATIENCE = 60.0  # seconds that a test waits for a message before it fails
ACCOUNT, USER, OTHER_ACCOUNT, OTHER_USER = 1, 7, 2, 8
ORIGIN, OTHER_ORIGIN = "https://example.amocrm.ru", "https://other.amocrm.ru"
CLIENT_UUID, CLIENT_SECRET = "uuid-1", "s" * 64
GATEWAY = "https://phone.example.org"

Address = tuple[str, int]


def migrated(folder: Path) -> str:
    """The address of an empty database whose tables are there. Blocks, and wants no loop to run: for fixtures."""
    template = folder.parent / "template.db"
    if not template.exists():
        migrate(database_url(f"sqlite:///{template}"))
    shutil.copy(template, folder / "trubka.db")
    return f"sqlite:///{folder / 'trubka.db'}"


class Exchange(asyncio.DatagramProtocol):
    """A PBX by script.

    Attributes:
        heard: what came and was not yet taken by `hears`, oldest first; REGISTERs are in `registers`.
        contacts: our lines' Contacts by the user that registered.
        refuses: status that REGISTER gets instead of 200; 401 challenges each time with the same nonce.
        speaks: whether REGISTER is answered at all.
    """

    def __init__(self, host: str = HOST) -> None:
        self.host = host
        self.port = free_port()
        self.gateway: Address = (HOST, 0)
        self.heard: list[Message] = []
        self.registers: list[Message] = []
        self.contacts: dict[str, str] = {}
        self.refuses = 0
        self.speaks = True
        self._news = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> "Exchange":
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(self.host, self.port)
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._transport is not None
        self._transport.close()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        message = Message.parse(data)
        if not message.status and message.method == "REGISTER":
            self.registers.append(message)
            if self.speaks:
                self._register(message)
        else:
            self.heard.append(message)
        self._news.set()

    def _register(self, request: Message) -> None:
        if self.refuses == 401:
            challenge = [("WWW-Authenticate", 'Digest realm="pbx", nonce="always the same", algorithm=MD5')]
            self.send(request.reply(401, "Unauthorized", "px", challenge))
        elif self.refuses:
            self.send(request.reply(self.refuses, "No", "px"))
        else:
            found = re.search(r"<([^>]+)>", request["Contact"])
            user = re.search(r"sip:([^@]+)@", request["To"])
            assert found is not None
            assert user is not None
            self.contacts[user[1]] = found[1]
            self.send(request.reply(200, "OK", "px", [("Contact", f"{request['Contact']};expires=300")]))

    def send(self, message: Message | bytes) -> None:
        assert self._transport is not None
        self._transport.sendto(message if isinstance(message, bytes) else message.to_bytes(), self.gateway)

    async def hears(self, start: str, call_id: str = "") -> Message:
        """The oldest message whose first line begins so (and of that call); it is taken, what came before it stays."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for message in self.heard:
                    if message.start.startswith(start) and call_id in ("", message["Call-ID"]):
                        self.heard.remove(message)
                        return message
                self._news.clear()
                await self._news.wait()

    async def until_registered(self, *users: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not self.contacts.keys() >= set(users):
                self._news.clear()
                await self._news.wait()

    async def until_registers(self, met: Callable[[Message], bool]) -> Message:
        """Wait for a REGISTER of some kind."""
        async with asyncio.timeout(PATIENCE):
            while not (found := [one for one in self.registers if met(one)]):
                self._news.clear()
                await self._news.wait()
        return found[0]

    async def is_silent(self) -> list[str]:
        """First lines of what came before the answer to a question that is asked now: a sentinel, as UDP keeps order here."""
        self.send(probe := self.request("OPTIONS", f"sip:{HOST}"))
        await self.hears("SIP/2.0 200", probe["Call-ID"])
        return [message.start for message in self.heard]

    def request(
        self, method: str, uri: str, extra: list[Header] | None = None, body: bytes = b"", *, to_tag: str = "",
        call_id: str = "", cseq: int = 1, branch: str = "", from_tag: str = "customer",
    ) -> Message:  # fmt: skip
        """A request as a PBX would send it."""
        branch = branch or f"z9hG4bK{secrets.token_hex(6)}"
        headers = [
            ("Via", f"SIP/2.0/UDP {self.host}:{self.port};branch={branch};rport"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:+79161234567@{self.host}>;tag={from_tag}"),
            ("To", f"<{uri}>" + (f";tag={to_tag}" if to_tag else "")),
            ("Call-ID", call_id or secrets.token_hex(8)),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", f"<sip:pbx@{self.host}:{self.port}>"),
            *(extra or []),
        ]
        if body:
            headers.append(("Content-Type", "application/sdp"))
        return Message(f"{method} {uri} SIP/2.0", headers, body)

    def call(self, user: str = "101") -> Message:
        """Call a line; the INVITE."""
        self.send(invite := self.request("INVITE", self.contacts[user], body=sdp("pbx").encode()))
        return invite

    def acknowledge(self, invite: Message, ok: Message) -> None:
        self.send(
            self.request("ACK", invite.uri, to_tag=parameter(ok["To"], "tag"), call_id=invite["Call-ID"])
        )

    def within(self, invite: Message, ok: Message, method: str, cseq: int) -> Message:
        """A request inside the dialog of a call that it made."""
        tag = parameter(ok["To"], "tag")
        return self.request(method, invite.uri, to_tag=tag, call_id=invite["Call-ID"], cseq=cseq)


class House:
    """A gateway that is served in this process. `skew`: seconds that its clock is ahead."""

    def __init__(self, settings: Settings, exchange: Exchange) -> None:
        self.settings = settings
        self.exchange = exchange
        self.skew = 0.0
        self.running: Running

    @asynccontextmanager
    async def served(self) -> AsyncIterator["House"]:
        base = time.time() - time.monotonic()
        self.exchange.gateway = (HOST, self.settings.sip_port)
        async with running(self.settings, lambda: time.monotonic() + base + self.skew) as self.running:
            serving = asyncio.create_task(self.running.serve())
            async with asyncio.timeout(PATIENCE):
                # uvicorn has no waiter for this, and it is there within a few turns of the loop.
                while not self.running.server.started:  # noqa: ASYNC110
                    await asyncio.sleep(0)
            try:
                yield self
            finally:
                self.running.server.should_exit = True
                await serving

    def state(self, user: int = USER, account: int = ACCOUNT) -> State:
        """What the user sees, of the office itself."""
        return self.running.parts.owners.owned[account].office.state_of(user)

    def token(
        self, user: int = USER, secret: str = CLIENT_SECRET, algorithm: str = "HS256", **changed: Any
    ) -> str:
        """amoCRM's one-time token; `changed` claims make it a bad one."""
        now = int(time.time() + self.skew)
        claims = {
            "iss": ORIGIN, "aud": GATEWAY, "jti": str(uuid.uuid4()), "iat": now, "nbf": now, "exp": now + 1800,
            "account_id": ACCOUNT, "user_id": user, "client_uuid": CLIENT_UUID, **changed,
        }  # fmt: skip
        return jwt.encode(claims, secret, algorithm=algorithm)

    async def session(self, token: str, origin: str = ORIGIN) -> tuple[int, dict[str, str]]:
        """POST /api/session: status and body."""
        headers = {"X-Auth-Token": token, "Origin": origin}
        async with (
            aiohttp.ClientSession() as client,
            client.post(f"{self.running.url}/api/session", headers=headers) as response,
        ):
            return response.status, await response.json()

    async def ticket(self) -> str:
        status, body = await self.session(self.token())
        assert status == 200, body
        return body["ticket"]

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as client, client.get(f"{self.running.url}{path}") as response:
            return response.status, await response.text()

    async def count(self, counter: str) -> float:
        """A counter of /metrics, named as "sip malformed"; 0 while it is not there."""
        subject, what = counter.split()
        _, text = await self.get("/metrics")
        found = re.search(rf'^trubka_{subject}_total\{{what="{what}"\}} (\S+)$', text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def socket(self, origin: str | None = ORIGIN, path: str = "/ws") -> connect:
        """A socket on which nothing was said yet."""
        url = self.running.url.replace("http", "ws", 1) + path
        return connect(url, origin=Origin(origin) if origin else None, ping_interval=None, proxy=None)

    @asynccontextmanager
    async def tab(self, name: str = "tab-a") -> AsyncIterator["Tab"]:
        """A page that is in and up to date."""
        async with self.socket() as wire:
            tab = Tab(wire, name)
            await tab.enter(ticket=await self.ticket())
            yield tab

    @asynccontextmanager
    async def unharmed(self, tab: "Tab", counter: str) -> AsyncIterator[None]:
        """What is done inside is counted once under this name, and changes nothing that the user sees."""
        count, state, seen = await self.count(counter), self.state(), tab.state
        yield
        assert await self.count(counter) == count + 1, counter
        assert self.state() == state
        await tab.settled()
        assert tab.state == seen == state


class Tab:
    """One page's socket and the state that the page would show."""

    def __init__(self, wire: ClientConnection, name: str) -> None:
        self.wire = wire
        self.name = name
        self.state = State()
        self.secret = ""
        self._asked = 0

    async def say_hello(self, **credential: Any) -> None:
        await self.say(Hello(version=VERSION, tab=self.name, lang="en", page="load", **credential))

    async def enter(self, **credential: Any) -> Welcome:
        await self.say_hello(**credential)
        welcome: Welcome = await self.hears(Welcome)
        self.secret = welcome.resume.secret if welcome.resume else self.secret
        await self.hears(Snapshot)
        return welcome

    async def say(self, message: Any) -> None:
        await self.wire.send(encode(message), text=True)

    async def hears(self, kind: type[Any], met: Callable[[Any], bool] = lambda _: True) -> Any:
        """The next message of a kind; what comes before it is taken in."""
        async with asyncio.timeout(PATIENCE):
            while True:
                text = await self.wire.recv(decode=False)
                assert isinstance(text, bytes)
                message = decode_gateway(text)
                self._take(message)
                if isinstance(message, kind) and met(message):
                    return message

    async def shows(self, met: Callable[[State], bool]) -> State:
        """Wait until the state is so."""
        while not met(self.state):
            await self.hears(Delta)
        return self.state

    async def settled(self) -> None:
        """Everything that was sent to this page so far has come: an answer that cannot be wrong is the sentinel."""
        self._asked += 1
        id = f"sentinel-{self._asked}"
        await self.say(Dismiss(id, "no-such-call"))
        await self.hears(Refused, lambda one: one.id == id)

    async def closed(self) -> int:
        """The code with which the gateway closes the socket."""
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionClosed):
                while True:
                    await self.wire.recv()
            await self.wire.wait_closed()
        assert self.wire.close_code is not None
        return self.wire.close_code

    def _take(self, message: GatewayMessage) -> None:
        if isinstance(message, Snapshot):
            self.state = message.state
        elif isinstance(message, Delta):
            self.state = apply(self.state, message)


async def talk(exchange: Exchange, tab: Tab) -> tuple[Message, Message, Call]:
    """A customer calls and the page answers: INVITE, its 200, and the call as the page shows it."""
    invite = exchange.call()
    ring = await tab.hears(Ring)
    await tab.say(RingAck(ring.call))
    await exchange.hears("SIP/2.0 180")
    await tab.say(Answer("answer-1", ring.call, sdp("page", setup="active")))
    ok = await exchange.hears("SIP/2.0 200", invite["Call-ID"])
    exchange.acknowledge(invite, ok)
    state = await tab.shows(lambda state: any(one.state == "talking" for one in state.calls.values()))
    exchange.heard.clear()
    return invite, ok, state.calls[ring.call]


async def furnish(address: str, exchange: Exchange, *, other: tuple[str, int] | None = None) -> None:
    """Put an account with one user and extension 101 into the store; `other`: the PBX of a second account."""
    store = Store.at(address)
    homes = [(ACCOUNT, ORIGIN, USER, "101", (exchange.host, exchange.port))]
    if other is not None:
        homes.append((OTHER_ACCOUNT, OTHER_ORIGIN, OTHER_USER, "201", other))
    for account, origin, user, number, (host, port) in homes:
        await store.accounts.put(Account(account, origin, "", f"uuid-{account}", CLIENT_SECRET, host, port))
        await store.users.put(User(account, user, "Анна"))
        await store.extensions.put(Extension(account, number, f"secret-{number}", user))
    await store.close()


def settings(address: str, **more: Any) -> Settings:
    """The settings of a house of tests."""
    return Settings(
        host=HOST,
        port=0,
        public_url=GATEWAY,
        database_url=address,
        sip_host=HOST,
        sip_port=free_port(),
        **{
            "page_grace": PATIENCE,
            "blip": PATIENCE,
            **more,
        },  # a tab here does not beat, and a busy machine is slow
    )


@asynccontextmanager
async def house(address: str, exchange: Exchange, **more: Any) -> AsyncIterator[House]:
    """A furnished house, served, its line registered."""
    await furnish(address, exchange)
    async with House(settings(address, **more), exchange).served() as served:
        await exchange.until_registered("101")
        yield served


def foreign_socket(host: str) -> socket.socket:
    """A UDP socket on another address of the loopback."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((host, 0))
    made.setblocking(False)
    return made
