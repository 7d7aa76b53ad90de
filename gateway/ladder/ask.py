"""How the command asks the running process for its last calls: HTTP on this machine, with the pass of the process's own settings."""

import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TypeVar
from urllib.parse import quote

import msgspec

from gateway.commands import CommandRefused
from gateway.ladder.door import PATH, pass_of
from gateway.ladder.story import Heading, Story
from gateway.settings import Settings
from gateway.store.store import secret_keys

T = TypeVar("T")
PATIENCE = 10.0  # seconds
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


def headings(settings: Settings) -> list[Heading]:
    """The last calls, the latest first.

    Raises:
        CommandRefused: nobody is there, or it does not tell.
    """
    return _get(settings, PATH, list[Heading])


def story(settings: Settings, name: str) -> Story | None:
    """One call, by our id, a Call-ID or `last`; None when it is not known (any more).

    Raises:
        CommandRefused: nobody is there, or it does not tell.
    """
    return _get(settings, f"{PATH}?call={quote(name, safe='')}", Story | None)  # type: ignore[arg-type]


def _get(settings: Settings, path: str, kind: type[T]) -> T:
    host = EVERYWHERE.get(settings.host, settings.host)
    try:
        shown = pass_of(secret_keys(settings.database_url, settings.secret_key)[0])
    except ValueError as error:
        raise CommandRefused(f"TRUBKA_SECRET_KEY (or the key file) holds no key: {error}") from error
    connection = _connection(settings, host)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {shown}"})
        response = connection.getresponse()
        body = response.read()
    except (OSError, HTTPException) as error:
        raise CommandRefused(f"No gateway answers on {host}:{settings.port}: {error}") from error
    finally:
        connection.close()
    if response.status != 200:
        raise CommandRefused(
            f"What answers on {host}:{settings.port} does not tell its calls: it keeps none (TRUBKA_LADDER_CALLS), "
            "or it has another secret key (TRUBKA_SECRET_KEY, TRUBKA_DATABASE_URL)."
        )
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise CommandRefused(
            f"What answers on {host}:{settings.port} is of another version: {error}"
        ) from error


def _connection(settings: Settings, host: str) -> HTTPConnection:
    if not settings.tls_cert:
        return HTTPConnection(host, settings.port, timeout=PATIENCE)
    # On this machine, by its address: the certificate is for the name outside, so it is the certificate itself that must be shown.
    context = ssl.create_default_context(cafile=settings.tls_cert)
    context.check_hostname = False
    return HTTPSConnection(host, settings.port, timeout=PATIENCE, context=context)
