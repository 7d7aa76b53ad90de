"""Which tab is the phone: the rules, and a machine in which there are never two and never none."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.realtime.tabs import Tabs


def test_no_tab_no_phone() -> None:
    tabs = Tabs()
    assert (tabs.phone, tabs.fence, len(tabs)) == (None, 0, 0)


def test_the_newest_tab_gets_the_phone() -> None:
    tabs = Tabs()
    assert tabs.open("a", anew=True)
    assert tabs.open("b", anew=True)
    assert tabs.phone == "b"


def test_a_page_that_only_lost_its_socket_does_not_pull_the_phone_away() -> None:
    tabs = Tabs()
    tabs.open("a", anew=True)
    tabs.open("b", anew=True)
    assert not tabs.open("a", anew=False)
    assert tabs.phone == "b"


def test_a_page_that_comes_back_where_nobody_is_becomes_the_phone() -> None:
    tabs = Tabs()
    assert tabs.open("a", anew=False)
    assert tabs.phone == "a"


def test_the_phone_that_reconnects_keeps_its_lease() -> None:
    tabs = Tabs()
    tabs.open("a", anew=True)
    fence = tabs.fence
    assert not tabs.open("a", anew=False)
    assert tabs.holds("a", fence)


def test_take_moves_it_once() -> None:
    tabs = Tabs()
    tabs.open("a", anew=True)
    tabs.open("b", anew=True)
    assert tabs.take("a")
    assert not tabs.take("a")
    assert tabs.phone == "a"


def test_a_tab_that_is_not_open_cannot_take_it() -> None:
    tabs = Tabs()
    tabs.open("a", anew=True)
    with pytest.raises(KeyError):
        tabs.take("z")
    assert tabs.phone == "a"


def test_a_closed_tab_frees_it_to_the_newest_that_remains() -> None:
    tabs = Tabs()
    for tab in ("a", "b", "c"):
        tabs.open(tab, anew=True)
    assert tabs.close("c")
    assert tabs.phone == "b"
    assert not tabs.close("a")
    assert tabs.close("b")
    assert tabs.phone is None


def test_closing_what_is_not_open_changes_nothing() -> None:
    tabs = Tabs()
    tabs.open("a", anew=True)
    assert not tabs.close("z")
    assert tabs.phone == "a"


def test_an_earlier_lease_is_recognised_as_gone() -> None:
    tabs = Tabs()
    tabs.open("a", anew=True)
    old = tabs.fence
    tabs.open("b", anew=True)
    tabs.take("a")
    assert not tabs.holds("a", old)
    assert tabs.holds("a", tabs.fence)


class Leases(RuleBasedStateMachine):
    """Any play of tabs: one phone while any is open, and the fence grows with each move and only then."""

    def __init__(self) -> None:
        super().__init__()
        self.tabs = Tabs()
        self.open: list[str] = []
        self.before: tuple[str | None, int] = (None, 0)

    names = st.sampled_from(["a", "b", "c", "d"])

    @rule(tab=names, anew=st.booleans())
    def opens(self, tab: str, anew: bool) -> None:
        self.tabs.open(tab, anew=anew)
        if tab in self.open:
            self.open.remove(tab)
        self.open.append(tab)
        if anew:
            assert self.tabs.phone == tab

    @rule(tab=names)
    def closes(self, tab: str) -> None:
        had = self.tabs.phone == tab
        self.tabs.close(tab)
        if tab in self.open:
            self.open.remove(tab)
        if had:
            assert self.tabs.phone == (self.open[-1] if self.open else None)

    @rule(tab=names)
    def takes(self, tab: str) -> None:
        if tab in self.open:
            self.tabs.take(tab)
            assert self.tabs.phone == tab

    @invariant()
    def one_phone_while_any_tab_is_open(self) -> None:
        assert (self.tabs.phone in self.open) if self.open else self.tabs.phone is None
        assert len(self.tabs) == len(self.open)
        assert all(tab in self.tabs for tab in self.open)

    @invariant()
    def the_fence_grows_with_each_move_and_only_then(self) -> None:
        phone, fence = self.before
        moved = self.tabs.phone != phone
        assert (self.tabs.fence > fence) == moved
        self.before = (self.tabs.phone, self.tabs.fence)


TestLeases = Leases.TestCase
