"""A click in the CRM rings a real phone: a real page, a real Chromium, a real Asterisk, and sound known by its frequency."""

import pytest
from playwright.async_api import expect

from tests.browser.office import CANCEL
from tests.browser.stage import CONTACT, OTHER, WRONG, Agent, Stage
from tests.peers.phone import RINGS, refuses

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_click_in_a_card_rings_the_customer_who_talks_and_hangs_up(
    agent: Agent, stage: Stage
) -> None:
    office = await agent.open()
    called = await stage.talk(office, CONTACT)
    await expect(office.living).to_contain_text(CONTACT.name)
    await called.hang_up()
    await office.until_ended("hung_up", "Разговор завершён")


async def test_one_click_in_a_list_calls(agent: Agent, stage: Stage) -> None:
    office = await agent.open()
    await office.call_from_list(OTHER.name)
    called = await stage.customers.until_called(OTHER.number)
    await office.until_state("talking")
    await stage.until_both_hear(office, called)
    await office.press("Завершить")
    await called.until_ended()
    await office.until_ended("hung_up", "Разговор завершён")


async def test_a_busy_customer_is_said_to_be_busy(agent: Agent, stage: Stage) -> None:
    office = await agent.open()
    stage.customers.manners[CONTACT.number] = refuses(486)
    await office.call_from_card(CONTACT.path)
    await office.until_ended("busy", "Занято")


async def test_a_call_that_is_given_up_stops_ringing_at_the_customer(agent: Agent, stage: Stage) -> None:
    office = await agent.open()
    stage.customers.manners[CONTACT.number] = RINGS
    await office.call_from_card(CONTACT.path)
    rung = await stage.customers.until_called(CONTACT.number)
    await office.until_state("ringing")
    await office.press(CANCEL)
    await rung.until_ended()
    assert (rung.status, rung.ended_by) == (487, "them")
    await office.until_ended("cancelled", "Вызов отменён")


async def test_a_customer_who_never_answers_is_told_as_no_answer(agent: Agent, stage: Stage) -> None:
    office = await agent.open()
    stage.customers.manners[CONTACT.number] = RINGS
    await office.call_from_card(CONTACT.path)
    rung = await stage.customers.until_called(CONTACT.number)
    await office.until_state("ringing")
    rung.refuse(480, "Temporarily Unavailable")  # what a network says when its patience ends
    await office.until_ended("no_answer", "Нет ответа")


async def test_a_number_that_does_not_exist_is_said_to_be_wrong(agent: Agent, stage: Stage) -> None:
    office = await agent.open()
    stage.customers.manners[WRONG.number] = refuses(404)
    await office.call_from_card(WRONG.path)
    await office.until_ended("not_found", "Такого номера нет")
    await office.dismiss_ended()
    await office.dial("999")  # the PBX itself does not know this one
    await office.until_ended("not_found", "Такого номера нет")
