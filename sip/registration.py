"""A registration: one Contact of ours at a registrar, kept there as long as the user wants (RFC 3261 §10.2).

Knows no calls. Invariants: at most one REGISTER is under way, and none without a turn of the registrar's pacer; all of one registration
share Call-ID and From tag and count CSeq up (§10.2.4); while the user wants it, a REGISTER is under way, a turn is waited for or a
deadline is set.
"""

from __future__ import annotations

from typing import ClassVar, Final

from sip.account import Account
from sip.core import Core
from sip.course import learn_service_route, shared
from sip.events import Registered, RegistrationFailed, Unregistered
from sip.exchange import Exchange
from sip.fields import Value
from sip.flow import Flow
from sip.headers import CSeq
from sip.machine import Machine, Table
from sip.message import Request, Response
from sip.registration_states import (
    ACCEPTED,
    ASKING,
    IDLE,
    LEAVE_QUEUED,
    LEAVING,
    OFF,
    QUEUED,
    REFRESH_QUEUED,
    REFRESHING,
    REFUSED,
    REGISTER,
    REGISTERED,
    REGISTERING,
    RETURNING,
    SILENT,
    TIMER,
    TOO_BRIEF,
    TRANSPORT_LOST,
    TRANSPORT_MADE,
    TURN,
    UNREGISTER,
    UNREGISTERING,
    WAITING,
    RegistrationInput,
    RegistrationState,
)
from sip.registration_times import granted, refresh_pause, retry_pause
from sip.uri import NameAddr, Uri

_LONGEST_MIN_EXPIRES: Final = 86400


