"""Incoming calls: who rings, what the caller hears of it, and what the page says of a call that it did not get."""

import asyncio

import pytest

from protocol.codes import Cause, Code
from protocol.commands import Reject, TakePhone
from protocol.entities import End
from tests.peers.fixtures import CUSTOMER_HZ, DESK_HZ
from tests.peers.page import Page
from tests.peers.page_wire import RefusedError
from tests.system.stage import AGENT_HZ, Agent, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

_ELSEWHERE = ["SIP;cause=200", "Q.850;cause=26"]


async def end_of(page: Page, call: str) -> End:
    end = (await page.until_call(call, state="ended")).end
    assert end is not None
    return end


# Who takes it


async def test_page_and_desk_ring_and_the_page_takes_the_call(agent: Agent, stage: Stage) -> None:
    async with agent.desk() as desk, agent.page() as page:
        await desk.register()
        await page.until_line(agent.extension)
        calling = await stage.customers.dial(agent.number)
        rung, call = await asyncio.gather(desk.until_ringing(), page.until_ringing())
        shown = page.state.calls[call]
        assert (shown.party.number, shown.answered_at) == (f"+{calling.caller}", None)
        await page.answer(call)
        await agent.until_both_hear(page, call, calling)
        await rung.until_ended()
        await calling.hang_up()
        end = await end_of(page, call)
        await desk.register(expires=0)
    assert [reason.split(";text")[0] for reason in rung.reasons] == _ELSEWHERE
    assert (end.by, end.cause) == ("them", Cause.HUNG_UP)


async def test_answered_on_the_desk_is_answered_elsewhere_and_not_missed(agent: Agent, stage: Stage) -> None:
    async with agent.desk() as desk, agent.page() as page:
        await desk.register()
        await page.until_line(agent.extension)
        calling = await stage.customers.dial(agent.number)
        rung, call = await asyncio.gather(desk.until_ringing(), page.until_ringing())
        rung.answer()
        end = await end_of(page, call)
        await calling.until_hears(DESK_HZ)
        await rung.until_hears(CUSTOMER_HZ)
        await calling.hang_up()
        await rung.until_ended()
        await desk.register(expires=0)
    assert end.cause is Cause.ANSWERED_ELSEWHERE


async def test_a_caller_who_gives_up_was_missed(agent: Agent, stage: Stage) -> None:
    async with agent.page() as page:
        await page.until_line(agent.extension)
        calling = await stage.customers.dial(agent.number)
        call = await page.until_ringing()
        await calling.until_ringing()
        await calling.cancel()
        end = await end_of(page, call)
    assert (end.by, end.cause) == ("them", Cause.MISSED)


async def test_rejected_in_the_page_goes_on_ringing_on_the_desk(agent: Agent, stage: Stage) -> None:
    async with agent.desk() as desk, agent.page() as page:
        await desk.register()
        await page.until_line(agent.extension)
        calling = await stage.customers.dial(agent.number)
        rung, call = await asyncio.gather(desk.until_ringing(), page.until_ringing())
        before = stage.pbx.manager.position
        await page.command(Reject(page.next_id(), call))
        end = await end_of(page, call)
        await stage.pbx.manager.wait_for("Hangup", since=before, Channel=agent.channel)
        assert rung.state == "ringing"
        rung.answer()
        await calling.until_hears(DESK_HZ)
        await calling.hang_up()
        await desk.register(expires=0)
    assert (end.by, end.cause) == ("us", Cause.REJECTED)


# What the caller hears


