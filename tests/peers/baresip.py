"""baresip, a telephone that was written by others, on an island of its own (it does not use the loopback).

    async with Baresip(island, number="202", registrar=proxy.address) as phone:
        await phone.command("dial", "sip:201@office.test")

It is told what to do over its control socket (module ctrl_tcp: JSON in netstrings) and tells there what happened. It speaks a tone,
so that its RTP is real.
"""

import asyncio
import json
import math
import wave
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.peers.namespace import Namespace
from tests.peers.processes import program
from tests.peers.waiting import PATIENCE

_CONTROL_PORT = 4444
_MODULES = "/usr/lib/baresip/modules"
_CONFIG = """\
sip_listen {inside}:5060
module_path {modules}
module g711.so
module aubridge.so
module aufile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {inside}:{control}
audio_player aubridge,echo
audio_source aufile,{speech}
audio_alert aubridge,alert
audio_telev_pt 101
call_max_calls 4
rtp_ports 10000-10100
"""


class Baresip:
    """One telephone with one number."""

    def __init__(
        self,
        island: Namespace,
        *,
        number: str,
        registrar: tuple[str, int],
        domain: str,
        password: str,
        transport: str = "udp",
    ) -> None:
        self._island = island
        self._folder = island.folder / f"baresip-{number}"
        host, port = registrar
        self._account = (
            f"<sip:{number}@{domain};transport={transport}>;auth_pass={password};regint=60;answermode=manual;"
            f'outbound="sip:{host}:{port};transport={transport}"'
        )
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._events: list[dict[str, Any]] = []
        self._answers: list[dict[str, Any]] = []
        self._changed = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._folder.mkdir()
        inside = self._island.inside
        speech = self._folder / "speech.wav"
        _write_tone(speech)
        config = _CONFIG.format(inside=inside, modules=_MODULES, control=_CONTROL_PORT, speech=speech)
        (self._folder / "config").write_text(config)
        (self._folder / "accounts").write_text(f"{self._account}\n")
        (self._folder / "contacts").write_text("")
        process = self._island.start("baresip", [program("baresip"), "-s", "-f", str(self._folder)])
        await process.until_output("baresip is ready")
        await process.until_output(r"\} 200 OK .*binding")  # it is registered
        self._reader, self._writer = await asyncio.open_connection(inside, _CONTROL_PORT)
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listening is not None:
            self._listening.cancel()
            self._writer.close()

    async def command(self, name: str, parameters: str = "") -> None:
        """Let it do something, and wait until it has understood."""
        text = json.dumps({"command": name, "params": parameters, "token": name}).encode()
        self._writer.write(b"%d:%s," % (len(text), text))
        answer = await self._wait(self._answers, lambda one: one.get("token") == name, f"an answer to {name}")
        assert answer["ok"], answer

    async def until(self, event: str) -> dict[str, Any]:
        """Wait for an event of its list (CALL_INCOMING, CALL_ESTABLISHED, …) that was not waited for before."""
        return await self._wait(self._events, lambda one: one.get("type") == event, event)

    async def _wait(
        self,
        where: list[dict[str, Any]],
        is_it: Callable[[dict[str, Any]], bool],
        what: str,
        within: float = PATIENCE,
    ) -> dict[str, Any]:
        try:
            async with asyncio.timeout(within):
                while True:
                    self._changed.clear()
                    for one in where:
                        if is_it(one):
                            where.remove(one)
                            return one
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"baresip: no {what} within {within} s, but {self._events}") from None

    async def _listen(self) -> None:
        while True:
            length = await self._reader.readuntil(b":")
            text = await self._reader.readexactly(int(length[:-1]) + 1)
            said = json.loads(text[:-1])
            (self._answers if said.get("response") else self._events).append(said)
            self._changed.set()


def _write_tone(path: Path, seconds: int = 120) -> None:
    """500 Hz at 8,000 samples a second: sixteen samples again and again."""
    period = b"".join(
        round(12_000 * math.sin(2 * math.pi * place / 16)).to_bytes(2, "little", signed=True)
        for place in range(16)
    )
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(period * (500 * seconds))
