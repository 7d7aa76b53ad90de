"""Direct media: browser and PBX talk DTLS-SRTP to each other, the gateway passes and keeps their descriptions.

Pure functions over the page's own last description. They let the gateway hold, take back and answer the PBX without asking the
page, which may be gone. Seen on Asterisk 22 (`pbx-facts`): ICE, port and DTLS survive that; a repeated version leaks sound.

Invariants
- What leaves as an offer is the page's description with another direction and a higher version; nothing else is touched.
- An answer names only what the offer had (RFC 3264 §6), with the DTLS role that the page already has (RFC 8842 §5.5).
- Another DTLS or ICE identity of the PBX cannot be answered without the page: 488.
"""

import re
from dataclasses import replace
from typing import Final, NamedTuple

from sip.errors import ParseError, RemoteProtocolError
from sip.sdp import Direction, Media, Sdp

__all__ = ["Answer", "BadDescription", "answer", "checked", "held", "resumed", "version_of"]

_VERSION: Final = re.compile(rb"^o=[^ \r\n]+ [0-9]+ ([0-9]{1,20}) ", re.MULTILINE)
_MIRROR: Final[dict[Direction, Direction]] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}
_PER_FORMAT: Final = ("a=rtpmap:", "a=fmtp:", "a=rtcp-fb:")
_ONLY_IF_OFFERED: Final = ("a=rtcp-mux", "a=rtcp-rsize", "a=extmap-allow-mixed")
_OTHER_ROLE: Final = {"active": "passive", "passive": "active"}
# RFC 3551 table 4: payload types that need no rtpmap, of the codecs that telephones and browsers share.
_STATIC: Final = {"0": "PCMU/8000", "3": "GSM/8000", "8": "PCMA/8000", "9": "G722/8000", "18": "G729/8000"}


class BadDescription(RemoteProtocolError):
    """A session description that cannot be used; suggests 488."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, 488)


class Answer(NamedTuple):
    """What to answer the PBX, and what its offer says of a hold of its own (None: it only echoes ours)."""

    sdp: bytes
    held_by_them: bool | None


def checked(sdp: str) -> bytes:
    """The page's description as a message's body.

    Raises:
        BadDescription: it is none, or has no audio.
    """
    return _read(sdp).to_bytes()


def version_of(sdp: bytes) -> int:
    """The version in `o=` of a description that was `checked`: nothing else of it is looked at.

    Raises:
        BadDescription: there is none.
    """
    found = _VERSION.search(sdp)
    if found is None:
        raise BadDescription("SDP without a readable origin")
    return int(found[1])


def held(page: bytes, version: int) -> bytes:
    """The offer that holds: `inactive`, because nothing may leak in either direction while our hold is on."""
    return _read(page).with_direction("inactive").with_version(version).to_bytes()


def resumed(page: bytes, version: int) -> bytes:
    """The offer that takes the call back."""
    return _read(page).with_direction("sendrecv").with_version(version).to_bytes()


def answer(page: bytes, offer: bytes, earlier: bytes | None, version: int, *, holding: bool) -> Answer:
    """Answer a re-INVITE or UPDATE of the PBX from the page's own description (RFC 3264 §6, §8).

    Args:
        page: the page's last own description.
        offer: the PBX's new one.
        earlier: the PBX's last one before that.
        version: the version that ours has to bear.
        holding: whether our hold is on or being put on.

    Raises:
        BadDescription: it cannot be answered; 488.
    """
    theirs, ours = _read(offer), _read(page)
    before = _read(earlier) if earlier else None
    if before is not None and _identity(before) != _identity(theirs):
        raise BadDescription("the PBX changed its DTLS or ICE identity, and the page cannot be asked")
    role = _role(ours, before, theirs)
    pairs = [*ours.media, *[None] * len(theirs.media)]
    media = tuple(_section(offered, own, role) for offered, own in zip(theirs.media, pairs, strict=False))
    wanted = _direction(theirs)
    described = replace(ours, session=_session(ours, theirs, media), media=media)
    if described.is_rejected:
        raise BadDescription("no codec in common")
    described = described.with_direction("inactive" if holding else _MIRROR[wanted]).with_version(version)
    echo = holding and wanted in ("inactive", "recvonly")
    return Answer(described.to_bytes(), None if echo else wanted in ("inactive", "sendonly"))


def _read(sdp: bytes | str) -> Sdp:
    try:
        found = Sdp.parse(sdp)
    except ParseError as wrong:
        raise BadDescription(wrong.detail) from wrong
    if found.is_rejected:
        raise BadDescription("the description has no audio")
    return found


def _identity(sdp: Sdp) -> tuple[str | None, str | None]:
    """What DTLS and ICE know a side by: another one needs another peer connection."""
    return sdp.fingerprint, sdp.ice_ufrag


def _direction(theirs: Sdp) -> Direction:
    """Which way the PBX wants the sound to flow; an address of zeros is the hold of RFC 2543, unless ICE says where."""
    if theirs.address() == "0.0.0.0" and theirs.ice_ufrag is None:
        return "inactive"
    return theirs.direction()


def _role(ours: Sdp, before: Sdp | None, theirs: Sdp) -> str | None:
    """The DTLS role that the page has; None where there is no DTLS."""
    role = ours.attribute("setup")
    if role == "actpass":
        role = _OTHER_ROLE.get((before and before.attribute("setup")) or "", "active")
    if role is not None and theirs.attribute("setup") == role:
        raise BadDescription("the PBX wants another DTLS role, and the page cannot be asked")
    return role


def _session(ours: Sdp, theirs: Sdp, media: tuple[Media, ...]) -> tuple[str, ...]:
    """The page's session lines, with a bundle of what was taken when the PBX offered one (RFC 9143 §7.3)."""
    kept = tuple(
        line
        for line in ours.session
        if not line.startswith("a=group:") and (line not in _ONLY_IF_OFFERED or line in theirs.session)
    )
    if not any(line.startswith("a=group:BUNDLE") for line in theirs.session):
        return kept
    mids = [mid for one in media if not one.is_rejected and (mid := one.attribute("mid"))]
    return (*kept, f"a=group:BUNDLE {' '.join(mids)}")


