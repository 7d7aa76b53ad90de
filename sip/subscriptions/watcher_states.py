"""The states and inputs of somebody's subscription to ours. Names only; the table is in `sip.subscriptions.watcher`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class WatcherState(StrEnum):
    IDLE = "idle"
    RECEIVED = "received"  # the user has not answered the SUBSCRIBE yet
    QUIET = "quiet"  # installed, and nothing is under way
    NOTIFYING = "notifying"
    STALE = "stale"  # a NOTIFY is under way, and the state is another one by now
    ENDING = "ending"  # the last NOTIFY follows when the one under way is answered
    LEAVING = "leaving"  # the last NOTIFY is under way
    OFF = "off"


class WatcherInput(StrEnum):
    SUBSCRIBED = "SUBSCRIBE"
    ACCEPT = "accept"
    ACCEPT_ONCE = "accept once"  # it asked for 0 seconds
    REFUSE = "refuse"
    NOTIFY = "notify"
    END = "end"  # by our user, by Expires 0 or because its time is over
    DELIVERED = "answered"
    LOST = "481"
    TIMER = "time"


IDLE: Final = WatcherState.IDLE
RECEIVED: Final = WatcherState.RECEIVED
QUIET: Final = WatcherState.QUIET
NOTIFYING: Final = WatcherState.NOTIFYING
STALE: Final = WatcherState.STALE
ENDING: Final = WatcherState.ENDING
LEAVING: Final = WatcherState.LEAVING
OFF: Final = WatcherState.OFF

SUBSCRIBED: Final = WatcherInput.SUBSCRIBED
ACCEPT: Final = WatcherInput.ACCEPT
ACCEPT_ONCE: Final = WatcherInput.ACCEPT_ONCE
REFUSE: Final = WatcherInput.REFUSE
NOTIFY: Final = WatcherInput.NOTIFY
END: Final = WatcherInput.END
DELIVERED: Final = WatcherInput.DELIVERED
LOST: Final = WatcherInput.LOST
TIMER: Final = WatcherInput.TIMER
