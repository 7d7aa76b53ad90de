"""One conversation: a caller, the devices that are rung for it, and whoever answered first.

Connects sound: each party hears the other, music while the other has put it on hold, nothing while it has put the other on hold.
Knows nothing of SIP messages or numbers. Invariants: at most one callee, chosen once; losers are let go with the reasons for
*answered elsewhere*; after `end` no party is left.
"""

from dataclasses import dataclass, field
from typing import Final

from sandbox.pbx.parties import ELSEWHERE, Device, Party, Person, Release
from sandbox.pbx.sound.frames import Loop, Samples, Silence
from sandbox.pbx.views import CallView

# Of refusals by several devices the caller is told the most telling one.
_TELLING: Final = (603, 486, 600)


@dataclass(eq=False)
class Conversation:
    """Who talks, or will talk, with whom.

    Args:
        callee_name: the extension or number that was dialled.
        music: what a party on hold hears.
    """

    id: str
    caller: Party
    callee_name: str
    music: Samples
    rung: list[Device] = field(default_factory=list)
    callee: Party | None = None
    refusals: list[int] = field(default_factory=list)

    @property
    def parties(self) -> tuple[Party, ...]:
        """Everybody whose part is to be ended when the conversation ends."""
        return (self.caller, *self.rung, *((self.callee,) if self.callee is not None else ()))

    @property
    def people(self) -> list[Person]:
        return [party for party in self.parties if isinstance(party, Person)]

    @property
    def devices(self) -> list[Device]:
        return [party for party in self.parties if isinstance(party, Device)]

    def other(self, party: Party) -> Party | None:
        """The one who talks with that party."""
        return self.callee if party is self.caller else self.caller

    def connect(self, callee: Party, now: float) -> None:
        """The first to answer has the call; the other devices are let go, the caller is told."""
        losers = [device for device in self.rung if device is not callee]
        self.rung.clear()
        self.callee = callee
        for device in losers:
            device.release(Release(reasons=ELSEWHERE), now)
        self.caller.answered(now)
        self.route()

    def refused(self, device: Device, status: int | None) -> bool:
        """A device that was rung is out; true when it was the last."""
        self.rung.remove(device)
        if status is not None:
            self.refusals.append(status)
        return not self.rung

    @property
    def verdict(self) -> int:
        """What the caller is told when nobody answered."""
        telling = [status for status in _TELLING if status in self.refusals]
        return telling[0] if telling else 480

    def swap(self, old: Party, new: Device) -> None:
        """Put a device in the place of another (RFC 3891); the other party hears no change but the sound."""
        if self.caller is old:
            self.caller = new
        else:
            self.callee = new
        self.route()

    def route(self) -> None:
        """Let everybody hear what they should."""
        if self.callee is None:
            return
        for party, other in ((self.caller, self.callee), (self.callee, self.caller)):
            if party.held:
                party.listen(Silence())
            elif other.held:
                party.listen(Loop(self.music))
            else:
                party.listen(other.voice)

    def end(self, how: Release, now: float, but: Party | None = None) -> None:
        """Let everybody go, but the one who left by itself."""
        for party in self.parties:
            if party is not but:
                party.release(how, now)
        self.rung.clear()

    def view(self) -> CallView:
        held = tuple(party.name for party in (self.caller, self.callee) if party is not None and party.held)
        state = "ringing" if self.callee is None else "held" if held else "talking"
        return CallView(self.id, self.caller.name, self.callee_name, state, held)
