"""What travels: the frames of both directions, one tagged union each way.

JSON text frames, the tag is `t`, keys are snake_case. `docs/protocol.md` tells the story of a connection; the TypeScript
types in `widget/src/protocol.ts` are generated from here, with these sentences.

Invariants: as in `protocol/entities.py`; and no message of the gateway is needed to understand another, except that a delta
follows the snapshot or delta before it.
"""

from typing import Annotated, Literal

from msgspec import Meta, field

from protocol.codes import Code
from protocol.commands import AnyCommand, Sdp, Token
from protocol.entities import Call, Line, Phone, Position, Role, State, Wire

VERSION = 1
"""Version of this protocol. A page that speaks another major version is closed with 4201."""

Credential = Annotated[str, Meta(min_length=16, max_length=128, pattern=r"^[A-Za-z0-9_-]+\Z")]
CallIds = Annotated[tuple[Token, ...], Meta(max_length=32)]

# --- page to gateway -------------------------------------------------------------------------------------------------


class Hello(Wire, frozen=True, tag_field="t", tag="hello"):
    """The first frame, within 5 s. Exactly one of `ticket` and `resume` says who is there."""

    version: Annotated[int, Meta(ge=1, le=1_000)]
    """The protocol the page speaks."""
    tab: Token
    """The tab's id: random, kept in sessionStorage, so that it survives a reload."""
    lang: Annotated[str, Meta(max_length=16)]
    """Language of sentences: `ru`, `en`; another one is answered in English."""
    page: Literal["load", "reconnect"]
    """`load`: the page began anew, its sound is gone. `reconnect`: the same page lost its socket."""
    ticket: Credential | None = None
    """From `POST /api/session`; once, for 30 s."""
    resume: Credential | None = None
    """The resume secret from an earlier `welcome` or `secret`."""
    position: Position | None = None
    """Where the page stands; absent: it has nothing."""
    alive: CallIds = ()
    """Calls whose peer connection lives in this page: they are not offered again."""


class Leaving(Wire, frozen=True, tag_field="t", tag="leaving"):
    """The page goes away (`pagehide`): its calls are held at once, so that the customer hears music."""


class Beat(Wire, frozen=True, tag_field="t", tag="beat"):
    """Every second while sound lives in the page: these calls have it."""

    calls: CallIds
    """The calls whose sound lives here."""


class RingAck(Wire, frozen=True, tag_field="t", tag="ring_ack"):
    """The page shows the incoming call and rings. Only then is the PBX told that it rings."""

    call: Token
    """The call's id."""


ClientMessage = Hello | Leaving | Beat | RingAck | AnyCommand
"""All frames a page may send."""

# --- gateway to page -------------------------------------------------------------------------------------------------


class User(Wire, frozen=True):
    """Who the page belongs to."""

    id: int
    """The user's id in amoCRM."""
    name: str
    """The user's name."""
    role: Role
    """What the user may do."""


class ResumeSecret(Wire, frozen=True):
    """Opens the next socket of this tab without HTTP and without the CRM."""

    secret: str
    """Kept by the page in sessionStorage; bound to the user and this tab."""
    expires_at: float
    """Seconds since the epoch; a new one comes well before."""


class IceServer(Wire, frozen=True):
    """One entry of RTCPeerConnection's `iceServers`."""

    urls: tuple[str, ...]
    """`stun:` and `turn:` addresses."""
    username: str | None = None
    """For TURN."""
    credential: str | None = None
    """For TURN."""


class Settings(Wire, frozen=True):
    """Times the page must keep, in seconds, and where it finds its way out."""

    beat_s: float
    """Interval of `beat` while sound lives."""
    blip_s: float
    """Without a beat for so long, the gateway holds the call."""
    return_s: float
    """Nobody back for so long, and the gateway ends the call."""
    ring_ack_s: float
    """So long the gateway waits for a page's `ring_ack` before it tells the PBX that nobody is there."""
    ice_servers: tuple[IceServer, ...]
    """For the page's peer connections."""


