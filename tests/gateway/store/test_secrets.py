"""gateway/store/secrets.py: what is sealed is unreadable, and keys can be changed."""

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from gateway.store.secrets import SecretUnreadable, Vault, keys_from


def key() -> str:
    return Fernet.generate_key().decode()


def test_what_was_sealed_opens_and_cannot_be_read_before() -> None:
    vault = Vault([key()])
    sealed = vault.seal("пароль-101")
    assert "пароль".encode() not in sealed
    assert vault.open(sealed) == "пароль-101"


def test_the_first_key_seals_and_every_key_opens() -> None:
    old, new = key(), key()
    sealed = Vault([old]).seal("secret")
    assert Vault([new, old]).open(sealed) == "secret"
    with pytest.raises(SecretUnreadable):
        Vault([old]).open(Vault([new, old]).seal("secret"))


def test_a_secret_of_another_key_says_which_setting_is_wrong() -> None:
    with pytest.raises(SecretUnreadable, match="TRUBKA_SECRET_KEY"):
        Vault([key()]).open(Vault([key()]).seal("secret"))


def test_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="Fernet"):
        Vault(["short"])


def test_the_setting_s_keys_win_and_make_no_file(tmp_path: Path) -> None:
    assert keys_from(" a , b ,", tmp_path / "secret.key") == ["a", "b"]
    assert not (tmp_path / "secret.key").exists()


def test_the_key_file_is_made_once_and_only_for_us(tmp_path: Path) -> None:
    file = tmp_path / "var" / "secret.key"
    first = keys_from("", file)
    assert keys_from("", file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Vault(first).open(Vault(first).seal("x")) == "x"
