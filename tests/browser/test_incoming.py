"""A ringing phone is answered in the browser, on the desk, or by nobody: two devices of one extension, as in life."""

import pytest
from playwright.async_api import expect

from tests.browser.office import ANSWER, REJECT
from tests.browser.stage import CONTACT, Agent, Stage
from tests.peers.chromium import MICROPHONE_HZ
from tests.peers.fixtures import CUSTOMER_HZ, DESK_HZ
from tests.peers.sipp import Sipp

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_both_devices_ring_and_the_widget_answers(agent: Agent, stage: Stage) -> None:
    office = await agent.open()
    async with agent.desk() as desk:
        calling = await stage.customers.dial(agent.number)
        ringing = await desk.until_ringing()
        await office.until_state("incoming")
        await expect(office.living).to_contain_text(CONTACT.name)
        await office.press(ANSWER)
        await office.until_state("talking")
        await stage.until_both_hear(office, calling)
        await ringing.until_ended()
        assert [reason.split(";text")[0] for reason in ringing.reasons] == ["SIP;cause=200", "Q.850;cause=26"]
        await calling.hang_up()
        await office.until_ended("hung_up", "Разговор завершён")


async def test_answered_on_the_desk_is_not_missed(agent: Agent, stage: Stage) -> None:
    office = await agent.open()
    async with agent.desk() as desk:
        calling = await stage.customers.dial(agent.number)
        ringing = await desk.until_ringing()
        await office.until_state("incoming")
        ringing.answer()
        await calling.until_hears(DESK_HZ)
        await ringing.until_hears(CUSTOMER_HZ)
        await office.until_ended("answered_elsewhere", "Отвечено на другом аппарате")
        await calling.hang_up()


async def test_a_desk_phone_made_by_others_rings_until_the_widget_answers(agent: Agent, stage: Stage) -> None:
    office = await agent.open()
    number, password = agent.extension, stage.pbx.password(agent.extension)
    async with Sipp(stage.workshop, "ring", pbx=stage.pbx.address, number=number, password=password) as desk:
        calling = await stage.customers.dial(agent.number)
        await office.until_state("incoming")
        await office.press(ANSWER)
        await calling.until_hears(MICROPHONE_HZ)
        done = await desk.until_done()
        assert (done.successful, done.failed) == (1, 0)
        await desk.unregister()
        await calling.hang_up()
        await office.until_ended("hung_up", "Разговор завершён")


async def test_a_caller_who_gives_up_was_missed(agent: Agent, stage: Stage) -> None:
    office = await agent.open()
    calling = await stage.customers.dial(agent.number)
    await office.until_state("incoming")
    await calling.until_ringing()
    await calling.cancel()
    await office.until_ended("missed", "Пропущенный вызов")


async def test_a_call_that_is_rejected_is_refused_to_the_caller(agent: Agent, stage: Stage) -> None:
    office = await agent.open()
    calling = await stage.customers.dial(agent.number)
    await office.until_state("incoming")
    await office.press(REJECT)
    await calling.until_ended()
    assert (calling.ended_by, calling.status) == ("them", 486)
    await office.until_ended("rejected", "Вызов отклонён")
