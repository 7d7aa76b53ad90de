"""An INVITE that wants the place of a call of ours: which call that is, and whether it may (RFC 3891 §3).

Whether the one who asks may do so is the user's to judge, on CallReceived; what is judged here needs no judgement.
Invariant: a refused INVITE leaves the call that it names as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sip.calls.states import ACCEPTED, ANSWERED, CALLING, CONFIRMED, PROCEEDING
from sip.headers import ReplacesHeader

if TYPE_CHECKING:
    from sip.call import Call
    from sip.core import Core

_EARLY: Final = frozenset({CALLING, PROCEEDING})
_TALKING: Final = frozenset({ACCEPTED, ANSWERED, CONFIRMED})


def find(core: Core, replaces: ReplacesHeader) -> Call | None:
    """The living call that a Replaces means: its tags are named from our side."""
    call = core.calls.get((replaces.call_id, replaces.to_tag))
    return call if call is not None and call.dialog_with(replaces.from_tag) is not None else None


def verdict(core: Core, replaces: ReplacesHeader) -> int:
    """The status that refuses an INVITE with this Replaces; 0: it may be told to the user.

    481 without such a dialog, or for an early one that we did not begin; 603 for one that is over or about to be; 486 for a
    confirmed one with early-only.
    """
    call = find(core, replaces)
    if call is None:
        was = core.ended.get((replaces.call_id, replaces.to_tag))
        return 603 if was == replaces.from_tag else 481
    if call.state in _TALKING:
        return 486 if replaces.early_only else 0
    if call.state in _EARLY:
        return 0
    return 481 if call.direction == "in" and call.state in ("received", "ringing") else 603


def end(call: Call, now: float) -> None:
    """End the call whose place was taken."""
    if call.state in _EARLY:
        call.cancel(now)
    elif call.state in _TALKING:
        call.bye(now)
