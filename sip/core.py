"""What calls and registrations need of the user agent they live in: the UA core of RFC 3261 §8.

Holds the transaction layer, the ids, the one list of deadlines, the events and counters, and knows the headers that every
message of ours bears and where it goes. Knows no state machine: those are given it as `TimerOwner`s and dialog owners.
Invariant: everything that leaves goes through the layer; everything that is told goes through `events`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Protocol

from sip.account import Account, Address, address_of, is_tcp
from sip.course import VIA_SIZE, Course, chart
from sip.deadlines import Deadlines
from sip.dialog import Dialog
from sip.digest import Authenticator
from sip.events import Event
from sip.fields import Value
from sip.flow import Flow, TransportName
from sip.headers import Reason
from sip.ids import Ids
from sip.location.locator import Locator
from sip.location.plan import Hop, is_numeric
from sip.location.records import Kind
from sip.message import Request
from sip.pacer import Pace, Pacer
from sip.timers import SessionTimers, Timers
from sip.uri import NameAddr, Uri

if TYPE_CHECKING:
    from sip.call import Call
    from sip.calls.referrals import Referrals
    from sip.calls.strays import Stray
    from sip.registration import Registration
    from sip.transactions.layer import ServerTransaction, TransactionLayer

SDP: Final = "application/sdp"
SUPPORTED: Final = frozenset({"100rel", "norefersub", "replaces", "timer"})
METHODS: Final = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "PRACK", "UPDATE", "INFO", "NOTIFY")
# What a NOTIFY inside a call may want of us without a subscription; see `calls.inside`.
CONTROLS: Final = ("hold", "talk")

_SAFEST_FIRST: Final[tuple[TransportName, ...]] = ("tls", "tcp", "udp")


class TimerOwner(Protocol):
    """Who may set deadlines in the core's list."""

    def __hash__(self) -> int:
        """Owners are told apart by identity."""

    def handle_timer(self, name: str, now: float) -> None:
        """The deadline of this name came due."""


