"""A real Kamailio 5.6 for one play: registrar with digest, record-routing proxy, presence server; own folder, own ports.

    async with Kamailio(workshop) as proxy:
        account = proxy.account("201", "tcp")

Everything it knows is in memory: who is registered, what was published, who has subscribed. Requests that it forwards in a dialog
find their way by Record-Route alone, so that a user agent which loses a route set is noticed.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sip.account import Account, Transport
from sip.uri import Uri
from tests.peers.authority import Authority
from tests.peers.ports import HOST, free_port
from tests.peers.processes import Process, Workshop, program

DOMAIN: Final = "office.test"
_CONFIG = Path(__file__).with_name("kamailio.cfg")


class Kamailio:
    """The proxy of the plays; every user's password is `secret-<user>`.

    Args:
        host: the address that it serves.
        algorithm: of the digest that it asks for: MD5 or SHA-256.
        authority: who has signed its certificate; None: it does not speak TLS.
        challenges_in_dialogs: whether it challenges re-INVITE, BYE and so on as well.
    """

    def __init__(
        self,
        workshop: Workshop,
        *,
        host: str = HOST,
        algorithm: str = "MD5",
        authority: Authority | None = None,
        challenges_in_dialogs: bool = False,
    ) -> None:
        self.host = host
        self.port = free_port()
        self.tls_port = free_port()
        self._workshop = workshop
        self._algorithm = algorithm
        self._authority = authority
        self._challenges_in_dialogs = challenges_in_dialogs
        self._folder = workshop.folder / "kamailio"
        self._process: Process | None = None

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    def account(self, user: str, transport: Transport = "udp", *, expires: int = 600) -> Account:
        """The line of a user of this proxy."""
        return Account(
            uri=Uri("sip", user, None, DOMAIN),
            username=user,
            password=f"secret-{user}",
            registrar=Uri("sip", None, None, DOMAIN),
            proxy=(self.host, self.tls_port if transport == "tls" else self.port),
            transport=transport,
            expires=expires,
        )

    def uri(self, user: str) -> Uri:
        """The address of record of a user."""
        return Uri("sip", user, None, DOMAIN)

    async def start(self) -> None:
        """Start it, and wait until it serves."""
        self._folder.mkdir(exist_ok=True)
        (self._folder / "kamailio.cfg").write_text(self._config())
        argv = [
            program("kamailio"),
            "-f",
            str(self._folder / "kamailio.cfg"),
            "-DD",
            "-E",
            "-m",
            "48",
            "-M",
            "4",
        ]
        argv += ["-P", str(self._folder / "pid"), "-w", str(self._folder), "-Y", str(self._folder)]
        self._process = self._workshop.start("kamailio", argv)
        await self._process.until_output(r"trubka: the proxy serves")

    def kill(self) -> None:
        """As if the machine had gone."""
        assert self._process is not None
        self._process.kill()

    def close(self) -> None:
        if self._process is not None:
            self._process.end()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _config(self) -> str:
        definitions = {
            "HOST": self.host,
            "PORT": self.port,
            "TLS_PORT": self.tls_port,
            "DOMAIN": DOMAIN,
            "ALGORITHM": self._algorithm,
            "SECRET": os.urandom(8).hex(),
        }
        switches = ["#!define WITH_CHALLENGES_IN_DIALOGS"] if self._challenges_in_dialogs else []
        if self._authority is not None:
            issued = self._authority.issue(DOMAIN, folder=self._folder)
            definitions |= {"CERTIFICATE": issued.certificate, "KEY": issued.key}
            switches.append("#!define WITH_TLS")
        text = _CONFIG.read_text()
        for name, value in definitions.items():
            text = text.replace(f"@{name}@", str(value))
        return "\n".join(["#!KAMAILIO", *switches, text])
