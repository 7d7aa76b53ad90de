"""One call as the ledger keeps it: its legs, and what is derived from them.

Knows nothing of where facts come from. Invariants:

- the state is derived from the legs by `settle`, never set by anybody; `ended` is for ever;
- `rev` grows by one with each change that a user could see, and only then;
- hold layers are those of the legs that carry the call now: a leg that took another's place begins without.
"""

from typing import Final

from gateway.calls.facts import CommandName, Layer, LegRef
from gateway.calls.legs import LIVE, Leg, LegInput, LegState
from protocol.entities import Call, CallState, Direction, End, Party, Sound

_HOLDING: Final[tuple[Layer, ...]] = ("us", "pbx", "phone")
_CONNECTED: Final = ("talking", "held")


class Conversation:
    """One conversation of one extension with one party, whatever device carries it."""

    __slots__ = (
        "answered_at",
        "began_at",
        "confirmed",
        "direction",
        "elsewhere",
        "end",
        "ended_at",
        "extension",
        "id",
        "legs",
        "muted",
        "party",
        "pending",
        "rev",
        "shown",
        "sound",
        "state",
        "state_since",
    )

    def __init__(
        self, id: str, extension: str, direction: Direction, party: Party, first: Leg, began_at: float
    ) -> None:
        self.id = id
        self.extension = extension
        self.direction = direction
        self.party = party
        self.legs = [first]
        self.began_at = began_at
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.end: End | None = None
        self.elsewhere: str | None = None
        self.state: CallState = "incoming" if direction == "in" else "dialing"
        self.state_since = began_at
        self.sound: Sound = "none"
        self.muted = False
        self.confirmed = True
        self.pending: dict[CommandName, float] = {}
        self.rev = 1
        # The call as the wire shows it, until something changes.
        self.shown: Call | None = None

    def leg(self, ref: LegRef) -> Leg:
        """The leg of that name.

        Raises:
            KeyError: it is none of this conversation's.
        """
        for leg in self.legs:
            if leg.ref == ref:
                return leg
        raise KeyError(ref)

    def carrying(self) -> list[Leg]:
        """The legs that the two sides talk over; while a leg is being replaced and already gone, that one."""
        talking = [leg for leg in self.legs if leg.state is LegState.TALKING]
        if talking:
            return talking
        wanted = {leg.instead_of for leg in self.legs if leg.state is LegState.JOINING}
        return [leg for leg in self.legs if leg.ref in wanted]

    def carrying_ref(self) -> LegRef:
        """The leg to name in a fact that is about the whole conversation."""
        carrying = self.carrying()
        return carrying[-1].ref if carrying else self.legs[-1].ref

    def joining(self) -> bool:
        """Whether a leg is being set up to take another's place."""
        return any(leg.state is LegState.JOINING for leg in self.legs)

    def layers(self) -> set[Layer]:
        """The layers of hold that are on."""
        return set[Layer]().union(*(leg.layers() for leg in self.carrying()))

    def take_place(self, leg: Leg) -> None:
        """The leg was answered: the one that it was set up to replace counts no more."""
        for other in self.legs:
            if other.ref == leg.instead_of:
                other.step(LegInput.REPLACED, 0.0)

    def settle(self, at: float) -> None:
        """Derive the state from the legs; `at` is when the fact that may have changed it came true."""
        if self.state == "ended":
            return
        state = self._derived()
        if state == self.state:
            return
        self.state, self.state_since = state, at
        if state == "ended":
            self._finish(at)

    def _derived(self) -> CallState:
        if len(self.legs) == 1:  # nearly always; spares the sets below
            state = self.legs[0].state
            if state is not LegState.TALKING:
                return _ALONE[state]
        states = {leg.state for leg in self.legs}
        if not states & LIVE:
            return "ended"
        if states & {LegState.TALKING, LegState.JOINING}:
            return "talking" if self.layers().isdisjoint(_HOLDING) else "held"
        for candidate in (LegState.INCOMING, LegState.RINGING):
            if candidate in states:
                return _ALONE[candidate]
        return "dialing"

    def _finish(self, at: float) -> None:
        """Take the end from the leg that tells most: the last one that had talked, else the last one."""
        ended = [leg for leg in self.legs if leg.end is not None]
        told = [leg for leg in ended if leg.answered_at is not None] or ended
        self.end, self.elsewhere = told[-1].end, told[-1].elsewhere
        self.ended_at = at
        self.sound = "none"
        self.pending.clear()

    @property
    def connected(self) -> bool:
        """Whether it was answered and lives."""
        return self.state in _CONNECTED


_ALONE: Final[dict[LegState, CallState]] = {
    LegState.DIALING: "dialing",
    LegState.RINGING: "ringing",
    LegState.INCOMING: "incoming",
    LegState.JOINING: "talking",
    LegState.REPLACED: "ended",
    LegState.ENDED: "ended",
}
