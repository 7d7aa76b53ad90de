"""The stage of the system plays: a real Asterisk, the customers' phone, a desk phone; each play has its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.peers.asterisk import Asterisk
from tests.peers.fixtures import postgres, postgres_url, pytest_runtest_makereport, workshop
from tests.peers.phone import Phone, answers
from tests.peers.processes import Workshop

__all__ = ["postgres", "postgres_url", "pytest_runtest_makereport", "workshop"]

CUSTOMER_HZ = 1000
DESK_HZ = 500
CUSTOMER = "79261234567"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture
async def customer() -> AsyncIterator[Phone]:
    """The customers' phone: answers every call at once, whatever the number, and speaks 1000 Hz."""
    async with Phone(CUSTOMER, frequency=CUSTOMER_HZ, manner=answers()) as phone:
        yield phone


@pytest.fixture
async def pbx(workshop: Workshop, customer: Phone) -> AsyncIterator[Asterisk]:
    """A freshly started Asterisk that knows the customers' phone."""
    async with Asterisk(workshop, customers_port=customer.port) as started:
        customer.pbx = started.address
        yield started


@pytest.fixture
async def desk(pbx: Asterisk) -> AsyncIterator[Phone]:
    """The desk phone of extension 101, registered; rings until it is told to answer, and speaks 500 Hz."""
    async with Phone("101", pbx=pbx.address, password=pbx.password("101"), frequency=DESK_HZ) as phone:
        await phone.register()
        yield phone
