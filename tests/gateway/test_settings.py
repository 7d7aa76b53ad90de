"""gateway/settings.py: every variable is read, checked and described once."""

from dataclasses import fields

import pytest

from gateway.settings import Settings, SettingsError, name_servers, settings_table
from protocol.messages import IceServer


def test_an_empty_environment_gives_the_embedded_defaults() -> None:
    settings = Settings.from_environment({})
    assert settings == Settings()
    assert settings.database_url == "sqlite:///var/trubka.db"


def test_the_product_s_own_variable_wins_over_the_platform_s() -> None:
    assert Settings.from_environment({"PORT": "9000"}).port == 9000
    assert Settings.from_environment({"PORT": "9000", "TRUBKA_PORT": "9100"}).port == 9100


def test_kinds_are_converted() -> None:
    settings = Settings.from_environment(
        {
            "TRUBKA_BLIP": "7.5",
            "TRUBKA_REUSE_TOKEN": "No",
            "TRUBKA_SIP_SOURCES": "10.0.0.1, 10.0.0.2,",
            "TRUBKA_ICE_SERVERS": '[{"urls": ["stun:stun.example.org"]}]',
        }
    )
    assert settings.blip == 7.5
    assert settings.reuse_token is False
    assert settings.sip_sources == ("10.0.0.1", "10.0.0.2")
    assert settings.ice_servers == (IceServer(("stun:stun.example.org",)),)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TRUBKA_PORT", "http", "a number"),
        ("TRUBKA_BLIP", "0.1", "at least 1"),
        ("TRUBKA_REUSE_TOKEN", "perhaps", "yes or no"),
        ("TRUBKA_ICE_SERVERS", "stun:x", "JSON list"),
        ("TRUBKA_PUBLIC_URL", "phone.example.org", "scheme and a host"),
        ("TRUBKA_PUBLIC_URL", "https://phone.example.org/path", "scheme and a host"),
        ("TRUBKA_LOG_LEVEL", "loud", "debug, info"),
        ("TLS_CERT", "cert.pem", "both or neither"),
        ("TRUBKA_SIP_TLS_KEY", "key.pem", "both or neither"),
        ("TRUBKA_SIP_NAT_PING", "-1", "at least 0"),
        ("TRUBKA_DNS", "192.0.2.53,dns.example", "addresses"),
        ("TRUBKA_REGISTER_RATE", "0", "at least 1"),
    ],
)
def test_what_a_variable_cannot_hold_is_said_with_its_name(variable: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError, match=variable) as error:
        Settings.from_environment({variable: value})
    assert said in str(error.value)


def test_name_servers_are_addresses_with_or_without_a_port() -> None:
    given = ("192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353")
    assert name_servers(given) == [
        ("192.0.2.53", 53), ("192.0.2.53", 5353), ("2001:db8::53", 53), ("2001:db8::53", 5353),
    ]  # fmt: skip


def test_the_socket_s_address_follows_the_public_one() -> None:
    assert Settings(public_url="https://phone.example.org").socket_url == "wss://phone.example.org/ws"
    assert Settings(public_url="http://127.0.0.1:8080/").socket_url == "ws://127.0.0.1:8080/ws"


def test_the_pbx_is_shown_the_public_address_where_there_is_one() -> None:
    assert Settings(sip_host="0.0.0.0").sip_shown_host == "0.0.0.0"
    assert Settings(sip_host="0.0.0.0", sip_public_host="192.0.2.7").sip_shown_host == "192.0.2.7"


def test_the_table_has_a_row_for_every_setting() -> None:
    table = settings_table().splitlines()
    assert len(table) == 2 + len(fields(Settings))
    assert all(any(one.metadata["variable"] in row for row in table) for one in fields(Settings))
