"""What a UserAgent tells of subscriptions and publications: facts, part of `sip.events.Event`.

Invariants: after SubscriptionEnded or PublicationFailed without a `retry_at`, and after WatcherEnded and Unpublished, nothing is told
of that object any more unless its user begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sip.subscriptions.publication import Publication
    from sip.subscriptions.subscription import Subscription
    from sip.subscriptions.watcher import Watcher


@dataclass(frozen=True, slots=True)
class SubscriptionActive:
    """The notifier lets us see the state; its NOTIFYs follow. Told once for each passage to "active"."""

    subscription: Subscription


@dataclass(frozen=True, slots=True)
class SubscriptionPending:
    """The notifier has our SUBSCRIBE and waits for somebody to allow it (RFC 6665 §4.1.3)."""

    subscription: Subscription


@dataclass(frozen=True, slots=True)
class SubscriptionForked:
    """Another notifier answered the same SUBSCRIBE: it has a subscription of its own now, which ends with its origin."""

    subscription: Subscription
    origin: Subscription


@dataclass(frozen=True, slots=True)
class Notified:
    """A NOTIFY with a body came, in order."""

    subscription: Subscription
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class SubscriptionFailed:
    """One attempt to subscribe or to refresh failed; the next is made at `retry_at`.

    `status` is None when nobody answered, or answered and sent no NOTIFY. A subscription that was only to be refreshed lives on until
    its time is over; SubscriptionEnded says so then.
    """

    subscription: Subscription
    status: int | None
    reason: str
    retry_at: float


@dataclass(frozen=True, slots=True)
class SubscriptionEnded:
    """The subscription is over; what was known of the state is known no more.

    `reason` is the notifier's word (deactivated, rejected, …; "" when it gave none), or ours: "unsubscribed", "fetched", "expired" (no
    refresh was answered in time), "refused" with the `status` of a SUBSCRIBE, "silent" (a fetch found no NOTIFY). A new one is asked
    for at `retry_at`; None: never.
    """

    subscription: Subscription
    reason: str
    status: int | None
    retry_at: float | None


@dataclass(frozen=True, slots=True)
class SubscriptionReceived:
    """Somebody wants to see our state: answer by `watcher.accept` or `watcher.refuse`.

    `watcher.expires` is 0 for who wants to see it once.
    """

    watcher: Watcher


@dataclass(frozen=True, slots=True)
class WatcherEnded:
    """A watcher sees our state no more: "unsubscribed", "expired", "gone" (its 481, or no answer at all), or the reason that we gave."""

    watcher: Watcher
    reason: str


@dataclass(frozen=True, slots=True)
class Published:
    """The compositor holds our state for `expires` seconds; comes after every refresh and change too."""

    publication: Publication
    expires: int


@dataclass(frozen=True, slots=True)
class PublicationFailed:
    """One PUBLISH failed; the next is made at `retry_at`, None: never. `status` is None when nobody answered."""

    publication: Publication
    status: int | None
    reason: str
    retry_at: float | None


@dataclass(frozen=True, slots=True)
class Unpublished:
    """Our state is taken back, or the compositor will forget it by itself."""

    publication: Publication
