"""What one sandbox is told at its start: addresses, secrets, where the built widget lies.

Frozen; nothing here is read from the environment. The command line (`__main__`) and the tests build it.
"""

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

CLIENT_UUID = "5b0f1f2e-7c1b-4d4e-9a56-2f3a6f0c1e77"


@dataclass(frozen=True, slots=True)
class Settings:
    """One make-believe account.

    Args:
        base_url: where the pages are, with scheme and port, without a slash at its end; the token's `iss`.
        gateway_url: where the widget's backend is; its scheme and host are the token's `aud`.
        client_secret: the integration's secret; one-time tokens are signed with it (HS256).
        widget_dir: the unpacked widget (manifest.json, script.js, …), or None: the pages then stand without one.
        reuse_tokens: hand the same one-time token out again while it lives. amoCRM may do so (amocrm.md, part 8).
        token_life: seconds that a one-time token is valid.
        bearer: a long-lived token that REST accepts beside the cookie session.
    """

    base_url: str
    gateway_url: str
    client_secret: str
    widget_dir: Path | None = None
    client_uuid: str = CLIENT_UUID
    widget_code: str = "trubka"
    account_id: int = 31622477
    account_name: str = "Окна Северо-Запад"
    subdomain: str = "oknasz"
    audience: str = ""
    reuse_tokens: bool = False
    token_life: int = 1800
    bearer: str = ""

    @property
    def token_audience(self) -> str:
        """The `aud` of one-time tokens: scheme and host of the integration's redirect URI, no path (amocrm.md 2.6)."""
        if self.audience:
            return self.audience
        parts = urlsplit(self.gateway_url)
        return f"{parts.scheme}://{parts.netloc}"


def sip_password(secret: str, extension: str) -> str:
    """The password of an extension's telephones, made of the office's secret: the demo and the exchange need not tell each other."""
    return hmac.new(secret.encode(), f"sip {extension}".encode(), hashlib.sha256).hexdigest()[:24]
