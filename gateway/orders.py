"""What a page may order, and what is done about it: each command is accepted or refused here, at once and for a reason.

Whether an action is allowed is read from the call's own table (`calls.actions`), the same that the page shows; beside that only
the tab, the line and the number are looked at. What comes of an accepted command is told by facts, later.

Invariant: a refusal has changed nothing.
"""

from collections.abc import Callable

from gateway.calls.conversation import Conversation
from gateway.calls.facts import CallDismissed, CommandAccepted, CommandName, MuteSwitched, SoundChanged
from gateway.calls.ledger import Ledger
from gateway.calls.shown import shown
from gateway.desk import Desk
from gateway.lines.effects import Effects
from gateway.lines.leg import SipLeg
from gateway.lines.line import Line
from gateway.media.direct import BadDescription
from gateway.numbers import BadNumber, Numbering
from protocol.codes import Code
from protocol.commands import (
    Answer,
    AnyCommand,
    Dial,
    Dismiss,
    Dtmf,
    HangUp,
    HoldCall,
    Mute,
    Reattach,
    Reject,
    ResumeCall,
    TakePhone,
)
from protocol.entities import Action
from protocol.messages import Done, Refused, Result
from sip.errors import LocalProtocolError

CallCommand = Answer | Dismiss | Dtmf | HangUp | HoldCall | Mute | Reattach | Reject | ResumeCall

_ACTIONS: dict[type[CallCommand], Action] = {
    Answer: "answer",
    Dismiss: "dismiss",
    Dtmf: "dtmf",
    HangUp: "hang_up",
    HoldCall: "hold",
    Mute: "mute",
    Reattach: "reattach",
    Reject: "reject",
    ResumeCall: "resume",
}


