"""The gateway as a peer of the plays, and the page without a browser: what the other plays lean on."""

import pytest

from protocol.commands import HangUp
from protocol.messages import Refused
from tests.peers.asterisk import Asterisk
from tests.peers.asterisk_config import MUSIC_HZ
from tests.peers.fixtures import CUSTOMER, CUSTOMER_HZ
from tests.peers.gateway import Gateway
from tests.peers.page import Page
from tests.peers.page_wire import RefusedError
from tests.peers.phone import Phone

PAGE_HZ = 300


async def test_a_page_dials_holds_comes_back_and_hangs_up(
    gateway: Gateway, customer: Phone, pbx: Asterisk
) -> None:
    async with Page(gateway, frequency=PAGE_HZ) as page:
        await page.until_line("101")
        call = await page.dial(CUSTOMER)
        answered = await customer.until_answered()
        await page.until_call(call, state="talking")
        await page.sounds[call].until_hears(CUSTOMER_HZ)
        await answered.until_hears(PAGE_HZ)
        await page.hold(call)
        await pbx.manager.wait_for("Hold", Channel="PJSIP/101p-*")
        await answered.until_hears(MUSIC_HZ)
        await page.resume(call)
        await answered.until_hears(PAGE_HZ)
        await page.leave()
        await answered.until_hears(MUSIC_HZ)
        await page.open("load")
        await page.reattach_all()
        await answered.until_hears(PAGE_HZ)
        await page.lose_socket()
        await page.reconnect()
        await page.hang_up(call)
        await answered.until_ended()


async def test_a_page_is_rung_and_answers(gateway: Gateway, customer: Phone) -> None:
    async with Page(gateway, frequency=PAGE_HZ) as page:
        await page.until_line("101")
        outgoing = await customer.dial("74950000101")
        call = await page.until_ringing()
        await page.answer(call)
        await outgoing.until_hears(PAGE_HZ)
        await page.sounds[call].until_hears(CUSTOMER_HZ)
        await outgoing.hang_up()
        await page.until_call(call, state="ended")


async def test_the_gateway_comes_back_on_its_ports_after_a_kill(gateway: Gateway) -> None:
    async with Page(gateway) as page:
        await gateway.restart()
        await page.until_closed()
        await page.reconnect()
        await page.until_line("101")


async def test_a_refused_command_and_a_refused_socket_are_seen(gateway: Gateway) -> None:
    async with Page(gateway) as page:
        command = HangUp(page.next_id(), "nothing")
        assert isinstance(await page.try_command(command), Refused)
        with pytest.raises(RefusedError, match="HangUp"):
            await page.command(HangUp(page.next_id(), "nothing"))


async def test_bad_tokens_and_bad_secrets_are_refused_each_in_its_way(gateway: Gateway) -> None:
    status, _ = await gateway.session(gateway.token(1, aud="https://elsewhere.example"))
    assert status in (401, 403)
    page = Page(gateway)
    page.resume_secret = "no-such-secret-at-all"
    with pytest.raises(AssertionError, match="closed the socket with 4101"):
        await page.open()
    assert await page.until_closed() == 4101
    await page.disconnect()


async def test_metrics_are_read_by_name(gateway: Gateway) -> None:
    async with Page(gateway):
        metrics = await gateway.metrics()
    assert metrics["trubka_sockets_open"] == 1.0
