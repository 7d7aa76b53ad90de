"""Which parts a process has, how they are made, and what of them is shown to the operator.

What it does not know: in which order they live and die; that is `main`. Nothing is opened here and nothing is said.
"""

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import uvicorn
from prometheus_client import CollectorRegistry

from gateway.app import Front, create_app
from gateway.crm.widget_auth import WidgetAuth
from gateway.ladder.diary import Diary
from gateway.ladder.door import LadderRoute, pass_of
from gateway.ladder.story import Archive
from gateway.limits import Limits
from gateway.metrics import Counted
from gateway.node import COUNTED, Node
from gateway.owners import Owners
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
from gateway.store.journal import Journal
from gateway.store.store import Store, secret_keys
from protocol.messages import Settings as PageSettings
from sip.agent import UserAgent
from sip.ids import ByteIds
from sip.pacer import Pace
from sip.trace import Trace

BEAT = 1.0  # seconds between two beats of a page whose sound lives
BACKLOG = 4096  # connections that may wait to be accepted: after a restart, all widgets come at once


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
    archive: Archive
    front: Counter[str]


def compose(settings: Settings, store: Store, journal: Journal, clock: Callable[[], float]) -> Parts:
    """Make everything that stands between the SIP port, the sockets and the store.

    Args:
        journal: open by the time an account is owned.
        clock: seconds since the epoch that never go back.
    """
    agent = UserAgent(
        host=settings.sip_shown_host,
        port=settings.sip_port,
        tls_port=settings.sip_tls_port,
        alias=bool(settings.sip_tls_cert),
        ids=ByteIds(secrets.token_bytes),
        locates=True,
        pace=Pace(rate=settings.register_rate),
    )
    limits = SocketLimits(sockets=settings.sockets, sockets_per_user=settings.sockets_per_user)
    owners = Owners()
    outbox = Outbox()
    archive = Archive(Trace(settings.ladder_calls), Diary(clock, settings.ladder_calls))
    diary = archive.diary if settings.ladder_calls else None
    hub = Hub(outbox, lambda: secrets.token_urlsafe(6), limits, diary)
    shared = Shared(hub, outbox, _page_settings(settings), limits, Counter(), diary)
    tickets = Tickets(new_secret)
    admission = Admission(tickets, Resumption(store.sessions, settings.resume_hours * 3600), owners)
    auth = WidgetAuth(owners.integration, settings.public_url, reuse=settings.reuse_token)
    node = Node(
        owners, agent, journal, hub, clock, _office_limits(settings), settings.register_expires, diary
    )
    node.gate = Gate(shared, admission, owners, clock, on_input=node.settle)
    return Parts(
        node, owners, agent, journal, hub, node.gate, shared, tickets, auth, admission, archive, Counter()
    )


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


def web_server(
    settings: Settings, parts: Parts, clock: Callable[[], float], ready: Callable[[], bool]
) -> uvicorn.Server:
    """The server of HTTP and sockets, not started.

    Args:
        ready: whether all accounts are at work.
    """
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
        ladder=_ladder(settings, parts),
    )
    config = uvicorn.Config(
        create_app(front),
        ws=protocol_class(parts.gate),
        lifespan="off",
        log_config=None,
        access_log=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=3,
        ssl_certfile=settings.tls_cert or None,
        ssl_keyfile=settings.tls_key or None,
    )
    return uvicorn.Server(config)


def _ladder(settings: Settings, parts: Parts) -> LadderRoute | None:
    """Where `trubka ladder` asks; nowhere when nothing is kept."""
    if not settings.ladder_calls:
        return None
    keys = secret_keys(settings.database_url, settings.secret_key)
    return LadderRoute([pass_of(key) for key in keys], parts.archive)


def _metrics(parts: Parts) -> Counted:
    counted = Counted()
    counted.counters(
        "sip",
        "SIP messages and connections that were dropped or refused",
        lambda: {**parts.agent.counters, "kernel_dropped": parts.node.sip.dropped},
    )
    for subject, sentence, counters in (
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
        counted.counters(subject, sentence, partial(dict, counters), COUNTED if subject == "node" else ())
    offices = parts.owners.owned
    counted.counters(
        "offices",
        "Records that were found at the start",
        lambda: sum((o.office.counters for o in offices.values()), Counter()),
    )
    counted.gauge("sockets_open", "Sockets of pages", lambda: len(parts.gate.sockets))
    counted.gauge("accounts", "Accounts that this process owns", lambda: len(offices))
    counted.gauge(
        "registrations", "Lines that are registered, or being so", lambda: parts.agent.registration_count
    )
    counted.gauge("calls", "SIP calls that have not ended", lambda: len(parts.agent.calls))
    counted.gauge("transactions", "SIP transactions that live", lambda: parts.agent.transaction_count)
    return counted
