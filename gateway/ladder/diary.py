"""What passed between us and the pages in the last calls, and which SIP calls were the legs of which call.

Told by the office of facts and by the sockets' side of frames; hands nothing on. The messages of the legs are in `sip.trace`; the two
are put together when somebody asks (`story`). Values are kept as they came, by reference: nothing is written or encoded here.

Invariants: the memory is bounded in calls, in frames of one call and in bytes of descriptions; the calls that began first go first; of
a call with too many frames the beginning and the end stay. What is noted of a call that is not known is forgotten at once.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from gateway.calls.facts import CallBegan, Fact, LegEnded, LegJoined
from gateway.realtime.ports import Identity
from protocol.commands import Answer, AnyCommand, Dial, Reattach
from protocol.entities import Call, Direction, End, Party
from protocol.messages import Done, GatewayMessage, Notice, Refused, Remote, Ring, RingAck

MOST_FRAMES: Final = 200
"""Of one call. A call with a reload and some holds has thirty."""
MOST_DESCRIBED: Final = 64 * 1024
"""Characters of descriptions (SDP) in the frames of one call; what comes after that is left out of its frames."""
MOST_LEGS: Final = 16
"""Of one call: each reload makes one."""

PageDid: TypeAlias = Literal["joined", "left", "lost"]
"""A page's socket came, went with a word, or was lost."""


class Ordered(NamedTuple):
    """A command of a page, and the answer that it got at once."""

    command: AnyCommand
    answer: Done | Refused


Passed: TypeAlias = Ordered | RingAck | PageDid | Ring | Remote | Notice | Call
"""What can pass; a `Call` is what a delta showed."""


class Frame(NamedTuple):
    """Something passed between a page and us. `tab` is None where it went to all of the user's pages."""

    at: float
    from_page: bool
    tab: str | None
    passed: Passed


