"""The peers of the plays, against each other and without the gateway: what they say about it later can be believed."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.peers.asterisk import Asterisk
from tests.peers.asterisk_config import EARLY_HZ, MUSIC_HZ, TONE_HZ
from tests.peers.fixtures import CUSTOMER, CUSTOMER_HZ, DESK_HZ
from tests.peers.phone import DEAD, Phone, answers, refuses
from tests.peers.processes import Workshop
from tests.peers.sipp import Sipp
from tests.peers.sound import Sound
from tests.peers.waiting import PATIENCE
from tests.system.stage import DESK, DESK_OF_OTHERS, SECOND_DESK, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHANNEL = f"PJSIP/{DESK}-*"


@pytest.fixture
def pbx(stage: Stage) -> Asterisk:
    return stage.pbx


@pytest.fixture
def customer(stage: Stage) -> Phone:
    return stage.customers


@pytest_asyncio.fixture(loop_scope="session")
async def desk(pbx: Asterisk) -> AsyncIterator[Phone]:
    """A desk phone, registered while the play lasts; rings until it is told to answer, and speaks 500 Hz."""
    async with Phone(DESK, pbx=pbx.address, password=pbx.password(DESK), frequency=DESK_HZ) as phone:
        await phone.register()
        try:
            yield phone
        finally:
            await phone.register(expires=0)


# Phones, PBX and sound


async def test_a_call_carries_each_voice_to_the_other_side(desk: Phone, customer: Phone) -> None:
    call = await desk.dial(CUSTOMER)
    answered = await customer.until_answered()
    assert (answered.caller, answered.number) == (DESK, CUSTOMER)
    await call.until_hears(CUSTOMER_HZ)
    await answered.until_hears(DESK_HZ)
    await answered.hang_up()
    await call.until_ended()
    assert (call.ended_by, answered.ended_by) == ("them", "us")


async def test_echo_comes_back_by_its_frequency_and_stops_with_the_voice(desk: Phone) -> None:
    call = await desk.dial("600")
    await call.until_hears(DESK_HZ)
    call.sound.frequency = 800
    await call.until_hears(800)
    call.sound.frequency = None
    await call.until_silent()
    await call.hang_up()


async def test_the_service_numbers_are_known_by_their_tones(desk: Phone) -> None:
    tone = await desk.dial("601")
    await tone.until_hears(TONE_HZ)
    await tone.hang_up()
    early = await desk.dial("604")
    await early.until_hears(EARLY_HZ)
    assert (early.state, early.early_media) == ("ringing", True)
    await early.cancel()
    await early.until_ended()
    assert (early.status, early.ended_by) == (487, "us")


@pytest.mark.parametrize(("number", "status"), [("602", 486), ("999", 404), (SECOND_DESK, 480)])
async def test_busy_unknown_and_absent_are_three_different_answers(
    desk: Phone, number: str, status: int
) -> None:
    call = await desk.dial(number)
    await call.until_ended()
    assert (call.status, call.ended_by) == (status, "them")


@pytest.mark.parametrize("status", [404, 480, 486])
async def test_what_the_customer_refuses_with_reaches_the_caller(
    desk: Phone, customer: Phone, status: int
) -> None:
    customer.manners[CUSTOMER] = refuses(status)
    call = await desk.dial(CUSTOMER)
    await call.until_ended()
    assert call.status == status


async def test_a_caller_who_gives_up_cancels_the_ringing_customer(desk: Phone, customer: Phone) -> None:
    customer.manner = answers(after=60)
    call = await desk.dial(CUSTOMER)
    await call.until_ringing()
    rung = await customer.until_ringing()
    await call.cancel()
    await rung.until_ended()
    await call.until_ended()
    assert (rung.status, rung.ended_by, call.status) == (487, "them", 487)


async def test_an_incoming_call_rings_every_device_and_losers_learn_the_reason(
    pbx: Asterisk, desk: Phone, customer: Phone
) -> None:
    name = f"{DESK}p"
    async with Phone(name, pbx=pbx.address, password=pbx.password(name), frequency=600) as second:
        await second.register()
        call = await customer.dial(f"74950000{DESK}")
        winner, loser = await desk.until_ringing(), await second.until_ringing()
        winner.answer()
        await call.until_hears(DESK_HZ)
        await loser.until_ended()
        assert (loser.status, loser.ended_by) == (487, "them")
        assert [reason.split(";text")[0] for reason in loser.reasons] == ["SIP;cause=200", "Q.850;cause=26"]
        await call.hang_up()
        await winner.until_ended()
        await second.register(expires=0)


async def until_read(pbx: Asterisk, channel: str, sound: Sound) -> None:
    """Wait until Asterisk has read every packet that this sound has sent to its channel."""
    read = 0
    try:
        async with asyncio.timeout(PATIENCE):
            while read < sound.sent:
                await asyncio.sleep(0.02)
                read = int(await pbx.manager.variable("CHANNEL(rtcp,rxcount)", channel))
    except TimeoutError:
        raise TimeoutError(f"Asterisk has read {read} of {sound.sent} packets") from None


@pytest.mark.parametrize("direction", ["inactive", "sendonly"])
async def test_hold_is_an_event_and_music_and_resume_brings_the_voices_back(
    pbx: Asterisk, desk: Phone, customer: Phone, direction: str
) -> None:
    """Whether the one who holds goes on hearing the customer is up to who sends, not to the direction: with `rtp_symmetric`
    Asterisk forgets at a hold where to send, and learns it again from the next packet, even one that was under way."""
    before = pbx.manager.position
    call = await desk.dial(CUSTOMER)
    held = await customer.until_answered()
    await held.until_hears(DESK_HZ)
    await call.until_hears(CUSTOMER_HZ)
    channel = (await pbx.manager.wait_for("BridgeEnter", since=before, Channel=CHANNEL))["Channel"]
    before = pbx.manager.position
    call.sound.speaking = False
    await until_read(pbx, channel, call.sound)
    await call.hold(direction)
    await pbx.manager.wait_for("Hold", since=before, Channel=channel)
    if direction == "inactive":
        await call.until_silent()
        call.sound.speaking = True  # as a page does that is not told; with `sendonly` a phone does
    await call.until_hears(CUSTOMER_HZ)
    await held.until_hears(MUSIC_HZ)  # and nothing else: the agent's voice does not leak into the music
    await call.hold("sendrecv")
    await pbx.manager.wait_for("Unhold", since=before, Channel=channel)
    await held.until_hears(DESK_HZ)
    await call.until_hears(CUSTOMER_HZ)
    await call.hang_up()


async def test_digits_travel_both_ways(desk: Phone, customer: Phone) -> None:
    call = await desk.dial(CUSTOMER)
    answered = await customer.until_answered()
    await answered.until_hears(
        DESK_HZ
    )  # the PBX may swallow what is pressed before it has brought them together
    call.press("0123456789*#")
    await answered.sound.until_pressed("0123456789*#")
    answered.press("42")
    await call.sound.until_pressed("42")
    await call.hang_up()


async def test_invite_with_replaces_takes_a_call_over_at_once(
    pbx: Asterisk, desk: Phone, customer: Phone
) -> None:
    call = await desk.dial(CUSTOMER)
    answered = await customer.until_answered()
    await answered.until_hears(DESK_HZ)  # a hold that comes before the bridge is told to nobody
    await call.hold("inactive")
    await answered.until_hears(MUSIC_HZ)
    replaces = f"{call.call_id};to-tag={call.remote_tag};from-tag={call.local_tag}"
    heir = await desk.dial(DESK, headers=[("Replaces", replaces), ("Require", "replaces")])
    await heir.until_hears(CUSTOMER_HZ)
    await answered.until_hears(DESK_HZ)
    await call.until_ended()
    assert (call.ended_by, len(customer.calls)) == ("them", 1)
    await heir.hang_up()


async def test_replaces_of_a_dialog_that_is_gone_is_refused_and_rings_nobody(desk: Phone) -> None:
    unknown = await desk.dial(DESK, headers=[("Replaces", "none;to-tag=a;from-tag=b")])
    await unknown.until_ended()
    call = await desk.dial("600")
    await call.until_answered()
    await call.hang_up()
    replaces = f"{call.call_id};to-tag={call.remote_tag};from-tag={call.local_tag}"
    late = await desk.dial(DESK, headers=[("Replaces", replaces)])
    await late.until_ended()
    assert (unknown.status, late.status, desk.incoming) == (481, 603, [])


async def test_the_digest_may_be_sha_256(workshop: Workshop) -> None:
    async with (
        Asterisk(workshop, algorithms="SHA-256") as pbx,
        Phone("101", pbx=pbx.address, password="secret-101") as phone,
        Phone("101p", pbx=pbx.address, password="wrong") as stranger,
    ):
        await phone.register()
        assert await pbx.contacts("101") == [phone.contact]
        with pytest.raises(AssertionError, match="401"):
            await stranger.register()


async def test_a_killed_pbx_says_no_bye_and_knows_no_dialog_after_its_restart(workshop: Workshop) -> None:
    async with (
        Asterisk(workshop) as pbx,
        Phone("101", pbx=pbx.address, password="secret-101") as phone,
    ):
        await phone.register()
        call = await (await phone.dial("600")).until_answered()
        await pbx.restart()
        assert call.state == "talking"
        answer = await call.ask("UPDATE")
        assert answer.status == 481
        await phone.register()
        assert await pbx.contacts("101") == [phone.contact]
        await pbx.restart(forget_contacts=True)
        assert await pbx.contacts("101") == []


async def test_the_manager_originates_lists_reads_and_hangs_up(pbx: Asterisk, desk: Phone) -> None:
    desk.manner = answers()
    await pbx.manager.act(
        "Originate", Channel=f"PJSIP/{DESK}", Context="office", Exten="600", Priority="1", Async="true"
    )
    call = await desk.until_answered()
    await call.until_hears(DESK_HZ)
    (channel,) = await pbx.manager.channels()
    assert await pbx.manager.variable("CHANNEL(pjsip,call-id)", channel["Channel"]) == call.call_id
    await pbx.manager.hang_up(channel["Channel"])
    await call.until_ended()
    await pbx.manager.wait_for("Hangup", Channel=channel["Channel"])
    await pbx.until_quiet()


async def test_a_phone_that_is_dead_says_nothing(pbx: Asterisk, desk: Phone, customer: Phone) -> None:
    customer.manner, before = DEAD, pbx.manager.position
    call = await desk.dial(CUSTOMER)
    await pbx.manager.wait_for("DialBegin", since=before, DestChannel="PJSIP/customers-*")
    await call.until(lambda one: one.status == 100)
    assert call.state == "calling"
    await call.cancel()
    await call.until_ended()


# Phones by others


def phone_of_others(stage: Stage, scenario: str) -> Sipp:
    password = stage.pbx.password(DESK_OF_OTHERS)
    return Sipp(stage.workshop, scenario, pbx=stage.pbx.address, number=DESK_OF_OTHERS, password=password)


async def test_sipp_answers_as_a_desk_phone_and_echoes(stage: Stage, customer: Phone) -> None:
    async with phone_of_others(stage, "answer") as other:
        call = await customer.dial(f"74950000{DESK_OF_OTHERS}")
        await call.until_hears(CUSTOMER_HZ)
        await call.hang_up()
        done = await other.until_done()
        await other.unregister()
    assert (done.successful, done.failed) == (1, 0)


@pytest.mark.parametrize(("scenario", "status"), [("busy", 486), ("ring", 487)])
async def test_sipp_is_busy_or_rings_until_the_call_is_taken_back(
    stage: Stage, customer: Phone, scenario: str, status: int
) -> None:
    async with phone_of_others(stage, scenario) as other:
        call = await customer.dial(f"74950000{DESK_OF_OTHERS}")
        await call.until_ringing()
        if scenario == "ring":
            await call.cancel()
        await call.until_ended()
        done = await other.until_done()
        await other.unregister()
    assert (call.status, done.successful, done.failed) == (status, 1, 0)


async def test_sipp_calls_in_as_a_customer(stage: Stage, desk: Phone) -> None:
    desk.manner = answers()
    async with Sipp(
        *(stage.workshop, "call"),
        pbx=stage.pbx.address,
        number="79990000001",
        dials=f"74950000{DESK}",
        calls=2,
        talks_for=0.3,
    ) as caller:
        done = await caller.until_done()
    assert (done.successful, done.failed, len(desk.incoming)) == (2, 0, 2)
    await desk.until_ended(2)  # SIPp has its answer before Asterisk has told the desk
    assert {call.ended_by for call in desk.incoming} == {"them"}
