"""The PBX is killed and comes back without a memory: lines register again by themselves, calls end with a stated cause.

An Asterisk of its own for each play, that grants short registrations, and a gateway that probes its calls often.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from protocol.codes import Cause, Code
from tests.peers.asterisk import Asterisk
from tests.peers.fixtures import CUSTOMER, CUSTOMER_HZ
from tests.peers.gateway import Gateway
from tests.peers.page import Page
from tests.peers.phone import Phone
from tests.peers.processes import Workshop
from tests.peers.waiting import PATIENCE
from tests.system.stage import AGENT_HZ

LONG = 2 * PATIENCE
_QUICK = {"TRUBKA_PROBE": "5", "TRUBKA_REGISTER_EXPIRES": "30"}


@pytest.fixture
async def forgetful_pbx(workshop: Workshop, customer: Phone) -> AsyncIterator[Asterisk]:
    """An Asterisk that grants 10 s to a registration."""
    async with Asterisk(workshop, customers_port=customer.port, longest_registration=10) as started:
        customer.pbx = started.address
        yield started


@pytest.fixture(params=["udp", "tcp"])
async def quick_gateway(
    workshop: Workshop, forgetful_pbx: Asterisk, request: pytest.FixtureRequest
) -> AsyncIterator[Gateway]:
    async with Gateway(
        workshop, pbx=forgetful_pbx.address, transport=request.param, settings=_QUICK
    ) as started:
        yield started


async def test_lines_register_again_and_calls_end_with_a_stated_cause(
    quick_gateway: Gateway, forgetful_pbx: Asterisk, customer: Phone
) -> None:
    loop = asyncio.get_running_loop()
    async with Page(quick_gateway, frequency=AGENT_HZ) as page:
        await page.until_line("101")
        call = await page.dial(CUSTOMER)
        answered = await customer.until_answered()
        await page.until_call(call, state="talking")
        await page.sounds[call].until_hears(CUSTOMER_HZ)

        began = loop.time()
        await forgetful_pbx.restart(forget_contacts=True)
        print(f"the PBX was away for {loop.time() - began:.1f} s")
        ended = await page.until_call(call, state="ended", within=LONG)
        print(f"the call ended {loop.time() - began:.1f} s after the kill")
        assert ended.end is not None
        assert (ended.end.by, ended.end.cause) == ("nobody", Cause.GONE_AT_PBX)
        assert (
            answered.state == "talking"
        )  # a killed PBX says no BYE: the customer's telephone knows nothing of it

        async with asyncio.timeout(LONG):
            while not await forgetful_pbx.contacts("101p"):  # noqa: ASYNC110 - the event may come before we can listen
                await asyncio.sleep(0.1)
        print(f"registered again {loop.time() - began:.1f} s after the kill")
        await page.until_line("101", within=LONG)
        await customer.forget()
        calling = await customer.dial("74950000101")
        again = await page.until_ringing()
        await page.answer(again)
        await calling.until_hears(AGENT_HZ)
        await page.hang_up(again)
        await calling.until_ended()
    await forgetful_pbx.until_quiet()


@pytest.mark.parametrize(
    "quick_gateway",
    ["tcp", pytest.param("udp", marks=pytest.mark.plays)],  # a REGISTER by UDP is given up after 32 s
    indirect=True,
)
async def test_a_pbx_that_stays_away_is_said_on_the_line_and_doubted_in_the_call(
    quick_gateway: Gateway, forgetful_pbx: Asterisk, customer: Phone
) -> None:
    async with Page(quick_gateway, frequency=AGENT_HZ) as page:
        await page.until_line("101")
        call = await page.dial(CUSTOMER)
        await page.until_call(call, state="talking")
        await forgetful_pbx.kill()
        await page.until_line("101", "failed", within=LONG)
        assert page.state.lines["101"].reason == Code.PBX_UNREACHABLE
        await page.until(lambda one: not one.state.calls[call].confirmed, within=LONG)
        assert page.state.calls[call].actions["hold"] == Code.UNCONFIRMED
        await forgetful_pbx.start()
        await page.until_call(call, state="ended", within=LONG)
        await page.until_line("101", within=LONG)
