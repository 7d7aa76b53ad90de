"""The controls under `/sandbox/`: for the drawer of the pages and for tests.

State of the exchange, a customer who calls in, hanging up from outside, what a customer hears. JSON; an error is
problem+json with a sentence in `detail`. No login is asked for: the sandbox listens on this machine alone.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.crm.hal import Json, problem
from sandbox.crm.sample import written
from sandbox.customers import WHAT_THEY_DO, Customer, Directory
from sandbox.pbx.views import CallView, LineView, NotReachable, Switchboard

_STATES = {
    "ringing": "вызов",
    "talking": "разговор",
    "held": "удержание: звучит музыка",
}


class Control:
    """Routes over the exchange and the directory of customers."""

    def __init__(self, directory: Directory, switchboard: Switchboard) -> None:
        self._directory = directory
        self._switchboard = switchboard
        self.routes = [
            Route("/sandbox/state", self._state),
            Route("/sandbox/call-in", self._call_in, methods=["POST"]),
            Route("/sandbox/hang-up", self._hang_up, methods=["POST"]),
            Route("/sandbox/heard", self._heard),
        ]

    async def _state(self, request: Request) -> Response:
        return JSONResponse(
            {
                "customers": [_customer(one) for one in self._directory.special()],
                "lines": [_line(one) for one in self._switchboard.lines()],
                "calls": [_call(one) for one in self._switchboard.calls()],
            }
        )

    async def _call_in(self, request: Request) -> Response:
        """`{"customer": "+7…", "extension": "101"}` → 201 `{"id": …}`; 409 with the reason when nobody can be rung."""
        body = await _body(request)
        if body is None or not {"customer", "extension"} <= body.keys():
            return problem(400, "Нужны customer и extension")
        customer = self._directory.find(str(body["customer"]))
        if customer is None:
            return problem(404, "Такого клиента нет")
        try:
            call_id = self._switchboard.call_in(customer.number, str(body["extension"]))
        except NotReachable as error:
            return problem(409, str(error))
        return JSONResponse({"id": call_id}, 201)

    async def _hang_up(self, request: Request) -> Response:
        body = await _body(request)
        if body is None or not self._switchboard.hang_up(str(body.get("id"))):
            return problem(404, "Такого разговора нет")
        return Response(status_code=204)

    async def _heard(self, request: Request) -> Response:
        """`?customer=+7…` → what they heard in the last second: frequency in Hz, energy of 0 to 1, frames of 50, digits."""
        customer = self._directory.find(request.query_params.get("customer", "").replace(" ", "+", 1))
        sound = self._switchboard.heard(customer.number) if customer is not None else None
        if sound is None:
            return problem(404, "Этот клиент ни с кем не говорит")
        return JSONResponse(asdict(sound))


async def _body(request: Request) -> Mapping[str, object] | None:
    try:
        read: object = json.loads(await request.body())
    except ValueError:
        return None
    return read if isinstance(read, Mapping) else None


def _customer(one: Customer) -> Json:
    return {
        "number": one.number,
        "shown": written(one.number, 0),
        "name": one.name,
        "behaviour": one.behaviour,
        "does": WHAT_THEY_DO[one.behaviour],
    }


def _line(one: LineView) -> Json:
    contacts: list[Json] = [
        {
            "device": contact.device,
            "uri": contact.uri,
            "browser": contact.browser,
            "expires_in": contact.expires_in,
        }
        for contact in one.contacts
    ]
    return {"extension": one.extension, "contacts": contacts}


def _call(one: CallView) -> Json:
    text = _STATES.get(one.state, one.state)
    return {
        "id": one.id, "from": one.caller, "to": one.callee, "state": one.state, "state_text": text,
        "held_by": list(one.held_by),
    }  # fmt: skip
