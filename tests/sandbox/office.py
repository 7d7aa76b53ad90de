"""A make-believe account for the tests of `sandbox`: known secrets, a silent exchange, a clock that is given."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from starlette.applications import Starlette

from sandbox.app import create_app
from sandbox.control import Control
from sandbox.crm.records import Archive
from sandbox.crm.sample import directory_of, sample_archive
from sandbox.pbx.views import CallView, ContactView, LineView, NotReachable, Sound
from sandbox.settings import Settings
from tests.sandbox.asgi import Browser

SECRET = "a secret of the integration, long enough for HS256"
SETTINGS = Settings("http://crm.test:8080", "http://gateway.test:8090", SECRET, bearer="long-lived")
MARINA, ALEXEY = 9100101, 9100102


@dataclass
class Switchboard:
    """An exchange of words: what it is asked is written down, what it says was given."""

    asked: list[tuple[str, ...]] = field(default_factory=list)
    sound: Sound | None = None

    def lines(self) -> tuple[LineView, ...]:
        return (LineView("101", (ContactView("Trubka", "sip:x@127.0.0.1", True, 60.0),)), LineView("102", ()))

    def calls(self) -> tuple[CallView, ...]:
        return (CallView("c1", "+79005550101", "101", "held", ("101",)),)

    def call_in(self, customer: str, extension: str) -> str:
        self.asked.append(("call_in", customer, extension))
        if extension == "102":
            raise NotReachable("Внутренний номер 102 не в сети")
        return "c2"

    def hang_up(self, call_id: str) -> bool:
        self.asked.append(("hang_up", call_id))
        return call_id == "c1"

    def heard(self, party: str) -> Sound | None:
        self.asked.append(("heard", party))
        return self.sound


@dataclass
class Account:
    """One running account: its application, records, exchange and clock."""

    settings: Settings = SETTINGS
    now: float = 1_795_000_000.0
    archive: Archive = field(default_factory=sample_archive)
    switchboard: Switchboard = field(default_factory=Switchboard)

    def app(self) -> Starlette:
        control = Control(directory_of(self.archive), self.switchboard)
        return create_app(self.settings, self.archive, control, clock=lambda: self.now)

    async def logged_in(self, user_id: int = MARINA) -> Browser:
        browser = Browser(self.app())
        await browser.get(f"/login/{user_id}")
        return browser


def with_widget(folder: Path, **manifest: object) -> Settings:
    """Settings of an account whose widget is unpacked in that folder."""
    full = {
        "widget": {"version": "1.2.3", "init_once": True},
        "locations": ["everywhere"],
        "settings": {"gateway": {"name": "s.g", "type": "text"}, "lines": {"name": "s.l", "type": "users"}},
    } | manifest
    (folder / "manifest.json").write_text(json.dumps(full))
    return replace(SETTINGS, widget_dir=folder)
