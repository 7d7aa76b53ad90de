"""Our hold: one layer with one confirmed state, never sent twice (design 4; `pbx-facts`: a second hold leaks sound).

Knows whether a hold is wanted and what the PBX has confirmed; sends nothing itself, but tells its leg when to. Who wants the
hold (the agent's button, a page that went) is the leg's affair. Invariants: at most one re-INVITE of ours is under way; a
wish that changes meanwhile is fulfilled after its answer; nothing is sent before the dialog is confirmed.
"""

from enum import StrEnum
from typing import ClassVar, Final, Protocol

from sip.machine import Machine, Table


class Hold(StrEnum):
    """What the PBX knows, and what is under way."""

    EARLY = "early"  # not answered yet: nothing can be sent
    EARLY_WANTED = "early, wanted"
    OPEN = "open"
    HOLDING = "holding"
    HOLDING_BACK = "holding, no longer wanted"
    HELD = "held"
    RESUMING = "resuming"
    RESUMING_BACK = "resuming, no longer wanted"


class HoldInput(StrEnum):
    """Wishes, and what the PBX says."""

    HOLD = "hold"
    RESUME = "resume"
    CONFIRMED = "confirmed"
    ACCEPTED = "2xx"
    REFUSED = "3xx-6xx"


class Held(Protocol):
    """What a leg does for its hold."""

    def send_hold(self, now: float) -> None:
        """Send the re-INVITE that holds."""

    def send_resume(self, now: float) -> None:
        """Send the re-INVITE that takes back."""

    def tell_held(self, now: float) -> None:
        """The PBX has confirmed the hold."""

    def tell_resumed(self, now: float) -> None:
        """The PBX has confirmed that it is off."""

    def tell_hold_failed(self, now: float) -> None:
        """The PBX refused."""

    def tell_resume_failed(self, now: float) -> None:
        """The PBX refused."""


def _send_hold(hold: "Holding", now: float) -> None:
    hold.leg.send_hold(now)


def _send_resume(hold: "Holding", now: float) -> None:
    hold.leg.send_resume(now)


def _tell_held(hold: "Holding", now: float) -> None:
    hold.leg.tell_held(now)


def _tell_resumed(hold: "Holding", now: float) -> None:
    hold.leg.tell_resumed(now)


def _tell_hold_failed(hold: "Holding", now: float) -> None:
    hold.leg.tell_hold_failed(now)


def _tell_resume_failed(hold: "Holding", now: float) -> None:
    hold.leg.tell_resume_failed(now)


def _held_then_resume(hold: "Holding", now: float) -> None:
    hold.leg.tell_held(now)
    hold.leg.send_resume(now)


def _resumed_then_hold(hold: "Holding", now: float) -> None:
    hold.leg.tell_resumed(now)
    hold.leg.send_hold(now)


_EARLY, _EARLY_WANTED, _OPEN, _HOLDING, _HOLDING_BACK, _HELD, _RESUMING, _RESUMING_BACK = Hold
_I = HoldInput

# Ours, after design section 4 and RFC 3264 §8.4.
# fmt: off
_TABLE: Final[Table[Hold, HoldInput]] = {
    (_EARLY,         _I.HOLD):      (_EARLY_WANTED,  None),
    (_EARLY,         _I.RESUME):    (_EARLY,         None),
    (_EARLY,         _I.CONFIRMED): (_OPEN,          None),
    (_EARLY_WANTED,  _I.HOLD):      (_EARLY_WANTED,  None),
    (_EARLY_WANTED,  _I.RESUME):    (_EARLY,         None),
    (_EARLY_WANTED,  _I.CONFIRMED): (_HOLDING,       _send_hold),
    (_OPEN,          _I.HOLD):      (_HOLDING,       _send_hold),
    (_OPEN,          _I.RESUME):    (_OPEN,          None),
    (_OPEN,          _I.ACCEPTED):  (_OPEN,          None),            # our offer in a 200 of ours was answered
    (_OPEN,          _I.REFUSED):   (_OPEN,          None),
    (_HOLDING,       _I.HOLD):      (_HOLDING,       None),            # never twice
    (_HOLDING,       _I.RESUME):    (_HOLDING_BACK,  None),
    (_HOLDING,       _I.ACCEPTED):  (_HELD,          _tell_held),
    (_HOLDING,       _I.REFUSED):   (_OPEN,          _tell_hold_failed),
    (_HOLDING_BACK,  _I.HOLD):      (_HOLDING,       None),
    (_HOLDING_BACK,  _I.RESUME):    (_HOLDING_BACK,  None),
    (_HOLDING_BACK,  _I.ACCEPTED):  (_RESUMING,      _held_then_resume),
    (_HOLDING_BACK,  _I.REFUSED):   (_OPEN,          _tell_resumed),   # what is wanted now, is
    (_HELD,          _I.HOLD):      (_HELD,          None),            # never twice
    (_HELD,          _I.RESUME):    (_RESUMING,      _send_resume),
    (_HELD,          _I.ACCEPTED):  (_HELD,          None),
    (_HELD,          _I.REFUSED):   (_HELD,          None),
    (_RESUMING,      _I.HOLD):      (_RESUMING_BACK, None),
    (_RESUMING,      _I.RESUME):    (_RESUMING,      None),
    (_RESUMING,      _I.ACCEPTED):  (_OPEN,          _tell_resumed),
    (_RESUMING,      _I.REFUSED):   (_HELD,          _tell_resume_failed),
    (_RESUMING_BACK, _I.HOLD):      (_RESUMING_BACK, None),
    (_RESUMING_BACK, _I.RESUME):    (_RESUMING,      None),
    (_RESUMING_BACK, _I.ACCEPTED):  (_HOLDING,       _resumed_then_hold),
    (_RESUMING_BACK, _I.REFUSED):   (_HELD,          _tell_held),      # what is wanted now, is
}
# fmt: on


class Holding(Machine[Hold, HoldInput]):
    """The hold layer of one leg.

    Args:
        leg: does what the table says.
        state: `Hold.HELD` or `Hold.OPEN` for a dialog that was found after a restart: what is held is not held again.
    """

    __slots__ = ("leg",)

    title: ClassVar[str] = "hold"
    figure: ClassVar[str] = "design section 4"
    table = _TABLE

    def __init__(self, leg: Held, state: Hold = Hold.EARLY) -> None:
        self.state = state
        self.leg = leg

    @property
    def under_way(self) -> bool:
        """Whether a re-INVITE of ours waits for its answer."""
        return self.state in (_HOLDING, _HOLDING_BACK, _RESUMING, _RESUMING_BACK)

    @property
    def held(self) -> bool:
        """Whether the PBX was told to hold, so that a restart does not tell it again."""
        return self.state in (_HOLDING, _HOLDING_BACK, _HELD)
