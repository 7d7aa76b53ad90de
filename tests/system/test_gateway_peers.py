"""The gateway as a peer of the plays, and the page without a browser: what the other plays lean on."""

import pytest

from protocol.commands import HangUp
from protocol.messages import Refused
from tests.peers.asterisk_config import MUSIC_HZ
from tests.peers.fixtures import CUSTOMER_HZ
from tests.peers.page_wire import RefusedError
from tests.system.stage import AGENT_HZ, Agent, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_page_dials_holds_comes_back_and_hangs_up(agent: Agent, stage: Stage) -> None:
    number, before = stage.new_number(), stage.pbx.manager.position
    async with agent.page() as page:
        await page.until_line(agent.extension)
        call = await page.dial(number)
        answered = await (await stage.customers.until_called(number)).until_answered()
        await page.until_call(call, state="talking")
        await page.sounds[call].until_hears(CUSTOMER_HZ)
        await answered.until_hears(AGENT_HZ)
        await page.hold(call)
        await stage.pbx.manager.wait_for("Hold", since=before, Channel=agent.channel)
        await answered.until_hears(MUSIC_HZ)
        await page.resume(call)
        await answered.until_hears(AGENT_HZ)
        await page.leave()
        await answered.until_hears(MUSIC_HZ)
        await page.open("load")
        await page.reattach_all()
        await answered.until_hears(AGENT_HZ)
        await page.lose_socket()
        await page.reconnect()
        await page.hang_up(call)
        await answered.until_ended()


async def test_a_page_is_rung_and_answers(agent: Agent, stage: Stage) -> None:
    async with agent.page() as page:
        await page.until_line(agent.extension)
        outgoing = await stage.customers.dial(agent.number)
        call = await page.until_ringing()
        await page.answer(call)
        await outgoing.until_hears(AGENT_HZ)
        await page.sounds[call].until_hears(CUSTOMER_HZ)
        await outgoing.hang_up()
        await page.until_call(call, state="ended")


async def test_the_gateway_comes_back_on_its_ports_after_a_kill(agent: Agent) -> None:
    async with agent.page() as page:
        await agent.gateway.restart()
        await page.until_closed()
        await page.reconnect()
        await page.until_line(agent.extension)


async def test_a_refused_command_and_a_refused_socket_are_seen(agent: Agent) -> None:
    async with agent.page() as page:
        command = HangUp(page.next_id(), "nothing")
        assert isinstance(await page.try_command(command), Refused)
        with pytest.raises(RefusedError, match="HangUp"):
            await page.command(HangUp(page.next_id(), "nothing"))


async def test_bad_tokens_and_bad_secrets_are_refused_each_in_its_way(agent: Agent) -> None:
    status, _ = await agent.gateway.session(agent.gateway.token(agent.user, aud="https://elsewhere.example"))
    assert status in (401, 403)
    page = agent.page()
    page.resume_secret = "no-such-secret-at-all"
    with pytest.raises(AssertionError, match="closed the socket with 4101"):
        await page.open()
    assert await page.until_closed() == 4101
    await page.disconnect()


async def test_metrics_are_read_by_name(agent: Agent) -> None:
    async with agent.page():
        metrics = await agent.gateway.metrics()
    assert metrics["trubka_sockets_open"] >= 1.0
