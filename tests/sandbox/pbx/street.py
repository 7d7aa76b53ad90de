"""A street in memory: the exchange, telephones and softphones on one wire, with a clock that is wound by hand.

Everything is values: a datagram is handed over when `settle` is called, time passes in `wind`. Telephones are plain `UserAgent`s
of ours; what they are told is in `events`.
"""

from dataclasses import dataclass, field
from typing import TypeVar

from sandbox.crm.sample import directory_of, sample_archive
from sandbox.pbx.exchange import Exchange
from sandbox.pbx.media import Media, PaperLeg, PaperMedia
from sandbox.pbx.people import recorded_people
from sandbox.pbx.registrar import Registrar
from sip.account import Account, Address
from sip.agent import UserAgent
from sip.call import Call
from sip.events import CallReceived, Event, Registered
from sip.flow import Flow, Transmit
from sip.ids import SeededIds
from sip.message import Request, Response, parse
from sip.sdp import Sdp
from sip.uri import Uri
from sip.verifier import Verifier

EventT = TypeVar("EventT")

EXCHANGE: Address = ("127.0.0.1", 5060)
PASSWORDS = {"101": "one", "102": "two", "103": "three"}
PEOPLE = recorded_people()
OFFER = (
    b"v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
)


def turned(sdp: bytes, direction: str) -> bytes:
    """The same description in another direction, with a higher version: how a device holds and resumes."""
    match direction:
        case "sendrecv" | "sendonly" | "recvonly" | "inactive":
            return Sdp.parse(sdp).with_direction(direction).with_next_version().to_bytes()
        case _:
            raise AssertionError(direction)


class LegBook(PaperMedia):
    """Paper media that remembers its legs, the newest last."""

    def __init__(self) -> None:
        self.legs: list[PaperLeg] = []

    def leg(self, user: object, *, browser: bool) -> PaperLeg:
        leg = super().leg(user, browser=browser)  # type: ignore[arg-type]
        assert isinstance(leg, PaperLeg)
        self.legs.append(leg)
        return leg


@dataclass
class Phone:
    """One telephone: a user agent at an address, registered for an extension."""

    street: "Street"
    extension: str
    address: Address
    agent: UserAgent
    events: list[Event] = field(default_factory=list)
    received: list[Request | Response] = field(default_factory=list)

    @property
    def account(self) -> Account:
        return Account(
            Uri("sip", self.extension, None, "127.0.0.1"),
            self.extension,
            PASSWORDS.get(self.extension, ""),
            Uri("sip", None, None, "127.0.0.1"),
            EXCHANGE,
        )

    def told(self, kind: type[EventT]) -> list[EventT]:
        """The events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def last(self, kind: type[EventT]) -> EventT:
        return self.told(kind)[-1]

    def dial(self, number: str, sdp: bytes = OFFER) -> Call:
        call = self.agent.invite(self.account, Uri("sip", number, None, "127.0.0.1"), sdp, self.street.now)
        self.street.settle()
        return call

    @property
    def ringing(self) -> Call:
        """The call that came in last."""
        return self.last(CallReceived).call

    def requests(self, method: str) -> list[Request]:
        """Requests of that method that came over the wire, in order."""
        return [
            message for message in self.received if isinstance(message, Request) and message.method == method
        ]


class Street:
    """The exchange and everybody on its wire."""

    def __init__(self, media: Media | None = None) -> None:
        self.now = 1000.0
        self.legs = LegBook()
        self.agent = UserAgent(
            host=EXCHANGE[0],
            port=EXCHANGE[1],
            ids=SeededIds(1),
            product="Sandbox",
            tag_prefix="pb",
            methods={"REGISTER"},
        )
        self.exchange = Exchange(
            self.agent,
            Registrar(PASSWORDS, Verifier("sandbox", b"a secret of the registrar")),
            directory_of(sample_archive()),
            media or self.legs,
            PEOPLE,
            lambda: self.now,
        )
        self.phones: dict[Address, Phone] = {}

    def phone(self, extension: str, product: str = "Desk", *, register: bool = True) -> Phone:
        """A new telephone on the street, registered (which is checked) unless told otherwise."""
        number = len(self.phones) + 2
        address = ("127.0.0.1", 5060 + number)
        agent = UserAgent(
            host=address[0], port=address[1], ids=SeededIds(number), product=product, tag_prefix=f"t{number}"
        )
        phone = self.phones[address] = Phone(self, extension, address, agent)
        if register:
            agent.register(phone.account, self.now)
            self.settle()
            assert phone.told(Registered), phone.events
        return phone

    def settle(self) -> None:
        """Hand over everything that is on the wire, and what that brings about, until nothing is left."""
        self.exchange.deliver(self.agent.take_events(), self.now)
        while self._carry():
            pass

    def _carry(self) -> bool:
        moved = False
        for transmit in self.agent.take_output():
            moved = True
            phone = self.phones.get(transmit.flow.remote)
            if phone is not None:
                phone.received.append(parse(transmit.data))
                phone.agent.receive(transmit.data, Flow("udp", EXCHANGE), self.now)
        for address, phone in self.phones.items():
            phone.events += phone.agent.take_events()
            for transmit in phone.agent.take_output():
                moved = True
                self._to_exchange(transmit, address)
        self.exchange.deliver(self.agent.take_events(), self.now)
        return moved

    def _to_exchange(self, transmit: Transmit, sender: Address) -> None:
        assert transmit.flow.remote == EXCHANGE, transmit.flow
        self.agent.receive(transmit.data, Flow("udp", sender), self.now)

    def wind(self, seconds: float) -> None:
        """Let that much time pass; every deadline on the way is met at its moment."""
        end = self.now + seconds
        while True:
            self.settle()
            deadlines = [self.exchange.next_deadline(), self.agent.next_deadline()]
            deadlines += [phone.agent.next_deadline() for phone in self.phones.values()]
            due = min((at for at in deadlines if at is not None), default=end)
            if due > end:
                break
            self.now = max(self.now, due)
            self.exchange.handle_timer(self.now)
            self.agent.handle_timer(self.now)
            for phone in self.phones.values():
                phone.agent.handle_timer(self.now)
        self.now = end
        self.settle()

    @property
    def states(self) -> list[str]:
        """The states of all conversations."""
        return [call.state for call in self.exchange.calls()]
