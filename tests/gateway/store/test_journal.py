"""gateway/store/journal*.py: one suite for both databases, and the laws of folding."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from gateway.store.database import sqlite_path
from gateway.store.journal import Entry, Journal, Row, fold
from gateway.store.journal_postgres import PostgresJournal
from gateway.store.journal_sqlite import CHECKPOINT_EVERY, SqliteJournal, journal_path

ACCOUNT = 28805383


def row(identity: str, body: bytes = b"body", account: int = ACCOUNT) -> Row:
    return Row(identity, account, body)


@pytest.fixture
def make(url: URL) -> Callable[[], SqliteJournal | PostgresJournal]:
    def make() -> SqliteJournal | PostgresJournal:
        path = sqlite_path(url)
        return SqliteJournal(journal_path(path)) if path else PostgresJournal(url)

    return make


@pytest.fixture
async def journal(make: Callable[[], SqliteJournal | PostgresJournal]) -> AsyncIterator[Journal]:
    journal = make()
    await journal.open()
    yield journal
    await journal.close()


async def written(journal: Journal, *rows: Row) -> None:
    done = asyncio.Event()
    journal.put(rows, done.set)
    await asyncio.wait_for(done.wait(), 60)


async def test_done_is_called_after_the_row_is_there_for_everybody(
    journal: Journal, make: Callable[[], SqliteJournal | PostgresJournal]
) -> None:
    await written(journal, row("a"))
    other = make()
    await other.open()
    assert await other.load([ACCOUNT]) == [row("a")]
    await other.close()


async def test_the_last_state_of_a_call_is_the_one_that_is_loaded(journal: Journal) -> None:
    await written(journal, row("a", b"dialling"))
    journal.put([row("a", b"talking")])
    await written(journal, row("b"))
    assert await journal.load([ACCOUNT]) == [row("a", b"talking"), row("b")]


async def test_only_the_named_accounts_are_loaded(journal: Journal) -> None:
    await written(journal, row("a"), row("b", account=7))
    assert await journal.load([7]) == [row("b", account=7)]
    assert await journal.load([]) == []


async def test_a_forgotten_call_is_gone_and_the_order_of_puts_is_kept(journal: Journal) -> None:
    order: list[str] = []
    sentinel = asyncio.Event()
    journal.put([row("a")], lambda: order.append("a"))
    journal.forget(["a"])
    journal.put([row("b")], lambda: order.append("b"))
    journal.put([row("z")], sentinel.set)
    await asyncio.wait_for(sentinel.wait(), 60)
    assert order == ["a", "b"]
    assert await journal.load([ACCOUNT]) == [row("b"), row("z")]


async def test_many_puts_are_all_written_and_on_postgresql_share_a_transaction(journal: Journal) -> None:
    sentinel = asyncio.Event()
    for number in range(200):
        journal.put([row(f"call-{number:03}")])
    journal.put([row("zz")], sentinel.set)
    await asyncio.wait_for(sentinel.wait(), 60)
    assert journal.counters["rows_written"] == 201
    assert journal.counters["batches_written"] <= (201 if isinstance(journal, SqliteJournal) else 2)
    assert len(await journal.load([ACCOUNT])) == 201


async def test_done_is_not_called_inside_put(journal: Journal) -> None:
    """Whoever puts a row is in the middle of something, and what follows the row may put another."""
    told: list[str] = []
    sentinel = asyncio.Event()
    journal.put([row("a")], lambda: told.append("done"))
    told.append("put has returned")
    journal.put([row("b")], sentinel.set)
    await asyncio.wait_for(sentinel.wait(), 60)
    assert told == ["put has returned", "done"]


async def test_sqlite_has_committed_when_put_returns(tmp_path: Path) -> None:
    """The next line of the caller may send what the row tells of, and the process may be killed then."""
    journal = SqliteJournal(tmp_path / "calls.db")
    await journal.open()
    for name in ("a", "b"):
        journal.put([row(name)])
        with closing(sqlite3.connect(tmp_path / "calls.db")) as another:
            assert (name,) in another.execute("SELECT id FROM journal").fetchall()
    journal.forget(["a"])
    journal.put([row("c")])
    with closing(sqlite3.connect(tmp_path / "calls.db")) as another:
        assert another.execute("SELECT id FROM journal ORDER BY id").fetchall() == [("b",), ("c",)]
    await journal.close()


async def test_closing_writes_what_is_left(
    make: Callable[[], SqliteJournal | PostgresJournal], journal: Journal
) -> None:
    leaving = make()
    await leaving.open()
    leaving.put([row("last")])
    await leaving.close()
    assert await journal.load([ACCOUNT]) == [row("last")]
    with pytest.raises(RuntimeError, match="closed"):
        leaving.put([row("late")])


async def test_a_write_that_fails_is_counted_and_still_answered(
    make: Callable[[], SqliteJournal | PostgresJournal], caplog: pytest.LogCaptureFixture
) -> None:
    journal = make()
    await journal.open()
    await written(journal, row("x" * 64))
    health = [journal.healthy]
    await written(journal, Row("no account", None, b"body"))  # type: ignore[arg-type] # a row that both databases refuse
    health.append(journal.healthy)
    assert journal.counters["batches_failed"] == 1
    assert "the journal could not be written" in caplog.text
    await written(journal, row("after"))
    assert [*health, journal.healthy] == [True, False, True]
    assert {found.id for found in await journal.load([ACCOUNT])} == {"x" * 64, "after"}
    await journal.close()


async def test_the_log_is_folded_into_the_file_behind_the_writer(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "calls.db")
    await journal.open()
    for number in range(CHECKPOINT_EVERY + 1):
        await written(journal, row("same", str(number).encode()))
    await journal.close()
    assert journal.counters["batches_written"] == CHECKPOINT_EVERY + 1
    assert journal.counters["checkpoints_failed"] == 0
    again = SqliteJournal(tmp_path / "calls.db")
    await again.open()
    assert await again.load([ACCOUNT]) == [row("same", str(CHECKPOINT_EVERY).encode())]
    await again.close()


ids = st.sampled_from(["a", "b", "c"])
entries = st.lists(
    st.one_of(
        st.builds(lambda i, body: Entry((Row(i, 1, body),), (), None), ids, st.binary(max_size=2)),
        st.builds(lambda i: Entry((), (i,), None), ids),
    ),
    max_size=12,
)


@given(before=st.dictionaries(ids, st.binary(max_size=2)), batch=entries)
def test_folding_leaves_the_same_table_as_one_by_one(before: dict[str, bytes], batch: list[Entry]) -> None:
    one_by_one = dict(before)
    for entry in batch:
        one_by_one.update({found.id: found.body for found in entry.rows})
        for identity in entry.gone:
            one_by_one.pop(identity, None)
    rows, gone = fold(batch)
    assert not rows.keys() & gone
    folded = {**before, **{identity: found.body for identity, found in rows.items()}}
    assert {identity: body for identity, body in folded.items() if identity not in gone} == one_by_one
