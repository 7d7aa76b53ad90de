"""The store in one piece: opened once by whoever runs, closed by the same."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.store.accounts import Accounts
from gateway.store.database import StoreUnusable, database_url, open_engine, sqlite_path
from gateway.store.journal_postgres import PostgresJournal
from gateway.store.journal_sqlite import SqliteJournal, journal_path
from gateway.store.people import Extensions, Users
from gateway.store.secrets import Vault, keys_from
from gateway.store.sessions import SqlSessions

KEY_FILE = "trubka.key"


def secret_keys(address: str, secret_key: str) -> list[str]:
    """The keys of a process: those of the setting, else of the file beside its SQLite database, which is made where there is none.

    Raises:
        StoreUnusable: neither SQLite nor PostgreSQL; no key for a database without a folder.
    """
    path = sqlite_path(database_url(address))
    if path is None and not secret_key:
        raise StoreUnusable(
            "With PostgreSQL, TRUBKA_SECRET_KEY must be set: every process must have the same key."
        )
    return keys_from(secret_key, (path.parent if path else Path()) / KEY_FILE)


@dataclass(frozen=True, slots=True)
class Store:
    """All aggregates over one engine."""

    url: URL
    engine: AsyncEngine
    accounts: Accounts
    users: Users
    extensions: Extensions
    sessions: SqlSessions

    @classmethod
    def at(cls, address: str, secret_key: str = "") -> "Store":
        """The store at that address; nothing is connected before it is needed.

        Args:
            address: as `TRUBKA_DATABASE_URL`.
            secret_key: as `TRUBKA_SECRET_KEY`; empty: the key file beside the SQLite database.

        Raises:
            StoreUnusable: neither SQLite nor PostgreSQL; no key for a database without a folder; a key that is none.
        """
        url = database_url(address)
        try:
            vault = Vault(secret_keys(address, secret_key))
        except ValueError as error:
            raise StoreUnusable(f"TRUBKA_SECRET_KEY (or the key file) holds no key: {error}") from error
        engine = open_engine(url)
        return cls(
            url,
            engine,
            Accounts(engine, vault),
            Users(engine),
            Extensions(engine, vault),
            SqlSessions(engine),
        )

    def journal(self) -> SqliteJournal | PostgresJournal:
        """The journal of calls, in the same PostgreSQL database or in a file beside the SQLite one; opened and closed by its user."""
        path = sqlite_path(self.url)
        return SqliteJournal(journal_path(path)) if path else PostgresJournal(self.url)

    async def close(self) -> None:
        await self.engine.dispose()