async def test_180_leaves_only_after_a_page_acknowledged_the_ring(stage: Stage) -> None:
    manager = stage.pbx.manager
    hasty, patient = await stage.agent("hasty"), await stage.agent()
    async with hasty.page() as page:
        await page.until_line(hasty.extension)
        page.acknowledges_rings = False
        before = manager.position
        calling = await stage.customers.dial(hasty.number)
        await page.until(lambda one: bool(one.rings))
        # The page was rung and says nothing; the 480 after the grace is the sentinel: no 180 came before it.
        await calling.until_ended()
        await manager.wait_for("Hangup", since=before, Channel=hasty.channel)
        assert manager.seen("Newstate", since=before, Channel=hasty.channel, ChannelStateDesc="Ringing") == []
        assert (await end_of(page, page.rings[0].call)).cause is Cause.MISSED
        assert calling.status == 480

    async with patient.page() as page:
        await page.until_line(patient.extension)
        before = manager.position
        again = await stage.customers.dial(patient.number)
        await again.until_ringing()
        await manager.wait_for("Newstate", since=before, Channel=patient.channel, ChannelStateDesc="Ringing")
        assert len(page.rings) == 1
        await again.cancel()


async def test_without_a_page_480_comes_after_the_grace(stage: Stage) -> None:
    agent = await stage.agent("hasty")
    async with agent.page() as page:
        await page.until_line(agent.extension)
    began = asyncio.get_running_loop().time()
    calling = await stage.customers.dial(agent.number)
    await calling.until_ended()
    print(f"480 after {asyncio.get_running_loop().time() - began:.2f} s")
    assert (calling.status, calling.ended_by) == (480, "them")


async def test_without_a_page_the_desk_goes_on_ringing(stage: Stage) -> None:
    agent, manager = await stage.agent("hasty"), stage.pbx.manager
    async with agent.desk() as desk, agent.page() as page:
        await page.until_line(agent.extension)
        await page.leave()
        await desk.register()
        before = manager.position
        calling = await stage.customers.dial(agent.number)
        rung = await desk.until_ringing()
        await calling.until_ringing()
        await manager.wait_for("Hangup", since=before, Channel=agent.channel)
        assert (rung.state, calling.state) == ("ringing", "ringing")
        rung.answer()
        await calling.until_hears(DESK_HZ)
        await calling.hang_up()
        await rung.until_ended()
        await desk.register(expires=0)


async def test_a_page_that_comes_within_the_grace_is_rung_and_answers(agent: Agent, stage: Stage) -> None:
    async with agent.page() as page:
        await page.until_line(agent.extension)
    before = stage.pbx.manager.position
    calling = await stage.customers.dial(agent.number)
    await stage.pbx.manager.wait_for("DialBegin", since=before, DestChannel=agent.channel)
    async with page:
        call = await page.until_ringing()
        await page.answer(call)
        await agent.until_both_hear(page, call, calling)
        await page.hang_up(call)


# Two tabs


async def test_of_two_tabs_the_newest_has_the_phone_and_the_other_says_so(agent: Agent, stage: Stage) -> None:
    async with agent.page("older") as older, agent.page("newer") as newer:
        await older.until_line(agent.extension)
        await older.until(lambda one: one.state.phone.tab == "newer")
        await newer.until(lambda one: one.state.phone.tab == "newer")
        with pytest.raises(RefusedError) as error:
            await older.dial(stage.new_number())
        assert error.value.refused.code == Code.PHONE_IN_OTHER_TAB

        calling = await stage.customers.dial(agent.number)
        call = await newer.until_ringing()
        await older.until_call(call, state="incoming")  # it mirrors
        await older.command(TakePhone(older.next_id()))
        await newer.until(lambda one: one.state.phone.tab == "older")
        assert await older.until_ringing() == call
        assert [ring.call for ring in older.rings] == [call]  # once, when it took the phone and not before
        await older.answer(call)
        await agent.until_both_hear(older, call, calling)
        assert (await newer.until_call(call, state="talking")).device.tab == "older"
        await older.hang_up(call)
        await newer.until_call(call, state="ended")


async def test_when_the_tab_with_the_phone_goes_the_other_one_has_it(agent: Agent, stage: Stage) -> None:
    async with agent.page("first") as first:
        async with agent.page("second") as second:
            await second.until(lambda one: one.state.phone.tab == "second")
        await first.until(lambda one: one.state.phone.tab == "first")
        call, customer = await agent.be_called(first)
        await customer.until_hears(AGENT_HZ)
        await first.hang_up(call)
