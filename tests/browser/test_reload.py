"""The page goes away in mid-call: the customer hears music, not silence, and the sound comes back when the page does."""

import asyncio

import pytest

from tests.browser.office import Office
from tests.browser.stage import Agent, Stage
from tests.peers.asterisk_config import MUSIC_HZ
from tests.peers.phone_call import PhoneCall

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_three_reloads_in_a_row_lose_neither_customer_nor_sound(agent: Agent, stage: Stage) -> None:
    office = await agent.open()
    called = await stage.talk(office)
    for turn in range(3):
        seconds = await _reload_until_sound(stage, office, called)
        print(f"reload {turn + 1}: sound both ways {seconds:.2f} s after the page's return")
        await office.until_state("talking", sound="here", held_by="")
    assert (len(stage.customers.calls), called.state) == (1, "talking")
    await office.press("Завершить")
    await called.until_ended()


async def test_a_reload_brings_an_incoming_call_back_as_well(agent: Agent, stage: Stage) -> None:
    office = await agent.open()
    calling = await stage.customers.dial(agent.number)
    await office.until_state("incoming")
    await office.press("Ответить")
    await stage.until_both_hear(office, calling)
    await _reload_until_sound(stage, office, calling)
    await calling.hang_up()
    await office.until_ended("hung_up", "Разговор завершён")


async def test_a_page_that_reloads_at_its_own_pace_leaves_no_gap_of_silence(
    agent: Agent, stage: Stage
) -> None:
    office = await agent.open()
    called = await stage.talk(office)
    before, began = stage.pbx.manager.position, asyncio.get_running_loop().time()
    await office.page.reload()
    await stage.pbx.manager.wait_for("MusicOnHoldStart", since=before, Channel="PJSIP/customers-*")
    await stage.until_both_hear(office, called)
    silence = called.sound.longest_silence(began)
    print(f"longest silence at the customer over a reload: {silence:.2f} s")
    assert silence < 5.0, "0.2 s as a rule, also on a busy machine"
    await office.press("Завершить")
    await called.until_ended()


async def test_a_held_call_is_still_held_after_a_reload_and_can_be_resumed(
    agent: Agent, stage: Stage
) -> None:
    office = await agent.open()
    called = await stage.talk(office)
    await office.press("Поставить на удержание")
    await called.until_hears(MUSIC_HZ)
    await office.page.reload()
    await office.until_ready()
    await office.until_state("held", held_by="us", sound="here")
    await called.until_hears(MUSIC_HZ)
    await office.press("Вернуть разговор с удержания")
    await stage.until_both_hear(office, called)
    await called.hang_up()
    await office.until_ended("hung_up", "Разговор завершён")


async def test_a_tab_that_is_closed_for_good_ends_the_call_with_that_cause(
    agent: Agent, stage: Stage
) -> None:
    usual = stage.gateway.environment["TRUBKA_PAGE_RETURN"]
    stage.gateway.environment["TRUBKA_PAGE_RETURN"] = "5"
    await stage.gateway.stop()
    await stage.gateway.start()
    try:
        office = await agent.open()
        called = await stage.talk(office)
        await office.page.close()
        await called.until_hears(MUSIC_HZ)
        await called.until_ended()
        assert called.ended_by == "them"
        late = await agent.open(ready=False)
        await late.until_ended("nobody_came_back", "никто не вернулся")
        await late.page.close()
    finally:
        stage.gateway.environment["TRUBKA_PAGE_RETURN"] = usual
        await stage.gateway.stop()
        await stage.gateway.start()


async def _reload_until_sound(stage: Stage, office: Office, customer: PhoneCall) -> float:
    """Reload, keep the widget away until the customer has heard music, and nothing but music; seconds from the widget's
    return until both hear each other, the listening included."""
    began = await office.reload(lambda: customer.until_hears(MUSIC_HZ))
    await stage.until_both_hear(office, customer)
    return asyncio.get_running_loop().time() - began
