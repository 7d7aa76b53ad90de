"""SIP as text, for the tests' own phone: written apart from `sip/`, so that both cannot be wrong in the same way.

Parses what a well-behaved peer sends; no compact forms, no folding. Headers keep their order. RFC 3261 §7; digest RFC 7616.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass, field

Header = tuple[str, str]


@dataclass
class Message:
    """A request or a response: `start` is its first line."""

    start: str
    headers: list[Header] = field(default_factory=list)
    body: bytes = b""

    @classmethod
    def parse(cls, data: bytes) -> "Message":
        head, _, body = data.partition(b"\r\n\r\n")
        start, *lines = head.decode().split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        return cls(start, [(name.strip(), value.strip()) for name, value in pairs], body)

    def to_bytes(self) -> bytes:
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join([*lines, f"Content-Length: {len(self.body)}", "", ""]).encode() + self.body

    @property
    def status(self) -> int:
        """The code of a response; 0 for a request."""
        return int(self.start.split(" ")[1]) if self.start.startswith("SIP/") else 0

    @property
    def method(self) -> str:
        """Of a request its own, of a response the one that it answers."""
        return self["CSeq"].split()[1]

    @property
    def uri(self) -> str:
        return self.start.split(" ")[1]

    @property
    def branch(self) -> str:
        return parameter(self["Via"], "branch")

    def __getitem__(self, name: str) -> str:
        """The first value of a header; empty when it is not there."""
        return next((value for found, value in self.headers if found.lower() == name.lower()), "")

    def all(self, name: str) -> list[str]:
        return [value for found, value in self.headers if found.lower() == name.lower()]

    def reply(
        self, status: int, reason: str, tag: str = "", extra: list[Header] | None = None, body: bytes = b""
    ) -> "Message":
        """A response: Via, From, To (with our tag), Call-ID, CSeq and Record-Route copied (§8.2.6.2)."""
        copied = [pair for pair in self.headers if pair[0].lower() in _COPIED]
        if tag and not parameter(self["To"], "tag"):
            copied = [
                (name, f"{value};tag={tag}" if name.lower() == "to" else value) for name, value in copied
            ]
        return Message(f"SIP/2.0 {status} {reason}", copied + (extra or []), body)


_COPIED = {"via", "from", "to", "call-id", "cseq", "record-route"}


def parameter(value: str, name: str) -> str:
    """A header's parameter (`;name=value`), outside the angle brackets; empty when it is not there."""
    outside = re.sub(r"<[^>]*>", "", value)
    found = re.search(rf";\s*{name}=([^;,\s]+)", outside, re.IGNORECASE)
    return found.group(1) if found else ""


def address(value: str) -> str:
    """The URI of a From, To, Contact or Route."""
    found = re.search(r"<([^>]+)>", value)
    return found.group(1) if found else value.split(";")[0].strip()


def user(value: str) -> str:
    """The user part of a header's or a request's URI."""
    found = re.search(r"sips?:([^@;>]+)@", value)
    return found.group(1) if found else ""


def host_port(uri: str) -> tuple[str, int]:
    """Where a SIP URI is sent to (numeric hosts only)."""
    found = re.search(r"sips?:(?:[^@]*@)?([\d.]+)(?::(\d+))?", uri)
    if found is None:
        raise ValueError(f"no numeric host in {uri}")
    return found.group(1), int(found.group(2) or 5060)


def authorization(challenge: str, method: str, uri: str, username: str, password: str) -> str:
    """The answer to a Digest challenge: MD5 or SHA-256, with qop=auth when it is offered."""
    asked = {
        name.lower(): value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', challenge)
    }
    algorithm = asked.get("algorithm", "MD5")
    digest = hashlib.sha256 if algorithm.upper() == "SHA-256" else hashlib.md5

    def hashed(text: str) -> str:
        return digest(text.encode()).hexdigest()

    first = hashed(f"{username}:{asked['realm']}:{password}")
    second = hashed(f"{method}:{uri}")
    words = [
        f'username="{username}"',
        f'realm="{asked["realm"]}"',
        f'nonce="{asked["nonce"]}"',
        f'uri="{uri}"',
        f"algorithm={algorithm}",
    ]
    if "opaque" in asked:
        words.append(f'opaque="{asked["opaque"]}"')
    if "qop" in asked:
        own = secrets.token_hex(8)
        response = hashed(f"{first}:{asked['nonce']}:00000001:{own}:auth:{second}")
        words += [f'cnonce="{own}"', "nc=00000001", "qop=auth"]
    else:
        response = hashed(f"{first}:{asked['nonce']}:{second}")
    return "Digest " + ", ".join([*words, f'response="{response}"'])
