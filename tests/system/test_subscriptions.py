"""What the SIP library sees of a real Asterisk's states: the lamp of an extension as phones call, and waiting voicemail."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest

from sip.account import Account
from sip.agent import UserAgent
from sip.events import Event
from sip.ids import ByteIds
from sip.packages import dialog_info, message_summary
from sip.packages.dialog_info import DialogInfo
from sip.packages.dialog_states import Changes, DialogStates
from sip.packages.message_summary import MessageSummary
from sip.subscriptions.facts import Notified, SubscriptionActive, SubscriptionEnded, SubscriptionFailed
from sip.subscriptions.subscription import Subscription
from sip.transport.port import SipPort, bind
from sip.uri import Uri
from tests.peers.asterisk import Asterisk
from tests.peers.phone import Phone, answers
from tests.peers.ports import HOST
from tests.peers.waiting import PATIENCE

E = TypeVar("E", bound=Event)


class Watcher:
    """A user agent of extension 103 that subscribes to others, and what it was told."""

    def __init__(self, pbx: Asterisk) -> None:
        self.pbx = pbx
        self.events: list[Event] = []
        self.calls = DialogStates()
        self.changes: list[Changes] = []
        self.port: SipPort
        host, port = pbx.address
        self.account = Account(
            Uri("sip", "103p", None, host, port),
            "103p",
            pbx.password("103p"),
            Uri("sip", None, None, host, port),
            proxy=pbx.address,
        )
        self._news = asyncio.Event()

    def subscribe(self, user: str, package: str, media_type: str, expires: int = 300) -> Subscription:
        host, port = self.pbx.address
        subscription = self.port.agent.subscribe(
            self.account, Uri("sip", user, None, host, port), package, self.port.now(),
            accept=[media_type], expires=expires,
        )  # fmt: skip
        self.port.flush()
        return subscription

    def deliver(self, events: list[Event], now: float) -> None:
        for event in events:
            self.events.append(event)
            if isinstance(event, Notified) and event.content_type == dialog_info.MEDIA_TYPE:
                self.changes.append(self.calls.apply(DialogInfo.parse(event.body)))
        self._news.set()

    def heard(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, met: Callable[[], bool]) -> None:
        """Wait until what was told makes this true."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not met():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise TimeoutError(f"{self.calls.dialogs} after {self.events}") from None


@asynccontextmanager
async def watching(pbx: Asterisk) -> AsyncIterator[Watcher]:
    watcher = Watcher(pbx)
    sockets = bind(HOST)
    host, port = sockets.address
    agent = UserAgent(host=host, port=port, ids=ByteIds(secrets.token_bytes))
    async with SipPort(agent, watcher.deliver, sockets) as watcher.port:
        yield watcher
        assert agent.counters["unforeseen"] == 0


async def test_a_lamp_follows_the_calls_of_an_extension(pbx: Asterisk, desk: Phone, customer: Phone) -> None:
    async with watching(pbx) as watcher:
        subscription = watcher.subscribe("101", dialog_info.PACKAGE, dialog_info.MEDIA_TYPE)
        await watcher.until(lambda: bool(watcher.changes))
        assert watcher.heard(SubscriptionActive) == [SubscriptionActive(subscription)]
        assert watcher.calls.lamp is None

        desk.manner = answers(after=0.5)
        call = await customer.dial("74950000101")
        await watcher.until(lambda: watcher.calls.lamp == "early")
        await watcher.until(lambda: watcher.calls.lamp == "confirmed")
        (dialog,) = watcher.calls.dialogs
        assert (dialog.call_id, dialog.local_tag) == (None, None), (
            "what an Asterisk tells is enough for lamps only"
        )
        await call.hang_up()
        await watcher.until(lambda: watcher.calls.lamp is None)

        assert "103p" in await pbx.rx("pjsip show subscriptions inbound")
        # A refresh brings the whole state again, in the same dialog.
        before = len(watcher.changes)
        subscription.refresh(watcher.port.now())
        watcher.port.flush()
        await watcher.until(lambda: len(watcher.changes) > before)
        assert watcher.heard(SubscriptionFailed) == []

        subscription.unsubscribe(watcher.port.now())
        watcher.port.flush()
        await watcher.until(lambda: bool(watcher.heard(SubscriptionEnded)))
        assert watcher.heard(SubscriptionEnded) == [
            SubscriptionEnded(subscription, "unsubscribed", None, None)
        ]
        assert "103p" not in await pbx.rx("pjsip show subscriptions inbound")


async def test_waiting_voicemail_is_told_and_told_again_when_it_was_heard(pbx: Asterisk) -> None:
    def last(watcher: Watcher) -> MessageSummary | None:
        told = watcher.heard(Notified)
        return MessageSummary.parse(told[-1].body) if told else None

    async with watching(pbx) as watcher:
        watcher.subscribe("103p", message_summary.PACKAGE, message_summary.MEDIA_TYPE)
        await watcher.until(lambda: (told := last(watcher)) is not None and not told.waiting)
        pbx.leave_voicemail("103", messages=2)
        await watcher.until(lambda: (told := last(watcher)) is not None and told.waiting)
        told = last(watcher)
        assert told is not None
        assert told.voice is not None
        assert (told.voice.new, told.voice.old) == (2, 0)
        pbx.leave_voicemail("103", messages=0)
        await watcher.until(lambda: (told := last(watcher)) is not None and not told.waiting)


@pytest.mark.parametrize(
    ("user", "package", "expires", "status", "ends"),
    [
        ("101", "gossip", 300, 489, True),
        ("999", dialog_info.PACKAGE, 300, 404, False),  # the number may be there tomorrow
        ("101", dialog_info.PACKAGE, 0, 400, True),  # Asterisk lets nobody fetch
    ],
)
async def test_what_asterisk_does_not_show_is_refused(
    pbx: Asterisk, user: str, package: str, expires: int, status: int, ends: bool
) -> None:
    async with watching(pbx) as watcher:
        subscription = watcher.subscribe(user, package, dialog_info.MEDIA_TYPE, expires)
        await watcher.until(lambda: bool(watcher.events))
        (event,) = watcher.events
        assert isinstance(event, SubscriptionEnded if ends else SubscriptionFailed)
        assert (event.subscription, event.status, event.retry_at is None) == (subscription, status, ends)
