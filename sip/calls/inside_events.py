"""What is told of requests inside a call beside offers and BYE: transfers, digits, remote control, a call that took another's place.

Facts for `UserAgent.take_events()`, as in `sip.events`. Invariants: of a REFER of ours exactly one of ReferRefused and ReferEnded
is the last fact; facts about a REFER may follow the CallEnded of its call, since a PBX may hang up before the transfer is through
(RFC 5057 §4.1: the subscription outlives the session). So they name the REFER, and the call is `refer.call`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from sip.call import Call
    from sip.calls.refer_in import IncomingRefer
    from sip.calls.refer_out import OutgoingRefer
    from sip.headers import ReplacesHeader
    from sip.uri import NameAddr

ControlAction: TypeAlias = Literal["hold", "talk"]


@dataclass(frozen=True, slots=True)
class ReferAccepted:
    """The peer takes our REFER up: it says so, or its NOTIFY was faster. Without `subscribed` nothing more is told but ReferEnded."""

    refer: OutgoingRefer
    subscribed: bool = True


@dataclass(frozen=True, slots=True)
class ReferProgress:
    """The target of our REFER answered the peer with this provisional status; None: the peer's NOTIFY said nothing readable."""

    refer: OutgoingRefer
    status: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class ReferEnded:
    """Our REFER is over. `status` is the target's final one; None: it will not be known, and `reason` says why.

    Why: "no notify" (accepted, then silence), "timeout", "call ended" (and no last NOTIFY in 64*T1 after it), "not subscribed"
    (RFC 4488), or the reason of the peer's Subscription-State ("" when it gave none).
    """

    refer: OutgoingRefer
    status: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class ReferRefused:
    """The peer does not take our REFER up; `status` is None when it did not answer at all."""

    refer: OutgoingRefer
    status: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class ReferReceived:
    """The peer wants us to call `refer_to`, in the place of `replaces` if that is given: answer by `refer.accept` or `refer.refuse`.

    `refer_to` is without the headers that its URI brought; `referred_by` is who asks (RFC 3892), None when it does not say.
    """

    call: Call
    refer: IncomingRefer
    refer_to: NameAddr
    replaces: ReplacesHeader | None
    referred_by: NameAddr | None


@dataclass(frozen=True, slots=True)
class ReferLapsed:
    """Nobody answered the peer's REFER in time, or the call ended meanwhile: it was refused with `status`."""

    refer: IncomingRefer
    status: int


@dataclass(frozen=True, slots=True)
class DigitReceived:
    """The peer's INFO says that a key was pressed: one of 0-9, *, #, A-D, or ! for a flash; `duration` in milliseconds if it was said."""

    call: Call
    digit: str
    duration: int | None


@dataclass(frozen=True, slots=True)
class InfoAnswered:
    """Our INFO was answered with this final status; None: not at all."""

    call: Call
    content_type: str
    body: bytes
    status: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class RemoteControlRequested:
    """The PBX's NOTIFY wants this phone to hold the call, or to talk: to answer it while it rings, to resume it while it is held."""

    call: Call
    action: ControlAction


@dataclass(frozen=True, slots=True)
class ControlAnswered:
    """Our NOTIFY hold or talk was answered with this status (489: the phone knows no such thing); None: not at all.

    A 200 says that the phone understood; that it holds is told by its re-INVITE.
    """

    call: Call
    action: ControlAction
    status: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class CallReplaced:
    """`by` was accepted in the place of `call` (RFC 3891), which is being ended: its CallEnded follows."""

    call: Call
    by: Call


InsideEvent: TypeAlias = (
    ReferAccepted
    | ReferProgress
    | ReferEnded
    | ReferRefused
    | ReferReceived
    | ReferLapsed
    | DigitReceived
    | InfoAnswered
    | RemoteControlRequested
    | ControlAnswered
    | CallReplaced
)
