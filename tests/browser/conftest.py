"""The stage of the browser plays: the peers of the system plays, and a real Chromium whose microphone speaks 300 Hz."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.peers.chromium import Chromium
from tests.peers.fixtures import (
    customer,
    desk,
    gateway,
    pbx,
    pbx_port,
    postgres,
    postgres_url,
    pytest_runtest_makereport,
    workshop,
)
from tests.peers.processes import Workshop

__all__ = [
    "customer",
    "desk",
    "gateway",
    "pbx",
    "pbx_port",
    "postgres",
    "postgres_url",
    "pytest_runtest_makereport",
    "workshop",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def warm_chromium() -> None:
    """The first start on a machine takes up to 17 s: it is paid here, not inside a play that counts seconds."""

    async def start_once() -> None:
        with Workshop("warm-up") as workshop:
            async with Chromium(workshop) as browser:
                await browser.page()

    with asyncio.Runner() as runner:
        runner.run(start_once())


@pytest.fixture
async def chromium(warm_chromium: None, workshop: Workshop) -> AsyncIterator[Chromium]:
    """A browser of the play's own. A console error that the play did not expect fails it."""
    async with Chromium(workshop) as browser:
        yield browser
