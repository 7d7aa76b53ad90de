"""A session description in a line or two: where the sound goes, which way, in what.

Reads leniently, line by line: what is drawn may be what no parser took. Knows nothing of offers and answers.
"""

from typing import Final

_DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")
_MOST_STREAMS: Final = 4
_MOST_CODECS: Final = 4
# Payload types that need no rtpmap (RFC 3551 §6).
_STATIC: Final = {"0": "PCMU", "3": "GSM", "4": "G723", "8": "PCMA", "9": "G722", "18": "G729"}


def digest(sdp: str) -> list[str]:
    """`audio 192.0.2.1:4000 sendonly` and `RTP/AVP PCMA, telephone-event`, for each stream."""
    session = _Stream("")
    streams: list[_Stream] = []
    for line in sdp.splitlines():
        kind, _, value = line.partition("=")
        if kind == "m":
            streams.append(_Stream(value))
            continue
        stream = streams[-1] if streams else session
        if kind == "c":
            stream.host = value.rpartition(" ")[2].partition("/")[0]
        elif kind == "a":
            stream.take(value)
    return [text for stream in streams[:_MOST_STREAMS] for text in stream.lines(session)]


class _Stream:
    """What was read of a stream, or of the session around them."""

    def __init__(self, value: str) -> None:
        words = value.split()
        self.media, self.port, self.protocol = [*words, "", "", ""][:3]
        self.formats = words[3:]
        self.host = ""
        self.direction = ""
        self.codecs: dict[str, str] = {}
        self.candidates = 0

    def take(self, attribute: str) -> None:
        """An attribute of it."""
        name, _, value = attribute.partition(":")
        if attribute in _DIRECTIONS:
            self.direction = attribute
        elif name == "rtpmap":
            number, _, codec = value.partition(" ")
            self.codecs[number] = codec.partition("/")[0]
        elif name == "candidate":
            self.candidates += 1

    def lines(self, session: "_Stream") -> list[str]:
        if self.port == "0":
            return [f"{self.media} refused"]
        host = self.host or session.host or "?"
        where = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        if self.candidates:
            # RFC 8839 §4.2.1: the address in c= and m= is the default candidate, which a browser has none of.
            where = f"ICE, {self.candidates} candidate{'s' if self.candidates > 1 else ''}"
        codecs = [self.codecs.get(one) or _STATIC.get(one, "") for one in self.formats]
        names = list(dict.fromkeys(name for name in codecs if name))
        more = "…" if len(names) > _MOST_CODECS else ""
        direction = self.direction or session.direction or "sendrecv"
        return [
            f"{self.media} {where} {direction}",
            f"{self.protocol} {', '.join(names[:_MOST_CODECS])}{more}".rstrip(),
        ]
