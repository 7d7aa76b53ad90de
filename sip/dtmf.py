"""Digits: in the bodies of INFO (application/dtmf-relay, application/dtmf), and how SDP agrees on RFC 4733 telephone-events.

Pure functions over bytes and `sip.sdp`; knows no RTP and no call. Invariants: reading a body raises ParseError only; what is agreed
has the same clock rate on both sides, and only events that the other side said it understands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from sip.errors import LocalProtocolError, ParseError
from sip.sdp import Media

__all__ = [
    "DIGITS", "Agreed", "Press", "TelephoneEvent", "agree", "answer_lines", "event_lines", "read_press", "relay", "telephone_events",
    "voice_rates",
]  # fmt: skip

DIGITS: Final = "0123456789*#ABCD!"
"""By event code: 0 to 15, and 16, the flash (RFC 4733 §3.2)."""

RELAY: Final = "application/dtmf-relay"
TYPES: Final = (RELAY, "application/dtmf")

_SIGNAL: Final = re.compile(r"[ \t]*+(?:signal|d)[ \t]*+=[ \t]*+([^\s]++)[ \t]*+", re.IGNORECASE)
_DURATION: Final = re.compile(r"[ \t]*+duration[ \t]*+=[ \t]*+([0-9]{1,6})[ \t]*+", re.IGNORECASE)
_EVENTS: Final = re.compile(r"[0-9]{1,3}(?:-[0-9]{1,3})?(?:,[0-9]{1,3}(?:-[0-9]{1,3})?)*+")
_RTPMAP: Final = re.compile(r"([^/\s]++)/([0-9]{1,6})(?:/[0-9]+)?+")

_MOST_EVENTS: Final = 256
_DEFAULT_EVENTS: Final = frozenset(range(16))
# Payload types whose clock is known without an rtpmap (RFC 3551 table 4).
_STATIC_RATES: Final = {0: 8000, 3: 8000, 4: 8000, 8: 8000, 9: 8000, 15: 8000, 18: 8000}
_NO_VOICE: Final = frozenset({"telephone-event", "cn", "red"})


class Press(NamedTuple):
    """A key that was pressed; `duration` in milliseconds."""

    digit: str
    duration: int | None


class TelephoneEvent(NamedTuple):
    """One telephone-event format of a media section: payload type, clock rate, and the events that are understood."""

    payload: int
    rate: int
    events: frozenset[int]


class Agreed(NamedTuple):
    """What may be sent and will come: `send` is the payload type for our packets, `receive` for theirs."""

    send: int
    receive: int
    rate: int
    events: frozenset[int]


# INFO.


def read_press(content_type: str, body: bytes) -> Press:
    """The key that an INFO body names: `Signal=5` and `Duration=160`, or a bare digit in application/dtmf.

    Some write 10 and 11 for * and #, 12 to 15 for A to D, 16 for a flash.

    Raises:
        ParseError: it names none.
    """
    lines = body.decode("utf-8", "replace").replace("\r", "\n").split("\n")
    signals = [match[1] for line in lines if (match := _SIGNAL.fullmatch(line))]
    if not signals and content_type != RELAY:
        signals = [line.strip() for line in lines if line.strip()][:1]
    durations = [int(match[1]) for line in lines if (match := _DURATION.fullmatch(line))]
    digit = _digit(signals[0]) if signals else ""
    if not digit:
        raise ParseError(f"no digit: {body[:40]!r}")
    return Press(digit, durations[0] if durations else None)


def relay(digit: str, duration: int = 160) -> bytes:
    """A body of application/dtmf-relay.

    Args:
        duration: milliseconds.

    Raises:
        LocalProtocolError: it is no digit.
    """
    if len(digit) != 1 or digit.upper() not in DIGITS or not 0 < duration < 100_000:
        raise LocalProtocolError(f"not a digit of {duration} ms: {digit!r}")
    return f"Signal={digit.upper()}\r\nDuration={duration}\r\n".encode()


def _digit(text: str) -> str:
    if len(text) == 1 and text.upper() in DIGITS:
        return text.upper()
    return DIGITS[int(text)] if text in ("10", "11", "12", "13", "14", "15", "16") else ""


# RFC 4733 in SDP.


def telephone_events(media: Media) -> tuple[TelephoneEvent, ...]:
    """The telephone-event formats of a section, in its order of preference. Without a readable fmtp, 0 to 15 (RFC 4733 §2.4.1)."""
    found = []
    codecs = media.codecs
    said = dict(value.partition(" ")[::2] for value in media.attributes("fmtp"))
    for payload in media.payloads:
        match = _RTPMAP.fullmatch(codecs.get(str(payload), ""))
        if match is not None and match[1].lower() == "telephone-event" and int(match[2]) > 0:
            found.append(TelephoneEvent(payload, int(match[2]), _read_events(said.get(str(payload)))))
    return tuple(found)


def voice_rates(media: Media) -> tuple[int, ...]:
    """The clock rates of the voice codecs of a section, by preference, each once. G.722's is 8000 (RFC 3551 §4.5.2)."""
    rates: dict[int, None] = {}
    codecs = media.codecs
    for payload in media.payloads:
        match = _RTPMAP.fullmatch(codecs.get(str(payload), ""))
        if match is None:
            if payload in _STATIC_RATES and str(payload) not in codecs:
                rates[_STATIC_RATES[payload]] = None
        elif match[1].lower() not in _NO_VOICE:
            rates[int(match[2])] = None
    return tuple(rates)


