"""A real Asterisk 22 for one play: own folders, own ports, ready in about a second, ended with the play.

    async with Asterisk(workshop, customers_port=phone.port) as pbx:
        await pbx.manager.wait_for("Hold", Channel="PJSIP/101b-*")

It runs inside the root that `scripts/asterisk-root` built (or on the machine itself when its Asterisk is new enough). The
office that it serves is described in `asterisk_config.py`.
"""

import asyncio
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.peers.ami import Manager, ManagerError
from tests.peers.asterisk_config import Office
from tests.peers.authority import Authority
from tests.peers.ports import HOST, free_port, free_range, give_back
from tests.peers.processes import Process, Workshop
from tests.peers.waiting import PATIENCE

_PREFIX = "trubka-pbx-"
_SCRIPT = Path(__file__).parents[2] / "scripts" / "asterisk-root"


class Asterisk:
    """The PBX of the plays. `manager` is connected and keeps all events since the (last) start."""

    def __init__(
        self,
        workshop: Workshop,
        *,
        sip_port: int | None = None,
        customers_port: int | None = None,
        extensions: tuple[str, ...] = ("101", "102", "103"),
        algorithms: str = "MD5",
        rewrite_contact: bool = False,
        longest_registration: int = 7200,
        authority: Authority | None = None,
    ) -> None:
        """`algorithms`: digests offered, in order ("SHA-256,MD5"). `rewrite_contact`: requests to a registered contact go
        back the way the registration came (through a lossy wire) instead of straight to the Contact it named.
        `longest_registration`: seconds, at least 10; one that asks for more is granted this. `authority`: it speaks TLS too, with a
        certificate for localhost, and believes whom this authority signed."""
        self.manager = Manager()
        self.sip_port = sip_port or free_port()
        self.customers_port = customers_port or free_port()
        self._root = asterisk_root()
        _sweep(self._root / "tmp")
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._root / "tmp"))
        self._inside = Path("/") / self._folder.relative_to(self._root)
        self.office = Office(
            inside=self._inside,
            sip_port=self.sip_port,
            manager_port=free_port(),
            rtp_ports=free_range(200),
            customers_port=self.customers_port,
            extensions=extensions,
            algorithms=algorithms,
            rewrite_contact=rewrite_contact,
            longest_registration=longest_registration,
            tls_port=free_port() if authority is not None else 0,
        )
        self._authority = authority
        self._workshop = workshop
        self._process: Process | None = None

    @property
    def address(self) -> tuple[str, int]:
        return HOST, self.sip_port

    @property
    def tls_address(self) -> tuple[str, int]:
        """By the name that its certificate is for."""
        return "localhost", self.office.tls_port

    @property
    def log(self) -> Path:
        """Everything that Asterisk said, its SIP messages included."""
        return self._folder / "log" / "play"

    def password(self, endpoint: str) -> str:
        return f"secret-{endpoint}"

    async def start(self) -> None:
        """Start on the folders as they are, and wait until fully booted."""
        self._process = self._workshop.start("asterisk", [*self._command(), "-f"])
        self.manager = Manager()
        await self.manager.connect(HOST, self.office.manager_port, "trubka", "trubka")

    async def kill(self) -> None:
        """`kill -9`: no BYE, no un-registration; what it wrote down of its contacts (about a second behind) stays on disk, as in life."""
        if self._process is not None:
            self._process.kill()
        await self.manager.close()

    async def restart(self, *, forget_contacts: bool = False) -> None:
        """Kill and start on the same ports. `forget_contacts`: the database of registrations is lost as well."""
        await self.kill()
        if forget_contacts:
            for file in (self._folder / "db").glob("astdb*"):
                file.unlink()
        await self.start()

    def leave_voicemail(self, extension: str, *, messages: int) -> None:
        """Let so many messages lie in an extension's mailbox that nobody has heard; Asterisk counts them each second."""
        box = self._folder / self.office.voicemail(extension)
        box.mkdir(parents=True, exist_ok=True)
        for old in box.iterdir():
            old.unlink()
        for number in range(messages):
            (box / f"msg{number:04}.txt").write_text(f"[message]\norigmailbox={extension}\nduration=1\n")

    async def rx(self, command: str) -> str:
        """What the console prints for a command (`asterisk -rx`)."""
        argv = [*self._command(), "-rx", command]
        done = await asyncio.to_thread(
            subprocess.run, argv, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        return str(done.stdout)

    async def contacts(self, endpoint: str) -> list[str]:
        """The contact addresses registered for an endpoint."""
        try:
            listed = await self.manager.ask_list("PJSIPShowContacts")
        except ManagerError as error:
            if "No Contacts found" in str(error):
                return []
            raise
        return [one["Uri"] for one in listed if one["Endpoint"] == endpoint]

    async def until_quiet(self, within: float = PATIENCE) -> None:
        """Wait until there is no channel."""
        async with asyncio.timeout(within):
            while True:
                position = self.manager.position
                if not await self.manager.channels():
                    return
                await self.manager.wait_for("Hangup", since=position, within=within)

    def _write(self) -> None:
        for name in ("etc", "run", "spool", "log", "db", "db/keys", "music", "sounds"):
            (self._folder / name).mkdir()
        for name, text in self.office.files().items():
            (self._folder / "etc" / name).write_text(text)
        for name, sound in self.office.sounds().items():
            (self._folder / name).write_bytes(sound)
        if self._authority is not None:
            keys = self._folder / "db" / "keys"
            issued = self._authority.issue("localhost", folder=keys)
            issued.certificate.rename(keys / "pbx.crt")
            issued.key.rename(keys / "pbx.key")
            self._authority.write(keys).rename(keys / "ca.crt")
        self._folder.chmod(0o755)
        if self._root != Path("/"):
            self._name_this_machine()

    def _name_this_machine(self) -> None:
        """It looks up this machine's name at times, and must not wait for a name server. Others may be reading the file."""
        hosts, text = self._root / "etc" / "hosts", f"{HOST} localhost {socket.gethostname()}\n"
        if not hosts.exists() or hosts.read_text() != text:
            new = self._folder / "hosts"
            new.write_text(text)
            new.chmod(0o644)
            new.replace(hosts)

    def _command(self) -> list[str]:
        there = [] if self._root == Path("/") else ["chroot", str(self._root)]
        return [*there, "asterisk", "-C", str(self._inside / "etc" / "asterisk.conf")]

    async def __aenter__(self) -> Self:
        self._write()
        self._workshop.show("asterisk (log)", self.log)
        try:
            await self.start()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        await self.manager.close()
        if self._process is not None:
            self._process.kill()  # nothing of it is kept: a kind end takes seconds while calls are up
        give_back(self.office.rtp_ports)
        self._workshop.keep("asterisk (log)")
        shutil.rmtree(self._folder, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Delete what killed runs left here a day ago or earlier: the root outlives them."""
    for left in folder.glob(f"{_PREFIX}*"):
        if left.stat().st_mtime < time.time() - 86400:
            shutil.rmtree(left, ignore_errors=True)


def asterisk_root() -> Path:
    """The folder that `scripts/asterisk-root` prints; it builds the root the first time (about a minute)."""
    done = subprocess.run([str(_SCRIPT)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"no Asterisk for the plays: {done.stderr.strip()}")
    return Path(done.stdout.strip())
