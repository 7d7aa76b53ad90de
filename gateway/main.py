"""The life of `trubka serve`: what lives longer than a call is opened here and closed again.

In this order, and back: HTTP's port, store, journal, SIP port, accounts, HTTP and sockets. `composition` makes the parts; there are
no singletons and no bag of state, who needs a thing is given it in its constructor.

Invariants:
    * what keeps the process from starting is said in one sentence, before anything was said to a PBX;
    * a clean stop closes the sockets (4002), takes the lines' addresses back and writes the journal; calls go on without us;
    * an error of ours that nobody caught is logged and counted, and the process goes on.
"""

import asyncio
import gc
import logging
import signal
import socket
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import uvicorn
import uvloop
from sqlalchemy.exc import SQLAlchemyError

from gateway.composition import Parts, compose, web_server
from gateway.node import Node
from gateway.settings import Settings, name_servers
from gateway.store.accounts import SIP_PORT, SIPS_PORT, Account
from gateway.store.database import StoreUnusable, require_current
from gateway.store.people import Extension, User
from gateway.store.store import Store
from sip.flow import TransportName
from sip.location.plan import Hop, is_numeric
from sip.transport.connection import KeepAlive
from sip.transport.port import SipPort, bind
from sip.transport.resolver import Resolver
from sip.transport.tls import Tls
from sip.uri import Uri

logger = logging.getLogger("trubka")

OPENING = 2.0  # seconds that everybody waits for an account whose PBX is being looked for
RETRY_ACCOUNT = 15.0  # seconds until a PBX whose name was not found is looked for again
GOODBYE = 1.0  # seconds that the PBXs have to confirm that our lines are gone


class PortTaken(OSError):
    """An address that has to be ours is not to be had."""

    def __init__(self, what: str, host: str, port: int, settings: str, why: OSError) -> None:
        super().__init__(f"{what} cannot be bound to {host}:{port} ({settings}): {why.strerror or why}.")


class CertificateUnusable(OSError):
    """The files of SIP over TLS cannot be read, or do not belong together."""

    def __init__(self, why: OSError) -> None:
        variables = "TRUBKA_SIP_TLS_CA, TRUBKA_SIP_TLS_CERT, TRUBKA_SIP_TLS_KEY"
        super().__init__(f"SIP over TLS has no usable certificates ({variables}): {why.strerror or why}.")


def serve(settings: Settings) -> int:
    """Run until told to stop; the exit code."""
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname).1s %(name)s %(message)s",
        stream=sys.stdout,
    )
    try:
        uvloop.run(_serve(settings))
    except (OSError, SQLAlchemyError, sqlite3.Error, asyncpg.PostgresError, StoreUnusable) as failure:
        # SQLAlchemy's text goes on with the statement and where to read more.
        logger.error(
            "! cannot start: %s", failure.args[0] if isinstance(failure, SQLAlchemyError) else failure
        )
        return 1
    return 0


async def _serve(settings: Settings) -> None:
    async with running(settings) as process:
        # uvicorn raises the signal that ended it once more, for whoever handled it before. The system's own handler would end
        # the process there and then, before the PBXs are told and the journal is written.
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda number, _frame: logger.info("= stopping after signal %d", number))
        # Lines, tables and code live as long as the process: collections need not look at them again and again.
        gc.collect()
        gc.freeze()
        await process.serve()


def steady_clock() -> Callable[[], float]:
    """Seconds since the epoch that never go back: the wall clock is asked once, then the monotonic one counts on."""
    difference = time.time() - time.monotonic()
    return lambda: time.monotonic() + difference


@dataclass(frozen=True, slots=True)
class Running:
    """A process whose parts are open."""

    parts: Parts
    server: uvicorn.Server
    listener: socket.socket

    @property
    def url(self) -> str:
        """Where HTTP is, for whoever let the system choose the port."""
        host, port = self.listener.getsockname()[:2]
        return f"http://{host}:{port}"

    async def serve(self) -> None:
        """Take pages in until a signal, or `server.should_exit`, says stop."""
        await self.server.serve(sockets=[self.listener])


