"""The demo's decisions: ports, secret, what both processes are told. That it runs is proved by the browser plays."""

import socket
import stat
from pathlib import Path

import pytest

from sandbox import demo
from sandbox.settings import CLIENT_UUID, sip_password

PORTS = demo.Ports(pages=8070, gateway=8080, pbx=5062, lines=5070)


def test_the_usual_port_is_passed_over_when_it_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind((demo.HOST, 0))
        taken.listen()
        wanted = taken.getsockname()[1]
        assert demo._free(wanted) in range(wanted + 1, wanted + demo.NEIGHBOURS)


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first = demo.office_secret(tmp_path)
    assert demo.office_secret(tmp_path) == first
    assert len(first) >= 48
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    with demo.only_one(tmp_path), pytest.raises(demo.DemoFailed, match="already"), demo.only_one(tmp_path):
        pass
    with demo.only_one(tmp_path):
        pass


def test_settings_of_the_shell_do_not_leak_into_the_demo(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("TRUBKA_SIP_PUBLIC_HOST", "DATABASE_URL", "PORT", "TLS_CERT"):
        monkeypatch.setenv(name, "of the shell")
    told = demo.environment(tmp_path, PORTS, "secret")
    assert "of the shell" not in told.values()
    assert told["TRUBKA_PUBLIC_URL"] == "http://127.0.0.1:8080"
    assert told["TRUBKA_DATABASE_URL"] == f"sqlite:///{tmp_path}/trubka.db"


def test_the_gateway_is_told_the_account_four_extensions_and_their_passwords_by_standard_input() -> None:
    told = demo.commands(PORTS, "the secret")
    assert told[0] == (["release"], "")
    arguments, secret = told[1]
    assert secret == "the secret"
    assert arguments[arguments.index("--address") + 1] == "http://127.0.0.1:8070"
    assert arguments[arguments.index("--client-uuid") + 1] == CLIENT_UUID
    assert arguments[arguments.index("--pbx") + 1] == "127.0.0.1:5062"
    extensions = [
        (words[words.index("--number") + 1], given) for words, given in told if words[0] == "extension"
    ]
    assert extensions == [
        (number, sip_password("the secret", number)) for number in ("101", "102", "103", "104")
    ]
    assert all("the secret" not in word for words, _ in told for word in words)


def test_passwords_differ_from_extension_to_extension_and_from_secret_to_secret() -> None:
    made = {sip_password(secret, extension) for secret in ("a", "b") for extension in ("101", "102")}
    assert len(made) == 4
