"""What the tests of the pages share: a widget that writes a diary, and a person who looks at the pages."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Page

from sandbox.pbx.exchange import Exchange
from sandbox.running import bind_web, running
from sandbox.settings import Settings
from sip.transport.port import bind
from tests.peers.chromium import Chromium
from tests.sandbox.office import MARINA, SECRET

# Writes every step into window.DIARY. `render` is done only after a while: that is how the order of the loader shows.
WIDGET = """
define(["jquery", "underscore"], function ($, _) {
  return function CustomWidget() {
    var self = this, diary = (window.DIARY = window.DIARY || []);
    var note = function (word) { diary.push(word); };
    note("new in " + self.system().area + " for " + self.get_settings().lines[self.system().amouser_id]);
    self.callbacks = {
      render: function () {
        note("render in " + self.system().area);
        return new Promise(function (done) { setTimeout(function () { note("rendered"); done(true); }, 60); });
      },
      bind_actions: function () { note("bind_actions"); return true; },
      init: function () {
        note("init");
        self.add_action("phone", function (data) { note("phone " + data.value); });
        APP.widgets.notificationsPhone({ ns: self.ns, click: function () { note("icon"); } });
        return true;
      },
      destroy: function () { note("destroy"); },
      leads: { selected: function () { note("selected " + JSON.stringify(self.list_selected().summary)); } }
    };
    return this;
  };
});
"""


def write_widget(folder: Path, script: str = WIDGET, *, init_once: bool = True) -> None:
    """Unpack a widget into that folder."""
    manifest = {
        "widget": {"version": "1.0.0", "init_once": init_once},
        "locations": ["everywhere"],
        "settings": {"gateway": {"name": "s.g", "type": "text"}, "lines": {"name": "s.l", "type": "users"}},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "i18n").mkdir(exist_ok=True)
    (folder / "i18n" / "ru.json").write_text(
        json.dumps({"widget": {"name": "Дневник", "call_action": "Набрать"}}), "utf-8"
    )
    (folder / "script.js").write_text(script, "utf-8")


@dataclass
class Office:
    """A running sandbox."""

    url: str
    widget: Path
    exchange: Exchange
    pages: list[Page] = field(default_factory=list)

    async def page(self, browser: Chromium, path: str = "/leads/list", user: int = MARINA) -> Page:
        """A page of that user, opened at an address of the CRM, the widgets loaded."""
        page = await browser.page()
        self.pages.append(page)
        await page.goto(f"{self.url}/login/{user}?to={path}")
        await page.wait_for_function("window.APP && APP.widgets && APP.widgets.loaded")
        return page


@asynccontextmanager
async def open_office(folder: Path) -> AsyncIterator[Office]:
    """Run a sandbox with the diary as its widget in that folder; its pages are closed with it."""
    write_widget(folder)
    web = bind_web("127.0.0.1", 0)
    url = f"http://127.0.0.1:{web.getsockname()[1]}"
    settings = Settings(url, "http://127.0.0.1:1", SECRET, widget_dir=folder)
    async with running(settings, web, bind("127.0.0.1"), loopback_only=True) as exchange:
        office = Office(url, folder, exchange)
        try:
            yield office
        finally:
            for page in office.pages:
                await page.context.close()


async def diary(page: Page, *, until: str = "") -> list[str]:
    """What the widget wrote, once its last entry is `until`."""
    if until:
        await page.wait_for_function("word => window.DIARY && DIARY.at(-1) === word", arg=until)
    written: list[str] = await page.evaluate("window.DIARY || []")
    return written
