"""What of a call is left behind when it ends: the memory that it was, and transfers that are not through.

Knows no reason. Invariant: an ended call is found by no request of its session any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sip.calls.session import Session

# Dialogs that ended, of which it is remembered that they were: later a Replaces of them gets 481 instead of 603.
MOST_ENDED: Final = 1000


def leave(call: Session, now: float) -> None:
    """Take a call out of the core's list."""
    core, key = call.core, (call.id, call.local_tag)
    core.calls.pop(key, None)
    dialog = call.dialog
    if dialog is not None:
        ended = core.ended
        ended[key] = dialog.remote_tag
        if len(ended) > MOST_ENDED:
            del ended[next(iter(ended))]
    if key in core.referrals:
        core.referrals[key].call_ended(now)
