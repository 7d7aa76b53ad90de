"""One leg of a conversation: a device's part in it, as a table, and its layers of hold.

Knows nothing of SIP and PBXs, nor of the other legs. The table takes facts in any order: what comes too late is a row
that changes nothing, and an end is an end.
"""

from enum import StrEnum
from typing import Final

from gateway.calls.facts import Layer, LegRef
from protocol.entities import Device, End
from sip.machine import Machine, Table


class LegState(StrEnum):
    """Where a leg stands."""

    DIALING = "dialing"  # we call; nothing is known of the other side
    RINGING = "ringing"  # we call; the other side rings
    INCOMING = "incoming"  # they call; our device is asked
    JOINING = "joining"  # set up to take another leg's place
    TALKING = "talking"
    REPLACED = "replaced"  # another leg has its place; its end is awaited and means nothing
    ENDED = "ended"


class LegInput(StrEnum):
    """What facts do to a leg."""

    RANG = "rang"
    ANSWERED = "answered"
    REPLACED = "replaced"
    ENDED = "ended"


_DIALING, _RINGING, _INCOMING, _JOINING, _TALKING, _REPLACED, _ENDED = LegState
_I = LegInput

# Ours, after design section 4.
# fmt: off
_TABLE: Final[Table[LegState, LegInput]] = {
    (_DIALING,  _I.RANG):     (_RINGING,  None),
    (_DIALING,  _I.ANSWERED): (_TALKING,  None),
    (_DIALING,  _I.REPLACED): (_REPLACED, None),
    (_DIALING,  _I.ENDED):    (_ENDED,    None),
    (_RINGING,  _I.RANG):     (_RINGING,  None),   # 18x comes as often as the PBX likes
    (_RINGING,  _I.ANSWERED): (_TALKING,  None),
    (_RINGING,  _I.REPLACED): (_REPLACED, None),
    (_RINGING,  _I.ENDED):    (_ENDED,    None),
    (_INCOMING, _I.RANG):     (_INCOMING, None),
    (_INCOMING, _I.ANSWERED): (_TALKING,  None),
    (_INCOMING, _I.REPLACED): (_REPLACED, None),
    (_INCOMING, _I.ENDED):    (_ENDED,    None),
    (_JOINING,  _I.RANG):     (_JOINING,  None),
    (_JOINING,  _I.ANSWERED): (_TALKING,  None),
    (_JOINING,  _I.REPLACED): (_REPLACED, None),
    (_JOINING,  _I.ENDED):    (_ENDED,    None),
    (_TALKING,  _I.RANG):     (_TALKING,  None),   # late
    (_TALKING,  _I.ANSWERED): (_TALKING,  None),   # told twice
    (_TALKING,  _I.REPLACED): (_REPLACED, None),
    (_TALKING,  _I.ENDED):    (_ENDED,    None),
    (_REPLACED, _I.RANG):     (_REPLACED, None),
    (_REPLACED, _I.ANSWERED): (_REPLACED, None),
    (_REPLACED, _I.REPLACED): (_REPLACED, None),
    (_REPLACED, _I.ENDED):    (_ENDED,    None),
    (_ENDED,    _I.RANG):     (_ENDED,    None),
    (_ENDED,    _I.ANSWERED): (_ENDED,    None),
    (_ENDED,    _I.REPLACED): (_ENDED,    None),
    (_ENDED,    _I.ENDED):    (_ENDED,    None),   # the first end counts
}
# fmt: on

LIVE: Final = frozenset({_DIALING, _RINGING, _INCOMING, _JOINING, _TALKING})
"""States of a leg that keep its conversation alive."""


class Leg(Machine[LegState, LegInput]):
    """One leg.

    Args:
        ref: how its source names it.
        state: where it begins.
        device: where our end of it lives.
        instead_of: the leg whose place it is to take, if any.
    """

    __slots__ = ("_layers", "answered_at", "device", "elsewhere", "end", "instead_of", "ref")

    title = "leg"
    figure = "design section 4"
    table = _TABLE

    def __init__(
        self, ref: LegRef, state: LegState, device: Device, instead_of: LegRef | None = None
    ) -> None:
        self.state = state
        self.ref = ref
        self.device = device
        self.instead_of = instead_of
        self.answered_at: float | None = None
        self.end: End | None = None
        self.elsewhere: str | None = None
        self._layers: dict[Layer, tuple[float, bool]] = {}

    def set_layer(self, layer: Layer, on: bool, at: float) -> bool:
        """Put a layer of hold on or take it off; of facts in the wrong order the later one counts.

        Returns:
            Whether that changed anything.
        """
        known_at, before = self._layers.get(layer, (at, False))
        if at < known_at:
            return False
        self._layers[layer] = (at, on)
        return on is not before

    def layers(self) -> set[Layer]:
        """The layers that are on."""
        return {layer for layer, (_, on) in self._layers.items() if on}

    def identity(self) -> str:
        return f"{self.ref.source}:{self.ref.id}"
