"""Which of a user's tabs is the phone: it carries sound and is rung, the others mirror.

What it does not know: sockets, calls and time. `Office` owns one instance for each user.

Invariants:
- at most one tab is the phone; while any tab is open, exactly one is;
- the newest tab gets it, `take` moves it, a closed tab frees it to the newest that remains;
- `fence` grows with each change of the holder, so that a command that was sent by an earlier holder can be told apart
  (the lease of `design.md` 3.8);
- a page that only lost its socket and is back does not pull the phone away from another tab; a page that was loaded does.
"""


class Tabs:
    """The tabs of one user, in the order in which they were opened."""

    def __init__(self) -> None:
        # Insertion order is age; the value says nothing.
        self._open: dict[str, None] = {}
        self._phone: str | None = None
        self._fence = 0

    @property
    def phone(self) -> str | None:
        """The tab that is the phone, or None when no tab is open."""
        return self._phone

    @property
    def fence(self) -> int:
        """Number of the present lease."""
        return self._fence

    def __contains__(self, tab: str) -> bool:
        return tab in self._open

    def __len__(self) -> int:
        return len(self._open)

    def open(self, tab: str, *, anew: bool) -> bool:
        """A tab came.

        Args:
            tab: its id.
            anew: the page was loaded; False: the same page lost its socket and is back.

        Returns:
            Whether the phone moved.
        """
        self._open.pop(tab, None)
        self._open[tab] = None
        if self._phone is None or anew:
            return self._give(tab)
        return False

    def close(self, tab: str) -> bool:
        """A tab went.

        Returns:
            Whether the phone moved: to the newest tab that remains, or to nobody.
        """
        if tab not in self._open:
            return False
        del self._open[tab]
        if self._phone != tab:
            return False
        return self._give(next(reversed(self._open), None))

    def take(self, tab: str) -> bool:
        """The user wants the phone in this tab.

        Returns:
            Whether the phone moved; False when it is there already.

        Raises:
            KeyError: the tab is not open.
        """
        if tab not in self._open:
            raise KeyError(tab)
        return self._give(tab)

    def holds(self, tab: str, fence: int) -> bool:
        """Whether a tab still has the lease it was given with this number."""
        return self._phone == tab and self._fence == fence

    def _give(self, tab: str | None) -> bool:
        """The one door that moves the phone."""
        if tab == self._phone:
            return False
        self._phone = tab
        self._fence += 1
        return True
