"""Insert or replace by primary key, said once for both databases."""

from collections.abc import Mapping

from sqlalchemy import Insert, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine


def upsert(engine: AsyncEngine, table: Table, row: Mapping[str, object]) -> Insert:
    """The statement that adds the row, or replaces the one with the same primary key."""
    insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    keys = [column.name for column in table.primary_key]
    rest = {name: value for name, value in row.items() if name not in keys}
    return insert(table).values(**row).on_conflict_do_update(index_elements=keys, set_=rest)
