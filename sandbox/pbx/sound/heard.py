"""What a party has heard in the last second, and which tone it was: how tests prove that sound arrived."""

from collections import deque

import numpy as np

from sandbox.pbx.sound.frames import RATE, SECOND, SILENCE, Samples
from sandbox.pbx.views import Sound

_LOWEST = 80.0  # Hz
_FULL_SCALE = 32768.0
_AUDIBLE = 1e-6  # of full scale, mean square: under it, whatever the strongest frequency is, it is silence


def measure(samples: Samples, frames: int) -> Sound:
    """The strongest frequency and the energy of samples; `frames` is told as it is."""
    scaled = samples.astype(np.float64) / _FULL_SCALE
    energy = float(np.mean(scaled**2)) if len(scaled) else 0.0
    if energy < _AUDIBLE:
        return Sound(0.0, energy, frames)
    spectrum = np.abs(np.fft.rfft(scaled * np.hanning(len(scaled))))
    spectrum[: round(_LOWEST * len(scaled) / RATE)] = 0  # offsets and hum, which a telephone does not carry
    strongest = int(np.argmax(spectrum))
    return Sound(strongest * RATE / len(scaled), energy, frames)


class Heard:
    """The last second of what somebody listened to. Silence made up for missing frames counts as no frame."""

    def __init__(self) -> None:
        self._frames: deque[Samples] = deque(maxlen=SECOND)

    def put(self, frame: Samples) -> None:
        self._frames.append(frame)

    def sound(self) -> Sound:
        """What it was; nothing yet is silence."""
        if not self._frames:
            return Sound(0.0, 0.0, 0)
        real = sum(1 for frame in self._frames if frame is not SILENCE)
        return measure(np.concatenate(self._frames), real)
