"""`kill -9` of the gateway in every state a call can be in: what the restart contract (design 6) promises to the people in it.

The sound goes straight from page to PBX, so that it lives on while the gateway is dead. The page keeps it, and says so when it
comes back. What is between two datagrams is reached with a wire that stops one of them.
"""

import asyncio

import pytest

from protocol.codes import Cause
from protocol.entities import Call
from tests.peers.asterisk_config import MUSIC_HZ
from tests.peers.page import Page
from tests.peers.phone import RINGS
from tests.peers.waiting import PATIENCE
from tests.system.stage import Agent, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def kill_and_restart(agent: Agent, page: Page) -> None:
    """The gateway is killed, the page notices; it starts again, the page comes back with what sound it has."""
    began = asyncio.get_running_loop().time()
    agent.gateway.kill()
    await page.until_closed()
    await page.lose_socket()
    await agent.gateway.start()
    await page.reconnect()
    print(f"back {asyncio.get_running_loop().time() - began:.2f} s after the kill")


async def until_confirmed(page: Page, call: str) -> None:
    """Wait until the PBX has said that it still knows the call."""
    await page.until(lambda one: one.state.calls[call].confirmed)


# In a quiet talk, on both journals


@pytest.mark.parametrize("journal", ["sqlite", "postgres"])
@pytest.mark.parametrize("direction", ["out", "in"])
async def test_a_talk_goes_on_and_is_shown_with_its_duration_and_can_be_hung_up(
    stage: Stage, request: pytest.FixtureRequest, journal: str, direction: str
) -> None:
    agent = await stage.agent()
    if journal == "postgres":
        stage.lend(request.getfixturevalue("postgres"))
        agent = await stage.agent("postgres")
    manager = stage.pbx.manager
    async with agent.page() as page:
        call, customer = await (agent.talk(page) if direction == "out" else agent.be_called(page))
        before, position = page.state.calls[call], manager.position
        agent.gateway.kill()
        await agent.until_both_hear(page, call, customer)
        await page.until_closed()
        await page.lose_socket()
        await agent.gateway.start()
        await page.reconnect()
        await until_confirmed(page, call)
        after = page.state.calls[call]
        assert (after.state, after.sound, after.party) == ("talking", "here", before.party)
        assert after.answered_at == pytest.approx(before.answered_at, abs=0.001)
        await agent.until_both_hear(page, call, customer)
        assert manager.seen("Hold", since=position, Channel=agent.channel) == []
        assert len(await manager.channels()) == 2
        await page.hang_up(call)
        await customer.until_ended()
        end = page.state.calls[call].end
        assert end is not None
        assert (end.by, end.cause, customer.ended_by) == ("us", Cause.HUNG_UP, "them")


async def test_a_customer_who_hung_up_meanwhile_ends_the_call_with_a_stated_cause(agent: Agent) -> None:
    async with agent.page() as page:
        call, customer = await agent.talk(page)
        agent.gateway.kill()
        await customer.hang_up()
        await page.until_closed()
        await page.lose_socket()
        await agent.gateway.start()
        await page.reconnect()
        ended = await page.until_call(call, state="ended")
    assert ended.end is not None
    assert ended.end.cause in (
        Cause.GONE_AT_PBX,
        Cause.HUNG_UP,
    )  # the PBX repeats its BYE, which may come first


async def test_a_page_that_is_reloaded_meanwhile_gets_its_call_back(agent: Agent) -> None:
    async with agent.page() as page:
        call, customer = await agent.talk(page)
        agent.gateway.kill()
        await page.vanish()
        await agent.gateway.start()
        await page.open("load")
        await page.until(lambda one: one.state.calls[call].sound == "lost")
        await until_confirmed(page, call)
        await page.reattach_all()
        await agent.until_both_hear(page, call, customer)
        await page.hang_up(call)


# Between a 200 and its ACK


def is_ack(data: bytes) -> bool:
    return data.startswith(b"ACK ")


@pytest.mark.parametrize("direction", ["out", "in"])
async def test_between_200_and_ack_the_call_is_up_after_the_restart(stage: Stage, direction: str) -> None:
    agent = await stage.agent("wired")
    async with agent.page() as page:
        await page.until_line(agent.extension)
        stage.wire.stops = is_ack  # whose 200 was sent, and has not been acknowledged
        if direction == "out":
            number = stage.new_number()
            call = await page.dial(number)
            customer = await stage.customers.until_called(number)
            await stage.wire.until_stopped()
            await page.until_call(call, state="talking")
        else:
            customer = await stage.customers.dial(agent.number)
            call = await page.until_ringing()
            await page.take(call)
            await stage.wire.until_stopped()
        agent.gateway.kill()
        await page.until_closed()
        await page.lose_socket()
        stage.wire.open()
        await agent.gateway.start()
        await page.reconnect()
        await page.until_call(call, state="talking")
        await until_confirmed(page, call)
        await agent.until_both_hear(page, call, customer)
        assert len(await stage.pbx.manager.channels()) == 2
        await page.hang_up(call)
        await customer.until_ended()
        await agent.until_written(0)


