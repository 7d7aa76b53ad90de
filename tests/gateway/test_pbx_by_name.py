"""A PBX that is known by its domain: its servers are located, calls and registrations go to the one that works, and what all of them
send is let in (RFC 3263)."""

from pathlib import Path

import pytest

from gateway.store.accounts import Account
from gateway.store.people import Extension, User
from gateway.store.store import Store
from tests.gateway.process import (
    ACCOUNT,
    CLIENT_SECRET,
    ORIGIN,
    USER,
    Exchange,
    House,
    foreign_socket,
    migrated,
    settings,
    talk,
)
from tests.peers.dns import NameServer, name_server


@pytest.fixture
def database(tmp_path: Path) -> str:
    return migrated(tmp_path)


async def furnish(address: str) -> None:
    store = Store.at(address)
    await store.accounts.put(Account(ACCOUNT, ORIGIN, "", "uuid-1", CLIENT_SECRET, "pbx.test"))
    await store.users.put(User(ACCOUNT, USER, "Анна"))
    await store.extensions.put(Extension(ACCOUNT, "101", "secret-101", USER))
    await store.close()


def serve(names: NameServer, first: Exchange, second: Exchange) -> None:
    """The domain's servers: the first, and the second when that fails."""
    names.say(
        "_sip._udp.pbx.test", "SRV", f"10 0 {first.port} a.pbx.test.", f"20 0 {second.port} b.pbx.test."
    )
    names.say("a.pbx.test", "A", first.host)
    names.say("b.pbx.test", "A", second.host)


async def test_a_domain_with_srv_records_is_a_pbx_whose_second_server_takes_over(database: str) -> None:
    await furnish(database)
    async with name_server() as names, Exchange() as first, Exchange("127.0.0.2") as second:
        serve(names, first, second)
        first.refuses = 503
        given = settings(database, dns=(names.address,))
        first.gateway = ("127.0.0.1", given.sip_port)
        async with House(given, second).served() as served, served.tab() as tab:
            await second.until_registered("101")
            assert first.registers, "the first was asked first"
            await tab.shows(lambda state: state.lines["101"].state == "registered")
            await talk(second, tab)

            # Every server of the domain may speak to us, whichever we are registered at; nobody else may.
            first.send(probe := first.request("OPTIONS", "sip:127.0.0.1"))
            await first.hears("SIP/2.0 200", probe["Call-ID"])
            with foreign_socket("127.0.0.66") as stranger:
                stranger.sendto(first.request("OPTIONS", "sip:127.0.0.1").to_bytes(), first.gateway)
                assert await second.is_silent() == []


async def test_a_domain_that_appears_later_is_found_then(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.main.OPENING", 0.05)
    monkeypatch.setattr("gateway.main.RETRY_ACCOUNT", 0.05)
    monkeypatch.setattr("sip.transport.resolver._ABSENT_TTL", 0.0)
    monkeypatch.setattr("sip.location.locator._SHORTEST", 0.05)
    await furnish(database)
    async with (
        name_server() as names,
        Exchange() as first,
        Exchange("127.0.0.2") as second,
        House(settings(database, dns=(names.address,)), first).served() as served,
    ):
        assert await served.get("/readyz") == (503, '{"accounts":false,"journal":true}')
        serve(names, first, second)
        await first.until_registered("101")
        assert await served.count("node pbx_not_found") >= 1