class Refusal(Exception):
    """The command is not done."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code = code


class Orders:
    """The commands of an office's pages.

    Args:
        ledger: the calls.
        effects: where facts go.
        numbering: how numbers are read.
        new_id: gives the id of a new call.
        calls_per_extension: one more is refused.
    """

    def __init__(
        self,
        ledger: Ledger,
        effects: Effects,
        numbering: Numbering,
        new_id: Callable[[], str],
        calls_per_extension: int,
    ) -> None:
        self._ledger = ledger
        self._effects = effects
        self._numbering = numbering
        self._new_id = new_id
        self._calls_per_extension = calls_per_extension

    def execute(self, desk: Desk, tab: str, command: AnyCommand, now: float) -> Done | Refused:
        """Do it, or say why not."""
        try:
            match command:
                case Dial():
                    return Done(command.id, Result(self._dial(desk, tab, command, now)))
                case TakePhone():
                    self._take_phone(desk, tab, now)
                case _:
                    self._on_call(desk, tab, command, now)
        except Refusal as refusal:
            return Refused(refusal.code, id=command.id)
        return Done(command.id)

    # --- commands of no call ----------------------------------------------------------------------------------------

    def _dial(self, desk: Desk, tab: str, command: Dial, now: float) -> str:
        self._require_phone(desk, tab)
        line = self._line(desk, command.extension)
        if len(line.legs) >= self._calls_per_extension:
            raise Refusal(Code.TOO_MANY_CALLS)
        try:
            dialled = self._numbering.dialled(command.number)
            target = line.address(dialled.number)
            offer = line.media.checked(command.offer)
        except (BadNumber, LocalProtocolError) as wrong:
            raise Refusal(Code.BAD_NUMBER) from wrong
        except BadDescription as wrong:
            raise Refusal(Code.BAD_SDP) from wrong
        conversation = self._new_id()
        self._put_aside_for(desk, conversation, now)
        leg = line.dial(conversation, target, dialled.party, offer, tab, now)
        self._effects.facts.append(SoundChanged(leg.ref, now, "waiting"))
        desk.attendance.begin(conversation, tab, now)
        return conversation

    def _line(self, desk: Desk, extension: str | None) -> Line:
        if extension is not None:
            line = desk.lines.get(extension)
        else:
            line = next((one for one in desk.lines.values() if one.softphone), None)
        if line is None:
            raise Refusal(Code.NO_SUCH_EXTENSION)
        if not line.softphone:
            raise Refusal(Code.OBSERVER_ONLY)
        match line.state:
            case "registered":
                return line
            case "registering":
                raise Refusal(Code.LINE_NOT_READY)
            case "off":
                raise Refusal(Code.LINE_OFF)
            case _:
                raise Refusal(line.reason or Code.PBX_REFUSED)

    def _take_phone(self, desk: Desk, tab: str, now: float) -> None:
        if tab not in desk.tabs:
            raise Refusal(Code.NOT_ALLOWED)
        if not desk.tabs.take(tab):
            raise Refusal(Code.PHONE_IS_HERE)
        desk.attendance.taken(tab, now)

    # --- commands of a call -----------------------------------------------------------------------------------------

    def _on_call(self, desk: Desk, tab: str, command: CallCommand, now: float) -> None:
        conversation = desk.find(self._ledger, command.call)
        if conversation is None:
            raise Refusal(Code.NO_SUCH_CALL)
        code = (conversation.shown or shown(conversation)).actions[_ACTIONS[type(command)]]
        if code is not None:
            raise Refusal(code)
        if isinstance(command, Dismiss):
            self._effects.facts.append(CallDismissed(conversation.legs[0].ref, now))
            return
        leg = desk.leg(conversation)
        if leg is None:
            raise Refusal(Code.ON_OTHER_DEVICE)
        match command:
            case Answer():
                self._answer(desk, tab, conversation, leg, command.sdp, now)
            case Reattach():
                self._reattach(desk, tab, leg, command.offer, now)
            case Reject():
                self._accept(leg, "reject", now)
                leg.line.reject(leg, now)
            case HangUp():
                self._accept(leg, "hang_up", now)
                for one in desk.legs(conversation):
                    one.hang_up(now)
            case HoldCall():
                desk.leave_alone(conversation.id)
                self._accept(leg, "hold", now)
                leg.want_hold("agent", now)
            case ResumeCall():
                desk.leave_alone(conversation.id)
                self._put_aside(desk, conversation.id, now)
                self._accept(leg, "resume", now)
                leg.end_hold("agent", now)
            case Mute():
                leg.line.mute(leg, command.on)
                self._effects.facts.append(MuteSwitched(leg.ref, now, command.on))
            case Dtmf():
                pass  # in direct media the page sends the tones; the command keeps its answer in step with them

    def _require_phone(self, desk: Desk, tab: str) -> None:
        if desk.tabs.phone != tab:
            raise Refusal(Code.PHONE_IN_OTHER_TAB)

    def _answer(
        self, desk: Desk, tab: str, conversation: Conversation, leg: SipLeg, sdp: str, now: float
    ) -> None:
        self._require_phone(desk, tab)
        answer = self._checked(leg, sdp)
        self._put_aside_for(desk, conversation.id, now)
        self._accept(leg, "answer", now)
        self._effects.facts.append(SoundChanged(leg.ref, now, "waiting"))
        leg.line.answer(leg, answer, tab, now)
        desk.attendance.begin(conversation.id, tab, now)

    def _reattach(self, desk: Desk, tab: str, leg: SipLeg, offer: str, now: float) -> None:
        self._require_phone(desk, tab)
        checked = self._checked(leg, offer)
        if not leg.confirmed:
            raise Refusal(Code.PENDING)
        self._accept(leg, "reattach", now)
        self._effects.facts.append(SoundChanged(leg.ref, now, "waiting"))
        leg.line.reattach(leg, checked, tab, now)

    def _checked(self, leg: SipLeg, sdp: str) -> bytes:
        try:
            return leg.line.media.checked(sdp)
        except BadDescription as wrong:
            raise Refusal(Code.BAD_SDP) from wrong

    def _accept(self, leg: SipLeg, name: CommandName, now: float) -> None:
        self._effects.facts.append(CommandAccepted(leg.ref, now, name))

    # --- one conversation at a time ---------------------------------------------------------------------------------

    def _put_aside_for(self, desk: Desk, newer: str, now: float) -> None:
        """Hold what talks, for a call that begins; it comes back if that ends without an answer (design 4)."""
        held = self._put_aside(desk, newer, now)
        if held:
            desk.put_aside[newer] = held

    def _put_aside(self, desk: Desk, but: str, now: float) -> set[str]:
        """Hold every talking call of the user but one."""
        held = set()
        for extension in desk.lines:
            for conversation in self._ledger.of(extension).values():
                leg = desk.leg(conversation)
                if conversation.state == "talking" and conversation.id != but and leg is not None:
                    self._accept(leg, "hold", now)
                    leg.want_hold("agent", now)
                    held.add(conversation.id)
        return held

    def bring_back(self, desk: Desk, newer: str, now: float) -> None:
        """A newer call ended without an answer: what was held for it is taken back, unless something else talks."""
        calls = [one for extension in desk.lines for one in self._ledger.of(extension).values()]
        waiting = desk.put_aside.pop(newer, set())
        if any(one.state == "talking" and one.id not in waiting for one in calls):
            return
        for conversation in calls:
            leg = desk.leg(conversation)
            if conversation.id in waiting and conversation.connected and leg is not None:
                self._accept(leg, "resume", now)
                leg.end_hold("agent", now)
