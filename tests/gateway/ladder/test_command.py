"""`trubka ladder` against a served gateway: a call is played, asked for, and drawn; and what is said when nobody tells."""

import asyncio
import socket
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from gateway.__main__ import main
from gateway.commands import CommandRefused
from gateway.ladder import command
from gateway.settings import Settings
from tests.gateway.ladder.picture import play, reached
from tests.gateway.ladder.stories import ZONE
from tests.gateway.process import Exchange, House, house, migrated
from tests.peers.ports import HOST, free_port


@pytest.fixture
def database(tmp_path: Path) -> str:
    return migrated(tmp_path)


@pytest.fixture
async def played(database: str) -> AsyncIterator[tuple[House, str]]:
    """A served house in which the call of the picture was played; the call's id."""
    async with Exchange() as exchange, house(database, exchange) as made:
        yield made, await play(exchange, made)


async def ladder(made: House, call: str | None, *, as_text: bool = True, full: bool = False) -> command.Drawn:
    return await asyncio.to_thread(command.ladder, reached(made), call, as_text=as_text, full=full, zone=ZONE)


async def test_the_list_names_the_call_and_any_of_its_names_draws_the_same(played: tuple[House, str]) -> None:
    made, call = played
    (line,) = (await ladder(made, None)).content.splitlines()
    assert "+7 916 123-45-67 → 101" in line
    assert "hung_up by us" in line
    assert line.endswith(call)
    drawn = (await ladder(made, call)).content
    (_, _, first, second, *_) = drawn.splitlines()
    for name in ("last", first.split()[-1], second.split()[-1]):
        assert (await ladder(made, name)).content == drawn


async def test_desk_browser_and_both_legs_stand_in_one_ladder(played: tuple[House, str]) -> None:
    made, call = played
    drawn = (await ladder(made, call)).content
    place = 0
    for word in (
        "INVITE 1", "100 Trying 1 INVITE", "delta incoming", " ring ", "ring_ack", "180 Ringing", "answer", "leg 1 confirmed",
        "delta incoming → talking", " hold ", "leg 1 held by us", "delta talking → held", " resume ", "leg 1 resumed", "leaving",
        "leg 1 held by us", "hello", "reattach", "leg 2 begun", "Replaces", "leg 2 confirmed", "remote answer", "leg 1 ended", "hang_up",
        "leg 2 ended", "→ ended",
    ):  # fmt: skip
        place = drawn.index(word, place + 1)
    assert "no response" not in drawn


async def test_the_picture_is_well_formed_and_shows_no_secret(played: tuple[House, str]) -> None:
    made, call = played
    drawn = await ladder(made, call, as_text=False, full=True)
    ElementTree.fromstring(drawn.content)
    assert drawn.file_name == f"ladder-{call}.svg"
    assert "a=ice-ufrag:" in drawn.content
    assert "a=ice-pwd:✂" in drawn.content


async def test_the_command_line_prints_text_and_writes_files(
    played: tuple[House, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made, call = played
    settings = reached(made)
    monkeypatch.setenv("TRUBKA_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("TRUBKA_HOST", settings.host)
    monkeypatch.setenv("TRUBKA_PORT", str(settings.port))
    monkeypatch.chdir(tmp_path)

    async def run(*words: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(main, ["ladder", *words])
        return (code, *capsys.readouterr())

    assert (await run())[1].rstrip().endswith(call)
    assert (await run(call, "--text"))[1].startswith("Call in: +7 916")
    assert (await run(call, "--full"))[1].startswith("<svg ")
    assert (await run(call, "--out", "my.svg")) == (0, "my.svg\n", "")
    assert (tmp_path / "my.svg").read_text().startswith("<svg ")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert (await run("last"))[1] == f"ladder-{call}.svg\n"
    assert (tmp_path / f"ladder-{call}.svg").read_text().startswith("<svg ")
    code, out, said = await run("nothing")
    assert (code, out) == (1, "")
    assert "Of a call 'nothing' nothing is kept" in said


async def test_whoever_has_other_settings_is_told_nothing(played: tuple[House, str]) -> None:
    made, call = played
    foreign = replace(reached(made), secret_key=Fernet.generate_key().decode())
    with pytest.raises(CommandRefused, match="another secret key"):
        await asyncio.to_thread(command.ladder, foreign, call, as_text=True, full=False)
    no_key = replace(reached(made), secret_key="no key")
    with pytest.raises(CommandRefused, match="holds no key"):
        await asyncio.to_thread(command.ladder, no_key, call, as_text=True, full=False)


async def test_a_gateway_that_keeps_nothing_says_so(database: str) -> None:
    async with Exchange() as exchange, house(database, exchange, ladder_calls=0) as made:
        await play(exchange, made)
        archive = made.running.parts.archive
        assert (len(archive.trace), archive.diary.entries()) == (0, [])
        with pytest.raises(CommandRefused, match="TRUBKA_LADDER_CALLS"):
            await ladder(made, None)


def test_where_no_gateway_is_that_is_said(database: str) -> None:
    settings = Settings(database_url=database, host="0.0.0.0", port=free_port())
    with pytest.raises(CommandRefused, match=r"No gateway answers on 127\.0\.0\.1:"):
        command.ladder(settings, None, as_text=True, full=False)


@pytest.mark.parametrize("body", [b"<html>", b'{"seen": 1}'])
def test_what_is_no_gateway_of_this_version_is_said(database: str, body: bytes) -> None:
    import threading

    with socket.create_server((HOST, 0)) as server:

        def answer() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

        answering = threading.Thread(target=answer)
        answering.start()
        settings = Settings(database_url=database, host=HOST, port=server.getsockname()[1])
        with pytest.raises(CommandRefused, match="of another version"):
            command.ladder(settings, None, as_text=True, full=False)
        answering.join()
