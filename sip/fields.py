"""The part that requests and responses share: header lines, found when they are asked for, and a body.

A message is kept as the lines it has on the wire. One pass puts them into an index (key → raw value, repeated ones
joined by LF, which no value can hold); a header is read when it is first asked for and kept.

Knows nothing of start lines, transports or dialogs.
Invariants: a message never changes (`with_header`, `without` and `prepend` give another one); no line holds CR, LF or
NUL; `Content-Length` is the body's length in everything that `build` and `reply` make.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, Self

from sip.errors import LocalProtocolError, ParseError
from sip.grammar import remembered, safe, split_list
from sip.headers import CSeq, Reason, ReplacesHeader, Via, read_cseq
from sip.names import KEYS, LISTS, SINGLES, key_of
from sip.uri import NameAddr, Uri, read_address, read_tag

__all__ = [
    "BLANKS",
    "CLASH",
    "MAX_LINES",
    "Headers",
    "Message",
    "Value",
    "first_contact",
    "index_lines",
    "read_length",
]

Value = str | int | Uri | NameAddr | Via | CSeq | Reason | ReplacesHeader
"""What may be given as a header's value; it is written with `str`."""

Headers = Iterable[tuple[str, Value]]

BLANKS: Final = " \t"
_FOLDS: Final = (" ", "\t")

MAX_LINES: Final = 512
"""More header lines than any path can add; bounds the work that one message can ask for."""

CLASH: Final = "\n"
"""The index key that names a header which may stand once and stands twice with different values."""


def index_lines(lines: Iterable[str]) -> dict[str, str]:
    """One pass over header lines: key → raw value. A folded line continues the one before (RFC 3261 §7.3.1);
    what is no header gathers under "" and is so passed over (§8.2.2).
    """
    index: dict[str, str] = {}
    key = ""
    for line in lines:
        name, _, value = line.partition(":")
        try:
            key = KEYS[name]
        except KeyError:
            if line[:1] in _FOLDS:
                index[key] = f"{index.get(key, '')} {line.strip(BLANKS)}"
                continue
            key = key_of(name)
        if key not in index:
            index[key] = value
        elif key not in SINGLES:
            index[key] = f"{index[key]}\n{value}"
        elif index[key].strip(BLANKS) != value.strip(BLANKS):
            index.setdefault(CLASH, key)
    return index


def header_line(name: str, value: Value) -> str:
    """One line. Raises LocalProtocolError for a name that is no token or a value with CR, LF, NUL."""
    if name not in KEYS and not key_of(name):
        raise LocalProtocolError(f"not a header name: {name!r}")
    return f"{name}: {safe(str(value))}"


