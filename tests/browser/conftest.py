"""The stage of the browser plays: shared by the run."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.browser.stage import CUSTOMERS_NUMBER, ROAD, SEATS, Agent, Stage
from tests.peers.asterisk import Asterisk
from tests.peers.chromium import Chromium
from tests.peers.fixtures import (
    CUSTOMER_HZ,
    WORKSHOP,
    pytest_runtest_makereport,
    workshop,
)
from tests.peers.gateway import Gateway
from tests.peers.phone import Phone, answers
from tests.peers.processes import Workshop
from tests.peers.sandbox import Sandbox

__all__ = [
    "pytest_runtest_makereport",
    "workshop",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_chromium() -> AsyncIterator[Chromium]:
    """The browser of the whole run."""
    with Workshop("chromium") as shop:
        async with Chromium(shop) as browser:
            yield browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_stage(shared_chromium: Chromium) -> AsyncIterator[Stage]:
    """Asterisk, CRM, gateway and the customers' phone of the whole run."""
    extensions = tuple(extension for _, extension in SEATS)
    people = {user: (extension,) for user, extension in SEATS}
    with Workshop("stage") as shop:
        sandbox = Sandbox(shop)
        async with (
            Phone(CUSTOMERS_NUMBER, frequency=CUSTOMER_HZ, manner=answers()) as customers,
            Asterisk(shop, customers_port=customers.port, extensions=(*extensions, ROAD)) as office_pbx,
        ):
            customers.pbx = office_pbx.address
            line = Gateway(
                shop, pbx=office_pbx.address, people=people, browser=True, integration=sandbox.integration
            )
            sandbox.gateway_url = line.url
            async with line, sandbox:
                yield Stage(shop, shared_chromium, office_pbx, customers, line, sandbox.url)


@pytest_asyncio.fixture(loop_scope="session")
async def stage(shared_stage: Stage, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """The shared stage for one play, which must leave nothing behind."""
    request.node.stash[WORKSHOP] = shared_stage.workshop
    shared_stage.complaints()
    try:
        yield shared_stage
        complaints = shared_stage.complaints()
        assert complaints == [], "the pages complained"
        await shared_stage.until_quiet()
    finally:
        await shared_stage.clear()


@pytest_asyncio.fixture(loop_scope="session")
async def agent(stage: Stage) -> Agent:
    """The next person of the office."""
    return await stage.agent()
