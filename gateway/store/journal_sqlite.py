"""The journal in SQLite: a file of its own, written on the loop's thread, committed before `put` returns.

A commit in WAL mode with `synchronous=NORMAL` is a write into the system's memory, 20 µs, and no flush of the disk; a thread
would cost several times that in hand-overs, on the path of every answered call. What does flush is the checkpoint, and that
is taken off this connection and run in a thread. The file is the journal's alone, so that no other writer's lock is ever waited
for here.

What is committed survives the death of the process, which is what the restart contract promises; the last moments before a
loss of power may be missing, and a PBX rarely outlives that.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from gateway.store.journal import Backlog, Entry, Row, fold, logger

CHECKPOINT_EVERY = 2000  # batches; some megabytes of log
_TABLE = "CREATE TABLE IF NOT EXISTS journal (id TEXT PRIMARY KEY, account_id INTEGER NOT NULL, body BLOB NOT NULL)"
_PUT = (
    "INSERT INTO journal (id, account_id, body) VALUES (?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, body = excluded.body"
)
_FORGET = "DELETE FROM journal WHERE id = ?"


def journal_path(database: Path) -> Path:
    """Where the calls of that database are written down: `trubka.calls.db` beside `trubka.db`."""
    return database.with_name(f"{database.stem}.calls{database.suffix}")


class SqliteJournal(Backlog):
    """The journal in the file at that path, which is made where there is none."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._scheduled = False
        self._checkpoint: asyncio.Future[None] | None = None

    async def open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = connection = sqlite3.connect(self._path)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute(_TABLE)
        connection.commit()

    async def load(self, account_ids: Sequence[int]) -> list[Row]:
        marks = ",".join("?" * len(account_ids))
        query = f"SELECT id, account_id, body FROM journal WHERE account_id IN ({marks}) ORDER BY id"
        return [Row(*found) for found in self._connected().execute(query, tuple(account_ids))]

    async def close(self) -> None:
        self._closed = True
        self._write()
        if self._checkpoint is not None:
            await self._checkpoint
        if self._connection is not None:
            self._connection.close()  # the last connection of a file checkpoints it

    def _wake(self, entry: Entry) -> None:
        if entry.rows:
            # Now, and not a turn later: what they tell of leaves in this one.
            self._write()
        elif not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._write_later)

    def _write_later(self) -> None:
        self._scheduled = False
        self._write()

    def _write(self) -> None:
        batch = self._take()
        if not batch:
            return
        rows, gone = fold(batch)
        error: sqlite3.Error | None = None
        try:
            with self._connected() as connection:  # commits, or rolls back
                connection.executemany(_PUT, [(row.id, row.account_id, row.body) for row in rows.values()])
                connection.executemany(_FORGET, [(identity,) for identity in gone])
        except sqlite3.Error as failure:
            error = failure
        self._account(len(rows), error)
        if any(entry.done for entry in batch):
            asyncio.get_running_loop().call_soon(self._tell, batch)
        if self.counters["batches_written"] % CHECKPOINT_EVERY == 0 and self._checkpoint is None:
            self._checkpoint = asyncio.get_running_loop().run_in_executor(None, _checkpoint, self._path)
            self._checkpoint.add_done_callback(self._checkpointed)

    def _checkpointed(self, done: asyncio.Future[None]) -> None:
        self._checkpoint = None
        if error := done.exception():
            self.counters["checkpoints_failed"] += 1
            logger.error("! the journal's log could not be folded into its file: %s", error)

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("The journal is not open.")
        return self._connection


def _checkpoint(path: Path) -> None:
    """Fold the log into the file, on a connection of its own; the writer need not wait (SQLite: PASSIVE)."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
