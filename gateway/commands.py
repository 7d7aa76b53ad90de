"""What the command line does: each command opens the store, does one thing, and closes it.

A running gateway learns of changed accounts and extensions at its next start; `trubka` says so where it matters.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from gateway.settings import Settings
from gateway.store.accounts import SIP_PORT, SIPS_PORT, Account
from gateway.store.people import Extension, User
from gateway.store.store import Store

TRANSPORTS = ("udp", "tcp", "tls", "auto")
HOUSEKEEPING = 600.0  # seconds between two rounds of the worker


class CommandRefused(Exception):
    """A command asked for what cannot be; the sentence says why."""


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Store]:
    store = Store.at(settings.database_url, settings.secret_key)
    try:
        yield store
    finally:
        await store.close()


def account_address(text: str) -> str:
    """The account's address as tokens and Origins name it: scheme and host.

    Raises:
        CommandRefused: no such address.
    """
    parts = urlsplit(text if "://" in text else f"https://{text}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CommandRefused(f"{text!r} is no address of an account; it looks like https://example.amocrm.ru")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def host_and_port(text: str, transport: str = "udp") -> tuple[str, int]:
    """`pbx.example.org`, `192.0.2.1:5080` or `[2001:db8::1]:5060` taken apart.

    Args:
        transport: decides the port where none is given.

    Raises:
        CommandRefused: no such address.
    """
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.path or "@" in text:
        raise CommandRefused(f"{text!r} is no address of a PBX; it looks like pbx.example.org:5060")
    return host, port or (SIPS_PORT if transport == "tls" else SIP_PORT)


def extension_number(text: str) -> str:
    """An extension's number.

    Raises:
        CommandRefused: it cannot be dialled.
    """
    if not re.fullmatch(r"[0-9A-Za-z*#_.+-]{1,32}", text):
        raise CommandRefused(f"{text!r} is no extension: up to 32 letters, digits and * # _ . + -")
    return text


async def _require_account(store: Store, account_id: int) -> None:
    if await store.accounts.get(account_id) is None:
        raise CommandRefused(
            f"There is no account {account_id}; `trubka account list` shows those there are."
        )


async def put_account(settings: Settings, account: Account) -> None:
    async with _open(settings) as store:
        await store.accounts.put(account)


async def remove_account(settings: Settings, account_id: int) -> None:
    async with _open(settings) as store:
        if not await store.accounts.remove(account_id):
            raise CommandRefused(f"There is no account {account_id}.")


async def list_accounts(settings: Settings, _account_id: int) -> list[str]:
    async with _open(settings) as store:
        return [
            f"{account.id}\t{account.address}\t{account.name}\tPBX {account.pbx_host}:{account.pbx_port} {account.transport}"
            for account in await store.accounts.all()
        ]


async def put_user(settings: Settings, user: User) -> None:
    async with _open(settings) as store:
        await _require_account(store, user.account_id)
        await store.users.put(user)


async def remove_user(settings: Settings, account_id: int, user_id: int) -> None:
    async with _open(settings) as store:
        if not await store.users.remove(account_id, user_id):
            raise CommandRefused(f"There is no user {user_id} in account {account_id}.")


async def list_users(settings: Settings, account_id: int) -> list[str]:
    async with _open(settings) as store:
        return [f"{user.id}\t{user.name}\t{user.role}" for user in await store.users.of(account_id)]


async def put_extension(settings: Settings, extension: Extension) -> None:
    async with _open(settings) as store:
        await _require_account(store, extension.account_id)
        known = {user.id for user in await store.users.of(extension.account_id)}
        if extension.user_id is not None and extension.user_id not in known:
            raise CommandRefused(f"There is no user {extension.user_id} in account {extension.account_id}.")
        await store.extensions.put(extension)


async def remove_extension(settings: Settings, account_id: int, number: str) -> None:
    async with _open(settings) as store:
        if not await store.extensions.remove(account_id, number):
            raise CommandRefused(f"There is no extension {number} in account {account_id}.")


async def list_extensions(settings: Settings, account_id: int) -> list[str]:
    async with _open(settings) as store:
        return [
            f"{one.number}\t{one.label}\t{one.user_id or '–'}\t{'softphone' if one.softphone else 'observer'}\t{one.sip_user}"
            for one in await store.extensions.of(account_id)
        ]


async def work(settings: Settings) -> int:
    """What can wait: resume secrets that have run out are swept away. Runs until it is told to stop."""
    async with _open(settings) as store:
        while True:
            await store.sessions.forget_expired(time.time())
            await asyncio.sleep(HOUSEKEEPING)