def _section(offered: Media, own: Media | None, role: str | None) -> Media:
    """RFC 3264 §6: one section for each offered one, rejected where we have nothing for it."""
    mid = offered.attribute("mid")
    named = () if mid is None else (f"a=mid:{mid}",)
    formats = _formats(offered, own)
    if own is None or not formats:
        head = f"m={offered.kind} 0 {offered.protocol} {' '.join(offered.formats)}"
        return Media.parse((head, *named))
    head = f"m={own.kind} {own.port} {offered.protocol} {' '.join(formats)}"
    lines = [_with_role(line, role) for line in own.lines[1:] if _stays(line, offered, formats)]
    return Media.parse((head, *lines, *named))


def _formats(offered: Media, own: Media | None) -> list[str]:
    """The payloads that mean the same codec on both sides, in the order of the offer."""
    if own is None or own.kind != offered.kind or own.is_rejected or offered.is_rejected:
        return []
    ours, theirs = _codecs(own), _codecs(offered)
    return [payload for payload in offered.formats if payload in ours and ours[payload] == theirs[payload]]


def _codecs(media: Media) -> dict[str, str]:
    named = media.codecs
    return {one: (named.get(one) or _STATIC.get(one, "")).upper() for one in media.formats}


def _stays(line: str, offered: Media, formats: list[str]) -> bool:
    """Whether a line of the page's section may stand in the answer."""
    if line.startswith("a=mid:"):
        return False
    if line.startswith(_PER_FORMAT):
        return line.partition(":")[2].split(" ", 1)[0] in (*formats, "*")
    if line.startswith("a=extmap:"):
        return line in offered.lines
    return line not in _ONLY_IF_OFFERED or line in offered.lines


def _with_role(line: str, role: str | None) -> str:
    return f"a=setup:{role}" if role is not None and line.startswith("a=setup:") else line
