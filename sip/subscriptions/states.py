"""The states and inputs of a subscription of ours. Names only; the table is in `sip.subscriptions.subscription`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class SubscriptionState(StrEnum):
    IDLE = "idle"
    SUBSCRIBING = "subscribing"
    EARLY = "early"  # a NOTIFY was faster than the answer
    ACCEPTED = "accepted"  # answered; the first NOTIFY makes the dialog (RFC 6665 §4.1.2.4)
    ACTIVE = "active"  # installed; whether the notifier calls it pending is `substate`
    REFRESHING = "refreshing"
    WAITING = "waiting"  # failed or ended; asked for again later
    LEAVING = "leaving"  # not wanted any more, before there was a dialog to say so in
    UNSUBSCRIBING = "unsubscribing"
    FETCHING = "fetching"
    OFF = "off"


class SubscriptionInput(StrEnum):
    SUBSCRIBE = "subscribe"
    FETCH = "fetch"
    UNSUBSCRIBE = "unsubscribe"
    ACCEPTED = "2xx"
    TOO_BRIEF = "423"
    REFUSED = "3xx-6xx"
    NOTIFIED = "NOTIFY"
    TERMINATED = "over for now"  # NOTIFY terminated, or an answer that ends the subscription, after which another may be asked for
    DISMISSED = "over for good"
    TIMER = "time"
    TIMER_N = "timer N"
    EXPIRED = "expiry"
    TRANSPORT_LOST = "transport lost"


IDLE: Final = SubscriptionState.IDLE
SUBSCRIBING: Final = SubscriptionState.SUBSCRIBING
EARLY: Final = SubscriptionState.EARLY
ACCEPTED: Final = SubscriptionState.ACCEPTED
ACTIVE: Final = SubscriptionState.ACTIVE
REFRESHING: Final = SubscriptionState.REFRESHING
WAITING: Final = SubscriptionState.WAITING
LEAVING: Final = SubscriptionState.LEAVING
UNSUBSCRIBING: Final = SubscriptionState.UNSUBSCRIBING
FETCHING: Final = SubscriptionState.FETCHING
OFF: Final = SubscriptionState.OFF

SUBSCRIBE: Final = SubscriptionInput.SUBSCRIBE
FETCH: Final = SubscriptionInput.FETCH
UNSUBSCRIBE: Final = SubscriptionInput.UNSUBSCRIBE
OK: Final = SubscriptionInput.ACCEPTED
TOO_BRIEF: Final = SubscriptionInput.TOO_BRIEF
REFUSED: Final = SubscriptionInput.REFUSED
NOTIFIED: Final = SubscriptionInput.NOTIFIED
TERMINATED: Final = SubscriptionInput.TERMINATED
DISMISSED: Final = SubscriptionInput.DISMISSED
TIMER: Final = SubscriptionInput.TIMER
TIMER_N: Final = SubscriptionInput.TIMER_N
EXPIRED: Final = SubscriptionInput.EXPIRED
TRANSPORT_LOST: Final = SubscriptionInput.TRANSPORT_LOST
