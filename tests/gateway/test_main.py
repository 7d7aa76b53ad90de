"""The life of the process: what keeps it from starting, when it is ready, what it says when it goes, and that calls outlive it."""

import asyncio
import socket
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from websockets.asyncio.client import connect
from websockets.typing import Origin

from gateway import main as main_module
from gateway.__main__ import main
from gateway.main import running, serve, steady_clock
from gateway.node import Node
from gateway.settings import Settings
from gateway.store.journal_sqlite import journal_path
from protocol.codes import CloseCode
from protocol.commands import HangUp
from protocol.messages import Done
from sip.transport.port import bind
from tests.gateway.process import (
    OTHER_ACCOUNT,
    OTHER_USER,
    Exchange,
    House,
    Tab,
    furnish,
    house,
    migrated,
    settings,
    talk,
)
from tests.peers.authority import Authority
from tests.peers.gateway import ACCOUNT as PEERS_ACCOUNT
from tests.peers.gateway import Gateway
from tests.peers.ports import HOST, free_port
from tests.peers.processes import Workshop
from tests.peers.sip_text import Message, parameter


@pytest.fixture
def database(tmp_path: Path) -> str:
    return migrated(tmp_path)


# --- what keeps it from starting -----------------------------------------------------------------------------------------


def test_certificates_of_sip_that_cannot_be_used_are_said_in_a_sentence(
    database: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    (tmp_path / "wrong.pem").write_text("no certificate")
    for more in (
        {"sip_tls_ca": str(tmp_path / "none.pem")},
        {"sip_tls_cert": str(tmp_path / "wrong.pem"), "sip_tls_key": str(tmp_path / "wrong.pem")},
    ):
        assert serve(settings(database, **more)) == 1
    assert caplog.text.count("SIP over TLS has no usable certificates (TRUBKA_SIP_TLS_CA, ") == 2
    assert "Traceback" not in caplog.text


def test_a_tls_port_that_is_taken_is_said_with_its_setting(
    database: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    issued = Authority().issue(HOST, folder=tmp_path)
    taken = bind(HOST, 0, 0)
    assert taken.tls is not None
    taken.tls.listen()
    files = {"sip_tls_cert": str(issued.certificate), "sip_tls_key": str(issued.key)}
    assert serve(settings(database, sip_tls_port=taken.tls.getsockname()[1], **files)) == 1
    taken.close()
    assert "(TRUBKA_SIP_HOST, TRUBKA_SIP_PORT, TRUBKA_SIP_TLS_PORT)" in caplog.text


def test_a_sip_port_that_is_taken_is_said_in_a_sentence(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    given = settings(database)
    taken = bind(HOST, given.sip_port)
    assert serve(given) == 1
    taken.close()
    assert f"SIP cannot be bound to {HOST}:{given.sip_port} (TRUBKA_SIP_HOST, TRUBKA_SIP_PORT)" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_port_of_http_that_is_taken_is_said_before_anything_is_said_to_a_pbx(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        assert serve(Settings(host=HOST, port=port, database_url=database, sip_port=free_port())) == 1
    assert f"HTTP cannot be bound to {HOST}:{port} (TRUBKA_HOST, TRUBKA_PORT)" in caplog.text
    assert "accounts, SIP on" not in caplog.text


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """What `trubka` reads, with ports that are free."""
    monkeypatch.setenv("TRUBKA_DATABASE_URL", f"sqlite:///{tmp_path / 'trubka.db'}")
    monkeypatch.setenv("TRUBKA_PORT", "0")
    monkeypatch.setenv("TRUBKA_SIP_PORT", str(free_port()))
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_a_database_without_tables_names_the_remedy(caplog: pytest.LogCaptureFixture) -> None:
    assert main(["serve"]) == 1
    assert "The database has no tables yet; `trubka release` brings it to this one." in caplog.text


def test_a_database_that_cannot_be_opened_is_said_in_a_sentence(
    environment: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    environment.setenv("TRUBKA_DATABASE_URL", f"sqlite:///{tmp_path}")  # a folder
    assert main(["serve"]) == 1
    assert "unable to open database file" in caplog.text
    assert "Background on this error" not in caplog.text


def test_a_database_server_that_is_not_there_is_said_in_a_sentence(
    environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    environment.setenv("TRUBKA_DATABASE_URL", f"postgresql://nobody@{HOST}:{free_port()}/trubka")
    environment.setenv("TRUBKA_SECRET_KEY", Fernet.generate_key().decode())
    assert main(["serve"]) == 1
    assert "! cannot start: " in caplog.text


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        ("mysql://db/trubka", "", "must be SQLite or PostgreSQL"),
        ("postgresql://db/trubka", "", "TRUBKA_SECRET_KEY must be set"),
        ("", "not-a-key", "TRUBKA_SECRET_KEY (or the key file) holds no key"),
    ],
)
@pytest.mark.parametrize("command", [["serve"], ["account", "list"]])
def test_a_store_that_cannot_be_used_is_said_in_a_sentence(
    environment: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    url: str,
    key: str,
    said: str,
    command: list[str],
) -> None:
    if url:
        environment.setenv("TRUBKA_DATABASE_URL", url)
    environment.setenv("TRUBKA_SECRET_KEY", key)
    assert main(command) == 1
    assert said in caplog.text + capsys.readouterr().err


@pytest.mark.parametrize("sealed", ["accounts", "extensions"])
def test_a_wrong_key_is_said_in_a_sentence(
    database: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sealed: str
) -> None:
    asyncio.run(furnish(database, Exchange()))
    other = Fernet.generate_key()
    environment.setenv("TRUBKA_DATABASE_URL", database)
    if sealed == "accounts":
        environment.setenv("TRUBKA_SECRET_KEY", other.decode())
    else:
        with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
            connection.execute(
                "UPDATE extensions SET sip_password_sealed = ?", (Fernet(other).encrypt(b"x"),)
            )
        connection.close()
    assert main(["serve"]) == 1
    assert "sealed with another key" in capsys.readouterr().err


# --- ready -------------------------------------------------------------------------------------------------------------


async def test_a_process_is_ready_when_its_accounts_are_at_work(database: str) -> None:
    async with Exchange() as exchange, house(database, exchange) as served:
        assert await served.get("/readyz") == (200, '{"accounts":true,"journal":true}')
        assert await served.get("/healthz") == (200, "ok\n")
        _, metrics = await served.get("/metrics")
        for shown in (
            "trubka_accounts 1.0",
            "trubka_registrations 1.0",
            'trubka_node_total{what="error"} 0.0',
        ):
            assert shown in metrics


async def test_an_account_whose_pbx_is_not_found_keeps_the_process_unready_and_the_others_at_work(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main_module, "OPENING", 0.05)
    monkeypatch.setattr(main_module, "RETRY_ACCOUNT", 0.05)
    loop = asyncio.get_running_loop()
    honest, found = loop.getaddrinfo, asyncio.Event()

    async def resolve(host: str, port: int, **more: Any) -> Any:
        if host == "pbx.example.org":
            if not found.is_set():
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            host = HOST
        return await honest(host, port, **more)

    monkeypatch.setattr(loop, "getaddrinfo", resolve)
    async with Exchange() as exchange:
        await furnish(database, exchange, other=("pbx.example.org", exchange.port))
        async with House(settings(database), exchange).served() as served, served.tab() as tab:
            await tab.shows(lambda state: state.lines["101"].state == "registered")
            assert await served.get("/readyz") == (503, '{"accounts":false,"journal":true}')
            assert await served.count("node pbx_not_found") >= 1
            found.set()
            await exchange.until_registered("101", "201")
            assert await served.get("/readyz") == (200, '{"accounts":true,"journal":true}')
            assert served.state(OTHER_USER, OTHER_ACCOUNT).lines["201"].extension == "201"


async def test_an_account_that_cannot_be_taken_over_is_tried_again(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main_module, "RETRY_ACCOUNT", 0.01)
    honest, failures = (
        Node.own,
        [RuntimeError("an error of ours"), sqlite3.OperationalError("locked")],
    )

    async def own(*args: Any) -> None:
        if failures:
            raise failures.pop()
        await honest(*args)

    monkeypatch.setattr(Node, "own", own)
    async with Exchange() as exchange, house(database, exchange) as served:
        assert await served.count("node error") == 2
        assert (await served.get("/readyz"))[0] == 200


async def test_a_journal_that_cannot_be_written_keeps_the_process_unready_and_nobody_from_talking(
    database: str,
) -> None:
    path = journal_path(Path(database.removeprefix("sqlite:///")))
    async with Exchange() as exchange, house(database, exchange) as served, served.tab() as tab:
        change(path, "ALTER TABLE journal RENAME TO away")
        _, _, call = await talk(exchange, tab)
        assert call.state == "talking"
        assert await served.get("/readyz") == (503, '{"accounts":true,"journal":false}')
        assert await served.count("journal batches_failed") >= 1
        change(path, "ALTER TABLE away RENAME TO journal")
        await tab.say(HangUp("c1", call.id))
        await tab.hears(Done)
        exchange.send((await exchange.hears("BYE ")).reply(200, "OK"))
        await tab.shows(lambda state: state.calls[call.id].state == "ended")
        assert (await served.get("/readyz"))[0] == 200


def change(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


async def test_an_error_that_nobody_caught_is_logged_and_counted_and_the_process_goes_on(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with Exchange() as exchange, house(database, exchange) as served:

        def fail() -> None:
            raise RuntimeError("an error of ours")

        asyncio.get_running_loop().call_soon(fail)
        await asyncio.sleep(0)
        assert await served.count("node error") == 1
        assert "an error of ours" in caplog.text
        assert await exchange.is_silent() == []


async def test_the_clock_is_the_wall_clock_that_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = steady_clock()
    first = clock()
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert clock() >= first > 1_700_000_000


# --- the end -----------------------------------------------------------------------------------------------------------


async def test_a_clean_stop_unregisters_and_leaves_the_call_to_the_next_process(database: str) -> None:
    async with Exchange() as exchange:
        async with house(database, exchange) as served, served.socket() as wire:
            tab = Tab(wire, "tab-a")
            await tab.enter(ticket=await served.ticket())
            await tab.shows(lambda state: state.lines["101"].state == "registered")
            invite, ok, call = await talk(exchange, tab)
            given, secret = served.settings, tab.secret
            served.running.server.should_exit = True
            assert await tab.closed() == CloseCode.RESTARTING
        await exchange.until_registers(lambda one: one["Expires"] == "0")
        assert [one.start for one in exchange.heard if one.start.startswith("BYE")] == []

        exchange.heard.clear()
        async with House(given, exchange).served() as second:
            probe = await exchange.hears("UPDATE ")
            assert probe["Call-ID"] == invite["Call-ID"]
            exchange.send(probe.reply(200, "OK", extra=[("Contact", f"<sip:pbx@{HOST}:{exchange.port}>")]))
            async with second.socket() as wire:
                again = Tab(wire, "tab-a")
                await again.enter(resume=secret, alive=(call.id,))
                state = await again.shows(lambda state: state.calls[call.id].confirmed)
                assert state.calls[call.id].state == "talking"
                assert state.calls[call.id].answered_at == pytest.approx(call.answered_at, abs=1)
                exchange.send(exchange.within(invite, ok, "BYE", 2))
                await again.shows(lambda state: state.calls[call.id].state == "ended")


async def test_a_pbx_that_does_not_answer_holds_the_stop_up_not_for_long(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main_module, "GOODBYE", 0.05)
    async with Exchange() as exchange:
        async with asyncio.timeout(25), house(database, exchange):  # 32 s would be SIP's own patience
            exchange.speaks = False
        await exchange.until_registers(lambda one: one["Expires"] == "0")


async def test_nothing_is_left_open_when_the_start_fails_half_way(database: str) -> None:
    async with Exchange() as exchange:
        await furnish(database, exchange)
        given = settings(database)
        taken = bind(HOST, given.sip_port)
        with pytest.raises(OSError, match="SIP cannot be bound"):
            async with running(given):
                pass
        taken.close()
        before = {task for task in asyncio.all_tasks() if task.get_name() == "journal"}
        assert before == set()


async def test_sigterm_closes_the_sockets_tells_the_pbx_and_ends_with_zero() -> None:
    """The process as a platform runs it, on uvloop: `trubka serve`, SIGTERM, and the next version after it."""
    with Workshop() as workshop:
        async with Exchange() as exchange:
            gateway = Gateway(workshop, pbx=(HOST, exchange.port))
            exchange.gateway = (HOST, gateway.sip_port)
            async with gateway:
                await exchange.until_registered("101p")
                invite, page = await talk_to_process(gateway, exchange)
                stopping = asyncio.create_task(gateway.stop())
                assert await page.closed() == CloseCode.RESTARTING
                assert await stopping == 0
                assert exchange.registers[-1]["Expires"] == "0"
                assert not [one.start for one in exchange.heard if one.start.startswith("BYE")]
                await gateway.start()
                probe = await exchange.hears("UPDATE ")
                assert probe["Call-ID"] == invite["Call-ID"]
                exchange.send(probe.reply(200, "OK"))


async def talk_to_process(gateway: Gateway, exchange: Exchange) -> tuple[Message, Tab]:
    """A page of the process's, with a customer on the line."""
    status, given = await gateway.session(gateway.token(1))
    assert status == 200, given
    wire = await connect(given["url"], origin=Origin(gateway.address), proxy=None, ping_interval=None)
    tab = Tab(wire, "tab-a")
    welcome = await tab.enter(ticket=given["ticket"])
    assert welcome.account == PEERS_ACCOUNT
    exchange.contacts["101"] = exchange.contacts["101p"]
    invite, ok, _ = await talk(exchange, tab)
    assert parameter(ok["To"], "tag").startswith("tb")
    return invite, tab
