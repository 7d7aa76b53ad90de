"""What the account says of itself: `GET /api/v4/account` and the lists of custom fields (amocrm.md 3.2, 3.4).

The keys that the official client reads without a default are always there; the rest comes with `with=`.
"""

from typing import Final

from sandbox.crm.hal import EMAIL_ENUMS, FIELD_IDS, FIELD_NAMES, PHONE_ENUMS, Json, enum_id, link
from sandbox.crm.records import Kind
from sandbox.crm.sample import BORN
from sandbox.settings import Settings
from sandbox.staff import USERS

_DATETIME: Final[Json] = {
    "date_pattern": "d.m.Y H:i", "short_date_pattern": "d.m.Y", "short_time_pattern": "H:i", "date_format": "d.m.Y",
    "time_format": "H:i:s", "timezone": "Europe/Moscow", "timezone_offset": "+03:00",
}  # fmt: skip
_TASK_TYPES: Final[Json] = [
    {"id": 1, "name": "Связаться", "color": None, "icon_id": None, "code": "FOLLOW_UP"},
    {"id": 2, "name": "Встреча", "color": None, "icon_id": None, "code": "MEETING"},
]
_OPTIONAL: Final[dict[str, Json]] = {
    "amojo_id": "f3c6340d-410e-4ad1-9f7e-c5e663429909",
    "uuid": "824f3a59-6154-4edf-ae90-0a5593715d5a",
    "version": 11,
    "drive_url": "https://drive-b.amocrm.ru",
    "is_api_filter_enabled": True,
}
_EMBEDDED: Final[dict[str, Json]] = {
    "amojo_rights": {"can_direct": True, "can_create_groups": True},
    "users_groups": [{"id": 0, "name": "Отдел продаж", "uuid": None}],
    "task_types": _TASK_TYPES,
    "datetime_settings": _DATETIME,
}


def account_json(settings: Settings, user_id: int, extra: frozenset[str]) -> Json:
    """The account as the user with that id sees it; `extra` are the words of `with=`."""
    body: dict[str, Json] = {
        "id": settings.account_id, "name": settings.account_name, "subdomain": settings.subdomain,
        "created_at": BORN, "created_by": USERS[0].id, "updated_at": BORN, "updated_by": USERS[0].id,
        "current_user_id": user_id, "country": "RU", "currency": "RUB", "currency_symbol": "₽",
        "customers_mode": "segments", "is_unsorted_on": True, "mobile_feature_version": 0,
        "is_loss_reason_enabled": True, "is_helpbot_enabled": False, "is_technical_account": False,
        "contact_name_display_order": 1,
    }  # fmt: skip
    body |= {word: value for word, value in _OPTIONAL.items() if word in extra}
    body["_links"] = link(f"{settings.base_url}/api/v4/account")
    embedded = {word: value for word, value in _EMBEDDED.items() if word in extra}
    if embedded:
        body["_embedded"] = embedded
    return body


def custom_fields_json(kind: Kind, base: str) -> Json:
    """The account's fields of contacts or companies: PHONE and EMAIL with their enums."""
    fields: list[Json] = [
        {
            "id": FIELD_IDS[kind, code], "name": FIELD_NAMES[code], "type": "multitext", "account_id": None,
            "code": code, "sort": sort, "is_api_only": False, "is_predefined": True, "is_deletable": False,
            "enums": [{"id": enum_id(code, enum), "value": enum, "sort": 2 + n} for n, enum in enumerate(enums)],
            "entity_type": kind, "_links": link(f"{base}/{kind}/custom_fields/{FIELD_IDS[kind, code]}"),
        }
        for sort, (code, enums) in enumerate((("PHONE", PHONE_ENUMS), ("EMAIL", EMAIL_ENUMS)), start=4)
    ]  # fmt: skip
    return {
        "_total_items": len(fields), "_page": 1, "_page_count": 1,
        "_links": link(f"{base}/{kind}/custom_fields"), "_embedded": {"custom_fields": fields},
    }  # fmt: skip
