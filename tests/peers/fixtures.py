"""Fixtures and the failure report shared by the suites that use real peers; imported by name into their `conftest.py`.

from tests.peers.fixtures import postgres, postgres_url, workshop, pytest_runtest_makereport  # noqa: F401
"""

from collections.abc import Generator, Iterator

import pytest

from tests.peers.postgres import Postgres, running_postgres
from tests.peers.processes import Workshop

_WORKSHOP = pytest.StashKey[Workshop]()


@pytest.fixture
def workshop(request: pytest.FixtureRequest) -> Iterator[Workshop]:
    """The folder and the processes of one play. Their output is shown when the play fails."""
    with Workshop() as made:
        request.node.stash[_WORKSHOP] = made
        yield made


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
    made = item.stash.get(_WORKSHOP, None)
    if report.failed and made is not None:
        report.sections.extend((f"output of {name}", text) for name, text in made.report())
    return report
