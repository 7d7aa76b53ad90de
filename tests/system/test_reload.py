"""A page that goes and comes back: music at once, the call is the same one afterwards, and nothing happens for a mere blip."""

import asyncio

import pytest

from protocol.codes import Cause
from protocol.commands import TakePhone
from tests.peers.asterisk_config import MUSIC_HZ
from tests.peers.fixtures import CUSTOMER_HZ
from tests.system.stage import AGENT_HZ, Agent, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("direction", ["out", "in"])
async def test_a_reload_gives_the_customer_music_and_then_the_voice_three_times_in_a_row(
    agent: Agent, stage: Stage, direction: str
) -> None:
    manager, loop = stage.pbx.manager, asyncio.get_running_loop()
    async with agent.page() as page:
        call, customer = await (agent.talk(page) if direction == "out" else agent.be_called(page))
        first = page.state.calls[call]
        for _ in range(3):
            before = manager.position
            await page.leave()
            await manager.wait_for("Hold", since=before, Channel=agent.channel)
            await customer.until_hears(MUSIC_HZ)
            began = loop.time()
            await page.open("load")
            assert page.state.calls[call].sound == "lost"
            await page.reattach_all()
            await agent.until_both_hear(page, call, customer)
            print(f"sound back {loop.time() - began:.2f} s after the page's return")
            shown = await page.until_call(call, state="talking")
            assert (shown.sound, shown.answered_at) == ("here", first.answered_at)
            await manager.wait_for("Hangup", since=before, Channel=agent.channel)  # the old leg
            assert len(await manager.channels()) == 2
        assert customer.state == "talking"
        assert page.living == [call]
        await page.hold(call)
        await customer.until_hears(MUSIC_HZ)
        await page.resume(call)
        await customer.until_hears(AGENT_HZ)
        await page.hang_up(call)
        await customer.until_ended()


async def test_a_call_that_the_agent_held_is_still_held_after_a_reload(agent: Agent, stage: Stage) -> None:
    async with agent.page() as page:
        call, customer = await agent.talk(page)
        await page.hold(call)
        await page.reload()
        await page.until(lambda one: one.state.calls[call].sound == "here")
        await page.until_call(call, state="held")
        await customer.until_hears(MUSIC_HZ)
        await page.resume(call)
        await agent.until_both_hear(page, call, customer)
        await page.hang_up(call)


async def test_nobody_back_ends_the_call_with_that_cause(stage: Stage) -> None:
    agent = await stage.agent("impatient")
    async with agent.page() as page:
        call, customer = await agent.talk(page)
        await page.leave()
        await customer.until_hears(MUSIC_HZ)
        await customer.until_ended()
        await page.open("load")
        ended = await page.until_call(call, state="ended")
    assert ended.end is not None
    assert (ended.end.by, ended.end.cause) == ("nobody", Cause.NOBODY_CAME_BACK)


async def test_a_blip_with_living_sound_holds_nothing_and_renews_nothing(agent: Agent, stage: Stage) -> None:
    manager = stage.pbx.manager
    async with agent.page() as page:
        call, customer = await agent.talk(page)
        before = manager.position
        for _ in range(2):
            await page.lose_socket()
            await customer.until_hears(AGENT_HZ)
            await page.reconnect()
            assert page.state.calls[call].sound == "here"
        await agent.until_both_hear(page, call, customer)
        await page.hold(call)  # the sentinel: of all Hold events this one alone
        await page.resume(call)
        await manager.wait_for("Unhold", since=before, Channel=agent.channel)
        assert len(manager.seen("Hold", since=before, Channel=agent.channel)) == 1
        assert manager.seen("Newchannel", since=before) == []
        await page.hang_up(call)


async def test_a_page_that_is_lost_for_longer_holds_the_call_and_takes_it_back_as_it_was(
    stage: Stage,
) -> None:
    agent = await stage.agent("hasty")
    manager, loop = stage.pbx.manager, asyncio.get_running_loop()
    async with agent.page() as page:
        call, customer = await agent.talk(page)
        before, began = manager.position, loop.time()
        await page.lose_socket()
        await manager.wait_for("Hold", since=before, Channel=agent.channel)
        print(f"held {loop.time() - began:.2f} s after the socket was lost")
        await customer.until_hears(MUSIC_HZ)
        await page.reconnect()  # its sound was alive all the time: no new leg
        await manager.wait_for("Unhold", since=before, Channel=agent.channel)
        await agent.until_both_hear(page, call, customer)
        await page.until_call(call, state="talking")
        assert manager.seen("Newchannel", since=before) == []
        await page.hang_up(call)


async def test_a_page_that_crashed_comes_back_as_a_new_one_and_has_its_call(agent: Agent) -> None:
    async with agent.page() as page:
        call, customer = await agent.talk(page)
        await page.vanish()
        await page.open("load", by_ticket=True)
        await page.until(lambda one: one.state.calls[call].sound == "lost")
        await page.reattach_all()
        await agent.until_both_hear(page, call, customer)
        await page.hang_up(call)


async def test_another_tab_takes_the_call_with_the_phone(agent: Agent) -> None:
    async with agent.page("first") as first, agent.page("second", frequency=350) as second:
        await first.command(TakePhone(first.next_id()))
        call, customer = await agent.talk(first)
        await second.until_call(call, state="talking")
        await second.command(TakePhone(second.next_id()))
        await second.until(lambda one: one.state.calls[call].sound == "lost")
        await second.reattach(call)
        await customer.until_hears(350)
        await second.sounds[call].until_hears(CUSTOMER_HZ)
        await second.hang_up(call)
        await first.until_call(call, state="ended")
