"""Resume secrets in the store: how a tab comes back without the CRM (design section 5). Only digests are kept."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.realtime.ports import SavedSession
from gateway.store.schema import sessions
from gateway.store.upsert import upsert


class SqlSessions:
    """`realtime.ports.Sessions` over a table."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def put(self, session: SavedSession) -> None:
        row = {
            "digest": session.digest,
            "account_id": session.account_id,
            "user_id": session.user_id,
            "tab": session.tab,
            "expires_at": session.expires_at,
        }
        async with self._engine.begin() as connection:
            await connection.execute(upsert(self._engine, sessions, row))

    async def find(self, digest: str, now: float) -> SavedSession | None:
        where = (sessions.c.digest == digest) & (sessions.c.expires_at > now)
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(sessions).where(where))).first()
        return SavedSession(**row._mapping) if row else None

    async def revoke(self, account_id: int, user_id: int | None = None) -> int:
        where = sessions.c.account_id == account_id
        if user_id is not None:
            where &= sessions.c.user_id == user_id
        async with self._engine.begin() as connection:
            return (await connection.execute(delete(sessions).where(where))).rowcount

    async def forget_expired(self, now: float) -> int:
        async with self._engine.begin() as connection:
            return (await connection.execute(delete(sessions).where(sessions.c.expires_at <= now))).rowcount
