"""Where one request may go: the servers in the order in which they are tried (RFC 3263 §4.3), once they are known.

Made for requests whose next hop is a name; whatever has an address goes there by its flow alone. Knows no transactions: `Exchange` moves
along the course. Invariants: a server that serves an account keeps it as long as no better one speaks, so that its registration, its
calls and its nonces are at one place; a large request of an "auto" account goes over TCP wherever it goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from sip.account import Account, is_tcp
from sip.errors import ParseError
from sip.flow import Flow
from sip.grammar import remembered, split_list
from sip.location.locator import Locator
from sip.location.plan import Hop, Target
from sip.message import Request, Response
from sip.uri import NameAddr

if TYPE_CHECKING:
    from sip.core import Core

# What the Via that the layer puts on top adds to a request, for the size rule of RFC 3261 §18.1.1.
VIA_SIZE: Final = 90
_MOST_ROUTES: Final = 8
_UNKNOWN: Final = ("", 0)


class Course(NamedTuple):
    """A way to a hop that has a name.

    Args:
        flow: to the server that is tried now; while none is known, to an address of no host and port 0.
        left: those that are tried after it.
        hop: whom they serve.
        last: tried when nobody else is left, or nobody is known: the flow on which a dialog was met.
    """

    flow: Flow
    left: tuple[Flow, ...]
    hop: Hop
    last: Flow | None = None

    @property
    def is_known(self) -> bool:
        return self.flow.remote != _UNKNOWN


@remembered(256)
def read_service_route(text: str) -> tuple[str, ...]:
    """The routes of a Service-Route (RFC 3608 §5); all lines of a registrar share what it says to each.

    Raises:
        ParseError: it cannot be read, or is longer than any path.
    """
    routes = tuple(split_list([text]))
    if not 0 < len(routes) <= _MOST_ROUTES:
        raise ParseError(f"{len(routes)} service routes")
    if any(NameAddr.parse(route).uri.scheme not in ("sip", "sips") for route in routes):
        raise ParseError("a service route that is no SIP URI")
    return routes


@lru_cache(maxsize=1024)
def shared(flow: Flow) -> Flow:
    """The one of all equal flows that is kept: ten thousand lines have the same."""
    return flow


def learn_service_route(core: Core, account: Account, response: Response) -> None:
    """What the 2xx to a REGISTER says of the way to the services of its domain; silence takes back what was said before (RFC 3608 §6.1).

    One that cannot be read, or is longer than a path may be, is counted ("service_route_refused") and as none.
    """
    values = response.get_all("Service-Route")
    if values:
        try:
            core.service_routes[account] = read_service_route(", ".join(values))
            return
        except ParseError:
            core.counters["service_route_refused"] += 1
    if core.service_routes:
        core.service_routes.pop(account, None)


def chart(
    core: Core,
    hop: Hop,
    account: Account | None,
    request: Request,
    now: float,
    *,
    first: Flow | None = None,
    last: Flow | None = None,
) -> Course:
    """The course of a request to a hop, as far as it is known by now.

    Args:
        first: what is tried before everybody else, and without waiting for the DNS.
        last: what is tried when nobody else is left.
    """
    locator = core.locator
    assert locator is not None, "without a locator nothing is charted"
    targets = locator.locate(hop, now)
    if targets is None and first is None:
        return Course(Flow(hop.transports[0] if hop.transports else "udp", _UNKNOWN), (), hop, last)
    flows = [_fitted(flow, account, request) for flow in _at_home(core, locator, targets or (), account, now)]
    if first is not None:
        flows = [first, *(flow for flow in flows if flow != first.road)]
    if last is not None:
        flows = [*(flow for flow in flows if flow != last.road), last]
    if not flows:
        return Course(Flow("udp", _UNKNOWN), (), hop, last)
    return Course(flows[0], tuple(flows[1:]), hop, last)


def _at_home(
    core: Core, locator: Locator, targets: tuple[Target, ...], account: Account | None, now: float
) -> Iterable[Flow]:
    """The flows in order, the one that serves the account already before its equals."""
    flows = [target.flow for target in targets]
    home = core.homes.get(account) if account is not None else None
    if home is None or locator.is_silent(home, now):
        return flows
    if any(target.flow == home and target.rank == targets[0].rank for target in targets):
        return [home, *(flow for flow in flows if flow != home)]
    return flows


def _fitted(flow: Flow, account: Account | None, request: Request) -> Flow:
    if account is None:
        return flow
    if flow.transport == "udp" and account.transport == "auto":
        return flow._replace(transport="tcp") if is_tcp("auto", len(request.to_bytes()) + VIA_SIZE) else flow
    if flow.transport == "tls" and account.server_name:
        return flow._replace(name=account.server_name)
    return flow
