"""The states of a session's changes and what can happen to them: the words of the table in `calls.offers`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from sip.message import Request
    from sip.transactions.layer import ServerTransaction

# Deadlines, named as the call's.
AGAIN: Final = "offer again"
UNANSWERED: Final = "offer unanswered"


class Offer(NamedTuple):
    """A re-INVITE or UPDATE of theirs."""

    transaction: ServerTransaction
    request: Request


class State(StrEnum):
    STABLE = "stable"
    OFFERING = "offering"  # our re-INVITE is under way
    WAITING = "waiting"  # our offer met theirs and waits (§14.1)
    OFFERED = "offered"  # theirs was told to the user
    OFFERED_WAITING = "offered, ours waiting"
    ANSWERED = "answered"  # theirs has our 2xx, its ACK is awaited
    ANSWERED_WAITING = "answered, ours waiting"
    CLOSED = "closed"


class Input(StrEnum):
    OFFER = "offer"
    ACCEPTED = "2xx"
    REFUSED = "3xx-6xx"
    GLARE = "491 or 500 with Retry-After"
    RETRY = "wait over"
    RECEIVED = "offer received"
    ANSWER = "answer to re-INVITE"
    ANSWER_UPDATE = "answer to UPDATE"
    REFUSE = "refuse"
    WITHDRAWN = "CANCEL received"
    ACKED = "ACK received"
    CLOSE = "close"


STABLE: Final = State.STABLE
OFFERING: Final = State.OFFERING
WAITING: Final = State.WAITING
OFFERED: Final = State.OFFERED
OFFERED_WAITING: Final = State.OFFERED_WAITING
ANSWERED: Final = State.ANSWERED
ANSWERED_WAITING: Final = State.ANSWERED_WAITING
CLOSED: Final = State.CLOSED

OFFER: Final = Input.OFFER
ACCEPTED: Final = Input.ACCEPTED
REFUSED: Final = Input.REFUSED
GLARE: Final = Input.GLARE
RETRY: Final = Input.RETRY
RECEIVED: Final = Input.RECEIVED
ANSWER: Final = Input.ANSWER
ANSWER_UPDATE: Final = Input.ANSWER_UPDATE
REFUSE: Final = Input.REFUSE
WITHDRAWN: Final = Input.WITHDRAWN
ACKED: Final = Input.ACKED
CLOSE: Final = Input.CLOSE
