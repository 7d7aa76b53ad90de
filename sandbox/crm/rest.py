"""REST v4 of the make-believe account: account, users, contacts, companies, leads, pipelines (amocrm.md part 3).

Reads and writes the archive for whoever is logged in. Rules held here: an empty list or an unknown entity is 204
without a body, an error is problem+json, `limit` is at most 250, users are for administrators.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.crm.account import account_json, custom_fields_json
from sandbox.crm.hal import HalResponse, Json, link, page_json, pipeline_json, problem, record_json, user_json
from sandbox.crm.records import KINDS, Archive, Kind, Record
from sandbox.crm.sessions import Sessions
from sandbox.crm.writing import MOST_ITEMS, Reading
from sandbox.settings import Settings
from sandbox.staff import USERS, User, user_by_id

_IDS: Final = re.compile(r"^filter\[id\](\[\d*\])?$")
_ORDER: Final = re.compile(r"^order\[(id|created_at|updated_at)\]$")

Endpoint = Callable[[Request, User], Awaitable[Response]]


class Rest:
    """The routes under `/api/v4`. `clock` gives seconds since the epoch."""

    def __init__(
        self, settings: Settings, archive: Archive, sessions: Sessions, clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._archive = archive
        self._sessions = sessions
        self._clock = clock
        self._base = f"{settings.base_url}/api/v4"
        self.routes = [
            self._route("/account", self._account),
            self._route("/users", self._users),
            self._route("/users/{id:int}", self._user),
            self._route("/leads/pipelines", self._pipelines),
            self._route("/leads/pipelines/{id:int}", self._pipeline),
        ]
        for kind in KINDS:
            self.routes += [
                self._route(f"/{kind}/custom_fields", self._fields(kind)),
                self._route(f"/{kind}", self._collection(kind), "GET", "POST", "PATCH"),
                self._route(f"/{kind}/{{id:int}}", self._entity(kind), "GET", "PATCH"),
            ]
        self.routes.append(self._route("/{path:path}", self._unknown, "GET", "POST", "PATCH", "DELETE"))

    def _route(self, path: str, endpoint: Endpoint, *methods: str) -> Route:
        async def answer(request: Request) -> Response:
            user = self._sessions.user_of(request)
            if user is None:
                return problem(401, "Invalid user name or password")
            return await endpoint(request, user)

        return Route(f"/api/v4{path}", answer, methods=list(methods or ("GET",)))

    async def _unknown(self, request: Request, user: User) -> Response:
        return problem(404, "Not Found")

    async def _account(self, request: Request, user: User) -> Response:
        return HalResponse(account_json(self._settings, user.id, _words(request)))

    async def _users(self, request: Request, user: User) -> Response:
        if not user.is_admin:
            return problem(403, "Доступ запрещён")
        items = [user_json(one, self._base) for one in USERS]
        page: dict[str, Json] = {"_total_items": len(items), "_page": 1, "_page_count": 1}
        return HalResponse(page | {"_links": link(f"{self._base}/users"), "_embedded": {"users": items}})

    async def _user(self, request: Request, user: User) -> Response:
        if not user.is_admin:
            return problem(403, "Доступ запрещён")
        wanted = user_by_id(request.path_params["id"])
        return (
            problem(404, "User not found") if wanted is None else HalResponse(user_json(wanted, self._base))
        )

    async def _pipelines(self, request: Request, user: User) -> Response:
        items = [
            pipeline_json(one, index == 0, self._base, self._settings.account_id)
            for index, one in enumerate(self._archive.pipelines)
        ]
        body: dict[str, Json] = {"_total_items": len(items), "_links": link(f"{self._base}/leads/pipelines")}
        return HalResponse(body | {"_embedded": {"pipelines": items}})

    async def _pipeline(self, request: Request, user: User) -> Response:
        wanted = self._archive.pipeline(request.path_params["id"])
        if wanted is None:
            return problem(404, "Pipeline not found")
        main = wanted == self._archive.pipelines[0]
        return HalResponse(pipeline_json(wanted, main, self._base, self._settings.account_id))

    def _fields(self, kind: Kind) -> Endpoint:
        async def answer(request: Request, user: User) -> Response:
            return (
                HalResponse(custom_fields_json(kind, self._base))
                if kind != "leads"
                else Response(status_code=204)
            )

        return answer

    def _collection(self, kind: Kind) -> Endpoint:
        async def answer(request: Request, user: User) -> Response:
            if request.method == "GET":
                return self._list(kind, request)
            return await self._write(kind, request, user, None)

        return answer

    def _entity(self, kind: Kind) -> Endpoint:
        async def answer(request: Request, user: User) -> Response:
            record = self._archive.get(kind, request.path_params["id"])
            if record is None:
                return Response(status_code=204)
            if request.method == "GET":
                return HalResponse(self._json(record, _words(request)))
            return await self._write(kind, request, user, record)

        return answer

    def _json(self, record: Record, extra: frozenset[str]) -> Json:
        return record_json(record, self._archive, self._base, self._settings.account_id, extra)

    def _list(self, kind: Kind, request: Request) -> Response:
        query = request.query_params
        limit, page = _number(query.get("limit"), 50), _number(query.get("page"), 1)
        if limit > 250:
            return problem(422, "Limit 250 per page")
        ids = [_number(value, 0) for key, value in query.multi_items() if _IDS.match(key)]
        found = self._archive.find(kind, query=query.get("query", ""), ids=ids)
        for key, direction in query.items():
            if order := _ORDER.match(key):
                field = order[1]
                found.sort(key=lambda record: int(getattr(record, field)), reverse=direction == "desc")
        start = (page - 1) * limit
        items = [self._json(record, _words(request)) for record in found[start : start + limit]]
        if not items:
            return Response(status_code=204)
        more = len(found) > start + limit
        return HalResponse(
            page_json(kind, items, f"{self._base}/{kind}", dict(query) | {"limit": str(limit)}, page, more)
        )

    async def _write(self, kind: Kind, request: Request, user: User, one: Record | None) -> Response:
        """POST and PATCH on a collection take an array; PATCH on an entity takes its object (amocrm.md 3.1)."""
        try:
            body = json.loads(await request.body())
        except ValueError:
            return problem(400, "Request validation failed")
        items = [body] if one is not None else body
        if not isinstance(items, list) or not items or len(items) > MOST_ITEMS:
            return problem(400, "Request validation failed")
        readings: list[tuple[Record | None, Reading, Mapping[str, Json]]] = []
        for item in items:
            if not isinstance(item, Mapping):
                return problem(400, "Request validation failed")
            reading = Reading(kind, self._archive)
            reading.read(item)
            readings.append((one or self._patched(kind, request, item, reading), reading, item))
        faults: Json = [
            {"request_id": _request_id(item, index), "errors": reading.faults}
            for index, (_, reading, item) in enumerate(readings)
            if reading.faults
        ]
        if faults:
            return problem(400, "Request validation failed", faults)
        answers = [self._save(kind, user, *reading, index) for index, reading in enumerate(readings)]
        if one is not None:
            return HalResponse(answers[0])
        return HalResponse({"_links": link(f"{self._base}/{kind}"), "_embedded": {kind: answers}})

    def _patched(
        self, kind: Kind, request: Request, item: Mapping[str, Json], reading: Reading
    ) -> Record | None:
        if request.method == "POST":
            return None
        wanted = item.get("id")
        record = self._archive.get(kind, wanted) if isinstance(wanted, int) else None
        if record is None:
            reading.fault("FieldMissing", "id", "This field is missing.")
        return record

    def _save(
        self,
        kind: Kind,
        user: User,
        old: Record | None,
        reading: Reading,
        item: Mapping[str, Json],
        index: int,
    ) -> Json:
        now = int(self._clock())
        if old is None:
            old = self._blank(kind, user, now)
        record = self._archive.change(old, now, **reading.fields)
        answer: dict[str, Json] = {"id": record.id, "updated_at": record.updated_at}
        return answer | {
            "request_id": _request_id(item, index),
            "_links": link(f"{self._base}/{kind}/{record.id}"),
        }

    def _blank(self, kind: Kind, user: User, now: int) -> Record:
        record = Record(self._archive.next_id, kind, "", user.id, now, now, created_by=user.id)
        if kind != "leads":
            return record
        pipeline = self._archive.pipelines[0]  # no stage given: the main pipeline's first editable one
        return Record(
            record.id, kind, "", user.id, now, now, created_by=user.id,
            pipeline_id=pipeline.id, status_id=pipeline.stages[1].id,
        )  # fmt: skip


def _words(request: Request) -> frozenset[str]:
    return frozenset(request.query_params.get("with", "").split(","))


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() else default


def _request_id(item: Mapping[str, Json], index: int) -> str:
    given = item.get("request_id")
    return str(given) if given is not None else str(index)
