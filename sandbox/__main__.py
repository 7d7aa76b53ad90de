"""`python -m sandbox`: the make-believe office alone, for a gateway that runs elsewhere. `make demo` starts both.

The office's secret comes from the environment (SANDBOX_SECRET), not from an argument, where every user of the machine could read it.
It is the integration's client secret, and the passwords of the extensions are made of it; `--show` prints what a gateway must be told.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox.crm.widgets import built_widget
from sandbox.running import bind_web, running
from sandbox.settings import CLIENT_UUID, Settings, sip_password
from sandbox.staff import USERS
from sip.transport.port import Sockets, bind

DEFAULT_SECRET = "sandbox: this is no secret, and nothing of value is behind it"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the office until it is interrupted; its exit code."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    secret = os.environ.get("SANDBOX_SECRET", DEFAULT_SECRET)
    try:
        web, sip = bind_web(given.host, given.port), bind(given.host, given.sip_port)
    except OSError as error:
        print(f"sandbox: a port is taken: {error}", file=sys.stderr)
        return 1
    settings = Settings(
        base_url=f"http://{given.host}:{web.getsockname()[1]}",
        gateway_url=given.gateway.rstrip("/"),
        client_secret=secret,
        widget_dir=given.widget or built_widget(Path.cwd()),
        reuse_tokens=given.reuse_tokens,
    )
    print(f"sandbox: {settings.base_url} (SIP {given.host}:{sip.address[1]})", flush=True)
    if settings.widget_dir is None:
        print("sandbox: no built widget here; the pages stand without one (make widget)", flush=True)
    if given.show:
        _show(settings)
    try:
        asyncio.run(_run(settings, web, sip, loopback_only=given.loopback_only))
    except KeyboardInterrupt:
        pass  # Ctrl-C before the loop could take it
    return 0


async def _run(settings: Settings, web: socket.socket, sip: Sockets, *, loopback_only: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running(settings, web, sip, loopback_only=loopback_only):
        await stop.wait()


def _show(settings: Settings) -> None:
    print(f"account {settings.account_id}, address {settings.base_url}, integration {settings.client_uuid}")
    for user in USERS:
        if user.extension is not None:
            print(
                f"extension {user.extension}, user {user.id}, password {sip_password(settings.client_secret, user.extension)}"
            )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="A make-believe office to try Trubka in."
    )
    parser.add_argument("--gateway", required=True, help="where the gateway is, as http://127.0.0.1:8080")
    parser.add_argument("--host", default="127.0.0.1", help="address of pages, SIP and sound")
    parser.add_argument("--port", type=int, default=8070, help="port of the pages; 0 takes a free one")
    parser.add_argument("--sip-port", type=int, default=5062, help="port of SIP; 0 takes a free one")
    parser.add_argument(
        "--widget", type=Path, default=None, help="folder of the unpacked widget (widget/dist)"
    )
    parser.add_argument("--reuse-tokens", action="store_true", help="hand out the same one-time token again")
    parser.add_argument("--loopback-only", action="store_true", help="sound over the loopback alone")
    parser.add_argument(
        "--show", action="store_true", help=f"print what the gateway must be told (integration {CLIENT_UUID})"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
