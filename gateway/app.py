"""The HTTP side: `POST /api/session`, `/healthz`, `/readyz`, `/metrics`, `/api/ladder`. Sockets do not pass here (`realtime/websocket.py`).

What it does not know: who composes it (`gateway/main.py`); all it needs is given to `create_app`, there is no `app.state`.

Invariants: a page of an unknown origin gets no CORS header and no ticket; no answer tells more than the name of the fault;
bodies are read up to a limit only; tickets are limited for each address.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.crm.widget_auth import TokenFault, TokenRefusedError, WidgetAuth
from gateway.ladder.door import LadderRoute
from gateway.metrics import exposition
from gateway.realtime.limits import Bucket
from gateway.realtime.ports import Seats
from gateway.realtime.tickets import Tickets

MAX_BODY = 4_096
MAX_ADDRESSES = 10_000
ALLOWED_HEADERS = "X-Auth-Token, Content-Type, X-Requested-With"
PREFLIGHT_LIFE = "600"

# What a fault means to the page: 403 is not healed by another token.
_FORBIDDEN = frozenset(
    {TokenFault.UNKNOWN_ACCOUNT, TokenFault.UNKNOWN_INTEGRATION, TokenFault.ORIGIN, TokenFault.ISSUER}
)


@dataclass(frozen=True, slots=True)
class Front:
    """What the HTTP side needs.

    Attributes:
        auth: checks one-time tokens.
        tickets: gives tickets.
        seats: knows origins and users.
        socket_url: address of the socket for an account.
        checks: what `/readyz` asks: name → is it well.
        registry: of the metrics.
        clock: seconds since the epoch.
        rate: tickets a second for one address, in the long run. All offices behind one proxy come from one address.
        burst: tickets at once for one address.
        ladder: tells the last calls to `trubka ladder`; None: nobody does.
        counters: session_given, body_too_large, rate_limited, unknown_origin, no_seat, refused.
    """

    auth: WidgetAuth
    tickets: Tickets
    seats: Seats
    socket_url: Callable[[int], str]
    checks: Mapping[str, Callable[[], bool]]
    registry: CollectorRegistry
    clock: Callable[[], float]
    counters: Counter[str]
    rate: float = 1000.0
    burst: int = 5000
    ladder: LadderRoute | None = None


def create_app(front: Front) -> Starlette:
    """The application with its routes."""
    session, probes = SessionRoute(front), ProbeRoutes(front)
    ladder = [Route("/api/ladder", front.ladder.tell, methods=["GET"])] if front.ladder else []
    return Starlette(
        routes=[
            *ladder,
            Route("/api/session", session.give, methods=["POST"]),
            Route("/api/session", session.preflight, methods=["OPTIONS"]),
            Route("/healthz", probes.healthy, methods=["GET"]),
            Route("/readyz", probes.ready, methods=["GET"]),
            Route("/metrics", probes.metrics, methods=["GET"]),
            Route("/ws", _upgrade_required, methods=["GET"]),
        ]
    )


class SessionRoute:
    """`POST /api/session`: amoCRM's one-time token in, a ticket and the socket's address out."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    async def give(self, request: Request) -> Response:
        """Give a ticket, or say with one word why not."""
        origin = request.headers.get("Origin", "")
        if not self._front.seats.knows_origin(origin):
            return self._refuse(403, "unknown_origin", "")
        if not self._take(request.client.host if request.client else ""):
            response = self._refuse(429, "rate_limited", origin)
            response.headers["Retry-After"] = "1"
            return response
        if not await _body_is_small(request):
            return self._refuse(413, "body_too_large", origin)
        now = self._front.clock()
        try:
            identity = self._front.auth.verify(request.headers.get("X-Auth-Token", ""), origin, now)
        except TokenRefusedError as refusal:
            self._front.counters["refused"] += 1
            return _answer(403 if refusal.fault in _FORBIDDEN else 401, origin, code=refusal.fault)
        if self._front.seats.find(identity) is None:
            return self._refuse(403, "no_seat", origin)
        self._front.counters["session_given"] += 1
        ticket = self._front.tickets.issue(identity, now)
        return _answer(200, origin, ticket=ticket, url=self._front.socket_url(identity.account_id))

    async def preflight(self, request: Request) -> Response:
        """CORS: the browser asks before it shows the token (Fetch §3.2.2)."""
        origin = request.headers.get("Origin", "")
        if not self._front.seats.knows_origin(origin):
            return self._refuse(403, "unknown_origin", "")
        response = Response(status_code=204, headers=_cors(origin))
        response.headers["Access-Control-Allow-Methods"] = "POST"
        response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = PREFLIGHT_LIFE
        return response

    def _refuse(self, status: int, code: str, origin: str) -> Response:
        self._front.counters[code] += 1
        return _answer(status, origin, code=code)

    def _take(self, address: str) -> bool:
        """Whether this address may ask once more; the addresses that are remembered are bounded."""
        now = self._front.clock()
        bucket = self._buckets.pop(address, None) or Bucket(self._front.rate, self._front.burst, now)
        self._buckets[address] = bucket
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        return bucket.take(now)


class ProbeRoutes:
    """What the operator's machines ask. They are told nothing of calls or people; the proxy need not show them outside."""

    def __init__(self, front: Front) -> None:
        self._front = front

    async def healthy(self, request: Request) -> Response:
        """The process lives."""
        return PlainTextResponse("ok\n")

    async def ready(self, request: Request) -> Response:
        """The process can work; if not, which part cannot."""
        results = {name: check() for name, check in self._front.checks.items()}
        return JSONResponse(results, 200 if all(results.values()) else 503)

    async def metrics(self, request: Request) -> Response:
        """What the cores counted."""
        text, content_type = exposition(self._front.registry)
        return Response(text, media_type=content_type)


async def _body_is_small(request: Request) -> bool:
    """Read the body, which says nothing, and stop where it is too large."""
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BODY:
                return False
    except ClientDisconnect:
        return False
    return True


def _answer(status: int, origin: str, **content: str) -> Response:
    headers = _cors(origin) if origin else {"Vary": "Origin"}
    return JSONResponse(content, status, {**headers, "Cache-Control": "no-store"})


def _cors(origin: str) -> dict[str, str]:
    """For this origin alone; never a star, and no cookies."""
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


async def _upgrade_required(request: Request) -> Response:
    """Somebody opened the socket's address as a page (RFC 9110 §15.5.22)."""
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    return PlainTextResponse("This is the address of a WebSocket.\n", 426, headers)
