"""What `make demo` puts up: gateway and sandbox on the sandbox's own PBX, its customers at the far end. The same plays as on Asterisk.

Every customer of the sandbox is known by what they do; the whistler by 440 Hz. What they hear is read from the sandbox.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio

from tests.browser.office import ANSWER, HANG_UP, HOLD, RESUME, Office
from tests.browser.stage import SEATS, Agent
from tests.peers.chromium import MICROPHONE_HZ, Chromium
from tests.peers.fixtures import DESK_HZ, WORKSHOP
from tests.peers.processes import Workshop
from tests.peers.sandbox import Demo
from tests.peers.waiting import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")

WHISTLER: Final = "+79005550106"
WHISTLER_CARD: Final = "/contacts/detail/51000006"
WHISTLE_HZ: Final = 440
BUSY_CARD: Final = "/contacts/detail/51000003"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def demo() -> AsyncIterator[Demo]:
    """One demo for all plays here."""
    with Workshop("demo") as shop:
        async with Demo(shop) as running:
            yield running


@pytest_asyncio.fixture(loop_scope="session")
async def person(
    demo: Demo, shared_chromium: Chromium, request: pytest.FixtureRequest
) -> AsyncIterator[Agent]:
    """The first person of the office, in a fresh window; the play must leave no complaint and no call."""
    shared_chromium.take_complaints()
    user, extension = SEATS[0]
    context = await shared_chromium.context()
    request.node.stash[WORKSHOP] = demo.workshop
    try:
        yield Agent(demo.url, context, user, extension, (demo.pbx, demo.password(extension)))
        complaints = shared_chromium.take_complaints()
        assert complaints == [], "the pages complained"
        await demo.drawer.until_quiet()
    finally:
        await demo.drawer.clear()
        await context.close()


async def _until_both_hear(demo: Demo, office: Office, within: float = PATIENCE) -> None:
    await asyncio.gather(
        office.until_hears(WHISTLE_HZ, within=within),
        demo.drawer.until_hears(WHISTLER, MICROPHONE_HZ, within=within),
    )


async def test_a_click_in_a_card_calls_a_customer_who_talks(demo: Demo, person: Agent) -> None:
    office = await person.open()
    await office.call_from_card(WHISTLER_CARD)
    await office.until_state("talking")
    await _until_both_hear(demo, office)
    await office.press_keys("42#")
    await demo.drawer.until_pressed(WHISTLER, "42#")
    await office.press(HANG_UP)
    await office.until_ended("hung_up", "Разговор завершён")


async def test_a_customer_who_is_busy_and_a_number_that_nobody_has(demo: Demo, person: Agent) -> None:
    office = await person.open()
    await office.call_from_card(BUSY_CARD)
    await office.until_ended("busy", "Занято")
    await office.dismiss_ended()
    await office.dial("+7 900 000-00-00")
    await office.until_ended("not_found", "Такого номера нет")


async def test_a_customer_calls_in_and_is_answered(demo: Demo, person: Agent) -> None:
    office = await person.open()
    await demo.drawer.call_in(WHISTLER, person.extension)
    await office.until_state("incoming")
    await office.press(ANSWER)
    await _until_both_hear(demo, office)
    await office.press(HANG_UP)
    await office.until_ended("hung_up", "Разговор завершён")


async def test_hold_gives_music_and_resume_gives_the_voices_back(demo: Demo, person: Agent) -> None:
    office = await person.open()
    await office.call_from_card(WHISTLER_CARD)
    await _until_both_hear(demo, office)
    await office.press(HOLD)
    await office.until_state("held", held_by="us")
    await demo.drawer.until_music(WHISTLER)
    await office.until_deaf()
    await office.press(RESUME)
    await _until_both_hear(demo, office)
    await office.press(HANG_UP)
    await office.until_ended("hung_up", "Разговор завершён")


async def test_three_reloads_in_a_row_lose_neither_customer_nor_sound(demo: Demo, person: Agent) -> None:
    office = await person.open()
    await office.call_from_card(WHISTLER_CARD)
    await _until_both_hear(demo, office)
    for turn in range(3):
        began = await office.reload(lambda: demo.drawer.until_music(WHISTLER))
        await _until_both_hear(demo, office)
        seconds = asyncio.get_running_loop().time() - began
        print(f"reload {turn + 1} in the demo: sound both ways {seconds:.2f} s after the page's return")
    await office.press(HANG_UP)
    await office.until_ended("hung_up", "Разговор завершён")


async def test_a_second_device_rings_too_and_answers_for_the_widget(demo: Demo, person: Agent) -> None:
    office = await person.open()
    async with person.desk() as desk:
        await demo.drawer.call_in(WHISTLER, person.extension)
        ringing = await desk.until_ringing()
        await office.until_state("incoming")
        ringing.answer()
        await demo.drawer.until_hears(WHISTLER, DESK_HZ)
        await ringing.until_hears(WHISTLE_HZ)
        await office.until_ended("answered_elsewhere", "Отвечено на другом аппарате")
        await ringing.hang_up()
        await demo.drawer.call_in(WHISTLER, person.extension)
        second = await desk.until_ringing(2)
        await office.press(ANSWER)
        await _until_both_hear(demo, office)
        await second.until_ended()
        assert [reason.split(";text")[0] for reason in second.reasons] == ["SIP;cause=200", "Q.850;cause=26"]
        await office.press(HANG_UP)
        await office.until_ended("hung_up", "Разговор завершён")
