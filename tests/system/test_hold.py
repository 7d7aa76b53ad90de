"""Hold and resume: what Asterisk says of it, and what each side hears. Music and voice are told apart by their frequency."""

import pytest

from protocol.codes import Code
from protocol.commands import HoldCall, ResumeCall
from protocol.messages import Refused
from tests.peers.asterisk_config import MUSIC_HZ
from tests.peers.fixtures import CUSTOMER_HZ
from tests.peers.page_wire import RefusedError
from tests.system.stage import AGENT_HZ, Agent, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("direction", ["out", "in"])
async def test_on_hold_the_customer_hears_music_alone_and_the_agents_voice_before_and_after(
    agent: Agent, stage: Stage, direction: str
) -> None:
    manager = stage.pbx.manager
    async with agent.page() as page:
        call, customer = await (agent.talk(page) if direction == "out" else agent.be_called(page))
        before = manager.position
        for _ in range(2):
            await page.hold(call)
            await manager.wait_for("Hold", since=before, Channel=agent.channel)
            assert page.state.calls[call].hold.us
            await customer.until_hears(MUSIC_HZ)
            # The agent goes on speaking into the held call, and it stays with the PBX. (Asterisk sends the customer's voice
            # to whoever speaks, `inactive` or not; the widget switches its player off.)
            assert not customer.sound.hears(AGENT_HZ, alone=False)
            await page.resume(call)
            await manager.wait_for("Unhold", since=before, Channel=agent.channel)
            before = manager.position
            await agent.until_both_hear(page, call, customer)
        await page.hang_up(call)


async def test_a_second_hold_is_refused_and_never_reaches_the_pbx(agent: Agent, stage: Stage) -> None:
    manager = stage.pbx.manager
    async with agent.page() as page:
        call, customer = await agent.talk(page)
        before = manager.position
        await page.hold(call)
        with pytest.raises(RefusedError) as error:
            await page.command(HoldCall(page.next_id(), call))
        assert error.value.refused.code == Code.ALREADY_HELD
        await customer.until_hears(MUSIC_HZ)
        await page.resume(call)
        await manager.wait_for("Unhold", since=before, Channel=agent.channel)
        assert len(manager.seen("Hold", since=before, Channel=agent.channel)) == 1
        with pytest.raises(RefusedError) as error:
            await page.command(ResumeCall(page.next_id(), call))
        assert error.value.refused.code == Code.NOT_HELD
        await page.hang_up(call)


async def test_commands_that_cross_leave_the_call_as_the_last_one_wanted(agent: Agent, stage: Stage) -> None:
    """Hold and resume in one breath: the second is refused as long as the first is pending, nothing is left half done."""
    async with agent.page() as page:
        call, customer = await agent.talk(page)
        await page.command(HoldCall(page.next_id(), call))
        answer = await page.try_command(ResumeCall(page.next_id(), call))
        if isinstance(answer, Refused):
            assert answer.code in (Code.PENDING, Code.NOT_HELD)
            await page.until_call(call, state="held")
            await page.command(ResumeCall(page.next_id(), call))
        await page.until(lambda one: one.state.calls[call].pending == ())
        await page.until_call(call, state="talking")
        await agent.until_both_hear(page, call, customer)
        await page.hang_up(call)


async def test_a_customer_who_hangs_up_on_hold_ends_the_call(agent: Agent) -> None:
    async with agent.page() as page:
        call, customer = await agent.talk(page)
        await page.hold(call)
        await customer.hang_up()
        ended = await page.until_call(call, state="ended")
    assert ended.end is not None
    assert ended.end.by == "them"


async def test_a_customer_who_holds_is_heard_as_nothing_and_the_agents_call_goes_on(
    agent: Agent, stage: Stage
) -> None:
    manager = stage.pbx.manager
    async with agent.page() as page:
        call, customer = await agent.talk(page)
        before = manager.position
        await customer.hold("sendonly")
        await manager.wait_for("Hold", since=before, Channel="PJSIP/customers-*")
        await page.sounds[call].until_hears(MUSIC_HZ)
        assert page.state_of(call) == "talking"
        await customer.hold("sendrecv")
        await manager.wait_for("Unhold", since=before, Channel="PJSIP/customers-*")
        await page.sounds[call].until_hears(CUSTOMER_HZ)
        await page.hang_up(call)
