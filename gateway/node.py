"""One process at work: the accounts it owns, the SIP port they share, the pages' sockets, the journal behind them.

A shell: it decides nothing about calls. Whatever comes in (a datagram, a frame, a timer, a row that is on disk) is handed to
the office it concerns; then what the office has to say goes out, in this order: rows for the journal, SIP, states and letters
for the pages. docs/flow.md names the hops.

Invariants:
    * after every input there is one round of output for each office that was touched, and each office has one timer;
    * no SIP leaves before the rows that tell of it were handed to the journal; a 2xx is acknowledged, one of ours sent, and a dialog
      replaced only after `Office.saved`, which is called when its row is on disk;
    * an error of ours in one account is logged and counted ("error"), and neither another account nor a timer is lost by it;
    * after `close` nothing is said any more: what is under way is left as by `kill -9`, for the next process to find.
"""

import logging
import secrets
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

import msgspec

from gateway.ladder.diary import Diary
from gateway.limits import Limits
from gateway.lines.journal import Record
from gateway.lines.line import Extension, owner_of
from gateway.office import Office
from gateway.owners import Owned, Owners
from gateway.realtime.gate import Gate
from gateway.realtime.hub import Hub
from gateway.realtime.ports import Seat
from gateway.store.accounts import SIP_PORT, SIPS_PORT, Account
from gateway.store.journal import Journal, Row
from gateway.store.people import Extension as SavedExtension
from gateway.store.people import User as SavedUser
from protocol.messages import User
from sip.account import Account as SipAccount
from sip.account import Transport
from sip.agent import UserAgent
from sip.call import CallState
from sip.events import CallReceived, Event, RegistrationFailed
from sip.location.plan import Hop
from sip.transport.alarm import Alarm
from sip.transport.port import SipPort
from sip.uri import Uri

logger = logging.getLogger("trubka.node")

NOT_FOUND = 404
INTERNAL = 500

COUNTED = (
    "call_for_nobody",
    "error",
    "pbx_not_found",
    "registration_refused",
    "registration_unanswered",
    "row_unreadable",
)
"""What `Node.counters` counts; shown from the beginning, so that an alert can be written on "error"."""


