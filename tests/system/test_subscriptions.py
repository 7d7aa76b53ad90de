"""What the SIP library sees of a real Asterisk's states: the lamp of an extension as phones call, and waiting voicemail."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sip.account import Account
from sip.packages import dialog_info, message_summary
from sip.packages.dialog_info import DialogInfo
from sip.packages.dialog_states import Changes, DialogStates
from sip.packages.message_summary import Counts, MessageSummary
from sip.subscriptions.facts import Notified, SubscriptionActive, SubscriptionEnded, SubscriptionFailed
from sip.subscriptions.subscription import Subscription
from sip.uri import Uri
from tests.peers.asterisk import Asterisk
from tests.peers.fixtures import DESK_HZ
from tests.peers.phone import Phone
from tests.peers.user_agent import Ours
from tests.peers.waiting import PATIENCE
from tests.system.stage import DESK, SECOND_DESK, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

WATCHER = f"{SECOND_DESK}p"  # the endpoint that subscribes


@pytest.fixture
def pbx(stage: Stage) -> Asterisk:
    return stage.pbx


@pytest_asyncio.fixture(loop_scope="session")
async def desk(pbx: Asterisk) -> AsyncIterator[Phone]:
    """A desk phone that rings until it is told to answer; registered while the play lasts."""
    async with Phone(DESK, pbx=pbx.address, password=pbx.password(DESK), frequency=DESK_HZ) as phone:
        await phone.register()
        try:
            yield phone
        finally:
            await phone.register(expires=0)


@pytest_asyncio.fixture(loop_scope="session")
async def ours() -> AsyncIterator[Ours]:
    async with Ours() as started:
        yield started
        assert started.agent.counters["unforeseen"] == 0


def subscribe(
    ours: Ours, pbx: Asterisk, user: str, package: str, media_type: str, expires: int = 300
) -> Subscription:
    host, port = pbx.address
    registrar = Uri("sip", None, None, host, port)
    account = Account(
        Uri("sip", WATCHER, None, host, port), WATCHER, pbx.password(WATCHER), registrar, proxy=pbx.address
    )
    return ours.do(
        lambda agent, now: agent.subscribe(
            account, Uri("sip", user, None, host, port), package, now, accept=[media_type], expires=expires
        )
    )


async def next_changes(ours: Ours, calls: DialogStates) -> Changes:
    """Wait for the next document and apply it."""
    told = await ours.until(Notified)
    assert told.content_type == dialog_info.MEDIA_TYPE
    return calls.apply(DialogInfo.parse(told.body))


async def until_lamp(ours: Ours, calls: DialogStates, lamp: str | None) -> None:
    while calls.lamp != lamp:
        assert not (await next_changes(ours, calls)).needs_refresh


async def test_a_lamp_follows_the_calls_of_an_extension(stage: Stage, desk: Phone, ours: Ours) -> None:
    pbx, calls = stage.pbx, DialogStates()
    subscription = subscribe(ours, pbx, DESK, dialog_info.PACKAGE, dialog_info.MEDIA_TYPE)
    await next_changes(ours, calls)
    assert calls.lamp is None
    assert (await ours.until(SubscriptionActive)).subscription is subscription

    call = await stage.customers.dial(f"74950000{DESK}")
    await until_lamp(ours, calls, "early")
    (await desk.until_ringing()).answer()
    await until_lamp(ours, calls, "confirmed")
    (dialog,) = calls.dialogs
    assert (dialog.call_id, dialog.local_tag) == (None, None), "what Asterisk tells is enough for lamps only"
    await call.hang_up()
    await until_lamp(ours, calls, None)

    # A refresh brings the whole state again, in the same dialog.
    assert WATCHER in await pbx.rx("pjsip show subscriptions inbound")
    ours.do(lambda _, now: subscription.refresh(now))
    await next_changes(ours, calls)
    assert not [event for event in ours.events if isinstance(event, SubscriptionFailed)]

    ours.do(lambda _, now: subscription.unsubscribe(now))
    assert await ours.until(SubscriptionEnded) == SubscriptionEnded(subscription, "unsubscribed", None, None)
    async with asyncio.timeout(PATIENCE):  # it is forgotten after the last NOTIFY was sent
        while WATCHER in await pbx.rx("pjsip show subscriptions inbound"):  # noqa: ASYNC110 - asking is all one can do
            await asyncio.sleep(0.05)


async def test_waiting_voicemail_is_told_and_told_again_when_it_was_heard(pbx: Asterisk, ours: Ours) -> None:
    subscription = subscribe(ours, pbx, WATCHER, message_summary.PACKAGE, message_summary.MEDIA_TYPE)
    for messages in (0, 2, 0):
        pbx.leave_voicemail(SECOND_DESK, messages=messages)
        summary = None
        while summary is None or summary.voice != Counts(messages, 0):
            summary = MessageSummary.parse((await ours.until(Notified)).body)
        assert summary.waiting == (messages > 0)
    ours.do(lambda _, now: subscription.unsubscribe(now))
    await ours.until(SubscriptionEnded)


@pytest.mark.parametrize(
    ("user", "package", "expires", "status", "ends"),
    [
        (DESK, "gossip", 300, 489, True),
        ("999", dialog_info.PACKAGE, 300, 404, False),  # the number may be there tomorrow
        (DESK, dialog_info.PACKAGE, 0, 400, True),  # Asterisk lets nobody fetch
    ],
)
async def test_what_asterisk_does_not_show_is_refused(
    pbx: Asterisk, ours: Ours, user: str, package: str, expires: int, status: int, ends: bool
) -> None:
    subscription = subscribe(ours, pbx, user, package, dialog_info.MEDIA_TYPE, expires)
    event: SubscriptionEnded | SubscriptionFailed
    event = await ours.until(SubscriptionEnded) if ends else await ours.until(SubscriptionFailed)
    assert (event.subscription, event.status, event.retry_at is None) == (subscription, status, ends)
