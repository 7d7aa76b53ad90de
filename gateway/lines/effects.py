"""What lines want to happen: facts for the ledger, descriptions for pages, rows for the journal. The office collects them.

One `Effects` is shared by all lines of an office, so that their order is the order in which things came true.
"""

from typing import TYPE_CHECKING, Literal, NamedTuple

from gateway.calls.facts import Fact, LegRef
from gateway.lines.journal import Record, Save

if TYPE_CHECKING:
    from gateway.lines.leg import SipLeg


class Described(NamedTuple):
    """The PBX's description, for the page that carries the sound of a leg."""

    leg: LegRef
    tab: str
    kind: Literal["answer", "pranswer"]
    sdp: bytes


class Effects:
    """What waits to be collected."""

    __slots__ = ("_awaiting", "_token", "described", "facts", "gone", "legs", "lines", "saves")

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.described: list[Described] = []
        self.saves: list[Save] = []
        # Records that are to be forgotten.
        self.gone: list[str] = []
        # The names of all living legs of the office.
        self.legs: set[str] = set()
        # Extensions whose line has changed.
        self.lines: set[str] = set()
        self._token = 0
        self._awaiting: dict[int, SipLeg] = {}

    def save(self, record: Record, leg: "SipLeg | None" = None) -> None:
        """Ask for a record to be kept; `leg` waits until it is."""
        if leg is None:
            self.saves.append(Save(record))
            return
        self._token += 1
        self._awaiting[self._token] = leg
        self.saves.append(Save(record, self._token))

    def saved(self, token: int) -> "SipLeg | None":
        """The leg that waited for this token; None when it is answered already or the leg has ended."""
        return self._awaiting.pop(token, None)
