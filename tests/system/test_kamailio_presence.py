"""Subscriptions and publications at a real Kamailio 5.6: its presence server joins what several publish and tells who watches.

Its documents of the dialog package are its own: versions with leading zeros, dialogs of several publications in one document.
"""

from collections.abc import AsyncIterator

import pytest

from sip.packages import dialog_info, message_summary
from sip.packages.dialog_info import DialogEntry, DialogInfo, DialogState, Participant
from sip.packages.dialog_states import DialogStates
from sip.packages.message_summary import Counts, MessageSummary
from sip.subscriptions.facts import (
    Notified,
    PublicationFailed,
    Published,
    SubscriptionActive,
    SubscriptionEnded,
    SubscriptionFailed,
    Unpublished,
)
from sip.subscriptions.publication import Publication
from sip.subscriptions.subscription import Subscription
from tests.peers.kamailio import DOMAIN, Kamailio
from tests.peers.processes import Workshop
from tests.peers.user_agent import Ours

pytestmark = pytest.mark.system

ENTITY = f"sip:202@{DOMAIN}"


@pytest.fixture
async def proxy(workshop: Workshop) -> AsyncIterator[Kamailio]:
    async with Kamailio(workshop) as started:
        yield started


def document(version: int, *states: DialogState) -> bytes:
    """What 202 publishes: its dialogs, in these states."""
    dialogs = tuple(
        DialogEntry(
            f"d{place}",
            state,
            direction="recipient",
            call_id=f"call-{place}",
            local_tag="l",
            remote_tag="r",
            remote=Participant(f"sip:30{place}@{DOMAIN}", "Мария Кузнецова"),
        )
        for place, state in enumerate(states)
    )
    return DialogInfo(version, is_full=True, entity=ENTITY, dialogs=dialogs).to_bytes()


async def until_shown(watcher: Ours, states: DialogStates, *wanted: DialogState) -> None:
    """Apply what is notified until exactly these dialogs are known."""
    while sorted(one.state for one in states.dialogs) != sorted(wanted):
        told = await watcher.until(Notified)
        assert told.content_type == dialog_info.MEDIA_TYPE
        states.apply(DialogInfo.parse(told.body))


async def test_what_is_published_and_changed_is_seen_by_who_watches(
    proxy: Kamailio,
) -> None:
    async with Ours() as watcher, Ours() as desk:
        subscription = watch(watcher, proxy)
        await watcher.until(SubscriptionActive)
        account = proxy.account("202")
        publication = desk.do(
            lambda agent, now: agent.publish(
                account,
                dialog_info.PACKAGE,
                document(0, DialogState.EARLY),
                now,
                content_type=dialog_info.MEDIA_TYPE,
            )
        )
        assert (await desk.until(Published)).publication is publication
        states = DialogStates()
        await until_shown(watcher, states, DialogState.EARLY)
        (dialog,) = states.dialogs
        assert dialog.remote is not None
        assert dialog.remote.display == "Мария Кузнецова"

        desk.do(lambda _, now: publication.modify(document(1, DialogState.CONFIRMED, DialogState.EARLY), now))
        await until_shown(watcher, states, DialogState.CONFIRMED, DialogState.EARLY)

        desk.do(lambda _, now: publication.modify(document(2), now))
        await until_shown(watcher, states)
        # Taken back only then: this Kamailio, which keeps publications in memory alone, notifies of a PUBLISH with Expires: 0 by the
        # state that it has just been told to forget.
        desk.do(lambda _, now: publication.remove(now))
        await desk.until(Unpublished)

        watcher.do(lambda _, now: subscription.unsubscribe(now))
        assert (await watcher.until(SubscriptionEnded)).reason in ("unsubscribed", "timeout")


async def publish(desk: Ours, proxy: Kamailio, *, expires: int) -> Publication:
    publication = desk.do(
        lambda agent, now: agent.publish(
            proxy.account("202"),
            dialog_info.PACKAGE,
            document(0, DialogState.CONFIRMED),
            now,
            content_type=dialog_info.MEDIA_TYPE,
            expires=expires,
        )
    )
    assert (await desk.until(Published)).publication is publication
    return publication


