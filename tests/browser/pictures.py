"""`make pictures`: what the widget looks like, into `docs/pictures/`, in Russian, light and dark, 1280 and 1920 wide.

    states-<n>-<theme>-<width>.png      every state of the panel, from the widget's own gallery (each under its name)
    keys-<theme>-<width>.png            the states that only a hand reaches: the keys unfolded
    page-<what>-<theme>-<width>.png     the panel on the make-believe CRM's pages, in calls with its customers
    readme.png                          the widget during a call

The pages are those of the demo: real calls, so clocks differ from run to run. Console errors fail the command.
"""

import asyncio
import subprocess
import sys
from itertools import product
from typing import Final

from playwright.async_api import BrowserContext, Page, expect

from tests.browser.office import CANCEL, HANG_UP, HOLD, KEYS
from tests.browser.stage import SEATS, Agent
from tests.peers.chromium import Chromium
from tests.peers.gateway import ROOT
from tests.peers.processes import Workshop
from tests.peers.sandbox import Demo

OUT: Final = ROOT / "docs" / "pictures"
GALLERY: Final = ROOT / "widget" / "gallery" / "dist" / "index.html"
THEMES: Final = ("light", "dark")
SIZES: Final = ((1280, 800), (1920, 1080))
ON_A_SHEET: Final = 12  # states: more cannot be looked at at once
WITH_KEYS: Final = "incoming,dialing,talking,two_calls"

SPEAKER: Final = ("/contacts/detail/51000001", "+79005550101")  # Ирина Лаврентьева answers and speaks
SILENT: Final = "/contacts/detail/51000004"
# The drawer of the sandbox is no part of a CRM. (A blank page has no storage to write to.)
_DRAWER_SHUT: Final = "if (location.protocol === 'http:') localStorage['sandbox.drawer'] ??= 'false'"


def main() -> int:
    """Write all pictures; the exit code."""
    build = [
        str(ROOT / "scripts" / "with-node"),
        "npm",
        "--prefix",
        str(ROOT / "widget"),
        "run",
        "--silent",
        "gallery",
    ]
    subprocess.run(build, check=True, cwd=ROOT)
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.glob("*.png"):
        old.unlink()
    asyncio.run(_all())
    return 0


async def _all() -> None:
    with Workshop("pictures") as shop:
        async with Chromium(shop) as browser, Demo(shop) as demo:
            for theme, size in product(THEMES, SIZES):
                await _gallery(browser, theme, size)
                await _pages(browser, demo, theme, size)


async def _gallery(browser: Chromium, theme: str, size: tuple[int, int]) -> None:
    context = await browser.context(width=size[0], height=size[1], dark=theme == "dark")
    page = await context.new_page()
    gallery = f"{GALLERY.as_uri()}?theme={theme}&lang=ru"
    await page.goto(gallery)
    names: list[str] = await page.evaluate(
        "[...document.querySelectorAll('figure')].map((figure) => figure.id)"
    )
    sheets = [names[at : at + ON_A_SHEET] for at in range(0, len(names), ON_A_SHEET)]
    for number, sheet in enumerate(sheets, 1):
        await page.goto(f"{gallery}&only={','.join(sheet)}")
        await _shoot(page, f"states-{number}-{theme}-{size[0]}", whole=True)
    await page.goto(f"{gallery}&keys&only={WITH_KEYS}")
    await _shoot(page, f"keys-{theme}-{size[0]}", whole=True)
    await context.close()


async def _pages(browser: Chromium, demo: Demo, theme: str, size: tuple[int, int]) -> None:
    """One person's window, from an idle telephone through calls of every kind."""
    context = await browser.context(width=size[0], height=size[1], dark=theme == "dark")
    await context.add_init_script(_DRAWER_SHUT)
    user, extension = SEATS[0]
    person = Agent(demo.url, context, user, extension, (demo.pbx, demo.password(extension)))
    office = await person.open("/leads/list")

    async def shoot(what: str) -> None:
        await _shoot(office.page, f"page-{what}-{theme}-{size[0]}")

    await shoot("idle")
    await office.open_menu(SILENT)
    await shoot("menu")
    await office.call_from_card(SILENT)
    await office.until_state("ringing")
    await shoot("ringing")
    await office.press(CANCEL)
    await office.until_ended("cancelled", "Вызов отменён")
    await office.dismiss_ended()
    await office.call_from_card(SPEAKER[0])
    await office.until_state("talking")
    await _until_clock(office.page, "0:05")
    await shoot("talking")
    if (theme, size) == ("light", SIZES[0]):
        await _shoot(office.page, "readme")
    await office.press_keys("1590#")
    await shoot("tones")
    await office.press(KEYS)
    await office.press(HOLD)
    await office.until_state("held", held_by="us")
    await shoot("held")
    await office.press(HANG_UP)
    await office.until_ended("hung_up", "Разговор завершён")
    await demo.drawer.call_in(SPEAKER[1], extension)
    await office.until_state("incoming")
    await shoot("incoming")
    await _other_tab(context, person, theme, size)
    await demo.drawer.clear()
    await demo.drawer.until_quiet()
    await context.close()


async def _other_tab(context: BrowserContext, person: Agent, theme: str, size: tuple[int, int]) -> None:
    """A second tab takes the phone and answers; the first one says so."""
    second = await person.open("/contacts/list", ready=False)
    await second.until_state("incoming")
    await expect(second.panel).to_have_attribute("data-phone", "here", timeout=20_000)
    first = context.pages[0]
    await first.bring_to_front()
    await _shoot(first, f"page-other-tab-{theme}-{size[0]}")
    await second.page.close()


async def _until_clock(page: Page, text: str) -> None:
    await expect(page.locator("#trubka article [data-role=clock]").first).to_have_text(text, timeout=20_000)


async def _shoot(page: Page, name: str, *, whole: bool = False) -> None:
    """Take the picture when everything that moves has come to rest (the ring's pulse is stopped at its beginning)."""
    path = OUT / f"{name}.png"
    await page.screenshot(path=path, full_page=whole, animations="disabled", caret="hide")
    print(f"{path.relative_to(ROOT)} {path.stat().st_size // 1024} KB", flush=True)


if __name__ == "__main__":
    sys.exit(main())
