"""The composition root of `trubka serve`: everything is made here, once, and handed what it needs.

There are no singletons and no bag of state: who needs a thing is given it in its constructor. What lives longer than a call
is opened and closed here, in this order: store, journal, SIP port, accounts, HTTP and sockets.
"""

import asyncio
import logging
import secrets
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import uvicorn
import uvloop
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError

from gateway.app import Front, create_app
from gateway.crm.widget_auth import WidgetAuth
from gateway.limits import Limits
from gateway.metrics import Counted
from gateway.node import Node, Owners
from gateway.realtime.admission import Admission
from gateway.realtime.connection import Shared
from gateway.realtime.gate import Gate
from gateway.realtime.hub import Hub
from gateway.realtime.limits import Limits as SocketLimits
from gateway.realtime.outbox import Outbox
from gateway.realtime.sessions import Resumption, new_secret
from gateway.realtime.tickets import Tickets
from gateway.realtime.websocket import protocol_class
from gateway.settings import Settings
from gateway.store.accounts import Account
from gateway.store.journal import Journal
from gateway.store.store import Store
from protocol.messages import Settings as PageSettings
from sip.agent import UserAgent
from sip.ids import ByteIds
from sip.transport.port import SipPort, bind

logger = logging.getLogger("trubka")

BEAT = 1.0  # seconds between two beats of a page whose sound lives
RETRY_ACCOUNT = 15.0  # seconds until a PBX whose name was not found is looked for again
GOODBYE = 1.0  # seconds that the PBXs have to confirm that our lines are gone
BACKLOG = 4096  # connections that may wait to be accepted: after a restart, all widgets come at once


def serve(settings: Settings) -> int:
    """Run until told to stop; the exit code."""
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname).1s %(name)s %(message)s",
        stream=sys.stdout,
    )
    try:
        uvloop.run(_serve(settings))
    except (OSError, SQLAlchemyError) as failure:
        logger.error("! cannot start: %s", failure)
        return 1
    return 0


async def _serve(settings: Settings) -> None:
    async with running(settings) as server:
        await server.serve()


def steady_clock() -> Callable[[], float]:
    """Seconds since the epoch that never go back: the wall clock is asked once, then the monotonic one counts on."""
    difference = time.time() - time.monotonic()
    return lambda: time.monotonic() + difference


@dataclass(frozen=True, slots=True)
class Parts:
    """What was composed, as far as metrics and readiness look at it."""

    node: Node
    owners: Owners
    agent: UserAgent
    journal: Journal
    hub: Hub
    gate: Gate
    shared: Shared
    tickets: Tickets
    auth: WidgetAuth
    admission: Admission
    front: Counter[str]


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[uvicorn.Server]:
    """Everything of one process, opened; the server is given to be served."""
    clock = steady_clock()
    async with AsyncExitStack() as stack:
        store = Store.at(settings.database_url, settings.secret_key)
        stack.push_async_callback(store.close)
        journal = store.journal()
        await journal.open()
        stack.push_async_callback(journal.close)

        agent = UserAgent(
            host=settings.sip_shown_host, port=settings.sip_port, ids=ByteIds(secrets.token_bytes)
        )
        parts = _compose(settings, store, journal, agent, clock)
        sources = None if "*" in settings.sip_sources else set(settings.sip_sources)
        port = SipPort(
            agent,
            parts.node.take_sip_events,
            bind(settings.sip_host, settings.sip_port),
            clock=clock,
            allowed=sources,
        )
        parts.node.sip = port
        await stack.enter_async_context(port)
        stack.push_async_callback(_say_goodbye, parts)

        accounts = await store.accounts.all()
        opening = [asyncio.create_task(_own(store, parts.node, account, sources)) for account in accounts]
        stack.callback(lambda: [task.cancel() for task in opening])
        logger.info("= %d accounts, SIP on %s:%d", len(accounts), settings.sip_host, settings.sip_port)
        yield uvicorn.Server(_server_config(settings, parts, clock, ready=lambda: all(map(_opened, opening))))


