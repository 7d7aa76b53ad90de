"""What the account knows: contacts, companies, leads, and the store that holds, finds and changes them.

Knows nothing of HTTP or HAL. Invariants: ids are unique over all kinds; a link is kept on the lead and on the
contact once and read from both ends; `updated_at` moves with every change.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

Kind = Literal["contacts", "companies", "leads"]
KINDS: Final[tuple[Kind, ...]] = ("contacts", "companies", "leads")

WON, LOST = 142, 143  # the same ids in every pipeline (amocrm.md 3.6)


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a multitext field: a number or an address with the sort that the CRM gives it (WORK, MOB, …)."""

    value: str
    enum: str = "WORK"


@dataclass(frozen=True, slots=True)
class Record:
    """A contact, a company or a lead. Fields that a kind does not have stay at their defaults."""

    id: int
    kind: Kind
    name: str
    responsible_user_id: int
    created_at: int
    updated_at: int
    created_by: int = 0
    first_name: str = ""
    last_name: str = ""
    phones: tuple[Value, ...] = ()
    emails: tuple[Value, ...] = ()
    tags: tuple[str, ...] = ()
    price: int = 0
    status_id: int = 0
    pipeline_id: int = 0
    contact_ids: tuple[int, ...] = ()  # of a lead: the main one first
    company_id: int | None = None  # of a contact or a lead


@dataclass(frozen=True, slots=True)
class Stage:
    """A status of a pipeline; `type` 1 is «Неразобранное»."""

    id: int
    name: str
    sort: int
    color: str
    type: int = 0


@dataclass(frozen=True, slots=True)
class Pipeline:
    id: int
    name: str
    stages: tuple[Stage, ...]


def digits_of(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def matches(record: Record, query: str) -> bool:
    """Whether the CRM's full-text `query` finds that record.

    A query of seven digits or more is a number: it fits when the last seven, eight or ten digits that both have are
    the same (which of them amoCRM compares is not known for certain, amocrm.md part 8: the whole query decides here,
    at most ten digits of it). Anything else is looked for in names and values, without regard to case.
    """
    digits = digits_of(query)
    if len(digits) >= 7 and not any(character.isalpha() for character in query):
        tail = digits[-10:]
        return any(digits_of(phone.value).endswith(tail) for phone in record.phones)
    wanted = query.casefold().strip()
    texts = (record.name, *(value.value for value in (*record.phones, *record.emails)))
    return bool(wanted) and any(wanted in text.casefold() for text in texts)


@dataclass
class Archive:
    """All records of the account, newest change last."""

    pipelines: tuple[Pipeline, ...]
    next_id: int = 70_000_001
    _records: dict[int, Record] = field(default_factory=dict)

    def put(self, record: Record) -> Record:
        """Keep a record, a new one or in the place of the one with its id."""
        self._records[record.id] = record
        self.next_id = max(self.next_id, record.id + 1)
        return record

    def change(self, record: Record, now: int, **fields: object) -> Record:
        """Replace fields of a record; `now` (seconds) is its new `updated_at`."""
        return self.put(replace(record, updated_at=now, **fields))  # type: ignore[arg-type]  # names checked by rest

    def get(self, kind: Kind, record_id: int) -> Record | None:
        record = self._records.get(record_id)
        return record if record is not None and record.kind == kind else None

    def of_kind(self, kind: Kind) -> Iterator[Record]:
        return (record for record in self._records.values() if record.kind == kind)

    def find(self, kind: Kind, *, query: str = "", ids: Sequence[int] = ()) -> list[Record]:
        """Records of a kind, narrowed by the full-text query and by ids where they are given."""
        found: Iterable[Record] = self.of_kind(kind)
        if ids:
            found = (record for record in found if record.id in set(ids))
        if query:
            found = (record for record in found if matches(record, query))
        return list(found)

    def leads_of(self, record: Record) -> list[Record]:
        """The leads of a contact or a company."""
        return [
            lead
            for lead in self.of_kind("leads")
            if record.id in lead.contact_ids or (record.kind == "companies" and lead.company_id == record.id)
        ]

    def contacts_of(self, record: Record) -> list[Record]:
        """The contacts of a lead (the main one first) or of a company."""
        if record.kind == "leads":
            found = (self.get("contacts", contact_id) for contact_id in record.contact_ids)
            return [contact for contact in found if contact is not None]
        return [contact for contact in self.of_kind("contacts") if contact.company_id == record.id]

    def pipeline(self, pipeline_id: int) -> Pipeline | None:
        return next((pipeline for pipeline in self.pipelines if pipeline.id == pipeline_id), None)
