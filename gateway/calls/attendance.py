"""Is anybody at the call? A blip of the socket, a reload and an empty chair, told apart (design 6).

One instance watches the calls of one user whose sound lives in a browser. It hears of tabs that come, go and give their media
beat, and advises what to do for the customer: hold (music instead of silence), release, give up. It knows no SIP, no
sockets and not the ledger; calls are names here.

Invariants
- A page that says that it goes has its calls held at once; a socket that is merely lost has them held `blip_s` after the
  last beat and not before; a page that comes back with its sound alive is not asked to bring it back.
- While nobody is there the return clock runs: after `return_s` the call is given up. While a page is there that can bring
  the sound back it stands still: somebody did come back, and may be looking at a question about the microphone.
- A page that goes may be a reload: for `reload_s` no other tab is told to take its calls.
- Holding for absence is advised once and released once; what the agent holds is none of this module's business.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Literal, NamedTuple, TypeAlias

from gateway.clock import Clock
from gateway.limits import Limits
from sip.machine import Machine, Table


class Presence(StrEnum):
    """Where the sound of a call is."""

    HERE = "here"  # its tab has it
    QUIET = "quiet"  # its tab's socket is lost; the sound may live
    AWAITED = "awaited"  # its page went, other tabs are open; it may be a reload
    WAITING = "waiting"  # the sound is gone; a page is there that can bring it back
    DESERTED = "deserted"  # the sound is gone and nobody is there
    OVER = "over"  # given up


class Sign(StrEnum):
    """What is noticed of pages."""

    LEFT_ALONE = "left, no other tab"
    LEFT_AMONG = "left, other tabs"
    SOCKET_LOST = "socket lost"
    ALIVE = "alive"  # the page is back and its sound lived on
    PAGE = "page"  # a page is there that has to bring the sound back
    NOBODY = "nobody"  # the last tab went
    REATTACHED = "reattached"
    SILENT_ALONE = "blip over, no other tab"
    SILENT_AMONG = "blip over, other tabs"
    RELOAD_OVER = "reload over"
    RETURN_OVER = "return over"


What: TypeAlias = Literal["hold", "release", "lost", "here", "awaited", "give_up"]


class Advice(NamedTuple):
    """What is to be done for a user's call; "lost", "here" and "awaited" are to be told of its sound."""

    user_id: int
    call: str
    what: What


def _quiet(sound: "_Sound", now: float) -> None:
    since = now if sound.beat_at is None else sound.beat_at
    sound.arm("blip", max(now, since + sound.watch.limits.blip_s))


def _desert(sound: "_Sound", now: float) -> None:
    sound.advise("hold", "lost")
    sound.arm("return", now + sound.watch.limits.return_s)


def _expect_reload(sound: "_Sound", now: float) -> None:
    sound.advise("hold", "awaited")
    sound.arm("reload", now + sound.watch.limits.reload_s)


def _hand_over(sound: "_Sound", now: float) -> None:
    sound.disarm()
    sound.advise("hold", "lost")


def _tell_lost(sound: "_Sound", now: float) -> None:
    sound.disarm()
    sound.advise("lost")


def _leave_alone(sound: "_Sound", now: float) -> None:
    sound.advise("lost")
    sound.arm("return", now + sound.watch.limits.return_s)


def _start_clock(sound: "_Sound", now: float) -> None:
    sound.arm("return", now + sound.watch.limits.return_s)


def _calm(sound: "_Sound", now: float) -> None:
    sound.disarm()


def _welcome(sound: "_Sound", now: float) -> None:
    """The sound was alive all the time: no new leg, only the music ends."""
    sound.disarm()
    sound.advise("release", "here")


def _settle_down(sound: "_Sound", now: float) -> None:
    """A new leg has the sound; the hold died with the old one."""
    sound.disarm()
    sound.advise("here")


_HERE, _QUIET, _AWAITED, _WAITING, _DESERTED, _OVER = Presence
_S = Sign

