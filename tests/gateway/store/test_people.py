"""gateway/store/people.py, on both databases."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.store.accounts import Accounts
from gateway.store.people import Extension, Extensions, User, Users
from gateway.store.secrets import Vault
from tests.gateway.store.conftest import ACCOUNT

ANNA = User(ACCOUNT.id, 504141, "Анна Константиновна Рождественская-Воскресенская", "supervisor")
LINE = Extension(ACCOUNT.id, "101", "pw-101", user_id=504141, label="Отдел продаж", sip_user="101b")


@pytest.fixture
def users(accounts: Accounts, engine: AsyncEngine) -> Users:
    return Users(engine)


@pytest.fixture
def extensions(accounts: Accounts, engine: AsyncEngine, vault: Vault) -> Extensions:
    return Extensions(engine, vault)


async def test_users_are_found_by_their_account(users: Users) -> None:
    await users.put(ANNA)
    assert await users.of(ACCOUNT.id) == [ANNA]
    assert await users.of(1) == []
    await users.put(replace(ANNA, role="agent"))
    assert [user.role for user in await users.of(ACCOUNT.id)] == ["agent"]


async def test_a_user_needs_an_account(users: Users) -> None:
    with pytest.raises(IntegrityError):
        await users.put(replace(ANNA, account_id=77))
    assert await users.of(77) == []


async def test_extensions_are_found_with_their_password(extensions: Extensions) -> None:
    await extensions.put(LINE)
    assert await extensions.of(ACCOUNT.id) == [LINE]


async def test_what_is_not_said_of_an_extension_follows_from_its_number(extensions: Extensions) -> None:
    await extensions.put(Extension(ACCOUNT.id, "102", "pw-102"))
    (found,) = await extensions.of(ACCOUNT.id)
    assert (found.label, found.sip_user, found.user_id, found.softphone) == ("102", "102", None, True)


async def test_two_extensions_cannot_sign_in_as_one(extensions: Extensions) -> None:
    await extensions.put(LINE)
    with pytest.raises(IntegrityError):
        await extensions.put(replace(LINE, number="102"))
    assert [line.number for line in await extensions.of(ACCOUNT.id)] == ["101"]


async def test_the_password_is_not_readable_in_the_table(extensions: Extensions, engine: AsyncEngine) -> None:
    await extensions.put(LINE)
    async with engine.connect() as connection:
        (sealed,) = (await connection.execute(text("SELECT sip_password_sealed FROM extensions"))).one()
    assert b"pw-101" not in bytes(sealed)


async def test_removing_an_account_removes_its_people(
    accounts: Accounts, users: Users, extensions: Extensions
) -> None:
    await users.put(ANNA)
    await extensions.put(LINE)
    await accounts.remove(ACCOUNT.id)
    assert await users.of(ACCOUNT.id) == []
    assert await extensions.of(ACCOUNT.id) == []


async def test_one_can_be_removed(users: Users, extensions: Extensions) -> None:
    await users.put(ANNA)
    await extensions.put(LINE)
    assert (await users.remove(ACCOUNT.id, ANNA.id), await users.remove(ACCOUNT.id, ANNA.id)) == (True, False)
    assert (await extensions.remove(ACCOUNT.id, "101"), await extensions.remove(ACCOUNT.id, "101")) == (
        True,
        False,
    )


def test_a_printed_extension_shows_no_password() -> None:
    assert "pw-101" not in repr(LINE)
