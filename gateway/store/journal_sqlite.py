"""The journal in SQLite: one connection in one thread, WAL, a commit per batch.

`synchronous=NORMAL`: what is committed survives the death of the process, which is what the restart contract promises;
the last moments before a loss of power may be missing, and a PBX rarely outlives that.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from gateway.store.database import BUSY_MS
from gateway.store.journal import Row, Writer

_PUT = (
    "INSERT INTO journal (id, account_id, body) VALUES (?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, body = excluded.body"
)
_FORGET = "DELETE FROM journal WHERE id = ?"


_T = TypeVar("_T")


class SqliteJournal(Writer):
    """The journal in the file at that path, whose tables exist (`trubka release`)."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        self._connection = await self._in_thread(self._connect)
        self.start()

    async def load(self, account_ids: Sequence[int]) -> list[Row]:
        def read() -> list[Row]:
            marks = ",".join("?" * len(account_ids))
            query = f"SELECT id, account_id, body FROM journal WHERE account_id IN ({marks}) ORDER BY id"
            return [Row(*found) for found in self._connected().execute(query, tuple(account_ids))]

        return await self._in_thread(read)

    async def close(self) -> None:
        await self.finish()
        if self._connection is not None:
            await self._in_thread(self._connection.close)
        self._thread.shutdown()

    async def _write(self, rows: dict[str, Row], gone: set[str]) -> None:
        def write() -> None:
            connection = self._connected()
            with connection:  # commits, or rolls back
                if rows:
                    connection.executemany(
                        _PUT, [(row.id, row.account_id, row.body) for row in rows.values()]
                    )
                if gone:
                    connection.executemany(_FORGET, [(identity,) for identity in gone])

        await self._in_thread(write)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_MS / 1000, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("The journal is not open.")
        return self._connection

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
