"""gateway/store/sessions.py and its twin in memory: one suite for the port, on both databases."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.realtime.ports import SavedSession, Sessions
from gateway.realtime.sessions import MemorySessions
from gateway.store.accounts import Accounts
from gateway.store.sessions import SqlSessions
from tests.gateway.store.conftest import ACCOUNT

NOW = 1_795_000_000.0


def session(digest: str, user: int = 1, expires_at: float = NOW + 60) -> SavedSession:
    return SavedSession(digest * 64, ACCOUNT.id, user, "tab-1", expires_at)


class SessionsSuite:
    """What every keeper of sessions does; a subclass brings the keeper."""

    async def test_what_was_put_is_found_until_it_expires(self, sessions: Sessions) -> None:
        await sessions.put(session("a"))
        assert await sessions.find("a" * 64, NOW) == session("a")
        assert await sessions.find("a" * 64, NOW + 60) is None
        assert await sessions.find("b" * 64, NOW) is None

    async def test_putting_again_replaces(self, sessions: Sessions) -> None:
        await sessions.put(session("a"))
        await sessions.put(session("a", expires_at=NOW + 600))
        assert await sessions.find("a" * 64, NOW + 60) == session("a", expires_at=NOW + 600)

    async def test_a_user_s_sessions_are_revoked_and_others_are_not(self, sessions: Sessions) -> None:
        for digest, user in (("a", 1), ("b", 1), ("c", 2)):
            await sessions.put(session(digest, user))
        assert await sessions.revoke(ACCOUNT.id, 1) == 2
        assert await sessions.find("a" * 64, NOW) is None
        assert await sessions.find("c" * 64, NOW) is not None
        assert await sessions.revoke(ACCOUNT.id) == 1
        assert await sessions.find("c" * 64, NOW) is None

    async def test_expired_ones_are_forgotten_and_counted(self, sessions: Sessions) -> None:
        await sessions.put(session("a", expires_at=NOW))
        await sessions.put(session("b"))
        assert await sessions.forget_expired(NOW) == 1
        assert await sessions.find("b" * 64, NOW) == session("b")


class TestInMemory(SessionsSuite):
    @pytest.fixture
    def sessions(self) -> Sessions:
        return MemorySessions()


class TestInTheStore(SessionsSuite):
    @pytest.fixture
    def sessions(self, engine: AsyncEngine, accounts: Accounts) -> Sessions:
        return SqlSessions(engine)

    async def test_a_session_outlives_its_connection(self, sessions: Sessions, engine: AsyncEngine) -> None:
        await sessions.put(session("a"))
        assert await SqlSessions(engine).find("a" * 64, NOW) == session("a")
