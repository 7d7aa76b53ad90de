"""One leg of ours: a SIP call, the page's description of its sound, our hold, its ring, and what is written down of it.

It does what its tables say (`Holding`, `Ringing`) and keeps the journal's promise; it decides nothing about users or pages.

Invariants
- The ACK for their 200, our 200, and an INVITE that takes a dialog's place leave in `saved`, after the record is on disk.
- What is offered in the page's name is the page's last own description, each time with a higher version.
- Our hold is wanted as long as anybody wants it ("agent", "absence"), and is sent once.
"""

from typing import TYPE_CHECKING, Final

from gateway.calls.facts import CommandFailed, LegEnded, LegHeld, LegRef, LegResumed
from gateway.lines.holding import Hold, Holding, HoldInput
from gateway.lines.journal import ANSWERING, DIALING, INCOMING, TALKING, Phase, Record, Wish
from gateway.lines.ringing import Ring, Ringing, RingInput
from protocol.codes import Cause, Code
from protocol.entities import Device, Direction, End, Party
from sip.call import Call, CallState
from sip.headers import Reason

if TYPE_CHECKING:
    from gateway.lines.line import Line

AFTER_RESTART: Final = 100
"""A description's version skips ahead like a dialog's CSeq: what was sent last may not have been written down."""