async def test_a_200_that_was_never_written_down_is_acknowledged_and_ended(stage: Stage) -> None:
    agent = await stage.agent("wired")
    number = stage.new_number()
    async with agent.page() as page:
        await page.until_line(agent.extension)
        stage.wire.stops = lambda data: data.startswith(b"SIP/2.0 200") and b" INVITE\r\n" in data
        call = await page.dial(number)
        customer = await (await stage.customers.until_called(number)).until_answered()
        await stage.wire.until_stopped()
        agent.gateway.kill()
        await page.until_closed()
        await page.lose_socket()
        stage.wire.open()
        await agent.gateway.start()
        await customer.until_ended()
        await page.reconnect()
        ended = await page.until_call(call, state="ended")
        await agent.until_written(0)
    assert ended.end is not None
    assert ended.end.cause is Cause.GATEWAY_RESTARTED


# During a reload


def is_settled(call: Call) -> bool:
    return not call.pending and call.sound in ("here", "lost")


@pytest.mark.parametrize("lost", ["question", "answer", "answer and old leg"])
async def test_during_replaces_the_customer_is_kept(stage: Stage, lost: str) -> None:
    """The INVITE with Replaces did not reach the PBX; or its 200 did not reach us, and the customer is in the new dialog, while
    the old one is still known to us or ended already."""
    agent = await stage.agent("wired")
    async with agent.page() as page:
        call, customer = await agent.talk(page)
        before = page.state.calls[call]
        await page.leave()
        await customer.until_hears(MUSIC_HZ)
        await page.open("load")
        asked, answered = b"INVITE sip:", b"SIP/2.0 200"
        stage.wire.stops = lambda data: (
            data.startswith(asked if lost == "question" else answered) and b" INVITE\r\n" in data
        )
        await page.reattach(call)
        await stage.wire.until_stopped()
        if lost == "answer and old leg":
            await agent.until_written(1)
        agent.gateway.kill()
        await page.until_closed()
        await page.lose_socket()
        stage.wire.open()
        await agent.gateway.start()
        await page.reconnect()
        await page.until(lambda one: is_settled(one.state.calls[call]), within=2 * PATIENCE)
        if page.state.calls[call].sound == "lost":  # no answer came, or it came before the page
            await page.reattach(call)
        shown = await page.until_call(call, state="talking")
        assert shown.answered_at == pytest.approx(before.answered_at, abs=0.001)
        await agent.until_both_hear(page, call, customer)
        assert customer.state == "talking"
        assert page.living == [call]
        await page.hang_up(call)
        await customer.until_ended()
        await agent.until_written(0)


# On hold


async def test_a_held_call_is_not_held_again_and_can_be_taken_back(agent: Agent, stage: Stage) -> None:
    manager = stage.pbx.manager
    async with agent.page() as page:
        call, customer = await agent.talk(page)
        await page.hold(call)
        await customer.until_hears(MUSIC_HZ)
        position = manager.position
        await kill_and_restart(agent, page)
        await until_confirmed(page, call)
        assert page.state_of(call) == "held"
        await customer.until_hears(MUSIC_HZ)
        await page.resume(call)
        await manager.wait_for("Unhold", since=position, Channel=agent.channel)
        assert manager.seen("Hold", since=position, Channel=agent.channel) == []
        await agent.until_both_hear(page, call, customer)
        await page.hang_up(call)


# Ringing


async def test_a_customer_who_still_rings_is_left_in_peace(agent: Agent, stage: Stage) -> None:
    number = stage.new_number()
    stage.customers.manners[number] = RINGS
    async with agent.page() as page:
        await page.until_line(agent.extension)
        call = await page.dial(number)
        customer = await stage.customers.until_called(number)
        await page.until_call(call, state="ringing")
        await kill_and_restart(agent, page)
        await customer.until_ended()
        ended = await page.until_call(call, state="ended")
    assert (customer.status, customer.ended_by) == (487, "them")
    assert ended.end is not None
    assert ended.end.cause is Cause.GATEWAY_RESTARTED


async def test_a_customer_who_answers_while_the_gateway_is_dead_is_not_left_in_silence(
    agent: Agent, stage: Stage
) -> None:
    number = stage.new_number()
    stage.customers.manners[number] = RINGS
    async with agent.page() as page:
        await page.until_line(agent.extension)
        call = await page.dial(number)
        customer = await stage.customers.until_called(number)
        await page.until_call(call, state="ringing")
        agent.gateway.kill()
        customer.answer()
        await customer.until_answered()
        await page.until_closed()
        await page.lose_socket()
        await agent.gateway.start()
        await customer.until_ended()
        await page.reconnect()
        ended = await page.until_call(call, state="ended")
    assert customer.ended_by == "them"
    assert ended.end is not None
    assert ended.end.cause is Cause.GATEWAY_RESTARTED


async def test_a_call_that_rings_here_rings_on_and_is_answered_after_the_restart(
    agent: Agent, stage: Stage
) -> None:
    async with agent.page() as page:
        await page.until_line(agent.extension)
        calling = await stage.customers.dial(agent.number)
        call = await page.until_ringing()
        await calling.until_ringing()
        await agent.until_written(1)
        await kill_and_restart(agent, page)
        await page.until_call(call, state="incoming")
        assert calling.state == "ringing"
        await page.answer(call)
        await agent.until_both_hear(page, call, calling)
        await page.hang_up(call)
        await calling.until_ended()
