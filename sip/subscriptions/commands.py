"""What the user of a `UserAgent` may ask about states: to see those of others, and to publish its own (RFC 6665, RFC 3903).

The watchers of our own states ask by themselves: `SubscriptionReceived`.
"""

from __future__ import annotations

from collections.abc import Iterable

from sip.account import Account
from sip.core import Core
from sip.fields import Headers
from sip.subscriptions.header_values import read_event
from sip.subscriptions.publication import Publication, Publishing
from sip.subscriptions.subscription import Subscription
from sip.subscriptions.wish import Wish
from sip.uri import Uri


class EventCommands:
    """The part of `UserAgent` that is about states."""

    _core: Core

    @property
    def subscription_count(self) -> int:
        """How many dialogs of subscriptions there are, ours and those of watchers; one that may still fork counts once more."""
        return len(self._core.subscriptions)

    def subscribe(
        self,
        account: Account,
        target: Uri,
        event: str,
        now: float,
        *,
        accept: Iterable[str] = (),
        expires: int = 3600,
        headers: Headers = (),
        owner: object = None,
    ) -> Subscription:
        """See the state of `target` until `unsubscribe` (RFC 6665 §4.1): SubscriptionActive or -Pending, Notified and the like follow.

        Args:
            event: the package, such as "dialog", also with an id ("dialog;id=1").
            accept: media types of the bodies that are understood.
            expires: seconds asked for; 0 fetches the state once, after which SubscriptionEnded comes.
            headers: others, for each SUBSCRIBE.
            owner: is `subscription.owner`.

        Raises:
            LocalProtocolError: a value may not stand on the wire.
        """
        wish = Wish(account, target, read_event(event), expires, tuple(accept), tuple(headers))
        subscription = Subscription(self._core, wish, owner)
        subscription.refresh(now)
        return subscription

    def publish(
        self,
        account: Account,
        event: str,
        body: bytes,
        now: float,
        *,
        content_type: str,
        expires: int = 3600,
        headers: Headers = (),
        owner: object = None,
    ) -> Publication:
        """Publish our state of a package until `remove` (RFC 3903): Published, PublicationFailed and Unpublished follow.

        Args:
            body: the whole state; `publication.modify` gives another.
            expires: seconds asked for.

        Raises:
            LocalProtocolError: a value may not stand on the wire.
        """
        what = Publishing(account, read_event(event), content_type, expires, tuple(headers))
        publication = Publication(self._core, what, owner)
        publication.modify(body, now)
        return publication
