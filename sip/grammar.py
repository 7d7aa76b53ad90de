"""The lexical ground that URIs and headers share: tokens, quoted strings, parameters, lists (RFC 3261 §25.1).

Knows no header by name.
Invariants: every pattern runs in linear time (possessive where it repeats); reading raises `ParseError` only,
writing raises `LocalProtocolError` only; no CR, LF or NUL leaves through `safe` or `quote`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Generic, TypeVar

from sip.errors import LocalProtocolError, ParseError

__all__ = [
    "HOST",
    "NO_PARAMS",
    "TOKEN",
    "TOKEN_BYTES",
    "Params",
    "format_params",
    "is_token",
    "parse_params",
    "quote",
    "remembered",
    "safe",
    "safe_lines",
    "split_list",
    "token",
    "unquote",
]

Params = Mapping[str, str | None]
"""Parameters by lower-case name; None is a flag without a value (`;lr`)."""


class _NoParams(dict[str, str]):
    """An empty mapping that may be a default value, since it has a hash. Typed as a Mapping, nobody writes to it."""

    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override]
        return 0


NO_PARAMS: Final = _NoParams()
TOKEN: Final = r"[A-Za-z0-9\-.!%*_+`'~]"
TOKEN_BYTES: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~")
HOST: Final = r"\[[0-9A-Fa-f:.]++\]|[A-Za-z0-9_.\-]++"
"""A host name, an IPv4 address or an IPv6 reference; `_` is no letter of RFC 1123, but container names have it."""

_T = TypeVar("_T")
_SHORT: Final = 256
"""Characters; more than any address that is in daily use."""

_TOKEN: Final = re.compile(TOKEN + "++")
_PARAM: Final = re.compile(
    r"[ \t]*+;[ \t]*+(" + TOKEN + r'*+)(?:[ \t]*+=[ \t]*+("(?:[^"\\]|\\.)*+"|[^;"]*+))?+[ \t]*+'
)
_USUAL: Final = frozenset({"branch", "expires", "lr", "q", "received", "rport", "tag", "transport"})
_ELEMENT: Final = re.compile(r'(?:[^,"<]++|"(?:[^"\\]|\\.)*+"|<[^>]*+>)*+')


class _Memory(dict[str, _T], Generic[_T]):
    """What was read from up to `size` short texts. When it is full it begins anew: a known text then costs one look-up,
    with no order to keep."""

    def __init__(self, size: int, read: Callable[[str], _T]) -> None:
        super().__init__()
        self._size = size
        self._read = read

    def __missing__(self, text: str) -> _T:
        value = self._read(text)
        if len(text) <= _SHORT:
            if len(self) >= self._size:
                self.clear()
            self[text] = value
        return value


def remembered(size: int) -> Callable[[Callable[[str], _T]], Callable[[str], _T]]:
    """A reader that remembers up to `size` short texts; a long one is read anew, so that no peer fills our memory."""
    return lambda read: _Memory(size, read).__getitem__


def is_token(text: str) -> bool:
    """Whether `text` is a token (RFC 3261 §25.1)."""
    return _TOKEN.fullmatch(text) is not None


def token(text: str) -> str:
    """`text`, if it is a token; raises LocalProtocolError otherwise."""
    if _TOKEN.fullmatch(text) is None:
        raise LocalProtocolError(f"not a token: {text!r}")
    return text


def safe(value: str) -> str:
    """`value`, if it may stand in a header line: a CR, LF or NUL would let a value become a header.

    Raises LocalProtocolError.
    """
    if "\r" in value or "\n" in value or "\0" in value:
        raise LocalProtocolError(f"CR, LF or NUL in a header value: {value!r}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise LocalProtocolError(f"half of a surrogate pair in a header value: {value!r}") from error
    return value


def safe_lines(lines: list[str]) -> list[str]:
    """The lines, if each is `safe`: looked at together, since there is hardly ever anything to find. Raises LocalProtocolError."""
    try:
        safe("".join(lines))
    except LocalProtocolError:
        for line in lines:
            safe(line)  # so that the sentence names the one that is not
        raise
    return lines


def quote(text: str) -> str:
    """`text` as a quoted string. Raises LocalProtocolError for CR, LF, NUL."""
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{safe(text)}"'


def unquote(text: str) -> str:
    """The inside of a quoted string; anything that is not quoted is returned as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inside = text[1:-1]
    if "\\" not in inside:
        return inside
    return (
        inside.replace("\\\\", "\0").replace("\\", "").replace("\0", "\\")
    )  # no text on the wire holds a NUL


def parse_params(text: str) -> Params:
    """`;name=value;flag` as a mapping; empty elements (`;;`) are passed over, the first of two equals wins.

    Raises ParseError when something between the semicolons is no parameter.
    """
    if not text:
        return NO_PARAMS
    found: dict[str, str | None] = {}
    if '"' not in text:
        for part in text.split(";"):
            name, equals, value = part.partition("=")
            if name not in _USUAL:
                name = name.strip(" \t").lower()
                if not name:
                    continue
                if _TOKEN.fullmatch(name) is None:
                    raise ParseError(f"not a parameter's name: {name[:80]!r}")
            if name not in found:
                found[name] = value.strip(" \t") if equals else None
        return found
    position, end = 0, len(text)
    while position < end:
        match = _PARAM.match(text, position)
        if match is None:
            raise ParseError(f"unreadable parameters: {text[:80]!r}")
        position = match.end()
        if name := match[1].lower():
            found.setdefault(name, None if match[2] is None else unquote(match[2].strip(" \t")))
    return found


def format_params(params: Params) -> str:
    """The text of header parameters, each with its semicolon; a value that is no token or host is quoted, but for an
    IPv6 address in Via's `received`, which stands there as it is (RFC 5118 §4.5).
    """
    parts = []
    for name, value in params.items():
        if value is None:
            parts.append(f";{token(name)}")
        elif _PLAIN.fullmatch(value) or (name == "received" and _IPV6.fullmatch(value)):
            parts.append(f";{token(name)}={value}")
        else:
            parts.append(f";{token(name)}={quote(value)}")
    return "".join(parts)


_PLAIN: Final = re.compile(rf"{TOKEN}++|{HOST}")
_IPV6: Final = re.compile(r"[0-9A-Fa-f:.]++")


def split_list(values: Iterable[str]) -> list[str]:
    """The elements of a list header: commas count outside quotes and angle brackets (RFC 3261 §7.3.1)."""
    found: list[str] = []
    for value in values:
        if "," not in value:
            found.append(value.strip(" \t"))
        elif '"' not in value and "<" not in value:
            found += [part.strip(" \t") for part in value.split(",")]
        else:
            found += _split_quoted(value)
    return [element for element in found if element]


def _split_quoted(value: str) -> list[str]:
    found, position = [], 0
    while position <= len(value):
        match = _ELEMENT.match(value, position)
        end = match.end() if match else position
        if end < len(value) and value[end] != ",":
            end = len(
                value
            )  # a quote or a bracket that never closes: the rest is one element, refused when read
        found.append(value[position:end].strip(" \t"))
        position = end + 1
    return found