class Message(ABC):
    """A SIP message (RFC 3261 §7); see `Request` and `Response`.

    What is annotated here is read when it is first asked for. On a message that `parse` gave, that does not fail; on one
    of our own, a header that is absent raises LocalProtocolError.
    """

    __slots__ = (
        "_index",
        "_lines",
        "_wire",
        "body",
        "branch",
        "call_id",
        "contact",
        "cseq",
        "from_",
        "from_tag",
        "to",
        "to_tag",
        "via",
    )

    _lines: list[str]  # the start line first
    _index: dict[str, str]
    _wire: bytes
    body: bytes
    via: Via
    """The topmost Via."""
    branch: str
    """The topmost Via's branch; "" when it has none."""
    call_id: str
    cseq: CSeq
    from_: NameAddr
    to: NameAddr
    from_tag: str | None
    """None from a peer that gives none (RFC 2543)."""
    to_tag: str | None
    """None on what has not been answered yet."""
    contact: NameAddr | None
    """The first Contact; None when there is none, or `*` (see `get`)."""

    if not TYPE_CHECKING:  # a slot that is still empty; mypy shall not take any name for one

        def __getattr__(self, name: str) -> object:
            if name not in _READERS:
                raise AttributeError(f"{type(self).__name__} has no {name}")
            value = _READERS[name](self)
            setattr(self, name, value)
            return value

    def index(self) -> dict[str, str]:
        """Key → raw value of every header; not to be changed."""
        return self._index

    def get(self, name: str) -> str | None:
        """The first value of a header (the whole line, for a list header too), or None."""
        value = self._index.get(KEYS.get(name) or key_of(name))
        if value is None:
            return None
        return (value if "\n" not in value else value[: value.index("\n")]).strip(BLANKS)

    def get_all(self, name: str) -> list[str]:
        """Every value of a header in order; list headers are split at their commas (RFC 3261 §7.3.1)."""
        key = KEYS.get(name) or key_of(name)
        value = self._index.get(key)
        if value is None:
            return []
        values = value.split("\n")
        return split_list(values) if key in LISTS else [one.strip(BLANKS) for one in values]

    def integer(self, name: str) -> int | None:
        """The number in a header such as Expires, Min-Expires, Max-Forwards, Retry-After; None if absent or no number."""
        value = self._index.get(KEYS.get(name) or key_of(name))
        return None if value is None else _read_integer(value)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Every header line as (name, value), folded lines put together."""
        found: list[tuple[str, str]] = []
        for line in self._lines[1:]:
            if line[:1] in _FOLDS:
                if found:
                    found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip(BLANKS)}")
                continue
            name, _, value = line.partition(":")
            found.append((name.rstrip(BLANKS), value.strip(BLANKS)))
        return found

    def need(self, key: str) -> str:
        """The raw value of a header that must be there. Raises LocalProtocolError when we forgot it."""
        try:
            return self._index[key]
        except KeyError:
            raise LocalProtocolError(f"the message has no {key}") from None

    @property
    def contacts(self) -> list[NameAddr]:
        """Every Contact, as a registrar's answer lists them; `*` is passed over."""
        return [NameAddr.parse(value) for value in self.get_all("contact") if value != "*"]

    @property
    def route(self) -> list[NameAddr]:
        return [NameAddr.parse(value) for value in self.get_all("route")]

    @property
    def record_route(self) -> list[NameAddr]:
        return [NameAddr.parse(value) for value in self.get_all("record-route")]

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Every readable Reason (RFC 3326)."""
        return Reason.parse_all(self.get_all("reason")) if "reason" in self._index else ()

    @property
    def replaces(self) -> ReplacesHeader | None:
        """The Replaces header (RFC 3891). Raises ParseError."""
        value = self.get("replaces")
        return None if value is None else ReplacesHeader.parse(value)

    @property
    def content_type(self) -> str | None:
        """The body's media type in lower case, without parameters."""
        value = self._index.get("content-type")
        return None if value is None else _read_media_type(value)

    def to_bytes(self) -> bytes:
        """The message on the wire; a parsed one gives the bytes it was read from.

        Raises LocalProtocolError for text that UTF-8 cannot write (half of a surrogate pair).
        """
        return self._wire

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def __repr__(self) -> str:
        return f"<{self._lines[0]}>"

    def _make_lines(self) -> list[str]:
        """The lines of a message that was not given any at its birth."""
        raise LocalProtocolError("the message has no lines")

    @abstractmethod
    def _with_lines(self, lines: list[str]) -> Self:
        """A message with the same body and start line, and these lines."""

    def prepend(self, name: str, value: Value) -> Self:
        """The same message with one more header on top: a Via, a Route."""
        return self._with_lines([self._lines[0], header_line(name, value), *self._lines[1:]])

    def append(self, name: str, value: Value) -> Self:
        """The same message with one more header at the end, before our Content-Length."""
        return self._with_lines(_insert(list(self._lines), header_line(name, value)))

    def completed(self, first: str, last: Iterable[str] = ()) -> Self:
        """The same message with one more line on top and others at the end, before our Content-Length, in one step.

        Args:
            first, last: whole header lines, which `header_line` made or what is known to hold no line's end.
        """
        lines = self._lines
        end = len(lines) - 1 if lines[-1].startswith("Content-Length:") else len(lines)
        return self._with_lines([lines[0], first, *lines[1:end], *last, *lines[end:]])

    def with_cseq(self, cseq: CSeq) -> Self:
        """The same message with another number."""
        lines = list(self._lines)
        for place, line in enumerate(lines):
            if line.startswith("CSeq: "):
                lines[place] = f"CSeq: {cseq}"
                return self._with_lines(lines)
        return self.with_header("CSeq", cseq)

    def with_header(self, name: str, value: Value) -> Self:
        """The same message with this header once: at the place of the first one, else at the end."""
        line = header_line(name, value)
        kept, place = self._except(key_of(name))
        if place is None:
            return self._with_lines(_insert(kept, line))
        kept.insert(place, line)
        return self._with_lines(kept)

    def without(self, name: str) -> Self:
        """The same message without this header."""
        return self._with_lines(self._except(key_of(name))[0])

    def _except(self, key: str) -> tuple[list[str], int | None]:
        kept, place, dropping = [self._lines[0]], None, False
        for line in self._lines[1:]:
            if line[:1] not in _FOLDS:
                name = line.partition(":")[0]
                dropping = (KEYS[name] if name in KEYS else key_of(name)) == key
                if dropping and place is None:
                    place = len(kept)
            if not dropping:
                kept.append(line)
        return kept, place


@remembered(1024)
def read_length(value: str) -> int:
    """The number in a Content-Length. Raises ParseError."""
    digits = value.strip(BLANKS)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
        raise ParseError(f"unreadable Content-Length: {digits[:20]!r}")
    return int(digits)


@remembered(256)
def _read_integer(value: str) -> int | None:
    digits = value.partition("\n")[0].partition(";")[0].partition("(")[0].strip(BLANKS)
    return int(digits) if len(digits) <= 10 and digits.isascii() and digits.isdigit() else None


@remembered(256)
def _read_media_type(value: str) -> str:
    return value.partition(";")[0].strip(BLANKS).lower()


def first_contact(message: Message) -> NameAddr | None:
    """The first Contact; None when there is none, or `*`. Raises ParseError."""
    value = message._index.get("contact")
    if value is None:
        return None
    if "," in value or "\n" in value or "*" in value:
        return next(iter(message.contacts), None)
    return read_address(value.strip(BLANKS))


def _write(message: Message) -> bytes:
    try:
        return b"%b\r\n\r\n%b" % ("\r\n".join(message._lines).encode(), message.body)
    except UnicodeEncodeError as error:
        raise LocalProtocolError("the message holds half of a surrogate pair") from error


_READERS: Final[dict[str, Callable[[Message], object]]] = {
    "_lines": lambda message: message._make_lines(),
    "_index": lambda message: index_lines(message._lines[1:]),
    "_wire": _write,
    "via": lambda message: Via.parse(message.need("via").partition("\n")[0]),
    "branch": lambda message: message.via.params.get("branch") or "",
    "call_id": lambda message: message.need("call-id").strip(BLANKS),
    "cseq": lambda message: read_cseq(message.need("cseq")),
    "from_": lambda message: read_address(message.need("from")),
    "to": lambda message: read_address(message.need("to")),
    "from_tag": lambda message: read_tag(message.need("from")),
    "to_tag": lambda message: read_tag(message.need("to")),
    "contact": first_contact,
}


def _insert(lines: list[str], line: str) -> list[str]:
    ours = len(lines) > 1 and lines[-1].startswith("Content-Length:")
    lines.insert(len(lines) - 1 if ours else len(lines), line)
    return lines
