"""A real Chromium with a microphone of our own: it speaks a tone, so that the far end knows the agent by the frequency.

    async with Chromium(workshop, microphone_hz=300) as browser:
        page = await browser.page()

Console errors and uncaught exceptions of all pages are collected, and fail the play when the browser is closed;
`browser.expect_error(pattern)` names those that belong to it. Permission for the microphone is given beforehand.
"""

import re
import shutil
import wave
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    async_playwright,
    expect,
)

from tests.peers.asterisk_config import tone
from tests.peers.processes import Workshop
from tests.peers.waiting import PATIENCE

_FLAGS = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--no-sandbox",
)
_MICROPHONE_RATE = 48000
MICROPHONE_HZ = 300
_LIMIT = PATIENCE * 1000  # Playwright counts milliseconds

expect.set_options(timeout=_LIMIT)


class Chromium:
    """One browser process. `context` makes one person's window (its own storage), `page` a tab in a new window."""

    def __init__(
        self,
        workshop: Workshop,
        *,
        microphone_hz: float = MICROPHONE_HZ,
        flags: Sequence[str] = (),
        headless: bool = True,
    ) -> None:
        self.errors: list[str] = []
        self._expected: list[str] = []
        self._microphone = workshop.folder / f"microphone-{microphone_hz:g}.wav"
        _write_tone(self._microphone, microphone_hz)
        self._flags = [*_FLAGS, f"--use-file-for-fake-audio-capture={self._microphone}", *flags]
        self._headless = headless
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    async def context(
        self, *, microphone: bool = True, width: int = 1280, height: int = 800, dark: bool = False
    ) -> BrowserContext:
        """A window with a storage of its own, in Russian."""
        assert self._browser is not None, "the browser was not opened"
        made = await self._browser.new_context(
            locale="ru-RU",
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            permissions=["microphone"] if microphone else [],
        )
        made.set_default_timeout(_LIMIT)
        made.on("console", self._take_message)
        made.on("weberror", lambda error: self.errors.append(f"uncaught: {error.error}"))
        return made

    async def page(self) -> Page:
        """A tab in a window of its own."""
        return await (await self.context()).new_page()

    def expect_error(self, pattern: str) -> None:
        """Console errors that match belong to the play (a refused request, a socket that is cut on purpose)."""
        self._expected.append(pattern)

    @property
    def unexpected_errors(self) -> list[str]:
        return [one for one in self.errors if not any(re.search(pattern, one) for pattern in self._expected)]

    def take_complaints(self) -> list[str]:
        """The unexpected errors since the last time; what was expected is forgotten, too. For a browser that plays share."""
        taken = self.unexpected_errors
        self.errors.clear()
        self._expected.clear()
        return taken

    def _take_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    async def __aenter__(self) -> Self:
        self._playwright = await async_playwright().start()
        try:
            self._browser = await self._playwright.chromium.launch(
                executable_path=chromium_program(),
                args=self._flags,
                headless=self._headless,
                timeout=2 * _LIMIT,  # the first start on a machine takes up to 17 s, more when it is busy
            )
        except Error:
            await self._playwright.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._browser is not None:
            await self._browser.close()
        if self._playwright is not None:
            await self._playwright.stop()
        if error is None and self.unexpected_errors:
            raise AssertionError("the pages complained:\n" + "\n".join(self.unexpected_errors))


def chromium_program() -> str | None:
    """The system's Chromium (Debian's, by preference); None means Playwright's own build, where that is what there is."""
    names = ("chromium", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), None)


def _write_tone(path: Path, frequency: float) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_MICROPHONE_RATE)
        file.writeframes(tone(frequency, seconds=10, rate=_MICROPHONE_RATE))
