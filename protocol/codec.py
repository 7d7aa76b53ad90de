"""The one encoder and the typed decoders, with the limits at the door.

What it does not know: what is done with a frame that is refused (`gateway/realtime/connection.py`).

Invariants: `decode_client` raises nothing but `FrameError`, whatever the bytes; no message is decoded that breaks a limit.
"""

from typing import Final

import msgspec

from protocol.codes import Code
from protocol.entities import State
from protocol.messages import ClientMessage, GatewayMessage

MAX_FRAME: Final = 65_536
"""Bytes of one frame from a page; larger ones are not decoded (the socket closes them with 1009 before)."""

_encoder: Final = msgspec.json.Encoder()
_client: Final[msgspec.json.Decoder[ClientMessage]] = msgspec.json.Decoder(ClientMessage)
_gateway: Final[msgspec.json.Decoder[GatewayMessage]] = msgspec.json.Decoder(GatewayMessage)
_state: Final = msgspec.json.Decoder(State)


class FrameError(ValueError):
    """A frame of the page cannot be taken.

    Attributes:
        code: `malformed`, `unknown_command` or `too_large`.
        id: the command's id, when it could be read all the same; the refusal carries it.
        detail: for the log: what was wrong and where; never shown to the user.
    """

    def __init__(self, code: Code, id: str | None, detail: str) -> None:
        super().__init__(code, id, detail)
        self.code = code
        self.id = id
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code} (id {self.id}): {self.detail}"


class _Envelope(msgspec.Struct):
    """Just enough of a broken frame to address the refusal."""

    t: str = ""
    id: str = ""


_envelope: Final = msgspec.json.Decoder(_Envelope)
KNOWN_TAGS: Final = frozenset(kind.__struct_config__.tag for kind in ClientMessage.__args__)


def encode(message: GatewayMessage | ClientMessage | State) -> bytes:
    """The JSON text of a message, UTF-8."""
    return _encoder.encode(message)


def decode_client(frame: bytes) -> ClientMessage:
    """Read a page's frame.

    Raises:
        FrameError: larger than `MAX_FRAME`, no JSON, unknown tag, wrong types, a limit broken.
    """
    if len(frame) > MAX_FRAME:
        raise FrameError(Code.TOO_LARGE, None, f"{len(frame)} bytes")
    try:
        return _client.decode(frame)
    # A nest of thousands of brackets in an unknown field ends in RecursionError; bytes that are no UTF-8 in
    # UnicodeDecodeError, which is a ValueError.
    except (msgspec.DecodeError, RecursionError, ValueError) as exc:
        raise _refusal(frame, exc) from exc


def _refusal(frame: bytes, exc: Exception) -> FrameError:
    """Find out to whom the refusal goes, and whether the tag or the content was wrong."""
    try:
        envelope = _envelope.decode(frame)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return FrameError(Code.MALFORMED, None, str(exc))
    id = envelope.id if 0 < len(envelope.id) <= 64 else None
    if envelope.t and envelope.t not in KNOWN_TAGS:
        return FrameError(Code.UNKNOWN_COMMAND, id, f"unknown tag {envelope.t[:64]!r}")
    return FrameError(Code.MALFORMED, id, str(exc))


def decode_gateway(frame: bytes) -> GatewayMessage:
    """Read a frame of the gateway: for tests, the bench and clients in Python.

    Raises:
        msgspec.DecodeError: it is not one.
    """
    return _gateway.decode(frame)


def decode_state(text: bytes) -> State:
    """Read a state from JSON: for golden files.

    Raises:
        msgspec.DecodeError: it is not one.
    """
    return _state.decode(text)