class Node:
    """The process's own part: it hands inputs to offices and carries their output away.

    Args:
        owners: filled here.
        agent: the user agent of all lines.
        journal: open.
        hub: of the pages' streams.
        clock: seconds since the epoch that never go back.
        limits: of every office.
        register_expires: seconds that a registration asks for.
        diary: is told of the calls' facts; None: nobody is.
    """

    def __init__(
        self,
        owners: Owners,
        agent: UserAgent,
        journal: Journal,
        hub: Hub,
        clock: Callable[[], float],
        limits: Limits,
        register_expires: int,
        diary: Diary | None = None,
    ) -> None:
        self._owners = owners
        self._agent = agent
        self._journal = journal
        self._hub = hub
        self._clock = clock
        self._limits = limits
        self._register_expires = register_expires
        self._diary = diary
        # The two other shells; each needs this node to be made first.
        self.sip: SipPort
        self.gate: Gate
        self._closed = False
        # By the name of a PBX, for each way in which it is located.
        self._addresses: dict[str, dict[Hop, frozenset[str]]] = {}
        # COUNTED, below
        self.counters: Counter[str] = Counter()

    def let_in(self, hop: Hop, addresses: frozenset[str]) -> None:
        """The PBX of a name is at these addresses now (given to `Locator.found`): SIP is taken from them."""
        known = self._addresses.setdefault(hop.host, {})
        if known.get(hop) != addresses:
            known[hop] = addresses
            self.sip.allow(frozenset().union(*known.values()), hop.host)

    # --- accounts ------------------------------------------------------------------------------------------------------

    async def own(
        self,
        account: Account,
        pbx: tuple[str, int] | None,
        users: Iterable[SavedUser],
        extensions: Iterable[SavedExtension],
    ) -> None:
        """Take an account over: its lines register, its calls of an earlier life are found again.

        Args:
            pbx: the numeric address of its PBX; None: it is known by its name, and is located whenever it is spoken to.
        """
        known = list(extensions)
        # First of all what may fail: an account is owned whole or not at all.
        records = self._records(await self._journal.load([account.id]))
        office = Office(
            [self._extension(account, pbx, one) for one in known],
            self._agent,
            new_id=partial(secrets.token_urlsafe, 12),
            country=account.country,
            limits=self._limits,
            witness=self._diary.fact if self._diary is not None else None,
        )
        seats = {user.id: _seat(account, user, known, office) for user in users}
        self._owners.owned[account.id] = Owned(
            account, office, seats, Alarm(self._clock, partial(self._fire, account.id))
        )
        now = self._clock()
        try:
            office.restore(records, now)
        except Exception:
            self.counters["error"] += 1
            logger.exception(
                "! account %d: its calls of an earlier life; it goes on without some of them", account.id
            )
        office.start(now)
        self.settle(account.id)

    def release_all(self) -> None:
        """Take the lines' addresses back from their PBXs; calls go on, and the next process finds them."""
        for account_id, owned in self._owners.owned.items():
            owned.office.stop(self._clock())
            self.settle(account_id)

    def close(self) -> None:
        """Fall silent: no timer fires any more, and no row that is still being written has a consequence."""
        self._closed = True
        for owned in self._owners.owned.values():
            owned.alarm.cancel()

    def _extension(self, account: Account, pbx: tuple[str, int] | None, saved: SavedExtension) -> Extension:
        sip = None
        if saved.softphone:
            transport: Transport = saved.transport or account.transport  # type: ignore[assignment] # the command line took no other word
            number = pbx[1] if pbx else account.pbx_port
            if transport == "tls" and account.transport != "tls" and account.pbx_port == SIP_PORT:
                number = SIPS_PORT  # a line of its own mind has the usual port of its transport
            # A usual port is not written: the name may have servers at others (RFC 3263 §4.2).
            port = number if number != (SIPS_PORT if transport == "tls" else SIP_PORT) else None
            home = Uri("sip", None, None, account.pbx_host, port)
            sip = SipAccount(
                uri=Uri("sip", saved.sip_user, None, account.pbx_host, port),
                username=saved.sip_user,
                password=saved.sip_password,
                registrar=home,
                proxy=(pbx[0], number) if pbx else home,
                transport=transport,
                expires=self._register_expires,
            )
        return Extension(account.id, saved.number, saved.label, saved.user_id, sip, saved.replaces_to)

    def _records(self, rows: Iterable[Row]) -> list[Record]:
        records = []
        for row in rows:
            try:
                records.append(Record.from_json(row.body))
            except msgspec.DecodeError as error:
                self.counters["row_unreadable"] += 1
                logger.error("! row %s of the journal cannot be read and is dropped: %s", row.id, error)
                self._journal.forget([row.id])
        return records

    # --- inputs --------------------------------------------------------------------------------------------------------

    def take_sip_events(self, events: list[Event], now: float) -> None:
        """What happened on the SIP side (given to `SipPort` as `deliver`)."""
        if self._closed:
            return
        touched: dict[int, Owned] = {}
        for event in events:
            owned = self._owner(event)
            if owned is not None:
                touched[owned.account.id] = owned
            self._hand_over(event, owned, now)
        for owned in touched.values():
            self._write_down(owned)
        self.sip.send()
        for owned in touched.values():
            self._carry_away(owned)

    def settle(self, account_id: int) -> None:
        """An office was told something: send what it commanded, then carry its output away (`Gate.on_input`)."""
        if self._closed:
            return
        owned = self._owners.owned.get(account_id)
        if owned is not None:
            self._write_down(owned)
        self.sip.flush()
        if owned is not None:
            self._carry_away(owned)

    def _owner(self, event: Event) -> Owned | None:
        line = owner_of(event)
        return None if line is None else self._owners.owned.get(line.extension.account_id)

    def _hand_over(self, event: Event, owned: Owned | None, now: float) -> None:
        """Bring an event to its office; a call for nobody is answered here."""
        if isinstance(event, RegistrationFailed):
            self.counters["registration_unanswered" if event.status is None else "registration_refused"] += 1
        try:
            if owned is not None:
                owned.office.sip_event(event, now)
            elif isinstance(event, CallReceived):
                self.counters["call_for_nobody"] += 1
                event.call.reject(NOT_FOUND, now)
        except Exception:
            self.counters["error"] += 1
            logger.exception("! %s", event)
            if isinstance(event, CallReceived) and event.call.state is CallState.RECEIVED:
                # Whoever calls must not wait for an answer that cannot come.
                event.call.reject(INTERNAL, now)

    def _saved(self, owned: Owned, tokens: list[int]) -> None:
        if self._closed:
            return
        now = self._clock()
        for token in tokens:
            try:
                owned.office.saved(token, now)
            except Exception:
                self.counters["error"] += 1
                logger.exception("! account %d: what was to follow a row", owned.account.id)
        self.settle(owned.account.id)

    def _fire(self, account_id: int) -> None:
        owned = self._owners.owned[account_id]
        try:
            owned.office.handle_timer(self._clock())
        except Exception:
            self.counters["error"] += 1
            logger.exception("! account %d: a deadline", owned.account.id)
        self.settle(owned.account.id)

    # --- output --------------------------------------------------------------------------------------------------------

    def _carry_away(self, owned: Owned) -> None:
        """States and letters to the pages, the timer to the next deadline."""
        try:
            self._hub.collect(owned.account.id, owned.office, self._clock())
            self.gate.deliver()
        except Exception:
            self.counters["error"] += 1
            logger.exception("! account %d: its output", owned.account.id)
        finally:
            owned.alarm.follow(owned.office.next_deadline())

    def _write_down(self, owned: Owned) -> None:
        """Rows to the journal. An error of ours must not keep SIP and pages from what they wait for."""
        try:
            saves = owned.office.take_saves()
            if saves:
                rows = [Row(save.record.id, save.record.account, save.record.to_json()) for save in saves]
                tokens = [save.token for save in saves if save.token]
                self._journal.put(rows, (lambda: self._saved(owned, tokens)) if tokens else None)
            gone = owned.office.take_gone()
            if gone:
                self._journal.forget(gone)
        except Exception:
            self.counters["error"] += 1
            logger.exception("! account %d: its rows", owned.account.id)


def _seat(account: Account, user: SavedUser, extensions: Iterable[SavedExtension], office: Office) -> Seat:
    own = tuple(one.number for one in extensions if one.user_id == user.id)
    return Seat(account.id, account.address, User(user.id, user.name, user.role), own, office)
