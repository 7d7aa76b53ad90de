"""The states of a session's changes and what can happen to them: the words of the table in `calls.offers`."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from sip.message import Request
    from sip.transactions.layer import ServerTransaction

# Deadlines.
AGAIN: Final = "offer again"
UNANSWERED: Final = "offer unanswered"
OVERDUE: Final = "answer overdue"


class Offer(NamedTuple):
    """An offer of theirs, or their wish for one of ours (a re-INVITE without SDP).

    It came in a re-INVITE, an UPDATE or a PRACK, which `transaction` answers; or in a reliable 18x, and `acknowledge` sends the PRACK
    with the answer.
    """

    sdp: bytes | None
    transaction: ServerTransaction | None = None
    acknowledge: Callable[[bytes, float], None] | None = None

    @property
    def request(self) -> Request | None:
        """The request that brought it."""
        return None if self.transaction is None else self.transaction.request

    @property
    def must_be_answered_soon(self) -> bool:
        """Whether its transaction ends by itself when no answer leaves: all but INVITE (RFC 3261 §17.1.2)."""
        return self.request is not None and self.request.method != "INVITE"


class State(StrEnum):
    STABLE = "stable"
    OFFERING = "offering"  # our offer is under way: a re-INVITE, an UPDATE or a reliable 18x
    WAITING = "waiting"  # our offer met theirs and waits (§14.1)
    OFFERED = "offered"  # theirs was told to the user
    OFFERED_WAITING = "offered, ours waiting"
    ANSWERED = "answered"  # the answer was sent reliably; ACK, PRACK or the 2xx of PRACK is awaited
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
    ANSWER_UPDATE = "answer to UPDATE or PRACK"
    ANSWER_18X = "answer to reliable 18x"
    REFUSE = "refuse"
    WITHDRAWN = "CANCEL received"
    LATE = "UPDATE unanswered"
    ACKED = "ACK or PRACK received"
    CLOSE = "close"
    # of the INVITE's own offer, when a reliable 18x carries SDP (RFC 3262 §5)
    SETTLED = "answer in reliable 18x"
    PROPOSED = "our offer in reliable 18x"
    PRACKED = "answer in PRACK"


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
ANSWER_18X: Final = Input.ANSWER_18X
REFUSE: Final = Input.REFUSE
WITHDRAWN: Final = Input.WITHDRAWN
LATE: Final = Input.LATE
ACKED: Final = Input.ACKED
CLOSE: Final = Input.CLOSE
SETTLED: Final = Input.SETTLED
PROPOSED: Final = Input.PROPOSED
PRACKED: Final = Input.PRACKED
