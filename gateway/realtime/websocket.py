"""The shell of the pages' sockets: a protocol class that uvicorn is given, over websockets' sans-I/O protocol.

What it does not know: calls, commands, streams; it carries frames between the wire and a `Handshake` or `Session`. It does not
go through ASGI: prepared frames are written as they are, there is no task and no queue for a frame (decision 0003).

Invariants: nothing is written after a close frame; a socket whose peer does not read is cut at `Limits.unread`; a socket that
is silent for two pings is lost; every socket has one timer. The constructor's arguments are uvicorn's private interface (0.54);
`test_websocket.py` is the smoke test that pins them.
"""

import asyncio
import functools
import logging
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from gateway.realtime.admission import Admitted
from gateway.realtime.connection import Handshake, Session
from gateway.realtime.gate import Gate
from protocol.codes import CloseCode
from protocol.messages import Hello

logger = logging.getLogger(__name__)

PING_FRAME = b"\x89\x00"  # RFC 6455 §5.5.2: FIN, opcode 9, no payload
CLEAN_CODES = frozenset({1000, 1001, 1005})  # §7.4.1; 1005 stands for `close()` without a code
UNSUPPORTED_DATA, INVALID_TEXT = 1003, 1007
LOG_PROTOCOL = logging.getLogger("gateway.realtime.frames")
LOG_PROTOCOL.setLevel(logging.WARNING)  # "connection open" is counted, not logged


def protocol_class(gate: Gate) -> type[asyncio.Protocol]:
    """What uvicorn is given as `ws`: it calls it like a class, once for each upgrade request."""
    return cast("type[asyncio.Protocol]", functools.partial(AgentSocket, gate))