def answer_lines(
    offer: Media, rates: Iterable[int], ours: frozenset[int] = _DEFAULT_EVENTS
) -> tuple[TelephoneEvent, ...]:
    """The formats to answer an offer with: one for each clock rate of the codecs that are answered, under the offer's payload type
    (RFC 3264 §6.1 recommends it), with the events that both understand.

    Args:
        rates: of the codecs in the answer; an event's timestamps run on the voice's clock (RFC 4733 §2.1).
        ours: the events that we understand.
    """
    wanted = set(rates)
    found: dict[int, TelephoneEvent] = {}
    for event in telephone_events(offer):
        common = event.events & ours
        if event.rate in wanted and event.rate not in found and common:
            found[event.rate] = event._replace(events=common)
    return tuple(found.values())


def event_lines(event: TelephoneEvent) -> tuple[str, str]:
    """The rtpmap and fmtp lines of a format."""
    return (
        f"a=rtpmap:{event.payload} telephone-event/{event.rate}",
        f"a=fmtp:{event.payload} {_write_events(event.events)}",
    )


def agree(local: Media, remote: Media) -> Agreed | None:
    """What an offer and its answer agreed on, whichever of them was ours; None: digits cannot go as telephone-events.

    Each side receives under the payload type that it named itself (RFC 3264 §5.1). Of several the one on the clock of the codec that
    the remote side prefers is taken, else the first that both have: some offer 8000 alone beside Opus.
    """
    theirs = {event.rate: event for event in reversed(telephone_events(remote))}
    ours = {event.rate: event for event in reversed(telephone_events(local))}
    shared = [event.rate for event in telephone_events(remote) if event.rate in ours]
    preferred = [rate for rate in voice_rates(remote) if rate in shared]
    for rate in [*preferred[:1], *shared[:1]]:
        return Agreed(theirs[rate].payload, ours[rate].payload, rate, theirs[rate].events)
    return None


def _read_events(text: str | None) -> frozenset[int]:
    """`0-15,66` as numbers; what cannot be read counts as absent."""
    listed = (text or "").strip().removeprefix("events=").replace(" ", "")
    if not _EVENTS.fullmatch(listed) or len(listed) > 1000:
        return _DEFAULT_EVENTS
    found: set[int] = set()
    for part in listed.split(","):
        first, dash, last = part.partition("-")
        found.update(range(int(first), min(int(last if dash else first), _MOST_EVENTS - 1) + 1))
    return frozenset(found) or _DEFAULT_EVENTS


def _write_events(events: frozenset[int]) -> str:
    """The shortest list of ranges."""
    parts: list[str] = []
    numbers = sorted(events)
    start = 0
    for place in range(1, len(numbers) + 1):
        if place == len(numbers) or numbers[place] != numbers[place - 1] + 1:
            first, last = numbers[start], numbers[place - 1]
            parts.append(str(first) if first == last else f"{first}-{last}")
            start = place
    return ",".join(parts)
