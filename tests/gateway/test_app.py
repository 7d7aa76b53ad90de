"""The HTTP side: tickets for genuine tokens, CORS for known origins, limits, probes; and the way from ticket to socket."""

import json
import socket
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import uvicorn
from prometheus_client import CollectorRegistry
from websockets.asyncio.client import connect

from gateway.app import MAX_BODY, Front, create_app
from gateway.crm.widget_auth import Integration, WidgetAuth
from gateway.metrics import Counted
from gateway.realtime.admission import Admission
from gateway.realtime.gate import Gate
from gateway.realtime.sessions import MemorySessions, Resumption, new_secret
from gateway.realtime.tickets import Tickets
from gateway.realtime.websocket import protocol_class
from protocol.codec import decode_gateway, encode
from protocol.messages import Snapshot, Welcome
from tests.gateway.crm.test_widget_auth import GATEWAY, NOW, token
from tests.gateway.realtime.play import ANNA, ORIGIN, SECRET, Stage, hello

CLIENT_SECRET = "s" * 64
EVIL = "https://evil.example"
HOME = Integration(ANNA.account_id, ORIGIN, "uuid-1", CLIENT_SECRET)


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Office:
    """The application with its parts at hand, called without a network."""

    def __init__(self, **limits: float) -> None:
        self.stage = Stage()
        self.now = NOW
        self.auth = WidgetAuth({HOME.account_id: HOME}.get, GATEWAY)
        self.tickets = Tickets(new_secret)
        self.counters: Counter[str] = Counter()
        self.wells = {"store": True, "sip": True}
        registry, counted = CollectorRegistry(), Counted()
        counted.counters("http", "what HTTP refused", lambda: self.counters, ("rate_limited",))
        registry.register(counted)
        self.front = Front(
            self.auth,
            self.tickets,
            self.stage.seats,
            lambda account: f"wss://gw.example.org/n/{account}/ws",
            {name: lambda name=name: self.wells[name] for name in self.wells},  # type: ignore[misc]
            registry,
            lambda: self.now,
            self.counters,
            **limits,  # type: ignore[arg-type]
        )
        self.app = create_app(self.front)

    async def ask(
        self,
        method: str,
        path: str,
        body: list[bytes] | None = None,
        address: str = "10.0.0.1",
        **headers: str,
    ) -> Answer:
        """One request through ASGI."""
        call = Exchange(list(body or [b""]))
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
            "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http", "server": ("gw", 80),
            "client": (address, 1), "headers": [(k.replace("_", "-").lower().encode(), v.encode()) for k, v in headers.items()],
        }  # fmt: skip
        await self.app(scope, call.receive, call.send)
        return call.answer()

    async def session(self, shown: str | None = None, origin: str = ORIGIN, **more: Any) -> Answer:
        shown = good() if shown is None else shown
        return await self.ask("POST", "/api/session", Origin=origin, X_Auth_Token=shown, **more)


@dataclass
class Exchange:
    """The two ends of an ASGI call."""

    chunks: list[bytes] | None
    sent: list[dict[str, Any]] = field(default_factory=list)

    async def receive(self) -> dict[str, Any]:
        if not self.chunks:
            return {"type": "http.disconnect"}
        chunk = self.chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": chunk == b"more"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    def answer(self) -> Answer:
        start, *bodies = self.sent
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], headers, b"".join(body.get("body", b"") for body in bodies))


def good(**changed: Any) -> str:
    """A genuine token of Anna's."""
    return token(CLIENT_SECRET, **{"account_id": 1, "user_id": 11, **changed})


async def test_a_genuine_token_is_changed_into_a_ticket() -> None:
    office = Office()
    answer = await office.session()
    assert answer.status == 200
    assert answer.json["url"] == "wss://gw.example.org/n/1/ws"
    assert office.tickets.redeem(answer.json["ticket"], NOW) == ANNA
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["vary"] == "Origin"
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-credentials" not in answer.headers
    assert office.counters == Counter(session_given=1)


