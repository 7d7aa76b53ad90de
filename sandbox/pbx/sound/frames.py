"""Frames of sound and their sources: silence, tones, music on hold, recordings, what a party says.

Pure arithmetic on samples; whoever wants sound calls `read()` every 20 ms. Invariants: a frame is 160 samples of 16 bits
(8 kHz, mono); `read()` always gives a frame; a source that has nothing gives silence.
"""

import wave
from collections import deque
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Samples: TypeAlias = npt.NDArray[np.int16]

RATE: Final = 8000  # samples a second
FRAME: Final = 160  # samples in 20 ms
FRAME_SECONDS: Final = FRAME / RATE
SECOND: Final = RATE // FRAME  # frames in a second
SILENCE: Final = np.zeros(FRAME, np.int16)

# Music on hold: a falling and rising third, high above the customers' tones, so that a test can tell it by ear.
MUSIC: Final = ((660.0, 0.4), (550.0, 0.4), (660.0, 0.4), (825.0, 0.4))
LOUDNESS: Final = 9000  # of 32767; leaves room for G.711 and for the ears


class Source(Protocol):
    """Somebody or something that can be listened to."""

    def read(self) -> Samples:
        """The next 20 ms."""


class Silence:
    """Nothing, for ever."""

    def read(self) -> Samples:
        return SILENCE


class Loop:
    """Samples that begin anew at their end: music, a whistle, a phrase with its pause."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples if len(samples) >= FRAME else np.resize(samples, FRAME)
        self._at = 0

    def read(self) -> Samples:
        end = self._at + FRAME
        frame = self._samples[self._at : end]
        if len(frame) < FRAME:
            end = FRAME - len(frame)
            frame = np.concatenate((frame, self._samples[:end]))
        self._at = end
        return frame


class Ear:
    """What came from a party and was not listened to yet: a short queue between two clocks.

    Older frames fall out when nobody listens, so that sound is never late by more than `longest` frames.
    """

    def __init__(self, longest: int = 10) -> None:
        self._frames: deque[Samples] = deque(maxlen=longest)

    def put(self, frame: Samples) -> None:
        self._frames.append(frame)

    def read(self) -> Samples:
        return self._frames.popleft() if self._frames else SILENCE


def tone(frequency: float, seconds: float = 1.0) -> Samples:
    """A sine of whole periods, at most that long, so that it can be looped without a click."""
    periods = max(1, int(frequency * seconds))
    length = round(periods * RATE / frequency)
    phase = np.arange(length) * (2 * np.pi * periods / length)
    wave_form: Samples = (np.sin(phase) * LOUDNESS).astype(np.int16)
    return wave_form


def melody(notes: tuple[tuple[float, float], ...] = MUSIC) -> Samples:
    """Notes of (Hz, seconds) one after the other, each fading away as a plucked string."""
    parts = []
    for frequency, seconds in notes:
        note = np.resize(tone(frequency), round(seconds * RATE)).astype(np.float64)
        parts.append(note * np.exp(-2.5 * np.arange(len(note)) / len(note)))
    return np.concatenate(parts).astype(np.int16)


def recording(path: Path, pause: float = 1.5) -> Samples:
    """A WAV of 8 kHz, mono, 16 bits, with that many seconds of silence after it.

    Raises:
        ValueError: the file is of another shape.
    """
    with wave.open(str(path), "rb") as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
            raise ValueError(f"{path.name}: not 8 kHz, mono, 16 bits")
        spoken = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)
    return np.concatenate((spoken, np.zeros(round(pause * RATE), np.int16)))
