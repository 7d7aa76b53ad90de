"""Why a call is over, as people say it: SIP's and Q.850's numbers translated into `protocol.codes.Cause`.

Knows nothing of calls in progress; every function is pure. Rules, in this order:

- a call to us that somebody else took is *answered elsewhere*, never *missed*: `Reason: SIP;cause=200` or `Q.850;cause=26`
  (RFC 3326; Asterisk sends both), or a PBX that only writes "Call completed elsewhere";
- of a call of ours that was never answered, the Q.850 cause tells more than the status, because a PBX maps many of the
  former onto few of the latter; a cause of 0, 16 or 31 ("normal") tells nothing, then the status decides;
- everything unknown is `failed`, with the status and the PBX's own words kept beside it.
"""

from collections.abc import Sequence
from typing import Final, Literal

from protocol.codes import Cause
from protocol.entities import End
from sip.headers import Reason

_ELSEWHERE_TEXTS: Final = ("completed elsewhere", "answered elsewhere")

# RFC 3261 §21: final statuses of an INVITE of ours.
# fmt: off
_BY_STATUS: Final[dict[int, Cause]] = {
    401: Cause.FORBIDDEN,
    403: Cause.FORBIDDEN,
    404: Cause.NOT_FOUND,
    407: Cause.FORBIDDEN,
    408: Cause.NO_ANSWER,
    410: Cause.NOT_FOUND,
    415: Cause.SOUND_IMPOSSIBLE,
    416: Cause.NOT_FOUND,
    480: Cause.UNAVAILABLE,
    481: Cause.GONE_AT_PBX,
    484: Cause.NOT_FOUND,
    485: Cause.NOT_FOUND,
    486: Cause.BUSY,
    487: Cause.NO_ANSWER,
    488: Cause.SOUND_IMPOSSIBLE,
    503: Cause.PBX_UNREACHABLE,
    504: Cause.PBX_UNREACHABLE,
    600: Cause.BUSY,
    603: Cause.REJECTED,
    604: Cause.NOT_FOUND,
    606: Cause.SOUND_IMPOSSIBLE,
    607: Cause.REJECTED,
    608: Cause.REJECTED,
}

# ITU-T Q.850 table 1: the causes that say more than "normal".
_BY_Q850: Final[dict[int, Cause]] = {
    1:  Cause.NOT_FOUND,          # unallocated number
    2:  Cause.NOT_FOUND,          # no route to the transit network
    3:  Cause.NOT_FOUND,          # no route to the destination
    17: Cause.BUSY,
    18: Cause.NO_ANSWER,          # no user responding
    19: Cause.NO_ANSWER,          # alerted, no answer
    20: Cause.UNAVAILABLE,        # subscriber absent
    21: Cause.REJECTED,
    22: Cause.NOT_FOUND,          # number changed
    27: Cause.UNAVAILABLE,        # destination out of order
    28: Cause.NOT_FOUND,          # invalid number format
    34: Cause.UNAVAILABLE,        # no circuit available
    38: Cause.PBX_UNREACHABLE,    # network out of order
    41: Cause.PBX_UNREACHABLE,    # temporary failure
    42: Cause.UNAVAILABLE,        # congestion
    52: Cause.FORBIDDEN,          # outgoing calls barred
    57: Cause.FORBIDDEN,
    58: Cause.SOUND_IMPOSSIBLE,   # bearer capability not available
    88: Cause.SOUND_IMPOSSIBLE,   # incompatible destination
}
# fmt: on


def answered_elsewhere(reasons: Sequence[Reason]) -> bool:
    """Whether the Reason headers of a CANCEL (or BYE) say that another device took the call."""
    return any(
        (one.protocol.upper() == "SIP" and one.cause == 200)
        or (one.protocol.upper() == "Q.850" and one.cause == 26)
        or any(text in (one.text or "").lower() for text in _ELSEWHERE_TEXTS)
        for one in reasons
    )


def q850(reasons: Sequence[Reason]) -> int | None:
    """The Q.850 cause, if a Reason header has one."""
    return next((one.cause for one in reasons if one.protocol.upper() == "Q.850"), None)


def refused_by_them(status: int | None, reasons: Sequence[Reason]) -> End:
    """The end of a call of ours that was never answered."""
    cause = _BY_Q850.get(q850(reasons) or 0)
    if cause is None:
        cause = _BY_STATUS.get(status or 408, Cause.FAILED)
    by: Literal["them", "nobody"] = "nobody" if cause is Cause.PBX_UNREACHABLE else "them"
    return End(by=by, cause=cause, status=status, text=words(reasons))


def given_up_by_them(status: int | None, reasons: Sequence[Reason]) -> End:
    """The end of a call to us that was cancelled before we answered: taken elsewhere, or missed."""
    cause = Cause.ANSWERED_ELSEWHERE if answered_elsewhere(reasons) else Cause.MISSED
    return End(by="them", cause=cause, status=status, text=words(reasons))


def words(reasons: Sequence[Reason]) -> str | None:
    """The PBX's own words, if it gave any."""
    return next((one.text for one in reasons if one.text), None)
