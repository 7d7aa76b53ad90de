"""A message as it may be shown: everything an engineer needs to find a fault, and nothing that opens a door.

Numbers, addresses and tags stay. Out go: what a digest is made of (nonces, responses, opaque values) and every other credential,
passwords in URIs, the keys of SDP (SRTP keys, passwords of ICE), texts (MESSAGE), tones that may be somebody's PIN, and bodies
of kinds that are not known to be harmless. Works on any bytes, as what cannot be parsed is just what one wants to look at.

Invariants: nothing is added but `CUT` and a sentence in place of a body; never raises.
"""

import re
from collections.abc import Iterator
from typing import Final

from sip.names import key_of

CUT: Final = "✂"
"""Stands where something was taken out."""

_AUTHORIZATIONS: Final = frozenset(
    {"authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "authentication-info"}
)
# What of a challenge or an answer to one may be seen; a name alone says nothing of the password.
_HARMLESS: Final = frozenset({"algorithm", "domain", "nc", "qop", "realm", "stale", "uri", "username"})
_PARAMETER: Final = re.compile(r'([\w-]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"?|[^\s,"]+)')
_URI_PASSWORD: Final = re.compile(r"(sips?:[^\s:@<>;?]{1,128}):[^\s@<>]{1,128}@", re.IGNORECASE)
# Headers inside a URI (RFC 3261 §19.1.1), as a Refer-To may carry them.
_URI_HEADER: Final = re.compile(r"([?&](?:proxy-)?authorization=)[^&>\s]*", re.IGNORECASE)
_KEYS_OF_SDP: Final = re.compile(
    r"(^k=[a-z]+:|^a=ice-pwd:|^a=key-mgmt:[\w-]+ |\binline:)[^\s;|]*", re.MULTILINE | re.IGNORECASE
)
_TONE: Final = re.compile(r"^(Signal[ \t]*=[ \t]*)[^\r\n]*", re.MULTILINE | re.IGNORECASE)

_SHOWN: Final = (
    "application/sdp", "message/sipfrag", "application/dialog-info+xml", "application/simple-message-summary",
    "application/dtmf-relay",
)  # fmt: skip


def shown(data: bytes) -> str:
    """The message as text without its secrets; line ends as LF."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = list(_unfolded(head.decode("utf-8", "replace").split("\r\n")))
    method, content_type = lines[0].partition(" ")[0].upper(), ""
    for place, line in enumerate(lines):
        name, _, value = line.partition(":")
        key = key_of(name) if place else ""
        if key == "content-type":
            content_type = value.partition(";")[0].strip().lower()
        if key in _AUTHORIZATIONS:
            lines[place] = f"{name}: {_credentials(value.strip())}"
        elif ":" in line:
            lines[place] = _URI_HEADER.sub(rf"\1{CUT}", _URI_PASSWORD.sub(rf"\1:{CUT}@", line))
    text = "\n".join(lines)
    return f"{text}\n\n{_body(body, content_type, method)}" if body else f"{text}\n"


def shown_sdp(sdp: str) -> str:
    """A description without its keys; line ends as LF."""
    return _KEYS_OF_SDP.sub(rf"\1{CUT}", sdp.replace("\r\n", "\n").replace("\r", "\n"))


def _unfolded(lines: list[str]) -> Iterator[str]:
    """Header lines, each whole: a secret may stand in the part that is folded (RFC 3261 §7.3.1)."""
    whole = lines[0]
    for line in lines[1:]:
        if line[:1] in (" ", "\t"):
            whole = f"{whole} {line.strip()}"
        else:
            yield whole
            whole = line
    yield whole


def _credentials(value: str) -> str:
    """A scheme and its parameters, those that are harmless with their values."""
    scheme, _, rest = value.partition(" ")
    if "=" in scheme:  # Authentication-Info has no scheme
        scheme, rest = "", value
    if scheme and scheme.lower() != "digest":
        return f"{scheme} {CUT}"
    parameters = [
        f"{name}={text}" if name.lower() in _HARMLESS else f'{name}="{CUT}"'
        for name, text in _PARAMETER.findall(rest)
    ]
    return f"{scheme} {', '.join(parameters)}".strip()


def _body(body: bytes, content_type: str, method: str) -> str:
    if content_type not in _SHOWN or method == "MESSAGE":
        return f"{CUT} {len(body)} bytes of {content_type or 'an unknown kind'}\n"
    text = body.decode("utf-8", "replace")
    if content_type == "application/dtmf-relay":
        return _TONE.sub(rf"\1{CUT}", text.replace("\r\n", "\n"))
    return shown_sdp(text)
