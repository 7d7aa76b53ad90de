"""The exchange: a registrar and a back-to-back user agent over our own `sip` (RFC 7092's "B2BUA").

Reads the user agent's events, keeps conversations, lets customers answer, refuse or hang up when their time comes. How calls begin is
in `dialing.py`; sound is a port (`media.py`). Holds no socket: the shell hands datagrams to the agent, gives its events to `deliver`,
and `handle_timer` at `next_deadline`.

Invariants: every SIP call that lives belongs to at most one device, every device to at most one conversation; a conversation whose
one party is gone ends for the other.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from sandbox.customers import Directory
from sandbox.pbx.conversation import Conversation
from sandbox.pbx.dialing import Dialing
from sandbox.pbx.media import Media
from sandbox.pbx.parties import NO_ANSWER, NORMAL, Device, Release
from sandbox.pbx.people import People
from sandbox.pbx.registrar import Binding, Registrar
from sandbox.pbx.views import CallView, ContactView, LineView, Sound
from sip.agent import UserAgent
from sip.call import CallState
from sip.events import (
    CallAnswered,
    CallEnded,
    CallProceeding,
    CallReceived,
    Event,
    OfferReceived,
    RequestReceived,
)

BROWSER_DEVICES: Final = ("Trubka",)  # how softphones in browsers call themselves: they are offered WebRTC

EventT = TypeVar("EventT", bound=Event)


class Exchange:
    """A small telephone exchange. See `Switchboard` for what the controls ask of it.

    Args:
        agent: made with `methods={"REGISTER"}`.
        clock: seconds of the same clock as the `now` that the shell gives to the agent.
        stir: called when media made something to send outside of any datagram or timer.
    """

    def __init__(
        self,
        agent: UserAgent,
        registrar: Registrar,
        directory: Directory,
        media: Media,
        people: People,
        clock: Callable[[], float],
        stir: Callable[[], None] = lambda: None,
    ) -> None:
        self._registrar = registrar
        self._clock = clock
        self._dialing = Dialing(agent, registrar, directory, media, people, clock, stir, is_browser)

    # What the shell drives.

    def deliver(self, events: list[Event], now: float) -> None:
        """Act on what the user agent has to tell; may leave output in it, and more to tell."""
        for event in events:
            self._handle(event, now)

    def next_deadline(self) -> float | None:
        return self._dialing.deadlines.next_deadline()

    def handle_timer(self, now: float) -> None:
        """Customers answer and hang up; callers give up; devices that nobody answers stop ringing."""
        for conversation, name in self._dialing.deadlines.due(now):
            if name == "answers":
                self._dialing.customer_answers(conversation, now)
            else:
                reasons = NORMAL if name == "hangs up" else NO_ANSWER
                self._end(conversation, Release(480, reasons), now)

    def tick(self) -> None:
        """Let the customers hear their next 20 ms."""
        for conversation in self._dialing.conversations.values():
            for person in conversation.people:
                person.tick()

    def close(self, now: float) -> None:
        """Hang up everywhere."""
        for conversation in list(self._dialing.conversations.values()):
            self._end(conversation, Release(), now)

    # What the controls ask (Switchboard).

    def lines(self) -> tuple[LineView, ...]:
        now = self._clock()
        return tuple(
            LineView(extension, tuple(_contact(binding, now) for binding in bindings))
            for extension, bindings in self._registrar.everyone(now)
        )

    def calls(self) -> tuple[CallView, ...]:
        return tuple(conversation.view() for conversation in self._dialing.conversations.values())

    def call_in(self, customer: str, extension: str) -> str:
        return self._dialing.call_in(customer, extension)

    def hang_up(self, call_id: str) -> bool:
        conversation = self._dialing.conversations.get(call_id)
        if conversation is None:
            return False
        self._end(conversation, Release(), self._clock())
        self._dialing.stir()
        return True

    def heard(self, party: str) -> Sound | None:
        for conversation in self._dialing.conversations.values():
            for person in conversation.people:
                if person.name == party:
                    other = conversation.other(person)
                    digits = other.media.pressed if isinstance(other, Device) else ""
                    return replace(person.heard.sound(), digits=digits)
        return None

    # Events.

    def _handle(self, event: Event, now: float) -> None:
        match event:
            case RequestReceived(transaction, request, flow):
                transaction.respond(self._registrar.register(request, flow, now), now)
            case CallReceived(call):
                self._dialing.received(call, now)
            case CallProceeding(call):
                self._proceeding(self._dialing.device_of(call), now)
            case CallAnswered(call):
                self._answered(event, now)
            case OfferReceived(call, sdp):
                self._offered(self._dialing.device_of(call), sdp, now)
            case CallEnded(call):
                self._ended(event, now)
            case _:
                pass  # what is confirmed, refreshed or refused changes nothing here

    def _proceeding(self, device: Device | None, now: float) -> None:
        conversation = self._dialing.conversation_of(device)
        if conversation is not None:
            conversation.caller.ring(now)

    def _answered(self, event: CallAnswered, now: float) -> None:
        """The first 200 wins; one that comes when the conversation has its callee, or is over, is ended."""
        if event.call.state is not CallState.ANSWERED:
            return  # it was let go by an event before this one
        device = self._dialing.device_of(event.call)
        conversation = self._dialing.conversation_of(device)
        if device is None or conversation is None or device not in conversation.rung or event.sdp is None:
            event.call.acknowledge(now)
            event.call.bye(now)
            return
        event.call.acknowledge(now)
        device.media.take_answer(event.sdp)
        self._dialing.deadlines.cancel(conversation, "no answer")
        conversation.connect(device, now)
        self._dialing.begin_talk(conversation, now)

    def _offered(self, device: Device | None, sdp: bytes | None, now: float) -> None:
        conversation = self._dialing.conversation_of(device)
        if device is None or conversation is None:
            return  # its BYE is under way, and answers the offer by ending the session
        if device.change(sdp, now):
            conversation.route()

    def _ended(self, event: CallEnded, now: float) -> None:
        device = self._dialing.forget(event.call)
        conversation = self._dialing.conversation_of(device)
        if device is None:
            return
        device.released = True
        device.media.close()
        if conversation is None:
            return
        if device not in conversation.rung:
            self._end(conversation, Release(reasons=event.reasons or NORMAL), now, but=device)
        elif conversation.refused(device, event.status):
            self._end(conversation, Release(conversation.verdict, event.reasons), now)

    def _end(self, conversation: Conversation, how: Release, now: float, but: Device | None = None) -> None:
        self._dialing.deadlines.cancel(conversation)
        del self._dialing.conversations[conversation.id]
        conversation.end(how, now, but)


def _contact(binding: Binding, now: float) -> ContactView:
    return ContactView(
        binding.device, str(binding.uri), is_browser(binding.device), round(binding.expires_at - now, 3)
    )


def is_browser(device: str) -> bool:
    """Whether a device that calls itself so is a softphone in a browser."""
    return device.startswith(BROWSER_DEVICES)
