"""gateway/__main__.py and commands.py: the command line on an embedded database."""

import io
import sys
from pathlib import Path

import pytest

from gateway import commands
from gateway.__main__ import main
from gateway.settings import settings_table

ACCOUNT = "account add --id 28805383 --address Example.amocrm.ru --name Пример --client-uuid uuid-1 --pbx pbx.example.org:5080"


@pytest.fixture(autouse=True)
def _database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUBKA_DATABASE_URL", f"sqlite:///{tmp_path}/trubka.db")
    assert main(["release"]) == 0


def run(monkeypatch: pytest.MonkeyPatch, command: str, stdin: str = "") -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
    return main(command.split())


def lines(capsys: pytest.CaptureFixture[str], command: str) -> list[str]:
    capsys.readouterr()
    assert main(command.split()) == 0
    return capsys.readouterr().out.splitlines()


def test_an_office_is_set_up_by_four_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    extension = "extension add --account 28805383 --number 101 --user 504141 --sip-user 101b"
    assert run(monkeypatch, ACCOUNT, stdin="client-secret\n") == 0
    assert run(monkeypatch, "user add --account 28805383 --id 504141 --name Анна") == 0
    assert run(monkeypatch, extension, stdin="pw\n") == 0
    assert lines(capsys, "account list") == [
        "28805383\thttps://example.amocrm.ru\tПример\tPBX pbx.example.org:5080 udp"
    ]
    assert lines(capsys, "user list --account 28805383") == ["504141\tАнна\tagent"]
    assert lines(capsys, "extension list --account 28805383") == ["101\t101\t504141\tsoftphone\t101b"]


def test_secrets_are_read_from_standard_input_and_must_come(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, ACCOUNT, stdin="") == 1
    assert "Client secret" in capsys.readouterr().err
    assert lines(capsys, "account list") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("user add --account 7 --id 1 --name A", "no account 7"),
        ("extension add --account 7 --number 101", "no account 7"),
        ("extension add --account 28805383 --number 101 --user 9", "no user 9"),
        ("extension add --account 28805383 --number 10;1", "is no extension"),
        ("account remove --id 7", "no account 7"),
        ("user remove --account 28805383 --id 7", "no user 7"),
        ("extension remove --account 28805383 --number 7", "no extension 7"),
        ("account add --id 2 --address ftp://x --client-uuid u --pbx pbx", "no address of an account"),
        ("account add --id 2 --address x.amocrm.ru --client-uuid u --pbx a@b", "no address of a PBX"),
        ("account add --id 2 --address x.amocrm.ru --client-uuid u --pbx pbx:port", "no address of a PBX"),
        ("account add --id 2 --address example.amocrm.ru --client-uuid u --pbx pbx", "the database refused"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    assert run(monkeypatch, ACCOUNT, stdin="client-secret\n") == 0
    before = lines(capsys, "account list")
    assert run(monkeypatch, words, stdin="secret\n") == 1
    assert said in capsys.readouterr().err
    assert lines(capsys, "account list") == before


def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUBKA_BLIP", "soon")
    assert main(["account", "list"]) == 1
    assert "TRUBKA_BLIP" in capsys.readouterr().err


def test_the_settings_are_printed_as_readme_shows_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\n".join(lines(capsys, "settings")) == settings_table()
    assert settings_table() in (Path(__file__).parents[2] / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("pbx.example.org", "pbx.example.org", 5060),
        ("192.0.2.1:5080", "192.0.2.1", 5080),
        ("[2001:db8::1]:5061", "2001:db8::1", 5061),
    ],
)
def test_addresses_of_a_pbx_are_taken_apart(text: str, host: str, port: int) -> None:
    assert commands.host_and_port(text) == (host, port)


def test_the_usual_port_is_that_of_the_transport() -> None:
    assert commands.host_and_port("pbx.example.org", "tls") == ("pbx.example.org", 5061)
    assert commands.host_and_port("pbx.example.org:5060", "tls") == ("pbx.example.org", 5060)
