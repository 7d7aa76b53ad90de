"""What a person sees when something is lost: the gateway, the other tab, the microphone."""

import asyncio
import time

import pytest
from playwright.async_api import expect

from tests.browser.office import ANSWER, RECONNECT, REJECT, TAKE
from tests.browser.stage import CONTACT, Agent, Stage
from tests.peers.chromium import MICROPHONE_HZ, Chromium
from tests.peers.fixtures import CUSTOMER_HZ

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_killed_gateway_costs_neither_sound_nor_call(agent: Agent, stage: Stage) -> None:
    office = await agent.open()
    called = await stage.talk(office)
    answered = time.monotonic() - await office.duration()
    stage.chromium.expect_error("WebSocket connection to .* failed")
    stage.gateway.kill()
    await expect(office.panel).to_have_attribute("data-link", "waiting")
    await expect(office.banner).to_contain_text("Разговор продолжается")
    await stage.until_both_hear(office, called)
    await stage.gateway.start()
    back = time.monotonic()
    await office.until_state("talking", sound="here")
    await office.until_ready()
    print(f"the widget is back {time.monotonic() - back:.2f} s after the gateway")
    await stage.until_both_hear(office, called)
    assert abs(await office.duration() - (time.monotonic() - answered)) < 3
    await office.press("Завершить")
    await called.until_ended()
    assert called.ended_by == "them"
    await office.until_ended("hung_up", "Разговор завершён")


async def test_a_gateway_that_is_away_is_said_and_comes_back_by_itself(agent: Agent, stage: Stage) -> None:
    office = await agent.open()
    stage.chromium.expect_error("WebSocket connection to .* failed")
    await stage.gateway.stop()
    await expect(office.banner).to_contain_text("Нет связи с сервером")
    await expect(office.button(RECONNECT)).to_be_visible()
    await stage.gateway.start()
    await office.until_ready()
    await expect(office.banner).to_have_count(0)
    called = await stage.talk(office)
    await called.hang_up()
    await office.until_ended("hung_up", "Разговор завершён")


async def test_the_newest_tab_has_the_phone_and_the_other_can_take_it_back(
    agent: Agent, stage: Stage
) -> None:
    first = await agent.open()
    second = await agent.open("/leads/list")
    await expect(first.panel).to_have_attribute("data-phone", "elsewhere")
    await expect(first.banner).to_contain_text("Телефон в другой вкладке")
    await first.press(TAKE)
    await first.until_ready()
    await expect(second.panel).to_have_attribute("data-phone", "elsewhere")
    calling = await stage.customers.dial(agent.number)
    await first.until_state("incoming")
    await second.until_state("incoming")
    await first.press(ANSWER)
    await stage.until_both_hear(first, calling)
    await second.until_state("talking", device="other_tab")
    await expect(second.living).to_contain_text("Разговор в другой вкладке")
    await calling.hang_up()
    await second.until_ended("hung_up", "Разговор завершён")


async def test_a_talk_moves_to_the_tab_that_takes_the_phone(agent: Agent, stage: Stage) -> None:
    first = await agent.open()
    called = await stage.talk(first)
    second = await agent.open(ready=False)
    await expect(second.living).to_have_count(1)
    if await second.panel.get_attribute("data-phone") != "here":
        await second.press(TAKE)
    await second.until_ready()
    await stage.until_both_hear(second, called)
    await first.until_state("talking", device="other_tab")
    await second.press("Завершить")
    await called.until_ended()


async def test_a_forbidden_microphone_is_explained_before_anybody_is_called(
    agent: Agent, stage: Stage
) -> None:
    async with Chromium(stage.workshop, flags=("--use-fake-ui-for-media-stream=deny",)) as strict:
        agent.context = await strict.context(microphone=False)
        office = await agent.open()
        await office.call_from_card(CONTACT.path)
        await expect(office.banner.first).to_contain_text("Микрофон запрещён")
        await expect(office.banner.first).to_contain_text("разрешите микрофон и обновите страницу")
        await expect(office.cards).to_have_count(0)
        calling = await stage.customers.dial(agent.number)
        await office.until_state("incoming")  # it can be seen and rejected, only not answered
        await expect(office.button(ANSWER)).to_have_attribute("aria-disabled", "true")
        await office.press(REJECT)
        await calling.until_ended()


async def test_the_page_stays_as_it_is_while_a_call_lives(agent: Agent, stage: Stage) -> None:
    office = await agent.open()
    called = await stage.talk(office)
    await office.go("/leads/list")
    await office.go("/companies/detail/41000001")
    assert await office.page.evaluate("APP.sdk.getCallingStatus()") is True
    await asyncio.gather(office.until_hears(CUSTOMER_HZ), called.until_hears(MICROPHONE_HZ))
    await called.hang_up()
    await office.until_ended("hung_up", "Разговор завершён")
    assert await office.page.evaluate("APP.sdk.getCallingStatus()") is False
