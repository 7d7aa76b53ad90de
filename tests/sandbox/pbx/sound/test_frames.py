"""Sources of sound and what can be heard of them."""

import wave
from pathlib import Path

import numpy as np
import pytest

from sandbox.pbx.people import WHISTLE, recorded_people
from sandbox.pbx.sound.frames import (
    FRAME,
    MUSIC,
    RATE,
    SECOND,
    SILENCE,
    Ear,
    Loop,
    Silence,
    Source,
    melody,
    recording,
    tone,
)
from sandbox.pbx.sound.heard import Heard


def listened(source: Source, frames: int = SECOND) -> Heard:
    heard = Heard()
    for _ in range(frames):
        frame = source.read()
        assert frame.shape == (FRAME,)
        assert frame.dtype == np.int16
        heard.put(frame)
    return heard


@pytest.mark.parametrize("frequency", [300.0, 440.0, 1000.0, 3000.0])
def test_a_tone_is_heard_at_its_frequency(frequency: float) -> None:
    sound = listened(Loop(tone(frequency))).sound()
    assert abs(sound.frequency - frequency) <= 1
    assert sound.frames == SECOND
    assert sound.energy > 0.01


def test_a_looped_tone_has_no_seam() -> None:
    source = Loop(tone(440.0))
    samples = np.concatenate([source.read() for _ in range(3 * SECOND)]).astype(int)
    steepest = int(np.abs(np.diff(tone(440.0).astype(int))).max())
    assert int(np.abs(np.diff(samples)).max()) <= steepest + 1


def test_music_is_known_by_one_of_its_notes() -> None:
    source = Loop(melody())
    notes = {frequency for frequency, _ in MUSIC}
    for _ in range(8):
        heard = listened(source, 20).sound()  # 0.4 s: one note
        assert min(abs(heard.frequency - note) for note in notes) < 5
    assert WHISTLE not in notes


def test_silence_is_no_frame_and_has_no_frequency() -> None:
    sound = listened(Silence()).sound()
    assert (sound.frequency, sound.energy, sound.frames) == (0.0, 0.0, 0)
    assert Heard().sound().frames == 0


def test_hum_below_80_hz_is_not_the_strongest_frequency() -> None:
    hum = (tone(50.0)[:RATE].astype(int) + tone(1000.0)[:RATE] // 4).astype(np.int16)
    assert abs(listened(Loop(np.resize(hum, RATE))).sound().frequency - 1000) <= 1


def test_only_the_last_second_is_remembered() -> None:
    heard = listened(Loop(tone(440.0)))
    for _ in range(SECOND):
        heard.put(SILENCE)
    assert heard.sound().energy == 0.0


def test_an_ear_gives_what_came_in_order_then_silence_and_forgets_the_oldest() -> None:
    ear = Ear(longest=2)
    frames = [np.full(FRAME, value, np.int16) for value in (1, 2, 3)]
    for frame in frames:
        ear.put(frame)
    assert [int(ear.read()[0]) for _ in range(2)] == [2, 3]
    assert ear.read() is SILENCE


def test_the_shipped_phrase_is_speech_with_a_pause() -> None:
    phrase = recorded_people().phrase
    assert 3 * RATE < len(phrase) < 15 * RATE
    assert not phrase[-RATE:].any()
    assert int(np.abs(phrase).max()) > 5000


def test_a_recording_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wide.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"\0" * 64)
    with pytest.raises(ValueError, match=r"wide\.wav"):
        recording(path)
