"""Transfers, a call in another's place, and what else goes on inside a call, with peers that were written by others: Asterisk 22, SIPp.

The transferor's call with Asterisk ends as Asterisk likes it: the BYE and the last NOTIFY come in no fixed order.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sip.account import Account
from sip.call import Call
from sip.calls.inside_events import (
    CallReplaced,
    InfoAnswered,
    ReferAccepted,
    ReferEnded,
    ReferProgress,
    ReferReceived,
    RemoteControlRequested,
)
from sip.dtmf import RELAY, relay
from sip.events import CallAnswered, CallConfirmed, CallEnded, CallReceived
from sip.headers import ReplacesHeader
from sip.uri import Uri
from tests.peers.asterisk import Asterisk
from tests.peers.asterisk_config import TONE_HZ
from tests.peers.fixtures import CUSTOMER
from tests.peers.phone import Phone
from tests.peers.phone_call import PhoneCall
from tests.peers.ports import HOST
from tests.peers.processes import Workshop
from tests.peers.sipp import Sipp
from tests.peers.user_agent import ANSWER, OFFER, Ours
from tests.system.stage import DESK, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

LINE = f"{DESK}p"  # our endpoint at the PBX


@pytest.fixture
def pbx(stage: Stage) -> Asterisk:
    return stage.pbx


@pytest.fixture
def customer(stage: Stage) -> Phone:
    return stage.customers


@pytest_asyncio.fixture(loop_scope="session")
async def ours(stage: Stage) -> AsyncIterator[Ours]:
    """Our user agent, which hangs up at the end, before the stage looks whether it is quiet."""
    async with Ours() as started:
        yield started
        for call in started.agent.calls:
            started.do(lambda _, now, call=call: call.bye(now))  # type: ignore[misc]
            await started.until(CallEnded)
        assert started.agent.counters["unforeseen"] == 0


def at(peer: Asterisk | Sipp, number: str) -> Uri:
    """A number at a PBX or a telephone."""
    return Uri("sip", number, None, HOST, peer.sip_port if isinstance(peer, Asterisk) else peer.port)


def account(peer: Asterisk | Sipp, number: str) -> Account:
    """Our line there."""
    return Account(
        at(peer, number), number, f"secret-{number}", Uri("sip", None, None, HOST, at(peer, number).port)
    )


async def connect(ours: Ours, pbx: Asterisk, number: str) -> Call:
    """Our confirmed call to a number of Asterisk's."""
    call = ours.do(lambda agent, now: agent.invite(account(pbx, LINE), at(pbx, number), OFFER, now))
    await ours.until(CallAnswered, where=lambda event: event.call is call)
    ours.do(lambda _, now: call.acknowledge(now))
    return call


async def talk(ours: Ours, pbx: Asterisk, customer: Phone) -> tuple[Call, PhoneCall]:
    """Our call to a customer, and the customer's side of it; Asterisk has brought them together, and may be asked to transfer."""
    before = pbx.manager.position
    call = await connect(ours, pbx, CUSTOMER)
    theirs = await customer.until_answered()
    for channel in (f"PJSIP/{LINE}-*", "PJSIP/customers-*"):
        await pbx.manager.wait_for("BridgeEnter", since=before, Channel=channel)
    return call, theirs


# Asterisk


async def test_asterisk_obeys_a_blind_transfer_and_says_how_it_went(
    ours: Ours, pbx: Asterisk, customer: Phone
) -> None:
    call, theirs = await talk(ours, pbx, customer)
    ours.do(lambda _, now: call.refer(at(pbx, "601"), now))
    await ours.until(ReferAccepted)
    assert (await ours.until(ReferEnded)).status == 200
    await theirs.until_hears(TONE_HZ)
    await theirs.hang_up()


async def test_asterisk_says_that_a_blind_transfer_led_nowhere_and_the_call_goes_on(
    ours: Ours, pbx: Asterisk, customer: Phone
) -> None:
    call, _ = await talk(ours, pbx, customer)
    ours.do(lambda _, now: call.refer(at(pbx, "999"), now))
    assert (await ours.until(ReferEnded)).status == 404  # after its 202
    assert call.state == "confirmed"


