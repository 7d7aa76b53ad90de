"""Users of the CRM and the extensions that are mapped to them."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Row, delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.store.schema import extensions, users
from gateway.store.secrets import Vault
from gateway.store.upsert import upsert

Role = Literal["agent", "supervisor", "administrator"]


@dataclass(frozen=True, slots=True)
class User:
    """A user of the CRM. `id` is amoCRM's own number of him."""

    account_id: int
    id: int
    name: str
    role: Role = "agent"


@dataclass(frozen=True, slots=True)
class Extension:
    """A PBX line, with its password in the clear: never logged, never sent.

    Attributes:
        number: what colleagues dial, as "101".
        user_id: the amoCRM user it belongs to; None: nobody's yet.
        label: how it is called on the screen; the number where empty.
        softphone: whether the gateway registers it and the browser carries its sound.
        sip_user: what the PBX knows its browser side as; the number where empty.
        transport: `udp`, `tcp`, `tls`, `auto`, or empty: as the account says.
        replaces_to: a number that can be dialled in the line's context, to move a call into a fresh page (INVITE with
            Replaces); the extension's own where empty.
    """

    account_id: int
    number: str
    sip_password: str
    user_id: int | None = None
    label: str = ""
    softphone: bool = True
    sip_user: str = ""
    transport: str = ""
    replaces_to: str = ""

    def __repr__(self) -> str:
        return f"<Extension {self.number} of account {self.account_id}>"


class Users:
    """The users of the store."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def put(self, user: User) -> None:
        """Add the user, or replace what is known of him."""
        row = {"account_id": user.account_id, "id": user.id, "name": user.name, "role": user.role}
        async with self._engine.begin() as connection:
            await connection.execute(upsert(self._engine, users, row))

    async def of(self, account_id: int) -> list[User]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(users).where(users.c.account_id == account_id).order_by(users.c.id)
            )
            return [User(**row._mapping) for row in rows]

    async def remove(self, account_id: int, user_id: int) -> bool:
        """Forget the user; whether there was one."""
        async with self._engine.begin() as connection:
            where = (users.c.account_id == account_id) & (users.c.id == user_id)
            return (await connection.execute(delete(users).where(where))).rowcount > 0


class Extensions:
    """The extensions of the store."""

    def __init__(self, engine: AsyncEngine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    async def put(self, extension: Extension) -> None:
        """Add the extension, or replace what is known of it."""
        row = {
            "account_id": extension.account_id,
            "number": extension.number,
            "user_id": extension.user_id,
            "label": extension.label or extension.number,
            "softphone": extension.softphone,
            "sip_user": extension.sip_user or extension.number,
            "sip_password_sealed": self._vault.seal(extension.sip_password),
            "transport": extension.transport,
            "replaces_to": extension.replaces_to,
        }
        async with self._engine.begin() as connection:
            await connection.execute(upsert(self._engine, extensions, row))

    async def of(self, account_id: int) -> list[Extension]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(extensions).where(extensions.c.account_id == account_id).order_by(extensions.c.number)
            )
            return [self._extension(row) for row in rows]

    async def remove(self, account_id: int, number: str) -> bool:
        """Forget the extension; whether there was one."""
        async with self._engine.begin() as connection:
            where = (extensions.c.account_id == account_id) & (extensions.c.number == number)
            return (await connection.execute(delete(extensions).where(where))).rowcount > 0

    def _extension(self, row: Row[tuple[object, ...]]) -> Extension:
        known = dict(row._mapping)
        known["sip_password"] = self._vault.open(known.pop("sip_password_sealed"))
        return Extension(**known)
