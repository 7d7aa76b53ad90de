"""One user's stream: a state, a position, the latest deltas, and the pages that read it.

What it does not know: calls, sockets, time.

Invariants:
- `seq` grows by one with each delta, and a delta is made only when something changed;
- the ring holds the latest deltas without a gap, up to `seq`; it is bounded by number and by bytes;
- law: a page at (epoch, n) that is given `missed` stands where a fresh snapshot stands;
- another epoch, a position in the future or one that fell out of the ring get a snapshot, never a guess;
- a delta is encoded once, and all readers get the same bytes object.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from gateway.realtime.limits import Limits
from gateway.realtime.outbox import text_frame
from protocol.codec import encode
from protocol.entities import Position, State
from protocol.messages import Delta, Snapshot
from protocol.state import diff

MAX_TABS_REMEMBERED = 16


@dataclass(frozen=True, slots=True)
class Reader:
    """A tab's socket that reads the stream.

    Attributes:
        number: of the socket, in the outbox.
        lang: the page's language, for sentences.
    """

    number: int
    lang: str


class Answers:
    """The answers that one tab got, by the command's id; the oldest fall out."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, id: str) -> bytes | None:
        """The stored answer, as a prepared frame."""
        return self._kept.get(id)

    def keep(self, id: str, frame: bytes) -> None:
        """Store an answer."""
        self._kept[id] = frame
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)


@dataclass(slots=True, eq=False)
class Stream:
    """What one user sees, over time."""

    epoch: str
    state: State
    limits: Limits
    seq: int = 0
    readers: dict[str, Reader] = field(default_factory=dict)
    """By tab."""
    left_at: float | None = None
    """When the last reader went; None while there is one."""
    latest: Delta | None = None
    """The delta that was made last."""
    _ring: deque[bytes] = field(default_factory=deque)
    _ring_bytes: int = 0
    _answers: OrderedDict[str, Answers] = field(default_factory=OrderedDict)

    @property
    def position(self) -> Position:
        """Where the stream stands."""
        return Position(self.epoch, self.seq)

    def publish(self, state: State) -> bytes | None:
        """The user sees something new.

        Returns:
            The delta as a prepared frame, the same object for all readers; None when nothing changed.
        """
        delta = diff(self.state, state, self.seq + 1)
        self.state = state
        if delta is None:
            return None
        self.seq += 1
        self.latest = delta
        frame = text_frame(encode(delta))
        self._remember(frame)
        return frame

    def missed(self, position: Position | None) -> list[bytes] | None:
        """The deltas after a position, as prepared frames; None when only a snapshot will do."""
        if position is None or position.epoch != self.epoch:
            return None
        behind = self.seq - position.seq
        if behind < 0 or position.seq < 0 or behind > len(self._ring):
            return None
        return list(self._ring)[len(self._ring) - behind :]

    def snapshot(self) -> bytes:
        """The whole state as a prepared frame."""
        return text_frame(encode(Snapshot(self.epoch, self.seq, self.state)))

    def answers_of(self, tab: str) -> Answers:
        """The stored answers of a tab; they outlive its socket, so that a repeated command is not done twice."""
        if tab not in self._answers:
            self._answers[tab] = Answers(self.limits.answers)
            if len(self._answers) > MAX_TABS_REMEMBERED:
                self._answers.popitem(last=False)
        self._answers.move_to_end(tab)
        return self._answers[tab]

    def forget_answers(self, tab: str) -> None:
        """The page was loaded anew: its ids begin again."""
        self._answers.pop(tab, None)

    def _remember(self, frame: bytes) -> None:
        self._ring.append(frame)
        self._ring_bytes += len(frame)
        while len(self._ring) > self.limits.ring_frames or self._ring_bytes > self.limits.ring_bytes:
            self._ring_bytes -= len(self._ring.popleft())
