"""What is written down of a running call, so that a killed process finds it again (design 6, the restart contract).

One record per *leg* (one SIP dialog or unanswered INVITE), because a reload has two of them for a moment. The store keeps
records by `id`, the later one wins; it does not look inside. Records are values: this module knows no store and no SIP.

Invariants
- The ACK for a 200 of theirs, a 200 of ours, and an INVITE that takes a dialog's place leave only after the record that tells of
  them was saved (`Save.token`); no other message leaves before its record was handed to the journal.
- CSeq is not part of the promise: a loaded dialog skips ahead by 100 (`sip`), so a record is not re-written per request.
- A record is forgotten when its leg has ended, never before.
"""

from typing import Final, Literal

import msgspec

from protocol.entities import Party
from sip.calls.saved import SavedCall

Phase = Literal["dialing", "incoming", "answering", "answered", "talking"]
"""What was true of the leg when it was written: our INVITE is out; theirs rings here; our 200 may be out; theirs came and its
ACK may be out; confirmed."""

DIALING: Final = "dialing"
INCOMING: Final = "incoming"
ANSWERING: Final = "answering"
ANSWERED: Final = "answered"
TALKING: Final = "talking"


Wish = Literal["agent", "absence"]
"""Who wants our hold: the agent's button, or a page that went away."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One leg as it has to be found again.

    Args:
        id: the leg's SIP Call-ID; the key.
        account: whose it is; a node loads the records of the accounts it owns.
        call: our id of the conversation, kept over a restart and a reload.
        tab: the browser tab that carries the sound ("" before the answer).
        held: what the PBX was last told of our hold layer.
        held_for: who wants the hold.
        held_by_them: whether the other side holds.
        replaces: the id of the leg that this one is to replace (a reload in mid-call), else "".
        saved: the leg's SIP side.
    """

    id: str
    account: int
    call: str
    extension: str
    phase: Phase
    direction: Literal["in", "out"]
    party: Party
    saved: SavedCall
    began_at: float
    answered_at: float | None = None
    tab: str = ""
    held: bool = False
    held_for: tuple[Wish, ...] = ()
    held_by_them: bool = False
    muted: bool = False
    replaces: str = ""

    def to_json(self) -> bytes:
        """The record as the store keeps it."""
        return _encoder.encode(self)

    @staticmethod
    def from_json(data: bytes | str) -> "Record":
        """The record out of the store.

        Raises:
            msgspec.DecodeError: the row is not one of ours.
        """
        return _decoder.decode(data)


class Save(msgspec.Struct, frozen=True):
    """Ask the journal to keep `record`; a `token` above 0 is to be given back by `Office.saved` once it is on disk."""

    record: Record
    token: int = 0


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Record)
