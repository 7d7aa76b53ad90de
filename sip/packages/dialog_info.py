"""Documents of the `dialog` package (RFC 4235): which calls somebody has. Read with tolerance, written as the RFC wants them.

What PBXs really send (Asterisk one pseudo-dialog without call-id and tags, FreeSWITCH the call-id only at first, Kamailio versions
with leading zeros) is read without a complaint; `sip.packages.dialog_states` puts the documents together. Knows no subscription.
Invariant: `DialogInfo.parse` raises ParseError only; `parse(x.to_bytes()) == x` for every x that can be written.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from sip.errors import ParseError
from sip.packages.safe_xml import Element, read_xml, xml_text

PACKAGE: Final = "dialog"
MEDIA_TYPE: Final = "application/dialog-info+xml"
_NAMESPACE: Final = "urn:ietf:params:xml:ns:dialog-info"
_LONGEST_NUMBER: Final = 12  # digits; Kamailio pads a version to eleven
_RENDERING: Final = "+sip.rendering"

Direction: TypeAlias = Literal["initiator", "recipient"]


class DialogState(StrEnum):
    """RFC 4235 §3.7.1, figure 3."""

    TRYING = "trying"
    PROCEEDING = "proceeding"
    EARLY = "early"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


_STATES: Final = {str(state): state for state in DialogState}


@dataclass(frozen=True, slots=True)
class Participant:
    """One side of a dialog (§4.1.6.1, §4.1.6.2).

    Args:
        identity: the URI of who it is, as text; "" when it is not told.
        display: the name beside it.
        target: the URI that the dialog's requests go to; "" when it is not told.
        is_rendering: false for a side that plays nothing of the other, which is how a hold is told; None when nothing is said.
    """

    identity: str = ""
    display: str = ""
    target: str = ""
    is_rendering: bool | None = None


@dataclass(frozen=True, slots=True)
class DialogEntry:
    """One dialog (§4.1.1 to §4.1.6).

    Args:
        id: what names it in the documents of one subscription; not the Call-ID, though some PBXs use that.
        event: why it is in this state: cancelled, rejected, replaced, local-bye, remote-bye, error, timeout (§3.7.1).
        code: the status of the response that caused it.
        direction: whether the observed user called or was called; None when it is not told.
        call_id, local_tag, remote_tag: of the SIP dialog, None when they are not told.
        duration: seconds since it began.
    """

    id: str
    state: DialogState
    event: str | None = None
    code: int | None = None
    direction: Direction | None = None
    call_id: str | None = None
    local_tag: str | None = None
    remote_tag: str | None = None
    local: Participant | None = None
    remote: Participant | None = None
    duration: int | None = None


@dataclass(frozen=True, slots=True)
class DialogInfo:
    """One document.

    Args:
        version: grows by one with each document of a subscription (§4.1).
        is_full: whether it names all dialogs, or only those that changed.
        entity: the URI of the observed user.
        skipped: how many dialogs were written so that they cannot be understood.
    """

    version: int
    is_full: bool
    entity: str
    dialogs: tuple[DialogEntry, ...] = ()
    skipped: int = 0

    @classmethod
    def parse(cls, data: bytes) -> DialogInfo:
        """Raises ParseError. What the RFC wants and is absent: the version counts as 0, the state as full, the entity as ""."""
        root = read_xml(data, "dialog-info")
        version = root.get("version")
        number = 0 if version is None else _number(version)
        if number is None:
            raise ParseError(f"unreadable version: {(version or '')[:20]!r}")
        state = (root.get("state") or "full").lower()
        if state not in ("full", "partial"):
            raise ParseError(f"neither full nor partial: {state[:20]!r}")
        elements = list(root.find_all("dialog"))
        dialogs = tuple(entry for one in elements if (entry := _read_dialog(one)) is not None)
        entity = root.get("entity") or ""
        return cls(number, state == "full", entity, dialogs, len(elements) - len(dialogs))

    def to_bytes(self) -> bytes:
        """The document (§4.1). Raises LocalProtocolError for text that no XML can hold."""
        state = "full" if self.is_full else "partial"
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<dialog-info xmlns="{_NAMESPACE}" version="{self.version}" state="{state}" entity="{xml_text(self.entity)}">',
        ]
        for dialog in self.dialogs:
            lines += _dialog_lines(dialog)
        lines.append("</dialog-info>\n")
        return "\n".join(lines).encode()


def _number(text: str | None) -> int | None:
    digits = text or ""
    return int(digits) if len(digits) <= _LONGEST_NUMBER and digits.isascii() and digits.isdigit() else None


def _read_dialog(element: Element) -> DialogEntry | None:
    """A dialog, or None when it has no id or no state that the RFC knows."""
    name, state = element.get("id"), element.find("state")
    known = _STATES.get(state.text.lower()) if state is not None else None
    if not name or state is None or known is None:
        return None
    duration = element.find("duration")
    direction: Direction | None = None
    match element.get("direction"):
        case "initiator":
            direction = "initiator"
        case "recipient":
            direction = "recipient"
    return DialogEntry(
        id=name,
        state=known,
        event=state.get("event") or None,
        code=_number(state.get("code")),
        direction=direction,
        call_id=element.get("call-id") or None,
        local_tag=element.get("local-tag") or None,
        remote_tag=element.get("remote-tag") or None,
        local=_read_participant(element.find("local")),
        remote=_read_participant(element.find("remote")),
        duration=_number(duration.text) if duration is not None else None,
    )


def _read_participant(element: Element | None) -> Participant | None:
    if element is None:
        return None
    identity, target = element.find("identity"), element.find("target")
    rendering = None
    if target is not None:
        for param in target.find_all("param"):
            if param.get("pname") == _RENDERING:
                rendering = (param.get("pvalue") or "").lower() != "no"
    return Participant(
        identity=identity.text if identity is not None else "",
        display=(identity.get("display") or "") if identity is not None else "",
        target=(target.get("uri") or "") if target is not None else "",
        is_rendering=rendering,
    )


def _attributes(**values: str | int | None) -> str:
    """Attributes that have a value, each with its blank; an underscore stands for a hyphen."""
    given = ((name.replace("_", "-"), value) for name, value in values.items() if value not in (None, ""))
    return "".join(f' {name}="{xml_text(str(value))}"' for name, value in given)


def _dialog_lines(dialog: DialogEntry) -> list[str]:
    ids = _attributes(
        id=dialog.id,
        call_id=dialog.call_id,
        local_tag=dialog.local_tag,
        remote_tag=dialog.remote_tag,
        direction=dialog.direction,
    )
    cause = _attributes(event=dialog.event, code=dialog.code)
    lines = [f"  <dialog{ids}>", f"    <state{cause}>{dialog.state}</state>"]
    if dialog.duration is not None:
        lines.append(f"    <duration>{dialog.duration}</duration>")
    for side, participant in (("local", dialog.local), ("remote", dialog.remote)):
        if participant is not None:
            lines += _participant_lines(side, participant)
    return [*lines, "  </dialog>"]


def _participant_lines(side: str, participant: Participant) -> list[str]:
    lines = [f"    <{side}>"]
    if participant.identity or participant.display:
        display = _attributes(display=participant.display)
        lines.append(f"      <identity{display}>{xml_text(participant.identity)}</identity>")
    if participant.target or participant.is_rendering is not None:
        inside = ""
        if participant.is_rendering is not None:
            value = "yes" if participant.is_rendering else "no"
            inside = f'<param pname="{_RENDERING}" pvalue="{value}"/>'
        lines.append(f'      <target uri="{xml_text(participant.target)}">{inside}</target>')
    return [*lines, f"    </{side}>"]
