"""Our user agent and baresip, a telephone that was written by others, over a real Kamailio, in a network namespace.

Whether a telephone has understood our description is seen by its RTP, which comes to the port that was named in it.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from sip.account import Account
from sip.call import Call
from sip.events import (
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallProceeding,
    CallReceived,
    EndCause,
    OfferAccepted,
    OfferReceived,
)
from sip.sdp import Sdp
from tests.peers.baresip import Baresip
from tests.peers.kamailio import DOMAIN, Kamailio
from tests.peers.namespace import Namespace
from tests.peers.processes import Workshop
from tests.peers.user_agent import ANSWER, OFFER, Ours, on_hold
from tests.peers.waiting import PATIENCE

pytestmark = pytest.mark.system


@dataclass
class Talk:
    """Whoever is there."""

    ours: Ours
    account: Account
    phone: Baresip
    proxy: Kamailio
    media: socket.socket

    def sdp(self, text: bytes = OFFER) -> bytes:
        """A description whose sound goes to `media`."""
        host, port = self.media.getsockname()
        for number in (b"40000", b"40002"):
            text = text.replace(number, str(port).encode())
        return text.replace(b"127.0.0.1", host.encode())

    async def until_heard(self) -> None:
        """Wait for a packet of PCMA (RFC 3550 §5.1: version 2; RFC 3551: type 8)."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE):
            while True:
                packet = await loop.sock_recv(self.media, 2048)
                if packet[0] >> 6 == 2 and packet[1] & 0x7F == 8:
                    return

    async def answered_call(self) -> Call:
        """We call the telephone, which answers."""
        call = self.ours.do(
            lambda agent, now: agent.invite(self.account, self.proxy.uri("202"), self.sdp(), now)
        )
        await self.phone.until("CALL_INCOMING")
        assert (await self.ours.until(CallProceeding)).status in (180, 183)
        await self.phone.command("accept")
        await self.ours.until(CallAnswered)
        self.ours.do(lambda _, now: call.acknowledge(now))
        await self.phone.until("CALL_ESTABLISHED")
        return call


@pytest.fixture
def island(workshop: Workshop) -> Iterator[Namespace]:
    with Namespace(workshop) as made:
        yield made


@pytest.fixture
async def talk(workshop: Workshop, island: Namespace) -> AsyncIterator[Talk]:
    async with (
        Kamailio(workshop, host=island.outside) as proxy,
        Ours(host=island.outside) as ours,
        Baresip(island, number="202", registrar=proxy.address, domain=DOMAIN, password="secret-202") as phone,
    ):
        account = proxy.account("201")
        await ours.register(account)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
            media.bind((island.outside, 0))
            media.setblocking(False)
            yield Talk(ours, account, phone, proxy, media)


async def test_it_answers_our_call_speaks_is_held_and_hangs_up(talk: Talk) -> None:
    call = await talk.answered_call()
    await talk.until_heard()

    talk.ours.do(lambda _, now: call.reinvite(on_hold(talk.sdp()), now))
    held = (await talk.ours.until(OfferAccepted)).sdp
    assert held is not None
    assert Sdp.parse(held).direction() == "inactive"

    talk.ours.do(lambda _, now: call.reinvite(talk.sdp().replace(b" 1 IN", b" 3 IN"), now))
    resumed = (await talk.ours.until(OfferAccepted)).sdp
    assert resumed is not None
    assert Sdp.parse(resumed).direction() == "sendrecv"

    await talk.phone.command("hangup")
    ended = await talk.ours.until(CallEnded)
    assert (ended.by, ended.cause) == ("them", EndCause.HUNG_UP)


async def test_it_holds_and_resumes_us(talk: Talk) -> None:
    call = await talk.answered_call()
    await talk.phone.command("hold")
    offered = await talk.ours.until(OfferReceived)
    assert offered.sdp is not None
    assert Sdp.parse(offered.sdp).direction() == "sendonly"
    answer = talk.sdp(ANSWER).replace(b"sendrecv", b"recvonly")
    talk.ours.do(lambda _, now: call.answer_offer(answer, now))

    await talk.phone.command("resume")
    offered = await talk.ours.until(OfferReceived)
    assert offered.sdp is not None
    assert Sdp.parse(offered.sdp).direction() == "sendrecv"
    talk.ours.do(lambda _, now: call.answer_offer(talk.sdp(ANSWER), now))

    talk.ours.do(lambda _, now: call.bye(now))
    assert (await talk.ours.until(CallEnded)).by == "us"
    await talk.phone.until("CALL_CLOSED")


async def test_it_calls_us_and_is_answered(talk: Talk) -> None:
    await talk.phone.command("dial", f"sip:201@{DOMAIN}")
    call = (await talk.ours.until(CallReceived)).call
    assert call.remote.uri.user == "202"
    talk.ours.do(lambda _, now: call.ring(now))
    await talk.phone.until("CALL_RINGING")
    talk.ours.do(lambda _, now: call.accept(talk.sdp(ANSWER), now))
    await talk.ours.until(CallConfirmed)
    await talk.until_heard()
    talk.ours.do(lambda _, now: call.bye(now))
    await talk.phone.until("CALL_CLOSED")


async def test_it_gives_up_while_it_rings_here(talk: Talk) -> None:
    await talk.phone.command("dial", f"sip:201@{DOMAIN}")
    call = (await talk.ours.until(CallReceived)).call
    talk.ours.do(lambda _, now: call.ring(now))
    await talk.phone.until("CALL_RINGING")
    await talk.phone.command("hangup")
    ended = await talk.ours.until(CallEnded)
    assert (ended.call, ended.cause) == (call, EndCause.CANCELLED)


async def test_it_is_refused_and_refuses(talk: Talk) -> None:
    await talk.phone.command("dial", f"sip:201@{DOMAIN}")
    call = (await talk.ours.until(CallReceived)).call
    talk.ours.do(lambda _, now: call.reject(486, now))
    closed = await talk.phone.until("CALL_CLOSED")
    assert "486" in closed["param"]

    talk.ours.do(lambda agent, now: agent.invite(talk.account, talk.proxy.uri("202"), talk.sdp(), now))
    await talk.phone.until("CALL_INCOMING")
    await talk.phone.command("hangup")
    ended = await talk.ours.until(CallEnded, where=lambda event: event.by == "them")
    assert ended.status in (486, 603)
