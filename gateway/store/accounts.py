"""Accounts: one amoCRM account each, with the integration's keys and the address of its PBX."""

from dataclasses import dataclass

from sqlalchemy import Row, delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.store.schema import accounts
from gateway.store.secrets import Vault
from gateway.store.upsert import upsert

SIP_PORT = 5060
SIPS_PORT = 5061  # over TLS (RFC 3261 §19.1.2)


@dataclass(frozen=True, slots=True)
class Account:
    """An account with its secrets in the clear: never logged, never sent.

    Attributes:
        id: amoCRM's own number of the account.
        address: where its pages live, as `https://example.amocrm.ru`: the `iss` of its tokens and the Origin of its pages.
        country: ISO 3166 letters; how numbers without a country code are read.
        client_uuid: the integration's id.
        client_secret: the integration's key, which signs the one-time tokens.
        transport: `udp`, `tcp`, `tls` or `auto`: how its lines speak SIP to the PBX.
    """

    id: int
    address: str
    name: str
    client_uuid: str
    client_secret: str
    pbx_host: str
    pbx_port: int = 5060
    transport: str = "udp"
    country: str = "RU"

    def __repr__(self) -> str:
        return f"<Account {self.id} {self.address}>"


class Accounts:
    """The accounts of the store."""

    def __init__(self, engine: AsyncEngine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    async def put(self, account: Account) -> None:
        """Add the account, or replace what is known of it."""
        row = {
            "id": account.id,
            "address": account.address,
            "name": account.name,
            "country": account.country,
            "client_uuid": account.client_uuid,
            "client_secret_sealed": self._vault.seal(account.client_secret),
            "pbx_host": account.pbx_host,
            "pbx_port": account.pbx_port,
            "transport": account.transport,
        }
        async with self._engine.begin() as connection:
            await connection.execute(upsert(self._engine, accounts, row))

    async def all(self) -> list[Account]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(accounts).order_by(accounts.c.id))
            return [self._account(row) for row in rows]

    async def get(self, account_id: int) -> Account | None:
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(accounts).where(accounts.c.id == account_id))).first()
            return self._account(row) if row else None

    async def remove(self, account_id: int) -> bool:
        """Forget the account with its users, extensions and sessions; whether there was one."""
        async with self._engine.begin() as connection:
            return (
                await connection.execute(delete(accounts).where(accounts.c.id == account_id))
            ).rowcount > 0

    def _account(self, row: Row[tuple[object, ...]]) -> Account:
        known = dict(row._mapping)
        known["client_secret"] = self._vault.open(known.pop("client_secret_sealed"))
        return Account(**known)
