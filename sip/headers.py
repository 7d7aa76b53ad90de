"""The headers with a structure: Via, CSeq, Replaces, Reason, and the parameters of challenges and credentials.

Addresses are in `sip.uri`. Knows nothing of messages.
Invariants: `parse` raises `ParseError` only; `str` of a value that was read gives the same value when read again;
what may not stand on the wire raises `LocalProtocolError` when it is written.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from sip.errors import LocalProtocolError, ParseError
from sip.grammar import (
    HOST,
    NO_PARAMS,
    TOKEN,
    Params,
    format_params,
    is_token,
    parse_params,
    quote,
    remembered,
    split_list,
    token,
    unquote,
)

__all__ = [
    "USUAL_METHODS",
    "AuthParams",
    "CSeq",
    "Reason",
    "ReplacesHeader",
    "Via",
    "checked_call_id",
    "read_cseq",
]

USUAL_METHODS: Final = frozenset(
    (
        "ACK",
        "BYE",
        "CANCEL",
        "INFO",
        "INVITE",
        "NOTIFY",
        "OPTIONS",
        "PRACK",
        "REFER",
        "REGISTER",
        "SUBSCRIBE",
        "UPDATE",
    )
)
"""Those that need not be looked at to see that they are tokens."""

MAX_CSEQ: Final = 2**31 - 1

_new: Final = tuple.__new__
"""Goes round the constructor of a NamedTuple, which is written in Python: Via and CSeq are made for every message."""

_FIRST_VIA: Final = re.compile(r'([^;,"]++)(;(?:[^,"]++|"(?:[^"\\]|\\.)*+")*+)?+(?=,|\Z)')
_SENT: Final = re.compile(
    r"[ \t]*+SIP[ \t]*+/[ \t]*+[0-9]++\.[0-9]++[ \t]*+/[ \t]*+(" + TOKEN + r"++)[ \t]++(" + HOST + r")"
    r"(?:[ \t]*+:[ \t]*+([0-9]{1,5}))?+[ \t]*+",
    re.IGNORECASE,
)
_CSEQ: Final = re.compile(r"[ \t]*+([0-9]{1,10})[ \t]++(" + TOKEN + r"++)[ \t]*+")
_AUTH: Final = re.compile(
    r"[ \t]*+,?[ \t,]*+(" + TOKEN + r'++)[ \t]*+=[ \t]*+("(?:[^"\\]|\\.)*+"|[^\s,"]*+)[ \t]*+(?=,|\Z)'
)
_HOST: Final = re.compile(HOST)
_CALL_ID: Final = re.compile(r"[!-~]++")


@remembered(1024)
def _read_sent(text: str) -> tuple[str, str, int | None]:
    """Transport, host and port of a Via. Remembered, for a peer always writes its own in the same way."""
    match = _SENT.fullmatch(text)
    if match is None or int(match[3] or 0) > 65535:
        raise ParseError(f"unreadable Via: {text[:80]!r}")
    host = match[2]
    return match[1].upper(), host[1:-1] if host[0] == "[" else host, int(match[3]) if match[3] else None


@remembered(1024)
def _read_frame(text: str) -> tuple[str, str, int | None, Params]:
    """A Via whose branch is left empty."""
    sent, _, params = text.partition(";")
    return (*_read_sent(sent), parse_params(params))


def checked_call_id(text: str) -> str:
    """`text`, if it may be a Call-ID of ours (RFC 3261 §25.1: words, no blanks); raises LocalProtocolError otherwise."""
    if _CALL_ID.fullmatch(text) is None:
        raise LocalProtocolError(f"not a Call-ID: {text!r}")
    return text


class Via(NamedTuple):
    """One hop that a request has passed (RFC 3261 §20.42); `host` as it is written, an IPv6 one without brackets."""

    transport: str
    host: str
    port: int | None = None
    params: Params = NO_PARAMS

    @classmethod
    def parse(cls, text: str) -> Via:
        """Read the first (topmost) value of a Via line; what follows its comma is not looked at. Raises ParseError.

        Another version of SIP is read, so that a request of it can be told 505; it is written as ours.
        """
        if "," not in text and '"' not in text:
            before, marked, after = text.partition(";branch=")
            if marked:
                # All but the branch comes again with each message of the peer.
                branch, _, rest = after.partition(";")
                transport, host, port, found = _read_frame(f"{before};branch;{rest}")
                if found["branch"] is None:
                    return _new(cls, (transport, host, port, {**found, "branch": branch.strip(" \t")}))
            sent, _, params = text.partition(";")
        else:
            match = _FIRST_VIA.match(text)
            if match is None:
                raise ParseError(f"unreadable Via: {text[:80]!r}")
            sent, params = match.groups()
        found = parse_params(params) if params else NO_PARAMS
        return _new(cls, (*_read_sent(sent), found))

    def __str__(self) -> str:
        return f"SIP/2.0/{token(self.transport)} {self.sent_by}{format_params(self.params)}"

    @property
    def sent_by(self) -> str:
        """`host[:port]`. Raises LocalProtocolError when the host is no host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        if _HOST.fullmatch(host) is None:
            raise LocalProtocolError(f"not a host: {self.host!r}")
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def branch(self) -> str:
        """The transaction's id; "" from a peer that writes none (RFC 2543)."""
        return self.params.get("branch") or ""

    @property
    def received(self) -> str | None:
        """The address the request came from, if it differs from `host` (RFC 3261 §18.2.1); an IPv6 one without the
        brackets that some write (RFC 5118 §4.5).
        """
        received = self.params.get("received")
        return received[1:-1] if received and received[0] == "[" and received[-1] == "]" else received

    @property
    def rport(self) -> int | None:
        """The port the request came from (RFC 3581); None when absent or still empty."""
        value = self.params.get("rport")
        return int(value) if value and value.isascii() and value.isdigit() and int(value) <= 65535 else None

    def with_received(self, host: str, port: int) -> Via:
        """The Via as a server notes it: `received` when the address differs or rport was asked (RFC 3581 §4)."""
        asked = "rport" in self.params
        if not asked and host == self.host:
            return self
        params = {**self.params, "received": host}
        if asked:
            params["rport"] = str(port)
        return self._replace(params=params)