class Entry:
    """One call.

    Attributes:
        id: ours.
        who: whose pages it was shown to; None: nobody's yet.
        legs: Call-IDs, in the order in which the legs began.
        end: how it ended, once it has.
        left_out: how many frames in the middle are not kept any more.
    """

    __slots__ = (
        "_described", "_first", "_last", "began_at", "direction", "end", "ended_at", "extension", "id", "left_out", "legs",
        "party", "who",
    )  # fmt: skip

    def __init__(self, id: str, began: CallBegan) -> None:
        self.id = id
        self.extension = began.extension
        self.direction: Direction = began.direction
        self.party: Party = began.party
        self.began_at = began.at
        self.ended_at: float | None = None
        self.end: End | None = None
        self.who: Identity | None = None
        self.legs = [began.leg.id]
        self.left_out = 0
        self._first: list[Frame] = []
        self._last: deque[Frame] = deque(maxlen=MOST_FRAMES // 2)
        self._described = 0

    def note(self, frame: Frame) -> None:
        """Keep one more."""
        frame = self._shortened(frame)
        if len(self._first) < MOST_FRAMES // 2:
            self._first.append(frame)
            return
        self.left_out += len(self._last) == MOST_FRAMES // 2
        self._last.append(frame)

    @property
    def frames(self) -> Iterator[Frame]:
        """Oldest first."""
        yield from self._first
        yield from self._last

    def _shortened(self, frame: Frame) -> Frame:
        """The frame, without its description when there were too many."""
        passed = frame.passed
        if isinstance(passed, Ordered):
            command = passed.command
            if isinstance(command, Dial | Reattach) and self._is_too_much(command.offer):
                command = _without(command, "offer")
            elif isinstance(command, Answer) and self._is_too_much(command.sdp):
                command = _without(command, "sdp")
            return (
                frame
                if command is passed.command
                else frame._replace(passed=passed._replace(command=command))
            )
        if isinstance(passed, Ring) and self._is_too_much(passed.offer):
            return frame._replace(passed=Ring(passed.call, ""))
        if isinstance(passed, Remote) and self._is_too_much(passed.sdp):
            return frame._replace(passed=Remote(passed.call, passed.kind, ""))
        return frame

    def _is_too_much(self, sdp: str) -> bool:
        self._described += len(sdp)
        return self._described > MOST_DESCRIBED


class Diary:
    """The last calls of a process.

    Args:
        clock: seconds since the epoch, the clock of the SIP side.
        most_calls: so many are kept; 0: none.
    """

    def __init__(self, clock: Callable[[], float], most_calls: int) -> None:
        self._clock = clock
        self._most_calls = most_calls
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        # Calls that have not ended, by whose pages show them: what a page does concerns these.
        self._living: dict[Identity, set[str]] = {}

    # --- what is told ---------------------------------------------------------------------------------------------------

    def fact(self, call: str, fact: Fact) -> None:
        """A fact was taken in by the ledger; `call` is our id of the conversation."""
        kind = type(fact)
        if kind is CallBegan:
            assert isinstance(fact, CallBegan)
            self._begin(call, fact)
        elif kind is LegJoined or kind is LegEnded:
            entry = self._entries.get(call)
            if entry is None:
                return
            if isinstance(fact, LegJoined):
                if fact.leg.id not in entry.legs and len(entry.legs) < MOST_LEGS:
                    entry.legs.append(fact.leg.id)
            elif isinstance(fact, LegEnded):
                entry.end, entry.ended_at = fact.end, fact.at

    def shown(self, who: Identity, calls: Mapping[str, Call]) -> None:
        """A delta showed these calls to a user's pages."""
        for id, call in calls.items():
            entry = self._entries.get(id)
            if entry is not None:
                entry.note(Frame(self._clock(), False, None, call))
                if entry.who is None:
                    entry.who = who
                    self._living.setdefault(who, set()).add(id)
                if call.state == "ended":
                    self._forget_living(entry)

    def letter(self, tab: str | None, message: GatewayMessage) -> None:
        """A message outside the state was sent to a tab, or to all tabs of a user."""
        if isinstance(message, Ring | Remote | Notice):
            entry = self._entries.get(message.call or "")
            if entry is not None:
                entry.note(Frame(self._clock(), False, tab, message))

    def command(self, tab: str, command: AnyCommand, answer: Done | Refused) -> None:
        """A page gave a command, and got this answer."""
        call = getattr(command, "call", None)
        if call is None and isinstance(answer, Done) and answer.result is not None:
            call = answer.result.call
        entry = self._entries.get(call or "")
        if entry is not None:
            entry.note(Frame(self._clock(), True, tab, Ordered(command, answer)))

    def rings(self, tab: str, message: RingAck) -> None:
        """A page shows an incoming call and rings."""
        entry = self._entries.get(message.call)
        if entry is not None:
            entry.note(Frame(self._clock(), True, tab, message))

    def page(self, who: Identity, tab: str, did: PageDid) -> None:
        """A page of a user came or went: that concerns all calls of the user."""
        for id in self._living.get(who, ()):
            self._entries[id].note(Frame(self._clock(), True, tab, did))

    # --- what is asked --------------------------------------------------------------------------------------------------

    def find(self, name: str) -> Entry | None:
        """The call of this id of ours, or one of whose legs has this Call-ID."""
        found = self._entries.get(name)
        if found is None:
            found = next((entry for entry in self.entries() if name in entry.legs), None)
        return found

    def entries(self) -> list[Entry]:
        """Every call, the latest first."""
        return list(reversed(self._entries.values()))

    def _begin(self, call: str, fact: CallBegan) -> None:
        if call in self._entries or self._most_calls < 1:
            return
        self._entries[call] = Entry(call, fact)
        if len(self._entries) > self._most_calls:
            self._forget_living(self._entries.popitem(last=False)[1])

    def _forget_living(self, entry: Entry) -> None:
        calls = self._living.get(entry.who) if entry.who is not None else None
        if calls is not None and entry.who is not None:
            calls.discard(entry.id)
            if not calls:
                del self._living[entry.who]


def _without(command: AnyCommand, description: str) -> AnyCommand:
    return msgspec.structs.replace(command, **{description: ""})
