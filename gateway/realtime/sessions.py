"""Resume secrets: made here, kept as digests behind the port `Sessions`, and one such keeper in memory.

What it does not know: sockets. A secret has 256 bits of chance, so a plain SHA-256 is digest enough: there is nothing to
guess (a password would need argon2).

Invariants: the secret itself is never stored and never logged; it is bound to one user and one tab; a renewed secret does
not kill the old one, which ends with its own time, so that a page that lost the renewal on the way can still come back.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from gateway.realtime.ports import Identity, SavedSession, Sessions
from protocol.messages import ResumeSecret

LIFE = 12 * 3600.0
"""Seconds that a resume secret lives."""


def digest_of(secret: str) -> str:
    """What the store knows of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret() -> str:
    """256 bits of chance, as letters that need no escape."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class Resumption:
    """Issues and checks resume secrets.

    Attributes:
        sessions: where digests are kept.
        life: seconds that a secret lives.
        source: where secrets come from.
    """

    sessions: Sessions
    life: float = LIFE
    source: Callable[[], str] = new_secret

    async def issue(self, identity: Identity, tab: str, now: float) -> ResumeSecret:
        """A new secret for a tab; it is in the store when this returns."""
        secret, expires_at = self.source(), now + self.life
        await self.sessions.put(
            SavedSession(digest_of(secret), identity.account_id, identity.user_id, tab, expires_at)
        )
        return ResumeSecret(secret, expires_at)

    async def check(self, secret: str, tab: str, now: float) -> SavedSession | None:
        """The session that a secret opens for this tab; None: unknown, expired, revoked, or another tab's."""
        session = await self.sessions.find(digest_of(secret), now)
        if session is None or session.tab != tab or session.expires_at <= now:
            return None
        return session

    def renew_at(self, expires_at: float) -> float:
        """When a secret is to be renewed: a quarter of its life before its end."""
        return expires_at - self.life / 4


class MemorySessions:
    """`Sessions` in memory: for tests and benches; nothing survives the process."""

    def __init__(self) -> None:
        self._kept: dict[str, SavedSession] = {}

    def __len__(self) -> int:
        return len(self._kept)

    async def put(self, session: SavedSession) -> None:
        self._kept[session.digest] = session

    async def find(self, digest: str, now: float) -> SavedSession | None:
        session = self._kept.get(digest)
        return session if session is not None and session.expires_at > now else None

    async def revoke(self, account_id: int, user_id: int | None = None) -> int:
        return self._forget(lambda kept: kept.account_id == account_id and user_id in (None, kept.user_id))

    async def forget_expired(self, now: float) -> int:
        return self._forget(lambda kept: kept.expires_at <= now)

    def _forget(self, condition: Callable[[SavedSession], bool]) -> int:
        doomed = [digest for digest, session in self._kept.items() if condition(session)]
        for digest in doomed:
            del self._kept[digest]
        return len(doomed)
