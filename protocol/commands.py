"""What the user tells the gateway to do: the commands of a page.

Invariants: each command has an id, chosen by the page and unique in its tab, and gets exactly one `done` or `refused`; a
repeated id gets the stored answer and is not done again. Strings have limits here, so that no core must check them.
"""

from typing import Annotated

from msgspec import Meta

from protocol.entities import Wire

# A Chromium offer is about 2 KB; with many candidates and codecs 10 KB have been seen.
MAX_SDP = 32_768
MAX_NUMBER = 64
MAX_DIGITS = 32

Token = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:@-]+\Z")]
# What people type and pages show: digits, letters (SIP users, vanity numbers), separators. No control characters, no
# character that means something in a SIP URI.
Number = Annotated[str, Meta(min_length=1, max_length=MAX_NUMBER, pattern=r"^[0-9A-Za-z+*#(). _/\u00a0-]+\Z")]
Digits = Annotated[str, Meta(min_length=1, max_length=MAX_DIGITS, pattern=r"^[0-9A-D*#]+\Z")]
# RFC 8866 §5: a description begins with `v=0`. The rest is checked where it is understood (`sip/sdp.py`).
Sdp = Annotated[str, Meta(min_length=1, max_length=MAX_SDP, pattern=r"^v=0\r?\n")]


class Command(Wire, frozen=True):
    """Base of all commands."""

    id: Token
    """Chosen by the page; the answer carries it."""


class CallCommand(Command, frozen=True):
    """Base of the commands that concern one call."""

    call: Token
    """The call's id."""


class Dial(Command, frozen=True, tag_field="t", tag="dial"):
    """Call a number. The answer's `result.call` is the new call's id; its sound comes as `remote`."""

    number: Number
    """As the user typed it or the page shows it."""
    offer: Sdp
    """The page's SDP offer with all candidates."""
    extension: Token | None = None
    """From which extension; absent: the user's first softphone extension."""


class Answer(CallCommand, frozen=True, tag_field="t", tag="answer"):
    """Take an incoming call."""

    sdp: Sdp
    """The page's answer to the offer that came with `ring`."""


class Reject(CallCommand, frozen=True, tag_field="t", tag="reject"):
    """Do not take an incoming call."""


class HangUp(CallCommand, frozen=True, tag_field="t", tag="hang_up"):
    """End a call, or give up dialling."""


class HoldCall(CallCommand, frozen=True, tag_field="t", tag="hold"):
    """Put the other side on hold: it hears music."""


class ResumeCall(CallCommand, frozen=True, tag_field="t", tag="resume"):
    """Take the call back from our hold."""


class Mute(CallCommand, frozen=True, tag_field="t", tag="mute"):
    """Say that the microphone was switched; the page does it, the gateway remembers it."""

    on: bool
    """True: the other side hears nothing."""


class Dtmf(CallCommand, frozen=True, tag_field="t", tag="dtmf"):
    """Say which tones were sent; in direct media the page sends them itself."""

    digits: Digits
    """The tones: 0-9, *, #, A-D."""


class Reattach(CallCommand, frozen=True, tag_field="t", tag="reattach"):
    """Bring the sound of a living call into this page, after a reload. The answer comes as `remote`."""

    offer: Sdp
    """A new SDP offer of this page."""


class TakePhone(Command, frozen=True, tag_field="t", tag="take_phone"):
    """Make this tab the phone."""


class Dismiss(CallCommand, frozen=True, tag_field="t", tag="dismiss"):
    """Take away the card of an ended call."""


AnyCommand = (
    Dial | Answer | Reject | HangUp | HoldCall | ResumeCall | Mute | Dtmf | Reattach | TakePhone | Dismiss
)
"""What `Office.execute` is given."""
