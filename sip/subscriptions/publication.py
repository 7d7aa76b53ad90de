"""A publication: our state of one package at its compositor, kept there as long as the user wants (RFC 3903 §4).

Knows no document: bodies are bytes. Invariants: at most one PUBLISH is under way (§4); a state that changes meanwhile is published
when that is answered, the last one only; a refresh bears no body (§4.3); while the user wants it, a PUBLISH is under way or a
deadline is set.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from sip.account import Account
from sip.core import Core
from sip.exchange import Exchange
from sip.fields import Value
from sip.headers import CSeq
from sip.machine import Machine, Table
from sip.message import Request, Response
from sip.subscriptions.facts import PublicationFailed, Published, Unpublished
from sip.subscriptions.header_values import EventHeader
from sip.subscriptions.retries import Again, after_status, is_passing, pause
from sip.uri import NameAddr

_REFRESH_SHARE: Final = 0.75
_REFRESH_JITTER: Final = 0.1
_LONGEST_MIN_EXPIRES: Final = 86400
_LONGEST_TAG: Final = 256  # characters; what is longer is not kept for a compositor


@dataclass(frozen=True, slots=True)
class Publishing:
    """What is published: of whom, of which package, for how many seconds."""

    account: Account
    event: EventHeader
    content_type: str
    expires: int
    headers: tuple[tuple[str, Value], ...] = ()


class PublicationState(StrEnum):
    IDLE = "idle"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    STALE = "stale"  # a PUBLISH is under way, and the state is another one by now
    WAITING = "waiting"  # failed; tried again later
    LEAVING = "leaving"  # to be removed, once the PUBLISH that is under way is answered
    REMOVING = "removing"
    RETURNING = "returning"  # wanted again while it is being removed
    OFF = "off"


class PublicationInput(StrEnum):
    MODIFY = "modify"
    REMOVE = "remove"
    ACCEPTED = "2xx"
    UNKNOWN = "412"
    TOO_BRIEF = "423"
    REFUSED = "3xx-6xx"
    BARRED = "refused for good"
    TIMER = "time"


IDLE: Final = PublicationState.IDLE
PUBLISHING: Final = PublicationState.PUBLISHING
PUBLISHED: Final = PublicationState.PUBLISHED
STALE: Final = PublicationState.STALE
WAITING: Final = PublicationState.WAITING
LEAVING: Final = PublicationState.LEAVING
REMOVING: Final = PublicationState.REMOVING
RETURNING: Final = PublicationState.RETURNING
OFF: Final = PublicationState.OFF

MODIFY: Final = PublicationInput.MODIFY
REMOVE: Final = PublicationInput.REMOVE
ACCEPTED: Final = PublicationInput.ACCEPTED
UNKNOWN: Final = PublicationInput.UNKNOWN
TOO_BRIEF: Final = PublicationInput.TOO_BRIEF
REFUSED: Final = PublicationInput.REFUSED
BARRED: Final = PublicationInput.BARRED
TIMER: Final = PublicationInput.TIMER


class Publication(Machine[PublicationState, PublicationInput]):
    """Made by `UserAgent.publish`.

    Attributes:
        what: of whom and of which package.
        owner: whatever the user gave at `publish`.
        body: the state, as it is to be known there.
    """

    __slots__ = (
        "_call_id",
        "_core",
        "_cseq",
        "_etag",
        "_expires",
        "_failures",
        "_from",
        "_heard",
        "_response",
        "body",
        "owner",
        "what",
    )

    title = "publication"
    figure = "RFC 3903 §4 (prose)"
    initial = IDLE

    def __init__(self, core: Core, what: Publishing, owner: object) -> None:
        super().__init__()
        self.what = what
        self.owner = owner
        self.body = b""
        account = what.account
        self._core = core
        self._call_id = core.ids.call_id()
        self._from = str(NameAddr(account.display_name, account.uri, {"tag": core.new_tag()}))
        self._cseq = 0
        self._etag: str | None = None  # the entity-tag of what the compositor holds
        self._expires = what.expires
        self._failures = 0
        # What the present step is about.
        self._response: Response
        self._heard = True

    def identity(self) -> str:
        return f"{self.what.event.package} {self.what.account.uri}"

    def modify(self, body: bytes, now: float) -> None:
        """Publish another state (§4.4); also brings back what was removed or refused."""
        self.body = body
        self.step(MODIFY, now)

    def remove(self, now: float) -> None:
        """Take our state back (§4.5): Unpublished follows. Ignored when that is done already."""
        self.step(REMOVE, now)

    def handle_timer(self, name: str, now: float) -> None:
        """The deadline came due."""
        self.step(TIMER, now)

    def _next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq

    def _ask(self, expires: int, body: bytes, now: float) -> None:
        core, what = self._core, self.what
        core.deadlines.cancel(self)
        headers: list[tuple[str, Value]] = [
            ("Max-Forwards", "70"),
            ("From", self._from),
            ("To", NameAddr("", what.account.uri)),
            ("Call-ID", self._call_id),
            ("CSeq", CSeq(self._next_cseq(), "PUBLISH")),
            ("Event", str(what.event)),
            ("Expires", expires),
        ]
        if self._etag is not None:
            headers.append(("SIP-If-Match", self._etag))
        if body:
            headers.append(("Content-Type", what.content_type))
        headers += core.routes(what.account)
        request = Request.build(
            "PUBLISH", what.account.uri, [*headers, *what.headers, core.capabilities[-1]], body
        )
        way = core.first_way(request, what.account, now)
        Exchange(core, request, way, what.account, self._next_cseq, self._answered).send(now)

    def _answered(self, exchange: Exchange, response: Response, now: float) -> None:
        status = response.status
        if status < 200:
            return
        self._response, self._heard = response, exchange.heard
        if status < 300:
            self._etag = self._read_etag()
            self.step(ACCEPTED, now)
        elif status == 412 and self._etag is not None:
            self._etag = None
            self.step(UNKNOWN, now)
        elif status == 423 and self._learn_min_expires():
            self.step(TOO_BRIEF, now)
        else:
            self.step(BARRED if after_status(status) is Again.NEVER else REFUSED, now)
        del self._response

    def _read_etag(self) -> str | None:
        """§4.1: every 2xx brings a new one. One that brings none cannot be refreshed: the next PUBLISH is a first one."""
        etag = self._response.get("SIP-ETag")
        return etag if etag and len(etag) <= _LONGEST_TAG else None

    def _learn_min_expires(self) -> bool:
        least = self._response.integer("Min-Expires")
        if least is None or not self._expires < least <= _LONGEST_MIN_EXPIRES:
            return False
        self._expires = least
        return True

    def _publish(self, now: float) -> None:
        self._ask(self._expires, self.body, now)

    def _publish_afresh(self, now: float) -> None:
        self._etag = None
        self._publish(now)

    def _refresh(self, now: float) -> None:
        self._ask(self._expires, b"" if self._etag is not None else self.body, now)

    def _withdraw(self, now: float) -> None:
        if self._etag is None:
            self.step(UNKNOWN, now)  # there is nothing to take back
        else:
            self._ask(0, b"", now)

    def _keep(self, now: float) -> None:
        core = self._core
        granted = self._response.integer("Expires")
        seconds = min(self._expires if granted is None else granted, self._expires)
        self._failures = 0
        share = _REFRESH_SHARE + _REFRESH_JITTER * core.ids.fraction()
        core.deadlines.set(self, TIMER, now + max(1.0, seconds * share))
        core.events.append(Published(self, seconds))

    def _fail(self, now: float) -> None:
        self._failures += 1
        core, response = self._core, self._response
        asked = response.integer("Retry-After") or 0
        passing = is_passing(response.status)
        retry_at = now + pause(self._failures, core.ids.fraction(), passing=passing, at_least=asked)
        core.deadlines.set(self, TIMER, retry_at)
        self._tell_failure(retry_at)

    def _give_up(self, now: float) -> None:
        self._etag = None
        self._tell_failure(None)

    def _tell_failure(self, retry_at: float | None) -> None:
        status = self._response.status if self._heard else None
        self._core.events.append(PublicationFailed(self, status, self._response.reason, retry_at))

    def _be_off(self, now: float) -> None:
        self._core.deadlines.cancel(self)
        self._etag = None
        self._core.events.append(Unpublished(self))

    # RFC 3903 §4: the event publication agent.
    # fmt: off
    table: ClassVar[Table[PublicationState, PublicationInput]] = {
        (IDLE, MODIFY):          (PUBLISHING, _publish),
        (IDLE, REMOVE):          (OFF, _be_off),

        (PUBLISHING, ACCEPTED):  (PUBLISHED, _keep),
        (PUBLISHING, UNKNOWN):   (PUBLISHING, _publish),   # §4, 412: the compositor forgot us; afresh, with the body
        (PUBLISHING, TOO_BRIEF): (PUBLISHING, _publish),
        (PUBLISHING, REFUSED):   (WAITING, _fail),
        (PUBLISHING, BARRED):    (OFF, _give_up),
        (PUBLISHING, MODIFY):    (STALE, None),
        (PUBLISHING, REMOVE):    (LEAVING, None),

        (PUBLISHED, TIMER):      (PUBLISHING, _refresh),
        (PUBLISHED, MODIFY):     (PUBLISHING, _publish),
        (PUBLISHED, REMOVE):     (REMOVING, _withdraw),

        (STALE, ACCEPTED):       (PUBLISHING, _publish),
        (STALE, UNKNOWN):        (PUBLISHING, _publish),
        (STALE, TOO_BRIEF):      (PUBLISHING, _publish),
        (STALE, REFUSED):        (WAITING, _fail),
        (STALE, BARRED):         (OFF, _give_up),
        (STALE, MODIFY):         (STALE, None),
        (STALE, REMOVE):         (LEAVING, None),

        (WAITING, TIMER):        (PUBLISHING, _publish),
        (WAITING, MODIFY):       (WAITING, None),          # the pause is the compositor's, a new state does not shorten it
        (WAITING, REMOVE):       (REMOVING, _withdraw),

        (LEAVING, ACCEPTED):     (REMOVING, _withdraw),
        (LEAVING, UNKNOWN):      (OFF, _be_off),
        (LEAVING, TOO_BRIEF):    (REMOVING, _withdraw),
        (LEAVING, REFUSED):      (REMOVING, _withdraw),
        (LEAVING, BARRED):       (OFF, _be_off),
        (LEAVING, MODIFY):       (STALE, None),
        (LEAVING, REMOVE):       (LEAVING, None),

        (REMOVING, ACCEPTED):    (OFF, _be_off),
        (REMOVING, UNKNOWN):     (OFF, _be_off),
        (REMOVING, TOO_BRIEF):   (OFF, _be_off),
        (REMOVING, REFUSED):     (OFF, _be_off),           # it forgets us when the time is over
        (REMOVING, BARRED):      (OFF, _be_off),
        (REMOVING, MODIFY):      (RETURNING, None),
        (REMOVING, REMOVE):      (REMOVING, None),

        (RETURNING, ACCEPTED):   (PUBLISHING, _publish_afresh),
        (RETURNING, UNKNOWN):    (PUBLISHING, _publish),
        (RETURNING, TOO_BRIEF):  (PUBLISHING, _publish),
        (RETURNING, REFUSED):    (PUBLISHING, _publish),
        (RETURNING, BARRED):     (PUBLISHING, _publish_afresh),
        (RETURNING, MODIFY):     (RETURNING, None),
        (RETURNING, REMOVE):     (REMOVING, None),

        (OFF, MODIFY):           (PUBLISHING, _publish),
        (OFF, REMOVE):           (OFF, None),
    }
    # fmt: on
