"""A subscription of ours: the state of somebody, as long as the user wants to see it (RFC 6665 §4.1).

Knows no package: bodies are bytes. What it sends and receives is in `sip.subscriptions.subscriber`; here is what follows from what.

Invariants: at most one SUBSCRIBE counts at a time, answers to earlier ones are not listened to; while the user wants it, a SUBSCRIBE
is under way, the first NOTIFY is waited for (timer N) or a deadline is set; SubscriptionEnded is told once for each
subscription that was asked for; a subscription that is OFF has no deadline and is found by no NOTIFY.
"""

from __future__ import annotations

from typing import ClassVar, Final

from sip.flow import Flow
from sip.machine import Table
from sip.subscriptions.facts import (
    Notified,
    SubscriptionActive,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionForked,
    SubscriptionPending,
)
from sip.subscriptions.retries import Again, is_passing, pause
from sip.subscriptions.states import (
    ACCEPTED,
    ACTIVE,
    DISMISSED,
    EARLY,
    EXPIRED,
    FETCH,
    FETCHING,
    IDLE,
    LEAVING,
    NOTIFIED,
    OFF,
    OK,
    REFRESHING,
    REFUSED,
    SUBSCRIBE,
    SUBSCRIBING,
    TERMINATED,
    TIMER,
    TIMER_N,
    TOO_BRIEF,
    TRANSPORT_LOST,
    UNSUBSCRIBE,
    UNSUBSCRIBING,
    WAITING,
    SubscriptionInput,
    SubscriptionState,
)
from sip.subscriptions.subscriber import Subscriber

# Those whose notifier moves come back spread over a second.
_AT_ONCE: Final = 1.0
_MOST_FORKS: Final = 8


