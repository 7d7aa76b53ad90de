"""Fixtures and the failure report shared by the suites that use real peers; imported by name into their `conftest.py`.

Each play has peers of its own, on ports of its own; what is slow to start (PostgreSQL) is shared by the run.
"""

from collections.abc import AsyncIterator, Generator, Iterator

import pytest

from tests.peers.asterisk import Asterisk
from tests.peers.gateway import Gateway
from tests.peers.phone import Phone, answers
from tests.peers.ports import free_port
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
def pbx_port() -> int:
    """Where each play's own PBX is found: the same port for all, so that the gateway's database can be made once."""
    return free_port()


@pytest.fixture
async def pbx(workshop: Workshop, customer: Phone, pbx_port: int) -> AsyncIterator[Asterisk]:
    """A freshly started Asterisk that knows the customers' phone."""
    async with Asterisk(workshop, sip_port=pbx_port, customers_port=customer.port) as started:
        customer.pbx = started.address
        yield started


@pytest.fixture
async def desk(pbx: Asterisk) -> AsyncIterator[Phone]:
    """The desk phone of extension 101, registered; rings until it is told to answer, and speaks 500 Hz."""
    async with Phone("101", pbx=pbx.address, password=pbx.password("101"), frequency=DESK_HZ) as phone:
        await phone.register()
        yield phone


@pytest.fixture
async def gateway(workshop: Workshop, pbx: Asterisk) -> AsyncIterator[Gateway]:
    """A gateway with one user (1) and one extension (101) on the PBX's plain endpoint."""
    async with Gateway(workshop, pbx=pbx.address) as started:
        yield started


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
