"""The make-believe amoCRM of the browser plays: `python -m sandbox` as a process, for a gateway that was told its address.

    sandbox = Sandbox(workshop)
    async with Gateway(workshop, …, integration=sandbox.integration) as gateway:
        sandbox.gateway_url = gateway.url
        async with sandbox: …

`Demo` is both together, on the sandbox's own PBX, put up by the very code of `make demo`. Neither knows a browser.
"""

import asyncio
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import aiohttp
import msgspec

from sandbox.crm.widgets import built_widget
from sandbox.demo import Ports, office_secret
from sandbox.pbx.sound.frames import MUSIC
from sandbox.settings import CLIENT_UUID, Settings, sip_password
from tests.peers.gateway import PYTHON_ENVIRONMENT, ROOT, Integration
from tests.peers.ports import HOST, free_port
from tests.peers.processes import Process, ProcessEndedError, Workshop
from tests.peers.waiting import PATIENCE

_WHOLE_SECOND: Final = 40  # frames of 50 that must have come
_LOOK_EVERY: Final = 0.1  # seconds; another process' state can only be asked again
SECRET: Final = "the sandbox's integration secret, long enough for HS256 to be content"

_DEMO = """
import asyncio, sys
from pathlib import Path
from sandbox import demo
from tests.peers.gateway import PATIENT
usual = demo.environment
demo.environment = lambda *given: {**usual(*given), **PATIENT}
asyncio.run(demo.run(Path(sys.argv[1]), demo.Ports(*map(int, sys.argv[2:]))))
"""


class WidgetNotBuiltError(RuntimeError):
    """There is no built widget to load into the page."""

    def __init__(self) -> None:
        super().__init__("the widget is not built: run `make widget`")


class Heard(msgspec.Struct):
    """What one of the sandbox's customers has heard in the last second; see `sandbox.pbx.views.Sound`."""

    frequency: float
    energy: float
    frames: int
    digits: str = ""


class Drawer:
    """What the page's drawer «Песочница» does, done by the play: customers who call in, and what they hear."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def call_in(self, customer: str, extension: str) -> None:
        asked = {"customer": customer, "extension": extension}
        async with (
            aiohttp.ClientSession() as client,
            client.post(f"{self._url}/sandbox/call-in", json=asked) as answer,
        ):
            assert answer.status == 201, await answer.text()

    async def heard(self, customer: str) -> Heard | None:
        """None when that customer is in no call."""
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"{self._url}/sandbox/heard", params={"customer": customer}) as answer,
        ):
            return msgspec.json.decode(await answer.read(), type=Heard) if answer.status == 200 else None

    async def until_hears(self, customer: str, *frequencies: float, within: float = PATIENCE) -> None:
        """Wait until the loudest of a whole second that the customer heard was this tone (or one of these)."""

        def met(heard: Heard) -> bool:
            return heard.frames >= _WHOLE_SECOND and any(
                abs(heard.frequency - one) < 10 for one in frequencies
            )

        await self._until(customer, met, f"{frequencies} Hz", within)

    async def until_music(self, customer: str, *, within: float = PATIENCE) -> None:
        """Wait until the customer heard a whole second of the sandbox's music on hold."""
        await self.until_hears(customer, *(frequency for frequency, _ in MUSIC), within=within)

    async def until_pressed(self, customer: str, digits: str, *, within: float = PATIENCE) -> None:
        """Wait until the customer was told these digits, and no others."""
        await self._until(customer, lambda heard: heard.digits == digits, f"the digits {digits}", within)

    async def until_quiet(self, *, within: float = PATIENCE) -> None:
        """Wait until the sandbox's PBX has no call."""
        async with asyncio.timeout(within):
            while await self._calls():  # noqa: ASYNC110 - asking is all one can do
                await asyncio.sleep(_LOOK_EVERY)

    async def clear(self) -> None:
        """Hang up whatever a failed play has left."""
        async with aiohttp.ClientSession() as client:
            for call in await self._calls():
                await client.post(f"{self._url}/sandbox/hang-up", json={"id": call})

    async def _calls(self) -> list[str]:
        async with aiohttp.ClientSession() as client, client.get(f"{self._url}/sandbox/state") as answer:
            return [call["id"] for call in (await answer.json())["calls"]]

    async def _until(self, customer: str, met: Callable[[Heard], bool], what: str, within: float) -> None:
        last: Heard | None = None
        try:
            async with asyncio.timeout(within):
                while last is None or not met(last):
                    await asyncio.sleep(_LOOK_EVERY)
                    last = await self.heard(customer)
        except TimeoutError:
            raise TimeoutError(f"{customer} did not hear {what} in {within} s, but {last}") from None


class Sandbox:
    """CRM, host page and (unused where Asterisk is) the small PBX."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self.port, self.sip_port = free_port(), free_port()
        self.gateway_url = ""
        self.url = f"http://{HOST}:{self.port}"

    @property
    def integration(self) -> Integration:
        account = Settings(self.url, "", SECRET).account_id
        return Integration(account, self.url, CLIENT_UUID, SECRET)

    async def __aenter__(self) -> Self:
        if built_widget(ROOT) is None:
            raise WidgetNotBuiltError
        argv = [
            *(sys.executable, "-m", "sandbox", "--gateway", self.gateway_url, "--host", HOST),
            *("--port", str(self.port), "--sip-port", str(self.sip_port), "--loopback-only"),
        ]
        env = {**PYTHON_ENVIRONMENT, "SANDBOX_SECRET": SECRET}
        self._process = self._workshop.start("sandbox", argv, env=env, cwd=ROOT)
        await _until_answers(self._process, f"{self.url}/login")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.end()


class Demo:
    """Gateway and sandbox as `make demo` composes them, on ports and in a folder of the play's own."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self._folder = workshop.folder / "demo"
        self._ports = Ports(free_port(), free_port(), free_port(), free_port())
        self.url = self._ports.pages_url
        self.drawer = Drawer(self.url)

    @property
    def pbx(self) -> tuple[str, int]:
        return HOST, self._ports.pbx

    def password(self, extension: str) -> str:
        return sip_password(office_secret(self._folder), extension)

    async def __aenter__(self) -> Self:
        if built_widget(ROOT) is None:
            raise WidgetNotBuiltError
        self._folder.mkdir()
        ports = (self._ports.pages, self._ports.gateway, self._ports.pbx, self._ports.lines)
        argv = [sys.executable, "-c", _DEMO, str(self._folder), *map(str, ports)]
        self._process = self.workshop.start("demo", argv, env=PYTHON_ENVIRONMENT, cwd=ROOT)
        await _until_answers(self._process, f"{self.url}/login")
        await _until_answers(self._process, f"{self._ports.gateway_url}/readyz")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.end()


async def _until_answers(process: Process, url: str, within: float = PATIENCE) -> None:
    """Wait until an address answers 200."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    async with aiohttp.ClientSession() as client:
        while True:
            try:
                async with client.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass  # not listening yet
            if process.returncode is not None or loop.time() > deadline:
                raise ProcessEndedError(process, url)
            await asyncio.sleep(0.05)
