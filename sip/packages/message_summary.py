"""Documents of the `message-summary` package (RFC 3842): whether voicemail waits, and how much. Read with tolerance, and written.

Knows no subscription. Invariant: `parse` raises ParseError only; `parse(x.to_bytes()) == x`; numbers have a bound.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sip.errors import LocalProtocolError, ParseError
from sip.grammar import safe

PACKAGE: Final = "message-summary"
MEDIA_TYPE: Final = "application/simple-message-summary"
VOICE: Final = "voice-message"
_LARGEST: Final = 16 * 1024
_KINDS: Final = frozenset(
    {VOICE, "fax-message", "pager-message", "multimedia-message", "text-message", "none"}
)
_COUNTS: Final = re.compile(
    r"([0-9]{1,9})[ \t]*+/[ \t]*+([0-9]{1,9})(?:[ \t]*+\([ \t]*+([0-9]{1,9})[ \t]*+/[ \t]*+([0-9]{1,9})[ \t]*+\))?+"
)


class Counts(NamedTuple):
    """How many messages of one kind (§5.2): those not heard and those heard, and of each the urgent ones."""

    new: int = 0
    old: int = 0
    new_urgent: int = 0
    old_urgent: int = 0


@dataclass(frozen=True, slots=True)
class MessageSummary:
    """One document.

    Args:
        waiting: whether there is anything that was not heard.
        account: the URI of the mailbox, as text; "" when it is not told.
        counts: by kind in lower case ("voice-message"); empty when only `waiting` is told.
    """

    waiting: bool
    account: str = ""
    counts: Mapping[str, Counts] = field(default_factory=dict)

    @property
    def voice(self) -> Counts | None:
        """The voice messages; None when they are not counted."""
        return self.counts.get(VOICE)

    @classmethod
    def parse(cls, data: bytes) -> MessageSummary:
        """Raises ParseError. Lines that are not understood are passed over; what follows an empty line describes single messages."""
        if len(data) > _LARGEST:
            raise ParseError("a message summary that is longer than is taken", 413)
        waiting: bool | None = None
        account, counts = "", {}
        for line in data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
            if not line.strip():
                if waiting is None:
                    continue
                break
            name, colon, value = line.partition(":")
            name, value = name.strip().lower(), value.strip()
            if not colon:
                continue
            if name == "messages-waiting":
                waiting = _yes_or_no(value)
            elif name == "message-account":
                account = value
            elif name in _KINDS and (match := _COUNTS.fullmatch(value)):
                counts[name] = Counts(*(int(group or 0) for group in match.groups()))
        if waiting is None:
            raise ParseError("a message summary without Messages-Waiting")
        return cls(waiting, account, counts)

    def to_bytes(self) -> bytes:
        """The document (§5.2). Raises LocalProtocolError for an account of two lines, or a kind that there is not."""
        lines = [f"Messages-Waiting: {'yes' if self.waiting else 'no'}"]
        if self.account:
            lines.append(f"Message-Account: {safe(self.account)}")
        for kind, counts in self.counts.items():
            if kind not in _KINDS:
                raise LocalProtocolError(f"not a kind of message: {kind!r}")
            new, old, new_urgent, old_urgent = counts
            lines.append(f"{kind.title()}: {new}/{old} ({new_urgent}/{old_urgent})")
        return ("\r\n".join(lines) + "\r\n").encode()


def _yes_or_no(value: str) -> bool:
    match value.lower():
        case "yes":
            return True
        case "no":
            return False
    raise ParseError(f"Messages-Waiting is neither yes nor no: {value[:20]!r}")