async def test_asterisk_obeys_an_attended_transfer(ours: Ours, pbx: Asterisk, customer: Phone) -> None:
    call, theirs = await talk(ours, pbx, customer)
    consultation = await connect(ours, pbx, "601")
    replaces = ReplacesHeader(consultation.id, consultation.remote_tag, consultation.local_tag)
    ours.do(lambda _, now: call.refer(at(pbx, "601"), now, replaces=replaces))
    assert (await ours.until(ReferEnded)).status == 200
    await theirs.until_hears(TONE_HZ)
    await theirs.hang_up()
    ended = await ours.until(CallEnded, where=lambda event: event.call is consultation)
    assert ended.by == "them"


async def test_asterisk_tells_a_phone_to_hold_and_takes_digits_by_info(
    ours: Ours, pbx: Asterisk, customer: Phone
) -> None:
    call, _ = await talk(ours, pbx, customer)
    channels = {channel["Channel"] for channel in await pbx.manager.channels()}
    (ours_there,) = [name for name in channels if name.startswith(f"PJSIP/{LINE}-")]
    for action in ("hold", "talk"):
        await pbx.manager.act("PJSIPNotify", Channel=ours_there, Variable=f"Event={action}")
        assert (await ours.until(RemoteControlRequested)).action == action
    ours.do(lambda _, now: call.info(RELAY, relay("5"), now))
    assert (await ours.until(InfoAnswered)).status == 200


# SIPp


async def test_sipp_is_transferred_and_tells_us_how_it_goes(workshop: Workshop) -> None:
    async with Ours() as ours:
        words = {"final": "486 Busy Here"}
        async with Sipp(workshop, "transferee", pbx=ours.agent.address, number="201", words=words) as phone:
            line = account(phone, "101")
            call = ours.do(lambda agent, now: agent.invite(line, at(phone, "201"), OFFER, now))
            await ours.until(CallAnswered)
            ours.do(lambda _, now: call.acknowledge(now))
            ours.do(lambda _, now: call.refer(at(phone, "202"), now))
            await ours.until(ReferAccepted)
            assert [(await ours.until(ReferProgress)).status for _ in range(2)] == [100, 180]
            ended = await ours.until(ReferEnded)
            assert (ended.status, ended.reason) == (486, "Busy Here")
            ours.do(lambda _, now: call.bye(now))
            await ours.until(CallEnded)
            done = await phone.until_done()
        assert (done.successful, done.failed) == (1, 0)


async def test_sipp_transfers_us_and_hears_how_it_goes(workshop: Workshop) -> None:
    async with Ours(referable=True) as ours:
        words = {"target": "202@pbx.example.com"}
        async with Sipp(
            workshop, "transferor", pbx=ours.agent.address, number="201", dials="101", words=words
        ) as phone:
            call = (await ours.until(CallReceived)).call
            ours.do(lambda _, now: call.accept(ANSWER, now))
            asked = await ours.until(ReferReceived)
            assert (str(asked.refer_to.uri), asked.replaces) == ("sip:202@pbx.example.com", None)
            assert asked.referred_by is not None
            assert asked.referred_by.uri.user == "201"
            ours.do(lambda _, now: asked.refer.accept(now))
            await ours.until_answered()
            ours.do(lambda _, now: asked.refer.progress(180, now))
            await ours.until_answered()
            ours.do(lambda _, now: asked.refer.progress(200, now))
            await ours.until(CallEnded)
            done = await phone.until_done()
        assert (done.successful, done.failed) == (1, 0)


async def test_sipp_takes_the_place_of_a_call_of_ours(workshop: Workshop) -> None:
    async with Ours() as ours, Ours() as other:
        line = Account(
            Uri("sip", "101", None, HOST), "101", "", Uri("sip", None, None, HOST, other.agent.address[1])
        )
        target = Uri("sip", "102", None, HOST, other.agent.address[1])
        old, _ = await ours.talk(line, target, other)
        words = {"replaces": f"{old.id};to-tag={old.local_tag};from-tag={old.remote_tag}"}
        async with Sipp(
            workshop, "takeover", pbx=ours.agent.address, number="201", dials="101", words=words
        ) as phone:
            heir = (await ours.until(CallReceived)).call
            ours.do(lambda _, now: heir.accept_replacing(ANSWER, now))
            assert (await ours.until(CallReplaced)).call is old
            assert (await ours.until(CallEnded)).call is old
            assert (await other.until(CallEnded)).by == "them"
            await ours.until(CallConfirmed)
            ours.do(lambda _, now: heir.bye(now))
            await ours.until(CallEnded)
            done = await phone.until_done()
        assert (done.successful, done.failed) == (1, 0)
