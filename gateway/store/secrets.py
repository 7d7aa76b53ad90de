"""Secrets at rest: passwords and keys are sealed before they reach a table, and opened only to be used.

The keys are Fernet keys (AES-128-CBC with HMAC-SHA256, from `cryptography`). The first seals, all open, so a key is
changed by putting the new one in front and sealing anew at leisure.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class SecretUnreadable(RuntimeError):
    """A sealed value was made with a key that is not among ours."""

    def __init__(self) -> None:
        super().__init__(
            "A secret in the database was sealed with another key: TRUBKA_SECRET_KEY (or the key file) is not the one "
            "that the secrets were stored with."
        )


class Vault:
    """Seals and opens secrets.

    Args:
        keys: Fernet keys, the one that seals first.

    Raises:
        ValueError: a key is no Fernet key.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, secret: str) -> bytes:
        return self._fernet.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """The secret in the clear.

        Raises:
            SecretUnreadable: it was sealed with a key that is not ours.
        """
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise SecretUnreadable from None


def keys_from(setting: str, key_file: Path) -> list[str]:
    """The keys of the setting, else of the key file, which is made (0600) where there is none.

    Args:
        setting: `TRUBKA_SECRET_KEY`: keys separated by commas, or empty.
        key_file: where an embedded gateway keeps its key.
    """
    if keys := [key.strip() for key in setting.split(",") if key.strip()]:
        return keys
    key_file.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Exclusive creation: of two processes that start at once, one makes the key and the other reads it.
        handle = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return [key_file.read_text("ascii").strip()]
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(Fernet.generate_key().decode("ascii"))
    return [key_file.read_text("ascii").strip()]
