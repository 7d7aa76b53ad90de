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
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.frames import OP_BINARY, OP_CLOSE, OP_CONT, OP_TEXT, Frame
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from gateway.realtime.admission import Admission, Admitted
from gateway.realtime.connection import Handshake, Session, Shared
from gateway.realtime.outbox import Close
from gateway.realtime.ports import Seats
from protocol.codes import CloseCode
from protocol.messages import Hello

logger = logging.getLogger(__name__)

PING_FRAME = b"\x89\x00"  # RFC 6455 §5.5.2: FIN, opcode 9, no payload
CLEAN_CODES = frozenset({1000, 1001, 1005})  # §7.4.1; 1005 stands for `close()` without a code
UNSUPPORTED_DATA, INVALID_TEXT = 1003, 1007
LOG_PROTOCOL = logging.getLogger("gateway.realtime.frames")
LOG_PROTOCOL.setLevel(logging.INFO)  # websockets asks at each frame whether it is to log it


class Gate:
    """All sockets of a process, and what they need.

    Args:
        shared: what the connections share.
        admission: checks credentials.
        seats: knows whose pages may connect.
        clock: seconds since the epoch that never go back.
        on_input: called with the account's id after each input of a page that is in; the composition then flushes the office
            and calls `deliver`.
        path: where the sockets are.
    """

    def __init__(
        self,
        shared: Shared,
        admission: Admission,
        seats: Seats,
        clock: Callable[[], float],
        on_input: Callable[[int], None],
        path: str = "/ws",
    ) -> None:
        self.shared = shared
        self.admission = admission
        self.seats = seats
        self.clock = clock
        self.on_input = on_input
        self.path = path
        self.sockets: dict[int, AgentSocket] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        # accepted, not_found, foreign_origin, overloaded, no_handshake, protocol_error, binary, not_utf8, slow, silent, error
        self.counters: Counter[str] = Counter()
        self._last = 0

    def protocol_class(self) -> type[asyncio.Protocol]:
        """What uvicorn is given as `ws`: it calls it like a class, once for each upgrade request."""
        return cast("type[asyncio.Protocol]", functools.partial(AgentSocket, self))

    def next_number(self) -> int:
        """A number for a new socket."""
        self._last += 1
        return self._last

    def deliver(self) -> None:
        """Write what waits in the outbox."""
        sockets = self.sockets
        for number, item in self.shared.outbox.take_output():
            socket = sockets.get(number)
            if socket is None:
                continue
            if isinstance(item, Close):
                socket.close(item.code, item.reason)
            else:
                socket.write(item)

    def spawn(self, coroutine: Any) -> None:
        """Run an admission or a renewal; kept until it is done."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


class AgentSocket(asyncio.Protocol):
    """One socket of a page."""

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
        if self._wire.parser_exc is not None and not self._closing:
            # The core has put the right close code into the output (1002, 1007 or 1009: RFC 6455 §7.1.7).
            self._gate.counters["protocol_error"] += 1
            self._part()

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
        gate, origin = self._gate, request.headers.get("Origin", "")
        if urlsplit(request.path).path != gate.path:
            response = self._decline("not_found", HTTPStatus.NOT_FOUND, "No socket here.\n")
        elif not gate.seats.knows_origin(origin):
            response = self._decline("foreign_origin", HTTPStatus.FORBIDDEN, "Not from this origin.\n")
        elif len(gate.sockets) >= self._limits.sockets:
            response = self._decline("overloaded", HTTPStatus.SERVICE_UNAVAILABLE, "Too many sockets.\n")
            response.headers["Retry-After"] = "5"
        else:
            response = self._wire.accept(request)
            if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
                gate.counters["no_handshake"] += 1
        self._wire.send_response(response)
        self._flush_wire()
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._closing = True
            self._transport.close()
            return
        gate.counters["accepted"] += 1
        gate.sockets[self._number] = self
        now = gate.clock()
        self._origin = origin
        self._core = Handshake(self._number, gate.shared, now)
        self._ping_at = now + self._limits.ping
        self._arm(now)

    def _decline(self, counter: str, status: HTTPStatus, text: str) -> Response:
        self._gate.counters[counter] += 1
        return self._wire.reject(status, text)

    def _frame_received(self, frame: Frame) -> None:
        """Collect fragments, pass on whole texts; pings were answered by the core (§5.5.3)."""
        if frame.opcode is OP_CLOSE:
            assert self._wire.close_rcvd is not None, "the core has seen the close frame"
            self._clean = self._wire.close_rcvd.code in CLEAN_CODES
            self._flush_wire()
            if not self._closing:
                self._part()
            self._transport.close()
        elif self._closing:
            return
        elif frame.opcode is OP_BINARY:
            self._gate.counters["binary"] += 1
            self.close(UNSUPPORTED_DATA)
        elif frame.opcode in (OP_TEXT, OP_CONT):
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
                    gate.spawn(self._admit(core, hello))
                gate.deliver()
        except Exception:
            self._fail("a page's frame")

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
            self._fail("admission")

    async def _renew(self, session: Session, admitted: Admitted, tab: str) -> None:
        """Give the page a new resume secret."""
        gate = self._gate
        try:
            resume = await gate.admission.renew(admitted.identity, tab, gate.clock())
            session.renewed(resume, gate.admission.renew_at(resume))
            self._arm(gate.clock())
            gate.deliver()
        except Exception:
            self._fail("renewal")

    def _fail(self, what: str) -> None:
        """An error of ours: the peer is told no more than that, the log gets the rest."""
        logger.exception("! socket %d: %s", self._number, what)
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
            gate.spawn(self._renew(core, *due))
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
