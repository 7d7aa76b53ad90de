"""The states of a call and what can happen to it: the words that the tables of caller and callee share.

RFC 3261 draws no figure for the INVITE session (§13 to §15 are prose); these are the states that prose implies.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from sip.events import By, EndCause
from sip.headers import Reason


class CallState(StrEnum):
    IDLE = "idle"  # made, nothing sent
    # as caller (§13.2)
    CALLING = "calling"  # INVITE sent, nothing heard
    PROCEEDING = "proceeding"  # 1xx heard
    CANCEL_HELD = "cancel held"  # to be cancelled, but no 1xx was heard yet (§9.1)
    CANCELLING = "cancelling"  # CANCEL sent, the INVITE's final response is awaited
    ANSWERED = "answered"  # 2xx heard, not acknowledged by the user yet
    # as callee (§13.3)
    RECEIVED = "received"  # INVITE came
    RINGING = "ringing"  # 18x sent
    ACCEPT_HELD = "accept held"  # 200 is ready, but a reliable 18x with SDP waits for its PRACK (RFC 3262 §3)
    ACCEPTED = "accepted"  # 200 sent, its ACK is awaited
    LEAVING = "leaving"  # the same, and BYE is held back until the ACK (§15)
    # both
    CONFIRMED = "confirmed"
    ENDING = "ending"  # BYE sent, its answer is awaited
    ENDED = "ended"


class CallInput(StrEnum):
    # commands of the user
    START = "start"
    CANCEL = "cancel"
    ACKNOWLEDGE = "acknowledge"
    RING = "ring"
    RING_RELIABLY = "ring reliably"
    ACCEPT = "accept"
    ACCEPT_LATER = "accept, but after the PRACK"
    REJECT = "reject"
    BYE = "bye"
    # responses to our INVITE
    TRYING = "100"
    PROVISIONAL = "18x"
    SUCCESS = "2xx"
    REPEATED = "2xx again"
    FAILURE = "3xx-6xx"
    RESENT = "sent again with credentials"
    # requests of the peer
    CANCELLED = "CANCEL received"
    PRACKED = "PRACK received"
    ACKED = "ACK received"
    BYE_RECEIVED = "BYE received"
    # of requests of ours in the dialog
    BYE_ANSWERED = "BYE answered"
    GONE = "481"
    UNRESPONSIVE = "408"
    EXPIRED = "session timer expired"
    # time
    UNPRACKED = "no PRACK for 64*T1"
    UNACKED = "no ACK for 64*T1"
    WAIT_OVER = "no final response to a cancelled INVITE for 64*T1"


class End(NamedTuple):
    """How a call ends, noted when it begins to."""

    by: By
    status: int | None
    reasons: tuple[Reason, ...]
    cause: EndCause


IDLE: Final = CallState.IDLE
CALLING: Final = CallState.CALLING
PROCEEDING: Final = CallState.PROCEEDING
CANCEL_HELD: Final = CallState.CANCEL_HELD
CANCELLING: Final = CallState.CANCELLING
ANSWERED: Final = CallState.ANSWERED
RECEIVED: Final = CallState.RECEIVED
RINGING: Final = CallState.RINGING
ACCEPT_HELD: Final = CallState.ACCEPT_HELD
ACCEPTED: Final = CallState.ACCEPTED
LEAVING: Final = CallState.LEAVING
CONFIRMED: Final = CallState.CONFIRMED
ENDING: Final = CallState.ENDING
ENDED: Final = CallState.ENDED

START: Final = CallInput.START
CANCEL: Final = CallInput.CANCEL
ACKNOWLEDGE: Final = CallInput.ACKNOWLEDGE
RING: Final = CallInput.RING
RING_RELIABLY: Final = CallInput.RING_RELIABLY
ACCEPT: Final = CallInput.ACCEPT
ACCEPT_LATER: Final = CallInput.ACCEPT_LATER
REJECT: Final = CallInput.REJECT
BYE: Final = CallInput.BYE
TRYING: Final = CallInput.TRYING
PROVISIONAL: Final = CallInput.PROVISIONAL
SUCCESS: Final = CallInput.SUCCESS
REPEATED: Final = CallInput.REPEATED
FAILURE: Final = CallInput.FAILURE
RESENT: Final = CallInput.RESENT
CANCELLED: Final = CallInput.CANCELLED
PRACKED: Final = CallInput.PRACKED
ACKED: Final = CallInput.ACKED
BYE_RECEIVED: Final = CallInput.BYE_RECEIVED
BYE_ANSWERED: Final = CallInput.BYE_ANSWERED
GONE: Final = CallInput.GONE
UNRESPONSIVE: Final = CallInput.UNRESPONSIVE
EXPIRED: Final = CallInput.EXPIRED
UNPRACKED: Final = CallInput.UNPRACKED
UNACKED: Final = CallInput.UNACKED
WAIT_OVER: Final = CallInput.WAIT_OVER