class Usage(Protocol):
    """A dialog usage that is not a call (RFC 5057): a subscription of ours, or one of somebody else's."""

    def serves(self, method: str) -> bool:
        """Whether requests of this method belong to it."""

    def receive(self, transaction: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        """A request in its dialog."""

    def transport_lost(self, flow: Flow, now: float) -> None:
        """A connection is gone; perhaps it was the one to its peer."""


class Core:
    """The surroundings of every call and registration of one user agent.

    Args:
        host, port: what Via and Contact say; fixed for the life of the process.
        tls_port: what they say of TLS.
        methods: beyond the usual ones, that the user answers itself.
        packages: of events, to whose subscriptions the user answers (RFC 6665).
        referable: whether REFER inside a call is told to the user, or refused with 405.
        session_timers: what is asked for and accepted (RFC 4028).
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        ids: Ids,
        timers: Timers,
        product: str,
        tag_prefix: str,
        methods: Iterable[str] = (),
        packages: Iterable[str] = (),
        referable: bool = False,
        tls_port: int = 5061,
        pace: Pace | None = None,
        session_timers: SessionTimers | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.tls_port = tls_port
        self.ids = ids
        self.timers = timers
        self.session_timers = session_timers or SessionTimers()
        self.tag_prefix = tag_prefix
        self.methods = frozenset(methods)
        self.packages = tuple(packages)
        self.referable = referable
        served = (*METHODS, *(["REFER"] if referable else []), *(["SUBSCRIBE"] if self.packages else []))
        self.allow = ", ".join((*served, *sorted(self.methods.difference(served))))
        self.allow_events = ", ".join((*self.packages, *CONTROLS, *(["refer"] if referable else [])))
        self.deadlines: Deadlines[TimerOwner, str] = Deadlines()
        self.events: list[Event] = []
        self.counters: Counter[str] = Counter()
        # By Call-ID and local tag: the two halves of a dialog's id that are known before the peer has answered.
        self.calls: dict[tuple[str, str], Call] = {}
        # By Call-ID and both tags; the remote one is "" while any notifier may answer our SUBSCRIBE.
        self.subscriptions: dict[tuple[str, str, str], Usage] = {}
        # The REFERs of a call, by the same; they may outlive it (RFC 5057).
        self.referrals: dict[tuple[str, str], Referrals] = {}
        # The remote tag of dialogs that ended, by the same, oldest first; bounded (RFC 3891 §3: their Replaces gets 603).
        self.ended: dict[tuple[str, str], str] = {}
        # By the user part of their Contact, which the Request-URI of an INVITE for them bears.
        self.lines: dict[str, Registration] = {}
        self.registrations: dict[Account, Registration] = {}
        # Dialogs that were ended as soon as they were met, by Call-ID and both tags.
        self.strays: dict[tuple[str, ...], Stray] = {}
        # Finds the servers of host names; None: there is nobody who could be asked, and numbers alone are reached.
        self.locator: Locator | None = None
        # Which of its equals serves an account at present, where its next hop is a name.
        self.homes: dict[Account, Flow] = {}
        # What Service-Route said at the last registration (RFC 3608).
        self.service_routes: dict[Account, tuple[str, ...]] = {}
        # The turns at each registrar.
        self.pacers: dict[object, Pacer] = {}
        self.pace = pace or Pace()
        # What realms asked of each account (RFC 7616); made with its first challenge.
        self.authenticators: dict[Account | None, Authenticator] = {}
        self.layer: TransactionLayer
        self._product = product
        # For requests and responses that make or refresh a dialog (RFC 3261 §13.2.1, §13.3.1.4; Allow-Events: RFC 6665 §8.2.2).
        # User-Agent is the last, for those that bear nothing else of it.
        self.capabilities: Final[tuple[tuple[str, Value], ...]] = (
            ("Allow", self.allow),
            ("Supported", ", ".join(sorted(SUPPORTED))),
            ("Allow-Events", self.allow_events),
            ("User-Agent", product),
        )
        # Path (RFC 3327 §5.1) matters to those alone who forward a REGISTER.
        supported: tuple[str, Value] = ("Supported", ", ".join(sorted({*SUPPORTED, "path"})))
        self.register_capabilities: Final[tuple[tuple[str, Value], ...]] = tuple(
            supported if one[0] == "Supported" else one for one in self.capabilities
        )
        self.server_header: Final[tuple[tuple[str, Value], ...]] = (("Server", product),)

    def enable_locating(self) -> None:
        """From now on host names are looked up, for addresses of our own family: a socket reaches no others."""
        kind = Kind.AAAA if ":" in self.host else Kind.A
        self.locator = Locator(self.ids, self.deadlines, (kind,), self.counters)

    def new_tag(self) -> str:
        """A tag of ours: its prefix tells it from others' when nothing else is known any more."""
        return f"{self.tag_prefix}{self.ids.tag()}"

    def understood_events(self, *more: str) -> str:
        """The value of Allow-Events in a 489 (RFC 6665 §8.3.2): the packages that are served, and these."""
        return ", ".join(dict.fromkeys((*self.packages, *more)))

    def usage(self, request: Request) -> Usage | None:
        """The subscription that a request with our tag in To is for."""
        tags = request.call_id, request.to_tag or ""
        found = self.subscriptions.get((*tags, request.from_tag or "")) or self.subscriptions.get((*tags, ""))
        return found if found is not None and found.serves(request.method) else None

    def is_our_tag(self, tag: str | None) -> bool:
        return tag is not None and tag.startswith(self.tag_prefix)

    def contact(self, user: str | None, transport: str, *, secure: bool = False) -> Uri:
        """Our Contact for a line; `transport` is the account's, or that of the flow an INVITE came by.

        Args:
            secure: of the scheme sips, where what it answers or asks is (RFC 3261 §8.1.1.8, §12.1.1).
        """
        if secure:
            return Uri("sips", user, None, self.host, self.tls_port)
        if transport == "tls":
            return Uri("sip", user, None, self.host, self.tls_port, {"transport": "tls"})
        if transport == "tcp":
            return Uri("sip", user, None, self.host, self.port, {"transport": "tcp"})
        return Uri("sip", user, None, self.host, self.port)

    def line_contact(self, account: Account) -> Uri:
        """Our Contact in calls of an account: the one it is registered by, if it is."""
        registration = self.registrations.get(account)
        if registration is not None:
            return registration.contact
        return self.contact(account.uri.user, account.transport, secure=account.is_secure)

    def retry_after(self) -> tuple[str, Value]:
        """RFC 3261 §14.2: a number of seconds between 0 and 10, by chance."""
        return "Retry-After", int(self.ids.fraction() * 11)

    def flow(self, request: Request, dialog: Dialog, account: Account | None, met: Flow) -> Flow:
        """Where a request in a dialog goes (RFC 3261 §12.2.1.1, §8.1.2).

        A numeric first route is obeyed; without a route set an account's proxy stands for every hop; else the remote target's
        numeric address; a host name is reached over the flow on which the dialog was met, see `way`.
        """
        remote: Address | None
        next_hop = dialog.next_hop()
        proxy, transport = (account.proxy_address, account.transport) if account is not None else (None, None)
        if account is not None and account.proxy is not None and not dialog.route_set:
            remote = proxy or met.remote
        else:
            remote = address_of(next_hop, transport) or proxy or met.remote
        return self._join(
            request, account, remote, met, "tls" if next_hop.scheme == "sips" else next_hop.transport
        )

    def _join(
        self, request: Request, account: Account | None, remote: Address, met: Flow, wanted: str | None
    ) -> Flow:
        transport: TransportName
        if account is None:
            transport = next(one for one in _SAFEST_FIRST if one in (wanted, met.transport))
        elif account.transport == "auto":
            transport = "tcp" if is_tcp("auto", len(request.to_bytes()) + VIA_SIZE) else "udp"
        else:
            transport = account.transport
        if (transport, remote) == met[:2]:
            return met
        if transport == "tls":
            return account.tls_flow(remote) if account is not None else Flow("tls", remote, 0, met.name)
        return Flow(transport, remote)

    def way(
        self, request: Request, dialog: Dialog, account: Account | None, met: Flow, now: float
    ) -> Flow | Course:
        """As `flow`, but what has a name is located, and only if nobody of that name answers the flow is taken where it was met."""
        flow = self.flow(request, dialog, account, met)
        if self.locator is None:
            return flow
        next_hop = dialog.next_hop()
        transports: tuple[TransportName, ...] = (met.transport,)
        if account is not None:
            transports = account.transports
            if account.proxy_address is not None:
                return flow
            if isinstance(account.proxy, Uri) and not dialog.route_set:
                # Whoever serves the dialog knows it; its equals need not.
                return chart(self, Hop.of(account.proxy, transports), account, request, now, first=met)
        if is_numeric(next_hop.host):
            return flow
        return chart(self, Hop.of(next_hop, transports), account, request, now, last=met)

    def first_flow(self, request: Request, account: Account) -> Flow:
        """Where a request outside dialogs goes, if its next hop has an address."""
        size = len(request.to_bytes()) + VIA_SIZE if account.transport == "auto" else 0
        return account.flow(size, address_of(request.uri, account.transport))

    def first_way(self, request: Request, account: Account, now: float) -> Flow | Course:
        """Where a request outside dialogs goes (RFC 3261 §8.1.2): to the first of `routes`, to the account's proxy, to its own target.

        Raises:
            ValueError: that is a name, and we have no locator.
        """
        service = self._service_hop(account) if request.method != "REGISTER" else None
        next_hop = account.proxy or service or request.uri
        if not isinstance(next_hop, Uri):
            return self.first_flow(request, account)
        address = address_of(next_hop, account.transport)
        if address is not None:
            size = len(request.to_bytes()) + VIA_SIZE if account.transport == "auto" else 0
            return account.flow(size, address)
        if self.locator is None or (account.proxy is None and address_of(account.registrar) is not None):
            return self.first_flow(request, account)
        return chart(self, Hop.of(next_hop, account.transports), account, request, now)

    def proxy_route(self, account: Account) -> tuple[tuple[str, Value], ...]:
        """The Route header of a request that goes by the account's proxy, if that is a loose router (RFC 3261 §8.1.2)."""
        proxy = account.proxy
        return (("Route", f"<{proxy}>"),) if isinstance(proxy, Uri) and proxy.is_loose_router else ()

    def routes(self, account: Account) -> tuple[tuple[str, Value], ...]:
        """The Route headers of a request outside dialogs that is no REGISTER: the proxy's, then what the registrar said (RFC 3608 §6.1)."""
        service = self.service_routes.get(account) if self.service_routes else None
        routes = self.proxy_route(account)
        return routes if service is None else (*routes, *(("Route", route) for route in service))

    def _service_hop(self, account: Account) -> Uri | None:
        routes = self.service_routes.get(account)
        return NameAddr.parse(routes[0]).uri if routes else None

    def pacer(self, account: Account) -> Pacer:
        """Whose turns the account's registrations wait for: those of all lines with the same next hop."""
        hop = account.proxy or (account.registrar.host, account.registrar.port)
        pacer = self.pacers.get(hop)
        if pacer is None:
            pacer = self.pacers[hop] = Pacer(self.pace, self.deadlines, self.counters)
        return pacer

    def forget(self, account: Account) -> None:
        """The account is registered no more: nothing of it is kept."""
        for kept in (self.registrations, self.authenticators, self.homes, self.service_routes):
            kept.pop(account, None)


def body_headers(sdp: bytes | None) -> list[tuple[str, Value]]:
    """Content-Type, when there is a body to describe."""
    return [("Content-Type", SDP)] if sdp else []


def checked_reasons(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """The reasons, tried before anything has changed: they leave later, when nobody could refuse them any more.

    Raises:
        LocalProtocolError: one may not stand on the wire.
    """
    checked = tuple(reasons)
    for reason in checked:
        str(reason)
    return checked


def reason_headers(reasons: Iterable[Reason]) -> list[tuple[str, Value]]:
    """Reason, one line each, as Asterisk and others write them (RFC 3326)."""
    return [("Reason", reason) for reason in reasons]
