"""One user agent among servers that have names: each server does what the test says, and a zone in memory says where they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sip.account import Account, Transport
from sip.agent import UserAgent
from sip.events import Event
from sip.flow import Flow
from sip.ids import SeededIds
from sip.message import Request, Response, parse
from sip.pacer import Pace
from sip.uri import Uri
from tests.sip.location.zone import Zone
from tests.sip.registrar import Answer, grant

E = TypeVar("E", bound=Event)
Behaviour = Answer | None
"""How a server answers a request; None: it keeps silent."""

LATENCY = 0.01
DOMAIN = "pbx.example"


def ok(request: Request) -> Response:
    """200 to everything: a registration is granted, an INVITE answered."""
    if request.method == "REGISTER":
        return grant(600)(request)
    return request.reply(200, to_tag="srv", headers=[("Contact", "<sip:srv@198.51.100.9>")])


def status(code: int, **headers: str) -> Answer:
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return lambda request: request.reply(code, to_tag="srv", headers=fields)


class Town:
    """A user agent, its servers by address, its DNS, and time.

    Attributes:
        seen: every request that arrived, with the server's host.
        lost: flows that cannot be connected: whoever sends there is told so.
    """

    def __init__(
        self,
        *,
        transport: Transport = "udp",
        pace: Pace | None = None,
        locates: bool = True,
        ttl: float = 600.0,
    ) -> None:
        self.agent = UserAgent(
            host="192.0.2.100", port=5060, ids=SeededIds(3), locates=locates, pace=pace or Pace()
        )
        self.zone = Zone(ttl)
        self.dns_works = True
        self.servers: dict[str, Behaviour] = {}
        self.lost: set[str] = set()
        self.seen: list[tuple[str, Request]] = []
        self.moments: list[float] = []
        self.events: list[Event] = []
        self.now = 0.0
        self.transport = transport
        self._flying: list[tuple[float, bytes, Flow]] = []
        self.reacts: Callable[[Event], None] = lambda event: None

    def two_servers(self, first: Behaviour = ok, second: Behaviour = ok) -> None:
        """DOMAIN is served by 192.0.2.1 and, when that fails, by 192.0.2.2."""
        label = "_udp" if self.transport == "udp" else "_tcp"
        self.zone.srv(f"_sip.{label}.{DOMAIN}", (10, 0, 5060, f"a.{DOMAIN}"), (20, 0, 5060, f"b.{DOMAIN}"))
        self.zone.a(f"a.{DOMAIN}", "192.0.2.1")
        self.zone.a(f"b.{DOMAIN}", "192.0.2.2")
        self.servers |= {"192.0.2.1": first, "192.0.2.2": second}

    def account(self, user: str = "alice", **more: object) -> Account:
        home = Uri("sip", None, None, DOMAIN)
        values: dict[str, object] = {"transport": self.transport, "expires": 600, **more}
        return Account(Uri("sip", user, None, DOMAIN), user, "secret", home, **values)  # type: ignore[arg-type]

    def heard(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def hosts(self, method: str = "") -> list[str]:
        """Which servers got requests of a method, in order, repeats left out."""
        branches: dict[str, str] = {}
        for host, request in self.seen:
            if method in ("", request.method):
                branches.setdefault(request.branch, host)
        return list(branches.values())

    def requests(self, method: str) -> list[Request]:
        return [request for _, request in self.seen if request.method == method]

    def forget(self) -> None:
        """What was seen so far does not count any more."""
        self.seen.clear()
        self.moments.clear()

    def advance(self, seconds: float) -> None:
        """Let time pass, delivering and firing in order."""
        end = self.now + seconds
        while True:
            self._flush()
            moments = [at for at, _, _ in self._flying[:1]]
            deadline = self.agent.next_deadline()
            if deadline is not None:
                moments.append(deadline)
            if not moments or min(moments) > end:
                break
            self.now = max(self.now, min(moments))
            while self._flying and self._flying[0][0] <= self.now:
                _, data, flow = self._flying.pop(0)
                self.agent.receive(data, flow, self.now)
                self._flush()
            if (due := self.agent.next_deadline()) is not None and due <= self.now:
                self.agent.handle_timer(self.now)
        self.now = end

    def _flush(self) -> None:
        while True:
            locator = self.agent.locator
            questions = locator.take_questions() if locator and self.dns_works else []
            output = self.agent.take_output()
            events = self.agent.take_events()
            if not (questions or output or events):
                return
            for question in questions:
                assert locator is not None
                locator.answered(self.zone.answer(question), self.now)
            for flow, data in output:
                self._send(flow, data)
            for event in events:
                self.events.append(event)
                self.reacts(event)

    def _send(self, flow: Flow, data: bytes) -> None:
        host = flow.remote[0]
        message = parse(data)
        if host in self.lost:
            self.agent.transport_lost(flow, self.now, "refused")
            return
        if not isinstance(message, Request):
            return
        self.seen.append((host, message))
        self.moments.append(self.now)
        behaviour = self.servers[host]
        if behaviour is not None and message.method != "ACK":
            connection = 0 if flow.transport == "udp" else 1
            self._flying.append(
                (self.now + LATENCY, behaviour(message).to_bytes(), flow._replace(connection=connection))
            )
