"""The stage for realtime tests: a recording office, seats for two users, and builders. No socket, no clock."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import msgspec

from gateway.realtime.admission import Admitted
from gateway.realtime.connection import Session, Shared
from gateway.realtime.hub import Hub
from gateway.realtime.limits import Limits
from gateway.realtime.outbox import Close, Outbox
from gateway.realtime.ports import Identity, Page, Seat
from protocol.codec import decode_gateway
from protocol.codes import Code
from protocol.commands import AnyCommand, Dial
from protocol.entities import Call, Device, Hold, Line, Party, Phone, State
from protocol.messages import (
    Done,
    GatewayMessage,
    Hello,
    Refused,
    Result,
    ResumeSecret,
    Settings,
    User,
)

ORIGIN = "https://example.amocrm.ru"
ANNA = Identity(1, 11)
BORIS = Identity(1, 12)
TICKET = "T" * 32
SECRET = "S" * 43
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n"
SETTINGS = Settings(1.0, 5.0, 30.0, 2.0, ())


@dataclass(frozen=True)
class Mail:
    """A letter, as an office writes it."""

    user_id: int
    tab: str | None
    message: GatewayMessage


def call(id: str, rev: int = 1) -> Call:
    """Some call."""
    return Call(
        id, rev, "101", "in", Party("1", "1"), Device("none"), "none", "incoming",
        Hold(False, False, False, False), False, (), True, 1.0, 1.0, {"answer": None},
    )  # fmt: skip


def line(name: str = "101") -> Line:
    """Some line."""
    return Line(name, name, True, "registered")


@dataclass
class RecordingOffice:
    """Writes down what it was told; each user's state is what the test puts there."""

    told: list[tuple[object, ...]] = field(default_factory=list)
    states: dict[int, State] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    letters: list[Mail] = field(default_factory=list)
    refuse: Code | None = None

    def join(self, user_id: int, tab: str, page: Page, alive: Collection[str], now: float) -> None:
        self.told.append(("join", user_id, tab, page, tuple(alive)))
        self.show(user_id, msgspec.structs.replace(self.state_of(user_id), phone=Phone(tab)))

    def leave(self, user_id: int, tab: str, clean: bool, now: float) -> None:
        self.told.append(("leave", user_id, tab, clean))

    def beat(self, user_id: int, tab: str, calls: Sequence[str], now: float) -> None:
        self.told.append(("beat", user_id, tab, tuple(calls)))

    def ring_acknowledged(self, user_id: int, tab: str, call: str, now: float) -> None:
        self.told.append(("ring_acknowledged", user_id, tab, call))

    def execute(self, user_id: int, tab: str, command: AnyCommand, now: float) -> Done | Refused:
        self.told.append(("execute", user_id, tab, command))
        if self.refuse is not None:
            return Refused(self.refuse, id=command.id)
        return Done(command.id, Result("c9") if isinstance(command, Dial) else None)

    def state_of(self, user_id: int) -> State:
        return self.states.get(user_id, State(lines={"101": line()}))

    def take_changed(self) -> set[int]:
        taken, self.changed = self.changed, set()
        return taken

    def take_letters(self) -> Sequence[Mail]:
        taken, self.letters = self.letters, []
        return taken

    def show(self, user_id: int, state: State) -> None:
        """The user's state becomes this."""
        self.states[user_id] = state
        self.changed.add(user_id)

    def show_calls(self, user_id: int, **revs: int) -> None:
        """The user's calls become these."""
        calls = {id: call(id, rev) for id, rev in revs.items()}
        self.show(user_id, msgspec.structs.replace(self.state_of(user_id), calls=calls))


@dataclass
class FakeSeats:
    """Anna and Boris sit in account 1."""

    office: RecordingOffice
    gone: set[Identity] = field(default_factory=set)

    def find(self, identity: Identity) -> Seat | None:
        if identity in self.gone or identity not in (ANNA, BORIS):
            return None
        user = User(identity.user_id, "Анна" if identity == ANNA else "Борис", "agent")
        return Seat(1, ORIGIN, user, ("101",), self.office)

    def knows_origin(self, origin: str) -> bool:
        return origin == ORIGIN


def hello(tab: str = "tab-a", **more: Any) -> Hello:
    """The hello of a page with a ticket."""
    base = Hello(version=1, tab=tab, lang="en", page="load", ticket=TICKET)
    return msgspec.structs.replace(base, **more)


def payload(frame: bytes) -> bytes:
    """The payload of a prepared text frame."""
    assert frame[0] == 0x81
    return frame[{126: 4, 127: 10}.get(frame[1], 2) :]


class Stage:
    """A process without sockets: hub, outbox, office; sessions by number."""

    def __init__(self, **limits: float) -> None:
        self.limits = Limits(**limits)  # type: ignore[arg-type]
        self.office = RecordingOffice()
        self.seats = FakeSeats(self.office)
        self.outbox = Outbox()
        epochs = count(1)
        self.hub = Hub(self.outbox, lambda: f"e{next(epochs)}", self.limits)
        self.shared = Shared(self.hub, self.outbox, SETTINGS, self.limits, Counter())
        self._numbers = count(1)
        self._inbox: list[tuple[int, GatewayMessage | Close]] = []

    def session(
        self,
        hello: Hello,
        now: float = 0.0,
        identity: Identity = ANNA,
        resume: ResumeSecret | None = None,
        renew_at: float = 1e9,
    ) -> tuple[int, Session]:
        """An opened session and its number."""
        number = next(self._numbers)
        seat = self.seats.find(identity)
        assert seat is not None
        session = Session(number, self.shared, Admitted(identity, seat, resume, renew_at), hello, now)
        session.open(now)
        return number, session

    def flush(self, now: float = 0.0) -> None:
        """What the composition does after each input."""
        self.hub.collect(1, self.office, now)

    def raw(self) -> list[tuple[int, bytes | Close]]:
        """What is to be written, as it is."""
        return self.outbox.take_output()

    def read(self, number: int | None = None) -> list[GatewayMessage | Close]:
        """What was written to one socket (or to all) since it was last read."""
        for at, item in self.outbox.take_output():
            self._inbox.append((at, item if isinstance(item, Close) else decode_gateway(payload(item))))
        mine = [item for at, item in self._inbox if number in (None, at)]
        self._inbox = [(at, item) for at, item in self._inbox if number not in (None, at)]
        return mine
