"""G.711 against the values of the standard and its own inverse."""

import numpy as np
import pytest

from sandbox.pbx.sound import g711
from sandbox.pbx.sound.frames import tone


@pytest.mark.parametrize(
    ("law", "code", "sample"),
    [
        (g711.PCMU, 0xFF, 0), (g711.PCMU, 0x80, 32124), (g711.PCMU, 0x00, -32124),
        (g711.PCMA, 0xD5, 8), (g711.PCMA, 0x55, -8), (g711.PCMA, 0xAA, 32256), (g711.PCMA, 0x2A, -32256),
    ],
)  # fmt: skip
def test_decoding_gives_the_values_of_the_tables(law: int, code: int, sample: int) -> None:
    assert int(g711.decode(bytes([code]), law)[0]) == sample


@pytest.mark.parametrize("law", [g711.PCMU, g711.PCMA])
def test_every_code_survives_decoding_and_encoding(law: int) -> None:
    codes = bytes(range(256))
    back = g711.encode(g711.decode(codes, law), law)
    assert g711.decode(back, law).tolist() == g711.decode(codes, law).tolist()


@pytest.mark.parametrize("law", [g711.PCMU, g711.PCMA])
def test_speech_loudness_is_kept_within_the_laws_precision(law: int) -> None:
    samples = tone(440.0)
    back = g711.decode(g711.encode(samples, law), law).astype(int)
    noise = np.mean((back - samples) ** 2) / np.mean(samples.astype(float) ** 2)
    assert noise < 10**-3.3  # 33 dB, what G.712 asks of the codec at this level


@pytest.mark.parametrize("law", [g711.PCMU, g711.PCMA])
def test_the_ends_of_the_scale_do_not_wrap(law: int) -> None:
    ends = np.array([-32768, 32767], np.int16)
    low, high = g711.decode(g711.encode(ends, law), law)
    assert low < -31000
    assert high > 31000
