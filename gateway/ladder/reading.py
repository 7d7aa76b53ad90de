"""A message that is to be shown, taken apart as far as a reader of ladders looks: method or status, CSeq, and the headers that decide.

Reads the text that `sip.redaction` gave, and reads leniently: what no parser takes is drawn as well. Knows nothing of calls.
"""

from typing import Final

from gateway.ladder.sdp import digest
from sip.names import NAMES, key_of

LONGEST: Final = 96
"""Characters of a value; what is longer ends with an ellipsis."""

# What decides how a call goes on, in the order in which it is told.
_DECISIVE: Final = (
    "replaces", "join", "refer-to", "referred-by", "reason", "retry-after", "session-expires", "min-se", "require", "unsupported",
    "event", "subscription-state", "rseq", "rack", "alert-info", "answer-mode", "warning", "info-package",
)  # fmt: skip
_CHALLENGES: Final = ("www-authenticate", "proxy-authenticate")
_CREDENTIALS: Final = ("authorization", "proxy-authorization")


class Reading:
    """One message.

    Attributes:
        start: its first line.
        method: of the request, or of the request that a response answers.
        status: of a response; 0 of a request.
        phrase: of a response.
        number: of CSeq.
        body: without line ends of another kind than LF.
    """

    __slots__ = ("_headers", "body", "method", "number", "phrase", "start", "status", "uri")

    def __init__(self, text: str) -> None:
        head, _, self.body = text.partition("\n\n")
        self.start, *lines = head.splitlines() or [""]
        self._headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            self._headers.setdefault(key_of(name), value.strip())
        first, _, rest = self.start.partition(" ")
        number, _, method = self.header("cseq").partition(" ")
        self.number = number if number.isascii() and number.isdigit() else ""
        self.status, self.phrase, self.uri, self.method = 0, "", "", first
        if first.upper() == "SIP/2.0":
            status, _, self.phrase = rest.partition(" ")
            self.status = int(status) if status.isascii() and status.isdigit() and len(status) == 3 else 0
            self.method = method.strip()
        else:
            self.uri = rest.rpartition(" ")[0]

    @property
    def is_request(self) -> bool:
        return not self.start.upper().startswith("SIP/2.0")

    def header(self, key: str) -> str:
        """The first value of a header; empty when there is none."""
        return self._headers.get(key, "")

    def has_tag(self, key: str) -> bool:
        """Whether an address bears a tag."""
        return ";tag=" in self.header(key).rpartition(">")[2].replace(" ", "").lower()

    @property
    def description(self) -> str:
        """The session description, if it has one."""
        content_type = self.header("content-type").partition(";")[0].strip().lower()
        return self.body if content_type == "application/sdp" else ""

    @property
    def title(self) -> str:
        """`INVITE`, `200 OK`; of what is neither, its first line."""
        if self.status:
            return shortened(f"{self.status} {self.phrase}".strip(), 40)
        return shortened(self.method or self.start or "?", 40)

    @property
    def cseq(self) -> str:
        """Number, and in a response the method, which its title does not say."""
        if not self.number:
            return ""
        return self.number if self.is_request else f"{self.number} {shortened(self.method, 12)}"

    def facts(self) -> list[str]:
        """What decides, a line each."""
        found: list[str] = []
        if self.is_request and self.method == "INVITE" and not self.has_tag("to"):
            found.append(shortened(self.uri))
            found.append(f"From {shortened(_address(self.header('from')))}")
        elif 300 <= self.status < 400:
            found.append(f"Contact {shortened(_address(self.header('contact')))}")
        for key in _CHALLENGES:
            if key in self._headers:
                found.append("challenge of " + shortened(_parameter(self.header(key), "realm") or "a realm"))
        found += ["with credentials" for key in _CREDENTIALS if key in self._headers]
        for key in _DECISIVE:
            if key in self._headers:
                found.append(f"{NAMES.get(key, key.title())} {shortened(self.header(key))}")
        if self.description:
            found += [shortened(line) for line in digest(self.description)]
        elif self.body.startswith("SIP/2.0 "):
            found.append(shortened(self.body.splitlines()[0]))
        return [fact for fact in found if fact.strip()]


def shortened(text: str, most: int = LONGEST) -> str:
    """The text in at most so many characters, its blanks and line ends made one blank each."""
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _address(value: str) -> str:
    """`"Customer" <sip:+7495…@host>` without its parameters."""
    before, angle, after = value.partition("<")
    return f"{before}<{after.partition('>')[0]}>" if angle else value.partition(";")[0]


def _parameter(value: str, name: str) -> str:
    after = value.partition(f"{name}=")[2]
    return after[1:].partition('"')[0] if after.startswith('"') else after.partition(",")[0]
