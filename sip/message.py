"""SIP messages: requests, responses, and reading either from bytes (RFC 3261 §7, §18.3).

`parse` looks at all that others may rely on (start line, mandatory headers, addresses, length), once, and leaves the
rest until it is asked for. Knows nothing of transactions, transports or time.
Invariants: `parse` raises `ParseError` and nothing else; `parse(x.to_bytes()) == x` for every x that `build` and
`reply` make and that has the mandatory headers.
"""

from __future__ import annotations

import re
from typing import Final, Self

from sip.errors import LocalProtocolError, ParseError, SipError
from sip.fields import BLANKS, CLASH, MAX_LINES, Headers, Message, first_contact, index_lines, read_length
from sip.grammar import is_token, safe, safe_lines, split_list, token
from sip.headers import USUAL_METHODS, Via, read_cseq
from sip.names import KEYS, NAMES, key_of
from sip.phrases import phrase
from sip.uri import Uri, read_tag, read_target

__all__ = ["MAX_DATAGRAM", "Message", "Request", "Response", "parse"]

MAX_DATAGRAM: Final = 65_535

_VERSION: Final = re.compile(r"SIP/[0-9]+\.[0-9]+", re.IGNORECASE)
_STATUS_LINE: Final = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*)|)", re.IGNORECASE | re.DOTALL)
_MANDATORY: Final = frozenset({"call-id", "cseq", "from", "to", "via"})
_DIALOG_METHODS: Final = frozenset({"INVITE", "REFER", "SUBSCRIBE"})
_UNSAFE_TARGET: Final = re.compile(r'[\s<>"\x00-\x1f\x7f]')


class Request(Message):
    """A request. `uri` is read when it is asked for; after `parse` that does not fail."""

    __slots__ = ("_stamp", "_target", "_unstamped", "_uri", "method")

    _unstamped: list[str]  # only of a request that was stamped: its lines before
    _stamp: str  # and the line of its topmost Via

    def __init__(self, method: str, target: str, lines: list[str], body: bytes = b"") -> None:
        self.method = method
        self._target = target
        self._lines = lines
        self.body = body
        self._uri: Uri | None = None

    @classmethod
    def build(cls, method: str, uri: Uri | str, headers: Headers = (), body: bytes = b"") -> Self:
        """A request of ours; Content-Length is added. Raises LocalProtocolError for what may not stand on the wire."""
        target = str(uri)
        if not is_token(method) or not target or _UNSAFE_TARGET.search(target):
            raise LocalProtocolError(f"not a request line: {method!r} {target!r}")
        if uri is target:  # a text, which may be anything
            _must_be_target(target)
        lines = [f"{method} {target} SIP/2.0"]
        _add_headers(lines, headers, body)
        return cls(method, target, lines, body)

    @property
    def target(self) -> str:
        """The Request-URI as it stands in the start line, which is what a digest covers."""
        return self._target

    @property
    def uri(self) -> Uri:
        if self._uri is None:
            self._uri = read_target(self._target)
        return self._uri

    def with_uri(self, uri: Uri) -> Self:
        """The same request to another target, as after a redirection."""
        target = str(uri)
        return type(self)(
            self.method, target, [f"{self.method} {target} SIP/2.0", *self._lines[1:]], self.body
        )

    def with_received(self, host: str, port: int) -> Self:
        """The request with where it came from noted in its topmost Via (RFC 3261 §18.2.1, RFC 3581 §4)."""
        via = self.via.with_received(host, port)
        if via is self.via:
            return self
        first, _, more = self._index["via"].partition("\n")
        text = _stamped(first, self.via, host, port) or ", ".join([str(via), *split_list([first])[1:]])
        clone = object.__new__(type(self))
        clone.method, clone._target, clone._uri, clone.body = self.method, self._target, self._uri, self.body
        # Its lines are made when they are asked for: nobody needs them for an answer.
        clone._unstamped, clone._stamp = self._lines, f"Via: {text}"
        clone._index = {**self._index, "via": f"{text}\n{more}" if more else text}
        clone.via = via
        try:
            clone.cseq, clone.call_id = self.cseq, self.call_id
            clone.from_tag, clone.to_tag, clone.contact = self.from_tag, self.to_tag, self.contact
        except SipError:
            pass  # it is refused for this, and the answer is stamped all the same
        return clone

    def reply(
        self,
        status: int,
        reason: str | None = None,
        *,
        to_tag: str | None = None,
        headers: Headers = (),
        body: bytes = b"",
    ) -> Response:
        """The response to this request (RFC 3261 §8.2.6): Via, From, To, Call-ID and CSeq are copied, Record-Route into
        what makes a dialog (§12.1.1), Timestamp into 100.

        Args:
            to_tag: the tag for To, when the request has none.

        Raises LocalProtocolError for what may not stand on the wire.
        """
        reason = _checked_reason(status, reason)
        index = self._index
        if not index.keys() >= _MANDATORY:
            raise LocalProtocolError(f"the request has no {min(_MANDATORY - index.keys())}")
        lines = [f"SIP/2.0 {status} {reason}", *_copied("Via", index["via"])]
        if status < 300 and "record-route" in index and self.method in _DIALOG_METHODS:
            lines += _copied("Record-Route", index["record-route"])
        to = index["to"] if to_tag is None else self._to_with(token(to_tag))
        lines += (
            f"From: {index['from'].strip(BLANKS)}",
            f"To: {to.strip(BLANKS)}",
            f"Call-ID: {index['call-id'].strip(BLANKS)}",
            f"CSeq: {index['cseq'].strip(BLANKS)}",
        )
        if status == 100 and "timestamp" in index:
            lines += _copied("Timestamp", index["timestamp"])
        _add_headers(lines, headers, body)
        return Response(status, reason, lines, body)

    def _to_with(self, tag: str) -> str:
        """To with this tag, unless it has one; one that cannot be read is given back as it came."""
        to = self._index["to"]
        try:
            return to if self.to_tag is not None else f"{to};tag={tag}"
        except ParseError:
            return to

    def _make_lines(self) -> list[str]:
        return _replace_first(self._unstamped, "via", self._stamp)

    def _with_lines(self, lines: list[str]) -> Self:
        return type(self)(self.method, self._target, lines, self.body)


