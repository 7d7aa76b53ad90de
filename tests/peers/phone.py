"""A telephone of the tests: a customer, or the one on the desk. Plain SIP over UDP (RFC 3261), with a voice of its own.

    async with Phone("101", pbx=pbx.address, password="secret-101", frequency=500, manner=answers(after=0.2)) as desk:
        await desk.register()
        call = await desk.until_ringing()
        await call.until_hears(440)

It is not built on `sip/`: it judges it. One phone carries any number of calls at a time; `manners` sets how each dialled number
is treated, `manner` all others.
"""

import asyncio
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.peers.phone_call import PhoneCall
from tests.peers.ports import HOST
from tests.peers.sip_socket import Address, SipSocket
from tests.peers.sip_text import Header, Message, host_port, user
from tests.peers.waiting import PATIENCE

_REASONS = {404: "Not Found", 480: "Temporarily Unavailable", 486: "Busy Here", 603: "Decline"}


@dataclass(frozen=True)
class Manner:
    """How an incoming call is treated. Neither answered nor refused: it rings for ever (or, without `rings`, stays dead)."""

    answer_after: float | None = None
    refuse: int | None = None
    rings: bool = True


RINGS = Manner()
DEAD = Manner(rings=False)


def answers(after: float = 0.0) -> Manner:
    return Manner(answer_after=after)


def refuses(status: int = 486) -> Manner:
    return Manner(refuse=status)


