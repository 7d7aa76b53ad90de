"""Alembic's way in: runs the revisions over the same engine that the gateway uses."""

import asyncio

from alembic import context
from sqlalchemy.engine import URL, Connection

from gateway.store.database import open_engine
from gateway.store.schema import metadata


def _run(connection: Connection) -> None:
    # SQLite cannot alter a table in place: batch mode copies it.
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


async def _migrate(url: URL) -> None:
    engine = open_engine(url)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_run)
            await connection.commit()
    finally:
        await engine.dispose()


asyncio.run(_migrate(context.config.attributes["url"]))
