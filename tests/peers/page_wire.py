"""The wire of a widget's page without a browser: socket, credentials, state by snapshot and deltas, one answer to a command.

Knows nothing of sound; `page.py` adds it. A frame that breaks the protocol (a gap, a second answer) fails the play.
"""

import asyncio
import secrets
from collections.abc import Callable
from itertools import count
from types import TracebackType
from typing import Literal, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from protocol.codec import decode_gateway, encode
from protocol.commands import AnyCommand
from protocol.entities import Call, Position, State
from protocol.messages import (
    VERSION,
    Answered,
    ClientMessage,
    Delta,
    Done,
    GatewayMessage,
    Hello,
    Notice,
    Refused,
    SecretRenewed,
    Snapshot,
    Welcome,
)
from protocol.state import apply
from tests.peers.gateway import Gateway
from tests.peers.waiting import PATIENCE


class RefusedError(AssertionError):
    """A command was refused; `.refused` is the gateway's answer."""

    def __init__(self, command: AnyCommand, refused: Refused) -> None:
        self.refused = refused
        super().__init__(f"{command} was refused: {refused.code} {refused.message}")


class PageWire:
    """One tab of one user, as far as its socket goes. `state` is what the widget would show."""

    def __init__(self, gateway: Gateway, user: int, tab: str) -> None:
        self.gateway = gateway
        self.user = user
        self.tab = tab or f"tab-{secrets.token_hex(4)}"
        self.state = State()
        self.notices: list[Notice] = []
        self.frames: list[GatewayMessage] = []
        self.welcome: Welcome | None = None
        self.close_code: int | None = None
        self.resume_secret = ""
        self.position: Position | None = None
        self._numbers = count(1)
        self._answers: dict[str, asyncio.Future[Answered]] = {}
        self._changed = asyncio.Event()
        self._socket: ClientConnection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._failure: Exception | None = None

    async def open(
        self,
        page: Literal["load", "reconnect"] = "load",
        *,
        alive: tuple[str, ...] = (),
        by_ticket: bool = False,
    ) -> None:
        """Connect, and return when the state is there. By the resume secret, where the page has one."""
        if page == "load":
            self.position, self.state = None, State()
        ticket: str | None = None
        url = f"{self.gateway.url.replace('http', 'ws', 1)}/ws"
        if by_ticket or not self.resume_secret:
            status, given = await self.gateway.session(self.gateway.token(self.user))
            assert status == 200, f"/api/session answered {status}: {given}"
            ticket, url = given["ticket"], given["url"]
        resume = None if ticket else self.resume_secret
        await self.connect(
            Hello(VERSION, self.tab, "ru", page, ticket, resume, self.position, alive), url=url
        )
        await self.until(lambda one: one.is_caught_up)

    async def connect(self, hello: Hello | None, *, url: str = "") -> None:
        """A socket and its first frame, without waiting for anything: for plays about what the gateway refuses."""
        url = url or f"{self.gateway.url.replace('http', 'ws', 1)}/ws"
        self.welcome, self.close_code = None, None
        self._socket = await connect(url, origin=Origin(self.gateway.address), proxy=None, compression=None)
        if hello is not None:
            await self.send(hello)
        self._tasks = [
            asyncio.create_task(self._listen(self._socket)),
            asyncio.create_task(self.keep_beating()),
        ]

    @property
    def is_caught_up(self) -> bool:
        """Is the state what the gateway had when it said `welcome`, or newer?"""
        welcome, position = self.welcome, self.position
        return bool(welcome and position and position.epoch == welcome.epoch and position.seq >= welcome.seq)

    async def disconnect(self, *, clean: bool = True) -> None:
        """Close the socket, or cut it. Raises what went wrong in the background."""
        socket, self._socket = self._socket, None
        for task in self._tasks[1:]:
            task.cancel()
        if socket is not None and clean:
            await socket.close()
        elif socket is not None:
            socket.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._failure is not None:
            raise self._failure

    async def command(self, command: AnyCommand) -> Done:
        """Send a command; its `done`. Raises RefusedError."""
        answer = await self.try_command(command)
        if isinstance(answer, Refused):
            raise RefusedError(command, answer)
        return answer

    async def try_command(self, command: AnyCommand) -> Answered:
        """Send a command; its one answer."""
        waiter: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._answers[command.id] = waiter
        await self.send(command)
        async with asyncio.timeout(PATIENCE):
            return await waiter

    def next_id(self) -> str:
        return f"{self.tab}.{next(self._numbers)}"

    async def send(self, message: ClientMessage) -> None:
        await self.send_raw(encode(message).decode())

    async def send_raw(self, frame: str | bytes) -> None:
        """A frame as it is, also a bad one."""
        assert self._socket is not None, "the page has no socket"
        await self._socket.send(frame)

    async def until(self, met: Callable[[Self], bool], within: float = PATIENCE) -> None:
        """Wait until a condition on this page is met. A closed socket ends the wait."""
        try:
            async with asyncio.timeout(within):
                while not met(self):
                    if self._failure is not None:
                        raise self._failure
                    assert self.close_code is None, f"the gateway closed the socket with {self.close_code}"
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"the awaited did not come within {within} s; {self}") from None

    async def until_call(self, call: str, *, state: str, within: float = PATIENCE) -> Call:
        """Wait until a call is in a state; the call."""
        await self.until(lambda _: self.state_of(call) == state, within)
        return self.state.calls[call]

    async def until_line(self, extension: str, state: str = "registered", within: float = PATIENCE) -> None:
        def met(_: PageWire) -> bool:
            line = self.state.lines.get(extension)
            return line is not None and line.state == state

        await self.until(met, within)

    async def until_closed(self, within: float = PATIENCE) -> int:
        """Wait until the gateway closes the socket; the code."""
        async with asyncio.timeout(within):
            while self.close_code is None:
                self._changed.clear()
                await self._changed.wait()
        return self.close_code

    def state_of(self, call: str) -> str | None:
        found = self.state.calls.get(call)
        return found.state if found else None

    @property
    def living(self) -> list[str]:
        """The calls that have not ended. An ended one is shown for a while, also to the page that comes after."""
        return [call.id for call in self.state.calls.values() if call.state != "ended"]

    async def keep_beating(self) -> None:
        """What a page does every second; nothing, without sound."""

    async def take_letter(self, message: GatewayMessage) -> None:
        """`ring`, `remote` and what a command brought; for those who have sound."""

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            async for frame in socket:
                message = decode_gateway(frame.encode() if isinstance(frame, str) else frame)
                self.frames.append(message)
                await self._take(message)
                self._changed.set()
        except ConnectionClosed:
            pass  # its code is read below, as after a clean close
        except Exception as failure:
            self._failure = failure
            raise
        finally:
            self.close_code = socket.close_code or 1006
            self._changed.set()

    async def _take(self, message: GatewayMessage) -> None:
        match message:
            case Welcome():
                self.welcome = message
                self.resume_secret = message.resume.secret if message.resume else self.resume_secret
            case Snapshot():
                self.state = message.state
                self.position = Position(message.epoch, message.seq)
            case Delta():
                assert self.position is not None, "a delta came before the snapshot"
                assert message.seq == self.position.seq + 1, f"a gap: {self.position.seq} → {message.seq}"
                self.state = apply(self.state, message)
                self.position = Position(self.position.epoch, message.seq)
            case SecretRenewed():
                self.resume_secret = message.secret
            case Notice():
                self.notices.append(message)
            case Done() | Refused():
                await self.take_letter(message)
                if message.id is not None:
                    self._answers.pop(message.id).set_result(message)
            case _:
                await self.take_letter(message)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.disconnect()

    def __repr__(self) -> str:
        calls = [
            f"{one.id} {one.direction} {one.party.number} {one.state}" for one in self.state.calls.values()
        ]
        lines = [f"{one.extension} {one.state}" for one in self.state.lines.values()]
        return (
            f"<page {self.tab} of user {self.user}: calls {calls}, lines {lines}, closed {self.close_code}>"
        )