class Phone:
    """One UDP port and the calls on it. Leaving the context closes it without a farewell, as a pulled plug does."""

    def __init__(
        self,
        number: str,
        *,
        pbx: Address | None = None,
        password: str = "",
        port: int | None = None,
        frequency: float | None = None,
        manner: Manner = RINGS,
    ) -> None:
        self.number = number
        self.pbx = pbx  # may be set later: a customers' phone is born before the PBX that is told its port
        self.credentials = (number, password)
        self.frequency = frequency
        self.manner = self._usual = manner
        self.manners: dict[str, Manner] = {}
        self.calls: list[PhoneCall] = []
        self.socket = SipSocket(port, self._take_request, self._take_repeated_ok)
        self._arrived = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []

    @property
    def port(self) -> int:
        return self.socket.port

    @property
    def contact(self) -> str:
        return f"sip:{self.number}@{HOST}:{self.port}"

    @property
    def registrar(self) -> Address:
        assert self.pbx is not None, "this phone was not told its PBX"
        return self.pbx

    async def register(self, expires: int = 300) -> None:
        """Register with the PBX (0: leave it). Raises AssertionError when it refuses."""
        own = f"<sip:{self.number}@{HOST}>"
        tag, call_id = secrets.token_hex(6), secrets.token_hex(10)

        def build(extra: list[Header]) -> Message:
            headers = [
                ("Max-Forwards", "70"),
                ("From", f"{own};tag={tag}"),
                ("To", own),
                ("Call-ID", call_id),
                ("CSeq", f"{1 + len(extra)} REGISTER"),
                ("Contact", f"<{self.contact}>"),
                ("Expires", str(expires)),
            ]
            return Message(f"REGISTER sip:{HOST}:{self.registrar[1]} SIP/2.0", [*headers, *extra])

        answer = await self.socket.ask(build, self.registrar, self.credentials)
        assert answer.status == 200, f"{self.number} could not register: {answer.start}"

    async def dial(
        self, number: str, *, headers: list[Header] | None = None, body: bytes | None = None
    ) -> PhoneCall:
        """Call a number through the PBX. `body`: a description sent as it is, the sound living elsewhere."""
        call = PhoneCall(
            self, direction="out", number=number, caller=self.number, call_id=secrets.token_hex(10)
        )
        call.target = f"sip:{number}@{HOST}:{self.registrar[1]}"
        call.local = f'"{self.number}" <sip:{self.number}@{HOST}>;tag={call.local_tag}'
        call.remote = f"<{call.target}>"
        call.body = body
        await self._take_up(call)
        self.spawn(call.invite_them(headers or []))
        return call

    @property
    def incoming(self) -> list[PhoneCall]:
        """The calls that came in, oldest first."""
        return [call for call in self.calls if call.direction == "in"]

    async def until_ringing(self, number: int = 1, within: float = PATIENCE) -> PhoneCall:
        """The first (second, …) incoming call of this phone, as soon as it rings or is further on."""
        try:
            async with asyncio.timeout(within):
                while len(self.incoming) < number:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            raise TimeoutError(
                f"{self.number}: {len(self.incoming)} incoming calls in {within} s, not {number}"
            ) from None
        return await self.incoming[number - 1].until_ringing(within)

    async def until_called(self, number: str, within: float = PATIENCE) -> PhoneCall:
        """The incoming call to this dialled number, as soon as it rings or is further on."""
        try:
            async with asyncio.timeout(within):
                while not (found := [call for call in self.incoming if call.number == number]):
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            raise TimeoutError(f"{self.number}: nobody called {number} in {within} s") from None
        return await found[0].until_ringing(within)

    async def until_answered(self, number: int = 1, within: float = PATIENCE) -> PhoneCall:
        return await (await self.until_ringing(number, within)).until_answered(within)

    async def until_ended(self, number: int = 1, within: float = PATIENCE) -> PhoneCall:
        return await (await self.until_ringing(number, within)).until_ended(within)

    async def forget(self) -> None:
        """Drop all calls with their sound, and all manners: who shares this phone begins anew. What comes for those calls gets 481."""
        for call in self.calls:
            await call.sound.close()
        self.calls.clear()
        self.manners.clear()
        self.manner = self._usual

    def next_hop(self, call: PhoneCall) -> Address:
        return host_port(call.routes[0] if call.routes else call.target)

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run in the background; a failure is raised when the phone is closed."""

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and (failure := task.exception()) is not None:
                self._failures.append(failure)

        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(ended)

    async def _take_up(self, call: PhoneCall) -> None:
        await call.sound.open()
        self.calls.append(call)
        self._arrived.set()

    def _find(self, message: Message) -> PhoneCall | None:
        return next((call for call in self.calls if call.call_id == message["Call-ID"]), None)

    def _take_request(self, request: Message) -> None:
        call = self._find(request)
        if call is not None:
            call.take_request(request)
        elif request.method == "INVITE":
            self.spawn(self._be_called(request))
        elif request.method in ("OPTIONS", "NOTIFY"):
            self.socket.reply(request, request.reply(200, "OK", secrets.token_hex(4)))
        elif request.method != "ACK":
            self.socket.reply(
                request, request.reply(481, "Call/Transaction Does Not Exist", secrets.token_hex(4))
            )

    def _take_repeated_ok(self, response: Message) -> None:
        call = self._find(response)
        if call is not None:
            call.acknowledge(response)  # our ACK was lost, or the answer was early: the same ACK again

    async def _be_called(self, invite: Message) -> None:
        number, caller = user(invite.uri), user(invite["From"])
        call = PhoneCall(self, direction="in", number=number, caller=caller, call_id=invite["Call-ID"])
        call.born_of(invite)
        await self._take_up(call)
        manner = self.manners.get(number, self.manner)
        if manner.refuse is not None:
            call.refuse(manner.refuse, _REASONS.get(manner.refuse, "No"))
        elif manner.rings:
            call.ring()
            if manner.answer_after is not None:
                await asyncio.sleep(manner.answer_after)
                call.answer()

    async def __aenter__(self) -> Self:
        await self.socket.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.socket.close()
        for call in self.calls:
            await call.sound.close()
        await asyncio.sleep(0)  # the loop closes its sockets in its next turn
        if self._failures and error is None:
            raise ExceptionGroup(f"the phone {self.number} failed in the background", self._exceptions())

    def _exceptions(self) -> list[Exception]:
        return [failure for failure in self._failures if isinstance(failure, Exception)]