class Response(Message):
    """A response."""

    __slots__ = ("reason", "status")

    def __init__(self, status: int, reason: str, lines: list[str], body: bytes = b"") -> None:
        self.status = status
        self.reason = reason
        self._lines = lines
        self.body = body

    @classmethod
    def build(cls, status: int, reason: str | None = None, headers: Headers = (), body: bytes = b"") -> Self:
        """A response made of its headers; the usual way is `Request.reply`. Raises LocalProtocolError."""
        reason = _checked_reason(status, reason)
        lines = [f"SIP/2.0 {status} {reason}"]
        _add_headers(lines, headers, body)
        return cls(status, reason, lines, body)

    def _with_lines(self, lines: list[str]) -> Self:
        return type(self)(self.status, self.reason, lines, self.body)


def parse(data: bytes, limit: int = MAX_DATAGRAM) -> Request | Response:
    """Read one message that fills a datagram, or that a framer has cut out of a stream.

    Args:
        limit: bytes; a longer message is answered with 513.

    Raises ParseError, with the request as `message` when an answer can be sent to it.
    """
    if data[:2] == b"\r\n":
        data = data.lstrip(b"\r\n")  # RFC 3261 §7.5: empty lines before the start line say nothing
    end = data.find(b"\r\n\r\n", 0, limit)
    head = data[: end if end >= 0 else limit]
    try:
        lines = head.decode().split("\r\n")
    except UnicodeDecodeError:
        # A name in another encoding must not lose a call.
        lines = head.decode("utf-8", "replace").split("\r\n")
    if len(lines) > MAX_LINES:
        raise ParseError("too many header lines")
    rest = "".join(lines)
    if "\n" in rest or "\r" in rest or "\0" in rest:
        raise ParseError("a bare CR, LF or NUL in the head")
    start = lines[0]
    message = _response(start, lines) if start[:4].upper() == "SIP/" else _request(start, lines)
    try:
        _check(message, lines[0])
        if len(data) > limit:
            raise ParseError("the message is longer than is taken", 513)
        if end < 0:
            raise ParseError("the head has no end")
        _take_body(message, data, end + 4, limit)
    except ParseError as error:
        if isinstance(message, Request) and _can_be_answered(message):
            error.message = message
        raise
    return message


def _request(start: str, lines: list[str]) -> Request:
    method, _, rest = start.partition(" ")
    target, _, version = rest.rpartition(" ")
    if (method not in USUAL_METHODS and not is_token(method)) or not target:
        raise ParseError(f"no start line: {start[:80]!r}")
    if not version:
        lines[0] = start.rstrip(" ")  # RFC 4475 §3.1.2.10: blanks at the end of a request line say nothing
        return _request(lines[0], lines)
    if version != "SIP/2.0" and not _VERSION.fullmatch(version):
        raise ParseError(f"no start line: {start[:80]!r}")
    return Request(method, target, lines)


def _response(start: str, lines: list[str]) -> Response:
    match = _STATUS_LINE.fullmatch(start)
    if match is None:
        raise ParseError(f"no status line: {start[:80]!r}", 505)
    return Response(int(match[1]), match[2] or "", lines)


