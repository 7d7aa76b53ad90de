"""The messages of the last calls, as they crossed the wire, kept for whoever asks later what was said.

Told of every message that comes or leaves; keeps those of calls. Knows nothing of sockets, of what a message means, and of how it is
drawn. Cheap, because it stands on the way of every datagram: the bytes are kept by reference, the Call-ID is searched for and nothing
is parsed; what is secret in a message is taken out by whoever shows it (`sip.redaction`).

Invariants: the memory is bounded in calls, in messages and bytes of one call, and in bytes of all; the calls that have been silent
longest go first; of a call that says more than is kept, the beginning and the end stay, and how many are missing is known.
"""

import re
from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from sip.flow import Flow

MOST_MESSAGES: Final = 240
"""Of one call. An hour of probes each 30 s makes as many; a call with a transfer and holds makes forty."""
MOST_BYTES: Final = 256 * 1024
"""Of one call."""
BYTES_PER_CALL: Final = 32 * 1024
"""Of all calls together, on the average: an answered call with a browser's descriptions takes 15 to 20 KiB."""
MOST_OF_ONE: Final = 16 * 1024
"""Of one message; what is longer is kept to here."""

_NAME: Final = b"\r\nCall-ID: "
# A call begins with an INVITE; one that an earlier life of the process began is refreshed by UPDATE, or cancelled.
_BEGINS: Final = (b"INVITE ", b"UPDATE ", b"CANCEL ")
_ANY_SPELLING: Final = re.compile(rb"\r\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)


class Traced(NamedTuple):
    """A message that crossed the wire at a moment, from us (`sent`) or to us, over a flow."""

    at: float
    sent: bool
    flow: Flow
    data: bytes


_Kept: TypeAlias = tuple[float, bool, Flow, bytes]


class TracedCall:
    """What was said with one Call-ID.

    Attributes:
        left_out: how many messages between the first and the last ones are not kept any more.
        size: bytes that are kept.
    """

    __slots__ = ("_first", "_last", "left_out", "size")

    def __init__(self) -> None:
        # Plain tuples: a named one costs as much to make as all the rest.
        self._first: list[_Kept] = []
        self._last: deque[_Kept] = deque()
        self.left_out = 0
        self.size = 0

    def add(self, kept: _Kept, size: int, most: int) -> int:
        """Keep one more of so many bytes, of at most so many messages; by how many bytes the call has grown."""
        first, last = self._first, self._last
        if not last and len(first) < most // 2 and self.size + size <= MOST_BYTES // 2:
            first.append(kept)
            self.size += size
            return size
        before = self.size
        last.append(kept)
        self.size += size
        while len(last) > 1 and (len(first) + len(last) > most or self.size > MOST_BYTES):
            self.size -= len(last.popleft()[3])
            self.left_out += 1
        return self.size - before

    @property
    def gap(self) -> int:
        """Before which message, counted from 0, those are missing that were left out."""
        return len(self._first)

    def __iter__(self) -> Iterator[Traced]:
        for kept in (*self._first, *self._last):
            yield Traced(*kept)

    def __len__(self) -> int:
        return len(self._first) + len(self._last)


class Trace:
    """The last calls of a process.

    Args:
        most_calls: so many are kept; 0: none.
        most_messages: so many of each.
    """

    __slots__ = ("_calls", "_most_bytes", "_most_calls", "_most_messages", "size")

    def __init__(self, most_calls: int, most_messages: int = MOST_MESSAGES) -> None:
        self._calls: OrderedDict[bytes, TracedCall] = OrderedDict()
        self._most_calls = most_calls
        self._most_messages = most_messages
        self._most_bytes = max(most_calls * BYTES_PER_CALL, MOST_BYTES)
        self.size = 0

    def record(self, at: float, sent: bool, flow: Flow, data: bytes) -> None:
        """A message crossed the wire; it is kept if it belongs to a call, or begins one."""
        begin = data.find(_NAME)
        if begin >= 0:
            begin += len(_NAME)
            call_id = data[begin : data.find(b"\r", begin)].strip()
        else:
            call_id = _searched(data)
        call = self._calls.get(call_id)
        if call is None:
            if not data.startswith(_BEGINS) or not call_id or self._most_calls < 1:
                return
            call = self._calls[call_id] = TracedCall()
            if len(self._calls) > self._most_calls:
                self._forget_one()
        else:
            self._calls.move_to_end(call_id)
        size = len(data)
        if size > MOST_OF_ONE:
            data, size = data[:MOST_OF_ONE], MOST_OF_ONE
        self.size += call.add((at, sent, flow, data), size, self._most_messages)
        while self.size > self._most_bytes:
            self._forget_one()

    def find(self, call_id: str) -> TracedCall | None:
        """What was said with this Call-ID."""
        return self._calls.get(call_id.encode("utf-8", "surrogateescape"))

    def call_ids(self) -> list[str]:
        """Every Call-ID that is known, the one that spoke last at the end."""
        return [call_id.decode("utf-8", "surrogateescape") for call_id in self._calls]

    def __len__(self) -> int:
        return len(self._calls)

    def _forget_one(self) -> None:
        _, call = self._calls.popitem(last=False)
        self.size -= call.size


def _searched(data: bytes) -> bytes:
    """The Call-ID of a message that spells the header's name in another way; empty when it has none."""
    found = _ANY_SPELLING.search(data, 0, MOST_OF_ONE)
    return found[1].strip() if found else b""
