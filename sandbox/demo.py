"""`make demo`: gateway and sandbox as two processes whose settings fit each other, and the address to open.

Starts the gateway by its command line only and never imports it. What must stay the same from one demo to the next (the office's
secret, the gateway's database) lies in `var/demo`. Invariant: whatever ends first, Ctrl-C or one of the two, nothing is left running.
"""

import asyncio
import fcntl
import json
import os
import secrets
import signal
import socket
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

from sandbox.crm.widgets import built_widget
from sandbox.settings import CLIENT_UUID, Settings, sip_password
from sandbox.staff import USERS

ROOT = Path(__file__).parent.parent
HOST = "127.0.0.1"
NEIGHBOURS = 8  # ports that are tried from the usual one on
READY_WITHIN = 60.0  # seconds; a slow machine starts Python twice
LOOK_EVERY = 0.2  # seconds; a port that is not open yet can only be asked again
KIND_END = 10.0  # seconds between asking a process to end and making it

# One process for all commands of the gateway: starting Python is most of what one costs.
_COMMANDS = """
import io, json, sys
from gateway.__main__ import main
for arguments, secret in json.loads(sys.stdin.read()):
    sys.stdin = io.StringIO(secret + "\\n")
    if main(arguments):
        sys.exit(f"trubka {' '.join(arguments)}: refused")
"""


class DemoFailed(Exception):
    """The demo cannot run; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Four ports of the loopback: pages, gateway, and the SIP of both."""

    pages: int
    gateway: int
    pbx: int
    lines: int

    @property
    def pages_url(self) -> str:
        return f"http://{HOST}:{self.pages}"

    @property
    def gateway_url(self) -> str:
        return f"http://{HOST}:{self.gateway}"


def choose_ports() -> Ports:
    """The usual four, or the next free ones. Not any free one: those the system lends to every connection it opens."""
    return Ports(*(_free(wanted) for wanted in (8070, 8080, 5062, 5070)))


