"""The stage of the browser plays: one Chromium, one Asterisk, one make-believe CRM and one gateway for the whole run.

    async def test_…(agent: Agent, stage: Stage) -> None:
        office = await agent.open()
        await office.call_from_card(CONTACT)

Each play gets a person of the office (they take turns), with a browser window and an extension of their own. A play ends with
nothing left in Asterisk and in the gateway, and with no complaint in the browser's console that it did not expect.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final

from playwright.async_api import BrowserContext

from sandbox.staff import USERS
from tests.browser.office import Office
from tests.peers.asterisk import Asterisk
from tests.peers.chromium import MICROPHONE_HZ, Chromium
from tests.peers.fixtures import CUSTOMER_HZ, DESK_HZ
from tests.peers.gateway import Gateway
from tests.peers.phone import Phone
from tests.peers.phone_call import PhoneCall
from tests.peers.processes import Workshop
from tests.peers.sip_socket import Address
from tests.peers.waiting import PATIENCE

SEATS: Final = tuple((user.id, user.extension) for user in USERS if user.extension is not None)
ROAD: Final = "109"  # an extension that no gateway has
CUSTOMERS_NUMBER: Final = "79215550642"  # what the customers call in with: a contact of the CRM


@dataclass(frozen=True)
class Contact:
    """A card of the CRM. `number`: as the softphone dials it."""

    id: int
    name: str
    number: str

    @property
    def path(self) -> str:
        return f"/contacts/detail/{self.id}"


CONTACT: Final = Contact(51_000_007, "Константин Константинопольский-Задунайский", "+79215550642")
OTHER: Final = Contact(51_000_009, "Лев Ли", "+79215550856")
WRONG: Final = Contact(51_000_040, "Неверно записанный номер", "+79000000000")


class Agent:
    """A person of the office in front of a browser."""

    def __init__(
        self, url: str, context: BrowserContext, user: int, extension: str, line: tuple[Address, str]
    ) -> None:
        """`line`: the PBX's address and the password, for the telephone on the desk."""
        self.user = user
        self.extension = extension
        self.context = context
        self.number = f"74950000{extension}"  # what a customer dials
        self.channel = f"PJSIP/{extension}b-*"  # of the softphone, as Asterisk names it
        self._url = url
        self._line = line

    async def open(self, path: str = "/contacts/list", *, ready: bool = True) -> Office:
        """A new tab of this person's window. `ready`: and wait until the telephone is, too."""
        office = Office(await self.context.new_page(), self._url, self.user, self.extension)
        await office.open(path)
        if ready:
            await office.until_ready()
            await office.dismiss_ended()
        return office

    @asynccontextmanager
    async def desk(self) -> AsyncIterator[Phone]:
        """The telephone on this person's desk, registered while the context lasts: the next play must not ring it."""
        address, password = self._line
        async with Phone(self.extension, pbx=address, password=password, frequency=DESK_HZ) as phone:
            await phone.register()
            try:
                yield phone
            finally:
                await phone.register(0)


@dataclass
class Stage:
    """What the plays share."""

    workshop: Workshop
    chromium: Chromium
    pbx: Asterisk
    customers: Phone
    gateway: Gateway
    url: str
    contexts: list[BrowserContext] = field(default_factory=list)
    _seats: Iterator[tuple[int, str]] = field(default_factory=lambda: cycle(SEATS))

    async def agent(self) -> Agent:
        """The next person, in a fresh window."""
        user, extension = next(self._seats)
        line = (self.pbx.address, self.pbx.password(extension))
        return Agent(self.url, await self.window(), user, extension, line)

    async def window(self) -> BrowserContext:
        made = await self.chromium.context()
        self.contexts.append(made)
        return made

    async def talk(self, office: Office, contact: Contact = CONTACT) -> PhoneCall:
        """Call a contact who answers, until both hear each other; the customer's side of it."""
        await office.call_from_card(contact.path)
        called = await self.customers.until_called(contact.number)
        await office.until_state("talking")
        await self.until_both_hear(office, called)
        return called

    async def until_both_hear(self, office: Office, customer: PhoneCall, within: float = PATIENCE) -> None:
        """Prove the sound both ways, each voice by its frequency."""
        await asyncio.gather(
            office.until_hears(CUSTOMER_HZ, within=within),
            customer.until_hears(MICROPHONE_HZ, within=within),
        )

    async def until_quiet(self, within: float = PATIENCE) -> None:
        """Wait until Asterisk has no channel and the gateway has no SIP call."""
        await self.pbx.until_quiet(within)
        async with asyncio.timeout(within):
            while (await self.gateway.metrics())["trubka_calls"]:  # noqa: ASYNC110 - asking is all one can do
                await asyncio.sleep(0.05)

    async def clear(self) -> None:
        """After a play, also a failed one: close its windows, end what is left of it, forget its customers."""
        for context in self.contexts:
            await context.close()
        self.contexts.clear()
        if self.gateway.process.returncode is not None:
            await self.gateway.start()
        for channel in await self.pbx.manager.channels():
            await self.pbx.manager.act("Hangup", Channel=channel["Channel"])
        await self.customers.forget()

    def complaints(self) -> list[str]:
        """What the pages wrote as errors and the play did not expect; forgotten by asking."""
        return self.chromium.take_complaints()
