"""The account's JSON: records as HAL, lists with their links, errors as problem+json (amocrm.md 3.1 to 3.6).

Pure functions of values. Content types are exact: one client compares `application/problem+json` letter by letter.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from sandbox.crm.records import Archive, Kind, Pipeline, Record, Value
from sandbox.staff import User

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"

FIELD_IDS: Final = {
    ("contacts", "PHONE"): 771_001,
    ("contacts", "EMAIL"): 771_003,
    ("companies", "PHONE"): 772_001,
    ("companies", "EMAIL"): 772_003,
}
FIELD_NAMES: Final = {"PHONE": "Телефон", "EMAIL": "Email"}
PHONE_ENUMS: Final = ("WORK", "WORKDD", "MOB", "FAX", "HOME", "OTHER")
EMAIL_ENUMS: Final = ("WORK", "PRIV", "OTHER")
_TITLES: Final = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict",
    422: "Unprocessable Entity", 429: "Too Many Requests",
}  # fmt: skip


class HalResponse(JSONResponse):
    media_type = "application/hal+json"


class ProblemResponse(JSONResponse):
    media_type = "application/problem+json"


def problem(status: int, detail: str, errors: Json = None) -> Response:
    """An error as the account says it; `errors` are the items of a failed validation (status 400)."""
    body: dict[str, Json] = {} if errors is None else {"validation-errors": errors}
    body |= {
        "title": _TITLES[status],
        "type": f"https://httpstatus.es/{status}",
        "status": status,
        "detail": detail,
    }
    return ProblemResponse(body, status)


def link(href: str) -> Json:
    return {"self": {"href": href}}


def enum_id(code: str, enum: str) -> int:
    enums = PHONE_ENUMS if code == "PHONE" else EMAIL_ENUMS
    return (1_491_001 if code == "PHONE" else 1_491_101) + enums.index(enum)


def custom_fields(record: Record) -> Json:
    """Values of PHONE and EMAIL; null when there are none."""
    fields = [
        _multitext(record.kind, code, values)
        for code, values in (("PHONE", record.phones), ("EMAIL", record.emails))
        if values
    ]
    return fields or None


def _multitext(kind: Kind, code: str, values: tuple[Value, ...]) -> Json:
    return {
        "field_id": FIELD_IDS[kind, code],
        "field_name": FIELD_NAMES[code],
        "field_code": code,
        "field_type": "multitext",
        "values": [
            {"value": value.value, "enum_id": enum_id(code, value.enum), "enum_code": value.enum}
            for value in values
        ],
    }


def record_json(record: Record, archive: Archive, base: str, account_id: int, extra: frozenset[str]) -> Json:
    """One entity. `extra` are the words of `with=`; `base` ends in `/api/v4`."""
    group = {"group_id": 0, "is_deleted": False, "closest_task_at": None, "account_id": account_id}
    body: dict[str, Json] = {"id": record.id, "name": record.name}
    if record.kind == "contacts":
        body |= {"first_name": record.first_name, "last_name": record.last_name, "is_unsorted": False}
    body |= {
        "responsible_user_id": record.responsible_user_id,
        "created_by": record.created_by,
        "updated_by": record.created_by,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        **group,
        "custom_fields_values": custom_fields(record),
        "_links": link(f"{base}/{record.kind}/{record.id}"),
    }
    if record.kind == "leads":
        closed = record.updated_at if record.status_id in (142, 143) else None
        body |= {
            "price": record.price, "status_id": record.status_id, "pipeline_id": record.pipeline_id,
            "loss_reason_id": None, "source_id": None, "closed_at": closed, "score": None, "labor_cost": None,
        }  # fmt: skip
    body["_embedded"] = _embedded(record, archive, base, extra)
    return body


def _embedded(record: Record, archive: Archive, base: str, extra: frozenset[str]) -> Json:
    def links(kind: str, ids: Sequence[int], main: bool = False) -> Json:
        return [
            {"id": i, **({"is_main": n == 0} if main else {}), "_links": link(f"{base}/{kind}/{i}")}
            for n, i in enumerate(ids)
        ]

    tags: Json = [{"id": 1000 + sum(map(ord, tag)), "name": tag, "color": None} for tag in record.tags]
    embedded: dict[str, Json] = {"tags": tags}
    if record.kind in ("contacts", "leads"):
        embedded["companies"] = links("companies", (record.company_id,) if record.company_id else ())
    if record.kind in ("companies", "leads") and "contacts" in extra:
        ids = [contact.id for contact in archive.contacts_of(record)]
        embedded["contacts"] = links("contacts", ids, main=record.kind == "leads")
    if record.kind in ("contacts", "companies") and "leads" in extra:
        embedded["leads"] = links("leads", [lead.id for lead in archive.leads_of(record)])
    for word in ("customers", "catalog_elements"):
        if word in extra:
            embedded[word] = []
    return embedded


def page_json(
    name: str, items: Sequence[Json], url: str, query: Mapping[str, str], page: int, more: bool
) -> Json:
    """A page of a list with its `self`, `next`, `first`, `prev` links; the caller answers 204 to an empty one."""

    def href(number: int) -> Json:
        return {"href": f"{url}?{urlencode({**query, 'page': number})}"}

    links: dict[str, Json] = {"self": href(page)}
    if more:
        links["next"] = href(page + 1)
    if page > 1:
        links |= {"first": href(1), "prev": href(page - 1)}
    return {"_page": page, "_links": links, "_embedded": {name: items}}


def user_json(user: User, base: str) -> Json:
    own = "A" if user.is_admin else "M"
    rights: Json = {"view": "A", "edit": own, "add": "A", "delete": own, "export": own}
    return {
        "id": user.id,
        "name": user.name,
        "email": user.login,
        "lang": "ru",
        "rights": {
            "leads": rights, "contacts": rights, "companies": rights, "tasks": {"edit": own, "delete": own},
            "mail_access": False, "catalog_access": False, "status_rights": None, "is_admin": user.is_admin,
            "is_free": user.is_free, "is_active": True, "group_id": None, "role_id": None,
        },
        "_links": link(f"{base}/users/{user.id}"),
        "_embedded": {"roles": [], "groups": [{"id": 0, "name": "Отдел продаж"}]},
    }  # fmt: skip


def pipeline_json(pipeline: Pipeline, main: bool, base: str, account_id: int) -> Json:
    url = f"{base}/leads/pipelines/{pipeline.id}"
    return {
        "id": pipeline.id, "name": pipeline.name, "sort": 1 if main else 2, "is_main": main,
        "is_unsorted_on": True, "is_archive": False, "account_id": account_id, "_links": link(url),
        "_embedded": {
            "statuses": [
                {
                    "id": stage.id, "name": stage.name, "sort": stage.sort,
                    "is_editable": stage.type == 0 and stage.id not in (142, 143), "pipeline_id": pipeline.id,
                    "color": stage.color, "type": stage.type, "account_id": account_id,
                    "_links": link(f"{url}/statuses/{stage.id}"),
                }
                for stage in pipeline.stages
            ]
        },
    }  # fmt: skip
