"""One door to the database: address in, engine out, migrations run.

SQLite is opened in WAL mode with a busy time-out, since the journal's writer has a connection of its own beside the
engine's. `postgres://` addresses, as platforms give them, are understood.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

_MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_MS = 5000


class StoreUnusable(ValueError):
    """The store cannot be worked with as it is; the sentence says what helps."""


async def require_current(engine: AsyncEngine) -> None:
    """Make sure that the database has the tables of this version; those of a newer one are taken, so that one can go back.

    Raises:
        StoreUnusable: it has none, or those of an earlier version.
        sqlite3.Error: the file cannot be opened.
    """
    path = sqlite_path(engine.url)
    if path is not None:
        # aiosqlite's thread outlives a connection that could not be made, and then complains of a loop that is closed.
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA schema_version")
    scripts = ScriptDirectory(str(_MIGRATIONS))
    outdated = {None, *(one.revision for one in scripts.walk_revisions())} - {scripts.get_current_head()}
    async with engine.connect() as engaged:
        revision = None
        if await engaged.run_sync(lambda one: inspect(one).has_table("alembic_version")):
            revision = (await engaged.execute(text("SELECT version_num FROM alembic_version"))).scalar()
    if revision in outdated:
        state = "has no tables yet" if revision is None else f"is of an earlier version ({revision})"
        raise StoreUnusable(f"The database {state}; `trubka release` brings it to this one.")


def database_url(address: str) -> URL:
    """The address with the driver that we use.

    Raises:
        StoreUnusable: neither SQLite nor PostgreSQL.
    """
    url = make_url(address)
    kind = url.get_backend_name() if "+" in url.drivername else url.drivername
    if kind in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+asyncpg")
    if kind == "sqlite":
        return url.set(drivername="sqlite+aiosqlite")
    raise StoreUnusable(f"The database must be SQLite or PostgreSQL, not {url.drivername!r}.")


def sqlite_path(url: URL) -> Path | None:
    """The file of an SQLite address, None for PostgreSQL."""
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:":
        raise StoreUnusable("An SQLite database must be a file: the journal opens it a second time.")
    return Path(url.database)


def open_engine(url: URL) -> AsyncEngine:
    """An engine on that address; its folder is made where SQLite needs one. Closed by `await engine.dispose()`."""
    path = sqlite_path(url)
    if path is None:
        return create_async_engine(url, pool_size=5, pool_pre_ping=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(url)

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            f"busy_timeout={BUSY_MS}",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def migrate(url: URL, revision: str = "head") -> None:
    """Bring the tables to that revision (Alembic). Blocks; it runs before any loop does (`trubka release`)."""
    path = sqlite_path(url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = url
    command.upgrade(config, revision)
