"""Pages that come, go, lose frames with their sockets and come back: whatever the play, they show what the office says.

The machine plays three tabs of one user against the real hub and connections. A page keeps what a widget keeps: its state and
its position, and applies frames as `docs/protocol.md` tells it to.
"""

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.realtime.connection import Session
from gateway.realtime.outbox import Close
from protocol.codec import encode
from protocol.commands import TakePhone
from protocol.entities import Position, State
from protocol.messages import Delta, Done, GatewayMessage, Refused, Snapshot, Welcome
from protocol.state import apply
from tests.gateway.realtime.play import ANNA, Stage, hello

TABS = st.sampled_from(["tab-a", "tab-b", "tab-c"])


class PageLaw:
    """What a page does with what it hears."""

    def __init__(self) -> None:
        self.state = State()
        self.position: Position | None = None
        self.epoch = ""
        self.number = 0
        self.session: Session | None = None
        self.answers: dict[str, list[GatewayMessage]] = {}

    def hear(self, message: GatewayMessage | Close) -> None:
        match message:
            case Welcome(epoch=epoch):
                self.epoch = epoch
            case Snapshot(epoch=epoch, seq=seq, state=state):
                self.state, self.position = state, Position(epoch, seq)
            case Delta(seq=seq):
                assert self.position is not None, "a delta before the snapshot"
                assert self.position.epoch == self.epoch
                assert seq == self.position.seq + 1, "a gap"
                self.state, self.position = apply(self.state, message), Position(self.epoch, seq)
            case Done(id=id) | Refused(id=str(id)):
                self.answers.setdefault(id, []).append(message)


class Convergence(RuleBasedStateMachine):
    """Any interleaving of changes, losses and returns."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(ring_frames=4, keep=5.0, rate=1e6, burst=1_000_000)
        self.pages: dict[str, PageLaw] = {}
        self.now = 0.0
        self.asked = 0

    def _flush(self, lost: PageLaw | None = None) -> None:
        """Deliver; frames to a socket that is lost are lost with it."""
        self.stage.flush(self.now)
        for page in self.pages.values():
            for message in self.stage.read(page.number) if page is not lost else ():
                page.hear(message)
        self.stage.read()

    @rule(tab=TABS)
    def a_page_is_loaded(self, tab: str) -> None:
        if (old := self.pages.get(tab)) and old.session:
            old.session.closed(clean=True, now=self.now)
        page = self.pages[tab] = PageLaw()
        page.number, page.session = self.stage.session(hello(tab), self.now)
        self._flush()

    @rule(tab=TABS, noticed=st.booleans())
    def a_page_reconnects(self, tab: str, noticed: bool) -> None:
        page = self.pages.get(tab)
        if page is None:
            return
        old = page.session
        if noticed and old:
            old.closed(clean=False, now=self.now)
        shown = msgspec.structs.replace(hello(tab, page="reconnect"), position=page.position)
        page.number, page.session = self.stage.session(shown, self.now)
        if not noticed and old:
            old.closed(clean=False, now=self.now)
        self._flush()

    @rule(tab=TABS, clean=st.booleans())
    def a_socket_ends(self, tab: str, clean: bool) -> None:
        page = self.pages.get(tab)
        if page and page.session:
            page.session.closed(clean=clean, now=self.now)
            page.session = None
            self._flush(lost=page)

    @rule(revs=st.dictionaries(st.sampled_from("abc"), st.integers(1, 3)))
    def the_office_changes(self, revs: dict[str, int]) -> None:
        self.stage.office.show_calls(ANNA.user_id, **revs)
        self._flush()

    @rule(tab=TABS, revs=st.dictionaries(st.sampled_from("abc"), st.integers(1, 3)))
    def a_change_is_lost_on_the_way_with_its_socket(self, tab: str, revs: dict[str, int]) -> None:
        self.stage.office.show_calls(ANNA.user_id, **revs)
        page = self.pages.get(tab)
        self._flush(lost=page)
        if page and page.session:
            page.session.closed(clean=False, now=self.now)
            page.session = None

    @rule(tab=TABS, again=st.booleans())
    def a_command_is_given_and_perhaps_repeated(self, tab: str, again: bool) -> None:
        page = self.pages.get(tab)
        if page is None or page.session is None:
            return
        self.asked += 1
        for _ in range(1 + again):
            page.session.receive(encode(TakePhone(f"p-{self.asked}")), self.now)
        self._flush()
        answers = page.answers[f"p-{self.asked}"]
        assert answers == [Done(f"p-{self.asked}")] * (1 + again)
        done = [told for told in self.stage.office.told if told[0] == "execute"]
        assert len(done) == self.asked, "once each"

    @rule(seconds=st.floats(0.1, 10.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.pages)
    @invariant()
    def every_page_that_is_in_shows_what_the_office_says(self) -> None:
        for page in self.pages.values():
            if page.session is not None:
                assert page.state == self.stage.office.state_of(ANNA.user_id)

    @invariant()
    def the_office_is_told_of_each_end_once(self) -> None:
        joined: set[object] = set()
        for told in self.stage.office.told:
            if told[0] == "join":
                joined.add(told[2])
            elif told[0] == "leave":
                assert told[2] in joined, "left twice, or before it came"
                joined.discard(told[2])
        assert joined == {tab for tab, page in self.pages.items() if page.session is not None}


TestConvergence = Convergence.TestCase
TestConvergence.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
