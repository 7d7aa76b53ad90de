"""What of a call survives the process: a confirmed dialog, or an INVITE that has no final answer yet.

Plain values with a JSON form; knows nothing of where they are kept. Invariant: `SavedCall.from_json(saved.to_json()) == saved`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from sip.flow import TransportName

Kind: TypeAlias = Literal["dialog", "outgoing", "incoming"]
_VERSION = 1


@dataclass(frozen=True, slots=True)
class SavedCall:
    """One call as `Call.dump()` saw it.

    `kind` says what was: "dialog" is a confirmed dialog (or a 200 of theirs that we are about to acknowledge), "outgoing" an INVITE
    of ours without a final response, "incoming" one to us that we have not answered, or whose 200 is not acknowledged yet
    (`local_sdp` is then the answer that it carried: `accept` it again after loading). `invite` is the head of the INVITE as it
    left, Via with branch included, or the whole of it as it came.
    """

    kind: Kind
    direction: Literal["out", "in"]
    call_id: str
    local_tag: str
    remote_tag: str
    local: str
    remote: str
    request_uri: str
    target: str
    route_set: tuple[str, ...]
    local_cseq: int
    remote_cseq: int
    transport: TransportName
    host: str
    port: int
    invite: bytes = b""
    local_sdp: bytes | None = None
    remote_sdp: bytes | None = None

    def to_json(self) -> str:
        """The saved call as one JSON object; bytes are written as Latin-1, which loses nothing and stays readable."""
        values: dict[str, object] = {"version": _VERSION}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            values[field.name] = value.decode("latin-1") if isinstance(value, bytes) else value
        return json.dumps(values, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> SavedCall:
        """The call that `to_json` wrote.

        Raises:
            ValueError: it is no JSON object of this version with these fields.
        """
        values = json.loads(text)
        if not isinstance(values, dict) or values.pop("version", None) != _VERSION:
            raise ValueError(f"not a saved call of version {_VERSION}: {text[:60]!r}")
        if values.keys() != _READERS.keys():
            raise ValueError(f"a saved call has other fields: {sorted(values.keys() ^ _READERS.keys())}")
        return cls(**{name: _READERS[name](value) for name, value in values.items()})


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"not a text: {value!r}")
    return value


def _number(value: object) -> int:
    if type(value) is not int:
        raise ValueError(f"not a number: {value!r}")
    return value


def _octets(value: object) -> bytes:
    return _text(value).encode("latin-1")  # UnicodeEncodeError is a ValueError


def _octets_or_none(value: object) -> bytes | None:
    return None if value is None else _octets(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"not a list: {value!r}")
    return tuple(_text(one) for one in value)


def _one_of(*words: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in words:
            raise ValueError(f"not one of {words}: {value!r}")
        return _text(value)

    return read


_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "kind": _one_of(*get_args(Kind)),
    "direction": _one_of("out", "in"),
    "call_id": _text,
    "local_tag": _text,
    "remote_tag": _text,
    "local": _text,
    "remote": _text,
    "request_uri": _text,
    "target": _text,
    "route_set": _texts,
    "local_cseq": _number,
    "remote_cseq": _number,
    "transport": _one_of(*get_args(TransportName)),
    "host": _text,
    "port": _number,
    "invite": _octets,
    "local_sdp": _octets_or_none,
    "remote_sdp": _octets_or_none,
}
