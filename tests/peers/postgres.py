"""Debian's PostgreSQL in a temporary folder, on a free port of the loopback, without a password: for the store's suites.

`with running_postgres() as server:` gives `server.url` (the default database) and `server.new_database()` (an empty one,
about 50 ms). Durability is switched off: nothing here outlives the test run. As root the server runs as Debian's `postgres`
user, since it refuses root.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from tests.peers.ports import HOST, free_port
from tests.peers.processes import MissingPeerError, Process, Workshop

_SETTINGS = {
    "listen_addresses": HOST,
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "autovacuum": "off",
}


class Postgres:
    """A running server. Databases are given out by address, for SQLAlchemy with asyncpg."""

    def __init__(self, workshop: Workshop, programs: Path) -> None:
        self.port = free_port()
        self.folder = workshop.folder / "postgres"
        self._programs = programs
        self._workshop = workshop
        self._numbers = count(1)

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql+asyncpg://trubka@{HOST}:{self.port}/{database}"

    def new_database(self) -> str:
        """Create an empty database; its address."""
        name = f"play{next(self._numbers)}"
        self._run("createdb", "--host", HOST, "--port", str(self.port), "--username", "trubka", name)
        return self.url_of(name)

    def start(self) -> Process:
        """Start on the folder made by `create`, and wait until connections are accepted."""
        settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        process = self._workshop.start(
            "postgres",
            [
                *_as_its_user(),
                str(self._programs / "postgres"),
                *("-D", str(self.folder), "-p", str(self.port), "-k", str(self.folder)),
                *settings,
            ],
            end_signal=signal.SIGQUIT,  # immediate shutdown: frees its shared memory, keeps nothing
            cwd=Path("/"),
        )
        process.wait_for_output("database system is ready to accept connections", within=60)
        return process

    def create(self) -> None:
        """Make the data folder (initdb)."""
        self.folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            self._workshop.folder.chmod(0o755)
            shutil.chown(self.folder, "postgres", "postgres")
        options = ["--auth=trust", "--username=trubka", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        self._run("initdb", "-D", str(self.folder), *options)

    def _run(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [*_as_its_user(), str(self._programs / name), *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd="/",
        )
        if done.returncode != 0:
            raise RuntimeError(f"{name} ended with {done.returncode}: {done.stderr or done.stdout}")


@contextlib.contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for as long as the context lasts. Raises MissingPeerError when it is not installed."""
    with Workshop("postgres") as workshop:
        server = Postgres(workshop, postgres_programs())
        server.create()
        server.start()
        yield server


def postgres_programs() -> Path:
    """The folder of `initdb` and `postgres`, newest version first (Debian keeps them off PATH)."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(versions, key=lambda found: float(found.parent.parent.name), default=None)
    if newest is not None:
        return newest.parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise MissingPeerError("PostgreSQL")
    return Path(on_path).resolve().parent


def _as_its_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig", "QUIT", "--"]