class Subscription(Subscriber):
    """Made by `UserAgent.subscribe`, or by a fork of one.

    Attributes:
        wish: what was asked for.
        owner: whatever the user gave at `subscribe`; a fork has its origin's.
        origin: the subscription whose SUBSCRIBE another notifier answered as well; None for one that was asked for itself.
        substate: the notifier's last word, "active" or "pending"; "" before.
        expires_at: until when it stands without a refresh; None while it does not.
    """

    __slots__ = ()

    title = "subscription"
    figure = "RFC 6665 §4.1.2 (prose)"
    initial = IDLE

    def __repr__(self) -> str:
        return f"<{self.title} {self.identity()} {self.state}>"

    def refresh(self, now: float) -> None:
        """Ask now, whatever pause or refresh was planned; also brings back what has ended."""
        self.step(FETCH if self.wish.expires == 0 else SUBSCRIBE, now)

    def unsubscribe(self, now: float) -> None:
        """End it and its forks (§4.1.2.3): SubscriptionEnded follows. Ignored when that is done already."""
        self._end_forks(now)
        self.step(UNSUBSCRIBE, now)

    def transport_lost(self, flow: Flow, now: float) -> None:
        """A connection is gone; if it carried this one, NOTIFYs reach us no more until it is refreshed."""
        if self._met.road == flow.road:
            self.step(TRANSPORT_LOST, now)

    # What rows do.

    def _begin(self, now: float) -> None:
        """Ask anew, in a dialog of its own (§4.1.2.2: "unrelated")."""
        self._end_forks(now)
        self._renew_ids()
        self._ask(self._expires, now)
        self._wait_for_notify(now)

    def _begin_fetch(self, now: float) -> None:
        self._renew_ids()
        self._ask(0, now)
        self._wait_for_notify(now)

    def _ask_longer(self, now: float) -> None:
        self._ask(self._expires, now)
        self._wait_for_notify(now)

    def _refresh(self, now: float) -> None:
        self._core.deadlines.cancel(self, TIMER)
        self._ask(self._expires, now)

    def _ask_zero(self, now: float) -> None:
        self._core.deadlines.cancel(self)
        self._ask(0, now)
        self._wait_for_notify(now)

    def _install(self, now: float) -> None:
        """A NOTIFY says that the subscription stands."""
        self._core.deadlines.cancel(self, TIMER_N)
        self._tell_substate()
        if self._notice.expires is not None:
            self._keep_until(self._notice.expires, now)
        elif self.expires_at is None:
            self._keep_until(self._granted, now)

    def _accept(self, now: float) -> None:
        """The first 2xx came after the NOTIFY, which knows better how long it stands; or it is of another fork."""
        if self._notice.expires is None:
            self._keep_until(self._granted, now)

    def _keep(self, now: float) -> None:
        """Our refresh was accepted."""
        self._failures = 0
        self._keep_until(self._granted, now)

    def _fail(self, now: float) -> None:
        """Nothing came of the attempt."""
        self._release()
        self._plan(now, self._pause(passing=is_passing(self._status)))

    def _give_up(self, now: float) -> None:
        """§4.1.2.4: accepted, and no NOTIFY within timer N."""
        self._heard, self._phrase, self._asked_pause = False, "no NOTIFY came", 0
        self._release()
        self._plan(now, self._pause(passing=True))

    def _fail_refresh(self, now: float) -> None:
        """§4.1.2.2: the subscription lives on for the time that it was granted."""
        self._plan(now, self._pause(passing=is_passing(self._status)))

    def _plan(self, now: float, pause: float) -> None:
        core = self._core
        core.deadlines.set(self, TIMER, now + pause)
        status = self._status if self._heard else None
        core.events.append(SubscriptionFailed(self, status, self._phrase, now + pause))

    def _come_back(self, now: float) -> None:
        """It is over, and another one is asked for."""
        at_once = self._again is Again.AT_ONCE
        wait = self._pause(passing=at_once)
        if at_once and self._failures == 1:
            wait = _AT_ONCE * self._core.ids.fraction()
        self._release()
        self._core.deadlines.set(self, TIMER, now + wait)
        self._tell_end(self._reason, now + wait)

    def _lapse(self, now: float) -> None:
        """No refresh was answered in time."""
        self._reason, self._again, self._asked_pause = "expired", Again.AT_ONCE, 0
        self._come_back(now)

    def _end(self, now: float) -> None:
        self._release()
        self._tell_end(self._reason, None)

    def _leave(self, now: float) -> None:
        self._release()
        self._tell_end("unsubscribed", None)

    def _finish_fetch(self, now: float) -> None:
        self._release()
        self._tell_end("fetched", None)

    def _find_silence(self, now: float) -> None:
        self._release()
        self._tell_end("silent", None)

    def _soon(self, now: float) -> None:
        """Within two seconds: connections of many break at once, and they come back spread over that."""
        self._core.deadlines.set(self, TIMER, now + 2.0 * self._core.ids.fraction())

    def _tell_body(self, content_type: str, body: bytes) -> None:
        self._core.events.append(Notified(self, content_type, body))

    def _tell_substate(self) -> None:
        substate = (
            "pending" if self._notice.state == "pending" else "active"
        )  # §4.1.3: others count as active
        if substate != self.substate:
            self.substate = substate
            told = SubscriptionPending(self) if substate == "pending" else SubscriptionActive(self)
            self._core.events.append(told)

    def _fork(self) -> Subscription | None:
        if len(self._forks) >= _MOST_FORKS:
            return None
        return Subscription(self._core, self.wish, self.owner, self)

    def _tell_fork(self) -> None:
        assert self.origin is not None, "only a fork has an origin"
        self._core.events.append(SubscriptionForked(self, self.origin))

    def _end_forks(self, now: float) -> None:
        for fork in tuple(self._forks):
            fork.unsubscribe(now)

    def _tell_end(self, reason: str, retry_at: float | None) -> None:
        heard = self._heard and self._status and reason in ("refused", "gone")
        status = self._status if heard else None
        self._core.events.append(SubscriptionEnded(self, reason, status, retry_at))

    def _pause(self, *, passing: bool) -> float:
        self._failures += 1
        return pause(self._failures, self._core.ids.fraction(), passing=passing, at_least=self._asked_pause)

    # RFC 6665 §4.1.2: the subscriber.
    # fmt: off
    table: ClassVar[Table[SubscriptionState, SubscriptionInput]] = {
        (IDLE, SUBSCRIBE):               (SUBSCRIBING, _begin),
        (IDLE, FETCH):                   (FETCHING, _begin_fetch),
        (IDLE, UNSUBSCRIBE):             (OFF, _leave),
        (IDLE, NOTIFIED):                (ACTIVE, _install),       # a fork is born by its NOTIFY
        (IDLE, DISMISSED):               (OFF, _end),

        (SUBSCRIBING, OK):               (ACCEPTED, None),         # the NOTIFY makes the dialog, timer N runs
        (SUBSCRIBING, TOO_BRIEF):        (SUBSCRIBING, _ask_longer),
        (SUBSCRIBING, REFUSED):          (WAITING, _fail),
        (SUBSCRIBING, NOTIFIED):         (EARLY, _install),
        (SUBSCRIBING, TERMINATED):       (WAITING, _come_back),
        (SUBSCRIBING, DISMISSED):        (OFF, _end),
        (SUBSCRIBING, TIMER_N):          (SUBSCRIBING, None),      # timer F says it
        (SUBSCRIBING, SUBSCRIBE):        (SUBSCRIBING, None),
        (SUBSCRIBING, UNSUBSCRIBE):      (LEAVING, None),
        (SUBSCRIBING, TRANSPORT_LOST):   (SUBSCRIBING, None),      # the request under way fails by itself

        (EARLY, OK):                     (ACTIVE, _accept),
        (EARLY, TOO_BRIEF):              (ACTIVE, None),           # of another fork: the dialog stands by its NOTIFY
        (EARLY, REFUSED):                (ACTIVE, None),
        (EARLY, NOTIFIED):               (EARLY, _install),
        (EARLY, TERMINATED):             (WAITING, _come_back),
        (EARLY, DISMISSED):              (OFF, _end),
        (EARLY, TIMER):                  (EARLY, _soon),           # it is being asked; a short time must not lapse over that
        (EARLY, EXPIRED):                (WAITING, _lapse),
        (EARLY, SUBSCRIBE):              (EARLY, None),
        (EARLY, UNSUBSCRIBE):            (UNSUBSCRIBING, _ask_zero),
        (EARLY, TRANSPORT_LOST):         (EARLY, None),

        (ACCEPTED, NOTIFIED):            (ACTIVE, _install),
        (ACCEPTED, TERMINATED):          (WAITING, _come_back),
        (ACCEPTED, DISMISSED):           (OFF, _end),
        (ACCEPTED, TIMER_N):             (WAITING, _give_up),
        (ACCEPTED, SUBSCRIBE):           (ACCEPTED, None),
        (ACCEPTED, UNSUBSCRIBE):         (LEAVING, None),
        (ACCEPTED, TRANSPORT_LOST):      (ACCEPTED, None),         # timer N says it

        (ACTIVE, NOTIFIED):              (ACTIVE, _install),
        (ACTIVE, TERMINATED):            (WAITING, _come_back),
        (ACTIVE, DISMISSED):             (OFF, _end),
        (ACTIVE, TIMER):                 (REFRESHING, _refresh),
        (ACTIVE, EXPIRED):               (WAITING, _lapse),
        (ACTIVE, SUBSCRIBE):             (REFRESHING, _refresh),
        (ACTIVE, UNSUBSCRIBE):           (UNSUBSCRIBING, _ask_zero),
        (ACTIVE, TRANSPORT_LOST):        (ACTIVE, _soon),

        (REFRESHING, OK):                (ACTIVE, _keep),
        (REFRESHING, TOO_BRIEF):         (REFRESHING, _refresh),
        (REFRESHING, REFUSED):           (ACTIVE, _fail_refresh),
        (REFRESHING, NOTIFIED):          (REFRESHING, _install),
        (REFRESHING, TERMINATED):        (WAITING, _come_back),
        (REFRESHING, DISMISSED):         (OFF, _end),
        (REFRESHING, TIMER):             (REFRESHING, None),
        (REFRESHING, EXPIRED):           (WAITING, _lapse),
        (REFRESHING, SUBSCRIBE):         (REFRESHING, None),
        (REFRESHING, UNSUBSCRIBE):       (UNSUBSCRIBING, _ask_zero),
        (REFRESHING, TRANSPORT_LOST):    (REFRESHING, None),

        (WAITING, TIMER):                (SUBSCRIBING, _begin),
        (WAITING, SUBSCRIBE):            (SUBSCRIBING, _begin),
        (WAITING, UNSUBSCRIBE):          (OFF, _leave),

        (LEAVING, OK):                   (LEAVING, None),          # timer N runs
        (LEAVING, TOO_BRIEF):            (OFF, _leave),
        (LEAVING, REFUSED):              (OFF, _leave),
        (LEAVING, NOTIFIED):             (UNSUBSCRIBING, _ask_zero),
        (LEAVING, TERMINATED):           (OFF, _leave),
        (LEAVING, DISMISSED):            (OFF, _leave),
        (LEAVING, TIMER_N):              (OFF, _leave),            # a NOTIFY that comes later gets 481, which ends it there
        (LEAVING, SUBSCRIBE):            (SUBSCRIBING, _begin),
        (LEAVING, UNSUBSCRIBE):          (LEAVING, None),
        (LEAVING, TRANSPORT_LOST):       (LEAVING, None),

        (UNSUBSCRIBING, OK):             (UNSUBSCRIBING, None),    # the last NOTIFY follows (§4.1.2.3)
        (UNSUBSCRIBING, TOO_BRIEF):      (OFF, _leave),
        (UNSUBSCRIBING, REFUSED):        (OFF, _leave),
        (UNSUBSCRIBING, NOTIFIED):       (UNSUBSCRIBING, None),
        (UNSUBSCRIBING, TERMINATED):     (OFF, _leave),
        (UNSUBSCRIBING, DISMISSED):      (OFF, _leave),
        (UNSUBSCRIBING, TIMER_N):        (OFF, _leave),
        (UNSUBSCRIBING, SUBSCRIBE):      (SUBSCRIBING, _begin),
        (UNSUBSCRIBING, UNSUBSCRIBE):    (UNSUBSCRIBING, None),
        (UNSUBSCRIBING, TRANSPORT_LOST): (UNSUBSCRIBING, None),

        (FETCHING, OK):                  (FETCHING, None),
        (FETCHING, TOO_BRIEF):           (OFF, _end),
        (FETCHING, REFUSED):             (OFF, _end),
        (FETCHING, NOTIFIED):            (FETCHING, None),         # the last one says terminated
        (FETCHING, TERMINATED):          (OFF, _finish_fetch),
        (FETCHING, DISMISSED):           (OFF, _end),
        (FETCHING, TIMER_N):             (OFF, _find_silence),
        (FETCHING, FETCH):               (FETCHING, None),
        (FETCHING, UNSUBSCRIBE):         (OFF, _leave),
        (FETCHING, TRANSPORT_LOST):      (FETCHING, None),

        (OFF, SUBSCRIBE):                (SUBSCRIBING, _begin),
        (OFF, FETCH):                    (FETCHING, _begin_fetch),
        (OFF, UNSUBSCRIBE):              (OFF, None),
    }
    # fmt: on
