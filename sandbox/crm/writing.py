"""What a POST or PATCH may say: bodies read field by field, every fault named by its path (amocrm.md 3.1, 3.4).

Pure: values in, records or faults out. A rejected item rejects the whole batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sandbox.crm.hal import EMAIL_ENUMS, FIELD_IDS, PHONE_ENUMS, Json
from sandbox.crm.records import Archive, Kind, Value

MOST_ITEMS: Final = 250
_INTS: Final = (
    "responsible_user_id",
    "created_by",
    "created_at",
    "updated_at",
    "price",
    "status_id",
    "pipeline_id",
)
_LEAD_ONLY: Final = frozenset({"price", "status_id", "pipeline_id"})


@dataclass
class Reading:
    """One item while it is read: the fields that were understood, the faults that were found."""

    kind: Kind
    archive: Archive
    fields: dict[str, object] = field(default_factory=dict)
    faults: list[dict[str, Json]] = field(default_factory=list)

    def fault(self, code: str, path: str, detail: str) -> None:
        self.faults.append({"code": code, "path": path, "detail": detail})

    def read(self, item: Mapping[str, Json]) -> None:
        """Read one object of a request's body into `fields` and `faults`."""
        for name in ("name", "first_name", "last_name"):
            if name in item and (name == "name" or self.kind == "contacts"):
                self._take(name, item[name], str, "string")
        for name in _INTS:
            if name in item and (name not in _LEAD_ONLY or self.kind == "leads"):
                self._take(name, item[name], int, "int")
        if item.get("custom_fields_values") is not None:
            self._values(item["custom_fields_values"])
        embedded = item.get("_embedded")
        if isinstance(embedded, Mapping):
            self._embedded(embedded)

    def _take(self, name: str, value: Json, kind: type, word: str) -> None:
        if value is None:
            self.fault("NotNullable", name, "This value should not be null.")
        elif not isinstance(value, kind) or isinstance(value, bool):
            self.fault("InvalidType", name, f"This value should be of type {word}.")
        else:
            self.fields[name] = value

    def _values(self, fields: Json) -> None:
        if not isinstance(fields, list):
            self.fault("InvalidType", "custom_fields_values", "This value should be of type array.")
            return
        for index, one in enumerate(fields):
            path = f"custom_fields_values.{index}"
            code = self._code(one) if isinstance(one, Mapping) else None
            if code is None or self.kind == "leads":
                self.fault(
                    "NotSupportedChoice", f"{path}.field_id", "The value you selected is not a valid choice."
                )
            elif isinstance(one, Mapping):
                values = self._multitext(one.get("values"), code, path)
                self.fields["phones" if code == "PHONE" else "emails"] = values

    def _code(self, one: Mapping[str, Json]) -> str | None:
        for code in ("PHONE", "EMAIL"):
            if one.get("field_code") == code or one.get("field_id") == FIELD_IDS.get((self.kind, code), 0):
                return code
        return None

    def _multitext(self, values: Json, code: str, path: str) -> tuple[Value, ...]:
        enums = PHONE_ENUMS if code == "PHONE" else EMAIL_ENUMS
        read: list[Value] = []
        for index, one in enumerate(values if isinstance(values, list) else ()):
            text = one.get("value") if isinstance(one, Mapping) else None
            enum = str(one.get("enum_code") or "WORK") if isinstance(one, Mapping) else "WORK"
            if not isinstance(text, str):
                self.fault(
                    "InvalidType", f"{path}.values.{index}.value", "This value should be of type string."
                )
            elif enum not in enums:
                where = f"{path}.values.{index}.enum_code"
                self.fault("NotSupportedChoice", where, "The value you selected is not a valid choice.")
            else:
                read.append(Value(text, enum))
        return tuple(read)

    def _embedded(self, embedded: Mapping[str, Json]) -> None:
        tags = embedded.get("tags", ...)
        if tags is None or isinstance(tags, list):  # the set is replaced; null clears it
            named = (tag.get("name") for tag in tags or () if isinstance(tag, Mapping))
            self.fields["tags"] = tuple(name for name in named if isinstance(name, str))
        contacts = self._ids(embedded.get("contacts"), "contacts")
        companies = self._ids(embedded.get("companies"), "companies")
        if contacts and self.kind == "leads":
            self.fields["contact_ids"] = contacts
        if companies and self.kind != "companies":
            self.fields["company_id"] = companies[0]

    def _ids(self, items: Json, kind: Kind) -> tuple[int, ...]:
        found: list[int] = []
        for index, item in enumerate(items if isinstance(items, list) else ()):
            wanted = item.get("id") if isinstance(item, Mapping) else None
            if isinstance(wanted, int) and self.archive.get(kind, wanted) is not None:
                found.append(wanted)
            else:
                where = f"_embedded.{kind}.{index}.id"
                self.fault("NotSupportedChoice", where, "The value you selected is not a valid choice.")
        return tuple(found)
