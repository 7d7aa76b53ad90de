"""The gateway under test, as an operator runs it: `release`, `account add`, `serve` by the command line, settings by the environment.

    async with Gateway(workshop, pbx=pbx.address, people={1: ("101",)}) as gateway:
        async with gateway.page(user=1) as page: …
        gateway.kill(); await gateway.start()

Extensions use the PBX's plain endpoint (`101p`) or, with `browser=True`, the one that speaks WebRTC (`101b`). Ports stay the
same over a restart, as in life. Knows nothing of what the gateway is made of.
"""

import asyncio
import atexit
import functools
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
import jwt

from tests.peers.ports import HOST, free_port
from tests.peers.processes import Process, ProcessEndedError, Workshop
from tests.peers.waiting import PATIENCE

ACCOUNT = 31337
ADDRESS = "https://example.amocrm.ru"
CLIENT_UUID = "11111111-2222-4333-8444-555555555555"
CLIENT_SECRET = "the integration's secret, as long as amoCRM's own secrets are: 64"
ROOT = Path(__file__).parents[2]
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
PYTHON_ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    # Compiled once, whatever the environment says: a play starts the gateway several times, and counts seconds.
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONPYCACHEPREFIX": str(_CACHE / "trubka" / "pycache"),
}

# One process for all commands: starting Python and its libraries is most of what a command costs.
_COMMANDS = """
import io, json, sys
from gateway.__main__ import main
for arguments, secret in json.loads(sys.argv[1]):
    sys.stdin = io.StringIO(secret + "\\n")
    if main(arguments):
        sys.exit(f"trubka {arguments} failed")
"""

_templates: dict[str, Path] = {}  # what the commands were → the folder that they made


