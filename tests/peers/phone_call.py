"""One call on the tests' phone: its dialog (RFC 3261 §12), its state and its sound.

States: calling → ringing → talking → ended; an ended call stays ended. `phone.py` finds the call that a message belongs to.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from tests.peers import sdp_text
from tests.peers.sip_text import Header, Message, address, parameter
from tests.peers.sound import Sound
from tests.peers.waiting import PATIENCE

if TYPE_CHECKING:
    from tests.peers.phone import Phone

State = Literal["calling", "ringing", "talking", "ended"]
_MIRRORED = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


class PhoneCall:
    """What a play asks of a call: `state`, `status` (final), `ended_by`, `reasons` (Reason headers), `sound`, `methods`."""

    def __init__(
        self, phone: "Phone", *, direction: Literal["in", "out"], number: str, caller: str, call_id: str
    ) -> None:
        self.phone = phone
        self.direction = direction
        self.number = number
        self.caller = caller
        self.call_id = call_id
        self.state: State = "calling"
        self.status = 0
        self.ended_by: Literal["us", "them"] | None = None
        self.reasons: list[str] = []
        self.methods: list[str] = []  # of the requests received inside the dialog, in order
        self.early_media = False
        self.sound = Sound(phone.frequency)
        self.local = self.remote = self.target = ""  # From and To as header values; the peer's Contact
        self.local_tag = secrets.token_hex(6)
        self.routes: list[str] = []
        self.body: bytes | None = None  # when set, sent as it is instead of our own description
        self.remote_body = b""
        self._invite: Message | None = None  # the unanswered one, ours or theirs
        self._confirmed = asyncio.Event()
        self._cseq = secrets.randbelow(1000)
        self.version = 0
        self._changed = asyncio.Event()

    @property
    def remote_tag(self) -> str:
        return parameter(self.remote, "tag")

    # Waiting

    async def until(self, met: Callable[["PhoneCall"], bool], within: float = PATIENCE) -> "PhoneCall":
        """Wait until a condition on this call is met."""
        try:
            async with asyncio.timeout(within):
                while not met(self):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"{self}: the awaited did not come within {within} s") from None
        return self

    async def until_ringing(self, within: float = PATIENCE) -> "PhoneCall":
        return await self.until(lambda call: call.state != "calling", within)

    async def until_answered(self, within: float = PATIENCE) -> "PhoneCall":
        await self.until(lambda call: call.state in ("talking", "ended"), within)
        assert self.state == "talking", f"{self} ended instead of being answered"
        return self

    async def until_ended(self, within: float = PATIENCE) -> "PhoneCall":
        return await self.until(lambda call: call.state == "ended", within)

    async def until_hears(self, frequency: float, *, within: float = PATIENCE, alone: bool = True) -> None:
        await self.sound.until_hears(frequency, within=within, alone=alone)

    async def until_silent(self, *, within: float = PATIENCE) -> None:
        await self.sound.until_silent(within=within)

    # Steering

    def ring(self) -> None:
        self._respond(180, "Ringing")
        self._enter("ringing")

    def answer(self) -> None:
        """Answer an incoming call; nothing happens when it has ended meanwhile."""
        if self.direction == "in" and self.state in ("calling", "ringing") and self._invite is not None:
            self._accept(self._invite)
            self._enter("talking")

    def refuse(self, status: int = 486, reason: str = "Busy Here") -> None:
        self._respond(status, reason)
        self._end("us", status)

    async def cancel(self) -> None:
        """Give up an outgoing call that nobody has answered (§9.1: not before a provisional answer)."""
        await self.until(lambda call: call.status > 0)
        invite = self._invite
        assert invite is not None, f"{self} has no INVITE to cancel"
        self.ended_by = "us"
        kept = ("Via", "Max-Forwards", "From", "To", "Call-ID", "Route")
        headers = [pair for pair in invite.headers if pair[0] in kept]
        number = invite["CSeq"].split()[0]
        cancel = Message(f"CANCEL {invite.uri} SIP/2.0", [*headers, ("CSeq", f"{number} CANCEL")])
        await self.phone.socket.exchange(cancel, self.phone.registrar)

    async def hang_up(self) -> None:
        """BYE; returns with the answer to it."""
        self._end("us", self.status)
        await self.ask("BYE")

    async def hold(self, direction: str = "sendonly") -> Message:
        """Put the other side on hold, or (`sendrecv`) take it back, by re-INVITE; the answer, which must be 200."""
        answer = await self.offer_again(self._describe(direction))
        assert answer.status == 200, f"{self}: {direction} was answered {answer.start}"
        return answer

    async def offer_again(self, body: bytes) -> Message:
        """A re-INVITE with this description; the final answer, acknowledged and obeyed."""
        answer = await self.ask("INVITE", body)
        if 200 <= answer.status < 300:
            self._hear(answer.body)
            self.acknowledge(answer)
        return answer

    def press(self, digits: str) -> None:
        """Send digits as telephone-events, one after the other."""
        self.sound.press(digits)

    async def ask(self, method: str, body: bytes = b"", headers: list[Header] | None = None) -> Message:
        """A request inside the dialog; the final answer."""
        return await self.phone.socket.ask(
            lambda extra: self._request(method, body, [*(headers or []), *extra]),
            self.phone.next_hop(self),
            self.phone.credentials,
        )

    async def invite_them(self, headers: list[Header]) -> None:
        """The outgoing INVITE from its first packet to its final answer; started by `Phone.dial`."""
        offer = self._describe()

        def build(extra: list[Header]) -> Message:
            self._invite = self._request("INVITE", offer, [*headers, *extra])
            return self._invite

        phone = self.phone
        answer = await phone.socket.ask(build, phone.registrar, phone.credentials, self._take_provisional)
        if answer.status < 300:
            self.status = answer.status
            self.remote = answer["To"]
            self.routes = list(reversed(answer.all("Record-Route")))
            self.target = address(answer["Contact"])
            self._hear(answer.body)
            self.acknowledge(answer)
            self._enter("talking")
            if self.ended_by == "us":  # our CANCEL crossed their 200
                await self.hang_up()
        else:
            self.reasons.extend(answer.all("Reason"))
            self._end("them", answer.status)

    def acknowledge(self, answer: Message) -> None:
        """The ACK of a 2xx: a request of its own to the dialog's target (§13.2.2.4)."""
        number = answer["CSeq"].split()[0]
        ack = self._request("ACK", number=int(number))
        self.phone.socket.send(ack, self.phone.next_hop(self))

    # What comes

    def born_of(self, invite: Message) -> None:
        """Take the dialog's ids from the INVITE that calls us."""
        self._invite = invite
        self.remote, self.local = invite["From"], f"{invite['To']};tag={self.local_tag}"
        self.target = address(invite["Contact"])
        self.routes = invite.all("Record-Route")

    def take_request(self, request: Message) -> None:
        """A request that belongs to this call."""
        self.methods.append(request.method)
        self.reasons.extend(request.all("Reason"))
        method = request.method
        if method == "ACK":
            self._confirmed.set()
        elif method == "CANCEL":
            self._reply(request, 200, "OK")
            if self.state in ("calling", "ringing"):
                self._respond(487, "Request Terminated")
                self._end("them", 487)
        elif method == "BYE":
            self._reply(request, 200, "OK")
            self._end("them", self.status)
        elif self.state == "ended":
            self._reply(request, 481, "Call/Transaction Does Not Exist")
        elif method == "INVITE":
            self.target = address(request["Contact"]) or self.target
            self._accept(request)
        else:  # UPDATE, OPTIONS, INFO, NOTIFY
            body = self._answer(request.body) if method == "UPDATE" and request.body else b""
            self._reply(request, 200, "OK", body)
        self._changed.set()

    def _take_provisional(self, answer: Message) -> None:
        self.status = answer.status
        self._changed.set()
        if answer.status > 100:
            self.early_media = self.early_media or bool(answer.body)
            self._hear(answer.body)
            self._enter("ringing")

    # The door of the state, and the messages

    def _enter(self, state: State) -> None:
        if self.state != "ended":
            self.state = state
        self._changed.set()

    def _end(self, by: Literal["us", "them"], status: int) -> None:
        if self.state != "ended":
            self.ended_by = self.ended_by or by
            self.status = status
            self._enter("ended")
            self.phone.spawn(self.sound.close())

    def _accept(self, invite: Message) -> None:
        self.status = 200
        self._confirmed.clear()
        response = self._reply(invite, 200, "OK", self._answer(invite.body))
        self.phone.spawn(self._repeat_until_confirmed(invite, response))

    async def _repeat_until_confirmed(self, invite: Message, response: Message) -> None:
        """A 200 is repeated by us until its ACK comes, not by the transaction (§13.3.1.4)."""
        for wait in (0.5, 1, 2, 4, 4, 4, 4, 4):
            try:
                async with asyncio.timeout(wait):
                    await self._confirmed.wait()
                return
            except TimeoutError:
                self.phone.socket.reply(invite, response)

    def _respond(self, status: int, reason: str) -> None:
        assert self._invite is not None, f"{self} has no INVITE to answer"
        self._reply(self._invite, status, reason)

    def _reply(self, request: Message, status: int, reason: str, body: bytes = b"") -> Message:
        extra: list[Header] = [("Contact", f"<{self.phone.contact}>")]
        if body:
            extra.append(("Content-Type", "application/sdp"))
        response = request.reply(status, reason, self.local_tag, extra, body)
        self.phone.socket.reply(request, response)
        return response

    def _request(
        self, method: str, body: bytes = b"", extra: list[Header] | None = None, number: int | None = None
    ) -> Message:
        if number is None:
            self._cseq += 1
        headers: list[Header] = [
            *(("Route", route) for route in self.routes),
            ("Max-Forwards", "70"),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{number or self._cseq} {method}"),
            ("Contact", f"<{self.phone.contact}>"),
            ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO"),
            *([("Content-Type", "application/sdp")] if body else []),
            *(extra or []),
        ]
        return Message(f"{method} {self.target} SIP/2.0", headers, body)

    # Sound

    def _describe(self, direction: str = "sendrecv", only: int | None = None) -> bytes:
        self.version += 1
        own = sdp_text.describe(self.sound, version=self.version, direction=direction, only=only)
        return self.body or own

    def _answer(self, body: bytes) -> bytes:
        """Our answer to their description, which we also obey; to none, our offer."""
        self._hear(body)
        if not body:
            return self._describe()
        direction = _MIRRORED.get(sdp_text.read(body).direction, "sendrecv")
        return self._describe(direction, self.sound.payload_type)

    def _hear(self, body: bytes) -> None:
        """Send our sound where their description says, or stop when it says so."""
        self.remote_body = body or self.remote_body
        if body and self.body is None:
            heard = sdp_text.read(body)
            self.sound.remote = heard.remote
            self.sound.events_type = heard.events_type
            self.sound.speaking = heard.direction in ("sendrecv", "recvonly")
            if heard.payload_type is not None:
                self.sound.payload_type = heard.payload_type

    def __repr__(self) -> str:
        return (
            f"<call {self.direction} {self.caller}→{self.number} {self.state}, status {self.status}, "
            f"ended by {self.ended_by}, reasons {self.reasons}, {self.sound.describe()}>"
        )
