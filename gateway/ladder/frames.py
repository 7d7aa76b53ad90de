"""What a frame between a page and us says, in a line: commands and their answers, letters, and what a delta changed.

A delta carries whole calls; here each is compared with what the pages were shown before it, and what is the same is not told. Knows
nothing of SIP. Invariants: tones are counted and not told, they may be somebody's PIN; descriptions are shown without their keys.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct, field

from gateway.ladder.diary import Frame, Ordered, Passed
from gateway.ladder.sdp import digest
from protocol.commands import Answer, AnyCommand, Dial, Dtmf, Mute, Reattach
from protocol.entities import Call, Hold
from protocol.messages import Notice, Refused, Remote, Ring, RingAck
from sip.redaction import shown_sdp


class Seen(Struct, omit_defaults=True):
    """A frame between a page and us.

    Attributes:
        what: its name, with what it says in a word.
        tab: whose it was; empty where it went to all of the user's pages.
        details: what else a reader wants to see, a line each.
        changes: whether it says that the call is in another state.
        failed: whether it says no.
        text: a description that it carried.
    """

    at: float
    from_page: bool
    what: str
    tab: str = ""
    details: list[str] = field(default_factory=list)
    changes: bool = False
    failed: bool = False
    text: str = ""


_PAGES: Final = {
    "joined": "hello",
    "left": "leaving",
    "lost": "socket lost",
}


def told(frames: Iterable[Frame]) -> list[Seen]:
    """The frames of one call, without those that tell nothing."""
    before: Call | None = None
    found = []
    for frame in frames:
        passed = frame.passed
        seen = Seen(frame.at, frame.from_page, "", frame.tab or "")
        if isinstance(passed, Call):
            _tell_delta(seen, before, passed)
            before = passed
        else:
            _tell(seen, passed)
        if seen.what:
            found.append(seen)
    return found


def _tell(seen: Seen, passed: Passed) -> None:
    match passed:
        case Ordered(command, answer):
            _tell_command(seen, command)
            if isinstance(answer, Refused):
                seen.failed = True
                seen.details.append(f"refused: {answer.code}")
        case RingAck():
            seen.what = "ring_ack"
        case Ring(offer=offer):
            seen.what = "ring"
            _tell_sdp(seen, offer)
        case Remote(kind=kind, sdp=sdp):
            seen.what = f"remote {kind}"
            _tell_sdp(seen, sdp)
        case Notice(code=code):
            seen.what = f"notice {code}"
            seen.failed = True
        case str():
            seen.what = _PAGES[passed]


def _tell_command(seen: Seen, command: AnyCommand) -> None:
    seen.what = str(command.__struct_config__.tag)
    match command:
        case Dial(number=number, offer=offer):
            seen.what = f"dial {number}"
            _tell_sdp(seen, offer)
        case Answer(sdp=sdp):
            _tell_sdp(seen, sdp)
        case Reattach(offer=offer):
            _tell_sdp(seen, offer)
        case Mute(on=on):
            seen.what = "mute" if on else "unmute"
        case Dtmf(digits=digits):
            seen.what = f"dtmf, {len(digits)} tones" if len(digits) > 1 else "dtmf, 1 tone"


def _tell_sdp(seen: Seen, sdp: str) -> None:
    seen.text = shown_sdp(sdp)
    seen.details += digest(sdp)


def _tell_delta(seen: Seen, before: Call | None, now: Call) -> None:
    """What the pages learn of the call that they did not know."""
    changes = []
    if before is None or before.state != now.state:
        seen.changes = True
        changes.append(now.state if before is None else f"{before.state} → {now.state}")
    if before is None or before.hold != now.hold:
        held = _holders(now.hold)
        if held or before is not None:
            changes.append(f"held by {held}" if held else "not held")
    if now.sound != ("none" if before is None else before.sound):
        changes.append(f"sound {now.sound}")
    if now.muted != (before is not None and before.muted):
        changes.append("muted" if now.muted else "not muted")
    if now.pending != (() if before is None else before.pending):
        changes.append(f"pending {', '.join(now.pending)}" if now.pending else "nothing pending")
    if now.confirmed != (before is None or before.confirmed):
        changes.append("confirmed" if now.confirmed else "unconfirmed")
    if now.end is not None and (before is None or before.end != now.end):
        changes.append(f"{now.end.cause} by {now.end.by}")
    if changes:
        seen.what = f"delta {changes[0]}"
        seen.details = changes[1:]


def _holders(hold: Hold) -> str:
    return " and ".join(
        name
        for name, on in (("us", hold.us), ("PBX", hold.pbx), ("phone", hold.phone), ("them", hold.them))
        if on
    )
