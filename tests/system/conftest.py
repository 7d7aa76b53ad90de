"""The stage of the system plays: a real Asterisk, the customers' phone, a desk phone; each play has its own."""

from pathlib import Path

import pytest

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
            item.add_marker(pytest.mark.system)
