"""The shell over a real loopback: uvicorn, our protocol class, a client of others.

The first test is the smoke test that pins uvicorn's private interface (decision 0003).
"""

import asyncio
import inspect
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from gateway.realtime.admission import Admission
from gateway.realtime.gate import Gate
from gateway.realtime.outbox import text_frame
from gateway.realtime.ports import SavedSession
from gateway.realtime.sessions import MemorySessions, Resumption, new_secret
from gateway.realtime.tickets import Tickets
from gateway.realtime.websocket import AgentSocket, protocol_class
from protocol.codec import MAX_FRAME, decode_gateway, encode
from protocol.codes import CloseCode, Code
from protocol.commands import TakePhone
from protocol.entities import Position
from protocol.messages import Delta, Done, Hello, Leaving, Refused, SecretRenewed, Snapshot, Welcome
from tests.gateway.realtime.play import ANNA, ORIGIN, Stage, hello

PATIENCE = 60.0  # seconds that a test waits for an event before it fails; nothing sleeps


async def no_app(scope: Any, receive: Any, send: Any) -> None:
    """No frame may come here."""
    raise AssertionError(f"{scope['type']} went through ASGI")


class Told(list[tuple[object, ...]]):
    """What the office was told; a test can wait for the next."""

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()

    def append(self, entry: tuple[object, ...]) -> None:
        super().append(entry)
        self._news.set()

    async def until(self, what: str) -> tuple[object, ...]:
        async with asyncio.timeout(PATIENCE):
            while not (found := [entry for entry in self if entry[0] == what]):
                self._news.clear()
                await self._news.wait()
        return found[0]


class House:
    """A served gate with a recording office."""

    def __init__(self, **limits: float) -> None:
        self.stage = Stage(**limits)
        self.told = Told()
        self.stage.office.told = self.told
        self.tickets = Tickets(new_secret)
        self.sessions = MemorySessions()
        self.life = 43_200.0
        self.skew = 0.0
        self.port = 0

    @asynccontextmanager
    async def served(self) -> AsyncIterator["House"]:
        stage = self.stage
        resumption = Resumption(self.sessions, self.life)
        self.gate = Gate(
            stage.shared,
            Admission(self.tickets, resumption, stage.seats),
            stage.seats,
            self.clock,
            lambda account: self.flush(),
        )
        config = uvicorn.Config(
            no_app, ws=protocol_class(self.gate), lifespan="off", log_config=None, http="h11"
        )
        self.server = uvicorn.Server(config)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
            config.load()
            self.server.lifespan = config.lifespan_class(config)
            await self.server.startup([listener])
            try:
                yield self
            finally:
                self.server.force_exit = True
                await self.server.shutdown([listener])
        assert not self.gate.tasks
        assert not self.gate.sockets

    def clock(self) -> float:
        return time.time() + self.skew

    def flush(self) -> None:
        """What the composition does after each input."""
        self.stage.flush(self.clock())
        self.gate.deliver()

    def client(self, path: str = "/ws", origin: str | None = ORIGIN) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}{path}", origin=origin, ping_interval=None)  # type: ignore[arg-type]

    @asynccontextmanager
    async def page(self, tab: str = "tab-a", /, **more: Any) -> AsyncIterator[ClientConnection]:
        """A page that is in, greeted and up to date."""
        async with self.client() as wire:
            await self.enter(wire, tab, **more)
            yield wire

    async def enter(self, wire: ClientConnection, tab: str = "tab-a", /, **more: Any) -> Welcome:
        if "resume" in more:
            more["ticket"] = None
        else:
            more["ticket"] = self.tickets.issue(ANNA, self.clock())
        await say(wire, hello(tab, **more))
        welcome = await hear(wire)
        assert isinstance(welcome, Welcome)
        assert isinstance(await hear(wire), Snapshot | Delta)
        return welcome


async def say(page: ClientConnection, message: Any) -> None:
    await page.send(encode(message), text=True)


async def hear(page: ClientConnection) -> Any:
    async with asyncio.timeout(PATIENCE):
        text = await page.recv(decode=False)
    assert isinstance(text, bytes)
    return decode_gateway(text)


