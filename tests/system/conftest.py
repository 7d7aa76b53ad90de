"""What the system plays find: an agent on the stage that the run shares, and what a play needs to put up peers of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.peers.asterisk import Asterisk
from tests.peers.fixtures import (
    CUSTOMER,
    CUSTOMER_HZ,
    WORKSHOP,
    customer,
    postgres,
    postgres_url,
    pytest_runtest_makereport,
    workshop,
)
from tests.peers.phone import Phone, answers
from tests.peers.postgres import Postgres
from tests.peers.processes import Workshop
from tests.system.stage import Agent, Stage

__all__ = [
    "customer",
    "postgres",
    "postgres_url",
    "pytest_runtest_makereport",
    "workshop",
]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_stage() -> AsyncIterator[Stage]:
    """Asterisk and the customers' phone of the whole run."""
    with Workshop("stage") as workshop:
        async with (
            Phone(CUSTOMER, frequency=CUSTOMER_HZ, manner=answers()) as customers,
            Asterisk(
                workshop,
                customers_port=customers.port,
                extensions=Stage.extensions(),
                rewrite_contact=True,
            ) as pbx,
        ):
            customers.pbx = pbx.address
            made = Stage(workshop, pbx, customers)
            try:
                yield made
            finally:
                await made.close()


@pytest_asyncio.fixture(loop_scope="session")
async def stage(shared_stage: Stage, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """The shared stage for one play. A play that passed must have left nothing behind; what a failed one left is cleared away."""
    request.node.stash[WORKSHOP] = shared_stage.workshop
    try:
        yield shared_stage
        await shared_stage.until_quiet()
    finally:
        await shared_stage.clear()


@pytest_asyncio.fixture(loop_scope="session")
async def agent(stage: Stage) -> Agent:
    """An agent of the gateway that speaks to Asterisk directly."""
    return await stage.agent()


@pytest_asyncio.fixture(loop_scope="session")
async def postgres_agent(stage: Stage, postgres: Postgres) -> Agent:
    """An agent of the gateway whose journal is on PostgreSQL."""
    stage.lend(postgres)
    return await stage.agent("postgres")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.system)
