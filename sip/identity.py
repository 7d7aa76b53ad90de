"""Whom a certificate is for: the identity of a SIP domain (RFC 5922 §7.1, §7.2; RFC 3261 §26.3.1).

Reads what the `ssl` module says of a certificate whose chain was verified already; knows nothing of connections. Invariants: a
certificate without a fitting name fits nobody; what the peer wrote into it can make it unfit and nothing worse.

The RFC wants no wildcards (§7.2). A whole leftmost label is taken all the same, as RFC 9525 §6.3 takes it: hosted PBXs show
`*.pbx.example`, and to refuse that drives their customers to no TLS at all. A SIP URI with a wildcard is never taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any, Final

from sip.errors import ParseError
from sip.uri import Uri

_SHOWN: Final = 5  # names in a refusal


def identities(certificate: Mapping[str, Any]) -> list[str]:
    """The domains and addresses that a certificate is for, in lower case (§7.1).

    Those of its subjectAltName: each SIP URI without a user part, each DNS name, each address. Its common name counts only where
    it has no subjectAltName at all.

    Args:
        certificate: as `SSLSocket.getpeercert()` gives it.
    """
    names = certificate.get("subjectAltName")
    if names is None:
        return [value.lower() for name, value in _subject(certificate) if name == "commonName"]
    found = []
    for kind, value in names:
        if kind == "URI":
            found += _domain(value)
        elif kind == "DNS":
            found.append(value.lower().rstrip("."))
        elif kind == "IP Address":
            found += _address(value)
    return found


def refusal(certificate: Mapping[str, Any], name: str) -> str:
    """Why a certificate is not taken for a peer of this name; "" when it is for it.

    Args:
        name: the domain that was looked up, or a numeric address without brackets.
    """
    known = identities(certificate)
    wanted = (_address(name) or [name.lower().rstrip(".")])[0]
    parent = f"*.{wanted.partition('.')[2]}"
    if wanted in known or (parent in known and "." in parent[2:] and not _address(name)):
        return ""
    listed = ", ".join(known[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
    return f"it is for {listed.encode('ascii', 'replace').decode() or 'nobody'}, not for {name}"


def _subject(certificate: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for relative_name in certificate.get("subject", ()):
        yield from relative_name


def _domain(text: str) -> list[str]:
    """The host of `sip:host`; a URI with a user part is a person's and not a domain's (§7.1)."""
    try:
        uri = Uri.parse(text)
    except ParseError:
        return []
    return [uri.host] if uri.scheme == "sip" and uri.user is None else []


def _address(text: str) -> list[str]:
    """A numeric address as it is written shortest."""
    try:
        return [str(ip_address(text.strip()))]
    except ValueError:
        return []
