"""The user agent: all lines of a process over one socket (RFC 3261 §8, §12.2.2).

Stands between the transports, which hand it bytes and collect its output, and its user, which commands calls and registrations and
collects events. Sans-I/O: the moment is an argument, deadlines are asked for.

Invariants: nothing a peer sends raises past `receive`; every request gets exactly one final response, here or by the user; what is
dropped or refused is counted by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from logging import getLogger
from typing import Final

from sip.account import Account
from sip.call import Call
from sip.calls import replacing
from sip.calls.caller import OutgoingCall
from sip.calls.loading import load, load_incoming
from sip.calls.saved import SavedCall
from sip.core import Core, body_headers
from sip.errors import ParseError, SipError
from sip.events import Event
from sip.fields import Headers, Value
from sip.flow import Flow, Transmit
from sip.headers import ReplacesHeader, checked_call_id
from sip.ids import Ids
from sip.location.locator import Locator
from sip.message import Request, parse
from sip.pacer import Pace
from sip.receiver import Receiver
from sip.registration import Registration
from sip.subscriptions.commands import EventCommands
from sip.timers import SessionTimers, Timers
from sip.transactions.layer import TransactionLayer
from sip.uri import NameAddr, Uri

# An office has thousands of lines, not calls without end; each unanswered INVITE of a flood costs memory.
_MAX_CALLS: Final = 20_000
_MAX_WATCHERS: Final = 10_000

log: Final = getLogger("trubka.sip")


class UserAgent(EventCommands):
    """All calls and registrations of one process.

    Args:
        host, port: what Via and Contact say: the address our socket is reached at, fixed for the life of the process.
        tls_port: what they say of TLS; None: the next port (RFC 3261 §19.1.2 has 5060 and 5061).
        alias: whether requests over TLS offer their connection for those of the peer (RFC 5923 §8.1); we must have a certificate.
        locates: whether host names are looked up (RFC 3263): somebody puts the `locator`'s questions to the DNS.
        pace: what each registrar is thought to bear.
        ids: where tags, branches and Call-IDs come from; `ByteIds(secrets.token_bytes)` in production.
        timers: T1, T2 and T4.
        product: what User-Agent and Server say.
        tag_prefix: begins every tag of ours: a 2xx to an INVITE that nobody remembers is told by it and ended.
        methods: of requests outside dialogs that the user answers itself (RequestReceived), such as REGISTER.
        packages: of events, to whose subscriptions the user answers (SubscriptionReceived); of others, 489.
        referable: whether a REFER in a call is told (ReferReceived) and answered by the user; else it gets 405.
        max_calls: beyond it an INVITE gets 503 with Retry-After.
        max_watchers: beyond it a SUBSCRIBE does.
        session_timers: by default agreed to when a peer asks (RFC 4028).
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        ids: Ids,
        timers: Timers | None = None,
        product: str = "Trubka",
        tag_prefix: str = "tb",
        methods: Iterable[str] = (),
        packages: Iterable[str] = (),
        referable: bool = False,
        max_calls: int = _MAX_CALLS,
        max_watchers: int = _MAX_WATCHERS,
        tls_port: int | None = None,
        alias: bool = False,
        locates: bool = False,
        pace: Pace | None = None,
        session_timers: SessionTimers | None = None,
    ) -> None:
        tls_port = port + 1 if tls_port is None else tls_port
        self._core = Core(
            host=host,
            port=port,
            ids=ids,
            timers=timers or Timers(),
            product=product,
            tag_prefix=tag_prefix,
            methods=methods,
            packages=packages,
            referable=referable,
            tls_port=tls_port,
            pace=pace or Pace(),
            session_timers=session_timers,
        )
        if locates:
            self._core.enable_locating()
        self._receiver = Receiver(self._core, max_calls, max_watchers)
        self._core.layer = self._layer = TransactionLayer(
            self._receiver,
            host=host,
            port=port,
            ids=ids,
            timers=self._core.timers,
            counters=self._core.counters,
            tls_port=tls_port,
            alias=alias,
        )

    # What the user asks.

    @property
    def counters(self) -> Counter[str]:
        """What was dropped or refused, by name."""
        return self._core.counters

    @property
    def address(self) -> tuple[str, int]:
        """What Via and Contact say."""
        return self._core.host, self._core.port

    @property
    def tls_port(self) -> int:
        """The port that they say on TLS."""
        return self._core.tls_port

    @property
    def locator(self) -> Locator | None:
        """Finds the servers of host names: its questions are to be taken to the DNS, as often as output is taken."""
        return self._core.locator

    @property
    def calls(self) -> list[Call]:
        """Every call that has not ended."""
        return list(self._core.calls.values())

    @property
    def transaction_count(self) -> int:
        """How many transactions live, for metrics and for the check that nothing is left."""
        return self._layer.client_count + self._layer.server_count

    @property
    def registration_count(self) -> int:
        """How many lines are at their registrar, or on the way there or back."""
        return len(self._core.lines)

    def register(
        self,
        account: Account,
        now: float,
        *,
        owner: object = None,
        contact_user: str | None = None,
        pause: float = 0.0,
    ) -> Registration:
        """Register a line and keep it registered: Registered or RegistrationFailed follows, again and again.

        Args:
            account: its registrar or proxy is a numeric address, or, without `locates`, ValueError is raised.
            owner: is `call.owner` of every call that comes in for this line.
            contact_user: the user part of our Contact; without it an unguessable one is made. A line that has the same one after a
                restart is found by INVITEs for the registration of its earlier life.
            pause: seconds to wait with the first REGISTER, so that many lines do not come at once; INVITEs find the line meanwhile.
        """
        user = contact_user or self._core.ids.token()
        contact = self._core.contact(user, account.transport, secure=account.is_secure)
        registration = Registration(self._core, account, contact, owner)
        if pause > 0:
            registration.expect(now + pause)
        else:
            registration.refresh(now)
        return registration

    def invite(
        self,
        account: Account,
        target: Uri,
        sdp: bytes | None,
        now: float,
        *,
        replaces: ReplacesHeader | None = None,
        headers: Headers = (),
        owner: object = None,
        call_id: str | None = None,
        contact_user: str | None = None,
        wait: bool = False,
    ) -> Call:
        """Call `target`; its events follow. `call.dump()` may be written to disk before the output is collected and sent.

        Args:
            sdp: the offer; None leaves it to the peer (its 2xx brings one, `acknowledge(now, sdp)` answers).
            replaces: the dialog whose place the call takes (RFC 3891).
            headers: others, such as P-Asserted-Identity.
            call_id: one of the user's choice.
            contact_user: the user part of Contact; without it that of the account's registration, or the account's own.
            wait: nothing is sent before `call.start(now)`; `call.dump()` tells of it already.

        Raises:
            LocalProtocolError: a value may not stand on the wire.
        """
        core = self._core
        tag = core.new_tag()
        contact = (
            core.contact(contact_user, account.transport, secure=account.is_secure)
            if contact_user
            else core.line_contact(account)
        )
        fields: list[tuple[str, Value]] = [
            *core.routes(account),
            ("Max-Forwards", "70"),
            ("From", NameAddr(account.display_name, account.uri, {"tag": tag})),
            ("To", NameAddr("", target)),
            ("Call-ID", core.ids.call_id() if call_id is None else checked_call_id(call_id)),
            ("CSeq", "1 INVITE"),
            ("Contact", f"<{contact}>"),
            *core.capabilities,
            *headers,
        ]
        if core.session_timers.ask is not None:
            fields.append(("Session-Expires", core.session_timers.ask))
        if replaces is not None:
            fields += [("Replaces", replaces), ("Require", "replaces")]
        request = Request.build("INVITE", target, [*fields, *body_headers(sdp)], sdp or b"")
        way = core.first_way(request, account, now)
        call = OutgoingCall(core, request, way, local_tag=tag, contact=contact, account=account, owner=owner)
        core.calls[call.id, tag] = call
        if wait:
            call.prepare()
        else:
            call.start(now)
        return call

    def load_call(self, saved: SavedCall, account: Account | None, now: float, owner: object = None) -> Call:
        """Take a call from disk after a restart at the same address; nothing is sent by that.

        A "dialog" is confirmed, to be refreshed by `update`. An "outgoing" one waits for its final response, and `cancel` sends CANCEL
        with the saved branch at once. An "incoming" one waits for the user: `ring`, `accept` (again), `reject`.

        Raises:
            LocalProtocolError: a call with its Call-ID and tag lives already.
            ParseError: what was saved cannot be read.
        """
        if saved.kind == "incoming":
            return load_incoming(self._core, self._receiver, saved, account, now, owner)
        return load(self._core, saved, account, now, owner)

    def find_call(self, call_id: str, local_tag: str) -> Call | None:
        """The living call with this Call-ID and tag of ours."""
        return self._core.calls.get((call_id, local_tag))

    def find_replaced(self, replaces: ReplacesHeader) -> Call | None:
        """The living call that a Replaces header means (RFC 3891 §3). An INVITE whose Replaces may not be obeyed is not told."""
        return replacing.find(self._core, replaces)

    # What the transports hand in, and collect.

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """A datagram, or a message that was cut out of a stream. Never raises, whatever it holds."""
        try:
            message = parse(data)
        except ParseError as error:
            self.counters["oversized" if error.status == 513 else "malformed"] += 1
            if error.message is not None:
                self._layer.refuse(error.message, flow, error.status)
            return
        try:
            self._layer.receive(message, flow, now)
        except SipError:
            # A peer can break the protocol in more ways than were thought of; it must not break the others' calls with it.
            self.counters["unforeseen"] += 1
            log.exception("! unforeseen %s from %s", message.cseq.method, flow)

    def transport_lost(self, flow: Flow, now: float, cause: str = "") -> None:
        """A connection is gone, or could not be made: its transactions fail, its lines register anew.

        Args:
            cause: why, in a few words; what RegistrationFailed says.
        """
        self._layer.transport_lost(flow, now, cause)
        for call in self.calls:
            call.transport_lost(flow)
        for registration in self._registered_over(flow):
            registration.transport_lost(now)
        for usage in dict.fromkeys(self._core.subscriptions.values()):
            usage.transport_lost(flow, now)

    def transport_made(self, flow: Flow, now: float) -> None:
        """A connection that was lost stands again: the lines that registered over it do so now, one after the other."""
        for registration in self._registered_over(flow):
            registration.transport_made(now)

    def registered_roads(self) -> set[Flow]:
        """Where the lines' registrations go, for keeping the NATs on the way open."""
        return {one.flow for one in self._core.lines.values() if one.flow is not None}

    def _registered_over(self, flow: Flow) -> list[Registration]:
        return [one for one in self._core.lines.values() if one.flow == flow.road]

    def handle_timer(self, now: float) -> None:
        """Do what is due; to be called at `next_deadline`."""
        self._layer.handle_timer(now)
        for owner, name in self._core.deadlines.due(now):
            try:
                owner.handle_timer(name, now)
            except SipError:
                # One call's mistake must not stop the others' timers.
                self.counters["unforeseen"] += 1
                log.exception("! unforeseen timer %s", name)

    def next_deadline(self) -> float | None:
        """When `handle_timer` is to be called; None: not before something else happens."""
        transactions = self._layer.next_deadline()
        own = self._core.deadlines.next_deadline()
        if transactions is None or own is None:
            return own if transactions is None else transactions
        return min(transactions, own)

    def take_output(self) -> list[Transmit]:
        """What is to be sent, in order; it is then forgotten."""
        return self._layer.take_output()

    def take_events(self) -> list[Event]:
        """What happened, in order; it is then forgotten."""
        core = self._core
        events, core.events = core.events, []
        return events
