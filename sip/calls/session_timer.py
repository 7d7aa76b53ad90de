"""The session timer: how long a session lasts without a sign of life, and who gives it (RFC 4028).

Stands beside one session. Knows neither how a refresh is sent nor what a BYE is: the session does both when it is asked.
Invariants: while an interval is agreed, either side's 2xx to a re-INVITE or UPDATE begins it anew; who refreshes does so at half of it;
min(32 s, a third) before its end without a refresh the session ends; no interval is below the least that we accept.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple, TypeAlias

from sip.calls.options import TIMER, supports
from sip.fields import Message, Value
from sip.machine import Machine, Table
from sip.message import Request, Response

if TYPE_CHECKING:
    from sip.calls.timed import TimedSession
    from sip.core import Core

Role: TypeAlias = Literal["uac", "uas"]

_DUE: Final = "session refresh"
_END: Final = "session expires"
# A refresh that failed is tried again after a tenth of the interval, within these bounds (seconds).
_SOONEST, _LATEST = 1.0, 30.0
# §5: a Min-SE that is absent means this many seconds.
LEAST: Final = 90


class State(StrEnum):
    OFF = "off"
    OURS = "ours"  # we refresh
    THEIRS = "theirs"  # the peer does
    OVER = "over"


class Input(StrEnum):
    WE_REFRESH = "agreed: we refresh"
    THEY_REFRESH = "agreed: they refresh"
    DROPPED = "2xx without an interval"
    DUE = "half of the interval"
    FAILED = "refresh failed"
    EXPIRED = "interval nearly over"
    CLOSE = "session ends"


OFF: Final = State.OFF
OURS: Final = State.OURS
THEIRS: Final = State.THEIRS
OVER: Final = State.OVER

WE_REFRESH: Final = Input.WE_REFRESH
THEY_REFRESH: Final = Input.THEY_REFRESH
DROPPED: Final = Input.DROPPED
DUE: Final = Input.DUE
FAILED: Final = Input.FAILED
EXPIRED: Final = Input.EXPIRED
CLOSE: Final = Input.CLOSE


class Interval(NamedTuple):
    """What Session-Expires says (§4)."""

    seconds: int
    refresher: Role | None

    @classmethod
    def of(cls, message: Message) -> Interval | None:
        """That of a message; None when it has none that can be read."""
        seconds = message.integer("Session-Expires")
        if not seconds:
            return None
        _, _, params = (message.get("Session-Expires") or "").partition(";")
        for param in params.lower().split(";"):
            name, _, value = param.partition("=")
            if name.strip() == "refresher" and value.strip() in ("uac", "uas"):
                return cls(seconds, "uac" if value.strip() == "uac" else "uas")
        return cls(seconds, None)


class SessionTimer(Machine[State, Input]):
    """The timer of one session; born off.

    Attributes:
        seconds: the interval, agreed or asked for.
    """

    __slots__ = ("_least", "_session", "seconds")

    title = "session timer"
    figure = "RFC 4028 §7 to §10 (prose)"
    initial = OFF

    def __init__(self, session: TimedSession, seconds: int) -> None:
        super().__init__()
        self._session = session
        self.seconds = seconds
        self._least = LEAST

    def identity(self) -> str:
        return self._session.id

    @property
    def is_on(self) -> bool:
        """Whether an interval is agreed."""
        return self.state is OURS or self.state is THEIRS

    @property
    def is_ours(self) -> bool:
        """Whether we refresh."""
        return self.state is OURS

    def fields(self) -> list[tuple[str, Value]]:
        """What a re-INVITE or UPDATE of ours says of it (§7.4): who refreshes goes on to."""
        if not self.is_on:
            return []
        refresher = "uac" if self.state is OURS else "uas"
        fields: list[tuple[str, Value]] = [("Session-Expires", f"{self.seconds};refresher={refresher}")]
        return fields if self._least <= LEAST else [*fields, ("Min-SE", self._least)]

    def agree(self, response: Response, role: Role, now: float) -> None:
        """A 2xx to INVITE or UPDATE left (we are "uas") or came ("uac"): what it says counts from now on.

        Without an interval there is none, unless we keep the session alive for our own benefit (§7.2).
        """
        interval = Interval.of(response)
        if interval is None:
            self.step(WE_REFRESH if self.state is OURS else DROPPED, now)
            return
        self.seconds = max(interval.seconds, self._session.core.session_timers.least)
        self.step(WE_REFRESH if (interval.refresher or "uac") == role else THEY_REFRESH, now)

    def insist(self, now: float) -> None:
        """The peer knows no timer: refresh all the same (§7.2)."""
        self.step(WE_REFRESH, now)

    def raise_to(self, response: Response) -> bool:
        """A 422 wants a longer interval; whether asking again makes sense (§7.3)."""
        least = response.integer("Min-SE")
        if response.status != 422 or least is None or least <= self.seconds:
            return False
        self.seconds = self._least = least
        return True

    def fail(self, now: float) -> None:
        """A refresh got no 2xx; that the session is over was not said."""
        self.step(FAILED, now)

    def handle_timer(self, name: str, now: float) -> None:
        """A deadline came due."""
        self.step(DUE if name == _DUE else EXPIRED, now)

    def resume(self, now: float, *, ours: bool) -> None:
        """Go on after a restart. When the last refresh was is not known, so the next one comes soon."""
        self.step(WE_REFRESH if ours else THEY_REFRESH, now)
        if ours:
            self._session.core.deadlines.set(self, _DUE, now + self.seconds / 8)

    def close(self, now: float) -> None:
        """The session ends."""
        self.step(CLOSE, now)

    # Actions.

    def _begin(self, now: float) -> None:
        deadlines = self._session.core.deadlines
        if self.state is OURS:
            deadlines.set(self, _DUE, now + self.seconds / 2)
        else:
            deadlines.cancel(self, _DUE)
        deadlines.set(self, _END, now + self.seconds - min(32.0, self.seconds / 3))

    def _refresh(self, now: float) -> None:
        if not self._session.refresh(now):
            self._retry(now)

    def _retry(self, now: float) -> None:
        pause = min(max(self.seconds / 10, _SOONEST), _LATEST)
        self._session.core.deadlines.set(self, _DUE, now + pause)

    def _stop(self, now: float) -> None:
        self._session.core.deadlines.cancel(self)

    def _expire(self, now: float) -> None:
        self._stop(now)
        self._session.expire(now)

    # fmt: off
    table: ClassVar[Table[State, Input]] = {
        (OFF, WE_REFRESH):       (OURS, _begin),
        (OFF, THEY_REFRESH):     (THEIRS, _begin),
        (OFF, DROPPED):          (OFF, None),
        (OFF, FAILED):           (OFF, None),
        (OFF, CLOSE):            (OVER, None),

        (OURS, WE_REFRESH):      (OURS, _begin),
        (OURS, THEY_REFRESH):    (THEIRS, _begin),
        (OURS, DUE):             (OURS, _refresh),
        (OURS, FAILED):          (OURS, _retry),
        (OURS, EXPIRED):         (OVER, _expire),
        (OURS, CLOSE):           (OVER, _stop),

        (THEIRS, WE_REFRESH):    (OURS, _begin),
        (THEIRS, THEY_REFRESH):  (THEIRS, _begin),
        (THEIRS, DROPPED):       (OFF, _stop),
        (THEIRS, FAILED):        (THEIRS, None),           # of a probe of ours: the peer still has its time
        (THEIRS, EXPIRED):       (OVER, _expire),
        (THEIRS, CLOSE):         (OVER, _stop),

        (OVER, WE_REFRESH):      (OVER, None),             # BYE is under way
        (OVER, THEY_REFRESH):    (OVER, None),
        (OVER, DROPPED):         (OVER, None),
        (OVER, FAILED):          (OVER, None),
        (OVER, CLOSE):           (OVER, None),
    }
    # fmt: on


def answer(core: Core, request: Request, timer: SessionTimer | None) -> list[tuple[str, Value]]:
    """What our 2xx to an INVITE or UPDATE says of the session timer (§9).

    We refresh unless the peer wants to: it is surer to do than to wait. What the peer asks for is taken, shortened to what we ask for
    ourselves when that is less.
    """
    asked = Interval.of(request)
    knows = supports(request, TIMER)
    wanted = timer.seconds if timer is not None and timer.is_ours else core.session_timers.ask
    if asked is None and (wanted is None or not knows):
        return []
    least = max(core.session_timers.least, request.integer("Min-SE") or 0)
    seconds = min(one for one in (wanted, asked.seconds if asked else None) if one is not None)
    refresher = (asked.refresher if asked is not None and knows else None) or "uas"
    fields: list[tuple[str, Value]] = [("Session-Expires", f"{max(seconds, least)};refresher={refresher}")]
    return [*fields, ("Require", TIMER)] if knows else fields


def is_too_short(core: Core, request: Request) -> bool:
    """Whether a request asks for a shorter interval than we accept, and its sender can be told so (§9)."""
    interval = Interval.of(request)
    return interval is not None and interval.seconds < core.session_timers.least and supports(request, TIMER)
