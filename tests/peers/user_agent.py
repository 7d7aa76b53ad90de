"""Our own user agent on real sockets, for plays of the library `sip` with peers that were written by others.

    async with Ours() as ours:
        registration = ours.do(lambda agent, now: agent.register(account, now))
        await ours.until(Registered)

Every event is kept; `until` waits for one of a kind that has not been waited for yet, so the order in which a play asks is the order
in which it must have happened.
"""

import asyncio
import secrets
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from sip.account import Account
from sip.agent import UserAgent
from sip.call import Call
from sip.events import CallAnswered, CallConfirmed, CallReceived, Event, Registered
from sip.ids import ByteIds
from sip.registration import Registration
from sip.timers import SessionTimers
from sip.transactions import client
from sip.transport.port import SipPort, bind
from sip.transport.tls import Tls
from sip.uri import Uri
from tests.peers.ports import HOST
from tests.peers.waiting import PATIENCE, until

EventT = TypeVar("EventT")
ResultT = TypeVar("ResultT")
OFFER = (
    b"v=0\r\no=- 4711 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 0 101\r\n"
    b"a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n"
)
ANSWER = OFFER.replace(b"4711", b"4712").replace(b"40000", b"40002")


def on_hold(sdp: bytes) -> bytes:
    """The same description, one version later and inactive."""
    return sdp.replace(b" 1 IN IP4", b" 2 IN IP4").replace(b"a=sendrecv", b"a=inactive")


class Ours:
    """A user agent, its port, and what it has told.

    Args:
        host: the address it is bound to.
        session_timers: what it asks for and accepts (RFC 4028).
        tls: whom it believes over TLS, and what it shows there; None: it speaks no TLS.
        referable: whether it may be told to call somebody (REFER).
    """

    def __init__(
        self,
        *,
        host: str = HOST,
        tls: Tls | None = None,
        session_timers: SessionTimers | None = None,
        referable: bool = False,
    ) -> None:
        sockets = bind(host, tls_port=0 if tls else None)
        self.host = host
        self.agent = UserAgent(
            host=host,
            port=sockets.address[1],
            tls_port=sockets.tls.getsockname()[1] if sockets.tls else None,
            ids=ByteIds(secrets.token_bytes),
            session_timers=session_timers,
            referable=referable,
        )
        self.events: list[Event] = []
        self._heard: set[int] = set()
        self._changed = asyncio.Event()
        self.port = SipPort(self.agent, self._deliver, sockets, tls=tls)

    async def __aenter__(self) -> Self:
        await self.port.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.port.__aexit__(kind, error, trace)

    def do(self, command: Callable[[UserAgent, float], ResultT]) -> ResultT:
        """Give the agent a command; what it says leaves."""
        result = command(self.agent, self.port.now())
        self.port.flush()
        return result

    async def until(
        self,
        kind: type[EventT],
        *,
        where: Callable[[EventT], bool] = lambda event: True,
        within: float = PATIENCE,
    ) -> EventT:
        """Wait for the first event of a kind that no `until` has returned before."""
        try:
            async with asyncio.timeout(within):
                while True:
                    self._changed.clear()
                    for place, event in enumerate(self.events):
                        if place not in self._heard and isinstance(event, kind) and where(event):
                            self._heard.add(place)
                            return event
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"no {kind.__name__} within {within} s, but {self.events}") from None

    async def until_answered(self) -> None:
        """Wait until no request of ours that is no INVITE waits for its answer: a peer that plays a script takes one at a time."""
        clients = self.agent._core.layer._context.clients
        await until(
            lambda: all(one.state not in (client.TRYING, client.PROCEEDING) for one in clients.values()),
            otherwise=lambda: f"not answered: {list(clients)}",
        )

    async def register(self, account: Account) -> Registration:
        """Register, and wait until the registrar has said so."""
        registration = self.do(lambda agent, now: agent.register(account, now))
        await self.until(Registered, where=lambda event: event.registration is registration)
        return registration

    async def talk(self, account: Account, target: Uri, answers: "Ours") -> tuple[Call, Call]:
        """Call a target, which another of ours answers: both confirmed calls."""
        mine = self.do(lambda agent, now: agent.invite(account, target, OFFER, now))
        theirs = (await answers.until(CallReceived)).call
        answers.do(lambda _, now: theirs.ring(now))
        answers.do(lambda _, now: theirs.accept(ANSWER, now))
        await self.until(CallAnswered, where=lambda event: event.call is mine)
        self.do(lambda _, now: mine.acknowledge(now))
        await answers.until(CallConfirmed, where=lambda event: event.call is theirs)
        return mine, theirs

    def _deliver(self, events: list[Event], now: float) -> None:
        self.events += events
        self._changed.set()
