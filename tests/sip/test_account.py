"""Where an account's messages go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sip.account import Account, Transport, address_of, is_tcp
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
