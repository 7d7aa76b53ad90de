"""gateway/store/database.py, schema.py and the migrations, on both databases."""

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.store.database import (
    StoreUnusable,
    database_url,
    migrate,
    open_engine,
    require_current,
    sqlite_path,
)
from gateway.store.schema import metadata


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("postgres://user:pw@db/trubka", "postgresql+asyncpg"),
        ("postgresql://db/trubka", "postgresql+asyncpg"),
        ("postgresql+asyncpg://db/trubka", "postgresql+asyncpg"),
        ("sqlite:///var/trubka.db", "sqlite+aiosqlite"),
    ],
)
def test_the_address_gets_the_driver_that_we_use(given: str, driver: str) -> None:
    assert database_url(given).drivername == driver


def test_another_database_is_refused_with_its_name() -> None:
    with pytest.raises(ValueError, match="mysql"):
        database_url("mysql://db/trubka")


def test_sqlite_must_be_a_file() -> None:
    assert sqlite_path(database_url("sqlite:///var/trubka.db")) == Path("var/trubka.db")
    assert sqlite_path(database_url("postgresql://db/trubka")) is None
    with pytest.raises(ValueError, match="file"):
        sqlite_path(database_url("sqlite://"))


def _unless(names: set[str]) -> Callable[..., bool]:
    return lambda _object, name, kind, _reflected, _other: kind != "table" or name not in names


async def test_the_migrations_make_the_schema(engine: AsyncEngine) -> None:
    def differences(connection: Connection) -> list[object]:
        own_file = {"journal"} if connection.dialect.name == "sqlite" else set()
        context = MigrationContext.configure(connection, opts={"include_object": _unless(own_file)})
        return list(compare_metadata(context, metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


def test_migrating_twice_changes_nothing(url: URL) -> None:
    migrate(url)


async def test_sqlite_is_opened_with_a_write_ahead_log_and_foreign_keys(tmp_path: Path) -> None:
    engine = open_engine(database_url(f"sqlite:///{tmp_path}/deep/er/trubka.db"))
    try:
        async with engine.connect() as connection:
            assert (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar() == "wal"
            assert (await connection.exec_driver_sql("PRAGMA foreign_keys")).scalar() == 1
    finally:
        await engine.dispose()


async def test_an_empty_database_has_no_table_of_ours(empty_database: Callable[[], URL]) -> None:
    engine = open_engine(empty_database())
    try:
        async with engine.connect() as connection:
            names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    finally:
        await engine.dispose()
    assert names == []


async def test_tables_of_this_version_are_taken(engine: AsyncEngine) -> None:
    await require_current(engine)


async def test_a_database_without_tables_is_refused_and_the_remedy_named(
    empty_database: Callable[[], URL],
) -> None:
    engine = open_engine(empty_database())
    with pytest.raises(StoreUnusable, match="no tables yet; `trubka release`"):
        await require_current(engine)
    await engine.dispose()


async def test_tables_of_a_newer_version_are_taken_so_that_one_can_go_back(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = 'of tomorrow'"))
    await require_current(engine)


async def test_tables_of_an_earlier_version_are_refused(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ScriptDirectory, "get_current_head", lambda _: "of tomorrow")
    with pytest.raises(StoreUnusable, match=r"earlier version \(0001"):
        await require_current(engine)
