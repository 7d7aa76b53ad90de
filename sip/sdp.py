"""A thin view of a session description (RFC 8866): its lines in order, and the few that a gateway looks at or turns.

Every line is kept, known or not, so that what a browser and a PBX say to each other passes unharmed. Making an answer
is not here. Knows no codec.
Invariants: values are immutable; `str(Sdp.parse(text)) == text` for a text with CRLF line ends; a change touches the
lines that it names and no other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Literal, NamedTuple, cast

from sip.errors import LocalProtocolError, ParseError

__all__ = ["Direction", "Media", "Origin", "Sdp"]

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

_DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")
_DIRECTION_LINES: Final = frozenset(f"a={direction}" for direction in _DIRECTIONS)
_LINES: Final = re.compile(r"[A-Za-z]=[^\r\n\0]*+(?:\n[A-Za-z]=[^\r\n\0]*+)*+")
_MEDIA: Final = re.compile(r"m=([^ ]+) ([0-9]{1,5})(?:/[0-9]+)? ([^ ]+)(?: (.*))?")
_ORIGIN: Final = re.compile(r"o=([^ ]+) ([0-9]+) ([0-9]+) ([^ ]+) ([^ ]+) ([^ ]+) *")
_UNDIRECTED: Final = ("application", "message")
"""Kinds of media in which a direction means nothing: data channels, MSRP."""


class Origin(NamedTuple):
    """The o= line; a changed description has the same id and a greater version (RFC 3264 §8)."""

    username: str
    session_id: int
    version: int
    network: str
    address_type: str
    address: str

    def __str__(self) -> str:
        return "o=" + " ".join(map(str, self))


def _attribute(lines: tuple[str, ...], name: str) -> str | None:
    """The value of the first `a=name:value`; "" for a bare `a=name`."""
    bare, prefix = f"a={name}", f"a={name}:"
    for line in lines:
        if line.startswith(prefix):
            return line[len(prefix) :].strip()
        if line == bare:
            return ""
    return None


def _direction(lines: tuple[str, ...]) -> Direction | None:
    for line in lines:
        if line in _DIRECTION_LINES:
            return cast("Direction", line[2:])
    return None


@dataclass(frozen=True, slots=True)
class Media:
    """One section: its m= line and what follows up to the next one."""

    lines: tuple[str, ...]
    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]

    @classmethod
    def parse(cls, lines: tuple[str, ...]) -> Media:
        """Read a section that begins with its m= line. Raises ParseError."""
        match = _MEDIA.fullmatch(lines[0])
        if match is None or int(match[2]) > 65535:
            raise ParseError(f"unreadable media line: {lines[0][:80]!r}")
        return cls(lines, match[1].lower(), int(match[2]), match[3], tuple((match[4] or "").split()))

    @property
    def is_rejected(self) -> bool:
        """Port zero refuses the stream (RFC 3264 §6), unless it only waits inside a bundle (RFC 8843 §6)."""
        return self.port == 0 and self.attribute("bundle-only") is None

    def attribute(self, name: str) -> str | None:
        """The value of the first `a=name:value` in this section; "" for a flag; None when absent."""
        return _attribute(self.lines, name)

    def attributes(self, name: str) -> list[str]:
        """Every value of `a=name:value` in this section."""
        prefix = f"a={name}:"
        return [line[len(prefix) :].strip() for line in self.lines if line.startswith(prefix)]

    @property
    def codecs(self) -> dict[str, str]:
        """Payload → `PCMA/8000`, as the rtpmap lines say it."""
        pairs = (value.partition(" ") for value in self.attributes("rtpmap"))
        return {payload: codec.strip() for payload, _, codec in pairs}

    @property
    def payloads(self) -> tuple[int, ...]:
        """The payload numbers in order of preference."""
        return tuple(int(one) for one in self.formats if one.isascii() and one.isdigit() and len(one) <= 3)

    @property
    def candidates(self) -> list[str]:
        """The ICE candidates, without their `a=candidate:`."""
        return self.attributes("candidate")

    def _with_direction(self, direction: Direction) -> Media:
        place = next((n for n, line in enumerate(self.lines) if line in _DIRECTION_LINES), len(self.lines))
        kept = [line for line in self.lines if line not in _DIRECTION_LINES]
        kept.insert(place, f"a={direction}")
        return replace(self, lines=tuple(kept))


@dataclass(frozen=True, slots=True)
class Sdp:
    """A description: the session's lines, then its media."""

    session: tuple[str, ...]
    media: tuple[Media, ...]

    @classmethod
    def parse(cls, data: bytes | str) -> Sdp:
        """Read a description; bare LF line ends are taken. Raises ParseError for what no peer could use."""
        text = data if isinstance(data, str) else data.decode("utf-8", "replace")
        text = text.replace("\r\n", "\n").rstrip("\n")
        lines = text.split("\n")
        if _LINES.fullmatch(text) is None:
            wrong = next(line for line in lines if _LINES.fullmatch(line) is None)
            raise ParseError(f"not a line of SDP: {wrong[:80]!r}")
        if lines[0] != "v=0":
            raise ParseError("SDP of another version")
        starts = [n for n, line in enumerate(lines) if line[:2] == "m="]
        bounds = [*starts, len(lines)]
        sections = tuple(Media.parse(tuple(lines[begin:end])) for begin, end in pairwise(bounds))
        sdp = cls(tuple(lines[: bounds[0]]), sections)
        _ = sdp.origin
        return sdp

    def __str__(self) -> str:
        lines = [*self.session, *(line for media in self.media for line in media.lines)]
        return "\r\n".join(lines) + "\r\n"

    def to_bytes(self) -> bytes:
        """The description as a message's body."""
        return str(self).encode()

    @property
    def origin(self) -> Origin:
        """The o= line. Raises ParseError."""
        for line in self.session:
            if line[:2] == "o=":
                match = _ORIGIN.fullmatch(line)
                if match is None or len(match[2]) > 20 or len(match[3]) > 20:
                    break
                return Origin(match[1], int(match[2]), int(match[3]), match[4], match[5], match[6])
        raise ParseError("SDP without a readable origin")

    @property
    def version(self) -> int:
        return self.origin.version

    def with_version(self, version: int) -> Sdp:
        """The same description under another version."""
        line = str(self.origin._replace(version=version))
        return replace(self, session=tuple(line if old.startswith("o=") else old for old in self.session))

    def with_next_version(self, after: int = 0) -> Sdp:
        """The same description under a version greater than its own and than `after` (RFC 3264 §8)."""
        return self.with_version(max(self.version, after) + 1)

    @property
    def audio(self) -> Media | None:
        """The first audio section, rejected or not."""
        return next((media for media in self.media if media.kind == "audio"), None)

    @property
    def is_rejected(self) -> bool:
        """Whether there is no audio, or it is refused."""
        audio = self.audio
        return audio is None or audio.is_rejected

    @property
    def port(self) -> int | None:
        """The first audio's port."""
        audio = self.audio
        return None if audio is None else audio.port

    @property
    def payloads(self) -> tuple[int, ...]:
        """The first audio's payload numbers."""
        audio = self.audio
        return () if audio is None else audio.payloads

    def address(self, media: Media | None = None) -> str | None:
        """Where a section (the first audio) wants its sound: its own c= line, else the session's (RFC 8866 §5.7)."""
        media = media or self.audio
        for line in (*(media.lines if media else ()), *self.session):
            if line.startswith("c="):
                words = line[2:].split()
                return words[2].partition("/")[0] if len(words) == 3 else None
        return None

    def direction(self, media: Media | None = None) -> Direction:
        """A section's (the first audio's) direction; its own, else the session's, else sendrecv (RFC 8866 §6.7)."""
        media = media or self.audio
        return (media and _direction(media.lines)) or _direction(self.session) or "sendrecv"

    @property
    def is_hold(self) -> bool:
        """Whether the sender will play nothing that it hears: sendonly, inactive, or RFC 2543's 0.0.0.0."""
        return self.direction() in ("sendonly", "inactive") or self.address() == "0.0.0.0"

    def with_direction(self, direction: Direction) -> Sdp:
        """The same description with every stream of sound or picture in this direction; the version is not touched."""
        if direction not in _DIRECTIONS:
            raise LocalProtocolError(f"not a direction: {direction!r}")
        return Sdp(
            tuple(line for line in self.session if line not in _DIRECTION_LINES),
            tuple(
                media if media.kind in _UNDIRECTED else media._with_direction(direction)
                for media in self.media
            ),
        )

    def attribute(self, name: str) -> str | None:
        """An attribute of the first audio section, else of the session: fingerprint, setup, ice-ufrag, ice-pwd."""
        audio = self.audio
        own = audio.attribute(name) if audio else None
        return own if own is not None else _attribute(self.session, name)

    @property
    def fingerprint(self) -> str | None:
        """The DTLS certificate, `sha-256 AA:BB…` (RFC 8122): the same one means the same peer connection."""
        return self.attribute("fingerprint")

    @property
    def ice_ufrag(self) -> str | None:
        """The ICE user fragment (RFC 8839 §5.4): another one is an ICE restart."""
        return self.attribute("ice-ufrag")