class SipLeg:
    """One SIP call of a line.

    Args:
        line: the extension's.
        call: the SIP call; its owner becomes this leg.
        conversation: our id of the call.
        began_at: when the conversation began.
        instead_of: the leg whose place this one is to take.
    """

    __slots__ = (
        "answered_at",
        "began_at",
        "call",
        "conversation",
        "direction",
        "heard_early",
        "held_by_them",
        "held_for",
        "holding",
        "instead_of",
        "line",
        "muted",
        "page",
        "party",
        "peer",
        "phase",
        "reattach_wanted",
        "ref",
        "ringing",
        "successor",
        "tab",
        "verdict",
        "version",
        "written",
    )

    def __init__(
        self,
        line: "Line",
        call: Call,
        conversation: str,
        direction: Direction,
        party: Party,
        began_at: float,
        instead_of: "SipLeg | None" = None,
    ) -> None:
        self.line = line
        self.call = call
        call.owner = self
        self.ref = LegRef("sip", line.name_of(call))
        self.conversation = conversation
        self.direction = direction
        self.party = party
        self.began_at = began_at
        self.answered_at: float | None = None
        self.phase: Phase = DIALING if call.direction == "out" else INCOMING
        self.tab = ""
        # The page's last own description, and the version that was last sent in its name.
        self.page = b""
        self.version = 0
        # The PBX's last description of a session that was agreed on.
        self.peer: bytes | None = None
        self.heard_early = False
        self.muted = False
        self.holding = Holding(self)
        self.held_for: set[Wish] = set()
        self.held_by_them = False
        self.ringing: Ringing | None = None
        self.instead_of = instead_of
        self.successor: SipLeg | None = None
        # A reload that has to wait until the hold under way is answered: the page's offer and its tab.
        self.reattach_wanted: tuple[bytes, str] | None = None
        # What the end will be called when it comes, where SIP alone does not know.
        self.verdict: End | None = None
        # The INVITE as it was last written down; None: nothing was.
        self.written: bytes | None = None

    @property
    def device(self) -> Device:
        """Where our end lives."""
        return Device(kind="browser", tab=self.tab) if self.tab else Device(kind="none")

    @property
    def confirmed(self) -> bool:
        """Whether requests can be sent in the dialog."""
        return self.call.state is CallState.CONFIRMED

    # --- the page's description -------------------------------------------------------------------------------------

    def take_page(self, sdp: bytes, tab: str) -> None:
        """The page has described its sound."""
        self.page, self.tab = sdp, tab
        self.version = self.line.media.version_of(sdp)

    def next_version(self) -> int:
        """The version for the next description in the page's name."""
        self.version += 1
        return self.version

    # --- our hold (`holding.Held`) ----------------------------------------------------------------------------------

    def want_hold(self, wish: Wish, now: float) -> None:
        """Somebody wants the customer to hear music."""
        self.held_for.add(wish)
        self.holding.step(HoldInput.HOLD, now)

    def end_hold(self, wish: Wish, now: float) -> None:
        """Somebody no longer wants it; the last one lets go."""
        self.held_for.discard(wish)
        if not self.held_for:
            self.holding.step(HoldInput.RESUME, now)

    def send_hold(self, now: float) -> None:
        if self.confirmed:
            self.call.reinvite(self.line.media.held(self.page, self.next_version()), now)
            self.write_down()

    def send_resume(self, now: float) -> None:
        if self.confirmed:
            self.call.reinvite(self.line.media.resumed(self.page, self.next_version()), now)
            self.write_down()

    def tell_held(self, now: float) -> None:
        self.line.effects.facts.append(LegHeld(self.ref, now, "us"))
        self._settle_reattach(now)

    def tell_resumed(self, now: float) -> None:
        self.line.effects.facts.append(LegResumed(self.ref, now, "us"))
        self._settle_reattach(now)

    def tell_hold_failed(self, now: float) -> None:
        self.held_for.clear()
        self.line.effects.facts.append(CommandFailed(self.ref, now, "hold", Code.HOLD_FAILED))
        self.write_down()
        self._settle_reattach(now)

    def tell_resume_failed(self, now: float) -> None:
        self.held_for.add("agent")
        self.line.effects.facts.append(CommandFailed(self.ref, now, "resume", Code.RESUME_FAILED))
        self.write_down()
        self._settle_reattach(now)

    def _settle_reattach(self, now: float) -> None:
        if self.reattach_wanted is not None and not self.holding.under_way:
            (offer, tab), self.reattach_wanted = self.reattach_wanted, None
            self.line.replace(self, offer, tab, now)

    # --- its ring (`ringing.Rung`) ----------------------------------------------------------------------------------

    def begin_ringing(self, now: float, state: Ring = Ring.UNHEARD) -> None:
        """An INVITE came in: wait for a page."""
        limits = self.line.limits
        self.ringing = Ringing(self, limits.ring_ack_s, limits.blip_s + limits.ring_ack_s, state)
        self.ringing.begin(now)

    def ring(self, event: RingInput, now: float) -> None:
        """Something happened that concerns the ring, if there is one."""
        if self.ringing is not None:
            self.ringing.step(event, now)

    def tell_ringing(self, now: float) -> None:
        self.call.ring(now)
        self.line.clock.set(self, "keep", now + self.line.limits.ring_kept_s)

    def pass_on(self, now: float) -> None:
        self.verdict = End(by="nobody", cause=Cause.MISSED, status=480)
        self.call.reject(480, now)

    def set_ring_deadline(self, at: float | None) -> None:
        if at is None:
            self.line.clock.cancel(self, "ring")
        else:
            self.line.clock.set(self, "ring", at)

    # --- the journal ------------------------------------------------------------------------------------------------

    def write_down(self, *, wait: bool = False) -> None:
        """Put the leg as it is now into the journal; `wait`: `saved` is called when that is done."""
        if self.call.state is CallState.ENDED:
            return
        saved = self.call.dump(self.page if self.phase == ANSWERING else None)
        self.written = saved.invite
        record = Record(
            id=self.ref.id,
            account=self.line.extension.account_id,
            call=self.conversation,
            extension=self.line.extension.number,
            phase=self.phase,
            direction=self.direction,
            party=self.party,
            began_at=self.began_at,
            answered_at=self.answered_at,
            tab=self.tab,
            held=self.holding.held,
            held_for=tuple(sorted(self.held_for)),
            held_by_them=self.held_by_them,
            muted=self.muted,
            replaces=self.instead_of.ref.id if self.instead_of is not None else "",
            saved=saved,
        )
        self.line.effects.save(record, self if wait else None)

    def saved(self, now: float) -> None:
        """The record is on disk: now the PBX may know."""
        if self.phase == ANSWERING and self.call.state in (CallState.RECEIVED, CallState.RINGING):
            self.call.accept(self.page, now)
        elif self.call.state is CallState.IDLE:
            self.call.start(now)
        elif self.call.state is CallState.ANSWERED:
            self.call.acknowledge(now)
            self.become_confirmed(now)
            self.write_down()

    def become_confirmed(self, now: float) -> None:
        """Requests can be sent in the dialog: what was wanted meanwhile is done."""
        self.phase = TALKING
        self.probe_later(now)
        self.holding.step(HoldInput.CONFIRMED, now)
        if self.held_for and not self.holding.held:
            # A leg that took another's place: what the agent held stays held.
            self.holding.step(HoldInput.HOLD, now)

    # --- time -------------------------------------------------------------------------------------------------------

    def probe_later(self, now: float) -> None:
        """Ask the PBX in a while whether it still knows the call."""
        self.line.clock.set(self, "probe", now + self.line.limits.probe_s)

    def probe_at(self, at: float) -> None:
        """Ask it at a certain moment."""
        self.line.clock.set(self, "probe", at)

    def handle_timer(self, name: str, now: float) -> None:
        if name == "ring":
            self.ring(RingInput.TIMER, now)
        elif name == "keep" and self.phase == INCOMING:
            self.write_down()
        elif name == "probe":
            self.probe_later(now)
            if self.confirmed:
                self.call.update(now)
        elif name == "old leg" and self.confirmed:
            # The PBX has answered the new leg and left this one alone.
            self.call.bye(now, (Reason("SIP", 200, "Replaced"),))
        elif name == "late answer" and self.call.state in (
            CallState.IDLE,
            CallState.CALLING,
            CallState.PROCEEDING,
        ):
            self._give_up_joining(now)

    def _give_up_joining(self, now: float) -> None:
        """The answer to a reload's INVITE did not come. The page need not wait until the PBX has said so, too: it may ask anew."""
        self.call.cancel(now)
        old = self.instead_of
        if old is not None and old.successor is self:
            old.successor = None
            end = End(by="nobody", cause=Cause.GATEWAY_RESTARTED)
            self.line.effects.facts += (
                LegEnded(self.ref, now, end),
                CommandFailed(old.ref, now, "reattach", Code.REATTACH_FAILED),
            )

    def hang_up(self, now: float) -> None:
        """End it in whatever way its state allows; an end that is under way already is enough."""
        match self.call.state:
            case CallState.RECEIVED | CallState.RINGING:
                self.call.reject(480, now)
            case CallState.IDLE | CallState.CALLING | CallState.PROCEEDING:
                self.call.cancel(now)
            case CallState.ANSWERED | CallState.ACCEPTED | CallState.CONFIRMED:
                self.call.bye(now)
            case _:
                pass

    def restore_hold(self, held: bool, wishes: tuple[Wish, ...]) -> None:
        """After a restart: what is held is not held again."""
        self.held_for = set(wishes)
        self.holding = Holding(self, Hold.HELD if held else Hold.OPEN)