def _compose(
    settings: Settings, store: Store, journal: Journal, agent: UserAgent, clock: Callable[[], float]
) -> Parts:
    limits = SocketLimits(sockets=settings.sockets, sockets_per_user=settings.sockets_per_user)
    owners = Owners()
    outbox = Outbox()
    hub = Hub(outbox, epochs=lambda: secrets.token_urlsafe(6), limits=limits)
    shared = Shared(hub, outbox, _page_settings(settings), limits, Counter())
    tickets = Tickets(new_secret)
    admission = Admission(tickets, Resumption(store.sessions, settings.resume_hours * 3600), owners)
    auth = WidgetAuth(owners.integration, settings.public_url, reuse=settings.reuse_token)
    node = Node(owners, agent, journal, hub, clock, _office_limits(settings), settings.register_expires)
    node.gate = Gate(shared, admission, owners, clock, on_input=node.settle)
    return Parts(node, owners, agent, journal, hub, node.gate, shared, tickets, auth, admission, Counter())


def _office_limits(settings: Settings) -> Limits:
    return Limits(
        ring_ack_s=settings.page_grace,
        blip_s=settings.blip,
        return_s=settings.page_return,
        linger_s=settings.linger,
        probe_s=settings.probe,
    )


def _page_settings(settings: Settings) -> PageSettings:
    return PageSettings(
        beat_s=BEAT,
        blip_s=settings.blip,
        return_s=settings.page_return,
        ring_ack_s=settings.page_grace,
        ice_servers=settings.ice_servers,
    )


async def _own(store: Store, node: Node, account: Account, sources: set[str] | None) -> None:
    """Find the account's PBX and take the account over; again and again until it is found."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            found = await loop.getaddrinfo(account.pbx_host, account.pbx_port, type=socket.SOCK_DGRAM)
            break
        except OSError as error:
            logger.error("! account %d: its PBX %s is not found: %s", account.id, account.pbx_host, error)
            await asyncio.sleep(RETRY_ACCOUNT)
    pbx = found[0][4][:2]
    if sources is not None:
        sources.update(str(one[4][0]) for one in found)
    users, extensions = await store.users.of(account.id), await store.extensions.of(account.id)
    await node.own(account, (str(pbx[0]), int(pbx[1])), users, extensions)


def _opened(task: asyncio.Task[None]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


async def _say_goodbye(parts: Parts) -> None:
    """Un-register, and give the PBXs a moment to say that they heard it."""
    parts.node.release_all()
    deadline = time.monotonic() + GOODBYE
    # The agent has no waiters: it is a core, and this is the only place that wants to know.
    while parts.agent.transaction_count and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.02)


def _server_config(
    settings: Settings, parts: Parts, clock: Callable[[], float], ready: Callable[[], bool]
) -> uvicorn.Config:
    registry = CollectorRegistry()
    registry.register(_metrics(parts))
    front = Front(
        auth=parts.auth,
        tickets=parts.tickets,
        seats=parts.owners,
        socket_url=lambda _account_id: settings.socket_url,
        checks={"accounts": ready, "journal": lambda: parts.journal.healthy},
        registry=registry,
        clock=clock,
        counters=parts.front,
    )
    return uvicorn.Config(
        create_app(front),
        host=settings.host,
        port=settings.port,
        ws=protocol_class(parts.gate),
        lifespan="off",
        log_config=None,
        access_log=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=3,
        ssl_certfile=settings.tls_cert or None,
        ssl_keyfile=settings.tls_key or None,
    )


def _metrics(parts: Parts) -> Counted:
    counted = Counted()
    for subject, sentence, counters in (
        ("sip", "SIP messages that were dropped or refused", parts.agent.counters),
        ("node", "What nobody here was meant for", parts.node.counters),
        ("http", "Answers of /api/session", parts.front),
        ("tokens", "One-time tokens", parts.auth.counters),
        ("tickets", "Tickets", parts.tickets.counters),
        ("admissions", "Pages that said hello", parts.admission.counters),
        ("sockets", "Sockets and what was wrong with them", parts.gate.counters),
        ("frames", "Frames of pages", parts.shared.counters),
        ("streams", "What was published", parts.hub.counters),
        ("journal", "Rows of the journal", parts.journal.counters),
    ):
        counted.counters(subject, sentence, partial(dict, counters))
    offices = parts.owners.owned
    counted.counters(
        "offices",
        "Records that were found at the start",
        lambda: sum((o.office.counters for o in offices.values()), Counter()),
    )
    counted.gauge("sockets_open", "Sockets of pages", lambda: len(parts.gate.sockets))
    counted.gauge("accounts", "Accounts that this process owns", lambda: len(offices))
    counted.gauge("calls", "SIP calls that have not ended", lambda: len(parts.agent.calls))
    counted.gauge("transactions", "SIP transactions that live", lambda: parts.agent.transaction_count)
    return counted
