"""Calls through a wire that loses datagrams between the gateway and the PBX: each ends in the right state on both sides, none doubled.

The PBX and the gateway repeat what was lost by SIP's own timers. Ten agents are at work at the same time.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from protocol.codes import Cause
from protocol.commands import HangUp
from protocol.entities import End
from tests.peers.page import Page
from tests.peers.phone import RINGS, answers, refuses
from tests.peers.waiting import PATIENCE
from tests.system.stage import Agent, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONG = 2 * PATIENCE  # seconds: a request is repeated for 32, and one call has several
Play = Callable[[Agent, Stage, Page], Awaitable[None]]


async def end_of(page: Page, call: str) -> End:
    end = (await page.until_call(call, state="ended", within=LONG)).end
    assert end is not None
    return end


async def customer_hangs_up(agent: Agent, stage: Stage, page: Page) -> None:
    number = stage.new_number()
    stage.customers.manners[number] = answers(after=0.2)
    call = await page.dial(number)
    customer = await stage.customers.until_called(number, within=LONG)
    await customer.until_answered(within=LONG)
    await page.until_call(call, state="talking", within=LONG)
    await customer.hang_up()
    end = await end_of(page, call)
    assert (end.by, end.cause) == ("them", Cause.HUNG_UP)
    assert [one.number for one in stage.customers.incoming].count(number) == 1


async def agent_hangs_up(agent: Agent, stage: Stage, page: Page) -> None:
    number = stage.new_number()
    call = await page.dial(number)
    customer = await stage.customers.until_called(number, within=LONG)
    await page.until_call(call, state="talking", within=LONG)
    await page.command(HangUp(page.next_id(), call))
    end = await end_of(page, call)
    await customer.until_ended(within=LONG)
    assert (end.by, end.cause, customer.ended_by) == ("us", Cause.HUNG_UP, "them")
    assert [one.number for one in stage.customers.incoming].count(number) == 1


async def customer_is_busy(agent: Agent, stage: Stage, page: Page) -> None:
    number = stage.new_number()
    stage.customers.manners[number] = refuses(486)
    call = await page.dial(number)
    end = await end_of(page, call)
    assert (end.by, end.cause) == ("them", Cause.BUSY)
    assert [one.number for one in stage.customers.incoming].count(number) == 1


async def agent_gives_up(agent: Agent, stage: Stage, page: Page) -> None:
    number = stage.new_number()
    stage.customers.manners[number] = RINGS
    call = await page.dial(number)
    customer = await stage.customers.until_called(number, within=LONG)
    await page.command(HangUp(page.next_id(), call))
    end = await end_of(page, call)
    await customer.until_ended(within=LONG)
    assert (end.by, end.cause, customer.status) == ("us", Cause.CANCELLED, 487)


async def agent_answers(agent: Agent, stage: Stage, page: Page) -> None:
    calling = await stage.customers.dial(agent.number)
    call = await page.until_ringing(within=LONG)
    await page.take(call)
    await page.until_call(call, state="talking", within=LONG)
    await calling.until_answered(within=LONG)
    await page.command(HangUp(page.next_id(), call))
    end = await end_of(page, call)
    await calling.until_ended(within=LONG)
    assert (end.by, end.cause, calling.ended_by) == ("us", Cause.HUNG_UP, "them")


async def caller_gives_up(agent: Agent, stage: Stage, page: Page) -> None:
    calling = await stage.customers.dial(agent.number)
    call = await page.until_ringing(within=LONG)
    await calling.cancel()
    end = await end_of(page, call)
    await calling.until_ended(within=LONG)
    assert (end.by, end.cause, calling.status) == ("them", Cause.MISSED, 487)


async def customer_is_held(agent: Agent, stage: Stage, page: Page) -> None:
    number = stage.new_number()
    call = await page.dial(number)
    customer = await stage.customers.until_called(number, within=LONG)
    await page.until_call(call, state="talking", within=LONG)
    await page.hold(call, within=LONG)
    await page.resume(call, within=LONG)
    await customer.hang_up()
    end = await end_of(page, call)
    assert (end.by, end.cause) == ("them", Cause.HUNG_UP)


PLAYS: tuple[Play, ...] = (
    customer_hangs_up,
    agent_answers,
    customer_is_busy,
    agent_hangs_up,
    caller_gives_up,
    agent_gives_up,
    customer_is_held,
)


async def play(agent: Agent, stage: Stage, first: int, rounds: int) -> None:
    async with agent.page(frequency=None) as page:
        await page.until_line(agent.extension, within=LONG)
        for turn in range(rounds):
            await PLAYS[(first + turn) % len(PLAYS)](agent, stage, page)
            assert page.living == [], "a call was doubled"


async def play_all(stage: Stage, loss: float, rounds: int) -> None:
    """Ten agents at a time, `rounds` calls each."""
    team = await stage.team("wired")
    before = stage.pbx.manager.position
    stage.wire.loss = loss
    try:
        async with asyncio.TaskGroup() as group:
            for place, agent in enumerate(team):
                group.create_task(play(agent, stage, place, rounds))
    finally:
        seen = stage.wire.to_target.seen + stage.wire.from_target.seen
        lost = stage.wire.to_target.lost + stage.wire.from_target.lost
        print(f"{lost} of {seen} datagrams were lost so far")
        stage.wire.open()
    await stage.until_quiet(within=LONG)
    legs = stage.pbx.manager.seen("Newchannel", since=before, Channel="PJSIP/1*p-*")
    assert len(legs) == len(team) * rounds, "a call was doubled, or one did not happen"


@pytest.mark.parametrize("loss", [0.1, 0.2])
async def test_ten_calls_through_loss_end_in_the_right_state_on_both_sides(stage: Stage, loss: float) -> None:
    await play_all(stage, loss, rounds=1)


@pytest.mark.plays
@pytest.mark.parametrize("loss", [0.1, 0.2])
async def test_fifty_calls_through_loss_end_in_the_right_state_on_both_sides(
    stage: Stage, loss: float
) -> None:
    await play_all(stage, loss, rounds=5)
