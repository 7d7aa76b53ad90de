"""gateway/store/accounts.py, on both databases."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.store.accounts import Accounts
from tests.gateway.store.conftest import ACCOUNT


async def test_what_was_put_is_found(accounts: Accounts) -> None:
    assert await accounts.get(ACCOUNT.id) == ACCOUNT
    assert await accounts.all() == [ACCOUNT]
    assert await accounts.get(1) is None


async def test_putting_again_replaces(accounts: Accounts) -> None:
    moved = replace(ACCOUNT, address="https://new.amocrm.ru", client_secret="another", pbx_port=5080)
    await accounts.put(moved)
    assert await accounts.all() == [moved]


async def test_two_accounts_cannot_live_at_one_address(accounts: Accounts) -> None:
    with pytest.raises(IntegrityError):
        await accounts.put(replace(ACCOUNT, id=2))
    assert await accounts.all() == [ACCOUNT]


async def test_the_client_secret_is_not_readable_in_the_table(
    accounts: Accounts, engine: AsyncEngine
) -> None:
    async with engine.connect() as connection:
        (sealed,) = (await connection.execute(text("SELECT client_secret_sealed FROM accounts"))).one()
    assert ACCOUNT.client_secret.encode() not in bytes(sealed)


async def test_removing_says_whether_there_was_one(accounts: Accounts) -> None:
    assert await accounts.remove(ACCOUNT.id) is True
    assert await accounts.remove(ACCOUNT.id) is False
    assert await accounts.all() == []


def test_a_printed_account_shows_no_secret() -> None:
    assert "integration-secret" not in repr(ACCOUNT)
