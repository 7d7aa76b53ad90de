"""How conversations begin: an extension dials, a customer calls in, a device takes over a call by Replaces (RFC 3891).

Keeps the book of conversations and devices for the exchange. Invariants: an INVITE is challenged before anything else is looked at;
it gets exactly one final answer; a device whose description comes late finds its call as it is by then.
"""

from collections.abc import Callable
from itertools import count
from typing import Final

from sandbox.customers import Behaviour, Customer, Directory
from sandbox.pbx.conversation import Conversation
from sandbox.pbx.media import Media, wants_browser
from sandbox.pbx.parties import BUSY, Device, Party, Release
from sandbox.pbx.people import People
from sandbox.pbx.registrar import Binding, Registrar
from sandbox.pbx.views import NotReachable
from sip.account import Account
from sip.agent import UserAgent
from sip.call import Call, CallState
from sip.core import reason_headers
from sip.deadlines import Deadlines
from sip.errors import ParseError
from sip.headers import ReplacesHeader
from sip.message import Response
from sip.uri import Uri

RINGS_AT_MOST: Final = 60.0  # seconds, then the caller is told 480
PATIENCE: Final = 45.0  # seconds that a customer who calls in waits


class Dialing:
    """The beginnings of calls; see `Exchange` for the arguments."""

    def __init__(
        self,
        agent: UserAgent,
        registrar: Registrar,
        directory: Directory,
        media: Media,
        people: People,
        clock: Callable[[], float],
        stir: Callable[[], None],
        is_browser: Callable[[str], bool],
    ) -> None:
        self._agent = agent
        self._registrar = registrar
        self._directory = directory
        self._media = media
        self._people = people
        self._clock = clock
        self._is_browser = is_browser
        self._ids = count(1)
        self._devices: dict[Call, Device] = {}
        self.stir = stir
        self.conversations: dict[str, Conversation] = {}
        self.deadlines: Deadlines[Conversation, str] = Deadlines()

    # The book.

    def device_of(self, call: Call) -> Device | None:
        return self._devices.get(call)

    def forget(self, call: Call) -> Device | None:
        return self._devices.pop(call, None)

    def conversation_of(self, party: Party | None) -> Conversation | None:
        return next((one for one in self.conversations.values() if party in one.parties), None)

    def _open(self, caller: Party, callee_name: str) -> Conversation:
        one = Conversation(f"c{next(self._ids)}", caller, callee_name, self._people.music)
        self.conversations[one.id] = one
        return one

    # An INVITE from an extension.

    def received(self, call: Call, now: float) -> None:
        """Challenge, then dial or take over."""
        judged = self._registrar.judge(call.request, now)
        if isinstance(judged, Response):
            challenges = [("WWW-Authenticate", value) for value in judged.get_all("WWW-Authenticate")]
            call.reject(judged.status, now, headers=challenges)
        elif call.remote_sdp is None:
            call.reject(488, now)
        else:
            self._admitted(call, judged, call.remote_sdp, now)

    def _admitted(self, call: Call, extension: str, offer: bytes, now: float) -> None:
        try:
            device = Device(extension, self._media, browser=wants_browser(offer))
        except ParseError:
            call.reject(488, now)
            return
        dialled = call.request_uri.user or ""
        replaces = call.replaces
        if dialled not in self._registrar.extensions and self._directory.find(dialled) is None:
            call.reject(404, now)
        elif replaces is not None:
            self._take_over(call, device, replaces, offer, now)
        elif dialled in self._registrar.extensions:
            self._dial_extension(call, device, dialled, offer, now)
        else:
            self._dial_customer(call, device, dialled, offer, now)

    def _dial_customer(self, call: Call, device: Device, dialled: str, offer: bytes, now: float) -> None:
        customer = self._directory.find(dialled)
        assert customer is not None, "looked up before"
        if customer.behaviour is Behaviour.REFUSES:
            call.reject(486, now, headers=reason_headers(BUSY))
            return
        conversation = self._open(device, customer.number)
        self._caller_comes(call, device, offer)
        device.ring(now)
        if customer.answers:
            self.deadlines.set(conversation, "answers", now + customer.answers_after)
        self.deadlines.set(conversation, "no answer", now + RINGS_AT_MOST)

    def _dial_extension(self, call: Call, device: Device, dialled: str, offer: bytes, now: float) -> None:
        bindings = self._registrar.bindings(dialled, now)
        if not bindings:
            call.reject(480, now)
            return
        conversation = self._open(device, dialled)
        self._caller_comes(call, device, offer)
        self._fork(conversation, bindings, device.number, now)

    def _caller_comes(self, call: Call, device: Device, offer: bytes) -> None:
        """The device belongs to the call; its answer is being made, and the call waits for it if need be."""
        self._devices[call] = device
        device.call = call

        def ready(sdp: bytes | None) -> None:
            now = self._clock()
            if sdp is None:
                device.release(Release(488), now)
            else:
                device.accept_if_wanted(now)
            self.stir()

        device.then = ready
        device.media.take_offer(offer)

    def customer_answers(self, conversation: Conversation, now: float) -> None:
        """The customer's ringing time is over: they pick up."""
        customer = self._directory.find(conversation.callee_name)
        if customer is None or conversation.callee is not None:
            return
        self.deadlines.cancel(conversation, "no answer")
        conversation.connect(self._people.person(customer), now)
        self.begin_talk(conversation, now)

    def begin_talk(self, conversation: Conversation, now: float) -> None:
        """Customers who hang up by themselves do so some seconds after the answer."""
        for person in conversation.people:
            after = person.customer.hangs_up_after
            if after is not None:
                self.deadlines.set(conversation, "hangs up", now + after)

    # A customer who calls in.

    def call_in(self, number: str, extension: str) -> str:
        """Let a customer call an extension; raises NotReachable."""
        now = self._clock()
        customer: Customer | None = self._directory.find(number)
        if customer is None:
            raise NotReachable(f"Клиента с номером {number} нет")
        bindings = self._registrar.bindings(extension, now)
        if not bindings:
            raise NotReachable(f"Внутренний номер {extension} не в сети")
        conversation = self._open(self._people.person(customer), extension)
        self._fork(conversation, bindings, customer.number, now)
        self.deadlines.set(conversation, "no answer", now + PATIENCE)
        self.stir()
        return conversation.id

    # Ringing all devices of an extension.

    def _fork(self, conversation: Conversation, bindings: list[Binding], number: str, now: float) -> None:
        devices = [
            Device(
                conversation.callee_name, self._media, browser=self._is_browser(binding.device), number=number
            )
            for binding in bindings
        ]
        # All of them are in the book before the first is rung: one that fails at once must not look like the last.
        conversation.rung.extend(devices)
        if not self.deadlines.is_set(conversation, "no answer"):
            self.deadlines.set(conversation, "no answer", now + RINGS_AT_MOST)
        for device, binding in zip(devices, bindings, strict=True):
            self._ring(conversation, device, binding)

    def _ring(self, conversation: Conversation, device: Device, binding: Binding) -> None:
        def ready(sdp: bytes | None) -> None:
            if sdp is None or device not in conversation.rung:
                return  # the caller gave up, or another device answered, while the offer was made
            caller = Uri("sip", device.number, None, "office.invalid")
            account = Account(
                caller,
                "",
                "",
                Uri("sip", None, None, binding.flow.remote[0]),
                binding.flow.remote,
                binding.flow.transport,
            )
            call = self._agent.invite(account, binding.uri, sdp, self._clock(), contact_user=device.number)
            self._devices[call] = device
            device.call = call
            self.stir()

        device.then = ready
        device.media.make_offer()

    # INVITE with Replaces.

    def _take_over(
        self, call: Call, device: Device, replaces: ReplacesHeader, offer: bytes, now: float
    ) -> None:
        """The device wants the place of another of the same extension; a dialog that is dead or strange is refused with 603."""
        old = self._find(replaces)
        if old is None or old.name != device.name:
            call.reject(603, now)
            return
        device.number = old.number
        self._devices[call] = device
        device.call = call

        def ready(sdp: bytes | None) -> None:
            self._took_over(old, device, sdp)
            self.stir()

        device.then = ready
        device.media.take_offer(offer)

    def _took_over(self, old: Device, device: Device, sdp: bytes | None) -> None:
        now = self._clock()
        conversation = self.conversation_of(old)
        if sdp is None or conversation is None or old.call is None:
            device.release(Release(488 if sdp is None else 603), now)
            return
        device.answered(now)
        conversation.swap(old, device)
        old.release(Release(), now)

    def _find(self, replaces: ReplacesHeader) -> Device | None:
        for call, device in self._devices.items():
            wanted = (replaces.call_id, replaces.to_tag, replaces.from_tag)
            if (call.id, call.local_tag, call.remote_tag) == wanted and call.state is CallState.CONFIRMED:
                return device
        return None