# Ours, after design section 6.
# fmt: off
_TABLE: Final[Table[Presence, Sign]] = {
    (_HERE,     _S.LEFT_ALONE):   (_DESERTED, _desert),
    (_HERE,     _S.LEFT_AMONG):   (_AWAITED,  _expect_reload),
    (_HERE,     _S.SOCKET_LOST):  (_QUIET,    _quiet),
    (_HERE,     _S.ALIVE):        (_HERE,     None),
    (_HERE,     _S.PAGE):         (_WAITING,  _hand_over),
    (_HERE,     _S.REATTACHED):   (_HERE,     _settle_down),
    (_QUIET,    _S.LEFT_ALONE):   (_DESERTED, _desert),
    (_QUIET,    _S.LEFT_AMONG):   (_AWAITED,  _expect_reload),
    (_QUIET,    _S.SOCKET_LOST):  (_QUIET,    None),
    (_QUIET,    _S.ALIVE):        (_HERE,     _calm),
    (_QUIET,    _S.PAGE):         (_WAITING,  _hand_over),
    (_QUIET,    _S.REATTACHED):   (_HERE,     _settle_down),
    (_QUIET,    _S.SILENT_ALONE): (_DESERTED, _desert),
    (_QUIET,    _S.SILENT_AMONG): (_WAITING,  _hand_over),
    (_AWAITED,  _S.ALIVE):        (_HERE,     _welcome),
    (_AWAITED,  _S.PAGE):         (_WAITING,  _tell_lost),
    (_AWAITED,  _S.NOBODY):       (_DESERTED, _leave_alone),
    (_AWAITED,  _S.REATTACHED):   (_HERE,     _settle_down),
    (_AWAITED,  _S.RELOAD_OVER):  (_WAITING,  _tell_lost),
    (_WAITING,  _S.ALIVE):        (_HERE,     _welcome),
    (_WAITING,  _S.PAGE):         (_WAITING,  None),
    (_WAITING,  _S.NOBODY):       (_DESERTED, _start_clock),
    (_WAITING,  _S.REATTACHED):   (_HERE,     _settle_down),
    (_DESERTED, _S.ALIVE):        (_HERE,     _welcome),
    (_DESERTED, _S.PAGE):         (_WAITING,  _calm),
    (_DESERTED, _S.REATTACHED):   (_HERE,     _settle_down),
    (_DESERTED, _S.RETURN_OVER):  (_OVER,     lambda sound, now: sound.advise("give_up")),
    (_OVER,     _S.ALIVE):        (_OVER,     None),    # too late: the BYE is on its way
    (_OVER,     _S.PAGE):         (_OVER,     None),
    (_OVER,     _S.REATTACHED):   (_OVER,     None),
}
# fmt: on

_GONE: Final = (
    _AWAITED,
    _WAITING,
)  # NOBODY concerns these; the others have their own rows for a tab that goes


class _Sound(Machine[Presence, Sign]):
    """The sound of one call."""

    __slots__ = ("beat_at", "call", "tab", "watch")

    title = "sound"
    figure = "design section 6"
    initial = _HERE
    table = _TABLE

    def __init__(self, call: str, tab: str, watch: "Attendance") -> None:
        super().__init__()
        self.call = call
        self.tab = tab
        self.watch = watch
        self.beat_at: float | None = None

    def advise(self, *what: What) -> None:
        watch = self.watch
        watch.advice.extend(Advice(watch.user_id, self.call, one) for one in what)

    def arm(self, name: str, at: float) -> None:
        self.watch.clock.cancel(self)
        self.watch.clock.set(self, name, at)

    def disarm(self) -> None:
        self.watch.clock.cancel(self)

    def handle_timer(self, name: str, now: float) -> None:
        if name == "blip":
            self.step(_S.SILENT_AMONG if self.watch.anybody else _S.SILENT_ALONE, now)
        else:
            self.step(_S.RELOAD_OVER if name == "reload" else _S.RETURN_OVER, now)

    def identity(self) -> str:
        return self.call


