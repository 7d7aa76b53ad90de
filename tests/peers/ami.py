"""A small client of Asterisk's manager interface, for the tests alone: it keeps every event, in order, and waits for one.

Events are plain dicts of the words that Asterisk sent. Patterns in `wait_for` are shell patterns (`PJSIP/101b-*`), since
channel names end in a counter.
"""

import asyncio
from fnmatch import fnmatchcase
from itertools import count

from tests.peers.waiting import PATIENCE

Event = dict[str, str]


class ManagerError(RuntimeError):
    """The PBX refused an action; its own words."""


class Manager:
    """One connection. `events` grows for as long as it is open; `position` marks a place to look from."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._numbers = count(1)
        self._answers: dict[str, asyncio.Future[Event]] = {}
        self._lists: dict[str, list[Event]] = {}
        self._news = asyncio.Condition()
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def position(self) -> int:
        return len(self.events)

    async def connect(
        self, host: str, port: int, username: str, secret: str, within: float = PATIENCE
    ) -> None:
        """Log in, and return when the PBX says that it is fully booted. Tries until its port answers."""
        async with asyncio.timeout(within):
            reader, self._writer = await _until_connected(host, port)
            self._reading = asyncio.create_task(self._read(reader))
            await self.act("Login", Username=username, Secret=secret)
            await self.wait_for("FullyBooted")

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
            await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)
        self._reading = self._writer = None

    async def act(self, action: str, **words: str) -> Event:
        """Send an action; its response. Raises ManagerError when it is refused."""
        return (await self._ask(action, words))[0]

    async def ask_list(self, action: str, **words: str) -> list[Event]:
        """Send an action whose answer is a list of events (CoreShowChannels…); the events."""
        answer, events = await self._ask(action, words)
        if answer.get("EventList") != "start":
            return events
        async with asyncio.timeout(PATIENCE):
            async with self._news:
                await self._news.wait_for(lambda: events and events[-1].get("EventList") == "Complete")
        return events[:-1]

    async def wait_for(self, event: str, *, since: int = 0, within: float = PATIENCE, **words: str) -> Event:
        """The first event of that name, from position `since` on, whose words match the patterns given."""
        found: list[Event] = []

        def arrived() -> bool:
            found.extend(self.seen(event, since=since, **words)[:1])
            return bool(found)

        try:
            async with asyncio.timeout(within), self._news:
                await self._news.wait_for(arrived)
        except TimeoutError:
            names = [one.get("Event", "") for one in self.events[since:]]
            raise TimeoutError(f"no {event} {words} within {within} s, but {names}") from None
        return found[0]

    def seen(self, event: str, *, since: int = 0, **words: str) -> list[Event]:
        """All events of that name, from position `since` on, whose words match the patterns given."""
        return [
            one
            for one in self.events[since:]
            if one.get("Event") == event
            and all(fnmatchcase(one.get(name, ""), pattern) for name, pattern in words.items())
        ]

    async def channels(self) -> list[Event]:
        """The channels that live now."""
        return await self.ask_list("CoreShowChannels")

    async def variable(self, name: str, channel: str = "") -> str:
        words = {"Variable": name, **({"Channel": channel} if channel else {})}
        return (await self.act("Getvar", **words)).get("Value", "")

    async def hang_up(self, channel: str) -> None:
        await self.act("Hangup", Channel=channel)

    async def _ask(self, action: str, words: dict[str, str]) -> tuple[Event, list[Event]]:
        if self._writer is None:
            raise RuntimeError("the manager connection is closed")
        number = f"trubka-{next(self._numbers)}"
        answer: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        self._lists[number] = []
        lines = [
            f"Action: {action}",
            f"ActionID: {number}",
            *(f"{key}: {value}" for key, value in words.items()),
        ]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(PATIENCE):
            response = await answer
        if response.get("Response") == "Error":
            raise ManagerError(f"{action} {words}: {response.get('Message')}")
        return response, self._lists[number]

    async def _read(self, reader: asyncio.StreamReader) -> None:
        await reader.readline()  # "Asterisk Call Manager/…"
        try:
            while True:
                block = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
                words = dict(line.split(": ", 1) for line in block.split("\r\n") if ": " in line)
                async with self._news:
                    self._take(words)
                    self._news.notify_all()
        except (asyncio.IncompleteReadError, ConnectionError):
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(ManagerError("the PBX closed the manager connection"))

    def _take(self, words: Event) -> None:
        number = words.get("ActionID", "")
        answer = self._answers.get(number)
        if "Response" in words and answer is not None and not answer.done():
            answer.set_result(words)
        elif (number in self._lists and "EventList" in words) or (number in self._lists and "Event" in words):
            self._lists[number].append(words)
        elif "Event" in words:
            self.events.append(words)


async def _until_connected(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    while True:
        try:
            return await asyncio.open_connection(host, port, limit=1 << 20)
        except ConnectionError:
            await asyncio.sleep(0.02)
