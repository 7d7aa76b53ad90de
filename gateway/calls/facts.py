"""What has happened to calls, in the users' words: the only thing the ledger reads.

Facts come from two sides: our own SIP dialogs (translated in `gateway/lines/translate.py`) and, for the calls that live on other
devices, the PBX's events. A fact names the *leg* it is about, one device's part of a conversation, by the source that
tells of it and the source's own id; which conversation that is, the ledger knows.

Invariants: facts are values in the past tense and say when they came true (`at`, seconds on the server's clock). They may
arrive twice and in any order; the ledger makes the same list of calls of them.
"""

from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct

from protocol.codes import Code
from protocol.entities import Device, Direction, End, Party, Sound

Layer: TypeAlias = Literal["us", "pbx", "phone", "them"]
"""Who holds: see `protocol.entities.Hold`."""

CommandName: TypeAlias = Literal["answer", "reject", "hang_up", "hold", "resume", "reattach"]
"""Commands whose effect is a fact that has to be waited for."""


class LegRef(NamedTuple):
    """A leg, as the source that tells of it names it: ("sip", Call-ID), ("pbx", channel)."""

    source: Literal["sip", "pbx"]
    id: str


class CallBegan(Struct, frozen=True):
    """A conversation has its first leg: we dial (`out`), or it is offered to the extension (`in`).

    Args:
        call: an id that the conversation has already (it was restored, or dialled by a command), else None.
        device: where our end lives; kind "none" while nobody has answered.
    """

    leg: LegRef
    at: float
    extension: str
    direction: Direction
    party: Party
    device: Device
    call: str | None = None


class LegJoined(Struct, frozen=True):
    """A leg is being set up that is to take the place of another one of the same conversation (a reload, a pull)."""

    leg: LegRef
    at: float
    instead_of: LegRef
    device: Device


class PartyRang(Struct, frozen=True):
    """The other side's device rings."""

    leg: LegRef
    at: float


class LegAnswered(Struct, frozen=True):
    """The two sides of this leg can talk; `device` carries our end."""

    leg: LegRef
    at: float
    device: Device


class LegHeld(Struct, frozen=True):
    """A layer of hold was put on, confirmed by the side that can know."""

    leg: LegRef
    at: float
    layer: Layer


class LegResumed(Struct, frozen=True):
    """A layer of hold was taken off, confirmed likewise."""

    leg: LegRef
    at: float
    layer: Layer


class LegEnded(Struct, frozen=True):
    """The leg is over. `elsewhere` says who answered, where another device did and it is known."""

    leg: LegRef
    at: float
    end: End
    elsewhere: str | None = None


class LegDoubted(Struct, frozen=True):
    """Whether the leg still lives is not known: the PBX does not answer, or we have just restarted."""

    leg: LegRef
    at: float


class LegVerified(Struct, frozen=True):
    """The PBX knows the leg."""

    leg: LegRef
    at: float


class SoundChanged(Struct, frozen=True):
    """What became of the sound in the browser."""

    leg: LegRef
    at: float
    sound: Sound


class MuteSwitched(Struct, frozen=True):
    """The page switched the microphone."""

    leg: LegRef
    at: float
    on: bool


class CommandAccepted(Struct, frozen=True):
    """A command was sent on its way; the fact that confirms it takes it off the call's `pending`."""

    leg: LegRef
    at: float
    name: CommandName


class CommandFailed(Struct, frozen=True):
    """A command did not come true; the call is as it was."""

    leg: LegRef
    at: float
    name: CommandName
    code: Code


class CallDismissed(Struct, frozen=True):
    """The user has seen the end."""

    leg: LegRef
    at: float


Fact: TypeAlias = (
    CallBegan
    | LegJoined
    | PartyRang
    | LegAnswered
    | LegHeld
    | LegResumed
    | LegEnded
    | LegDoubted
    | LegVerified
    | SoundChanged
    | MuteSwitched
    | CommandAccepted
    | CommandFailed
    | CallDismissed
)
