"""The ears and the mouth of the tests' phones: an RTP socket that speaks a tone and says which tones it hears.

Sound is proved by frequency: each party of a play speaks a tone of its own, and the far end is asked what it hears. Payloads
are G.711 at 8 kHz in 20 ms packets (RFC 3551); digits are telephone-events (RFC 4733). Silence is spoken as packets of zeros
when `frequency` is None, and not at all when `speaking` is False.
"""

import asyncio
import random
import struct
from collections import deque
from itertools import pairwise
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tests.peers import g711
from tests.peers.ports import HOST, free_port
from tests.peers.waiting import PATIENCE, until

Spectrum = NDArray[np.float64]
RATE = 8000
FRAME = 160  # samples in 20 ms
_KEPT = 30.0  # seconds of what was heard
_QUIET = -50.0  # dBFS: below this it is silence
_DIGITS = "0123456789*#ABCD"
_NEAR = 15.0  # Hz: as far as a tone may lie from the one asked for


class Sound(asyncio.DatagramProtocol):
    """One RTP socket. `async with` opens it; speaking begins when `remote` is known."""

    def __init__(self, frequency: float | None = None, port: int | None = None) -> None:
        self.port = port or free_port()
        self.frequency = frequency
        self.speaking = True
        self.remote: tuple[str, int] | None = None
        self.payload_type = g711.PCMA
        self.events_type = 101
        self.digits = ""
        self.packets = 0
        self.sent = 0
        self._heard: deque[tuple[float, g711.Samples]] = deque()
        self._to_press: deque[str] = deque()
        self._last_event = -1
        self._since = 0.0
        self._dice = random.Random(self.port)
        self._source = self._dice.getrandbits(32)
        self._transport: asyncio.DatagramTransport | None = None
        self._speech: asyncio.Task[None] | None = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < 12 or data[0] >> 6 != 2 or 200 <= data[1] <= 207:
            return  # not RTP: STUN, or RTCP multiplexed on the same port (RFC 5761 §4)
        payload_type = data[1] & 0x7F
        payload = data[12 + 4 * (data[0] & 0x0F) :]
        self.packets += 1
        if payload_type in (g711.PCMA, g711.PCMU):
            now = asyncio.get_running_loop().time()
            self._heard.append((now, g711.decode(payload_type, payload)))
            while self._heard[0][0] < now - _KEPT:
                self._heard.popleft()
        elif payload_type == self.events_type and len(payload) >= 4:
            timestamp = struct.unpack_from("!I", data, 4)[0]
            if timestamp != self._last_event and payload[0] < len(_DIGITS):
                self.digits += _DIGITS[
                    payload[0]
                ]  # one event has one timestamp, however often it is sent (§2.5.1.2)
            self._last_event = timestamp

    def press(self, digits: str) -> None:
        """Send telephone-events, one digit after the other, 100 ms each."""
        self._to_press.extend(digits)

    def recent(self, last: float = 0.4) -> g711.Samples:
        """The samples that arrived in the last seconds, none from before the wait that goes on."""
        since = max(asyncio.get_running_loop().time() - last, self._since)
        pieces = [samples for at, samples in self._heard if at >= since]
        return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int16)

    def level(self, last: float = 0.4) -> float:
        """How loud it was, in dBFS (0 is a full square wave, -120 nothing at all)."""
        return _level(self.recent(last))

    def share(self, frequency: float, last: float = 0.4) -> float:
        """The part (0 to 1) of all that was heard which lies at this frequency."""
        spectrum, frequencies = self._spectrum(last)
        whole = float(spectrum.sum())
        return float(spectrum[abs(frequencies - frequency) <= _NEAR].sum()) / whole if whole else 0.0

    def dominant_frequency(self, last: float = 0.4) -> float | None:
        """The loudest frequency in Hz; None when it was silent."""
        if self.level(last) < _QUIET:
            return None
        spectrum, frequencies = self._spectrum(last)
        return float(frequencies[int(spectrum.argmax())])

    def hears(self, frequency: float, last: float = 0.4, *, alone: bool = True) -> bool:
        """Is this tone heard; `alone`: and hardly anything else (a leaked second tone would hide behind it)."""
        filled = len(self.recent(last)) >= 0.75 * last * RATE
        return filled and self.level(last) > _QUIET and self.share(frequency, last) > (0.9 if alone else 0.1)

    async def until_hears(
        self, frequency: float, *, within: float = PATIENCE, last: float = 0.4, alone: bool = True
    ) -> None:
        """Wait until this tone fills seconds of its own, all of them after this call: what was heard before does not count."""
        self._since = asyncio.get_running_loop().time()
        await until(
            lambda: self.hears(frequency, last, alone=alone),
            within=within,
            otherwise=lambda: f"{frequency} Hz was not heard, but {self.describe()}",
        )

    async def until_silent(self, *, within: float = PATIENCE, last: float = 0.4) -> None:
        """Wait until the last seconds were silent, whether silence or nothing at all arrived."""
        await asyncio.sleep(last)
        await until(
            lambda: self.level(last) < _QUIET,
            within=within,
            otherwise=lambda: f"no silence, but {self.describe()}",
        )

    async def until_pressed(self, digits: str, *, within: float = PATIENCE) -> None:
        """Wait until these digits, and no others, have arrived."""
        await until(
            lambda: self.digits == digits,
            within=within,
            otherwise=lambda: f"digits {digits!r} did not come, but {self.digits!r}",
        )

    def longest_silence(self, since: float) -> float:
        """Seconds of the longest stretch, from that moment of the loop's clock on, in which nothing or only silence arrived."""
        now = asyncio.get_running_loop().time()
        loud = [at for at, samples in self._heard if at >= since and _level(samples) > _QUIET]
        edges = [since, *loud, now]
        return max(later - earlier for earlier, later in pairwise(edges))

    def describe(self) -> str:
        return f"{self.dominant_frequency()} Hz at {self.level():.0f} dBFS, {self.packets} packets"

    def _spectrum(self, last: float) -> tuple[Spectrum, Spectrum]:
        samples = self.recent(last).astype(np.float64)
        if len(samples) < FRAME:
            return np.zeros(1), np.zeros(1)
        power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
        frequencies = np.fft.rfftfreq(len(samples), 1 / RATE)
        return power.astype(np.float64), frequencies.astype(np.float64)

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        began, sequence = loop.time(), self._dice.getrandbits(15)
        for frame in range(1 << 30):
            await asyncio.sleep(max(0.0, began + frame * FRAME / RATE - loop.time()))
            if self.remote is None or self._transport is None or not self.speaking:
                continue
            for payload_type, timestamp, payload in self._packets_of(frame):
                sequence = (sequence + 1) & 0xFFFF
                head = struct.pack("!BBHII", 0x80, payload_type, sequence, timestamp, self._source)
                self._transport.sendto(head + payload, self.remote)
                self.sent += 1

    def _packets_of(self, frame: int) -> list[tuple[int, int, bytes]]:
        """(payload type, timestamp, payload) of this 20 ms: a tone, or the whole of one digit's event."""
        timestamp = frame * FRAME & 0xFFFFFFFF
        if self._to_press and frame % 10 == 0:
            code = _DIGITS.index(self._to_press.popleft())
            marks = [(0, 160), (0, 480), (0, 800), (0x80, 800), (0x80, 800), (0x80, 800)]
            return [
                (self.events_type, timestamp, struct.pack("!BBH", code, mark | 10, length))
                for mark, length in marks
            ]
        times = (np.arange(FRAME) + frame * FRAME) / RATE
        wave = np.sin(2 * np.pi * (self.frequency or 0.0) * times) * 0.3 * 32767
        return [(self.payload_type, timestamp, g711.encode(self.payload_type, wave.astype(np.int16)))]

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, self.port))
        self._speech = loop.create_task(self._speak())

    async def close(self) -> None:
        if self._speech is not None:
            self._speech.cancel()
            await asyncio.gather(self._speech, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()
        self._speech = self._transport = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _level(samples: g711.Samples) -> float:
    """How loud samples are, in dBFS."""
    power = float(np.mean(samples.astype(np.float64) ** 2)) if len(samples) else 0.0
    return max(-120.0, 10 * float(np.log10(power / 32768**2))) if power > 0 else -120.0
