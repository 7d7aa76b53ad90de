"""An office of the bench's own: a database with so many lines, a gateway process on one core, its CPU and memory.

The gateway is the real one, started as an operator would (`python -m gateway release`, `serve`), on SQLite in a temporary
folder. Linux tells its CPU time and resident memory.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import jwt

from gateway.store.accounts import Account
from gateway.store.people import Extension, User
from gateway.store.store import Store
from tests.peers.ports import free_port

ACCOUNT = 1
ADDRESS = "https://bench.amocrm.ru"
CLIENT = "bench-integration"
SECRET = "bench-secret-of-the-integration-0"
PASSWORD = "pw"
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") / 1024


def line_name(number: int) -> str:
    return f"{10_000 + number}"


class Office:
    """A gateway process with `lines` extensions, each with a user of its own; under cProfile where a file is named."""

    def __init__(self, folder: Path, lines: int, pbx_port: int, core: int | None, profile: str = "") -> None:
        self.lines = lines
        self.http_port = free_port()
        self._core = core
        self._profile = profile
        self._pbx_port = pbx_port
        self._folder = folder
        self._environment = {
            **os.environ,
            "TRUBKA_PORT": str(self.http_port),
            "TRUBKA_PUBLIC_URL": f"http://127.0.0.1:{self.http_port}",
            "TRUBKA_DATABASE_URL": f"sqlite:///{folder}/bench.db",
            "TRUBKA_SIP_PORT": str(free_port()),
            "TRUBKA_LINGER": "1",
            "TRUBKA_LOG_LEVEL": "warning",
            "TRUBKA_REGISTER_EXPIRES": "3600",
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    async def prepare(self) -> None:
        """Make the database and fill it."""
        subprocess.run([sys.executable, "-m", "gateway", "release"], env=self._environment, check=True)
        store = Store.at(self._environment["TRUBKA_DATABASE_URL"])
        try:
            await store.accounts.put(
                Account(ACCOUNT, ADDRESS, "bench", CLIENT, SECRET, "127.0.0.1", self._pbx_port)
            )
            for number in range(self.lines):
                await store.users.put(User(ACCOUNT, number + 1, f"Agent {number}"))
                await store.extensions.put(
                    Extension(ACCOUNT, line_name(number), PASSWORD, user_id=number + 1)
                )
        finally:
            await store.close()

    def start(self) -> None:
        """Start the process, on its own core where there are two."""
        profiler = ["-m", "cProfile", "-o", self._profile] if self._profile else []
        log = (self._folder / "gateway.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, *profiler, "-m", "gateway", "serve"],
            env=self._environment,
            stdout=log,
            stderr=log,
        )
        if self._core is not None:
            os.sched_setaffinity(self._process.pid, {self._core})

    def until_ready(self, within: float = 120) -> None:
        """Wait until /healthz answers."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                raise RuntimeError(f"the gateway ended: {(self._folder / 'gateway.log').read_text()[-2000:]}")
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=1):
                    return
            except OSError:
                time.sleep(0.02)
        raise TimeoutError("the gateway did not get ready")

    def token(self, number: int) -> str:
        """amoCRM's one-time token for the user of that line."""
        now = int(time.time())
        claims = {
            "iss": ADDRESS,
            "aud": self._environment["TRUBKA_PUBLIC_URL"],
            "jti": f"bench-{number}",
            "iat": now,
            "nbf": now,
            "exp": now + 1800,
            "account_id": ACCOUNT,
            "user_id": number + 1,
            "client_uuid": CLIENT,
        }
        return jwt.encode(claims, SECRET, algorithm="HS256")

    def cpu(self) -> float:
        """CPU seconds of the process so far, its threads included."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def memory_kb(self) -> float:
        """Resident memory of the process, KB."""
        assert self._process is not None
        return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) * _PAGE_KB

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