__all__ = ["Registration", "RegistrationInput", "RegistrationState"]


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
        "_pacer",
        "_response",
        "_seconds",
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
        self._pacer = core.pacer(account)
        self._call_id = core.ids.call_id()
        self._from = str(NameAddr(account.display_name, account.uri, {"tag": core.new_tag()}))
        self._cseq = 0
        self._expires = account.expires  # seconds asked for: 423 raises it
        self._failures = 0
        # What the present step is about.
        self._response: Response
        self._heard = True
        self._seconds = 0  # granted

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

    def take_turn(self, now: float) -> None:
        """The pacer lets the REGISTER leave."""
        self.step(TURN, now)

    def be_passed_over(self, now: float) -> None:
        """Others found the registrar silent."""
        self.step(SILENT, now)

    def come_back(self, now: float) -> None:
        """The registrar speaks again."""
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
        self.flow = shared(exchange.flow.road)
        self._seconds = granted(response, self.contact, self._expires) if status < 300 else 0
        if self._seconds:
            self.step(ACCEPTED, now)
        elif status == 423 and self._learn_min_expires(response):
            self.step(TOO_BRIEF, now)
        else:
            self.step(REFUSED, now)
        # Ten thousand idle lines keep no message each.
        del self._response
        if self.state not in ASKING:
            self._pacer.done(self, now, heard=exchange.heard, busy=status == 503)

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
        headers: list[tuple[str, Value]] = [
            *core.proxy_route(account),
            ("Max-Forwards", "70"),
            ("From", self._from),
            ("To", self._from[self._from.rindex("<") : self._from.rindex(">") + 1]),
            ("Call-ID", self._call_id),
            ("CSeq", CSeq(self._next_cseq(), "REGISTER")),
            ("Contact", f"<{self.contact}>"),
            ("Expires", expires),
            *core.register_capabilities,
        ]
        request = Request.build("REGISTER", account.registrar, headers)
        way = core.first_way(request, account, now)
        exchange = Exchange(core, request, way, account, self._next_cseq, self._answered)
        self.flow = shared(exchange.flow)
        exchange.send(now)

    def _queue(self, now: float) -> None:
        self._core.deadlines.cancel(self)
        self._become_known()
        self._pacer.ask(self, now)

    def _send(self, now: float) -> None:
        self._ask(self._expires, now)

    def _send_zero(self, now: float) -> None:
        self._ask(0, now)

    def _register(self, now: float) -> None:
        self._keep(now, refreshed=False)

    def _renew(self, now: float) -> None:
        self._keep(now, refreshed=True)

    def _keep(self, now: float, *, refreshed: bool) -> None:
        core, seconds = self._core, self._seconds
        self._failures = 0
        learn_service_route(core, self.account, self._response)
        self.expires_at = now + seconds
        core.deadlines.set(self, TIMER, now + refresh_pause(seconds, core.ids.fraction()))
        core.events.append(Registered(self, seconds, refreshed))

    def _fail(self, now: float) -> None:
        response = self._response
        self._wait(response.status if self._heard else None, response.reason, now)

    def _fail_with_others(self, now: float) -> None:
        self._wait(None, "Registrar Silent", now)

    def _wait(self, status: int | None, reason: str, now: float) -> None:
        self._failures += 1
        if self.expires_at is not None and self.expires_at <= now:
            self.expires_at = None
        asked = 0 if status is None else self._response.integer("Retry-After") or 0
        retry_at = now + retry_pause(self._failures, status, asked, self._core.ids.fraction())
        self._core.deadlines.set(self, TIMER, retry_at)
        self._core.events.append(RegistrationFailed(self, status, reason, retry_at))

    def _be_off(self, now: float) -> None:
        core = self._core
        core.deadlines.cancel(self)
        self._pacer.withdraw(self)
        core.lines.pop(self.contact.user or "", None)
        core.forget(self.account)
        self.expires_at = None
        core.events.append(Unregistered(self))

    # fmt: off
    table: ClassVar[Table[RegistrationState, RegistrationInput]] = {
        (IDLE, REGISTER):                (QUEUED, _queue),
        (IDLE, TIMER):                   (QUEUED, _queue),
        (IDLE, UNREGISTER):              (OFF, _be_off),
        (IDLE, TRANSPORT_LOST):          (IDLE, None),
        (IDLE, TRANSPORT_MADE):          (IDLE, None),

        (QUEUED, TURN):                  (REGISTERING, _send),
        (QUEUED, SILENT):                (WAITING, _fail_with_others),
        (QUEUED, REGISTER):              (QUEUED, None),
        (QUEUED, UNREGISTER):            (LEAVE_QUEUED, None),    # the registrar may know us of an earlier life
        (QUEUED, TRANSPORT_LOST):        (QUEUED, None),
        (QUEUED, TRANSPORT_MADE):        (QUEUED, None),

        (REGISTERING, ACCEPTED):         (REGISTERED, _register),
        (REGISTERING, TOO_BRIEF):        (REGISTERING, _send),
        (REGISTERING, REFUSED):          (WAITING, _fail),
        (REGISTERING, REGISTER):         (REGISTERING, None),
        (REGISTERING, UNREGISTER):       (LEAVING, None),
        (REGISTERING, TRANSPORT_LOST):   (REGISTERING, None),     # the request under way fails by itself
        (REGISTERING, TRANSPORT_MADE):   (REGISTERING, None),

        (REGISTERED, TIMER):             (REFRESH_QUEUED, _queue),
        (REGISTERED, REGISTER):          (REFRESH_QUEUED, _queue),
        (REGISTERED, UNREGISTER):        (LEAVE_QUEUED, _queue),
        (REGISTERED, TRANSPORT_LOST):    (REFRESH_QUEUED, _queue),
        (REGISTERED, TRANSPORT_MADE):    (REFRESH_QUEUED, _queue),

        (REFRESH_QUEUED, TURN):           (REFRESHING, _send),
        (REFRESH_QUEUED, SILENT):         (WAITING, _fail_with_others),
        (REFRESH_QUEUED, REGISTER):       (REFRESH_QUEUED, None),
        (REFRESH_QUEUED, UNREGISTER):     (LEAVE_QUEUED, None),
        (REFRESH_QUEUED, TRANSPORT_LOST): (REFRESH_QUEUED, None),
        (REFRESH_QUEUED, TRANSPORT_MADE): (REFRESH_QUEUED, None),

        (REFRESHING, ACCEPTED):          (REGISTERED, _renew),
        (REFRESHING, TOO_BRIEF):         (REFRESHING, _send),
        (REFRESHING, REFUSED):           (WAITING, _fail),
        (REFRESHING, REGISTER):          (REFRESHING, None),
        (REFRESHING, UNREGISTER):        (LEAVING, None),
        (REFRESHING, TRANSPORT_LOST):    (REFRESHING, None),
        (REFRESHING, TRANSPORT_MADE):    (REFRESHING, None),

        (WAITING, TIMER):                (QUEUED, _queue),
        (WAITING, REGISTER):             (QUEUED, _queue),
        (WAITING, UNREGISTER):           (LEAVE_QUEUED, _queue),  # the registrar may know us all the same
        (WAITING, TRANSPORT_LOST):       (WAITING, None),
        (WAITING, TRANSPORT_MADE):       (QUEUED, _queue),

        (LEAVING, ACCEPTED):             (UNREGISTERING, _send_zero),
        (LEAVING, TOO_BRIEF):            (UNREGISTERING, _send_zero),
        (LEAVING, REFUSED):              (UNREGISTERING, _send_zero),
        (LEAVING, REGISTER):             (REGISTERING, None),
        (LEAVING, UNREGISTER):           (LEAVING, None),
        (LEAVING, TRANSPORT_LOST):       (LEAVING, None),
        (LEAVING, TRANSPORT_MADE):       (LEAVING, None),

        (LEAVE_QUEUED, TURN):            (UNREGISTERING, _send_zero),
        (LEAVE_QUEUED, SILENT):          (OFF, _be_off),          # it forgets us when the time is over
        (LEAVE_QUEUED, REGISTER):        (QUEUED, None),
        (LEAVE_QUEUED, UNREGISTER):      (LEAVE_QUEUED, None),
        (LEAVE_QUEUED, TRANSPORT_LOST):  (LEAVE_QUEUED, None),
        (LEAVE_QUEUED, TRANSPORT_MADE):  (LEAVE_QUEUED, None),

        (UNREGISTERING, ACCEPTED):       (OFF, _be_off),
        (UNREGISTERING, TOO_BRIEF):      (OFF, _be_off),
        (UNREGISTERING, REFUSED):        (OFF, _be_off),
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

        (OFF, REGISTER):                 (QUEUED, _queue),
        (OFF, UNREGISTER):               (OFF, None),
        (OFF, TRANSPORT_LOST):           (OFF, None),
        (OFF, TRANSPORT_MADE):           (OFF, None),
    }
    # fmt: on