async def closed(page: ClientConnection) -> int:
    """The code with which the gateway closes, whatever is read before."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(PATIENCE):
            while True:
                await page.recv()
    assert page.protocol.close_rcvd is not None, "a close frame came"
    return page.protocol.close_rcvd.code


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with House().served() as house:
        yield house


def test_uvicorn_still_calls_its_socket_protocol_as_it_did() -> None:
    theirs = inspect.signature(WebSocketsSansIOProtocol.__init__).parameters
    ours = [name for name in inspect.signature(AgentSocket.__init__).parameters if name != "gate"]
    assert ours == list(theirs)
    for method in ("connection_made", "data_received", "connection_lost", "eof_received", "shutdown"):
        assert callable(getattr(AgentSocket, method))
    assert uvicorn.__version__.startswith("0.54."), "pinned in pyproject.toml; see decision 0003"


async def test_a_page_comes_in_says_something_and_is_answered(house: House) -> None:
    async with house.client() as page:
        welcome = await house.enter(page)
        assert welcome.resume is not None
        await say(page, TakePhone("p-1"))
        assert await hear(page) == Done("p-1")
    assert house.gate.counters["accepted"] == 1


async def test_no_extension_is_agreed_upon(house: House) -> None:
    async with house.client() as page:
        assert page.response is not None
        assert "Sec-WebSocket-Extensions" not in page.response.headers


async def test_the_same_bytes_reach_all_tabs(house: House) -> None:
    async with house.page("tab-a") as first, house.page("tab-b") as second:
        await hear(first)  # the phone moved
        house.stage.office.show_calls(ANNA.user_id, a=1)
        house.flush()
        assert await first.recv() == await second.recv()


async def test_a_page_comes_back_by_its_resume_secret_and_gets_what_it_missed(house: House) -> None:
    async with house.client() as page:
        welcome = await house.enter(page)
    await house.told.until("leave")
    house.stage.office.show_calls(ANNA.user_id, a=1)
    house.flush()
    assert welcome.resume is not None
    async with house.client() as page:
        again = await house.enter(
            page,
            page="reconnect",
            resume=welcome.resume.secret,
            position=Position(welcome.epoch, welcome.seq),
        )
        assert again.epoch == welcome.epoch
        assert again.resume is None


# --- Who is sent away ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "origin", "status", "counter"),
    [
        ("/elsewhere", ORIGIN, 404, "not_found"),
        ("/ws", "https://evil.example", 403, "foreign_origin"),
        ("/ws", None, 403, "foreign_origin"),
    ],
)
async def test_an_upgrade_that_may_not_be_gets_an_http_answer(
    house: House, path: str, origin: str | None, status: int, counter: str
) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with house.client(path, origin):
            pass
    assert caught.value.response.status_code == status
    assert house.gate.counters == {counter: 1}


async def test_the_number_of_sockets_is_bounded() -> None:
    async with House(sockets=1).served() as house, house.page():
        with pytest.raises(InvalidStatus) as caught:
            async with house.client():
                pass
        assert caught.value.response.status_code == 503


async def test_an_upgrade_that_breaks_the_rfc_gets_an_http_answer(house: House) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    head = f"GET /ws HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    writer.write(f"{head}Sec-WebSocket-Version: 13\r\n\r\n".encode())
    async with asyncio.timeout(PATIENCE):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert house.gate.counters == {"no_handshake": 1}
    writer.close()
    await writer.wait_closed()


async def test_an_upgrade_with_more_headers_than_can_be_read_gets_an_http_answer(house: House) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    many = "".join(f"X-{n}: 1\r\n" for n in range(200))
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{many}\r\n".encode()
    )
    async with asyncio.timeout(PATIENCE):
        assert (await reader.read()).startswith(b"HTTP/1.1 431 ")
    assert house.gate.counters == {"no_handshake": 1}
    writer.close()
    await writer.wait_closed()


async def test_a_forged_ticket_closes_with_the_code_that_says_authenticate(house: House) -> None:
    async with house.client() as page:
        await say(page, hello())
        assert await closed(page) == CloseCode.TICKET
    assert house.told == []
    assert house.gate.admission.counters == {"bad_ticket": 1}


async def test_a_command_before_hello_closes(house: House) -> None:
    async with house.client() as page:
        await say(page, TakePhone("p-1"))
        assert await closed(page) == CloseCode.BAD_FRAME
    assert house.told == []


async def test_a_page_without_hello_is_closed() -> None:
    async with House(hello=0.01).served() as house, house.client() as page:
        assert await closed(page) == CloseCode.HELLO_TIMEOUT
    assert house.stage.shared.counters == {"hello_timeout": 1}


# --- What must not be sent -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", ["this is no JSON", '{"t":"explode","id":"p-1"}'])
async def test_a_bad_frame_is_answered_counted_and_changes_nothing(house: House, frame: str) -> None:
    async with house.page() as page:
        stream = house.stage.hub.stream(ANNA)
        assert stream is not None
        before, told = stream.snapshot(), list(house.told)
        await page.send(frame)
        refused = await hear(page)
        assert isinstance(refused, Refused)
        assert house.stage.shared.counters[refused.code.value] == 1
        await say(page, TakePhone("sentinel"))
        assert await hear(page) == Done("sentinel")
        assert stream.snapshot() == before
        assert house.told[: len(told)] == told
        assert [entry[0] for entry in house.told[len(told) :]] == ["execute"]


@pytest.mark.parametrize(
    ("send", "code", "counter"),
    [
        (lambda page: page.send("x" * (MAX_FRAME + 1)), 1009, "protocol_error"),
        (lambda page: page.send(b"binary"), 1003, "binary"),
        (lambda page: page.send(b"\xff\xfe", text=True), 1007, "not_utf8"),
    ],
    ids=["oversized", "binary", "no UTF-8"],
)
async def test_what_the_rfc_forbids_closes_with_its_code(
    house: House, send: Callable[[ClientConnection], Any], code: int, counter: str
) -> None:
    async with house.page() as page:
        await send(page)
        assert await closed(page) == code
        assert await house.told.until("leave") == ("leave", 11, "tab-a", False)
    assert house.gate.counters[counter] == 1


async def test_an_unmasked_frame_closes_with_1002(house: House) -> None:
    async with house.page() as page:
        page.transport.write(b"\x81\x02{}")
        assert await closed(page) == 1002
    assert house.gate.counters["protocol_error"] == 1


async def test_text_beyond_ascii_and_in_fragments_is_read(house: House) -> None:
    async with house.page() as page:
        await page.send(['{"t":"take_phone",', '"id":"p-1",', '"who":"Анна"}'])
        assert await hear(page) == Done("p-1")


async def test_a_client_of_others_may_ping(house: House) -> None:
    async with house.page() as page, asyncio.timeout(PATIENCE):
        await (await page.ping())


async def test_an_error_of_ours_is_not_shown_to_the_peer(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("the cat is on the keyboard")

    async with house.page() as page:
        monkeypatch.setattr(house.stage.office, "execute", broken)
        await say(page, TakePhone("p-1"))
        assert await closed(page) == CloseCode.INTERNAL
    assert "the cat is on the keyboard" in caplog.text
    assert house.gate.counters["error"] == 1


async def test_a_store_that_fails_at_hello_means_retry(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(session: SavedSession) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(house.sessions, "put", broken)
    async with house.client() as page:
        await say(page, hello(ticket=house.tickets.issue(ANNA, house.clock())))
        assert await closed(page) == CloseCode.INTERNAL
    assert "disk full" in caplog.text


async def test_a_page_that_goes_while_the_store_thinks_leaves_nothing_behind(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slow(session: SavedSession) -> None:
        asked.set()
        await answer.wait()

    monkeypatch.setattr(house.sessions, "put", slow)
    async with house.client() as page, asyncio.timeout(PATIENCE):
        await say(page, hello(ticket=house.tickets.issue(ANNA, house.clock())))
        await asked.wait()
        (task,) = house.gate.tasks
    answer.set()
    assert isinstance(task, asyncio.Task)
    await task
    assert house.told == []


# --- Ends ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1000, 1001])
async def test_a_clean_close_is_told_as_clean(house: House, code: int) -> None:
    async with house.page() as page:
        await page.close(code)
    assert await house.told.until("leave") == ("leave", 11, "tab-a", True)


async def test_a_close_without_a_code_is_clean(house: House) -> None:
    async with house.page() as page:
        page.protocol.send_frame(Frame(Opcode.CLOSE, b""))
        page.send_data()
        assert await house.told.until("leave") == ("leave", 11, "tab-a", True)


async def test_leaving_is_told_as_clean(house: House) -> None:
    async with house.page() as page:
        await say(page, Leaving())
        assert await closed(page) == 1000
    assert await house.told.until("leave") == ("leave", 11, "tab-a", True)


async def test_a_lost_socket_is_told_as_lost(house: House) -> None:
    async with house.page() as page:
        page.transport.abort()
        assert await house.told.until("leave") == ("leave", 11, "tab-a", False)


async def test_another_close_code_is_not_clean(house: House) -> None:
    async with house.page() as page:
        await page.close(3000)
    assert await house.told.until("leave") == ("leave", 11, "tab-a", False)


async def test_a_peer_that_does_not_read_is_cut_and_told_as_lost() -> None:
    async with House(closing=0.05).served() as house, house.page() as page:
        page.transport.pause_reading()
        (number,) = house.gate.sockets
        frame, written = text_frame(b" " * 65_536), 0
        while not house.gate.counters["slow"]:
            house.stage.outbox.put(number, frame)
            house.gate.deliver()
            written += 1
            assert written < 1_000, "the limit was never reached"
        assert await house.told.until("leave") == ("leave", 11, "tab-a", False)
        page.transport.abort()


async def test_a_silent_peer_is_pinged_and_then_lost() -> None:
    async with House(ping=0.05, closing=0.05).served() as house:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        head = f"GET /ws HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
        writer.write(f"{head}{key}\r\n".encode())
        async with asyncio.timeout(PATIENCE):
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(2) == b"\x89\x00", "a ping"
            head_of_close = await reader.readexactly(4)
            assert head_of_close[0] == 0x88
            assert int.from_bytes(head_of_close[2:4], "big") == CloseCode.PING_TIMEOUT
            await reader.read()
        assert house.gate.counters["silent"] == 1
        writer.close()
        await writer.wait_closed()


async def test_a_peer_that_answers_pings_stays(house: House) -> None:
    async with house.page() as page:
        (wire,) = house.gate.sockets.values()
        assert isinstance(wire, AgentSocket)
        for beat in range(3):
            house.skew += house.stage.limits.ping
            wire._timer_fired()
            # The pong goes out before the sentinel, so it is there when the sentinel is answered.
            await say(page, TakePhone(f"sentinel-{beat}"))
            assert await hear(page) == Done(f"sentinel-{beat}")
        assert house.gate.counters["silent"] == 0


async def test_a_secret_is_renewed_inside_the_socket() -> None:
    house = House()
    house.life = 0.2
    async with house.served(), house.page() as page:
        renewed = await hear(page)
        assert isinstance(renewed, SecretRenewed)
        again = await hear(page)
        assert isinstance(again, SecretRenewed)
        assert renewed.secret != again.secret


async def test_a_renewal_that_fails_is_logged_and_the_page_stays(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house, failed = House(), asyncio.Event()
    house.life = 0.2

    async def broken(session: SavedSession) -> None:
        failed.set()
        raise OSError("disk full")

    async with house.served(), house.page() as page, asyncio.timeout(PATIENCE):
        monkeypatch.setattr(house.sessions, "put", broken)
        await failed.wait()
        await say(page, TakePhone("sentinel"))
        while not isinstance(message := await hear(page), Done):
            assert isinstance(message, SecretRenewed)
    assert house.gate.counters["error"] == 1
    assert "disk full" in caplog.text


async def test_a_revoked_user_is_sent_to_authenticate(house: House) -> None:
    async with house.page() as page:
        house.stage.hub.close_all(ANNA, CloseCode.REVOKED)
        house.flush()
        assert await closed(page) == CloseCode.REVOKED


async def test_a_second_socket_of_the_same_tab_replaces_the_first(house: House) -> None:
    async with house.page() as first, house.page(page="reconnect") as second:
        assert await closed(first) == CloseCode.REPLACED
        await say(second, TakePhone("sentinel"))
        assert await hear(second) == Done("sentinel")
        assert [entry for entry in house.told if entry[0] == "leave"] == []


async def test_a_gateway_that_stops_says_retry() -> None:
    async with House().served() as house:
        page = await house.client()
        await house.enter(page)
        for connection in list(house.server.server_state.connections):
            connection.shutdown()
        assert await closed(page) == CloseCode.RESTARTING
        assert await house.told.until("leave") == ("leave", 11, "tab-a", False)


async def test_a_rate_that_is_too_high_is_refused_on_the_wire() -> None:
    async with House(rate=0.001, burst=1).served() as house, house.page() as page:
        await say(page, TakePhone("1"))
        await say(page, TakePhone("2"))
        assert await hear(page) == Done("1")
        refused = await hear(page)
        assert (refused.code, refused.id) == (Code.RATE_LIMITED, "2")


def test_hello_is_what_a_page_says_first() -> None:
    assert isinstance(hello(), Hello)
