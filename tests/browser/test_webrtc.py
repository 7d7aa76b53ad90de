"""The road that the widget's sound takes, without widget and gateway: Chromium and Asterisk, the SIP spoken by a test phone.

Held to here, so that a play of the widget that fails is known to be the widget's or the gateway's fault.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route

from tests.browser.stage import CUSTOMERS_NUMBER, ROAD, Stage
from tests.peers.asterisk_config import MUSIC_HZ
from tests.peers.chromium import MICROPHONE_HZ
from tests.peers.fixtures import CUSTOMER_HZ
from tests.peers.phone import Phone
from tests.peers.phone_call import PhoneCall
from tests.peers.sip_text import Message
from tests.peers.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHANNEL = f"PJSIP/{ROAD}b-*"
_OFFER = """async () => {
    const peer = window.peer = new RTCPeerConnection();
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    stream.getTracks().forEach((track) => peer.addTrack(track, stream));
    peer.ontrack = ({ streams }) => {
        const player = window.player = new Audio();
        player.srcObject = streams[0];
        player.play();
        const context = new AudioContext();
        const ear = window.ear = context.createAnalyser();
        ear.fftSize = 8192;
        context.createMediaStreamSource(streams[0]).connect(ear);
    };
    await peer.setLocalDescription(await peer.createOffer());
    if (peer.iceGatheringState !== "complete") {
        await new Promise((done) => {
            peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && done();
        });
    }
    return peer.localDescription.sdp;
}"""
_TAKE_ANSWER = "(sdp) => window.peer.setRemoteDescription({ type: 'answer', sdp })"
_HEARS = """(frequency) => {
    const ear = window.ear;
    if (!ear) return false;
    const levels = new Float32Array(ear.frequencyBinCount);
    ear.getFloatFrequencyData(levels);
    const loudest = levels.indexOf(Math.max(...levels));
    const step = ear.context.sampleRate / ear.fftSize;
    return levels[loudest] > -60 && Math.abs(loudest * step - frequency) < 15;
}"""


@pytest.fixture
def customer(stage: Stage) -> Phone:
    return stage.customers


@pytest_asyncio.fixture(loop_scope="session")
async def line(stage: Stage) -> AsyncIterator[Phone]:
    """The browser endpoint of an extension: SIP from here, sound in the browser."""
    pbx, name = stage.pbx, f"{ROAD}b"
    async with Phone(name, pbx=pbx.address, password=pbx.password(name)) as phone:
        await phone.register()
        try:
            yield phone
        finally:
            await phone.register(expires=0)


@pytest_asyncio.fixture(loop_scope="session")
async def page(stage: Stage) -> Page:
    opened = await (await stage.window()).new_page()

    async def empty(route: Route) -> None:
        await route.fulfill(body="<!doctype html><link rel=icon href=data:,>", content_type="text/html")

    await opened.route("**/*", empty)
    await opened.goto("http://localhost/")
    return opened


async def _call(
    line: Phone, page: Page, number: str, headers: list[tuple[str, str]] | None = None
) -> PhoneCall:
    offer = await page.evaluate(_OFFER)
    call = await (await line.dial(number, headers=headers, body=offer.encode())).until_answered()
    await page.evaluate(_TAKE_ANSWER, call.remote_body.decode())
    return call


async def _reinvite(call: PhoneCall, direction: str) -> Message:
    """What the gateway does to hold: the page's own description again, another direction, a higher version."""
    assert call.body is not None
    call.version += 1
    lines = call.body.decode().split("\r\n")
    origin = next(line for line in lines if line.startswith("o="))
    words = origin.split(" ")
    words[2] = str(int(words[2]) + call.version)
    changed = [
        " ".join(words) if line == origin else line.replace("a=sendrecv", f"a={direction}") for line in lines
    ]
    return await call.offer_again("\r\n".join(changed).encode())


async def test_sound_flows_both_ways_between_browser_and_customer(
    line: Phone, page: Page, customer: Phone
) -> None:
    call = await _call(line, page, CUSTOMERS_NUMBER)
    answered = await customer.until_answered()
    await answered.until_hears(MICROPHONE_HZ)
    await page.wait_for_function(_HEARS, arg=CUSTOMER_HZ)
    await answered.hang_up()
    await call.until_ended()


async def test_hold_by_sip_alone_gives_music_and_resume_brings_the_sound_back(
    line: Phone, page: Page, customer: Phone, stage: Stage
) -> None:
    manager, before = stage.pbx.manager, stage.pbx.manager.position
    call = await _call(line, page, CUSTOMERS_NUMBER)
    answered = await customer.until_answered()
    await answered.until_hears(MICROPHONE_HZ)
    assert (await _reinvite(call, "inactive")).status == 200
    await manager.wait_for("Hold", since=before, Channel=CHANNEL)
    await answered.until_hears(MUSIC_HZ)
    assert (await _reinvite(call, "sendrecv")).status == 200
    await manager.wait_for("Unhold", since=before, Channel=CHANNEL)
    await answered.until_hears(MICROPHONE_HZ)
    await page.wait_for_function(_HEARS, arg=CUSTOMER_HZ)
    await call.hang_up()


async def test_a_fresh_page_takes_the_call_over_by_replaces_three_times_in_a_row(
    line: Phone, page: Page, customer: Phone
) -> None:
    call = await _call(line, page, CUSTOMERS_NUMBER)
    answered = await customer.until_answered()
    for _ in range(3):
        await answered.until_hears(MICROPHONE_HZ)
        await _reinvite(call, "inactive")
        await page.reload()
        await answered.until_hears(MUSIC_HZ)
        replaces = f"{call.call_id};to-tag={call.remote_tag};from-tag={call.local_tag}"
        heir = await _call(line, page, ROAD, headers=[("Replaces", replaces)])
        await answered.until_hears(MICROPHONE_HZ)
        await page.wait_for_function(_HEARS, arg=CUSTOMER_HZ)
        await call.until_ended()
        call = heir
    assert (len(customer.calls), answered.state) == (1, "talking")
    await call.hang_up()


async def test_a_page_that_complains_fails_the_play(stage: Stage, page: Page) -> None:
    chromium = stage.chromium
    await page.evaluate("console.error('the widget is broken')")
    await page.evaluate("setTimeout(() => { throw new Error('nobody caught me') })")
    await until(lambda: len(chromium.errors) == 2, otherwise=lambda: f"not two, but {chromium.errors}")
    chromium.expect_error("is broken")
    (left,) = chromium.unexpected_errors
    assert "nobody caught me" in left
    chromium.expect_error("nobody caught me")
