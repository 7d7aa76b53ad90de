"""The exchange as a running thing: its SIP port, its sound, and the tick of 20 ms that drives customers and telephones.

The shell: no decision about calls is made here. Invariant: whoever leaves the context has hung up everywhere and left no task.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from sandbox.customers import Directory
from sandbox.pbx.exchange import Exchange
from sandbox.pbx.people import recorded_people
from sandbox.pbx.real_media import RealMedia
from sandbox.pbx.registrar import Registrar
from sandbox.pbx.sound.frames import FRAME_SECONDS
from sip.agent import UserAgent
from sip.ids import ByteIds
from sip.transport.port import SipPort, Sockets
from sip.verifier import Verifier

REALM = "sandbox"
_LATE = 0.2  # seconds behind the clock after which ticks are left out instead of made up for


@asynccontextmanager
async def open_exchange(
    sockets: Sockets, passwords: Mapping[str, str], directory: Directory, *, loopback_only: bool = False
) -> AsyncIterator[Exchange]:
    """Run an exchange on bound sockets, which are its own from now on.

    Args:
        passwords: extension → password of its telephones.
        directory: who can be called outside.
        loopback_only: browsers are on this machine and may use its loopback (see `RealMedia`).
    """
    host, port = sockets.address
    agent = UserAgent(
        host=host,
        port=port,
        ids=ByteIds(secrets.token_bytes),
        product="Sandbox",
        tag_prefix="pb",
        methods={"REGISTER"},
    )
    loop = asyncio.get_running_loop()
    media = RealMedia(host, loopback_only=loopback_only)
    registrar = Registrar(passwords, Verifier(REALM, secrets.token_bytes(32)))
    exchange = Exchange(
        agent, registrar, directory, media, recorded_people(), loop.time, lambda: sip_port.flush()
    )
    sip_port = SipPort(agent, exchange.deliver, sockets)
    async with sip_port:
        ticking = loop.create_task(_tick(exchange, media, sip_port))
        try:
            yield exchange
        finally:
            ticking.cancel()
            with suppress(asyncio.CancelledError):
                await ticking
            exchange.close(loop.time())
            sip_port.flush()
            await media.close()


async def _tick(exchange: Exchange, media: RealMedia, sip_port: SipPort) -> None:
    loop = asyncio.get_running_loop()
    next_at = loop.time()
    while True:
        exchange.tick()
        media.tick()
        deadline = exchange.next_deadline()
        if deadline is not None and deadline <= loop.time():
            exchange.handle_timer(loop.time())
            sip_port.flush()
        next_at += FRAME_SECONDS
        if loop.time() - next_at > _LATE:
            next_at = loop.time()
        await asyncio.sleep(max(0.0, next_at - loop.time()))
