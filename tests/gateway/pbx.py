"""A small exchange and an office face to face, in memory: two user agents, a journal that can be slow, pages, and a clock.

`World` owns the clock and moves messages; `Pbx` answers what the gateway sends and calls its lines; `Page` is a browser tab that
does what the widget does. Nothing sleeps: `world.run(seconds)` goes from deadline to deadline.
"""

from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

from gateway.desk import Letter
from gateway.limits import Limits
from gateway.lines.journal import Record, Save
from gateway.lines.line import Extension, owner_of
from gateway.office import Office
from protocol.commands import Answer, AnyCommand, Dial, HangUp, HoldCall, Mute, Reattach, Reject, ResumeCall
from protocol.entities import Call as CallShown
from protocol.messages import Done, Notice, Refused, Remote, Ring
from sip.account import Account
from sip.agent import UserAgent
from sip.call import Call, CallState
from sip.events import (
    CallAnswered,
    CallEnded,
    CallProceeding,
    CallReceived,
    Event,
    OfferReceived,
    RequestReceived,
)
from sip.flow import Flow
from sip.headers import Reason
from sip.ids import SeededIds
from sip.message import Request, Response, parse
from sip.sdp import Sdp
from sip.uri import Uri

GATEWAY = ("127.0.0.1", 5070)
PBX = ("127.0.0.1", 5060)
USER = 7
OTHER_USER = 8


def sdp(name: str, *, setup: str = "actpass", version: int = 1, direction: str = "sendrecv") -> str:
    """A browser's description, as short as it can be and still be one; `name` is its DTLS and ICE identity."""
    lines = (
        "v=0", f"o=- 4711 {version} IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 126", "c=IN IP4 0.0.0.0", "a=rtcp-mux", "a=mid:0",
        f"a=ice-ufrag:{name}", f"a=ice-pwd:{name}-secret", f"a=fingerprint:sha-256 {name}",
        f"a=setup:{setup}", f"a={direction}",
        "a=rtpmap:111 opus/48000/2", "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:126 telephone-event/8000",
    )  # fmt: skip
    return "\r\n".join((*lines, ""))


Does: TypeAlias = Callable[[Call, float], None]


class Pbx:
    """The exchange.

    Attributes:
        contacts: where each extension can be called, by its user.
        does: number dialled → what the called party does; a number that is not here gets 404.
        dialled: the calls that the gateway made, in order.
        heard: direction of the last offer of each call, by Call-ID.
        silent: the exchange is down: it hears nothing and says nothing.
    """

    def __init__(self) -> None:
        self.agent = UserAgent(
            host=PBX[0],
            port=PBX[1],
            ids=SeededIds(1000),
            product="Pbx",
            tag_prefix="px",
            methods=("REGISTER",),
        )
        self.account = Account(
            uri=Uri("sip", "pbx", None, *PBX), username="pbx", password="", registrar=Uri("sip", None, None, *PBX),
            proxy=GATEWAY,
        )  # fmt: skip
        self.contacts: dict[str, Uri] = {}
        self.does: dict[str, Does] = {}
        self.dialled: list[Call] = []
        self.ended: list[CallEnded] = []
        self.proceeding: list[int] = []
        self.answered: list[Call] = []
        self.offers: list[tuple[str, str]] = []
        self.accepts_offers = True
        self.replaces_status: int | None = None
        self.registers = True
        self.silent = False

    def call(self, extension: str, now: float, *, number: str = "+79161234567", name: str = "Ivan") -> Call:
        """Call an extension as a customer with this number."""
        account = Account(
            uri=Uri("sip", number, None, *PBX), username=number, password="",
            registrar=self.account.registrar, proxy=GATEWAY, display_name=name,
        )  # fmt: skip
        return self.agent.invite(account, self.contacts[extension], sdp("pbx").encode(), now)

    def handle(self, event: Event, now: float) -> None:
        """Do what an exchange does."""
        match event:
            case RequestReceived():
                self._register(event, now)
            case CallReceived():
                self._received(event.call, now)
            case CallProceeding():
                self.proceeding.append(event.status)
            case CallAnswered():
                self.answered.append(event.call)
                event.call.acknowledge(now)
            case OfferReceived() if event.sdp is not None:
                offer = Sdp.parse(event.sdp)
                self.offers.append((event.call.id, f"{offer.direction()} {offer.version}"))
                if self.accepts_offers:
                    event.call.answer_offer(answer_to(offer).encode(), now)
                else:
                    event.call.refuse_offer(500, now)
            case CallEnded():
                self.ended.append(event)

    def _register(self, event: RequestReceived, now: float) -> None:
        request = event.request
        if not self.registers:
            event.transaction.respond(request.reply(403, to_tag="px"), now)
            return
        contact = request.contact
        assert contact is not None
        self.contacts[request.to.uri.user or ""] = contact.uri
        headers = [("Contact", f"<{contact.uri}>;expires=300")]
        event.transaction.respond(request.reply(200, to_tag="px", headers=headers), now)

    def _received(self, call: Call, now: float) -> None:
        self.dialled.append(call)
        if call.replaces is None:
            does = self.does.get(call.request_uri.user or "", nobody)
            does(call, now)
            return
        old = self.agent.find_replaced(call.replaces)
        if self.replaces_status is not None or old is None:
            call.reject(self.replaces_status or 603, now)
            return
        call.accept(answer_to(Sdp.parse(call.remote_sdp or b"")).encode(), now)
        old.bye(now)