class Attendance:
    """The calls of one user and the tabs that attend them.

    Args:
        user_id: whose they are.
        limits: how long absences may last.
        clock: where the deadlines go.
        advice: where advice goes.
    """

    __slots__ = ("_sounds", "_tabs", "advice", "clock", "limits", "user_id")

    def __init__(self, user_id: int, limits: Limits, clock: Clock, advice: list[Advice]) -> None:
        self.user_id = user_id
        self.limits = limits
        self.clock = clock
        self.advice = advice
        self._sounds: dict[str, _Sound] = {}
        self._tabs: set[str] = set()

    # --- calls ------------------------------------------------------------------------------------------------------

    def begin(self, call: str, tab: str, now: float) -> None:
        """The sound of a call begins to live in a tab."""
        self._sounds[call] = _Sound(call, tab, self)
        if tab not in self._tabs:
            self._lost(self._sounds[call], now)

    def restore(self, call: str, tab: str, held: bool, now: float) -> None:
        """A call was found after a restart; `held`: for absence already. Its page has `blip_s` to come back."""
        sound = self._sounds[call] = _Sound(call, tab, self)
        if held:
            sound.state = _DESERTED
            _start_clock(sound, now)
        else:
            sound.step(_S.SOCKET_LOST, now)

    def reattached(self, call: str, tab: str, now: float) -> None:
        """A new leg brought the sound into `tab`."""
        sound = self._sounds.get(call)
        if sound is None:
            return
        sound.tab, sound.beat_at = tab, now
        sound.step(_S.REATTACHED, now)
        if tab not in self._tabs:
            self._lost(sound, now)

    def forget(self, call: str) -> None:
        """The call is over, or its sound lives elsewhere."""
        sound = self._sounds.pop(call, None)
        if sound is not None:
            sound.disarm()

    def presence(self, call: str) -> Presence | None:
        """Where the sound of a call is, or None when it is not attended."""
        sound = self._sounds.get(call)
        return None if sound is None else sound.state

    # --- tabs -------------------------------------------------------------------------------------------------------

    def joined(self, tab: str, alive: Iterable[str], now: float) -> None:
        """A page said hello; `alive` are the calls whose sound lives in it."""
        self._tabs.add(tab)
        living = frozenset(alive)
        for sound in self._sounds.values():
            if sound.tab == tab:
                sound.step(_S.ALIVE if sound.call in living else _S.PAGE, now)
                if sound.call in living:
                    sound.beat_at = now
            elif sound.state is _DESERTED:
                sound.step(_S.PAGE, now)

    def left(self, tab: str, clean: bool, now: float) -> None:
        """A tab's socket is closed; `clean`: the page said so."""
        self._tabs.discard(tab)
        for sound in self._sounds.values():
            if sound.tab == tab and sound.state in (_HERE, _QUIET):
                if clean:
                    self._lost(sound, now)
                else:
                    sound.step(_S.SOCKET_LOST, now)
            elif sound.state in _GONE and not self._tabs:
                sound.step(_S.NOBODY, now)

    def taken(self, tab: str, now: float) -> None:
        """The user made another tab the phone: it has to bring all sounds to itself."""
        for sound in self._sounds.values():
            if sound.tab != tab:
                sound.step(_S.PAGE, now)

    def beat(self, tab: str, calls: Iterable[str], now: float) -> None:
        """The sound of these calls lives in `tab`."""
        for call in calls:
            sound = self._sounds.get(call)
            if sound is not None and sound.tab == tab:
                sound.beat_at = now

    def sounding_elsewhere(self, tab: str) -> bool:
        """Whether an open tab other than this one carries living sound."""
        return any(
            sound.state is _HERE and sound.tab != tab and sound.tab in self._tabs
            for sound in self._sounds.values()
        )

    @property
    def anybody(self) -> bool:
        """Whether any tab is open."""
        return bool(self._tabs)

    def _lost(self, sound: _Sound, now: float) -> None:
        sound.step(_S.LEFT_AMONG if self._tabs else _S.LEFT_ALONE, now)
