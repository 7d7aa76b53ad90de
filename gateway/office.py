"""Everything one account needs while this process owns it: its lines, its calls, its users' desks (design 2 and 3.1).

A sans-I/O composite: sockets tell it of tabs and commands, the SIP user agent of events; it tells what changed, which letters go
to which page, and what has to be written down first. The state of a call is the ledger's, what SIP does is the lines', whether
anybody is at a call is the attendance's; here they are tied together. Whoever calls anything here flushes afterwards.

Invariants
- A user sees and steers the calls of the user's own extensions, no others; another's call is as if it were not there.
- Only the tab that is the phone brings sound and is rung; a page that is merely opened does not take the phone from another
  tab in which the user talks.
- A call that ends is forgotten everywhere: attendance, put aside, undelivered.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

from gateway.calls.attendance import Advice, Attendance, Presence
from gateway.calls.conversation import Conversation
from gateway.calls.facts import CallBegan, CommandFailed, Fact, LegAnswered, LegEnded, SoundChanged
from gateway.calls.ledger import Ledger
from gateway.clock import Clock, fire
from gateway.desk import Desk, Letter
from gateway.limits import Limits
from gateway.lines.effects import Effects
from gateway.lines.journal import DIALING, INCOMING, Record, Save
from gateway.lines.leg import SipLeg
from gateway.lines.line import Extension, Line, owner_of
from gateway.lines.restart import restore
from gateway.lines.ringing import RingInput
from gateway.numbers import Numbering
from gateway.orders import Orders
from gateway.realtime.ports import Page
from protocol.commands import AnyCommand
from protocol.entities import Phone, Sound, State
from protocol.messages import Done, Notice, Refused
from sip.agent import UserAgent
from sip.deadlines import Deadlines
from sip.events import Event


class Office:
    """One account.

    Args:
        extensions: the account's PBX lines with their users.
        agent: the process's SIP user agent; its events for this account come to `sip_event` (`owner_of` tells which they are).
        new_id: gives ids for calls, unique and hard to guess.
        country: how numbers without a country code are read.
        limits: how long things wait.
        witness: is told of each fact that the ledger took in, with our id of the call; None: nobody is.
    """

    def __init__(
        self,
        extensions: Iterable[Extension],
        agent: UserAgent,
        new_id: Callable[[], str],
        country: str = "RU",
        limits: Limits | None = None,
        witness: Callable[[str, Fact], None] | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._witness = witness
        self._clock: Clock = Deadlines()
        self._effects = Effects()
        numbering = Numbering(country)
        self._ledger = Ledger(new_id, self._limits.linger_s)
        self._orders = Orders(
            self._ledger, self._effects, numbering, new_id, self._limits.calls_per_extension
        )
        self._lines = {
            one.number: Line(one, agent, self._effects, self._clock, self._limits, numbering, new_id)
            for one in extensions
        }
        # Shared by all desks, so that what they say stays in order and nobody has to ask each of them.
        self._letters: list[Letter] = []
        self._advice: list[Advice] = []
        self._desks: dict[int, Desk] = {}
        for line in self._lines.values():
            if line.extension.user_id is not None:
                self._desk(line.extension.user_id).lines[line.extension.number] = line
        self._changed: set[int] = set()
        # "record_unreadable", "record_orphaned": what was in the journal and is not a call any more.
        self.counters: Counter[str] = Counter()

    # --- life -------------------------------------------------------------------------------------------------------

    def restore(self, records: Iterable[Record], now: float) -> None:
        """Take over what an earlier life of this account left in the journal. Before `start`."""
        of_line: dict[str, list[Record]] = {}
        for record in records:
            of_line.setdefault(record.extension, []).append(record)
        probed = 0
        for number, found in of_line.items():
            line = self._lines.get(number)
            if line is None or not line.softphone:
                # The extension was taken away meanwhile: nobody has the password to end the call with.
                self.counters["record_orphaned"] += len(found)
                self._effects.gone.extend(one.id for one in found)
                continue
            legs = restore(line, found, now)
            self.counters["record_unreadable"] += len(found) - len(legs)
            self._settle(now)
            for leg in legs:
                if leg.confirmed:
                    leg.probe_at(now + probed * self._limits.probe_pace_s)
                    probed += 1
                self._attend_restored(leg, now)
        self._settle(now)

    def start(self, now: float) -> None:
        """Begin to register the lines, one after the other."""
        softphones = [line for line in self._lines.values() if line.softphone]
        for place, line in enumerate(softphones):
            line.register(now, place * self._limits.pace_s)
        self._settle(now)

    def stop(self, now: float) -> None:
        """The account is owned no more, or its lines are to be off: take our addresses back. Calls go on."""
        for line in self._lines.values():
            line.unregister(now)
        self._settle(now)

    def _attend_restored(self, leg: SipLeg, now: float) -> None:
        """The page of a restored call may still have its sound, and has a moment to say so."""
        user_id = leg.line.extension.user_id
        if user_id is None or leg.phase == INCOMING or not leg.tab or leg.verdict is not None:
            return
        # A page that had asked for its sound anew (a leg that is still joining) has none to lose.
        deserted = "absence" in leg.held_for or leg.phase == DIALING
        if leg.instead_of is None:
            self._desks[user_id].attendance.restore(leg.conversation, leg.tab, deserted, now)
        sound: Sound = "waiting"
        if leg.confirmed:
            sound = "lost" if deserted else "here"
        self._effects.facts.append(SoundChanged(leg.ref, now, sound))

    # --- pages ------------------------------------------------------------------------------------------------------

    def join(self, user_id: int, tab: str, page: Page, alive: Collection[str], now: float) -> None:
        """A tab has a socket; `alive`: the calls whose sound lives in it. Joining again replaces the tab's old socket."""
        desk = self._desk(user_id)
        # A fresh page is the phone, and so is one that is back with its sound; but not while another tab has sound.
        anew = (page == "load" or bool(alive)) and not desk.attendance.sounding_elsewhere(tab)
        if desk.tabs.open(tab, anew=anew):
            self._changed.add(user_id)
        desk.attendance.joined(tab, alive, now)
        for call in alive:
            desk.deliver(call)
        desk.ring(now)
        self._settle(now)

    def leave(self, user_id: int, tab: str, clean: bool, now: float) -> None:
        """A tab has no socket any more; `clean`: the page said so."""
        desk = self._desk(user_id)
        if desk.tabs.close(tab):
            self._changed.add(user_id)
        desk.attendance.left(tab, clean, now)
        desk.ring(now)
        self._settle(now)

    def beat(self, user_id: int, tab: str, calls: Sequence[str], now: float) -> None:
        """Sound lives in the tab for these calls."""
        self._desk(user_id).attendance.beat(tab, calls, now)

    def ring_acknowledged(self, user_id: int, tab: str, call: str, now: float) -> None:
        """The tab shows the incoming call and rings."""
        desk = self._desk(user_id)
        if desk.tabs.phone != tab:
            return  # the phone has moved on, and the tab that has it was rung as well
        for leg in desk.incoming():
            if leg.conversation == call:
                leg.ring(RingInput.ACKNOWLEDGED, now)
        self._settle(now)

    def execute(self, user_id: int, tab: str, command: AnyCommand, now: float) -> Done | Refused:
        """Do what the user wants, or say why not."""
        desk = self._desk(user_id)
        phone = desk.tabs.phone
        answer = self._orders.execute(desk, tab, command, now)
        if desk.tabs.phone != phone:
            self._changed.add(user_id)
            desk.ring(now)
        self._settle(now)
        return answer

    def state_of(self, user_id: int) -> State:
        """What the user sees now. Calls and lines that did not change are the same objects as before."""
        desk = self._desk(user_id)
        return State(self._ledger.calls(desk.lines), desk.show_lines(), Phone(desk.tabs.phone))

    # --- SIP --------------------------------------------------------------------------------------------------------

    def sip_event(self, event: Event, now: float) -> None:
        """Take an event of one of this account's registrations or calls."""
        line = owner_of(event)
        assert line is not None, "whoever hands events out asks `owner_of` first"
        line.receive(event, now)
        self._settle(now)

    def saved(self, token: int, now: float) -> None:
        """The record with this token is on disk."""
        leg = self._effects.saved(token)
        if leg is not None and leg.ref.id in leg.line.legs:
            leg.saved(now)
            self._settle(now)

    # --- output and time --------------------------------------------------------------------------------------------

    def take_changed(self) -> set[int]:
        """Users whose state has changed since the last time."""
        for number in self._ledger.take_changed() | self._take_changed_lines():
            user_id = self._lines[number].extension.user_id
            if user_id is not None:
                self._changed.add(user_id)
        changed, self._changed = self._changed, set()
        return changed

    def take_letters(self) -> list[Letter]:
        """Letters since the last time, oldest first."""
        letters = self._letters[:]
        # Cleared in place: the desks share this list.
        self._letters.clear()
        return letters

    def take_saves(self) -> list[Save]:
        """Records to write, oldest first."""
        saves, self._effects.saves = self._effects.saves, []
        return saves

    def take_gone(self) -> list[str]:
        """Ids of records to forget, after those of `take_saves` were handed over."""
        gone, self._effects.gone = self._effects.gone, []
        return gone

    def next_deadline(self) -> float | None:
        """When `handle_timer` has something to do."""
        first, second = self._clock.next_deadline(), self._ledger.next_deadline()
        if first is None or second is None:
            return second if first is None else first
        return min(first, second)

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        fire(self._clock, now)
        self._ledger.handle_timer(now)
        self._settle(now)

    # --- how the parts are tied -------------------------------------------------------------------------------------

    def _settle(self, now: float) -> None:
        """Bring facts to the ledger and advice to the lines, until nothing is left to say."""
        effects = self._effects
        while effects.facts or self._advice:
            facts, effects.facts = effects.facts, []
            for fact in facts:
                conversation = self._ledger.receive(fact, now)
                if conversation is not None:
                    if self._witness is not None:
                        self._witness(conversation.id, fact)
                    self._follow(fact, conversation, now)
            # Cleared in place: the attendances share this list.
            advice = self._advice[:]
            self._advice.clear()
            for one in advice:
                self._heed(one, now)
        described, effects.described = effects.described, []
        for offered in described:
            conversation = self._ledger.by_leg(offered.leg)
            if conversation is not None:
                desk = self._desk_of(conversation)
                if desk is not None:
                    desk.describe(conversation.id, offered)

    def _follow(self, fact: Fact, conversation: Conversation, now: float) -> None:
        """What else a fact means, beside the call that it changed."""
        desk = self._desk_of(conversation)
        if desk is None:
            return
        match fact:
            case CallBegan(direction="in"):
                desk.ring(now)
            case LegAnswered():
                desk.put_aside.pop(conversation.id, None)
                if conversation.leg(fact.leg).instead_of is not None:
                    desk.attendance.reattached(conversation.id, fact.device.tab or "", now)
                elif desk.attendance.presence(conversation.id) in (Presence.HERE, Presence.QUIET):
                    self._tell_sound(conversation, "here", now)
            case CommandFailed():
                notice = Notice(fact.code, call=conversation.id)
                self._letters.append(Letter(desk.user_id, None, notice))
                if fact.name == "reattach":
                    self._tell_sound(conversation, "lost", now)
            case LegEnded() if conversation.state == "ended":
                desk.attendance.forget(conversation.id)
                desk.undelivered.pop(conversation.id, None)
                desk.leave_alone(conversation.id)
                if conversation.id in desk.put_aside:
                    self._orders.bring_back(desk, conversation.id, now)
            case _:
                pass  # the call has changed, and that is all

    def _heed(self, advice: Advice, now: float) -> None:
        """Do for a call what its attendance advises."""
        desk = self._desks[advice.user_id]
        conversation = desk.find(self._ledger, advice.call)
        if conversation is None or conversation.state == "ended":
            return
        leg = desk.leg(conversation)
        if leg is None:
            return
        match advice.what:
            case "hold":
                leg.want_hold("absence", now)
            case "release":
                leg.end_hold("absence", now)
            case "give_up":
                for one in desk.legs(conversation):
                    one.line.give_up(one, now)
            case "awaited":
                self._tell_sound(conversation, "waiting", now)
            case "lost" | "here":
                self._tell_sound(conversation, advice.what, now)

    def _tell_sound(self, conversation: Conversation, sound: Sound, now: float) -> None:
        self._effects.facts.append(SoundChanged(conversation.carrying_ref(), now, sound))

    def _desk(self, user_id: int) -> Desk:
        """A user's desk; a user without an extension has one with nothing on it."""
        desk = self._desks.get(user_id)
        if desk is None:
            attendance = Attendance(user_id, self._limits, self._clock, self._advice)
            desk = self._desks[user_id] = Desk(user_id, attendance, self._letters)
        return desk

    def _desk_of(self, conversation: Conversation) -> Desk | None:
        user_id = self._lines[conversation.extension].extension.user_id
        return None if user_id is None else self._desks[user_id]

    def _take_changed_lines(self) -> set[str]:
        changed, self._effects.lines = self._effects.lines, set()
        for number in changed:
            user_id = self._lines[number].extension.user_id
            if user_id is not None:
                self._desks[user_id].shown_lines = None
        return changed
