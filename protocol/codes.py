"""Every code that crosses the wire, in one file.

What it is for: refusals, reasons why an action is not allowed, notices, causes of an ended call and WebSocket close codes.
The sentences for people stand in `languages/*.json`; a test holds that each code has one in each language.

Invariants: a code is never renamed and never reused. The *range* of a close code is the policy of the page
(`advice`), so that a new code needs no new widget:

    4000-4099  retry            connect again after a back-off, with the resume secret
    4100-4199  re-authenticate  get a new ticket (`POST /api/session`), then connect
    4200-4299  stop             tell the user; do not connect again by yourself
"""

from enum import IntEnum, StrEnum
from typing import Final, Literal

Advice = Literal["retry", "authenticate", "stop"]


class Code(StrEnum):
    """Why a command was refused, why an action is not allowed now, why a line is down, what a notice says."""

    # The frame itself.
    MALFORMED = "malformed"
    UNKNOWN_COMMAND = "unknown_command"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    # The call.
    NO_SUCH_CALL = "no_such_call"
    CALL_ENDED = "call_ended"
    NOT_ENDED = "not_ended"
    NOT_INCOMING = "not_incoming"
    NOT_ANSWERED = "not_answered"
    ALREADY_ANSWERED = "already_answered"
    ALREADY_HELD = "already_held"
    NOT_HELD = "not_held"
    PENDING = "pending"
    UNCONFIRMED = "unconfirmed"
    ON_OTHER_DEVICE = "on_other_device"
    SOUND_IS_HERE = "sound_is_here"
    NO_SOUND = "no_sound"
    TOO_MANY_CALLS = "too_many_calls"
    # What was asked for.
    BAD_NUMBER = "bad_number"
    BAD_SDP = "bad_sdp"
    # The tab and the line.
    PHONE_IN_OTHER_TAB = "phone_in_other_tab"
    PHONE_IS_HERE = "phone_is_here"
    PHONE_TAKEN = "phone_taken"
    NO_SUCH_EXTENSION = "no_such_extension"
    OBSERVER_ONLY = "observer_only"
    NOT_ALLOWED = "not_allowed"
    LINE_OFF = "line_off"
    LINE_NOT_READY = "line_not_ready"
    LINE_REFUSED = "line_refused"
    LINE_UNKNOWN = "line_unknown"
    PBX_UNREACHABLE = "pbx_unreachable"
    # The PBX did not do it.
    HOLD_FAILED = "hold_failed"
    RESUME_FAILED = "resume_failed"
    REATTACH_FAILED = "reattach_failed"
    PBX_REFUSED = "pbx_refused"
    RESTARTING = "restarting"
    INTERNAL = "internal"

    @property
    def temporary(self) -> bool:
        """Whether the same command may succeed a little later without anything being changed by the user."""
        return self in _TEMPORARY


_TEMPORARY: Final = frozenset(
    {
        Code.RATE_LIMITED,
        Code.PENDING,
        Code.UNCONFIRMED,
        Code.LINE_NOT_READY,
        Code.PBX_UNREACHABLE,
        Code.HOLD_FAILED,
        Code.RESUME_FAILED,
        Code.REATTACH_FAILED,
        Code.RESTARTING,
        Code.INTERNAL,
    }
)


class Cause(StrEnum):
    """Why a call ended."""

    HUNG_UP = "hung_up"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    MISSED = "missed"
    ANSWERED_ELSEWHERE = "answered_elsewhere"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"
    SOUND_IMPOSSIBLE = "sound_impossible"
    NOBODY_CAME_BACK = "nobody_came_back"
    GONE_AT_PBX = "gone_at_pbx"
    PBX_UNREACHABLE = "pbx_unreachable"
    GATEWAY_RESTARTED = "gateway_restarted"
    FAILED = "failed"


class CloseCode(IntEnum):
    """Why the gateway closes a socket (RFC 6455 §7.4.2: 4000-4999 are for private use)."""

    # Connect again after a back-off.
    HELLO_TIMEOUT = 4000
    TOO_SLOW = 4001
    RESTARTING = 4002
    PING_TIMEOUT = 4003
    RATE = 4004
    OVERLOADED = 4005
    MOVED = 4006
    INTERNAL = 4007
    # Get a new ticket.
    TICKET = 4100
    RESUME = 4101
    REVOKED = 4102
    # Tell the user and stop.
    BAD_FRAME = 4200
    VERSION = 4201
    TOO_MANY_SOCKETS = 4202
    REPLACED = 4203
    ACCOUNT_OFF = 4204

    @property
    def advice(self) -> Advice:
        """What the page does after this code."""
        return advice(self)


def advice(code: int) -> Advice:
    """What a page does after a socket was closed with `code`; codes that are not ours (1000-1015, 1006) mean retry."""
    if 4100 <= code <= 4199:
        return "authenticate"
    if 4200 <= code <= 4299:
        return "stop"
    return "retry"