class CSeq(NamedTuple):
    """The order of requests inside a dialog (RFC 3261 §20.16)."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> CSeq:
        """Raises ParseError; the number is below 2**31 (RFC 3261 §8.1.1.5)."""
        match = _CSEQ.fullmatch(text)
        if match is None or (number := int(match[1])) > MAX_CSEQ:
            raise ParseError(f"unreadable CSeq: {text[:80]!r}")
        return _new(cls, (number, match[2]))

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


@remembered(1024)
def read_cseq(text: str) -> CSeq:
    """`CSeq.parse` that remembers: dialogs begin with the same few numbers."""
    return CSeq.parse(text)


class ReplacesHeader(NamedTuple):
    """Which dialog an INVITE takes the place of (RFC 3891); the tags are named from the receiver's side."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> ReplacesHeader:
        """Raises ParseError; both tags are mandatory (RFC 3891 §6.1)."""
        call_id, semicolon, rest = text.strip(" \t").partition(";")
        params = parse_params(semicolon + rest)
        to_tag, from_tag = params.get("to-tag"), params.get("from-tag")
        if not call_id or not to_tag or not from_tag:
            raise ParseError(f"unreadable Replaces: {text[:80]!r}")
        return cls(call_id.rstrip(" \t"), to_tag, from_tag, "early-only" in params)

    def __str__(self) -> str:
        early = ";early-only" if self.early_only else ""
        if ";" in self.call_id or "," in self.call_id:
            raise LocalProtocolError(f"not a Call-ID: {self.call_id!r}")
        return f"{checked_call_id(self.call_id)};to-tag={token(self.to_tag)};from-tag={token(self.from_tag)}{early}"


class Reason(NamedTuple):
    """Why a request was sent, in the words of one protocol (RFC 3326): `SIP;cause=200;text="Call completed elsewhere"`."""

    protocol: str
    cause: int | None = None
    text: str | None = None

    @classmethod
    def parse(cls, value: str) -> Reason:
        """Read one value. Raises ParseError."""
        protocol, semicolon, rest = value.strip(" \t").partition(";")
        protocol = protocol.rstrip(" \t")
        if not is_token(protocol):
            raise ParseError(f"unreadable Reason: {value[:80]!r}")
        params = parse_params(semicolon + rest)
        cause = params.get("cause")
        number = int(cause) if cause and len(cause) < 6 and cause.isascii() and cause.isdigit() else None
        text = params.get("text")
        return cls(protocol, number, unquote(text) if text else text)

    @classmethod
    def parse_all(cls, values: Iterable[str]) -> tuple[Reason, ...]:
        """Read every readable one of several lines or values; a reason is a courtesy, an unreadable one is passed over."""
        found = []
        for value in split_list(values):
            try:
                found.append(cls.parse(value))
            except ParseError:
                continue
        return tuple(found)

    def __str__(self) -> str:
        cause = "" if self.cause is None else f";cause={self.cause}"
        text = "" if self.text is None else f";text={quote(self.text)}"
        return f"{token(self.protocol)}{cause}{text}"


class AuthParams(NamedTuple):
    """A challenge or credentials (RFC 7235 §2.1): the scheme and its parameters by lower-case name, unquoted."""

    scheme: str
    params: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> AuthParams:
        """Read one challenge (SIP puts one in a line, RFC 3261 §7.3.1). Raises ParseError."""
        scheme, _, rest = text.strip(" \t").partition(" ")
        if not is_token(scheme):
            raise ParseError(f"unreadable challenge: {text[:80]!r}")
        params: dict[str, str] = {}
        position, rest = 0, rest.rstrip(" \t,")
        while position < len(rest):
            match = _AUTH.match(rest, position)
            if match is None or match[1].lower() in params:
                raise ParseError(f"unreadable challenge: {text[:80]!r}")
            params[match[1].lower()] = unquote(match[2])
            position = match.end()
        return cls(scheme, params)

    def format(self, bare: Collection[str] = ()) -> str:
        """The header's value; the parameters named in `bare` are written without quotes (RFC 7616 §3.4)."""
        parts = [
            f"{token(name)}={token(value) if name in bare else quote(value)}"
            for name, value in self.params.items()
        ]
        return f"{token(self.scheme)} {', '.join(parts)}"