@functools.cache
def _shelf() -> str:
    """Where the templates lie until the run ends."""
    folder = tempfile.mkdtemp(prefix="trubka-templates-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


# Seconds in which a person, or a page on a quiet machine, would do what a play does; a busy machine gets more. A play about one of
# these sets its own.
PATIENT = {
    "TRUBKA_PAGE_GRACE": "20",
    "TRUBKA_BLIP": "15",
    "TRUBKA_PAGE_RETURN": "120",
    "TRUBKA_LINGER": "60",
}

People = Mapping[int, tuple[str, ...]]


@dataclass(frozen=True)
class Integration:
    """The amoCRM account that the gateway serves. `address`: the Origin of its pages."""

    account: int = ACCOUNT
    address: str = ADDRESS
    client_uuid: str = CLIENT_UUID
    client_secret: str = CLIENT_SECRET


class Gateway:
    """One gateway process and its database. `people`: user → extensions."""

    def __init__(
        self,
        workshop: Workshop,
        *,
        pbx: tuple[str, int],
        people: People | None = None,
        browser: bool = False,
        transport: str = "udp",
        integration: Integration | None = None,
        database_url: str = "",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`integration`: the account, another than the example. `settings`: variables that differ from the defaults."""
        self.integration = integration or Integration()
        self.address = self.integration.address
        self.port = free_port()
        self.sip_port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._people = people or {1: ("101",)}
        self._suffix = "b" if browser else "p"
        self._pbx = f"{pbx[0]}:{pbx[1]}"
        self._transport = transport
        self._workshop = workshop
        self._process: Process | None = None
        self._folder = workshop.folder / f"gateway-{self.port}"
        self._embedded = not database_url
        self.environment = {
            "TRUBKA_HOST": HOST,
            "TRUBKA_PORT": str(self.port),
            "TRUBKA_PUBLIC_URL": self.url,
            "TRUBKA_DATABASE_URL": database_url or f"sqlite:///{self._folder / 'trubka.db'}",
            "TRUBKA_SIP_HOST": HOST,
            "TRUBKA_SIP_PORT": str(self.sip_port),
            "TRUBKA_LOG_LEVEL": "debug",
            **PATIENT,
            **PYTHON_ENVIRONMENT,
            **(settings or {}),
        }

    @property
    def process(self) -> Process:
        assert self._process is not None, "the gateway was not started"
        return self._process

    async def create(self) -> None:
        """Bring the database up, and put the account, its people and extensions into it.

        A SQLite file for the same PBX and people is made once in a test run, and copied: the commands cost seconds.
        """
        commands = self._commands()
        key = json.dumps(commands)
        template = _templates.get(key)
        if template is not None and self._embedded:
            shutil.copytree(template, self._folder)
            return
        self._folder.mkdir()
        await self.run_commands(commands)
        if self._embedded:
            _templates[key] = Path(_shelf()) / str(len(_templates))
            shutil.copytree(self._folder, _templates[key])

    def _commands(self) -> list[tuple[list[str], str]]:
        commands: list[tuple[list[str], str]] = [
            (["release"], ""),
            (self._account(), self.integration.client_secret),
        ]
        for user, extensions in self._people.items():
            account = str(self.integration.account)
            person = ["user", "add", "--account", account, "--id", str(user), "--name", f"Сотрудник {user}"]
            commands.append((person, ""))
            commands += [(self._extension(user, one), f"secret-{one}{self._suffix}") for one in extensions]
        return commands

    async def run_commands(self, commands: list[tuple[list[str], str]]) -> None:
        """Run words of the command line, each with what it reads from standard input."""
        argv = [sys.executable, "-c", _COMMANDS, json.dumps(commands)]
        process = self._workshop.start(
            "trubka commands", argv, env=self.environment, cwd=self._workshop.folder
        )
        if await process.until_ended() != 0:
            raise ProcessEndedError(process, "its commands to succeed")

    async def start(self) -> None:
        """`trubka serve`, and wait until it says that it is ready."""
        argv = [sys.executable, "-m", "gateway", "serve"]
        self._process = self._workshop.start("trubka", argv, env=self.environment, cwd=self._workshop.folder)
        deadline = time.monotonic() + PATIENCE
        while not await self._is_ready():
            if self._process.returncode is not None or time.monotonic() > deadline:
                raise ProcessEndedError(self._process, "/readyz")
            await asyncio.sleep(0.02)

    def kill(self) -> None:
        """`kill -9`: nothing is said to anybody."""
        self.process.kill()

    async def stop(self) -> int:
        """SIGTERM, as a platform does before it starts the next version; the exit code."""
        self.process.signal(signal.SIGTERM)
        return await self.process.until_ended()

    async def restart(self) -> None:
        """Kill and start again, on the same ports and database."""
        self.kill()
        await self.start()

    def token(self, user: int, **changed: object) -> str:
        """amoCRM's one-time token for a user (amocrm.md 2.6); `changed` claims make it a bad one."""
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": self.address,
            "aud": self.environment["TRUBKA_PUBLIC_URL"],
            "jti": str(uuid.uuid4()),
            "iat": now,
            "nbf": now,
            "exp": now + 1800,
            "account_id": self.integration.account,
            "user_id": user,
            "client_uuid": self.integration.client_uuid,
            "subdomain": "example",
            "is_admin": False,
            **changed,
        }
        return jwt.encode(claims, self.integration.client_secret, algorithm="HS256")

    async def session(self, token: str) -> tuple[int, dict[str, str]]:
        """POST /api/session with a one-time token: status and body."""
        headers = {"X-Auth-Token": token, "Origin": self.address}
        async with (
            aiohttp.ClientSession() as client,
            client.post(f"{self.url}/api/session", headers=headers) as response,
        ):
            return response.status, await response.json()

    async def metrics(self) -> dict[str, float]:
        """/metrics by name (with labels, as it is written)."""
        async with aiohttp.ClientSession() as client, client.get(f"{self.url}/metrics") as response:
            assert response.status == 200, f"/metrics answered {response.status}"
            text = await response.text()
        rows = re.findall(r"^([^#\s]\S*?(?:\{.*\})?) (\S+)$", text, re.MULTILINE)
        return {name: float(value) for name, value in rows}

    async def _is_ready(self) -> bool:
        try:
            async with aiohttp.ClientSession() as client, client.get(f"{self.url}/readyz") as response:
                return response.status == 200
        except aiohttp.ClientConnectionError:
            return False

    def _account(self) -> list[str]:
        return [
            *("account", "add", "--id", str(self.integration.account), "--address", self.address),
            *("--name", "Пример", "--client-uuid", self.integration.client_uuid),
            *("--pbx", self._pbx, "--transport", self._transport),
        ]

    def _extension(self, user: int, number: str) -> list[str]:
        return [
            *(
                "extension",
                "add",
                "--account",
                str(self.integration.account),
                "--number",
                number,
                "--user",
                str(user),
            ),
            *("--sip-user", number + self._suffix, "--label", f"Отдел {number}"),
        ]

    async def __aenter__(self) -> Self:
        await self.create()
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.end()