async def test_a_subscription_is_refreshed_before_its_time_is_over(proxy: Kamailio) -> None:
    async with Ours() as watcher, Ours() as desk:
        await publish(desk, proxy, expires=600)
        watch(watcher, proxy, expires=5)
        states = DialogStates()
        await until_shown(watcher, states, DialogState.CONFIRMED)
        for _ in range(2):  # each refresh is answered by a NOTIFY with the whole state
            told = await watcher.until(Notified)
            states.apply(DialogInfo.parse(told.body))
            assert [one.state for one in states.dialogs] == [DialogState.CONFIRMED]
        assert not [one for one in watcher.events if isinstance(one, SubscriptionFailed | SubscriptionEnded)]


async def test_a_publication_is_refreshed_before_its_time_is_over(proxy: Kamailio) -> None:
    """Nobody watches here: this Kamailio forgets the body, not the publication, at a refresh, which has none (RFC 3903 §4.1)."""
    async with Ours() as desk:
        publication = await publish(desk, proxy, expires=5)
        for _ in range(2):
            assert (await desk.until(Published)).publication is publication
        assert not [one for one in desk.events if isinstance(one, PublicationFailed)]


async def test_a_publication_that_the_server_forgot_is_published_anew(proxy: Kamailio) -> None:
    """412: the server was restarted, and its memory is gone."""
    async with Ours() as desk:
        publication = desk.do(
            lambda agent, now: agent.publish(
                proxy.account("202"),
                dialog_info.PACKAGE,
                document(0, DialogState.EARLY),
                now,
                content_type=dialog_info.MEDIA_TYPE,
            )
        )
        await desk.until(Published)
        proxy.kill()
        await proxy.start()
        desk.do(lambda _, now: publication.modify(document(1, DialogState.CONFIRMED), now))
        assert (await desk.until(Published)).publication is publication
        async with Ours() as watcher:
            watch(watcher, proxy)
            await until_shown(watcher, DialogStates(), DialogState.CONFIRMED)


async def test_waiting_voicemail_is_told(proxy: Kamailio) -> None:
    async with Ours() as watcher, Ours() as mailbox:
        own = proxy.account("202")
        watcher.do(
            lambda agent, now: agent.subscribe(
                own,
                proxy.uri("202"),
                message_summary.PACKAGE,
                now,
                accept=[message_summary.MEDIA_TYPE],
            )
        )
        await watcher.until(SubscriptionActive)
        summary = MessageSummary(True, ENTITY, {message_summary.VOICE: Counts(2, 8, 0, 2)})
        mailbox.do(
            lambda agent, now: agent.publish(
                own,
                message_summary.PACKAGE,
                summary.to_bytes(),
                now,
                content_type=message_summary.MEDIA_TYPE,
            )
        )
        told = await watcher.until(Notified)
        assert MessageSummary.parse(told.body).voice == Counts(2, 8, 0, 2)


async def test_a_package_that_the_server_does_not_have_is_refused(proxy: Kamailio) -> None:
    async with Ours() as watcher:
        watcher.do(
            lambda agent, now: agent.subscribe(
                proxy.account("201"), proxy.uri("202"), "dialog-of-tomorrow", now
            )
        )
        ended = await watcher.until(SubscriptionEnded)
        assert (ended.reason, ended.status) == ("refused", 489)


def watch(watcher: Ours, proxy: Kamailio, *, expires: int = 600) -> Subscription:
    """201 watches the calls of 202."""
    return watcher.do(
        lambda agent, now: agent.subscribe(
            proxy.account("201"),
            proxy.uri("202"),
            dialog_info.PACKAGE,
            now,
            accept=[dialog_info.MEDIA_TYPE],
            expires=expires,
        )
    )
