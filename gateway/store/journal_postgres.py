"""The journal in PostgreSQL: one connection of its own, one task, a transaction per batch; re-opened when it was lost."""

import asyncio
from collections.abc import Sequence

import asyncpg
from sqlalchemy.engine import URL

from gateway.store.journal import Backlog, Entry, Row, fold

_PUT = (
    "INSERT INTO journal (id, account_id, body) VALUES ($1, $2, $3) "
    "ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, body = excluded.body"
)
_FORGET = "DELETE FROM journal WHERE id = ANY($1::text[])"
_LOAD = "SELECT id, account_id, body FROM journal WHERE account_id = ANY($1::bigint[]) ORDER BY id"
TIMEOUT = 10.0  # seconds for one batch: a database that does not answer must not hold back an ACK for longer


class PostgresJournal(Backlog):
    """The journal in that database, whose tables exist (`trubka release`)."""

    def __init__(self, url: URL) -> None:
        super().__init__()
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: asyncpg.Connection | None = None
        self._awake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        await self._connected()
        self._task = asyncio.create_task(self._run(), name="journal")

    async def load(self, account_ids: Sequence[int]) -> list[Row]:
        # A connection of its own: the writer's may be in the middle of a transaction.
        connection = await asyncpg.connect(self._dsn, timeout=TIMEOUT)
        try:
            found = await connection.fetch(_LOAD, list(account_ids), timeout=TIMEOUT)
        finally:
            await connection.close()
        return [Row(row["id"], row["account_id"], row["body"]) for row in found]

    async def close(self) -> None:
        self._closed = True
        self._awake.set()
        if self._task is not None:
            await self._task
        if self._connection is not None:
            await self._connection.close()

    def _wake(self, entry: Entry) -> None:
        self._awake.set()

    async def _run(self) -> None:
        while not (self._closed and not self._waiting):
            await self._awake.wait()
            self._awake.clear()
            while batch := self._take():
                rows, gone = fold(batch)
                error: Exception | None = None
                try:
                    await asyncio.wait_for(self._write(rows, gone), TIMEOUT)
                except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as failure:
                    error = failure
                self._account(len(rows), error)
                self._tell(batch)

    async def _write(self, rows: dict[str, Row], gone: set[str]) -> None:
        connection = await self._connected()
        async with connection.transaction():
            if rows:
                await connection.executemany(
                    _PUT, [(row.id, row.account_id, row.body) for row in rows.values()]
                )
            if gone:
                await connection.execute(_FORGET, list(gone))

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._dsn, timeout=TIMEOUT)
        return self._connection
