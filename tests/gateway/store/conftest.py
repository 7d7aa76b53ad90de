"""The store's suites run twice: on an SQLite file and on Debian's PostgreSQL."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.store.accounts import Account, Accounts
from gateway.store.database import database_url, migrate, open_engine
from gateway.store.secrets import Vault
from tests.peers.fixtures import postgres
from tests.peers.postgres import Postgres

__all__ = ["postgres"]  # a fixture, found here by name

ACCOUNT = Account(
    id=28805383,
    address="https://example.amocrm.ru",
    name="Пример",
    client_uuid="0b0f3a9e-6a3e-4a52-9f5e-0c6b6a1d7c11",
    client_secret="integration-secret",
    pbx_host="127.0.0.1",
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], URL]:
    """Makes an empty database, of the kind whose turn it is."""

    def make() -> URL:
        if request.param == "sqlite":
            return database_url(f"sqlite:///{tmp_path}/trubka.db")
        server: Postgres = request.getfixturevalue("postgres")
        return database_url(server.new_database())

    return make


@pytest.fixture
def url(empty_database: Callable[[], URL]) -> URL:
    """A database whose tables are there."""
    address = empty_database()
    migrate(address)
    return address


@pytest.fixture
async def engine(url: URL) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(url)
    yield engine
    await engine.dispose()


@pytest.fixture
def vault() -> Vault:
    return Vault([Fernet.generate_key().decode()])


@pytest.fixture
async def accounts(engine: AsyncEngine, vault: Vault) -> Accounts:
    """The accounts, with ACCOUNT among them."""
    accounts = Accounts(engine, vault)
    await accounts.put(ACCOUNT)
    return accounts
