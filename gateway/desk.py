"""One user's place: the open tabs, who attends which call, and what was put aside for a newer call.

Knows the user's lines and writes letters to the user's tabs; decides nothing about calls, which is `Office`'s and `Orders`'.
Invariant: the tab that is the phone is rung for every call that waits, again whenever the phone moves or comes back.
"""

from collections.abc import Iterator
from typing import NamedTuple

from gateway.calls.attendance import Attendance
from gateway.calls.conversation import Conversation
from gateway.calls.ledger import Ledger
from gateway.calls.legs import LegState
from gateway.lines.effects import Described
from gateway.lines.journal import INCOMING
from gateway.lines.leg import SipLeg
from gateway.lines.line import Line
from gateway.lines.ringing import RingInput
from gateway.realtime.tabs import Tabs
from protocol.entities import Line as LineShown
from protocol.messages import Notice, Remote, Ring


class Letter(NamedTuple):
    """A message outside the state: to one tab of a user, or to all (tab None)."""

    user_id: int
    tab: str | None
    message: Ring | Remote | Notice


class Desk:
    """One user.

    Args:
        user_id: amoCRM's number of the user.
        attendance: watches the user's calls.
        letters: where letters go.
    """

    __slots__ = (
        "attendance",
        "letters",
        "lines",
        "put_aside",
        "shown_lines",
        "tabs",
        "undelivered",
        "user_id",
    )

    def __init__(self, user_id: int, attendance: Attendance, letters: list[Letter]) -> None:
        self.user_id = user_id
        self.attendance = attendance
        self.letters = letters
        # The user's extensions by their numbers, in the order in which they are offered.
        self.lines: dict[str, Line] = {}
        self.tabs = Tabs()
        # New call → the calls that were held for it; they come back if it ends without an answer.
        self.put_aside: dict[str, set[str]] = {}
        # Call → the PBX's answer, whose tab had no socket when it came.
        self.undelivered: dict[str, Described] = {}
        self.shown_lines: dict[str, LineShown] | None = None

    # --- letters ----------------------------------------------------------------------------------------------------

    def incoming(self) -> Iterator[SipLeg]:
        """The legs that wait to be answered here."""
        for line in self.lines.values():
            for leg in line.legs.values():
                if leg.ringing is not None and leg.phase == INCOMING:
                    yield leg

    def ring(self, now: float) -> None:
        """Ring the tab that is the phone for every call that waits; or say that nobody is here."""
        tab = self.tabs.phone
        for leg in list(self.incoming()):
            if tab is None:
                leg.ring(RingInput.NOBODY, now)
            elif leg.peer is not None:
                leg.ring(RingInput.PAGE, now)
                self.letters.append(Letter(self.user_id, tab, Ring(leg.conversation, leg.peer.decode())))

    def describe(self, call: str, described: Described) -> None:
        """Bring the PBX's description to the tab that carries the sound, now or when it is back."""
        if described.tab not in self.tabs:
            self.undelivered[call] = described
            return
        remote = Remote(call, described.kind, described.sdp.decode())
        self.letters.append(Letter(self.user_id, described.tab, remote))

    def deliver(self, call: str) -> None:
        """The tab is back with the sound of a call: it gets the answer that it missed, if it missed one."""
        described = self.undelivered.pop(call, None)
        if described is not None:
            self.describe(call, described)

    # --- what there is ----------------------------------------------------------------------------------------------

    def find(self, ledger: Ledger, call: str) -> Conversation | None:
        """The user's call with this id."""
        for extension in self.lines:
            found = ledger.of(extension).get(call)
            if found is not None:
                return found
        return None

    def show_lines(self) -> dict[str, LineShown]:
        """The lines as pages see them; the same object until one changes."""
        if self.shown_lines is None:
            self.shown_lines = {number: line.shown() for number, line in self.lines.items()}
        return self.shown_lines

    def legs(self, conversation: Conversation) -> list[SipLeg]:
        """The legs of ours that a call still has."""
        legs = self.lines[conversation.extension].legs
        return [legs[leg.ref.id] for leg in conversation.legs if leg.ref.id in legs]

    def leg(self, conversation: Conversation) -> SipLeg | None:
        """The leg of ours that carries a call, or is to carry it; None when another device does."""
        legs = self.lines[conversation.extension].legs
        found = None
        for leg in conversation.legs:
            ours = legs.get(leg.ref.id)
            if ours is not None and (leg.state is LegState.TALKING or found is None):
                found = ours
        return found

    def leave_alone(self, call: str) -> None:
        """The user has held or taken back this call by hand: it is nobody else's business any more."""
        for calls in self.put_aside.values():
            calls.discard(call)
