"""What is done inside a call: hold and its music, tones, silence. Seen by Asterisk, heard by the customer."""

import pytest

from tests.browser.office import HOLD, MUTE, RESUME, UNMUTE
from tests.browser.stage import Agent, Stage
from tests.peers.asterisk_config import MUSIC_HZ
from tests.peers.chromium import MICROPHONE_HZ

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_hold_gives_music_without_the_agent_and_resume_gives_the_agent_back(
    agent: Agent, stage: Stage
) -> None:
    office = await agent.open()
    called = await stage.talk(office)
    for _ in range(2):
        before = stage.pbx.manager.position
        await office.press(HOLD)
        await stage.pbx.manager.wait_for("Hold", since=before, Channel=agent.channel)
        await office.until_state("held", held_by="us")
        await called.until_hears(MUSIC_HZ)  # alone: the agent's tone does not leak into the music
        await office.until_deaf()
        await office.press(RESUME)
        await stage.pbx.manager.wait_for("Unhold", since=before, Channel=agent.channel)
        await office.until_state("talking", held_by="")
        await stage.until_both_hear(office, called)
    await called.hang_up()
    await office.until_ended("hung_up", "Разговор завершён")


async def test_tones_of_the_pad_reach_the_customer(agent: Agent, stage: Stage) -> None:
    office = await agent.open()
    called = await stage.talk(office)
    await office.press_keys("1590*#")
    await called.sound.until_pressed("1590*#")
    await called.hang_up()
    await office.until_ended("hung_up", "Разговор завершён")


async def test_a_muted_microphone_is_silence_at_the_customer(agent: Agent, stage: Stage) -> None:
    office = await agent.open()
    called = await stage.talk(office)
    await office.press(MUTE)
    await office.until_state("talking", muted="true")
    await called.until_silent()
    await office.press(UNMUTE)
    await office.until_state("talking", muted="false")
    await called.until_hears(MICROPHONE_HZ)
    await called.hang_up()
    await office.until_ended("hung_up", "Разговор завершён")
