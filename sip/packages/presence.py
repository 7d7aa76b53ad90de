"""Documents of the `presence` package: PIDF (RFC 3863) with the activity of RPID (RFC 4480), as much as an agent's status needs.

Knows no PUBLISH. Invariant: `parse` raises ParseError only; `parse(x.to_bytes()) == x` for every x that can be written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sip.errors import LocalProtocolError, ParseError
from sip.packages.safe_xml import Element, read_xml, xml_text

PACKAGE: Final = "presence"
MEDIA_TYPE: Final = "application/pidf+xml"
_PIDF: Final = "urn:ietf:params:xml:ns:pidf"
_MODEL: Final = "urn:ietf:params:xml:ns:pidf:data-model"
_RPID: Final = "urn:ietf:params:xml:ns:pidf:rpid"
_ACTIVITY: Final = re.compile(r"[a-z][a-z\-]{0,40}")


@dataclass(frozen=True, slots=True)
class Presence:
    """What somebody does.

    Args:
        entity: whose: a sip: or pres: URI, as text.
        is_open: whether they take calls (§4.1.4, basic).
        activity: a word of RFC 4480 §3.2, such as on-the-phone, away, busy, meal; "" for none.
        note: for people.
        contact: a URI to reach them at, as text.
    """

    entity: str
    is_open: bool
    activity: str = ""
    note: str = ""
    contact: str = ""

    @classmethod
    def parse(cls, data: bytes) -> Presence:
        """Several tuples are one person with several devices: open when any is. Raises ParseError."""
        root = read_xml(data, "presence")
        tuples = list(root.find_all("tuple"))
        states = [status for one in tuples if (status := _basic(one)) is not None]
        if tuples and not states:
            raise ParseError("no tuple says whether it is open or closed")
        contact = next((found.text for one in tuples if (found := one.find("contact")) is not None), "")
        notes = (found.text for one in [root, *tuples] if (found := one.find("note")) is not None)
        return cls(root.get("entity") or "", any(states), _activity(root), next(notes, ""), contact)

    def to_bytes(self) -> bytes:
        """The document. Raises LocalProtocolError for text that no XML can hold, or an activity that is no word."""
        if self.activity and _ACTIVITY.fullmatch(self.activity) is None:
            raise LocalProtocolError(f"not an activity: {self.activity!r}")
        basic = "open" if self.is_open else "closed"
        contact = f"<contact>{xml_text(self.contact)}</contact>" if self.contact else ""
        note = f"<note>{xml_text(self.note)}</note>" if self.note else ""
        person = ""
        if self.activity:
            doing = f"<rpid:activities><rpid:{self.activity}/></rpid:activities>"
            person = f'  <dm:person id="person">{doing}</dm:person>\n'
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<presence xmlns="{_PIDF}" xmlns:dm="{_MODEL}" xmlns:rpid="{_RPID}" entity="{xml_text(self.entity)}">\n'
            f'  <tuple id="phone"><status><basic>{basic}</basic></status>{contact}{note}</tuple>\n{person}</presence>\n'
        ).encode()


def _basic(element: Element) -> bool | None:
    status = element.find("status")
    basic = status.find("basic") if status is not None else None
    return {"open": True, "closed": False}.get(basic.text.lower()) if basic is not None else None


def _activity(root: Element) -> str:
    """The first activity of a person, in whatever edition of RPID it is written (Asterisk has an old one)."""
    for person in root.children:
        if person.name == "person":
            for activities in person.children:
                if activities.name == "activities" and activities.children:
                    word = activities.children[0].name
                    return word if _ACTIVITY.fullmatch(word) else ""
    return ""