def answer_to(offer: Sdp) -> str:
    """What the exchange answers."""
    mirror = {"sendonly": "recvonly", "recvonly": "sendonly"}
    direction = offer.direction()
    return sdp("pbx", setup="active", version=offer.version, direction=mirror.get(direction, direction))


def nobody(call: Call, now: float) -> None:
    """There is no such number."""
    call.reject(404, now)


def rings(call: Call, now: float) -> None:
    """The called party's phone rings, and that is all."""
    call.ring(now)


def answers(call: Call, now: float) -> None:
    """The called party picks up at once."""
    call.accept(answer_to(Sdp.parse(call.remote_sdp or b"")).encode(), now)


class World:
    """The clock, the wire and the disk.

    Attributes:
        disk: "auto" keeps what is to be saved at once; "stuck" keeps nothing until it is "auto" again.
        lost: asked for each message whether the wire loses it; (data, "gateway" | "pbx" as the sender).
        story: what went over the wire, as "gateway INVITE", "pbx 200 INVITE".
    """

    def __init__(self, limits: Limits | None = None, extensions: Iterable[str] = ("101", "102")) -> None:
        self.now = 1_000_000.0
        self.limits = limits or Limits()
        self.numbers = tuple(extensions)
        self.pbx = Pbx()
        self.pages: list[Page] = []
        self.records: dict[str, Record] = {}
        self.disk: Literal["auto", "stuck"] = "auto"
        self.lost: Callable[[bytes, str], bool] = lambda data, sender: False
        self.story: list[str] = []
        self.notices: list[Notice] = []
        self.letters: list[Letter] = []
        self._waiting: list[Save | str] = []
        self._lives = 0
        self.agent: UserAgent
        self.office: Office
        self._live()
        self.office.start(self.now)
        self.run(0.1)

    def _live(self) -> None:
        self._lives += 1
        self.agent = UserAgent(host=GATEWAY[0], port=GATEWAY[1], ids=SeededIds(self._lives))
        ids = SeededIds(100 + self._lives)
        self.office = Office(
            [self._extension(one) for one in self.numbers], self.agent, ids.token, "RU", self.limits
        )

    def _extension(self, number: str) -> Extension:
        account = Account(
            uri=Uri("sip", number, None, *PBX), username=number, password=f"secret{number}",
            registrar=Uri("sip", None, None, *PBX), proxy=PBX, expires=300,
        )  # fmt: skip
        user = OTHER_USER if number == "201" else USER
        return Extension(1, number, f"Line {number}", user, account)

    # --- life -------------------------------------------------------------------------------------------------------

    def kill(self) -> None:
        """kill -9: what was not on disk and not on the wire is gone. Pages lose their sockets."""
        self._waiting.clear()
        for page in self.pages:
            page.joined = False
        self.pages.clear()
        self._live()

    def restart(self) -> None:
        """The next life begins at the same address, with what is on the disk."""
        self.office.restore([Record.from_json(one.to_json()) for one in self.records.values()], self.now)
        self.office.start(self.now)
        self.pump()

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        self.pump()
        while True:
            due = [
                at
                for at in (
                    self.agent.next_deadline(), self.pbx.agent.next_deadline(), self.office.next_deadline(),
                )
                if at is not None
            ]  # fmt: skip
            if not due or min(due) > end:
                break
            self.now = max(self.now, min(due))
            self.agent.handle_timer(self.now)
            self.pbx.agent.handle_timer(self.now)
            self.office.handle_timer(self.now)
            self.pump()
        self.now = end

    def pump(self) -> None:
        """Move messages, events, records and letters until everything is quiet."""
        busy = True
        while busy:
            busy = any([self._carry(), self._hand_out(), self._write(), self._post()])

    def _carry(self) -> bool:
        moved = False
        for sender, source, target, back in (
            ("gateway", self.agent, self.pbx.agent, GATEWAY),
            ("pbx", self.pbx.agent, self.agent, PBX),
        ):
            for one in source.take_output():
                moved = True
                message = parse(one.data)
                name = (
                    message.method
                    if isinstance(message, Request)
                    else f"{message.status} {message.cseq.method}"
                )
                down = self.pbx.silent or self.lost(one.data, sender)
                self.story.append(f"{sender} {name}{' lost' if down else ''}")
                if not down:
                    target.receive(one.data, Flow("udp", back), self.now)
        return moved

    def _hand_out(self) -> bool:
        events = self.agent.take_events()
        for event in events:
            if owner_of(event) is None:
                assert isinstance(event, CallReceived | CallEnded)
                if isinstance(event, CallReceived):
                    event.call.reject(404, self.now)
            else:
                self.office.sip_event(event, self.now)
        theirs = self.pbx.agent.take_events()
        for event in theirs:
            self.pbx.handle(event, self.now)
        return bool(events or theirs)

    def _write(self) -> bool:
        self._waiting.extend(self.office.take_saves())
        self._waiting.extend(self.office.take_gone())
        if self.disk == "stuck" or not self._waiting:
            return False
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if isinstance(one, str):
                self.records.pop(one, None)
                continue
            self.records[one.record.id] = Record.from_json(one.record.to_json())
            if one.token:
                self.office.saved(one.token, self.now)
        return True

    def _post(self) -> bool:
        letters = self.office.take_letters()
        self.letters.extend(letters)
        for letter in letters:
            if isinstance(letter.message, Notice):
                self.notices.append(letter.message)
            for page in self.pages:
                if page.joined and page.user == letter.user_id and letter.tab in (None, page.tab):
                    page.receive(letter.message)
        return bool(letters)

    # --- what can be seen -------------------------------------------------------------------------------------------

    def calls(self, user: int = USER) -> list[CallShown]:
        """The user's calls, in the order in which they began."""
        return sorted(self.office.state_of(user).calls.values(), key=lambda one: one.began_at)

    def call(self, user: int = USER) -> CallShown:
        """The user's one call."""
        (call,) = self.calls(user)
        return call

    def said(self, name: str) -> int:
        """How often a message went over the wire, lost ones included."""
        return sum(one.removesuffix(" lost") == name for one in self.story)

    def theirs(self) -> list[Call]:
        """The exchange's calls that have not ended."""
        return [call for call in self.pbx.agent.calls if call.state is not CallState.ENDED]


