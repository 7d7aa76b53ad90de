"""Where an account's messages go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sip.account import Account, Transport, address_of, is_tcp
from sip.errors import LocalProtocolError
from sip.flow import Flow
from sip.uri import Uri

ACCOUNT = Account(
    Uri("sip", "101", None, "pbx.example"), "101", "hush-1", Uri("sip", None, None, "192.0.2.5", 5070)
)


def test_the_password_is_never_printed() -> None:
    assert "hush" not in repr(ACCOUNT)


def test_the_proxy_comes_before_the_next_hop_and_that_before_the_registrar() -> None:
    assert ACCOUNT.flow(100) == Flow("udp", ("192.0.2.5", 5070))
    assert ACCOUNT.flow(100, ("192.0.2.6", 5060)) == Flow("udp", ("192.0.2.6", 5060))
    proxied = replace(ACCOUNT, proxy=("192.0.2.7", 5080))
    assert proxied.flow(100, ("192.0.2.6", 5060)) == Flow("udp", ("192.0.2.7", 5080))


def test_a_registrar_with_a_name_and_no_proxy_is_a_mistake_that_says_so() -> None:
    with pytest.raises(ValueError, match="no numeric address"):
        replace(ACCOUNT, registrar=Uri("sip", None, None, "pbx.example")).flow(100)


@pytest.mark.parametrize(
    ("transport", "size", "tcp"),
    [("udp", 5000, False), ("tcp", 10, True), ("auto", 1300, False), ("auto", 1301, True)],
)
def test_auto_obeys_the_size_rule_and_udp_is_udp_at_any_size(
    transport: Transport, size: int, tcp: bool
) -> None:
    assert is_tcp(transport, size) == tcp
    assert (replace(ACCOUNT, transport=transport).flow(size).transport == "tcp") == tcp


def test_a_line_on_tls_goes_to_a_peer_that_must_show_its_name() -> None:
    """RFC 5922 §4: the name that was looked up, not what the look-up found."""
    named = replace(
        ACCOUNT, registrar=Uri("sip", None, None, "pbx.example"), proxy=("192.0.2.7", 5061), transport="tls"
    )
    assert named.flow(5000) == Flow("tls", ("192.0.2.7", 5061), 0, "pbx.example")
    assert replace(named, server_name="tls.pbx.example").flow(10).name == "tls.pbx.example"


@pytest.mark.parametrize(("uri", "registrar"), [("sips", "sip"), ("sip", "sips")])
def test_the_scheme_sips_makes_a_line_tls_26_2_2(uri: str, registrar: str) -> None:
    account = replace(
        ACCOUNT, uri=Uri(uri, "101", None, "pbx.example"), registrar=Uri(registrar, None, None, "192.0.2.5")
    )
    assert account.is_secure
    assert account.transport == "tls"
    assert account.flow(10) == Flow("tls", ("192.0.2.5", 5061), 0, "192.0.2.5")


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("sip:192.0.2.1", 5060),
        ("sips:192.0.2.1", 5061),
        ("sip:192.0.2.1;transport=TLS", 5061),
        ("sips:192.0.2.1:5", 5),
    ],
)
def test_the_port_of_tls_is_5061_19_1_2(text: str, port: int) -> None:
    assert address_of(Uri.parse(text)) == ("192.0.2.1", port)


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [
        ("192.0.2.1", None, ("192.0.2.1", 5060)),
        ("2001:db8::1", 5070, ("2001:db8::1", 5070)),
        ("pbx.example", 5070, None),
        ("1and1.example", None, None),
        ("12345", None, None),
    ],
)
def test_only_a_numeric_host_is_an_address(
    host: str, port: int | None, address: tuple[str, int] | None
) -> None:
    assert address_of(Uri("sip", None, None, host, port)) == address


@pytest.mark.parametrize(
    ("username", "password"), [("a\r\nb", "p"), ("a\0", "p"), ("\ud800", "p"), ("a", "\ud800")]
)
def test_credentials_that_no_header_or_hash_can_hold_are_refused_at_once(
    username: str, password: str
) -> None:
    with pytest.raises(LocalProtocolError):
        Account(Uri("sip", "a", None, "h"), username, password, Uri("sip", None, None, "h"))
