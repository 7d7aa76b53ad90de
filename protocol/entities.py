"""What a user's stream is about: calls, lines, and which tab has the phone.

What it does not know: how these values come about (`gateway/calls`) and how they travel (`protocol/messages.py`).

Invariants: values are frozen and are compared by value; a state that was published is never changed in place, a new one is
made. Times are seconds since the epoch on the gateway's clock. Fields without a default are always on the wire; a field
with a default may be absent. New fields get defaults, nothing is renamed.
"""

from typing import Literal

from msgspec import Struct, field

from protocol.codes import Cause, Code

Direction = Literal["in", "out"]
CallState = Literal["dialing", "ringing", "incoming", "talking", "held", "ended"]
Sound = Literal["here", "waiting", "lost", "none"]
DeviceKind = Literal["browser", "phone", "none"]
LineState = Literal["registering", "registered", "failed", "off"]
Action = Literal["answer", "reject", "hang_up", "hold", "resume", "mute", "dtmf", "reattach", "dismiss"]
EndedBy = Literal["us", "them", "nobody"]
Role = Literal["agent", "supervisor", "administrator"]


class Wire(Struct, frozen=True, omit_defaults=True):
    """Base of all values on the wire."""


class Party(Wire, frozen=True):
    """Who is at the other end."""

    number: str
    """The number for machines: E.164 with a plus where it is known, else as the PBX gave it; empty when withheld."""
    shown: str
    """The number for people."""
    name: str | None = None
    """The name the PBX gave, if any."""


class Device(Wire, frozen=True):
    """Where our end of the call lives."""

    kind: DeviceKind
    """`browser`: this widget; `phone`: another device of the extension; `none`: nowhere yet, or no longer."""
    tab: str | None = None
    """The tab that carries the sound, when it is a browser."""
    name: str | None = None
    """The desk phone's name, when it is known."""


class Hold(Wire, frozen=True):
    """Who holds the call. Each layer is confirmed by a fact, never assumed."""

    us: bool
    """Held by us: the user's button, a page that left, or a newer call."""
    pbx: bool
    """Held by the PBX (parked, redirected to music)."""
    phone: bool
    """Held by the desk phone that carries the call."""
    them: bool
    """Held by the other side."""


class End(Wire, frozen=True):
    """How a call ended."""

    by: EndedBy
    """Which side ended it; `nobody` when it was lost."""
    cause: Cause
    """Why, as a code with a sentence."""
    status: int | None = None
    """The SIP status that said so, if one did."""
    text: str | None = None
    """The PBX's own words, if it gave any."""


class Call(Wire, frozen=True):
    """One conversation of one extension with one party, whatever device carries it."""

    id: str
    """Ours; survives reloads, Replaces and restarts."""
    rev: int
    """Grows by one with each change of this call."""
    extension: str
    """The PBX line, e.g. "101"."""
    direction: Direction
    """`in`: they called us."""
    party: Party
    """Who is at the other end."""
    device: Device
    """Where our end lives."""
    sound: Sound
    """The page's peer connection: `here` alive, `waiting` being set up, `lost` gone (reattach), `none` not ours."""
    state: CallState
    """The one state of the call."""
    hold: Hold
    """Who holds it."""
    muted: bool
    """Whether the user's microphone is off."""
    pending: tuple[str, ...]
    """Names of commands that were accepted and wait for the fact that confirms them."""
    confirmed: bool
    """False while the PBX has not confirmed the call since the last restart or loss of the link."""
    began_at: float
    """When it began."""
    state_since: float
    """When it came into its present state."""
    actions: dict[Action, Code | None]
    """Each action: null when it is allowed now, else the code of the reason why not."""
    answered_at: float | None = None
    """When it was answered; the duration counts from here."""
    ended_at: float | None = None
    """When it ended."""
    end: End | None = None
    """How it ended; present exactly in the state `ended`."""
    elsewhere: str | None = None
    """Who or what answered it, when another device did."""


class Line(Wire, frozen=True):
    """One extension of the user."""

    extension: str
    """The PBX line, e.g. "101"."""
    label: str
    """Its name for people."""
    softphone: bool
    """True: the gateway registers it and the browser carries its calls. False: it is only observed."""
    state: LineState
    """Its registration."""
    reason: Code | None = None
    """Why it is not registered."""


class Phone(Wire, frozen=True):
    """Which tab is the phone: it carries the sound and is rung; the others mirror."""

    tab: str | None
    """The tab's id, or null when no tab is open."""


class State(Wire, frozen=True, omit_defaults=False):
    """All that one user sees of the telephone: the content of a snapshot."""

    calls: dict[str, Call] = field(default_factory=dict)
    """Calls by their id, the ended ones until they are dismissed."""
    lines: dict[str, Line] = field(default_factory=dict)
    """The user's extensions by name."""
    phone: Phone = Phone(tab=None)
    """Which tab is the phone."""


class Position(Wire, frozen=True):
    """A point in a stream. Another epoch means another stream: positions of two epochs cannot be compared."""

    epoch: str
    """Names the life of the stream; new at every start of the gateway and change of the owner."""
    seq: int
    """Number of the last delta that is contained; a stream begins with 0."""
