"""All deadlines of a core in one ordered list, so that the shell needs one timer.

A deadline is a moment, an owner (a transaction, a call) and a name (which of the owner's timers). Knows no clock and
calls nobody: whoever asks what is due acts on it.

Invariants:
    * an owner has at most one deadline of a name; setting it again moves it;
    * what was cancelled is never due, even if it was cancelled while others of the same moment were being handled;
    * deadlines come due in the order of their moments, equal moments in the order in which they were set;
    * memory is bounded by a multiple of what is pending, however many were set and cancelled before.

A heap with lazy deletion: an entry counts only as long as the index names it, and void entries are swept out together
when they outnumber the pending ones. Most SIP timers are cancelled long before they are due, so cancelling must
cost next to nothing. Buckets by moment, in which a cancelled entry is deleted, were measured too: slower.
"""

from collections.abc import Hashable, Iterator
from heapq import heapify, heappop, heappush
from typing import Final, Generic, TypeVar

OwnerT = TypeVar("OwnerT", bound=Hashable)
NameT = TypeVar("NameT", bound=Hashable)

_FEW: Final = 64  # void entries that are not worth sweeping


class Deadlines(Generic[OwnerT, NameT]):
    """The deadlines of many owners, in order. Owners are told apart by their hash and equality."""

    __slots__ = ("_count", "_heap", "_live", "_pending")

    def __init__(self) -> None:
        # (at, order of setting, owner, name): the order is unique, so that a comparison never reaches the owner.
        self._heap: list[tuple[float, int, OwnerT, NameT]] = []
        # The index: for each owner, the order of setting of the entry that counts, by name.
        self._pending: dict[OwnerT, dict[NameT, int]] = {}
        self._count = 0  # how many were ever set
        self._live = 0  # how many the index names

    def __len__(self) -> int:
        """How many deadlines are pending."""
        return self._live

    @property
    def size(self) -> int:
        """How many entries are kept, void ones included: what the memory is used for."""
        return len(self._heap)

    def set(self, owner: OwnerT, name: NameT, at: float) -> None:
        """Set the owner's deadline of that name, or move it.

        Args:
            at: the moment, in seconds on the caller's clock.
        """
        count = self._count = self._count + 1
        names = self._pending.get(owner)
        if names is None:
            self._pending[owner] = {name: count}
            self._live += 1
        else:
            if name not in names:
                self._live += 1
            names[name] = count
        heap = self._heap
        heappush(heap, (at, count, owner, name))
        if len(heap) > self._live * 2 + _FEW:
            self._sweep()

    def cancel(self, owner: OwnerT, name: NameT | None = None) -> None:
        """Cancel all deadlines of the owner, or the one of that name; what is not set is nothing to cancel."""
        if name is None:
            names = self._pending.pop(owner, None)
            if names is not None:
                self._live -= len(names)
        else:
            names = self._pending.get(owner)
            if names is not None and name in names:
                self._take(owner, name, names)

    def is_set(self, owner: OwnerT, name: NameT | None = None) -> bool:
        """Whether the owner has the deadline of that name, or any."""
        names = self._pending.get(owner)
        return names is not None and (name is None or name in names)

    def next_deadline(self) -> float | None:
        """The earliest moment pending; None when there is none."""
        heap = self._heap
        while heap:
            at, count, owner, name = heap[0]
            names = self._pending.get(owner)
            if names is not None and names.get(name) == count:
                return at
            heappop(heap)
        return None

    def due(self, now: float) -> Iterator[tuple[OwnerT, NameT]]:
        """Take out what is due at `now`, one after the other.

        What the caller cancels on the way is not given out any more; what it sets on the way, however early, is left
        for the next time, so that the iteration ends. If the caller stops half-way, the rest stays pending.
        """
        heap = self._heap
        batch = []
        while heap and heap[0][0] <= now:
            batch.append(heappop(heap))
        batch.reverse()
        try:
            while batch:
                _, count, owner, name = batch.pop()
                names = self._pending.get(owner)
                if names is not None and names.get(name) == count:
                    self._take(owner, name, names)
                    yield owner, name
        finally:
            for entry in batch:
                heappush(heap, entry)

    def _take(self, owner: OwnerT, name: NameT, names: dict[NameT, int]) -> None:
        del names[name]
        self._live -= 1
        if not names:
            del self._pending[owner]

    def _sweep(self) -> None:
        pending = self._pending
        # In place: an iteration of `due` holds the same list.
        self._heap[:] = [entry for entry in self._heap if pending.get(entry[2], {}).get(entry[3]) == entry[1]]
        heapify(self._heap)
