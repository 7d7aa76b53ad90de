"""G.711, both laws, by table (ITU-T G.711). A byte is a sample; 20 ms are 160 bytes."""

from typing import Final

import numpy as np
import numpy.typing as npt

from sandbox.pbx.sound.frames import Samples

PCMU: Final = 0  # payload types of RFC 3551
PCMA: Final = 8

Table = npt.NDArray[np.int16]
Codes = npt.NDArray[np.uint8]


def _ulaw_table() -> Table:
    """§3, table 2: sign, three bits of segment, four of step, all inverted; a bias of 33 in 14 bits."""
    code = ~np.arange(256) & 0xFF
    segment, step = (code >> 4) & 7, code & 15
    value = (((step << 3) + 0x84) << segment) - 0x84
    return np.where(code & 0x80, -value, value).astype(np.int16)


def _alaw_table() -> Table:
    """§3, table 1: even bits inverted; the first two segments are one straight line."""
    code = np.arange(256) ^ 0x55
    segment, step = (code >> 4) & 7, code & 15
    value = np.where(segment == 0, (step << 4) + 8, ((step << 4) + 0x108) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, value, -value).astype(np.int16)


def _encoder(decoded: Table) -> Codes:
    """For each of the 65536 samples the code whose value is nearest: the inverse of the table."""
    order = np.argsort(decoded, kind="stable")
    values = decoded[order].astype(np.int32)
    samples = np.arange(-32768, 32768)
    right = np.clip(np.searchsorted(values, samples), 1, 255)
    nearer_left = samples - values[right - 1] <= values[right] - samples
    return order[np.where(nearer_left, right - 1, right)].astype(np.uint8)


_DECODE: Final = {PCMU: _ulaw_table(), PCMA: _alaw_table()}
_ENCODE: Final = {law: _encoder(table) for law, table in _DECODE.items()}


def decode(payload: bytes, law: int) -> Samples:
    """Samples of a payload; `law` is PCMU or PCMA."""
    return _DECODE[law][np.frombuffer(payload, np.uint8)]


def encode(samples: Samples, law: int) -> bytes:
    """The payload of samples; `law` is PCMU or PCMA."""
    return _ENCODE[law][samples.astype(np.int32) + 32768].tobytes()
