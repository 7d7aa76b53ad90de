"""Real sound for the exchange: RTP for telephones, aiortc for browsers where it is installed, paper where it is not."""

import asyncio
import logging
from collections.abc import Coroutine
from itertools import count
from typing import Final

from sandbox.pbx.media import MediaLeg, MediaUser, PaperLeg
from sandbox.pbx.rtp import RtpLeg

try:
    from sandbox.pbx import webrtc
except ImportError:  # the extra `sandbox` is not installed: signalling works all the same
    HAS_WEBRTC = False
else:
    HAS_WEBRTC = True

log = logging.getLogger("sandbox.media")

_FIRST_SEED: Final = 0x5AB0


class RealMedia:
    """Makes legs and keeps what they need: the sockets' address, their tasks, the 20 ms tick of RTP.

    Args:
        host: the address of RTP sockets, and for browsers the only one that ICE uses, unless it is the loopback: then every
            address of the machine, since a browser may offer none of the loopback's.
        loopback_only: leave the machine's other addresses out even then (tests).
    """

    def __init__(self, host: str, *, loopback_only: bool = False) -> None:
        self._host = host
        self._telephones: set[RtpLeg] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._seeds = count(_FIRST_SEED, 7919)
        if HAS_WEBRTC:
            everywhere = host == "127.0.0.1" and not loopback_only
            webrtc.use_addresses(webrtc.machine_addresses() if everywhere else [host])
        else:
            log.warning("aiortc is not installed: browsers will hear nothing")

    def leg(self, user: MediaUser, *, browser: bool) -> MediaLeg:
        if browser:
            return webrtc.BrowserLeg(user, self._spawn) if HAS_WEBRTC else PaperLeg(user, browser=True)
        leg = RtpLeg(user, self._host, next(self._seeds))
        self._telephones.add(leg)
        return leg

    def tick(self) -> None:
        """Send the next 20 ms to every telephone; forget those that are closed."""
        self._telephones = {leg for leg in self._telephones if not leg.is_closed}
        for leg in self._telephones:
            leg.tick()

    async def close(self) -> None:
        """Wait until every connection that is being closed is closed."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
