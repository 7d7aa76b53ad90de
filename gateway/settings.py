"""What the operator can turn, read once from the environment and never changed afterwards.

Each field names its variable, its default and a sentence; the table in README is printed from here (`trubka settings`)
and a test holds the two together. Nothing else in the gateway reads the environment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec

from protocol.messages import IceServer


class SettingsError(ValueError):
    """A variable holds what it cannot hold; the sentence names the variable and what was expected."""

    def __init__(self, variable: str, expected: str, given: str) -> None:
        super().__init__(f"{variable} must be {expected}, not {given!r}")
        self.variable = variable


def _setting(
    variable: str, default: Any, sentence: str, *, also: str = "", least: float | None = None
) -> Any:
    """A field with its variable, the platform's own name for it (`also`) and the least value that makes sense."""
    return field(
        default=default, metadata={"variable": variable, "sentence": sentence, "also": also, "least": least}
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one process. Times in seconds unless the name says otherwise."""

    # fmt: off
    host: str = _setting("TRUBKA_HOST", "127.0.0.1", "address that HTTP and WebSockets listen on")
    port: int = _setting("TRUBKA_PORT", 8080, "port that HTTP and WebSockets listen on", also="PORT", least=0)
    public_url: str = _setting("TRUBKA_PUBLIC_URL", "http://127.0.0.1:8080", "how browsers reach this gateway: scheme and host, as in the integration's redirect URI")
    database_url: str = _setting("TRUBKA_DATABASE_URL", "sqlite:///var/trubka.db", "SQLite file or PostgreSQL database", also="DATABASE_URL")
    secret_key: str = _setting("TRUBKA_SECRET_KEY", "", "Fernet keys, separated by commas, that encrypt secrets at rest; the first encrypts, all decrypt. Empty: a key file beside the SQLite database")
    sip_host: str = _setting("TRUBKA_SIP_HOST", "127.0.0.1", "address that SIP is bound to")
    sip_public_host: str = _setting("TRUBKA_SIP_PUBLIC_HOST", "", "address that the PBX reaches us at, where it is not the bound one")
    sip_port: int = _setting("TRUBKA_SIP_PORT", 5070, "port of SIP, the same for UDP and TCP; fixed, so that calls survive a restart", least=1)
    sip_sources: tuple[str, ...] = _setting("TRUBKA_SIP_SOURCES", (), "addresses, beside those of the accounts' PBXs, that SIP is taken from; * takes it from everywhere")
    sip_tls_port: int = _setting("TRUBKA_SIP_TLS_PORT", 5071, "port of SIP over TLS; fixed as well", least=1)
    sip_tls_ca: str = _setting("TRUBKA_SIP_TLS_CA", "", "file of the authorities that the PBXs' certificates are believed from. Empty: those of the system")
    sip_tls_cert: str = _setting("TRUBKA_SIP_TLS_CERT", "", "certificate file for SIP over TLS: what we listen with, and show to PBXs that ask. Empty: we do not listen, and the PBX has to use our connection")
    sip_tls_key: str = _setting("TRUBKA_SIP_TLS_KEY", "", "key file of that certificate")
    sip_ping: float = _setting("TRUBKA_SIP_PING", 120.0, "longest time between two pings on a connection over TCP or TLS; 0: none", least=0)
    sip_nat_ping: float = _setting("TRUBKA_SIP_NAT_PING", 0.0, "time between two empty datagrams to each PBX, for a NAT on the way, as 25; 0: none", least=0)
    dns: tuple[str, ...] = _setting("TRUBKA_DNS", (), "name servers that the PBXs are looked up at, as 192.0.2.53 or 192.0.2.53:5353. Empty: the system's, and its hosts file")
    register_rate: float = _setting("TRUBKA_REGISTER_RATE", 1000.0, "registrations a second that one PBX is asked for, at a start or at its return", least=1)
    ice_servers: tuple[IceServer, ...] = _setting("TRUBKA_ICE_SERVERS", (), "STUN and TURN servers for the browsers, a JSON list as RTCPeerConnection takes it")
    page_grace: float = _setting("TRUBKA_PAGE_GRACE", 2.0, "how long a call waits for a page that acknowledges the ring, before 480", least=0)
    blip: float = _setting("TRUBKA_BLIP", 5.0, "how long a page may be silent before its calls are held", least=1)
    page_return: float = _setting("TRUBKA_PAGE_RETURN", 30.0, "how long a held customer waits for a page that went away", least=1)
    linger: float = _setting("TRUBKA_LINGER", 10.0, "how long an ended call stays on the screen", least=0)
    probe: float = _setting("TRUBKA_PROBE", 30.0, "how often the dialog of a running call is probed", least=5)
    register_expires: int = _setting("TRUBKA_REGISTER_EXPIRES", 300, "how long a registration is asked for", least=30)
    reuse_token: bool = _setting("TRUBKA_REUSE_TOKEN", True, "whether amoCRM's one-time token may be shown again by the same user within its life")
    resume_hours: float = _setting("TRUBKA_RESUME_HOURS", 12.0, "life of the secret that lets a widget come back without the CRM", least=1)
    sockets: int = _setting("TRUBKA_SOCKETS", 12_000, "sockets in this process", least=1)
    sockets_per_user: int = _setting("TRUBKA_SOCKETS_PER_USER", 12, "sockets (browser tabs) of one user", least=1)
    tls_cert: str = _setting("TLS_CERT", "", "certificate file, for a small office without a proxy")
    tls_key: str = _setting("TLS_KEY", "", "key file of that certificate")
    ladder_calls: int = _setting("TRUBKA_LADDER_CALLS", 500, "calls whose messages are kept in memory for `trubka ladder`, about 20 KB each; 0: none", least=0)
    log_level: str = _setting("TRUBKA_LOG_LEVEL", "info", "debug, info, warning or error")
    # fmt: on

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read every setting.

        Raises:
            SettingsError: a variable holds what it cannot hold.
        """
        values: dict[str, Any] = {}
        for one in fields(cls):
            variable, also = one.metadata["variable"], one.metadata["also"]
            raw = environment.get(variable, environment.get(also, "") if also else "").strip()
            if raw:
                values[one.name] = _convert(variable, raw, one.default, one.metadata["least"])
        settings = cls(**values)
        settings._check()
        return settings

    def _check(self) -> None:
        parts = urlsplit(self.public_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise SettingsError(
                "TRUBKA_PUBLIC_URL", "a scheme and a host, as https://phone.example.org", self.public_url
            )
        if self.log_level not in ("debug", "info", "warning", "error"):
            raise SettingsError("TRUBKA_LOG_LEVEL", "debug, info, warning or error", self.log_level)
        name_servers(self.dns)
        if bool(self.tls_cert) != bool(self.tls_key):
            raise SettingsError(
                "TLS_CERT and TLS_KEY", "given both or neither", self.tls_cert or self.tls_key
            )
        if bool(self.sip_tls_cert) != bool(self.sip_tls_key):
            raise SettingsError(
                "TRUBKA_SIP_TLS_CERT and TRUBKA_SIP_TLS_KEY",
                "given both or neither",
                self.sip_tls_cert or self.sip_tls_key,
            )

    @property
    def socket_url(self) -> str:
        """The address of the agents' socket, as the browser must call it."""
        return "ws" + self.public_url.rstrip("/").removeprefix("http") + "/ws"

    @property
    def sip_shown_host(self) -> str:
        """What Via and Contact say."""
        return self.sip_public_host or self.sip_host


def name_servers(given: Iterable[str]) -> list[tuple[str, int]]:
    """Addresses and ports of the name servers of `TRUBKA_DNS`.

    Raises:
        SettingsError: one is no address.
    """
    servers = []
    for one in given:
        try:
            parts = urlsplit(f"//[{one}]" if one.count(":") > 1 and "[" not in one else f"//{one}")
            servers.append((str(ip_address(parts.hostname or "")), parts.port or 53))
        except ValueError:
            raise SettingsError("TRUBKA_DNS", "addresses, each with a port if that is not 53", one) from None
    return servers


def _convert(variable: str, raw: str, default: object, least: float | None) -> object:
    if isinstance(default, bool):
        if raw.lower() not in _WORDS:
            raise SettingsError(variable, "yes or no", raw)
        return _WORDS[raw.lower()]
    if isinstance(default, int | float):
        try:
            number = type(default)(raw)
        except ValueError:
            raise SettingsError(variable, "a number", raw) from None
        if least is not None and number < least:
            raise SettingsError(variable, f"at least {least:g}", raw)
        return number
    if variable == "TRUBKA_ICE_SERVERS":
        try:
            return tuple(msgspec.json.decode(raw, type=list[IceServer]))
        except msgspec.DecodeError:
            raise SettingsError(variable, 'a JSON list as [{"urls": ["stun:…"]}]', raw) from None
    if isinstance(default, tuple):
        return tuple(part.strip() for part in raw.split(",") if part.strip())
    return raw


_WORDS = {
    "1": True,
    "yes": True,
    "true": True,
    "on": True,
    "0": False,
    "no": False,
    "false": False,
    "off": False,
}


def settings_table() -> str:
    """The table of settings as README shows it (Markdown)."""
    rows = ["| variable | default | what it is |", "|---|---|---|"]
    for one in fields(Settings):
        name = f"`{one.metadata['variable']}`" + (
            f" or `{one.metadata['also']}`" if one.metadata["also"] else ""
        )
        rows.append(f"| {name} | {_shown(one.default)} | {one.metadata['sentence']} |")
    return "\n".join(rows)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "`yes`" if value else "`no`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value}`" if value not in ("", ()) else "–"
