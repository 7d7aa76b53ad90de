"""Fixtures and the failure report shared by the suites that use real peers; imported by name into their `conftest.py`.

What is slow to start is shared by the run: PostgreSQL here, Asterisk, gateways and browser by the stages of the suites.
"""

from collections.abc import AsyncIterator, Generator, Iterator

import pytest

from tests.peers.phone import Phone, answers
from tests.peers.postgres import Postgres, running_postgres
from tests.peers.processes import Workshop

CUSTOMER = "79261234567"
CUSTOMER_HZ = 1000
DESK_HZ = 500

WORKSHOP = pytest.StashKey[Workshop]()


@pytest.fixture
def workshop(request: pytest.FixtureRequest) -> Iterator[Workshop]:
    """The folder and the processes of one play. Their output is shown when the play fails."""
    with Workshop() as made:
        request.node.stash[WORKSHOP] = made
        yield made


@pytest.fixture
async def customer() -> AsyncIterator[Phone]:
    """The customers' phone: answers every call at once, whatever the number, and speaks 1000 Hz."""
    async with Phone(CUSTOMER, frequency=CUSTOMER_HZ, manner=answers()) as phone:
        yield phone


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for the whole run."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """The address of an empty database of this test's own (postgresql+asyncpg://…)."""
    return postgres.new_database()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under a failed play, what its processes said."""
    report = yield
    made = item.stash.get(WORKSHOP, None)
    if report.failed and made is not None:
        report.sections.extend((f"output of {name}", text) for name, text in made.report())
    return report
