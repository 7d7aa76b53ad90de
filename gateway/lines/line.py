"""One extension in softphone mode: its registration, its legs, and the commands that they are given (design 3.2).

It lives as long as the account is owned, whether or not a browser is there. Knows no users and no tabs beyond their names; what
SIP says is turned into facts by `translate`. Commands are given only when the office has found them allowed.

Invariants: every SIP call of the extension is one leg here until it ends; a command changes nothing that a user sees, the fact
that confirms it does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from gateway.calls.facts import CallBegan, LegDoubted, LegJoined
from gateway.clock import Clock
from gateway.limits import Limits
from gateway.lines import translate
from gateway.lines.effects import Effects
from gateway.lines.journal import ANSWERING
from gateway.lines.leg import SipLeg
from gateway.lines.ringing import RingInput
from gateway.media import direct
from gateway.media.port import Media
from gateway.numbers import Numbering
from protocol.codes import Cause, Code
from protocol.entities import End, LineState, Party
from protocol.entities import Line as LineShown
from sip.account import Account
from sip.agent import UserAgent
from sip.call import Call
from sip.events import Event, Registered, RegistrationFailed, RequestReceived, Unregistered
from sip.headers import ReplacesHeader
from sip.registration import Registration
from sip.uri import Uri

# RFC 3261 §21.4.24: only this device is busy. A 6xx would end the ringing of the extension's other devices (§16.7), 480 and 403
# make some PBXs try the extension again.
BUSY_HERE: Final = 486


@dataclass(frozen=True, slots=True)
class Extension:
    """One PBX line as the gateway needs it.

    Args:
        number: what colleagues dial, as "101".
        user_id: whose it is; None: nobody's yet.
        account: its SIP account; None: it is only observed.
        replaces_to: a number dialable in the line's context, for INVITE with Replaces (`pbx-facts`); its own where empty.
    """

    account_id: int
    number: str
    label: str
    user_id: int | None
    account: Account | None = field(repr=False)
    replaces_to: str = ""


class Line:
    """The softphone of one extension.

    Args:
        extension: which.
        agent: the process's SIP user agent.
        effects: where facts, descriptions and records go.
        clock: where deadlines go.
        limits: how long it waits.
        numbering: how numbers are read.
        new_id: gives the id of a new call.
        media: how sound is described.
    """

    __slots__ = (
        "agent",
        "clock",
        "effects",
        "extension",
        "legs",
        "limits",
        "media",
        "new_id",
        "numbering",
        "reason",
        "registration",
        "state",
    )

    def __init__(
        self,
        extension: Extension,
        agent: UserAgent,
        effects: Effects,
        clock: Clock,
        limits: Limits,
        numbering: Numbering,
        new_id: Callable[[], str],
        media: Media = direct,
    ) -> None:
        self.extension = extension
        self.agent = agent
        self.effects = effects
        self.clock = clock
        self.limits = limits
        self.numbering = numbering
        self.new_id = new_id
        self.media = media
        self.legs: dict[str, SipLeg] = {}
        self.registration: Registration | None = None
        self.state: LineState = "off"
        self.reason: Code | None = None if extension.account else Code.OBSERVER_ONLY

    # --- the registration -------------------------------------------------------------------------------------------

    def register(self, now: float, pause: float = 0.0) -> None:
        """Begin to be reachable, after a pause of so many seconds."""
        account = self.account
        # The same Contact after a restart: what the PBX sends to the registration of an earlier life finds its line.
        mark = blake2b(
            str(account.uri).encode(), key=account.password.encode()[:64], digest_size=12
        ).hexdigest()
        self.registration = self.agent.register(account, now, owner=self, contact_user=mark, pause=pause)
        self._become("registering", None)

    def unregister(self, now: float) -> None:
        """Take our address back from the PBX; calls in progress go on."""
        if self.registration is not None:
            self.registration.unregister(now)

    @property
    def account(self) -> Account:
        """The SIP account of a softphone extension."""
        assert self.extension.account is not None, "an extension that is only observed has no SIP account"
        return self.extension.account

    @property
    def softphone(self) -> bool:
        """Whether the browser can carry its calls."""
        return self.extension.account is not None

    def shown(self) -> LineShown:
        """The line as pages see it."""
        extension = self.extension
        return LineShown(
            extension.number, extension.label or extension.number, self.softphone, self.state, self.reason
        )

    def _become(self, state: LineState, reason: Code | None) -> None:
        if (state, reason) != (self.state, self.reason):
            self.state, self.reason = state, reason
            self.effects.lines.add(self.extension.number)

    # --- what SIP says ----------------------------------------------------------------------------------------------

    def receive(self, event: Event, now: float) -> None:
        """Take an event of this line's registration or of one of its calls."""
        match event:
            case Registered():
                first = self.state == "registering"
                self._become("registered", None)
                if not first:
                    self._probe_all(now)
            case RegistrationFailed():
                self._become("failed", translate.line_reason(event.status))
                if event.status is None:
                    self._doubt_all(now)
            case Unregistered():
                self._become("off", Code.LINE_OFF)
            case RequestReceived():
                raise AssertionError("the gateway asks its user agent for no requests outside dialogs")
            case _:
                translate.take(self, event, now)

    def _probe_all(self, now: float) -> None:
        """Whoever has just come back may have forgotten our calls."""
        running = [leg for leg in self.legs.values() if leg.confirmed]
        for place, leg in enumerate(running):
            leg.probe_at(now + place * self.limits.probe_pace_s)

    def _doubt_all(self, now: float) -> None:
        self.effects.facts.extend(LegDoubted(leg.ref, now) for leg in self.legs.values() if leg.confirmed)

    # --- commands ---------------------------------------------------------------------------------------------------

    def dial(
        self, conversation: str, target: Uri, party: Party, offer: bytes, tab: str, now: float
    ) -> SipLeg:
        """Call a target (`address`) with the page's offer."""
        call = self.agent.invite(self.account, target, offer, now)
        leg = self.adopt(SipLeg(self, call, conversation, "out", party, now))
        leg.take_page(offer, tab)
        number = self.extension.number
        self.effects.facts.append(CallBegan(leg.ref, now, number, "out", party, leg.device, conversation))
        leg.write_down()
        return leg

    def answer(self, leg: SipLeg, sdp: bytes, tab: str, now: float) -> None:
        """Take an incoming call with the page's answer: 200 leaves when that is written down."""
        leg.ring(RingInput.TAKEN, now)
        leg.take_page(sdp, tab)
        leg.phase = ANSWERING
        leg.write_down(wait=True)

    def reject(self, leg: SipLeg, now: float) -> None:
        """Not here; the extension's other devices go on ringing."""
        leg.verdict = End(by="us", cause=Cause.REJECTED, status=BUSY_HERE)
        leg.call.reject(BUSY_HERE, now)

    def give_up(self, leg: SipLeg, now: float) -> None:
        """Nobody came back to the call."""
        leg.verdict = End(by="nobody", cause=Cause.NOBODY_CAME_BACK)
        leg.hang_up(now)

    def mute(self, leg: SipLeg, on: bool) -> None:
        """Remember what the page did to its microphone."""
        leg.muted = on
        if leg.confirmed:
            leg.write_down()

    def reattach(self, leg: SipLeg, offer: bytes, tab: str, now: float) -> None:
        """Bring the sound into a fresh page, after the hold that is under way."""
        if leg.holding.under_way:
            leg.reattach_wanted = (offer, tab)
        else:
            self.replace(leg, offer, tab, now)

    def replace(self, leg: SipLeg, offer: bytes, tab: str, now: float) -> None:
        """INVITE with Replaces (RFC 3891): the PBX cannot change the DTLS identity of a dialog, so there is a new one."""
        if not leg.confirmed:
            return
        old = leg.call
        call = self.agent.invite(
            self.account,
            self.address(self.extension.replaces_to or self.extension.number),
            offer,
            now,
            replaces=ReplacesHeader(old.id, to_tag=old.remote_tag, from_tag=old.local_tag),
            wait=True,
        )
        new = self.adopt(SipLeg(self, call, leg.conversation, leg.direction, leg.party, leg.began_at, leg))
        new.take_page(offer, tab)
        new.muted, new.answered_at = leg.muted, leg.answered_at
        new.held_for = leg.held_for - {"absence"}
        leg.successor = new
        self.effects.facts.append(LegJoined(new.ref, now, leg.ref, new.device))
        # A 200 that nobody remembers is ended, and with it the customer, whose old dialog is gone by then: the row comes first.
        new.write_down(wait=True)

    def address(self, number: str) -> Uri:
        """A number at this line's PBX.

        Raises:
            LocalProtocolError: it cannot stand in a SIP URI.
        """
        home = self.account.uri
        target = Uri("sip", number, None, home.host, home.port)
        str(target)  # is where a URI refuses what may not be in it
        return target

    # --- legs -------------------------------------------------------------------------------------------------------

    def name_of(self, call: Call) -> str:
        """The name of a call's leg: its Call-ID, which the PBX knows too.

        With our tag where two legs have the same one: a PBX that is a proxy connects two of our extensions so.
        """
        return call.id if call.id not in self.effects.legs else f"{call.id};{call.local_tag}"

    def adopt(self, leg: SipLeg) -> SipLeg:
        """Keep a leg until it ends."""
        self.legs[leg.ref.id] = leg
        self.effects.legs.add(leg.ref.id)
        return leg

    def let_go(self, leg: SipLeg) -> None:
        """The leg has ended: nothing of it is left here or in the journal."""
        del self.legs[leg.ref.id]
        self.effects.legs.discard(leg.ref.id)
        self.clock.cancel(leg)
        if leg.written is not None:
            self.effects.gone.append(leg.ref.id)


def owner_of(event: Event) -> Line | None:
    """The line that an event of the user agent is about; None: nobody's, as an INVITE to a Contact that is not ours.

    Whoever hands events out (`main`) finds the office by `line.extension.account_id`, and answers 404 to a call of nobody's.
    """
    subject = getattr(event, "call", None) or getattr(event, "registration", None)
    owner = getattr(subject, "owner", None)
    if isinstance(owner, SipLeg):
        return owner.line
    return owner if isinstance(owner, Line) else None
