"""What a UserAgent tells its user: facts, in the order in which they came true.

Every class is a past fact and carries the object it concerns; `UserAgent.take_events()` hands them over as a list. The module
knows nothing of who reads them. Invariants: a call's first event is CallReceived or, for ours, whatever the network said first;
its last is CallEnded, exactly once, and nothing about that call follows it, but about a transfer that was begun in it
(`calls.inside_events`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

from sip.calls.inside_events import InsideEvent
from sip.subscriptions import facts

if TYPE_CHECKING:
    from sip.call import Call
    from sip.flow import Flow
    from sip.headers import Reason
    from sip.message import Request
    from sip.registration import Registration
    from sip.transactions.layer import ServerTransaction

By: TypeAlias = Literal["us", "them", "nobody"]


class EndCause(StrEnum):
    """Why a call is over, in one word; `CallEnded.status` and `reasons` carry what the wire said."""

    HUNG_UP = "hung_up"  # a BYE, ours or theirs
    CANCELLED = "cancelled"  # a CANCEL before any answer (or one that crossed the 200: ended by ACK and BYE)
    REJECTED = "rejected"  # we answered their INVITE with 3xx-6xx
    REFUSED = "refused"  # they answered ours with 4xx-6xx
    REDIRECTED = "redirected"  # they answered ours with 3xx; redirections are not followed
    UNAUTHORIZED = "unauthorized"  # 401 or 407 and our credentials did not help
    NO_ANSWER = "no_answer"  # no final response at all: the transaction or the wait after CANCEL timed out
    NOT_ACKNOWLEDGED = "not_acknowledged"  # our 200 was never acknowledged: 64*T1, RFC 3261 §13.3.1.4
    GONE = "gone"  # the peer knows the dialog no more: 481 or 408, RFC 3261 §12.2.1.2
    TRANSPORT_LOST = "transport_lost"  # the INVITE could not be sent


@dataclass(frozen=True, slots=True)
class Registered:
    """The registrar holds our Contact for `expires` seconds. Comes after every refresh too (`refreshed`)."""

    registration: Registration
    expires: int
    refreshed: bool = False


@dataclass(frozen=True, slots=True)
class RegistrationFailed:
    """One attempt failed; the next is made at `retry_at` (None: never, the user was told to stop).

    `status` is None when nobody answered (time-out, transport lost).
    """

    registration: Registration
    status: int | None
    reason: str
    retry_at: float | None


@dataclass(frozen=True, slots=True)
class Unregistered:
    """Our Contact is gone from the registrar, or it did not answer and will forget it by itself."""

    registration: Registration


@dataclass(frozen=True, slots=True)
class CallReceived:
    """An INVITE outside a dialog came. Nothing but 100 was sent: the user rings, accepts or rejects.

    The offer is `call.remote_sdp` (None: the peer wants ours, RFC 3261 §13.2.1); `call.owner` is the registration's owner when the
    Request-URI is one of our Contacts, else None; `call.replaces` is its Replaces header.
    """

    call: Call


@dataclass(frozen=True, slots=True)
class CallProceeding:
    """A 18x came for our INVITE. `tag` is its To tag: a forked INVITE has several early dialogs, and this names the latest."""

    call: Call
    status: int
    sdp: bytes | None
    tag: str = ""


@dataclass(frozen=True, slots=True)
class InviteResent:
    """Our INVITE leaves once more, with credentials or over UDP instead of TCP: what was saved of its branch is out of date."""

    call: Call


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """A 2xx came for our INVITE. The ACK leaves when the user calls `call.acknowledge(now)`, after its journal is on disk.

    `sdp` is the peer's description: the 2xx's, or the one that was settled in reliable 18x and PRACK before it (RFC 3262 §5).
    """

    call: Call
    sdp: bytes | None


@dataclass(frozen=True, slots=True)
class CallConfirmed:
    """The ACK for our 200 came; `sdp` is the answer in it when the 200 carried the offer."""

    call: Call
    sdp: bytes | None = None


@dataclass(frozen=True, slots=True)
class OfferReceived:
    """A re-INVITE, UPDATE or PRACK wants other media: answer by `call.answer_offer` or `call.refuse_offer`. So does a reliable 18x when
    our INVITE had no offer; that one is answered, or the call cancelled.

    `sdp` is None for a re-INVITE without an offer: `answer_offer` then brings ours, and the answer comes as OfferAccepted. `tag` names
    the early dialog of ours that it came in; "" once the call is answered, and as callee. What an UPDATE or PRACK offers is to be
    answered within 32*T1: OfferRefused with 504 says that it was not.
    """

    call: Call
    sdp: bytes | None
    in_update: bool
    tag: str = ""


@dataclass(frozen=True, slots=True)
class OfferAccepted:
    """Our re-INVITE was answered with 2xx (and acknowledged), or our offer in a 200 was answered in its ACK."""

    call: Call
    sdp: bytes | None


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """Our re-INVITE failed; the session stays as it was (RFC 3261 §14.1). 408 also stands for no answer at all."""

    call: Call
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class TargetChanged:
    """The dialog's remote target is another one (RFC 3261 §12.2): what was saved of the call is out of date."""

    call: Call


@dataclass(frozen=True, slots=True)
class CSeqAdvanced:
    """So many requests left in the dialog that what was saved of the call is to be saved again: `CSEQ_SKIP` must stay ahead."""

    call: Call


@dataclass(frozen=True, slots=True)
class DialogRefreshed:
    """Our UPDATE without SDP, or OPTIONS in the dialog, was answered: the peer still knows the call."""

    call: Call


@dataclass(frozen=True, slots=True)
class ProbeFailed:
    """Our UPDATE or OPTIONS in the dialog got no good answer, and not one that ends the call either.

    `status` is None when nobody answered: whether the call still lives is not known.
    """

    call: Call
    status: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The call is over on our side, and the peer said so, was told so, or is given up.

    After `call.bye(now)` it comes with the BYE's answer (or its time-out, at 64*T1 the latest), after `call.cancel(now)` with the
    INVITE's final response. `status` is the response that ended it; `reasons` are the Reason headers (RFC 3326) of what did.
    """

    call: Call
    by: By
    status: int | None
    reasons: tuple[Reason, ...]
    cause: str


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """A request outside dialogs of a method the user asked for: answer by `transaction.respond(request.reply(…), now)`."""

    transaction: ServerTransaction
    request: Request
    flow: Flow


Event: TypeAlias = (
    Registered
    | RegistrationFailed
    | Unregistered
    | CallReceived
    | CallProceeding
    | InviteResent
    | CallAnswered
    | CallConfirmed
    | OfferReceived
    | OfferAccepted
    | OfferRefused
    | TargetChanged
    | CSeqAdvanced
    | DialogRefreshed
    | ProbeFailed
    | CallEnded
    | RequestReceived
    | facts.SubscriptionActive
    | facts.SubscriptionPending
    | facts.SubscriptionForked
    | facts.Notified
    | facts.SubscriptionFailed
    | facts.SubscriptionEnded
    | facts.SubscriptionReceived
    | facts.WatcherEnded
    | facts.Published
    | facts.PublicationFailed
    | facts.Unpublished
    | InsideEvent
)
