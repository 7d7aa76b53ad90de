"""Session descriptions of the tests' phones: G.711 and telephone-event, nothing else (RFC 4566, RFC 3264)."""

import re
from dataclasses import dataclass

from tests.peers.ports import HOST
from tests.peers.sound import Sound


@dataclass(frozen=True)
class Heard:
    """What a peer's description asks for: where to send, what, and whether to."""

    remote: tuple[str, int] | None
    payload_type: int | None
    events_type: int
    direction: str


def describe(
    sound: Sound, *, version: int = 1, direction: str = "sendrecv", only: int | None = None
) -> bytes:
    """Our description. `only`: the one payload type an answer has chosen. `version` grows with every change (RFC 3264 §8)."""
    codecs = {8: "PCMA", 0: "PCMU"}
    offered = [only] if only is not None else list(codecs)
    lines = [
        "v=0",
        f"o=- {sound.port} {version} IN IP4 {HOST}",
        "s=-",
        f"c=IN IP4 {HOST}",
        "t=0 0",
        f"m=audio {sound.port} RTP/AVP {' '.join(map(str, offered))} {sound.events_type}",
        *(f"a=rtpmap:{number} {codecs[number]}/8000" for number in offered),
        f"a=rtpmap:{sound.events_type} telephone-event/8000",
        f"a=fmtp:{sound.events_type} 0-16",
        "a=ptime:20",
        f"a={direction}",
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def read(body: bytes) -> Heard:
    """The first audio section of a peer's description."""
    text = body.decode()
    media = re.search(r"^m=audio (\d+) \S+ ([\d ]+)", text, re.MULTILINE)
    if media is None:
        return Heard(None, None, 101, "inactive")
    hosts = re.findall(r"^c=IN IP4 (\S+)", text, re.MULTILINE)
    payloads = [int(word) for word in media.group(2).split()]
    events = re.search(r"^a=rtpmap:(\d+) telephone-event/8000", text, re.MULTILINE)
    direction = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)", text, re.MULTILINE)
    port = int(media.group(1))
    return Heard(
        remote=(hosts[-1], port) if port and hosts else None,
        payload_type=next((one for one in payloads if one in (0, 8)), None),
        events_type=int(events.group(1)) if events else 101,
        direction=direction.group(1) if direction else "sendrecv",
    )