@pytest.mark.parametrize(
    ("shown", "status", "code"),
    [
        ("", 401, "missing"),
        ("nonsense", 401, "malformed"),
        (token("f" * 64, account_id=1, user_id=11), 401, "signature"),
        (good(exp=NOW - 3000, iat=NOW - 6000, nbf=NOW - 6000), 401, "expired"),
        (good(account_id=99), 403, "unknown_account"),
        (good(client_uuid="uuid-2"), 403, "unknown_integration"),
        (good(iss="https://other.amocrm.ru"), 403, "issuer"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)
async def test_a_bad_token_gets_a_clear_word_a_counter_and_no_ticket(
    shown: str, status: int, code: str
) -> None:
    office = Office()
    answer = await office.session(shown)
    assert (answer.status, answer.json) == (status, {"code": code})
    assert answer.headers["access-control-allow-origin"] == ORIGIN, "the page may read why"
    assert office.counters == Counter(refused=1)
    assert office.auth.counters == Counter({code: 1})
    assert len(office.tickets) == 0


async def test_a_user_without_a_seat_gets_no_ticket() -> None:
    office = Office()
    answer = await office.session(good(user_id=99))
    assert (answer.status, answer.json) == (403, {"code": "no_seat"})
    assert len(office.tickets) == 0


@pytest.mark.parametrize("origin", [EVIL, "", "null"])
async def test_an_unknown_origin_gets_no_cors_header_and_its_token_is_not_looked_at(origin: str) -> None:
    office = Office()
    answer = await office.session(origin=origin)
    assert (answer.status, answer.json) == (403, {"code": "unknown_origin"})
    assert "access-control-allow-origin" not in answer.headers
    assert not office.auth.counters


async def test_the_preflight_of_a_known_origin_is_allowed() -> None:
    answer = await Office().ask(
        "OPTIONS", "/api/session", Origin=ORIGIN, Access_Control_Request_Method="POST"
    )
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert "X-Auth-Token" in answer.headers["access-control-allow-headers"]
    assert answer.headers["vary"] == "Origin"


async def test_the_preflight_of_an_unknown_origin_is_not() -> None:
    office = Office()
    answer = await office.ask("OPTIONS", "/api/session", Origin=EVIL)
    assert answer.status == 403
    assert "access-control-allow-origin" not in answer.headers
    assert office.counters == Counter(unknown_origin=1)


async def test_a_large_body_is_not_read_to_its_end() -> None:
    office = Office()
    answer = await office.session(body=[b"x" * (MAX_BODY + 1)])
    assert (answer.status, answer.json) == (413, {"code": "body_too_large"})
    assert len(office.tickets) == 0


async def test_a_body_of_many_pieces_is_counted_as_one() -> None:
    office = Office()
    answer = await office.session(body=[b"more"] * (MAX_BODY // 4) + [b"end"])
    assert answer.status == 413


async def test_a_client_that_goes_in_the_middle_gets_no_ticket() -> None:
    office = Office()
    await office.session(body=[b"more"])
    assert len(office.tickets) == 0


async def test_tickets_are_limited_for_each_address() -> None:
    office = Office(rate=1.0, burst=2)
    answers = [await office.session() for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "1"
    assert office.counters["rate_limited"] == 1
    assert (await office.session(address="10.0.0.2")).status == 200
    office.now += 1
    assert (await office.session()).status == 200


async def test_the_addresses_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.app.MAX_ADDRESSES", 2)
    office = Office(rate=0.0, burst=1)
    for address in ("a", "b", "c"):
        assert (await office.session(address=address)).status == 200
    assert (await office.session(address="c")).status == 429
    assert (await office.session(address="a")).status == 200, "forgotten, so it begins again"


async def test_healthz() -> None:
    answer = await Office().ask("GET", "/healthz")
    assert (answer.status, answer.body) == (200, b"ok\n")


async def test_readyz_says_which_part_is_not_well() -> None:
    office = Office()
    assert (await office.ask("GET", "/readyz")).status == 200
    office.wells["sip"] = False
    answer = await office.ask("GET", "/readyz")
    assert (answer.status, answer.json) == (503, {"store": True, "sip": False})


async def test_metrics_show_what_was_counted() -> None:
    office = Office()
    await office.session(origin=EVIL)
    answer = await office.ask("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert b'trubka_http_total{what="rate_limited"} 0.0' in answer.body
    assert b'trubka_http_total{what="unknown_origin"} 1.0' in answer.body


async def test_the_sockets_address_opened_as_a_page() -> None:
    answer = await Office().ask("GET", "/ws")
    assert (answer.status, answer.headers["upgrade"]) == (426, "websocket")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/api/session", 405), ("GET", "/", 404)])
async def test_other_roads_lead_nowhere(method: str, path: str, status: int) -> None:
    assert (await Office().ask(method, path)).status == status


@pytest.fixture
async def served() -> AsyncIterator[tuple[Office, str]]:
    """The application and the sockets on one port of the loopback."""
    office = Office()
    admission = Admission(
        office.tickets, Resumption(MemorySessions(), source=lambda: SECRET), office.stage.seats
    )
    gate: Gate = Gate(
        office.stage.shared, admission, office.stage.seats, lambda: NOW, lambda account: gate.deliver()
    )
    config = uvicorn.Config(office.app, ws=protocol_class(gate), lifespan="off", log_config=None, http="h11")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup([listener])
        yield office, f"127.0.0.1:{listener.getsockname()[1]}"
        server.force_exit = True
        await server.shutdown([listener])


async def test_from_the_token_to_the_socket_on_one_port(served: tuple[Office, str]) -> None:
    _, at = served
    async with (
        aiohttp.ClientSession() as browser,
        browser.post(
            f"http://{at}/api/session", headers={"Origin": ORIGIN, "X-Auth-Token": good()}
        ) as answer,
    ):
        ticket = (await answer.json())["ticket"]
    async with connect(f"ws://{at}/ws", origin=ORIGIN) as page:  # type: ignore[arg-type]
        await page.send(encode(hello(ticket=ticket)), text=True)
        assert isinstance(decode_gateway(await page.recv(decode=False)), Welcome)
        assert isinstance(decode_gateway(await page.recv(decode=False)), Snapshot)
