"""One sandbox as a process: the exchange on its SIP port, the account's pages on their HTTP port, one loop.

Composition only. Both ports are bound by the caller, so that whoever starts a sandbox knows its addresses before it runs.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn

from sandbox.app import create_app
from sandbox.control import Control
from sandbox.crm.sample import directory_of, sample_archive
from sandbox.pbx.exchange import Exchange
from sandbox.pbx.service import open_exchange
from sandbox.settings import Settings, sip_password
from sandbox.staff import USERS
from sip.transport.port import Sockets


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: who started us decides when to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def running(
    settings: Settings, web: socket.socket, sip: Sockets, *, loopback_only: bool = False
) -> AsyncIterator[Exchange]:
    """A sandbox that answers on both sockets until the context is left.

    Args:
        web: bound, not yet listening; the pages' port.
        sip: bound; the exchange's port.
        loopback_only: see `RealMedia`.
    """
    archive = sample_archive()
    directory = directory_of(archive)
    passwords = {
        one.extension: sip_password(settings.client_secret, one.extension) for one in USERS if one.extension
    }
    async with open_exchange(sip, passwords, directory, loopback_only=loopback_only) as exchange:
        app = create_app(settings, archive, Control(directory, exchange))
        server = _Server(
            uvicorn.Config(app, log_level="warning", lifespan="off", ws="none", timeout_graceful_shutdown=2)
        )
        serving = asyncio.get_running_loop().create_task(server.serve([web]))
        try:
            yield exchange
        finally:
            server.should_exit = True
            await serving


def bind_web(host: str, port: int) -> socket.socket:
    """Take the pages' port; 0 takes a free one. Raises OSError when it is taken."""
    web = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    web.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        web.bind((host, port))
    except OSError:
        web.close()
        raise
    return web
