"""G.711 by tables (ITU-T G.711): bytes of PCMA and PCMU from and to 16 bit samples."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]


def _alaw_levels() -> Samples:
    codes = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = (codes >> 4) & 7, codes & 15
    size = np.where(
        exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0)
    )
    return np.where(codes & 0x80, size, -size).astype(np.int16)


def _ulaw_levels() -> Samples:
    codes = ~np.arange(256, dtype=np.int32) & 0xFF
    size = ((((codes & 15) << 3) + 0x84) << ((codes >> 4) & 7)) - 0x84
    return np.where(codes & 0x80, -size, size).astype(np.int16)


def _nearest(levels: Samples) -> NDArray[np.uint8]:
    """For each of the 65,536 samples (offset by 32,768) the code whose level lies nearest."""
    order = np.argsort(levels, kind="stable")
    ordered = levels[order].astype(np.int32)
    middles = (ordered[1:] + ordered[:-1]) / 2
    return order[np.searchsorted(middles, np.arange(-32768, 32768))].astype(np.uint8)


PCMU, PCMA = 0, 8  # RFC 3551 §6: static payload types
_LEVELS = {PCMA: _alaw_levels(), PCMU: _ulaw_levels()}
_CODES = {payload: _nearest(levels) for payload, levels in _LEVELS.items()}


def decode(payload_type: int, payload: bytes) -> Samples:
    return _LEVELS[payload_type][np.frombuffer(payload, dtype=np.uint8)]


def encode(payload_type: int, samples: Samples) -> bytes:
    encoded: bytes = _CODES[payload_type][samples.astype(np.int32) + 32768].tobytes()
    return encoded
