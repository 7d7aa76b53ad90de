"""Registration and outgoing calls, from a page's command to a customer's telephone and back; every end with its cause."""

import pytest

from protocol.codes import Cause, Code
from protocol.commands import Dtmf, HangUp, Mute
from tests.peers.asterisk_config import EARLY_HZ, MUSIC_HZ
from tests.peers.fixtures import CUSTOMER_HZ
from tests.peers.page_wire import RefusedError
from tests.peers.phone import RINGS, refuses
from tests.system.stage import AGENT_HZ, BY_TCP, MISTYPED, Agent, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


# Registration


async def test_a_line_registers_and_the_pbx_reaches_it_at_the_gateways_one_port(
    agent: Agent, stage: Stage
) -> None:
    async with agent.page() as page:
        await page.until_line(agent.extension)
    (contact,) = await stage.pbx.contacts(f"{agent.extension}p")
    assert contact.endswith(f"@127.0.0.1:{agent.gateway.sip_port}")


async def test_a_line_by_tcp_registers_and_carries_calls_both_ways(stage: Stage) -> None:
    agent = Agent(stage, await stage.gateway("plain"), BY_TCP)
    async with agent.page() as page:
        call, customer = await agent.talk(page)
        (contact,) = await stage.pbx.contacts(f"{BY_TCP}p")
        assert "transport=tcp" in contact.lower()
        await page.hold(call)
        await page.resume(call)
        await customer.hang_up()
        await page.until_call(call, state="ended")
        call, _ = await agent.be_called(page)
        await page.hang_up(call)


async def test_a_wrong_password_is_said_on_the_line_and_to_whoever_dials(stage: Stage) -> None:
    agent = Agent(stage, await stage.gateway("plain"), MISTYPED)
    async with agent.page() as page:
        await page.until_line(MISTYPED, "failed")
        assert page.state.lines[MISTYPED].reason == Code.LINE_REFUSED
        with pytest.raises(RefusedError) as error:
            await page.dial(stage.new_number())
    assert error.value.refused.code == Code.LINE_REFUSED
    assert error.value.refused.message
    assert await stage.pbx.contacts(f"{MISTYPED}p") == []


# Outgoing calls


async def test_a_customer_rings_then_both_hear_each_other_and_the_customer_hangs_up(
    agent: Agent, stage: Stage
) -> None:
    number = stage.new_number()
    stage.customers.manners[number] = RINGS
    async with agent.page() as page:
        await page.until_line(agent.extension)
        call = await page.dial(number)
        customer = await stage.customers.until_called(number)
        shown = await page.until_call(call, state="ringing")
        assert (shown.party.number, shown.direction) == (number, "out")
        assert (customer.caller, shown.answered_at) == (agent.extension, None)
        customer.answer()
        talking = await page.until_call(call, state="talking")
        await agent.until_both_hear(page, call, customer)
        await customer.hang_up()
        ended = await page.until_call(call, state="ended")
    assert talking.answered_at is not None
    assert ended.answered_at == talking.answered_at
    assert ended.end is not None
    assert (ended.end.by, ended.end.cause) == ("them", Cause.HUNG_UP)


async def test_the_agent_hangs_up(agent: Agent) -> None:
    async with agent.page() as page:
        call, customer = await agent.talk(page)
        await page.hang_up(call)
        await customer.until_ended()
        end = page.state.calls[call].end
    assert end is not None
    assert (end.by, end.cause, customer.ended_by) == ("us", Cause.HUNG_UP, "them")


@pytest.mark.parametrize(
    ("status", "cause"),
    [(486, Cause.BUSY), (480, Cause.NO_ANSWER), (404, Cause.NOT_FOUND), (603, Cause.REJECTED)],
)
async def test_what_the_customer_refuses_with_is_the_cause_on_the_page(
    agent: Agent, stage: Stage, status: int, cause: Cause
) -> None:
    number = stage.new_number()
    stage.customers.manners[number] = refuses(status)
    async with agent.page() as page:
        await page.until_line(agent.extension)
        ended = await page.until_call(await page.dial(number), state="ended")
    assert ended.end is not None
    assert (ended.end.by, ended.end.cause, ended.answered_at) == ("them", cause, None)


async def test_a_number_that_the_pbx_does_not_know_is_not_found(agent: Agent) -> None:
    async with agent.page() as page:
        await page.until_line(agent.extension)
        ended = await page.until_call(await page.dial("999"), state="ended")
    assert ended.end is not None
    assert (ended.end.cause, ended.end.status) == (Cause.NOT_FOUND, 404)


async def test_hanging_up_while_it_rings_stops_the_customers_bell(agent: Agent, stage: Stage) -> None:
    number = stage.new_number()
    stage.customers.manners[number] = RINGS
    async with agent.page() as page:
        await page.until_line(agent.extension)
        call = await page.dial(number)
        customer = await stage.customers.until_called(number)
        await page.until_call(call, state="ringing")
        await page.command(HangUp(page.next_id(), call))
        await customer.until_ended()
        ended = await page.until_call(call, state="ended")
    assert (customer.status, customer.ended_by) == (487, "them")
    assert ended.end is not None
    assert (ended.end.by, ended.end.cause) == ("us", Cause.CANCELLED)


async def test_early_sound_of_the_pbx_is_heard_before_anybody_answers(agent: Agent) -> None:
    async with agent.page() as page:
        await page.until_line(agent.extension)
        call = await page.dial("604")
        await page.sounds[call].until_hears(EARLY_HZ)
        assert page.state_of(call) != "talking"
        await page.hang_up(call)


async def test_digits_reach_the_customer(agent: Agent) -> None:
    async with agent.page() as page:
        call, customer = await agent.talk(page)
        page.sounds[call].press("0123456789*#")
        await page.command(Dtmf(page.next_id(), call, "0123456789*#"))
        await customer.sound.until_pressed("0123456789*#")
        await page.hang_up(call)


async def test_a_muted_agent_is_not_heard_and_hears_on(agent: Agent) -> None:
    async with agent.page() as page:
        call, customer = await agent.talk(page)
        page.sounds[call].speaking = False  # the page switches its own microphone, and says so
        await page.command(Mute(page.next_id(), call, on=True))
        await page.until(lambda one: one.state.calls[call].muted)
        await customer.until_silent()
        await page.sounds[call].until_hears(CUSTOMER_HZ)
        page.sounds[call].speaking = True
        await page.command(Mute(page.next_id(), call, on=False))
        await page.until(lambda one: not one.state.calls[call].muted)
        await customer.until_hears(AGENT_HZ)
        await page.hang_up(call)


async def test_the_call_before_is_held_for_a_new_one_and_comes_back_when_nobody_answers(
    agent: Agent, stage: Stage
) -> None:
    busy = stage.new_number()
    stage.customers.manners[busy] = refuses(486)
    async with agent.page() as page:
        first, customer = await agent.talk(page)
        second = await page.dial(busy)
        await page.until_call(second, state="ended")
        await page.until_call(first, state="talking")
        await agent.until_both_hear(page, first, customer)
        third, other = await agent.talk(page)
        await page.until_call(first, state="held")
        await customer.until_hears(MUSIC_HZ)
        assert (await page.until_call(third, state="talking")).hold.us is False
        await page.hang_up(third)
        await page.hang_up(first)
        await other.until_ended()