def _check(message: Request | Response, start: str) -> None:
    """All that others rely on. Raises ParseError."""
    index = message._index = index_lines(message._lines[1:])
    try:
        via, sender, to, call_id, number = (
            index["via"],
            index["from"],
            index["to"],
            index["call-id"],
            index["cseq"],
        )
    except KeyError:
        raise ParseError(f"no {NAMES[min(_MANDATORY - index.keys())]}") from None
    if CLASH in index:
        raise ParseError(f"more than one {NAMES[index[CLASH]]}")
    cseq = message.cseq = read_cseq(number)
    if isinstance(message, Request):
        if not start.endswith(" SIP/2.0") and start[-8:].upper() != " SIP/2.0":
            raise ParseError("another version of SIP", 505)
        if cseq.method != message.method:
            raise ParseError(f"CSeq says {cseq.method[:20]}, the start line {message.method[:20]}")
        message._uri = read_target(message._target)
    message.via = top = Via.parse(via if "\n" not in via else via[: via.index("\n")])
    message.branch = top.params.get("branch") or ""
    if ";;" in via and '"' not in via:
        raise ParseError("an empty parameter in a Via")  # RFC 4475 §3.1.2.1
    message.from_tag = read_tag(sender)
    message.to_tag = read_tag(to)
    message.call_id = call_id.strip(BLANKS)
    if not message.call_id:
        raise ParseError("an empty Call-ID")
    # What a registrar lists are other devices' too, of which some may be beyond us: our own is looked for by its user (§10.2.4).
    if isinstance(message, Request) or cseq.method != "REGISTER":
        message.contact = first_contact(message) if "contact" in index else None
    if "record-route" in index or "route" in index:
        _ = message.route, message.record_route


def _take_body(message: Message, data: bytes, begin: int, limit: int) -> None:
    """Cut the body as Content-Length says (RFC 3261 §18.3): what follows it is dropped, what is missing is an error."""
    stated = message._index.get("content-length")
    if stated is not None:
        end = begin + read_length(stated)
        if end > limit:
            # Of a stream, from which no more than the head was taken.
            raise ParseError("the message is longer than is taken", 513)
        if end > len(data):
            raise ParseError("the body is shorter than Content-Length says")
        if end < len(data):
            data = data[:end]
    message.body = data[begin:]
    message._wire = data


def _can_be_answered(request: Request) -> bool:
    """Whether a response can be written that would find its transaction (an ACK is never answered, §17.1.1.3).

    From and To need not be readable, nor CSeq's number small enough: they are given back as they came.
    """
    index = request._index
    if request.method == "ACK" or not index.keys() >= _MANDATORY or not index["call-id"].strip(BLANKS):
        return False
    try:
        _ = request.via
    except ParseError:
        return False
    number, _, method = index["cseq"].strip(BLANKS).partition(" ")
    return number.isascii() and number.isdigit() and is_token(method.strip(BLANKS))


def _stamped(text: str, via: Via, host: str, port: int) -> str:
    """A Via line with the stamp put into its text, if it is written as nearly everybody writes it; else ""."""
    before, asked, after = text.partition(";rport")
    if not asked or after[:1] not in ("", ";") or "received" in via.params or ":" in host:
        return ""
    if '"' in text or "," in text or text.lower().count("rport") > 1:
        return ""
    stamped = f"{before.strip(BLANKS)};rport={port}{after.rstrip(BLANKS)};received={host}"
    return stamped if ";;" not in stamped else ""  # a semicolon with nothing behind it, as at the end of some


def _must_be_target(text: str) -> None:
    try:
        read_target(text)
    except ParseError as error:
        raise LocalProtocolError(f"not a Request-URI: {text!r}") from error


def _checked_reason(status: int, reason: str | None) -> str:
    """The phrase for a status line. Raises LocalProtocolError for a status that is none, or a phrase of two lines."""
    if not 100 <= status <= 699:
        raise LocalProtocolError(f"not a status code: {status}")
    return phrase(status) if reason is None else safe(reason)


def _add_headers(lines: list[str], headers: Headers, body: bytes) -> None:
    """Our own headers after what is there, Content-Length last."""
    own = []
    for name, value in headers:
        key = KEYS[name] if name in KEYS else key_of(name)
        if not key:
            raise LocalProtocolError(f"not a header name: {name!r}")
        if key != "content-length":
            own.append(f"{name}: {value!s}")
    lines += safe_lines(own)
    lines.append(f"Content-Length: {len(body)}")


def _copied(name: str, raw: str) -> list[str]:
    """Header lines again from a raw value, one for each that there was."""
    return [f"{name}: {one.strip(BLANKS)}" for one in raw.split("\n")]


def _replace_first(lines: list[str], key: str, line: str) -> list[str]:
    """The lines with the first header of this key (and its folded rest) put in another way."""
    place = next(place for place in range(1, len(lines)) if key_of(lines[place].partition(":")[0]) == key)
    end = place + 1
    while end < len(lines) and lines[end].startswith((" ", "\t")):
        end += 1
    return [*lines[:place], line, *lines[end:]]