class Welcome(Wire, frozen=True, tag_field="t", tag="welcome"):
    """The answer to `hello`. Next comes `snapshot`, or the missed deltas."""

    version: int
    """The protocol the gateway speaks."""
    epoch: str
    """Epoch of the stream."""
    seq: int
    """Where the stream stands now; all frames up to here follow at once."""
    now: float
    """The gateway's clock, seconds since the epoch; the page shows durations on it."""
    account: int
    """The account's id in amoCRM."""
    user: User
    """Who the page belongs to."""
    extensions: tuple[str, ...]
    """The user's extensions."""
    tab: str
    """This tab's id."""
    settings: Settings
    """Times and addresses."""
    resume: ResumeSecret | None = None
    """A resume secret; absent: the one the page showed is still good."""


class Snapshot(Wire, frozen=True, tag_field="t", tag="snapshot"):
    """The whole state at a position. It replaces all the page knew."""

    epoch: str
    """Epoch of the stream."""
    seq: int
    """Number of the last delta that is contained."""
    state: State
    """The state."""


class Delta(Wire, frozen=True, tag_field="t", tag="delta"):
    """What changed: whole entities that are new or changed, and the ids of those that are gone.

    A page applies it when `seq` is its own plus one, ignores it when it is not larger, and reconnects at a gap.
    """

    seq: int
    """Number of this delta."""
    calls: dict[str, Call] = field(default_factory=dict)
    """New and changed calls."""
    calls_gone: tuple[str, ...] = ()
    """Ids of calls that are no longer there."""
    lines: dict[str, Line] = field(default_factory=dict)
    """New and changed lines."""
    lines_gone: tuple[str, ...] = ()
    """Extensions that are no longer the user's."""
    phone: Phone | None = None
    """Which tab is the phone, when that changed."""


class Result(Wire, frozen=True):
    """What a command brought."""

    call: str | None = None
    """The id of the call that `dial` made."""


class Done(Wire, frozen=True, tag_field="t", tag="done"):
    """The command was accepted. What comes of it is seen in the state."""

    id: str
    """The command's id."""
    result: Result | None = None
    """What it brought, if anything."""


class Refused(Wire, frozen=True, tag_field="t", tag="refused"):
    """The command was not accepted; nothing was changed by it."""

    code: Code
    """Why."""
    message: str = ""
    """The sentence for it in the page's language (put in by the connection)."""
    id: str | None = None
    """The command's id; absent when the frame was so broken that none could be read."""


class Ring(Wire, frozen=True, tag_field="t", tag="ring"):
    """To the tab that is the phone: a call comes in. It answers `ring_ack` as soon as it shows it."""

    call: str
    """The call's id; the call itself is in the state."""
    offer: str
    """The PBX's SDP offer."""


class Remote(Wire, frozen=True, tag_field="t", tag="remote"):
    """To the tab that carries the sound: the PBX's SDP for a call."""

    call: str
    """The call's id."""
    kind: Literal["answer", "pranswer"]
    """For `setRemoteDescription`: `pranswer` is early media."""
    sdp: str
    """The PBX's SDP."""


class SecretRenewed(Wire, frozen=True, tag_field="t", tag="secret"):
    """A new resume secret; the old one lives on to its own end, in case this frame is lost."""

    secret: str
    """Kept by the page in sessionStorage."""
    expires_at: float
    """Seconds since the epoch."""


class Notice(Wire, frozen=True, tag_field="t", tag="notice"):
    """Something the user should read that belongs to no command."""

    code: Code
    """What it is."""
    message: str = ""
    """The sentence for it in the page's language (put in by the connection)."""
    call: str | None = None
    """The call it concerns, if one."""


GatewayMessage = Welcome | Snapshot | Delta | Done | Refused | Ring | Remote | SecretRenewed | Notice
"""All frames the gateway may send."""

Answered = Done | Refused
"""The one answer of a command."""

__all__ = [
    "VERSION",
    "AnyCommand",
    "Beat",
    "ClientMessage",
    "Delta",
    "Done",
    "GatewayMessage",
    "Hello",
    "IceServer",
    "Leaving",
    "Notice",
    "Refused",
    "Remote",
    "Result",
    "ResumeSecret",
    "Ring",
    "RingAck",
    "Sdp",
    "SecretRenewed",
    "Settings",
    "Snapshot",
    "User",
    "Welcome",
]
