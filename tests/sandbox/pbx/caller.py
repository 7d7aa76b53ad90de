"""A softphone with sound for the tests of the exchange: our own user agent over a socket, an RTP leg or an aiortc peer for its ears.

The legs are the exchange's own classes, standing on the other side: what one says, the other must hear.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from sandbox.pbx.media import MediaLeg
from sandbox.pbx.real_media import RealMedia
from sandbox.pbx.sound.frames import FRAME_SECONDS, Loop, tone
from sandbox.pbx.sound.heard import Heard
from sandbox.pbx.views import Sound
from sip.account import Account
from sip.agent import UserAgent
from sip.call import Call
from sip.events import CallAnswered, Event, OfferAccepted, Registered
from sip.headers import ReplacesHeader
from sip.ids import ByteIds
from sip.transport.port import SipPort, bind
from sip.uri import Uri

EventT = TypeVar("EventT")
PATIENCE = 60.0  # seconds; a machine with two busy cores


async def until(true: Callable[[], bool], what: str) -> None:
    """Look until something is true; fails with its name. Sound tells nobody when it changes, so it is looked at."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not true():
        assert asyncio.get_running_loop().time() < deadline, what
        await asyncio.sleep(0.01)


@dataclass
class Line:
    """One call's media at the softphone: what it says (a tone), what it hears."""

    leg: MediaLeg
    heard: Heard = field(default_factory=Heard)
    ready: "asyncio.Future[bytes | None]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    async def hears(self, frequency: float) -> Sound:
        """Wait until nothing but that tone was heard for a second (within 3 Hz)."""
        await until(lambda: abs(self.heard.sound().frequency - frequency) < 3, f"{frequency} Hz")
        return self.heard.sound()

    async def hears_nothing(self) -> None:
        await until(lambda: self.heard.sound().energy < 1e-6, "silence")


class _User:
    """MediaUser: gives the description to whoever waits for it."""

    def __init__(self) -> None:
        self.future: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()

    def sdp_ready(self, sdp: bytes | None) -> None:
        self.future.set_result(sdp)


@dataclass
class Softphone:
    """A registered telephone with real sockets; `browser` chooses WebRTC or RTP."""

    account: Account
    agent: UserAgent
    port: SipPort
    media: RealMedia
    browser: bool
    events: list[Event] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    async def told(self, kind: type[EventT], call: Call | None = None) -> EventT:
        """Wait for an event of that kind (of that call), and take it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for event in self.events:
                    if isinstance(event, kind) and (call is None or getattr(event, "call", None) is call):
                        self.events.remove(event)
                        return event
                await asyncio.sleep(0.005)

    async def line(self, frequency: float, offer: bytes | None = None) -> tuple[Line, bytes]:
        """A new leg that says a tone, with its offer, or its answer to `offer`."""
        user = _User()
        line = Line(self.media.leg(user, browser=self.browser))
        line.leg.listen(Loop(tone(frequency)))
        if offer is None:
            line.leg.make_offer()
        else:
            line.leg.take_offer(offer)
        sdp = await user.future
        assert sdp is not None
        self.lines.append(line)
        return line, sdp

    async def dial(
        self, number: str, frequency: float, replaces: ReplacesHeader | None = None
    ) -> tuple[Call, Line, bytes]:
        """Call a number and talk; the call, its line and the offer."""
        line, offer = await self.line(frequency)
        target = Uri("sip", number, None, "127.0.0.1")
        call = self.agent.invite(self.account, target, offer, self.port.now(), replaces=replaces)
        self.port.flush()
        answer = (await self.told(CallAnswered, call)).sdp
        assert answer is not None
        call.acknowledge(self.port.now())
        self.port.flush()
        line.leg.take_answer(answer)
        return call, line, offer

    async def reoffer(self, call: Call, sdp: bytes) -> bytes:
        """Re-INVITE; the answer."""
        call.reinvite(sdp, self.port.now())
        self.port.flush()
        answer = (await self.told(OfferAccepted, call)).sdp
        assert answer is not None
        return answer

    async def listen(self) -> None:
        """Hear, and send the next frames, every 20 ms."""
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while True:
            self.media.tick()
            for line in self.lines:
                line.heard.put(line.leg.voice.read())
            next_at += FRAME_SECONDS
            await asyncio.sleep(max(0.0, next_at - loop.time()))


@asynccontextmanager
async def softphone(
    exchange: tuple[str, int], extension: str, password: str, *, browser: bool
) -> AsyncIterator[Softphone]:
    """A softphone that is registered at the exchange, and gone without a trace afterwards."""
    sockets = bind("127.0.0.1")
    host, port = sockets.address
    product = "Trubka tests" if browser else "Desk"
    agent = UserAgent(host=host, port=port, ids=ByteIds(secrets.token_bytes), product=product)
    registrar = Uri("sip", None, None, exchange[0], exchange[1])
    account = Account(Uri("sip", extension, None, exchange[0]), extension, password, registrar, exchange)
    media = RealMedia("127.0.0.1", loopback_only=True)
    events: list[Event] = []
    sip_port = SipPort(agent, lambda new, now: events.extend(new), sockets)
    phone = Softphone(account, agent, sip_port, media, browser, events)
    async with sip_port:
        agent.register(account, sip_port.now())
        sip_port.flush()
        await phone.told(Registered)
        listening = asyncio.get_running_loop().create_task(phone.listen())
        try:
            yield phone
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            for line in phone.lines:
                line.leg.close()
            await media.close()
