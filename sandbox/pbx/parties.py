"""The two kinds of party in a conversation: a device of an extension (SIP), and a customer outside (make-believe).

A party has a name, a voice that can be listened to, ears, and can be released at any stage. Knows nothing of who talks with whom.
Invariants: a released party asks for nothing more; a device's `held` is what its last offer said.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from sandbox.customers import Behaviour, Customer
from sandbox.pbx.media import Media, MediaLeg
from sandbox.pbx.sound.frames import Ear, Silence, Source
from sandbox.pbx.sound.heard import Heard
from sip.call import Call, CallState
from sip.core import reason_headers
from sip.errors import ParseError
from sip.headers import Reason
from sip.sdp import Direction, Sdp

# RFC 3326; the pair that Asterisk 22 sends to the losers of a fork (pbx-facts.md).
ELSEWHERE: Final = (Reason("SIP", 200, "Call completed elsewhere"), Reason("Q.850", 26, None))
NORMAL: Final = (Reason("Q.850", 16, "Normal call clearing"),)
NO_ANSWER: Final = (Reason("Q.850", 19, "No answer"),)
BUSY: Final = (Reason("Q.850", 17, "User busy"),)

_MIRROR: Final[dict[Direction, Direction]] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}


@dataclass(frozen=True, slots=True)
class Release:
    """How a party is let go: the status of a refusal, if it is still being rung or is ringing, and the reasons."""

    status: int = 480
    reasons: tuple[Reason, ...] = NORMAL


class Party(Protocol):
    """One end of a conversation."""

    @property
    def name(self) -> str:
        """The extension or the number."""

    @property
    def held(self) -> bool:
        """Whether this party has put the other on hold."""

    @property
    def voice(self) -> Source:
        """What it says."""

    def listen(self, source: Source) -> None:
        """From now on it hears that."""

    def ring(self, now: float) -> None:
        """The other side is being rung (a caller is told so)."""

    def answered(self, now: float) -> None:
        """The other side has answered (a caller is told so)."""

    def release(self, how: Release, now: float) -> None:
        """End its part, at whatever stage it is."""


class Device:
    """A device of an extension in one call: the SIP call and its media.

    Args:
        extension: whose device it is.
        number: what the other side is shown.
    """

    def __init__(self, extension: str, media: Media, *, browser: bool, number: str = "") -> None:
        self.name = extension
        self.number = number or extension
        self.browser = browser
        self.held = False
        self.call: Call | None = None
        self.local_sdp: bytes | None = None
        self.released = False
        self.then: Callable[[bytes | None], None] = _nothing
        self.media: MediaLeg = media.leg(self, browser=browser)
        self._rung = False
        self._to_accept = False

    @property
    def voice(self) -> Source:
        return self.media.voice

    def listen(self, source: Source) -> None:
        self.media.listen(source)

    def sdp_ready(self, sdp: bytes | None) -> None:
        """MediaUser: our offer or answer is there."""
        if self.released:
            return
        self.local_sdp = sdp
        then, self.then = self.then, _nothing
        then(sdp)

    def ring(self, now: float) -> None:
        if self.call is not None and not self._rung and self.call.state is CallState.RECEIVED:
            self._rung = True
            self.call.ring(now)

    def answered(self, now: float) -> None:
        """Accept the caller; when our answer is not made yet, as soon as `accept_if_wanted` is called."""
        self._to_accept = True
        self.accept_if_wanted(now)

    def accept_if_wanted(self, now: float) -> None:
        call = self.call
        if (
            self._to_accept
            and self.local_sdp
            and call
            and call.state in (CallState.RECEIVED, CallState.RINGING)
        ):
            self._to_accept = False
            call.accept(self.local_sdp, now)

    def change(self, offer: bytes | None, now: float) -> bool:
        """A re-INVITE or UPDATE with an offer: answer it in the mirrored direction, or refuse it with 488.

        Returns whether `held` may have changed. An answer is our last description with a higher version (RFC 3264 §8).
        """
        call, local = self.call, self.local_sdp
        assert call is not None, "offers come in calls only"
        assert local is not None, "a confirmed call has a description of ours"
        mine = Sdp.parse(local).with_next_version()
        if offer is not None:
            theirs = _readable(offer)
            if theirs is None or theirs.is_rejected or not self.media.take_change(offer):
                call.refuse_offer(488, now)
                return False
            mine = mine.with_direction(_MIRROR[theirs.direction()])
            self.held = theirs.is_hold
        self.local_sdp = mine.to_bytes()
        call.answer_offer(self.local_sdp, now)
        return True

    def release(self, how: Release, now: float) -> None:
        """Hang up, cancel or refuse, whichever the call's state asks for."""
        self.released = True
        self.media.close()
        call = self.call
        if call is None:
            return
        match call.state:
            case CallState.RECEIVED | CallState.RINGING:
                call.reject(how.status, now, headers=reason_headers(how.reasons))
            case CallState.CALLING | CallState.PROCEEDING:
                call.cancel(now, how.reasons)
            case CallState.ANSWERED:
                call.acknowledge(now)
                call.bye(now, how.reasons)
            case CallState.ACCEPTED | CallState.CONFIRMED:
                call.bye(now, how.reasons)
            case _:
                pass  # it is ending by itself


@dataclass
class Person:
    """A customer in one conversation. Hears frame by frame when `tick` is called, every 20 ms.

    Args:
        phrase: what those who speak say.
        whistle: what those who whistle do.
    """

    customer: Customer
    phrase: Source
    whistle: Source
    heard: Heard = field(default_factory=Heard)
    held: bool = False  # customers put nobody on hold
    _hears: Source = field(default_factory=Silence)
    _echo: Ear = field(default_factory=Ear)
    _talking: bool = False

    @property
    def name(self) -> str:
        return self.customer.number

    @property
    def voice(self) -> Source:
        match self.customer.behaviour:
            case Behaviour.ECHOES:
                return self._echo
            case Behaviour.WHISTLES:
                return self.whistle
            case Behaviour.SILENT:
                return Silence()
            case _:
                return self.phrase

    def listen(self, source: Source) -> None:
        self._hears = source

    def tick(self) -> None:
        """Hear the next 20 ms; who echoes keeps them to say again."""
        frame = self._hears.read()
        self.heard.put(frame)
        if self.customer.behaviour is Behaviour.ECHOES:
            self._echo.put(frame)

    def ring(self, now: float) -> None:
        """A customer who calls hears ringing in their own telephone."""

    def answered(self, now: float) -> None:
        """A customer needs no message for that."""

    def release(self, how: Release, now: float) -> None:
        self._hears = Silence()


def _readable(sdp: bytes) -> Sdp | None:
    try:
        return Sdp.parse(sdp)
    except ParseError:
        return None


def _nothing(sdp: bytes | None) -> None:
    """Nobody waits for a description."""
