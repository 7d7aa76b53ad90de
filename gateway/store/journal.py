"""The journal of calls: what a killed process leaves to the next one (design section 6, the restart contract).

A port and two implementations, SQLite and PostgreSQL, under one suite. Both have one writer. SQLite's commits before `put` returns;
PostgreSQL's makes whatever was put since its last transaction the next one, so that the price of a commit is shared when calls are
many and the wait is one commit long when they are few (docs/decisions/0004).

Invariants:
    * `done` is called on the loop, once, never inside `put`, in the order of the puts, after the rows are committed: an ACK that
      waits for it never leaves before its row.
    * A row that cannot be written is logged and counted, and `done` is called all the same: a full disk must not keep
      people from talking. `healthy` is false until a write succeeds again.
    * `close()` returns when everything that was put is written.

The bodies are the lines' own affair (`gateway/lines/journal.py`); here they are bytes with an id.
"""

import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

logger = logging.getLogger("trubka.journal")


@dataclass(frozen=True, slots=True)
class Row:
    """One saved leg of a call, by its id."""

    id: str
    account_id: int
    body: bytes


Done = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """What one `put` asks of the writer."""

    rows: Sequence[Row]
    gone: Sequence[str]
    done: Done | None


class Journal(Protocol):
    """Where calls are written down."""

    counters: Counter[str]

    @property
    def healthy(self) -> bool:
        """Whether the last write succeeded."""

    async def open(self) -> None:
        """Connect and start the writer.

        Raises:
            OSError, sqlite3.Error, asyncpg.PostgresError: the database cannot be reached.
        """

    def put(self, rows: Iterable[Row], done: Done | None = None) -> None:
        """Write the rows, at once or soon, then call `done` on the loop. Safe to call at any rate; never waits for a disk."""

    def forget(self, ids: Iterable[str]) -> None:
        """Delete the rows of ended calls soon, after all that was put before."""

    async def load(self, account_ids: Sequence[int]) -> list[Row]:
        """The rows of these accounts, as committed."""

    async def close(self) -> None:
        """Write what is left and let go of the database."""


def fold(batch: Iterable[Entry]) -> tuple[dict[str, Row], set[str]]:
    """The rows to write and the ids to delete that leave the same table as the entries one by one.

    Of several states of one call only the last is worth a write, and a call that came and went leaves no trace.
    """
    rows: dict[str, Row] = {}
    gone: set[str] = set()
    for entry in batch:
        for row in entry.rows:
            rows[row.id] = row
            gone.discard(row.id)
        for identity in entry.gone:
            rows.pop(identity, None)
            gone.add(identity)
    return rows, gone


class Backlog(ABC):
    """What both writers share: the entries that wait, and how a written batch is answered."""

    def __init__(self) -> None:
        # rows_written, batches_written, batches_failed
        self.counters: Counter[str] = Counter()
        self._healthy = True
        self._closed = False
        self._waiting: list[Entry] = []

    @property
    def healthy(self) -> bool:
        return self._healthy

    def put(self, rows: Iterable[Row], done: Done | None = None) -> None:
        self._add(Entry(tuple(rows), (), done))

    def forget(self, ids: Iterable[str]) -> None:
        self._add(Entry((), tuple(ids), None))

    def _add(self, entry: Entry) -> None:
        if self._closed:
            raise RuntimeError("The journal is closed: nothing can be put into it any more.")
        self._waiting.append(entry)
        self._wake(entry)

    @abstractmethod
    def _wake(self, entry: Entry) -> None:
        """This waits to be written, after whatever waits already."""

    def _take(self) -> list[Entry]:
        taken, self._waiting = self._waiting, []
        return taken

    def _account(self, rows: int, error: Exception | None) -> None:
        """A batch was written, or was not."""
        self._healthy = error is None
        if error is None:
            self.counters["rows_written"] += rows
            self.counters["batches_written"] += 1
        else:
            self.counters["batches_failed"] += 1
            logger.error("! the journal could not be written: %s", error)

    @staticmethod
    def _tell(batch: Sequence[Entry]) -> None:
        """Call everybody who waits for the batch."""
        for entry in batch:
            if entry.done is not None:
                entry.done()
