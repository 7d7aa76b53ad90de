"""A line of the gateway that speaks TLS with a real Asterisk 22, each with a certificate of one authority; and one that must not."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.peers.asterisk import Asterisk
from tests.peers.authority import Authority
from tests.peers.fixtures import CUSTOMER, CUSTOMER_HZ
from tests.peers.gateway import Gateway
from tests.peers.page import Page
from tests.peers.phone import Phone
from tests.peers.ports import free_port
from tests.peers.processes import Workshop

PAGE_HZ = 300


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture(params=[False, True], ids=["to our port", "over our connection"])
async def secure_pbx(
    request: pytest.FixtureRequest, workshop: Workshop, customer: Phone, authority: Authority
) -> AsyncIterator[Asterisk]:
    """An Asterisk that speaks TLS too: it calls the Contact that we named, or back over the connection that we made."""
    async with Asterisk(
        workshop, customers_port=customer.port, authority=authority, rewrite_contact=request.param
    ) as started:
        customer.pbx = started.address
        yield started


def settings(authority: Authority, folder: Path) -> dict[str, str]:
    issued = authority.issue("127.0.0.1", folder=folder)
    return {
        "TRUBKA_SIP_TLS_PORT": str(free_port()),
        "TRUBKA_SIP_TLS_CA": str(authority.write(folder)),
        "TRUBKA_SIP_TLS_CERT": str(issued.certificate),
        "TRUBKA_SIP_TLS_KEY": str(issued.key),
    }


async def test_a_line_by_tls_registers_calls_and_is_called(
    secure_pbx: Asterisk, workshop: Workshop, customer: Phone, authority: Authority
) -> None:
    secure = settings(authority, workshop.folder)
    async with (
        Gateway(workshop, pbx=secure_pbx.tls_address, transport="tls", settings=secure) as gateway,
        Page(gateway, frequency=PAGE_HZ) as page,
    ):
        await page.until_line("101")
        (contact,) = await secure_pbx.contacts("101p")
        assert "transport=tls" in contact.lower()
        call = await page.dial(CUSTOMER)
        answered = await customer.until_answered()
        await page.until_call(call, state="talking")
        await page.sounds[call].until_hears(CUSTOMER_HZ)
        await answered.until_hears(PAGE_HZ)
        await page.hold(call)
        await page.resume(call)
        await page.hang_up(call)
        await answered.until_ended()

        outgoing = await customer.dial("74950000101")
        call = await page.until_ringing()
        await page.answer(call)
        await outgoing.until_hears(PAGE_HZ)
        await outgoing.hang_up()
        await page.until_call(call, state="ended")

        await secure_pbx.kill()
        await page.until_line("101", "failed")
        await secure_pbx.start()
        await page.until_line("101")


async def test_a_pbx_that_cannot_show_its_name_gets_no_line_and_the_log_says_why(
    workshop: Workshop, customer: Phone, authority: Authority
) -> None:
    async with Asterisk(workshop, customers_port=customer.port, authority=authority) as pbx:
        secure = settings(authority, workshop.folder)
        by_number = ("127.0.0.1", pbx.tls_address[1])
        async with (
            Gateway(workshop, pbx=by_number, transport="tls", settings=secure) as gateway,
            Page(gateway, frequency=None) as page,
        ):
            await page.until_line("101", "failed")
            assert await pbx.contacts("101p") == []
            assert (await gateway.metrics())['trubka_sip_total{what="tls_refused"}'] >= 1
            said = "certificate refused: it is for localhost, not for 127.0.0.1"
            await gateway.process.until_output(re.escape(said))
