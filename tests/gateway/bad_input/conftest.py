"""The stage of bad input: a gateway in which a customer and a page talk, so that there is something to be harmed."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from protocol.entities import Call
from tests.gateway.process import Exchange, House, Tab, house, migrated, talk
from tests.peers.sip_text import Message


class Stage(NamedTuple):
    """Everybody who is there, and the call that is up."""

    house: House
    exchange: Exchange
    tab: Tab
    invite: Message
    ok: Message
    call: Call


@pytest.fixture
def database(tmp_path: Path) -> str:
    return migrated(tmp_path)


@pytest.fixture
async def stage(database: str) -> AsyncIterator[Stage]:
    async with Exchange() as exchange, house(database, exchange) as served, served.tab() as tab:
        await tab.shows(lambda state: state.lines["101"].state == "registered")
        yield Stage(served, exchange, tab, *await talk(exchange, tab))
