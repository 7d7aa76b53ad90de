"""What the exchange shows of itself to the drawer and to tests: values, no behaviour."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ContactView:
    """One device that is registered for an extension, for that many seconds yet. `browser`: it is offered WebRTC."""

    device: str
    uri: str
    browser: bool
    expires_in: float


@dataclass(frozen=True, slots=True)
class LineView:
    extension: str
    contacts: tuple[ContactView, ...]


@dataclass(frozen=True, slots=True)
class CallView:
    """One conversation. `state` is ringing, talking, held or music (see `hall`); `held_by` names sides on hold."""

    id: str
    caller: str
    callee: str
    state: str
    held_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sound:
    """What one side has heard in the last second.

    Args:
        frequency: the strongest frequency in Hz, 0 in silence.
        energy: the mean square of the samples, full scale = 1.
        frames: how many frames of 20 ms came (not silence made up by us); 50 are a whole second.
        digits: what the other side has pressed in this call.
    """

    frequency: float
    energy: float
    frames: int
    digits: str = ""


class NotReachable(Exception):
    """A call that cannot be begun: the extension has no device, or there is no such customer."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Switchboard(Protocol):
    """The exchange as its controls see it."""

    def lines(self) -> tuple[LineView, ...]: ...

    def calls(self) -> tuple[CallView, ...]: ...

    def call_in(self, customer: str, extension: str) -> str:
        """Let a customer call an extension; the conversation's id. Raises NotReachable."""

    def hang_up(self, call_id: str) -> bool:
        """End a conversation from the outside; False when there is none with that id."""

    def heard(self, party: str) -> Sound | None:
        """What a customer (by number) hears just now; None when they are in no conversation."""