@asynccontextmanager
async def running(settings: Settings, clock: Callable[[], float] | None = None) -> AsyncIterator[Running]:
    """Everything of one process, opened; pages are not taken in before `Running.serve`.

    Raises:
        OSError, SQLAlchemyError, sqlite3.Error, asyncpg.PostgresError: a port or the database is not to be had.
        StoreUnusable, SecretUnreadable: the database is not as it has to be.
    """
    clock = clock or steady_clock()
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(_listener(settings))
        store = Store.at(settings.database_url, settings.secret_key)
        stack.push_async_callback(store.close)
        await require_current(store.engine)
        homes = [
            Home(account, await store.users.of(account.id), await store.extensions.of(account.id))
            for account in await store.accounts.all()
        ]
        journal = store.journal()
        await journal.open()
        stack.push_async_callback(journal.close)

        parts = compose(settings, store, journal, clock)
        _count_uncaught(parts.node.counters, stack)
        sources = None if "*" in settings.sip_sources else set(settings.sip_sources)
        parts.node.sip = _sip_port(settings, parts, clock, sources)
        if parts.agent.locator is not None:
            parts.agent.locator.found = parts.node.let_in

        opening = [asyncio.create_task(_own(parts.node, home)) for home in homes]
        stack.push_async_callback(_cancel, opening)
        if opening:
            # A page that came before its account would be told that there is no such account.
            await asyncio.wait(opening, timeout=OPENING)
        # Opened after the calls of an earlier life were found: a request in a dialog that nobody knows yet would get 481.
        await stack.enter_async_context(parts.node.sip)
        stack.push_async_callback(_say_goodbye, parts)
        logger.info("= %d accounts, SIP on %s:%d", len(homes), settings.sip_host, settings.sip_port)
        server = web_server(settings, parts, clock, ready=lambda: len(parts.owners.owned) == len(homes))
        yield Running(parts, server, listener)


def _listener(settings: Settings) -> socket.socket:
    """HTTP's port, taken first of all: a second gateway, started by mistake, must not get as far as the PBX."""
    listener = socket.socket(_family(settings.host))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise PortTaken("HTTP", settings.host, settings.port, "TRUBKA_HOST, TRUBKA_PORT", error) from error
    return listener


def _sip_port(
    settings: Settings, parts: Parts, clock: Callable[[], float], sources: set[str] | None
) -> SipPort:
    host, port = settings.sip_host, settings.sip_port
    tls = Tls(settings.sip_tls_ca, settings.sip_tls_cert, settings.sip_tls_key)
    try:
        tls.check()
    except OSError as error:
        raise CertificateUnusable(error) from error
    try:
        sockets = bind(host, port, settings.sip_tls_port if tls.certificate else None)
    except OSError as error:
        variables = "TRUBKA_SIP_HOST, TRUBKA_SIP_PORT" + (", TRUBKA_SIP_TLS_PORT" if tls.certificate else "")
        raise PortTaken("SIP", host, port, variables, error) from error
    return SipPort(
        parts.agent,
        parts.node.take_sip_events,
        sockets,
        clock=clock,
        allowed=sources,
        tls=tls,
        resolver=Resolver(name_servers(settings.dns) or None),
        keep_alive=KeepAlive(stream=settings.sip_ping, datagram=settings.sip_nat_ping),
        trace=parts.archive.trace if settings.ladder_calls else None,
    )


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _count_uncaught(counters: Counter[str], stack: AsyncExitStack) -> None:
    """What a callback of the loop raises is logged with its traceback, and counted."""

    def handle(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        counters["error"] += 1
        logger.error("! %s", context.get("message"), exc_info=context.get("exception"))

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(handle)
    stack.callback(loop.set_exception_handler, None)


@dataclass(frozen=True, slots=True)
class Home:
    """An account as the store has it."""

    account: Account
    users: list[User]
    extensions: list[Extension]


async def _own(node: Node, home: Home) -> None:
    """Find the account's PBX and take the account over; again and again until that has succeeded."""
    account = home.account
    while True:
        try:
            if is_numeric(account.pbx_host):
                if (":" in account.pbx_host) != (":" in node.sip.agent.address[0]):
                    raise OSError("it is of the other family than TRUBKA_SIP_HOST")
                node.sip.allow([account.pbx_host], account.id)
                await node.own(account, (account.pbx_host, account.pbx_port), home.users, home.extensions)
                return
            # Before the account is owned: its lines shall not wait for the DNS one by one, nor its calls of an earlier life.
            if not await node.sip.locate(_hop(account)):
                raise OSError("no address was found")
            await node.own(account, None, home.users, home.extensions)
            return
        except OSError as error:
            node.counters["pbx_not_found"] += 1
            logger.error("! account %d: its PBX %s is not found: %s", account.id, account.pbx_host, error)
        except Exception:
            node.counters["error"] += 1
            logger.exception("! account %d: it cannot be taken over", account.id)
        await asyncio.sleep(RETRY_ACCOUNT)


def _hop(account: Account) -> Hop:
    """The PBX of an account as most of its lines speak to it."""
    usual = SIPS_PORT if account.transport == "tls" else SIP_PORT
    port = account.pbx_port if account.pbx_port != usual else None
    known: dict[str, tuple[TransportName, ...]] = {"tcp": ("tcp",), "tls": ("tls",), "auto": ("udp", "tcp")}
    return Hop.of(Uri("sip", None, None, account.pbx_host, port), known.get(account.transport, ("udp",)))


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _say_goodbye(parts: Parts) -> None:
    """Un-register, give the PBXs a moment to say that they heard it, then fall silent."""
    parts.node.release_all()
    deadline = time.monotonic() + GOODBYE
    # The agent has no waiters: it is a core, and this is the only place that wants to know.
    while parts.agent.registration_count and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    parts.node.close()
