"""Which actions a call allows now, and for each that it does not, why (design 3.6).

A table of states, and what lies over it: a command under way, a PBX that has not confirmed the call, a sound that is not
there. Pure; answers are cached by what they depend on, so that a call's view costs a look-up. Whoever gets one must not
change it.
"""

from functools import lru_cache
from typing import Final

from gateway.calls.facts import CommandName
from protocol.codes import Code
from protocol.entities import Action, CallState, DeviceKind, Sound

_ENDED: Final = Code.CALL_ENDED
_EARLY: Final = Code.NOT_ANSWERED
_LATE: Final = Code.ALREADY_ANSWERED
_OUT: Final = Code.NOT_INCOMING
_STAY: Final = Code.NOT_ENDED

# fmt: off
_TABLE: Final[dict[Action, dict[CallState, Code | None]]] = {
    #             dialing          ringing           incoming            talking                   held                      ended
    "answer":   {"dialing": _OUT,  "ringing": _OUT,  "incoming": None,   "talking": _LATE,         "held": _LATE,            "ended": _ENDED},
    "reject":   {"dialing": _OUT,  "ringing": _OUT,  "incoming": None,   "talking": _LATE,         "held": _LATE,            "ended": _ENDED},
    "hang_up":  {"dialing": None,  "ringing": None,  "incoming": _EARLY, "talking": None,          "held": None,             "ended": _ENDED},
    "hold":     {"dialing": _EARLY, "ringing": _EARLY, "incoming": _EARLY, "talking": None,        "held": Code.ALREADY_HELD, "ended": _ENDED},
    "resume":   {"dialing": _EARLY, "ringing": _EARLY, "incoming": _EARLY, "talking": Code.NOT_HELD, "held": None,           "ended": _ENDED},
    "mute":     {"dialing": None,  "ringing": None,  "incoming": _EARLY, "talking": None,          "held": None,             "ended": _ENDED},
    "dtmf":     {"dialing": _EARLY, "ringing": _EARLY, "incoming": _EARLY, "talking": None,        "held": Code.ALREADY_HELD, "ended": _ENDED},
    "reattach": {"dialing": _EARLY, "ringing": _EARLY, "incoming": _EARLY, "talking": None,        "held": None,             "ended": _ENDED},
    "dismiss":  {"dialing": _STAY, "ringing": _STAY, "incoming": _STAY,  "talking": _STAY,         "held": _STAY,            "ended": None},
}

# While the command on the left is under way, these have to wait.
_WAITS: Final[dict[CommandName, tuple[Action, ...]]] = {
    "answer":   ("answer", "reject"),
    "reject":   ("answer", "reject"),
    "hang_up":  ("hang_up", "hold", "resume", "mute", "dtmf", "reattach"),
    "hold":     ("hold", "resume"),
    "resume":   ("hold", "resume"),
    "reattach": ("hold", "resume", "dtmf", "reattach"),
}
# fmt: on

_NEEDS_SOUND: Final[tuple[Action, ...]] = ("hold", "resume", "dtmf")
_NEEDS_PBX: Final[tuple[Action, ...]] = ("hold", "resume")
_NEEDS_BROWSER: Final[tuple[Action, ...]] = ("hold", "resume", "mute", "dtmf", "hang_up", "reattach")


@lru_cache(maxsize=1024)
def actions(
    state: CallState, sound: Sound, device: DeviceKind, pending: tuple[CommandName, ...], confirmed: bool
) -> dict[Action, Code | None]:
    """Each action of a call with None, or the reason why it is not allowed."""
    answer = {action: row[state] for action, row in _TABLE.items()}
    if state not in ("talking", "held"):
        _refuse(answer, (), None, pending)
        return answer
    if device == "phone":
        for action in _NEEDS_BROWSER:
            answer[action] = Code.ON_OTHER_DEVICE
        return answer
    _refuse(answer, ("reattach",) if sound == "here" else (), Code.SOUND_IS_HERE, pending)
    if sound != "here":
        _refuse(answer, _NEEDS_SOUND, Code.NO_SOUND, ())
    if not confirmed:
        _refuse(answer, _NEEDS_PBX, Code.UNCONFIRMED, ())
    return answer


def _refuse(
    answer: dict[Action, Code | None],
    which: tuple[Action, ...],
    code: Code | None,
    pending: tuple[CommandName, ...],
) -> None:
    """Put a reason where there is none yet: what a state forbids, it forbids for its own reason."""
    for name in pending:
        for action in _WAITS[name]:
            answer[action] = answer[action] or Code.PENDING
    for action in which:
        answer[action] = answer[action] or code
