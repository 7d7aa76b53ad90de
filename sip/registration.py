"""A registration: one Contact of ours at a registrar, kept there as long as the user wants (RFC 3261 §10.2).

Knows no calls. Invariants: at most one REGISTER is under way; all of one registration share Call-ID and From tag and count CSeq up
(§10.2.4); while the user wants it, either a REGISTER is under way or a deadline is set.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Final

from sip.account import Account
from sip.core import Core
from sip.events import Registered, RegistrationFailed, Unregistered
from sip.exchange import Exchange
from sip.fields import Value
from sip.flow import Flow
from sip.headers import CSeq
from sip.machine import Machine, Table
from sip.message import Request, Response
from sip.uri import NameAddr, Uri

# The share of the granted time after which it is refreshed; what is added by chance spreads ten thousand lines out.
_REFRESH_SHARE: Final = 0.75
_REFRESH_JITTER: Final = 0.1
# First pause and longest one, in seconds, for failures that pass by themselves and for those that want a human.
_FAST: Final = (2.0, 60.0)
_SLOW: Final = (60.0, 1800.0)
_PASSING: Final = frozenset({408, 423, 480, 487, 491, 500, 502, 503, 504})
# Seconds over which lines come back whose connection broke; an office of 10,000 takes 20 of them.
_SHORTEST_SPREAD: Final = 2.0
_LINES_PER_SECOND: Final = 500.0
_LONGEST_RETRY_AFTER: Final = 3600
_LONGEST_MIN_EXPIRES: Final = 86400


class RegistrationState(StrEnum):
    IDLE = "idle"
    REGISTERING = "registering"
    REGISTERED = "registered"
    REFRESHING = "refreshing"
    WAITING = "waiting"  # failed; tried again later
    LEAVING = "leaving"  # to be removed, once the REGISTER that is under way is answered
    UNREGISTERING = "unregistering"
    RETURNING = "returning"  # wanted again while it is being removed
    OFF = "off"


class RegistrationInput(StrEnum):
    REGISTER = "register"
    UNREGISTER = "unregister"
    ACCEPTED = "2xx"
    TOO_BRIEF = "423"
    REFUSED = "3xx-6xx"
    TIMER = "time"
    TRANSPORT_LOST = "transport lost"
    TRANSPORT_MADE = "transport made"


IDLE: Final = RegistrationState.IDLE
REGISTERING: Final = RegistrationState.REGISTERING
REGISTERED: Final = RegistrationState.REGISTERED
REFRESHING: Final = RegistrationState.REFRESHING
WAITING: Final = RegistrationState.WAITING
LEAVING: Final = RegistrationState.LEAVING
UNREGISTERING: Final = RegistrationState.UNREGISTERING
RETURNING: Final = RegistrationState.RETURNING
OFF: Final = RegistrationState.OFF

REGISTER: Final = RegistrationInput.REGISTER
UNREGISTER: Final = RegistrationInput.UNREGISTER
ACCEPTED: Final = RegistrationInput.ACCEPTED
TOO_BRIEF: Final = RegistrationInput.TOO_BRIEF
REFUSED: Final = RegistrationInput.REFUSED
TIMER: Final = RegistrationInput.TIMER
TRANSPORT_LOST: Final = RegistrationInput.TRANSPORT_LOST
TRANSPORT_MADE: Final = RegistrationInput.TRANSPORT_MADE


class Registration(Machine[RegistrationState, RegistrationInput]):
    """One line at its registrar. Made by `UserAgent.register`.

    Attributes:
        account: whose line it is.
        contact: our address for the line; its user part cannot be guessed and marks the line in the Request-URI of an INVITE.
        owner: whatever the user gave at `register`.
        expires_at: until when the registrar keeps the Contact; None while it does not.
        flow: where the last REGISTER went, without the number of a connection.
    """

    __slots__ = (
        "_call_id",
        "_core",
        "_cseq",
        "_expires",
        "_failures",
        "_from",
        "_heard",
        "_response",
        "account",
        "contact",
        "expires_at",
        "flow",
        "owner",
    )

    title = "registration"
    figure = "RFC 3261 §10.2 (prose)"
    initial = IDLE

    def __init__(self, core: Core, account: Account, contact: Uri, owner: object) -> None:
        super().__init__()
        self.account = account
        self.contact = contact
        self.owner = owner
        self.expires_at: float | None = None
        self.flow: Flow | None = None
        self._core = core
        self._call_id = core.ids.call_id()
        self._from = str(NameAddr(account.display_name, account.uri, {"tag": core.new_tag()}))
        self._cseq = 0
        self._expires = account.expires  # seconds asked for: 423 raises it
        self._failures = 0
        # What the present step is about.
        self._response: Response
        self._heard = True

    def identity(self) -> str:
        return str(self.account.uri)

    def expect(self, at: float) -> None:
        """Register at that moment; what the registrar sends here for an earlier life of ours finds the line at once."""
        self._become_known()
        self._core.deadlines.set(self, TIMER, at)

    def refresh(self, now: float) -> None:
        """Register now, whatever pause or refresh was planned; also brings back what was unregistered."""
        self.step(REGISTER, now)

    def unregister(self, now: float) -> None:
        """Take our Contact back (§10.2.2): Unregistered follows. Ignored when that is done already."""
        self.step(UNREGISTER, now)

    def transport_lost(self, now: float) -> None:
        """The connection that carried the registration is gone; the registrar reaches us no more until we register again."""
        self.step(TRANSPORT_LOST, now)

    def transport_made(self, now: float) -> None:
        """The connection that carried the registration stands again."""
        self.step(TRANSPORT_MADE, now)

    def handle_timer(self, name: str, now: float) -> None:
        """A deadline of this registration came due."""
        self.step(TIMER, now)

    def _next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq

    def _answered(self, exchange: Exchange, response: Response, now: float) -> None:
        status = response.status
        if status < 200:
            return
        self._response, self._heard = response, exchange.heard
        if status < 300:
            self.step(ACCEPTED, now)
        elif status == 423 and self._learn_min_expires(response):
            self.step(TOO_BRIEF, now)
        else:
            self.step(REFUSED, now)
        # Ten thousand idle lines keep no message each.
        del self._response

    def _learn_min_expires(self, response: Response) -> bool:
        """§10.2.8: whether the registrar names a longer time that we can ask for."""
        least = response.integer("Min-Expires")
        if least is None or not self._expires < least <= _LONGEST_MIN_EXPIRES:
            return False
        self._expires = least
        return True

    def _become_known(self) -> None:
        """Calls to our Contact, and calls of our account, are this line's."""
        self._core.lines[self.contact.user or ""] = self._core.registrations[self.account] = self

    def _ask(self, expires: int, now: float) -> None:
        core, account = self._core, self.account
        core.deadlines.cancel(self)
        self._become_known()
        headers: list[tuple[str, Value]] = [
            ("Max-Forwards", "70"),
            ("From", self._from),
            ("To", NameAddr("", account.uri)),
            ("Call-ID", self._call_id),
            ("CSeq", CSeq(self._next_cseq(), "REGISTER")),
            ("Contact", f"<{self.contact}>"),
            ("Expires", expires),
            *core.capabilities,
        ]
        request = Request.build("REGISTER", account.registrar, headers)
        self.flow = core.first_flow(request, account)
        Exchange(core, request, self.flow, account, self._next_cseq, self._answered).send(now)

    def _granted(self) -> int:
        """The seconds in the Contact of ours that the answer lists (§10.2.4), else its Expires, else what was asked."""
        general = self._response.integer("Expires")
        for contact in self._response.contacts:
            if contact.uri.user == self.contact.user:
                own = contact.params.get("expires") or ""
                if len(own) <= 10 and own.isascii() and own.isdigit():
                    return int(own)
                break
        return general if general is not None else self._expires

    def _send(self, now: float) -> None:
        self._ask(self._expires, now)

    def _send_zero(self, now: float) -> None:
        self._ask(0, now)

    def _register(self, now: float) -> None:
        self._keep(now, refreshed=False)

    def _renew(self, now: float) -> None:
        self._keep(now, refreshed=True)

    def _keep(self, now: float, *, refreshed: bool) -> None:
        core, granted = self._core, self._granted()
        self._failures = 0
        self.expires_at = now + granted
        share = _REFRESH_SHARE + _REFRESH_JITTER * core.ids.fraction()
        core.deadlines.set(self, TIMER, now + max(1.0, granted * share))
        core.events.append(Registered(self, granted, refreshed))

    def _fail(self, now: float) -> None:
        self._failures += 1
        core, response = self._core, self._response
        if self.expires_at is not None and self.expires_at <= now:
            self.expires_at = None
        retry_at = now + self._pause()
        core.deadlines.set(self, TIMER, retry_at)
        status = response.status if self._heard else None
        core.events.append(RegistrationFailed(self, status, response.reason, retry_at))

    def _pause(self) -> float:
        """Seconds until the next attempt: doubled with each failure up to a bound, half to one and a half of it by chance, and never
        less than the registrar's Retry-After (§20.33)."""
        first, longest = _FAST if self._response.status in _PASSING else _SLOW
        pause = min(first * 2.0 ** min(self._failures - 1, 16), longest) * (0.5 + self._core.ids.fraction())
        asked = self._response.integer("Retry-After") or 0
        return max(pause, float(min(asked, _LONGEST_RETRY_AFTER)))

    def _be_off(self, now: float) -> None:
        self._core.deadlines.cancel(self)
        self._core.lines.pop(self.contact.user or "", None)
        self._core.registrations.pop(self.account, None)
        self._core.authenticators.pop(self.account, None)
        self.expires_at = None
        self._core.events.append(Unregistered(self))

    def _soon(self, now: float) -> None:
        """Connections of many lines break at once: they come back spread, the longer the more they are."""
        core = self._core
        spread = max(_SHORTEST_SPREAD, len(core.lines) / _LINES_PER_SECOND)
        core.deadlines.set(self, TIMER, now + spread * core.ids.fraction())

    # fmt: off
    table: ClassVar[Table[RegistrationState, RegistrationInput]] = {
        (IDLE, REGISTER):                (REGISTERING, _send),
        (IDLE, TIMER):                   (REGISTERING, _send),
        (IDLE, UNREGISTER):              (OFF, _be_off),
        (IDLE, TRANSPORT_LOST):          (IDLE, None),
        (IDLE, TRANSPORT_MADE):          (IDLE, None),

        (REGISTERING, ACCEPTED):         (REGISTERED, _register),
        (REGISTERING, TOO_BRIEF):        (REGISTERING, _send),
        (REGISTERING, REFUSED):          (WAITING, _fail),
        (REGISTERING, REGISTER):         (REGISTERING, None),
        (REGISTERING, UNREGISTER):       (LEAVING, None),
        (REGISTERING, TRANSPORT_LOST):   (REGISTERING, None),     # the request under way fails by itself
        (REGISTERING, TRANSPORT_MADE):   (REGISTERING, None),

        (REGISTERED, TIMER):             (REFRESHING, _send),
        (REGISTERED, REGISTER):          (REFRESHING, _send),
        (REGISTERED, UNREGISTER):        (UNREGISTERING, _send_zero),
        (REGISTERED, TRANSPORT_LOST):    (REGISTERED, _soon),
        (REGISTERED, TRANSPORT_MADE):    (REGISTERED, _soon),

        (REFRESHING, ACCEPTED):          (REGISTERED, _renew),
        (REFRESHING, TOO_BRIEF):         (REFRESHING, _send),
        (REFRESHING, REFUSED):           (WAITING, _fail),
        (REFRESHING, REGISTER):          (REFRESHING, None),
        (REFRESHING, UNREGISTER):        (LEAVING, None),
        (REFRESHING, TRANSPORT_LOST):    (REFRESHING, None),
        (REFRESHING, TRANSPORT_MADE):    (REFRESHING, None),

        (WAITING, TIMER):                (REGISTERING, _send),
        (WAITING, REGISTER):             (REGISTERING, _send),
        (WAITING, UNREGISTER):           (UNREGISTERING, _send_zero),  # the registrar may know us all the same
        (WAITING, TRANSPORT_LOST):       (WAITING, None),
        (WAITING, TRANSPORT_MADE):       (WAITING, _soon),

        (LEAVING, ACCEPTED):             (UNREGISTERING, _send_zero),
        (LEAVING, TOO_BRIEF):            (UNREGISTERING, _send_zero),
        (LEAVING, REFUSED):              (UNREGISTERING, _send_zero),
        (LEAVING, REGISTER):             (REGISTERING, None),
        (LEAVING, UNREGISTER):           (LEAVING, None),
        (LEAVING, TRANSPORT_LOST):       (LEAVING, None),
        (LEAVING, TRANSPORT_MADE):       (LEAVING, None),

        (UNREGISTERING, ACCEPTED):       (OFF, _be_off),
        (UNREGISTERING, TOO_BRIEF):      (OFF, _be_off),
        (UNREGISTERING, REFUSED):        (OFF, _be_off),          # it forgets us when the time is over
        (UNREGISTERING, UNREGISTER):     (UNREGISTERING, None),
        (UNREGISTERING, REGISTER):       (RETURNING, None),
        (UNREGISTERING, TRANSPORT_LOST): (UNREGISTERING, None),
        (UNREGISTERING, TRANSPORT_MADE): (UNREGISTERING, None),

        (RETURNING, ACCEPTED):           (REGISTERING, _send),
        (RETURNING, TOO_BRIEF):          (REGISTERING, _send),
        (RETURNING, REFUSED):            (REGISTERING, _send),
        (RETURNING, REGISTER):           (RETURNING, None),
        (RETURNING, UNREGISTER):         (UNREGISTERING, None),
        (RETURNING, TRANSPORT_LOST):     (RETURNING, None),
        (RETURNING, TRANSPORT_MADE):     (RETURNING, None),

        (OFF, REGISTER):                 (REGISTERING, _send),
        (OFF, UNREGISTER):               (OFF, None),
        (OFF, TRANSPORT_LOST):           (OFF, None),
        (OFF, TRANSPORT_MADE):           (OFF, None),
    }
    # fmt: on