class AgentSocket(asyncio.Protocol):
    """One socket of a page."""

    __slots__ = (
        "_clean",
        "_closing",
        "_connections",
        "_core",
        "_fragments",
        "_gate",
        "_heard",
        "_limits",
        "_loop",
        "_number",
        "_origin",
        "_ping_at",
        "_timer",
        "_transport",
        "_wire",
    )

    def __init__(
        self,
        gate: Gate,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._gate = gate
        self._limits = gate.shared.limits
        self._loop = _loop or asyncio.get_running_loop()
        # uvicorn calls `shutdown` of everything in here, and waits until it is empty.
        self._connections = cast("set[AgentSocket]", server_state.connections)
        self._wire = ServerProtocol(max_size=self._limits.frame, logger=LOG_PROTOCOL)
        self._number = gate.next_number()
        self._origin = ""
        self._core: Handshake | Session | None = None
        self._fragments: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._heard = True
        self._ping_at = 0.0
        self._closing = False
        self._clean = False

    # --- called by the loop and by uvicorn -------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        self._heard = True
        self._wire.receive_data(data)
        for event in self._wire.events_received():
            if isinstance(event, Request):
                self._upgrade(event)
            elif isinstance(event, Frame):
                self._frame_received(event)
        self._flush_wire()
        if self._closing:
            return
        if self._wire.parser_exc is not None:
            # The core has put the right close code into the output (1002 or 1009: RFC 6455 §7.1.7).
            self._gate.counters["protocol_error"] += 1
            self._part()
            # Half closed, not closed: what the peer still sends would be answered by a reset, which eats our close frame.
            if self._transport.can_write_eof():
                self._transport.write_eof()
        elif self._wire.handshake_exc is not None:
            # A request that uvicorn's parser took and websockets' did not (too many headers).
            self._gate.counters["no_handshake"] += 1
            self._closing = True
            self._transport.close()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._gate.sockets.pop(self._number, None)
        if self._timer is not None:
            self._timer.cancel()
        self._end()

    def shutdown(self) -> None:
        """uvicorn stops: the page comes back to the next process by itself."""
        self.close(CloseCode.RESTARTING, "restarting")

    # --- called by the gate ----------------------------------------------------------------------------------------------

    def write(self, frame: bytes) -> None:
        """Write a prepared frame, unless the peer does not read."""
        if self._closing:
            return
        transport = self._transport
        transport.write(frame)
        if transport.get_write_buffer_size() > self._limits.unread:
            self._gate.counters["slow"] += 1
            self.close(CloseCode.TOO_SLOW, "too_slow")

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame and wait for the peer's, not for long."""
        if self._closing:
            return
        if self._wire.state is OPEN:
            self._wire.send_close(code, reason)
            self._flush_wire()
        self._part()

    # --- inside ----------------------------------------------------------------------------------------------------------

    def _upgrade(self, request: Request) -> None:
        """Accept the socket, or answer by HTTP (RFC 6455 §4.2.2)."""
        gate = self._gate
        self._origin = ", ".join(request.headers.get_all("Origin"))
        status = gate.objection(urlsplit(request.path).path, self._origin)
        response = self._wire.reject(status, f"{status.phrase}\n") if status else self._wire.accept(request)
        self._wire.send_response(response)
        self._flush_wire()
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            if status is None:
                gate.counters["no_handshake"] += 1
            self._closing = True
            self._transport.close()
            return
        gate.counters["accepted"] += 1
        gate.sockets[self._number] = self
        now = gate.clock()
        self._core = Handshake(self._number, gate.shared, now)
        self._ping_at = now + self._limits.ping
        self._arm(now)

    def _frame_received(self, frame: Frame) -> None:
        """Collect fragments, pass on whole texts; pings were answered by the core (§5.5.3)."""
        if frame.opcode is Opcode.CLOSE:
            assert self._wire.close_rcvd is not None, "the core has seen the close frame"
            self._clean = self._wire.close_rcvd.code in CLEAN_CODES
            self._flush_wire()
            if not self._closing:
                self._part()
            self._transport.close()
        elif self._closing:
            return
        elif frame.opcode is Opcode.BINARY:
            self._gate.counters["binary"] += 1
            self.close(UNSUPPORTED_DATA)
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                text, self._fragments = b"".join(self._fragments), []
                self._text_received(text)

    def _text_received(self, text: bytes) -> None:
        if not _is_utf8(text):  # §8.1: the connection must be failed
            self._gate.counters["not_utf8"] += 1
            self.close(INVALID_TEXT)
            return
        gate, core, now = self._gate, self._core, self._gate.clock()
        try:
            if isinstance(core, Session):
                core.receive(text, now)
                gate.on_input(core.account_id)
            elif core is not None:
                hello = core.receive(text, now)
                if hello is not None:
                    self._spawn(self._admit(core, hello))
                gate.deliver()
        except Exception:
            logger.exception("! socket %d: a page's frame", self._number)
            self._fail()

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> None:
        """Run an admission or a renewal beside the reading of frames."""
        task = self._loop.create_task(coroutine)
        self._gate.tasks.add(task)
        task.add_done_callback(self._gate.tasks.discard)

    async def _admit(self, handshake: Handshake, hello: Hello) -> None:
        """Check the credential; the store may take its time."""
        gate = self._gate
        try:
            verdict = await gate.admission.admit(hello, self._origin, gate.clock())
            if self._closing or self._core is not handshake:
                return
            if isinstance(verdict, Admitted):
                now = gate.clock()
                session = Session(self._number, gate.shared, verdict, hello, now)
                handshake.closed()
                self._core = session
                session.open(now)
                self._arm(now)
                gate.on_input(session.account_id)
            else:
                handshake.refuse(verdict)
                gate.deliver()
        except Exception:
            logger.exception("! socket %d: admission", self._number)
            self._fail()

    async def _renew(self, session: Session, admitted: Admitted, tab: str) -> None:
        """Give the page a new resume secret; if the store cannot keep one now, later will do."""
        gate = self._gate
        try:
            resume = await gate.admission.renew(admitted.identity, tab, gate.clock())
        except Exception:
            logger.exception("! socket %d: renewal", self._number)
            gate.counters["error"] += 1
            session.renewal_failed(gate.clock())
        else:
            session.renewed(resume, gate.admission.renew_at(resume))
        self._arm(gate.clock())
        gate.deliver()

    def _fail(self) -> None:
        """An error of ours: the peer is told no more than that, the log has the rest."""
        self._gate.counters["error"] += 1
        self.close(CloseCode.INTERNAL, "internal")

    def _flush_wire(self) -> None:
        """Write what the core has to say: the response, pongs, a close frame."""
        for piece in self._wire.data_to_send():
            if piece:
                self._transport.write(piece)

    def _part(self) -> None:
        """The close frame is out or the peer's is in: say so inside soon, and wait for the end not for long."""
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(self._limits.closing, self._transport.abort)
        # Not at once: this may be called in the middle of a delivery.
        self._loop.call_soon(self._end)

    def _end(self) -> None:
        """Tell the core that the socket is gone; the second time says nothing new."""
        self._closing = True
        core, self._core = self._core, None
        if isinstance(core, Session):
            core.closed(clean=self._clean, now=self._gate.clock())
            self._gate.on_input(core.account_id)
        elif core is not None:
            core.closed()

    def _arm(self, now: float) -> None:
        """Set the one timer to the nearest deadline."""
        if self._closing or self._core is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._core.next_deadline()
        at = self._ping_at if deadline is None else min(self._ping_at, deadline)
        self._timer = self._loop.call_later(max(0.0, at - now), self._timer_fired)

    def _timer_fired(self) -> None:
        gate, core, now = self._gate, self._core, self._gate.clock()
        if core is None:
            return
        if now >= self._ping_at and not self._keep_alive(now):
            return
        core.handle_timer(now)
        if isinstance(core, Session) and (due := core.take_secret_due()):
            self._spawn(self._renew(core, *due))
        self._arm(now)
        gate.deliver()

    def _keep_alive(self, now: float) -> bool:
        """Ask for a sign of life; False when the last question was not answered."""
        if not self._heard:
            self._gate.counters["silent"] += 1
            self.close(CloseCode.PING_TIMEOUT, "ping_timeout")
            return False
        self._heard = False
        self._ping_at = now + self._limits.ping
        self._transport.write(PING_FRAME)
        return True


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
