"""Addresses: SIP and other URIs (RFC 3261 §19.1), and the name-addr of From, To, Contact, Route (§20.10).

Knows no header and no resolution of names.
Invariants: values are immutable; `parse(str(x)) == x`; whatever stands in a user, a parameter or a header part is
escaped when it is written, so a value can never end the URI or the header it stands in; the host must be one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote as percent_quote
from urllib.parse import unquote as percent_unquote

from sip.errors import LocalProtocolError, ParseError
from sip.grammar import HOST, NO_PARAMS, Params, format_params, parse_params, quote, remembered, unquote

__all__ = ["NameAddr", "Uri", "read_address", "read_tag", "read_target"]

_SIP: Final = re.compile(
    r"""(?P<scheme>[sS][iI][pP][sS]?):
    (?:(?P<user>[^@:\s<>"\x00-\x1f\x7f]++)(?::(?P<password>[^@:\s<>"\x00-\x1f\x7f]*+))?+@)?
    (?P<host>"""
    + HOST
    + r""")(?::(?P<port>[0-9]{1,5}))?+
    (?P<params>(?:;[^;?@\s<>"\x00-\x1f\x7f]*+)*+)
    (?:\?(?P<headers>[^@\s<>"\x00-\x1f\x7f]*+))?+""",
    re.VERBOSE,
)
_OTHER: Final = re.compile(r"""([A-Za-z][A-Za-z0-9+.\-]*+):([^\s<>"\x00-\x1f\x7f]++)""")
_NAME_ADDR: Final = re.compile(
    r"""[ \t]*+(?:"(?P<quoted>(?:[^"\\\r\n\0]|\\[^\r\n\0])*+)"|(?P<plain>[^"<>\r\n\0]*+))[ \t]*+
    <[ \t]*+(?P<uri>[^<>"\s]++)[ \t]*+>[ \t]*+(?P<params>;[^\r\n\0]*+)?+""",
    re.VERBOSE,
)
_BARE_PARAMS: Final = re.compile(r"[^\r\n\0]*+")
_HOST: Final = re.compile(HOST)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*")
_OPAQUE: Final = re.compile(r"""[^\s<>"\x00-\x1f\x7f]+""")

_USER_SAFE: Final = "&=+$,;?/-_.!~*'()"
_PASSWORD_SAFE: Final = "&=+$,-_.!~*'()"
_PARAM_SAFE: Final = "[]/:&+$-_.!~*'()"
_HEADER_SAFE: Final = "[]/?:+$-_.!~*'()"
_TAGGED: Final = re.compile(
    r"""[ ]?(?:"[^"\\]*+"[ ]?|[A-Za-z0-9. ]*+)<sips?:(?:[^@:\s<>"%\x00-\x1f\x7f]++@)?[A-Za-z0-9.\-]++(?::[1-5]?[0-9]{1,4})?
    (?:;[A-Za-z0-9=.\-]*+)*+>(?:;tag=([A-Za-z0-9\-.!%*_+`'~]++))?""",
    re.VERBOSE,
)
"""What nearly every From and To looks like: a subset of the grammar, so that a match proves the whole readable."""

_MUST_MATCH: Final = ("user", "ttl", "method", "maddr")
"""URI parameters that differ when only one side has them (RFC 3261 §19.1.4); `transport` is treated likewise."""


@dataclass(frozen=True, slots=True)
class Uri:
    """A SIP or SIPS URI; of any other scheme, `user` is everything after the colon and `host` is empty.

    Args:
        scheme: in lower case.
        user: without its escapes (`#` for `%23`), or None.
        host: in lower case; an IPv6 address has no brackets here.
        port: None when it is not written.
        params: by lower-case name, without escapes; None is a flag.
        headers: the part after `?`, without escapes.
    """

    scheme: str
    user: str | None
    password: str | None = None
    host: str = ""
    port: int | None = None
    params: Params = NO_PARAMS
    headers: Mapping[str, str] = NO_PARAMS
    # As it was written for the first time: a line's Contact stands in all that it sends.
    _written: str = field(default="", init=False, repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Uri:
        """Read a URI that fills the whole text. Raises ParseError."""
        match = _SIP.fullmatch(text)
        if match is None:
            return cls._parse_other(text)
        scheme, user, password, host, port, params, headers = match.groups()
        if port is not None and int(port) > 65535:
            raise ParseError(f"no such port: {text[:80]!r}")
        return cls(
            scheme.lower(),
            percent_unquote(user) if user and "%" in user else user,
            percent_unquote(password) if password else password,
            host[1:-1].lower() if host[0] == "[" else host.lower(),
            int(port) if port else None,
            _read_params(params) if params else NO_PARAMS,
            _read_headers(headers) if headers else NO_PARAMS,
        )

    @classmethod
    def _parse_other(cls, text: str) -> Uri:
        match = _OTHER.fullmatch(text)
        if match is None or match[1].lower() in ("sip", "sips"):
            raise ParseError(f"unreadable URI: {text[:80]!r}")
        return cls(match[1].lower(), match[2])

    def __str__(self) -> str:
        if not self._written:
            object.__setattr__(self, "_written", self._write())
        return self._written

    def _write(self) -> str:
        if self.scheme not in ("sip", "sips"):
            return self._other()
        parts = [self.scheme, ":"]
        if self.user is not None:
            if not self.user:
                raise LocalProtocolError("an empty user in a URI")
            parts.append(_escape(self.user, _USER_SAFE))
            if self.password is not None:
                parts += (":", _escape(self.password, _PASSWORD_SAFE))
            parts.append("@")
        parts.append(self.host_port)
        for name, value in self.params.items():
            parts.append(f";{_escape(name, _PARAM_SAFE)}")
            if value is not None:
                parts.append(f"={_escape(value, _PARAM_SAFE)}")
        mark = "?"
        for name, value in self.headers.items():
            parts.append(f"{mark}{_escape(name, _HEADER_SAFE)}={_escape(value, _HEADER_SAFE)}")
            mark = "&"
        return "".join(parts)

    def _other(self) -> str:
        if not _SCHEME.fullmatch(self.scheme) or not _OPAQUE.fullmatch(self.user or ""):
            raise LocalProtocolError(f"not a URI: {self.scheme!r}, {self.user!r}")
        return f"{self.scheme}:{self.user}"

    def __hash__(self) -> int:
        return hash((self.scheme, self.user, self.host, self.port))

    @property
    def host_port(self) -> str:
        """`host[:port]` as it is written. Raises LocalProtocolError when the host is no host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        if _HOST.fullmatch(host) is None or not (self.port is None or 0 <= self.port <= 65535):
            raise LocalProtocolError(f"not a host and port: {self.host!r}, {self.port!r}")
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def transport(self) -> str | None:
        """The `transport` parameter in lower case."""
        transport = self.params.get("transport")
        return transport.lower() if transport else None

    @property
    def is_loose_router(self) -> bool:
        """Whether `;lr` stands in it (RFC 3261 §16.12.1.1)."""
        return "lr" in self.params

    def matches(self, other: Uri) -> bool:
        """Whether both name the same resource (RFC 3261 §19.1.4): the order of parameters says nothing."""
        mine, theirs = self.params, other.params
        return (
            (self.scheme, self.user, self.password) == (other.scheme, other.user, other.password)
            and (self.host, self.port) == (other.host, other.port)
            and self.transport == other.transport
            and all(
                (mine.get(name) or "").lower() == (theirs.get(name) or "").lower() for name in _MUST_MATCH
            )
            and all(
                (mine[name] or "").lower() == (theirs[name] or "").lower() for name in mine if name in theirs
            )
            and self.headers == other.headers
        )


@dataclass(frozen=True, slots=True)
class NameAddr:
    """A display name, a URI and the header's own parameters (`tag`, `expires`, `q`); `display` is unquoted, "" if absent."""

    display: str
    uri: Uri
    params: Params = NO_PARAMS

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        """Read one name-addr or addr-spec. Raises ParseError."""
        match = _NAME_ADDR.fullmatch(text)
        if match is None:
            return cls._parse_bare(text)
        quoted, plain, uri, params = match.groups()
        if quoted is None:
            display = plain.strip(" \t")
        else:
            display = unquote(f'"{quoted}"') if "\\" in quoted else quoted
        return cls(display, Uri.parse(uri), parse_params(params) if params else NO_PARAMS)

    @classmethod
    def _parse_bare(cls, text: str) -> NameAddr:
        # RFC 3261 §20: without angle brackets, what follows a semicolon belongs to the header, not to the URI.
        address, semicolon, params = text.strip(" \t").partition(";")
        if "?" in address or "," in address or not _BARE_PARAMS.fullmatch(params):
            raise ParseError(f"an address that needs angle brackets: {text[:80]!r}")
        return cls("", Uri.parse(address.rstrip(" \t")), parse_params(semicolon + params))

    def __str__(self) -> str:
        display = f"{quote(self.display)} " if self.display else ""
        return f"{display}<{self.uri}>{format_params(self.params)}"

    @property
    def tag(self) -> str | None:
        """The dialog tag of a From or To."""
        return self.params.get("tag")

    def with_params(self, **params: str | None) -> NameAddr:
        """The same address with these parameters set."""
        return NameAddr(self.display, self.uri, {**self.params, **params})


@remembered(4096)
def read_tag(text: str) -> str | None:
    """The tag of a From or To, as `NameAddr.parse(text).tag`, in a fifth of the time, and remembered: every message
    of a dialog has the same two. Raises ParseError.
    """
    match = _TAGGED.fullmatch(text)
    return match[1] if match is not None else NameAddr.parse(text).tag


@remembered(2048)
def read_address(text: str) -> NameAddr:
    """`NameAddr.parse` that remembers: a PBX has one Contact, and every message of a dialog the same From and To."""
    return NameAddr.parse(text)


@remembered(2048)
def read_target(text: str) -> Uri:
    """`Uri.parse` that remembers: the Request-URI of a line's calls is always its Contact."""
    return Uri.parse(text)


def _escape(text: str, safe: str) -> str:
    if text.isalnum() and text.isascii():
        return text
    return percent_quote(text, safe=safe, errors="replace")


def _read_params(text: str) -> Params:
    found: dict[str, str | None] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if name:
            found.setdefault(percent_unquote(name).lower(), percent_unquote(value) if equals else None)
    return found


def _read_headers(text: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for part in text.split("&"):
        name, _, value = part.partition("=")
        if name:
            found.setdefault(percent_unquote(name), percent_unquote(value))
    return found
