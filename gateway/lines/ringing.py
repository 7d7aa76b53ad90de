"""When the PBX is told that it rings: after a page has said so, and not for ever when no page is left.

One machine per incoming call. It sends nothing; it tells its owner to ring (180) or to pass (480), and keeps one deadline.

Invariants: 180 leaves only after a page acknowledged the ring; without such a page the call is passed on after a grace, so that
the caller does not listen to a bell in an empty room; a page that comes within the grace gets a grace of its own.
"""

from enum import StrEnum
from typing import ClassVar, Final, Protocol

from sip.machine import Machine, Table


class Ring(StrEnum):
    """How far the ring has come."""

    UNHEARD = "unheard"  # no page has acknowledged it; the PBX heard 100
    RINGING = "ringing"  # a page rings; the PBX heard 180
    UNATTENDED = "unattended"  # the PBX heard 180, and the page that rang has gone
    OVER = "over"  # answered, taken back, refused


class RingInput(StrEnum):
    """What can happen to a ring."""

    PAGE = "page"  # the ring was sent to a page
    ACKNOWLEDGED = "acknowledged"
    NOBODY = "nobody"  # the last page has gone
    TIMER = "timer"
    TAKEN = "taken"  # answered or over, whoever did it


class Rung(Protocol):
    """What an incoming leg does for its ring."""

    def tell_ringing(self, now: float) -> None:
        """Send 180."""

    def pass_on(self, now: float) -> None:
        """Send 480: nobody is here."""

    def set_ring_deadline(self, at: float | None) -> None:
        """Call `Ringing.step(TIMER)` at this moment; None: no more."""


def _tell(ring: "Ringing", now: float) -> None:
    ring.leg.set_ring_deadline(None)
    ring.leg.tell_ringing(now)


def _extend(ring: "Ringing", now: float) -> None:
    ring.leg.set_ring_deadline(now + ring.grace_s)


def _wait_for_return(ring: "Ringing", now: float) -> None:
    ring.leg.set_ring_deadline(now + ring.return_s)


def _stop(ring: "Ringing", now: float) -> None:
    ring.leg.set_ring_deadline(None)


def _pass_on(ring: "Ringing", now: float) -> None:
    ring.leg.set_ring_deadline(None)
    ring.leg.pass_on(now)


_UNHEARD, _RINGING, _UNATTENDED, _OVER = Ring
_I = RingInput

# Ours: a ring without a page.
# fmt: off
_TABLE: Final[Table[Ring, RingInput]] = {
    (_UNHEARD,    _I.PAGE):         (_UNHEARD,    _extend),
    (_UNHEARD,    _I.ACKNOWLEDGED): (_RINGING,    _tell),
    (_UNHEARD,    _I.NOBODY):       (_UNHEARD,    None),              # the grace runs already
    (_UNHEARD,    _I.TIMER):        (_OVER,       _pass_on),
    (_UNHEARD,    _I.TAKEN):        (_OVER,       _stop),
    (_RINGING,    _I.PAGE):         (_RINGING,    None),              # the phone moved to another tab
    (_RINGING,    _I.ACKNOWLEDGED): (_RINGING,    None),              # a second tab rings
    (_RINGING,    _I.NOBODY):       (_UNATTENDED, _wait_for_return),
    (_RINGING,    _I.TAKEN):        (_OVER,       _stop),
    (_UNATTENDED, _I.PAGE):         (_UNATTENDED, _wait_for_return),
    (_UNATTENDED, _I.ACKNOWLEDGED): (_RINGING,    _stop),             # 180 was sent long ago
    (_UNATTENDED, _I.NOBODY):       (_UNATTENDED, None),
    (_UNATTENDED, _I.TIMER):        (_OVER,       _pass_on),
    (_UNATTENDED, _I.TAKEN):        (_OVER,       _stop),
    (_OVER,       _I.PAGE):         (_OVER,       None),
    (_OVER,       _I.ACKNOWLEDGED): (_OVER,       None),              # crossed the caller's CANCEL
    (_OVER,       _I.NOBODY):       (_OVER,       None),
    (_OVER,       _I.TIMER):        (_OVER,       None),
    (_OVER,       _I.TAKEN):        (_OVER,       None),
}
# fmt: on


class Ringing(Machine[Ring, RingInput]):
    """The ring of one incoming leg.

    Args:
        leg: does what the table says.
        grace_s: how long a page may take to acknowledge, and how long a call waits for a page at all.
        return_s: how long a call that rang already waits for a page that went away.
        state: `Ring.UNATTENDED` for a call that was found ringing after a restart.
    """

    __slots__ = ("grace_s", "leg", "return_s")

    title: ClassVar[str] = "ring"
    figure: ClassVar[str] = "a ring without a page"
    table = _TABLE

    def __init__(self, leg: Rung, grace_s: float, return_s: float, state: Ring = Ring.UNHEARD) -> None:
        self.state = state
        self.leg = leg
        self.grace_s = grace_s
        self.return_s = return_s

    def begin(self, now: float) -> None:
        """Start the clock."""
        if self.state is _UNHEARD:
            _extend(self, now)
        else:
            _wait_for_return(self, now)