class Page:
    """A tab that does what the widget does: acknowledges rings, keeps one peer connection per call.

    Attributes:
        alive: calls whose peer connection lives here.
        offers: PBX offers by call, from rings.
        remotes: PBX descriptions that came, as (call, kind).
        acks: whether rings are acknowledged.
    """

    def __init__(self, world: World, tab: str, *, user: int = USER, acks: bool = True) -> None:
        self.world = world
        self.tab = tab
        self.user = user
        self.acks = acks
        self.joined = False
        self.alive: list[str] = []
        self.offers: dict[str, str] = {}
        self.remotes: list[tuple[str, str]] = []
        self._connections = 0
        self._commands = 0

    def hello(self, page: Literal["load", "reconnect"] = "load") -> "Page":
        """Open the socket."""
        if page == "load":
            self.alive, self.offers = [], {}
        self.joined = True
        if self not in self.world.pages:
            self.world.pages.append(self)
        self.world.office.join(self.user, self.tab, page, tuple(self.alive), self.world.now)
        self.world.pump()
        return self

    def leave(self, *, clean: bool = True) -> None:
        """Close it, or lose it."""
        self.joined = False
        self.world.office.leave(self.user, self.tab, clean, self.world.now)
        self.world.pump()

    def beat(self) -> None:
        """The media beat."""
        self.world.office.beat(self.user, self.tab, tuple(self.alive), self.world.now)

    def receive(self, message: Ring | Remote | Notice) -> None:
        """A letter."""
        match message:
            case Ring():
                self.offers[message.call] = message.offer
                if self.acks:
                    self.world.office.ring_acknowledged(self.user, self.tab, message.call, self.world.now)
            case Remote():
                self.remotes.append((message.call, message.kind))
            case Notice():
                pass

    def describe(self, setup: str = "actpass") -> str:
        """What a new peer connection says of itself."""
        self._connections += 1
        return sdp(f"{self.tab}-{self._connections}", setup=setup)

    def order(self, make: Callable[[str], AnyCommand]) -> Done | Refused:
        """Give a command; `make` is told its id."""
        self._commands += 1
        answer = self.world.office.execute(
            self.user, self.tab, make(f"{self.tab}.{self._commands}"), self.world.now
        )
        self.world.pump()
        return answer

    def dial(self, number: str, extension: str | None = None) -> Done | Refused:
        offer = self.describe()
        answer = self.order(lambda id: Dial(id, number, offer, extension))
        if isinstance(answer, Done) and answer.result is not None and answer.result.call is not None:
            self.alive.append(answer.result.call)
        return answer

    def answer(self, call: str) -> Done | Refused:
        description = self.describe("active")
        self.alive.append(call)
        return self.order(lambda id: Answer(id, call, description))

    def reattach(self, call: str) -> Done | Refused:
        offer = self.describe()
        self.alive.append(call)
        return self.order(lambda id: Reattach(id, call, offer))

    def reject(self, call: str) -> Done | Refused:
        return self.order(lambda id: Reject(id, call))

    def hang_up(self, call: str) -> Done | Refused:
        return self.order(lambda id: HangUp(id, call))

    def hold(self, call: str) -> Done | Refused:
        return self.order(lambda id: HoldCall(id, call))

    def resume(self, call: str) -> Done | Refused:
        return self.order(lambda id: ResumeCall(id, call))

    def mute(self, call: str, on: bool) -> Done | Refused:
        return self.order(lambda id: Mute(id, call, on))


ELSEWHERE = (Reason("SIP", 200, "Call completed elsewhere"), Reason("Q.850", 26))

__all__ = [
    "ELSEWHERE",
    "OTHER_USER",
    "USER",
    "Page",
    "Pbx",
    "Response",
    "World",
    "answer_to",
    "answers",
    "rings",
    "sdp",
]
