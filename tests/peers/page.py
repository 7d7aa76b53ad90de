"""A widget's page without a browser: its wire (`page_wire.py`), and an RTP socket for the sound of each call.

    async with Page(gateway, user=1, frequency=300) as page:
        call = await page.dial("79261234567")
        await page.until_call(call, state="talking")
        await page.sounds[call].until_hears(1000)

The PBX's endpoint is the plain one, since the gateway passes descriptions on as they are. The page does what the widget
promises: acknowledges rings, beats while sound lives. Each can be switched off, to see what the gateway does then.
"""

import asyncio
from types import TracebackType

from protocol.commands import Answer, Dial, HangUp, HoldCall, Reattach, ResumeCall
from protocol.messages import Beat, Done, GatewayMessage, Leaving, Remote, Ring, RingAck
from tests.peers import sdp_text
from tests.peers.gateway import Gateway
from tests.peers.page_wire import PageWire
from tests.peers.sound import Sound
from tests.peers.waiting import PATIENCE


class Page(PageWire):
    """One tab of one user. `sounds` are those of the calls that live here, by call id; `rings` the calls it was rung for."""

    def __init__(
        self, gateway: Gateway, user: int = 1, *, tab: str = "", frequency: float | None = 300
    ) -> None:
        super().__init__(gateway, user, tab)
        self.frequency = frequency
        self.acknowledges_rings = True
        self.beats = True
        self.sounds: dict[str, Sound] = {}
        self.rings: list[Ring] = []
        self._offered: list[Sound] = []  # for calls whose id is not known yet
        self._versions: dict[int, int] = {}

    # Coming and going

    async def leave(self) -> None:
        """`pagehide`: say so and close. The sound goes with the page, the resume secret stays in sessionStorage."""
        await self.send(Leaving())
        await self.disconnect()
        await self._drop_sounds()

    async def vanish(self) -> None:
        """The page is gone without a word (a crash, a power cut): socket cut, sound gone."""
        await self.disconnect(clean=False)
        await self._drop_sounds()

    async def lose_socket(self) -> None:
        """A blip: the socket is cut, the sound lives on. Come back with `reconnect`."""
        await self.disconnect(clean=False)

    async def reconnect(self) -> None:
        """Come back after a blip, naming the calls whose sound lives."""
        living = tuple(id for id, sound in self.sounds.items() if sound.remote is not None)
        await self.open("reconnect", alive=living)

    async def reload(self) -> None:
        """Leave and load again; then bring the sound of the living calls back."""
        await self.leave()
        await self.open("load")
        await self.reattach_all()

    async def reattach_all(self) -> None:
        for id, call in list(self.state.calls.items()):
            if call.state in ("talking", "held") and call.sound != "here" and call.device.kind != "phone":
                await self.reattach(id)

    # Commands

    async def dial(self, number: str, extension: str | None = None) -> str:
        """Call a number with a sound of our own; the id of the call."""
        sound = await self._new_sound()
        self._offered.append(sound)
        done = await self.command(Dial(self.next_id(), number, self._describe(sound), extension))
        assert done.result is not None, "dial brought no call"
        assert done.result.call is not None, "dial brought no call"
        return done.result.call

    async def answer(self, call: str) -> None:
        """Take an incoming call, and wait until it is answered."""
        await self.take(call)
        await self.until_call(call, state="talking")

    async def take(self, call: str) -> None:
        """Take an incoming call, and wait until the gateway has accepted that."""
        offer = next(ring.offer for ring in reversed(self.rings) if ring.call == call)
        sound = self.sounds[call] = await self._new_sound()
        _hear(sound, offer)
        sdp = self._describe(sound, only=sound.payload_type)
        await self.command(Answer(self.next_id(), call, sdp))

    async def hang_up(self, call: str) -> None:
        """End a call, and wait until it has ended."""
        await self.command(HangUp(self.next_id(), call))
        await self.until_call(call, state="ended")

    async def hold(self, call: str, within: float = PATIENCE) -> None:
        """Ask for hold, and wait until it is confirmed."""
        await self.command(HoldCall(self.next_id(), call))
        await self.until_call(call, state="held", within=within)

    async def resume(self, call: str, within: float = PATIENCE) -> None:
        """Ask for the end of our hold, and wait until it is confirmed."""
        await self.command(ResumeCall(self.next_id(), call))
        await self.until_call(call, state="talking", within=within)

    async def reattach(self, call: str) -> None:
        """Bring a call's sound into this page."""
        if call in self.sounds:
            await self.sounds[call].close()
        sound = self.sounds[call] = await self._new_sound()
        await self.command(Reattach(self.next_id(), call, self._describe(sound)))

    async def until_ringing(self, within: float = PATIENCE) -> str:
        """Wait until this page is rung for a call that still comes in; its id."""
        await self.until(lambda _: bool(self._coming_in()), within)
        return self._coming_in()[0]

    def _coming_in(self) -> list[str]:
        return [ring.call for ring in self.rings if self.state_of(ring.call) == "incoming"]

    # What the wire brings

    async def take_letter(self, message: GatewayMessage) -> None:
        match message:
            case Ring():
                self.rings.append(message)
                if self.acknowledges_rings:
                    await self.send(RingAck(message.call))
            case Done(result=result) if result is not None and result.call is not None and self._offered:
                self.sounds.setdefault(result.call, self._offered.pop(0))
            case Remote():
                if message.call not in self.sounds and self._offered:
                    self.sounds[message.call] = self._offered.pop(0)
                _hear(self.sounds[message.call], message.sdp)

    async def keep_beating(self) -> None:
        while True:
            await asyncio.sleep(self.welcome.settings.beat_s if self.welcome else 0.1)
            living = tuple(id for id in self.sounds if self.state_of(id) in ("talking", "held"))
            if self.beats and living and self.welcome is not None and self.close_code is None:
                await self.send(Beat(living))

    # Sound

    async def _new_sound(self) -> Sound:
        sound = Sound(self.frequency)
        await sound.open()
        return sound

    async def _drop_sounds(self) -> None:
        for sound in [*self.sounds.values(), *self._offered]:
            await sound.close()
        self.sounds, self._offered = {}, []

    def _describe(self, sound: Sound, only: int | None = None) -> str:
        version = self._versions[sound.port] = self._versions.get(sound.port, 0) + 1
        return sdp_text.describe(sound, version=version, only=only).decode()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        await self._drop_sounds()


def _hear(sound: Sound, sdp: str) -> None:
    heard = sdp_text.read(sdp.encode())
    sound.remote = heard.remote
    sound.events_type = heard.events_type
    if heard.payload_type is not None:
        sound.payload_type = heard.payload_type
