"""The host page with the widget in it, as a person uses it: numbers, menus, buttons by their names, cards by what they say.

Waits for conditions only. Of the widget it knows the names and `data-` attributes that stand in its shadow root, and its
`trubka:debug` event, through which the browser's own statistics of a call's sound are read.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from playwright.async_api import Locator, Page, Route, expect
from playwright.async_api import TimeoutError as PlaywrightTimeout

from tests.peers.waiting import PATIENCE

# Names as a screen reader says them (widget/src/i18n/ru.json).
DIAL, CALL_ACTION = "Позвонить", "Позвонить"
ANSWER, REJECT, HANG_UP, CANCEL = "Ответить", "Отклонить", "Завершить", "Отменить"
HOLD, RESUME = "Поставить на удержание", "Вернуть разговор с удержания"
MUTE, UNMUTE = "Выключить микрофон", "Включить микрофон"
KEYS, TAKE, DISMISS, RECONNECT = "Тональный набор", "Взять сюда", "Убрать", "Подключиться"

_PEERS: Final = """
    const detail = {};
    document.getElementById("trubka")?.dispatchEvent(new CustomEvent("trubka:debug", { detail }));
    const peers = detail.peers ?? [];
"""
# The loudest frequency of what arrives, by the browser's own ears.
_HEARS: Final = f"""(frequency) => {{
    {_PEERS}
    const track = peers.at(-1)?.connection.getReceivers().map((one) => one.track).find((one) => one.readyState === "live");
    if (!track) return false;
    if (window.heardTrack !== track) {{
        window.heardTrack = track;
        window.heardContext ??= new AudioContext();
        window.ear = window.heardContext.createAnalyser();
        window.ear.fftSize = 8192;
        window.heardContext.createMediaStreamSource(new MediaStream([track])).connect(window.ear);
    }}
    const levels = new Float32Array(window.ear.frequencyBinCount);
    window.ear.getFloatFrequencyData(levels);
    const loudest = levels.indexOf(Math.max(...levels));
    const step = window.heardContext.sampleRate / window.ear.fftSize;
    return levels[loudest] > -60 && Math.abs(loudest * step - frequency) < 15;
}}"""
_ENERGY: Final = f"""async () => {{
    {_PEERS}
    let energy = 0;
    for (const {{ connection }} of peers)
        for (const report of (await connection.getStats()).values())
            if (report.type === "inbound-rtp") energy += report.totalAudioEnergy ?? 0;
    return energy;
}}"""
_LOUDER: Final = f"async (before) => (await ({_ENERGY})()) > before + 0.001"


class Office:
    """One tab of a person who is logged into the CRM."""

    def __init__(self, page: Page, url: str, user: int, extension: str) -> None:
        self.page = page
        self.extension = extension
        self._url = url
        self._user = user
        self.panel: Final = page.locator("#trubka section.panel")
        self.cards: Final = page.locator("#trubka article[data-call]")
        self.living: Final = page.locator("#trubka article[data-call]:not([data-state=ended])")
        self.ended: Final = page.locator("#trubka article[data-call][data-state=ended]")
        self.banner: Final = page.locator("#trubka [data-banner]")

    # Coming

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self._url}/login/{self._user}?to={path}")
        await self.page.wait_for_function("window.APP && APP.widgets && APP.widgets.loaded")

    async def reload(self, away: Callable[[], Awaitable[None]]) -> float:
        """Reload, and keep the widget away until `away` has seen enough; the moment of its return on the loop's clock."""
        loop = asyncio.get_running_loop()
        returned: asyncio.Future[float] = loop.create_future()

        async def keep_away(route: Route) -> None:
            await away()
            returned.set_result(loop.time())
            await route.continue_()

        await self.page.route("**/widget/script.js*", keep_away, times=1)
        await self.page.reload()
        async with asyncio.timeout(PATIENCE):
            return await returned

    async def until_ready(self, within: float = PATIENCE) -> None:
        """The gateway is there, the telephone is in this tab, the line is registered."""
        limit = within * 1000
        await expect(self.panel).to_have_attribute("data-link", "live", timeout=limit)
        await expect(self.panel).to_have_attribute("data-phone", "here", timeout=limit)
        await expect(self.panel).to_have_attribute(
            "data-lines", f"{self.extension}=registered", timeout=limit
        )

    async def go(self, path: str) -> None:
        """To another address of the CRM, as a link does: without a reload."""
        await self.page.evaluate("path => APP.router.navigate(path, {trigger: true})", path)

    # Calling

    async def call_from_card(self, path: str) -> None:
        """Open a card, click the number in it, choose «Позвонить» in its menu."""
        menu = await self.open_menu(path)
        await menu.get_by_role("menuitem", name=CALL_ACTION).click()

    async def open_menu(self, path: str) -> Locator:
        """Open a card and click the number in it; the row with the menu."""
        await self.go(path)
        row = self.page.locator("[data-pei-code=phone].js-linked-with-actions").first
        await row.locator(".js-phone").click()
        await expect(row.get_by_role("menuitem", name=CALL_ACTION)).to_be_visible()
        return row

    async def call_from_list(self, name: str) -> None:
        """One click on the number in a list."""
        await self.go("/contacts/list")
        await self.page.locator("tbody tr", has_text=name).locator(".js-phone").click()

    async def dial(self, number: str) -> None:
        """Type a number into the pad and call it."""
        await self.panel.get_by_role("textbox", name="Номер телефона").fill(number)
        await self.panel.locator("form").get_by_role("button", name=DIAL, exact=True).click()

    def button(self, name: str) -> Locator:
        return self.panel.get_by_role("button", name=name, exact=True)

    async def press(self, name: str) -> None:
        """Press a button of the panel by the name that a screen reader says, once it may be pressed."""
        button = self.button(name)
        await expect(button).to_have_attribute("aria-disabled", "false")
        await button.click()

    async def press_keys(self, digits: str) -> None:
        """Type tones on the keys of the living call."""
        await self.press(KEYS)
        for digit in digits:
            await self.living.locator(f"[data-key='{digit}']").click()

    async def dismiss_ended(self) -> None:
        """Take the cards of an earlier play away. They also leave by themselves, perhaps under the pointer."""
        async with asyncio.timeout(PATIENCE):
            while await self.ended.count():
                with suppress(PlaywrightTimeout):
                    id = await self.ended.first.get_attribute("data-call", timeout=1_000)
                    card = self.page.locator(f"#trubka article[data-call='{id}']")
                    await card.get_by_role("button", name=DISMISS).click(timeout=5_000)
                    await card.wait_for(state="detached", timeout=5_000)

    # Reading

    async def until_state(self, state: str, within: float = PATIENCE, **words: str) -> None:
        """The one living call is in this state, and its `data-` attributes are these."""
        limit = within * 1000
        await expect(self.living).to_have_count(1, timeout=limit)
        await expect(self.living).to_have_attribute("data-state", state, timeout=limit)
        for name, value in words.items():
            attribute = "data-" + name.replace("_", "-")
            await expect(self.living).to_have_attribute(attribute, value, timeout=limit)

    async def until_ended(self, cause: str, says: str, within: float = PATIENCE) -> None:
        """No call lives, the newest one ended by this cause, and its card says so."""
        limit = within * 1000
        await expect(self.living).to_have_count(0, timeout=limit)
        await expect(self.ended.first).to_have_attribute("data-cause", cause, timeout=limit)
        await expect(self.ended.first.locator(".state")).to_contain_text(says, timeout=limit)

    async def duration(self) -> int:
        """Seconds on the clock of the living call."""
        text = await self.living.locator("[data-role=clock]").inner_text()
        total = 0
        for part in re.findall(r"\d+", text):
            total = total * 60 + int(part)
        return total

    async def energy(self) -> float:
        """`totalAudioEnergy` of all that has arrived in this page's calls (getStats)."""
        return float(await self.page.evaluate(_ENERGY))

    async def until_hears(self, frequency: float, within: float = PATIENCE) -> None:
        """Sound arrives by the browser's own statistics, and it is this tone."""
        before = await self.energy()
        limit = within * 1000
        await self.page.wait_for_function(_HEARS, arg=frequency, timeout=limit, polling=50)
        await self.page.wait_for_function(_LOUDER, arg=before, timeout=limit, polling=50)

    async def until_deaf(self, within: float = PATIENCE) -> None:
        """What arrives has no energy any more: three looks in a row."""
        last, same = await self.energy(), 0
        async with asyncio.timeout(within):
            while same < 3:
                await asyncio.sleep(0.2)  # energy is a sum over time: only time tells that it stands
                now = await self.energy()
                same = same + 1 if now - last < 0.0001 else 0
                last = now