def _free(wanted: int) -> int:
    for port in range(wanted, wanted + NEIGHBOURS):
        with (
            suppress(OSError),
            socket.socket() as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            # As the servers do: connections of the last demo that are still fading do not hold the port.
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((HOST, port))
            udp.bind((HOST, port))
            return port
    raise DemoFailed(f"The ports {wanted} to {wanted + NEIGHBOURS - 1} are all taken.")


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder: two demos on one database would answer each other's calls. Raises DemoFailed."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DemoFailed("A demo runs here already.") from error
        yield


def office_secret(folder: Path) -> str:
    """The secret of this demo's office: made once, readable by its owner alone."""
    path = folder / "secret"
    with suppress(FileNotFoundError):
        return path.read_text("ascii").strip()
    made = secrets.token_urlsafe(48)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(made)
    return made


def environment(folder: Path, ports: Ports, secret: str) -> dict[str, str]:
    """What both processes are told beside what they were given: settings of this shell must not leak into the demo."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRUBKA_", "TLS_"))}
    for name in ("PORT", "DATABASE_URL"):
        kept.pop(name, None)
    return kept | {
        "SANDBOX_SECRET": secret,
        "TRUBKA_HOST": HOST,
        "TRUBKA_PORT": str(ports.gateway),
        "TRUBKA_PUBLIC_URL": ports.gateway_url,
        "TRUBKA_DATABASE_URL": f"sqlite:///{folder / 'trubka.db'}",
        "TRUBKA_SIP_HOST": HOST,
        "TRUBKA_SIP_PORT": str(ports.lines),
        "TRUBKA_LOG_LEVEL": "warning",
    }


def commands(ports: Ports, secret: str) -> list[tuple[list[str], str]]:
    """The gateway's command lines that make it know the office, each with what it reads from standard input."""
    office = Settings(ports.pages_url, ports.gateway_url, secret)
    account = str(office.account_id)
    told = [
        (["release"], ""),
        (
            [
                *("account", "add", "--id", account, "--address", office.base_url),
                *(
                    "--name",
                    office.account_name,
                    "--client-uuid",
                    CLIENT_UUID,
                    "--pbx",
                    f"{HOST}:{ports.pbx}",
                ),
            ],
            secret,
        ),
    ]
    for user in USERS:
        role = "administrator" if user.is_admin else "agent"
        told.append(
            (
                [
                    "user",
                    "add",
                    "--account",
                    account,
                    "--id",
                    str(user.id),
                    "--name",
                    user.name,
                    "--role",
                    role,
                ],
                "",
            )
        )
        if user.extension is not None:
            added = [
                "extension",
                "add",
                "--account",
                account,
                "--number",
                user.extension,
                "--user",
                str(user.id),
            ]
            told.append(([*added, "--label", user.name], sip_password(secret, user.extension)))
    return told


async def run(folder: Path, ports: Ports) -> None:
    """Set up, start both, say where, and wait for the end. Raises DemoFailed."""
    secret = office_secret(folder)
    env = environment(folder, ports, secret)
    await _set_up(commands(ports, secret), env)
    arguments = ["--gateway", ports.gateway_url, "--port", str(ports.pages), "--sip-port", str(ports.pbx)]
    widget = built_widget(ROOT)
    if widget is not None:
        arguments += ["--widget", str(widget)]
    running: list[asyncio.subprocess.Process] = []
    try:
        running.append(await _start(env, "sandbox", *arguments))
        running.append(await _start(env, "gateway", "serve"))
        stopped = asyncio.create_task(_stop_event().wait())
        ended = [asyncio.create_task(process.wait()) for process in running]
        ready = asyncio.create_task(_ready(f"{ports.pages_url}/login", f"{ports.gateway_url}/readyz"))
        await asyncio.wait([ready, stopped, *ended], return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            ready.result()
            _tell(ports, widget)
            await asyncio.wait([stopped, *ended], return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if not stopped.done():
            raise DemoFailed(" ".join(f"A process ended with {end.result()}." for end in ended if end.done()))
    finally:
        for process in reversed(running):  # the gateway first: it hangs up its calls at the PBX
            await _end(process)


async def _set_up(told: list[tuple[list[str], str]], env: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _COMMANDS, env=env, cwd=ROOT, stdin=asyncio.subprocess.PIPE
    )
    await process.communicate(json.dumps(told).encode())
    if process.returncode:
        raise DemoFailed("The gateway did not take its settings.")


async def _start(env: dict[str, str], *module: str) -> asyncio.subprocess.Process:
    """A module as a process of its own session: Ctrl-C reaches this one, which ends the others in order."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *module,
        env=env,
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(KIND_END):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _stop_event() -> asyncio.Event:
    """Set by Ctrl-C, or by whoever ends us."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _ready(*urls: str) -> None:
    """Wait until every address answers well. Raises DemoFailed."""
    for url in urls:
        for _ in range(round(READY_WITHIN / LOOK_EVERY)):
            if await asyncio.to_thread(_answers, url):
                break
            await asyncio.sleep(LOOK_EVERY)
        else:
            raise DemoFailed(f"{url} does not answer.")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _tell(ports: Ports, widget: Path | None) -> None:
    lines = [
        "",
        f"    Open {ports.pages_url} in a browser, choose a person, allow the microphone.",
        "    A click on a number calls; the drawer «Песочница» lets customers call you. Two windows: two people.",
        "    Ctrl-C ends everything.",
        "",
    ]
    if widget is None:
        lines.insert(1, "    The widget is not built: the pages stand without it (make widget).")
    print("\n".join(lines), flush=True)  # noqa: T201  this is what the command is for


def main() -> int:
    """Run the demo until Ctrl-C; its exit code."""
    folder = ROOT / "var" / "demo"
    try:
        with only_one(folder):
            asyncio.run(run(folder, choose_ports()))
    except DemoFailed as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
