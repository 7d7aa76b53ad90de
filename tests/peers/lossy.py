"""A wire that loses, doubles and reorders datagrams, between a gateway and a PBX: a UDP proxy with seeded dice.

    async with LossyWire(pbx.address, loss=0.2, seed=7) as wire:
        …tell the gateway that the PBX is at wire.address…

Nothing may go past the wire. The PBX sees each client under an own port of the wire, and sends its requests there when it
answers to where they came from (`Asterisk(rewrite_contact=True)`); in what the PBX says of itself (Contact) the wire puts its
own address, so that requests inside a dialog come through it as well.

The same datagram is lost at most twice. Chance alone would now and then swallow one and all its repetitions, until the timers of
RFC 3261 rightly give up; that is a wire that is cut, and a play that wants it stops the datagrams itself.
"""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.peers.ports import HOST, free_port

Address = tuple[str, int]
_MOST_LOSSES = 2  # of one datagram and its repetitions, in one direction


@dataclass
class Counted:
    """What happened to the datagrams of one direction."""

    seen: int = 0
    lost: int = 0
    doubled: int = 0
    delayed: int = 0


class LossyWire:
    """Shares of 0 to 1, the same both ways. `loss`, `double`, `reorder` may be changed while it runs."""

    def __init__(
        self,
        target: Address,
        *,
        loss: float = 0.0,
        double: float = 0.0,
        reorder: float = 0.0,
        seed: int = 1,
    ) -> None:
        """`reorder`: the share that is held back for 40 ms, so that the next ones overtake it."""
        self.target = target
        self.loss, self.double, self.reorder = loss, double, reorder
        self.port = free_port()
        self.to_target, self.from_target = Counted(), Counted()
        self._contact = re.compile(rb"(\r\nContact: <sip:[^>]*?)%s:%d\b" % (target[0].encode(), target[1]))
        self._dice = random.Random(seed)
        self._losses: Counter[tuple[bytes, Address]] = Counter()
        self._near: asyncio.DatagramTransport | None = None
        self._far: dict[Address, asyncio.Future[asyncio.DatagramTransport]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> Address:
        return HOST, self.port

    def near_received(self, data: bytes, client: Address) -> None:
        """From a client: onward through the client's own far socket, made at its first datagram."""
        task = asyncio.get_running_loop().create_task(self._onward(data, client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def far_received(self, data: bytes, client: Address) -> None:
        """From the target, to the client whose far socket it came to."""
        if self._near is not None:
            shown = self._contact.sub(rb"\g<1>%s:%d" % (HOST.encode(), self.port), data, count=1)
            self.carry(self.from_target, shown, self._near, client)

    async def _onward(self, data: bytes, client: Address) -> None:
        if client not in self._far:
            loop = asyncio.get_running_loop()
            self._far[client] = loop.create_future()
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _End(lambda data, _: self.far_received(data, client)), local_addr=(HOST, 0)
            )
            self._far[client].set_result(transport)
        self.carry(self.to_target, data, await self._far[client], self.target)

    def carry(self, counted: Counted, data: bytes, way: asyncio.DatagramTransport, to: Address) -> None:
        """Throw the dice over one datagram: it is sent on that way now, later, twice or not at all."""
        counted.seen += 1
        if self._dice.random() < self.loss and self._losses[data, to] < _MOST_LOSSES:
            self._losses[data, to] += 1
            counted.lost += 1
            return
        copies = 1
        if self._dice.random() < self.double:
            counted.doubled += 1
            copies = 2
        if self._dice.random() < self.reorder:
            counted.delayed += 1
            asyncio.get_running_loop().call_later(0.04, self._send, way, data, to, copies)
        else:
            self._send(way, data, to, copies)

    def _send(self, way: asyncio.DatagramTransport, data: bytes, to: Address, copies: int) -> None:
        for _ in range(copies):
            if not way.is_closing():
                way.sendto(data, to)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._near, _ = await loop.create_datagram_endpoint(
            lambda: _End(self.near_received), local_addr=self.address
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for made in self._far.values():
            if made.done():
                made.result().close()
        if self._near is not None:
            self._near.close()
        await asyncio.sleep(0)


class _End(asyncio.DatagramProtocol):
    def __init__(self, received: Callable[[bytes, Address], None]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._received(data, addr)
