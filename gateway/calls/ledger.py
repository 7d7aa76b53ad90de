"""The truth about calls: facts in, one list of conversations out (design 3.5 and 4).

A conversation has an id of ours; the names that SIP and the PBX give its legs are aliases. Knows nothing of SIP, of users,
of browsers, and does nothing itself: it is told what happened.

Invariants
- Every fact meets exactly one conversation, or waits a moment for the fact that begins it (sources may be out of step), or is
  counted and forgotten; the list is the same whatever order the facts of a leg come in.
- Every conversation comes to exactly one end. It then stays to be seen until it is dismissed or `linger_s` have passed.
- Nothing flips by itself: a command is *pending* from its acceptance until a fact confirms it or says that it failed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from gateway.calls.changes import apply
from gateway.calls.conversation import Conversation
from gateway.calls.facts import CallBegan, CallDismissed, Fact, LegJoined, LegRef
from gateway.calls.legs import Leg, LegState
from gateway.calls.shown import shown
from protocol.entities import Call
from sip.deadlines import Deadlines

EARLY_S: Final = 5.0
"""So long a fact waits for the one that begins its conversation."""
FORGET_S: Final = 32.0
"""So long the legs of a conversation that is gone are remembered, so that a late fact does not bring it back (64*T1)."""
EARLY_LIMIT: Final = 1000
"""No more facts than this wait; a source that is that far out of step is broken."""


class Ledger:
    """All conversations of one account.

    Args:
        new_id: gives a new id for a conversation.
        linger_s: seconds that an ended call stays.
    """

    __slots__ = ("_by_leg", "_changed", "_deadlines", "_early", "_linger_s", "_new_id", "_of", "counters")

    def __init__(self, new_id: Callable[[], str], linger_s: float) -> None:
        self._new_id = new_id
        self._linger_s = linger_s
        # A leg of a conversation that is gone stays as None for FORGET_S.
        self._by_leg: dict[LegRef, Conversation | None] = {}
        self._of: dict[str, dict[str, Conversation]] = {}
        self._early: dict[LegRef, list[Fact]] = {}
        self._changed: set[str] = set()
        self._deadlines: Deadlines[LegRef, str] = Deadlines()
        # Facts that changed nothing for a reason worth counting: "late", "orphan".
        self.counters: Counter[str] = Counter()

    # --- facts in ---------------------------------------------------------------------------------------------------

    def receive(self, fact: Fact, now: float) -> Conversation | None:
        """Take a fact.

        Returns:
            The conversation it is about, or None when there is none (yet).
        """
        match fact:
            case CallBegan():
                return self._begin(fact, now)
            case LegJoined():
                conversation = self._by_leg.get(fact.instead_of)
                if conversation is not None:
                    self._join(conversation, fact)
            case CallDismissed():
                conversation = self._by_leg.get(fact.leg)
                if conversation is not None and conversation.state == "ended":
                    self._drop(conversation, now)
            case _:
                conversation = self._by_leg.get(fact.leg)
                if conversation is not None and apply(conversation, conversation.leg(fact.leg), fact):
                    self._changed_by(conversation, fact, now)
        if conversation is None:
            self._wait(fact, now)
        return conversation

    def _begin(self, fact: CallBegan, now: float) -> Conversation | None:
        if fact.leg in self._by_leg:  # told twice
            return self._by_leg[fact.leg]
        state = LegState.INCOMING if fact.direction == "in" else LegState.DIALING
        conversation = Conversation(
            fact.call or self._new_id(),
            fact.extension,
            fact.direction,
            fact.party,
            Leg(fact.leg, state, fact.device),
            fact.at,
        )
        self._by_leg[fact.leg] = conversation
        self._of.setdefault(fact.extension, {})[conversation.id] = conversation
        self._changed.add(fact.extension)
        if self._early:
            for early in self._early.pop(fact.leg, ()):
                self.receive(early, now)
        return conversation

    def _join(self, conversation: Conversation, fact: LegJoined) -> None:
        if fact.leg in self._by_leg or conversation.state == "ended":
            return
        conversation.legs.append(Leg(fact.leg, LegState.JOINING, fact.device, fact.instead_of))
        self._by_leg[fact.leg] = conversation
        self._mark(conversation)

    def _wait(self, fact: Fact, now: float) -> None:
        if fact.leg in self._by_leg:
            self.counters["late"] += 1
        elif isinstance(fact, LegJoined) or len(self._early) >= EARLY_LIMIT:
            self.counters["orphan"] += 1
        else:
            self._early.setdefault(fact.leg, []).append(fact)
            self._deadlines.set(fact.leg, "early", now + EARLY_S)

    def _changed_by(self, conversation: Conversation, fact: Fact, now: float) -> None:
        was_ended = conversation.state == "ended"
        conversation.settle(fact.at)
        self._mark(conversation)
        if conversation.state == "ended" and not was_ended:
            self._deadlines.set(conversation.legs[0].ref, "linger", now + self._linger_s)

    def _mark(self, conversation: Conversation) -> None:
        conversation.rev += 1
        conversation.shown = None
        self._changed.add(conversation.extension)

    # --- what there is ----------------------------------------------------------------------------------------------

    def of(self, extension: str) -> Mapping[str, Conversation]:
        """The conversations of one extension by their ids, the ended ones that are still shown too."""
        return self._of.get(extension, {})

    def by_leg(self, leg: LegRef) -> Conversation | None:
        """The conversation that a leg is part of."""
        return self._by_leg.get(leg)

    def calls(self, extensions: Iterable[str]) -> dict[str, Call]:
        """The calls of some extensions as the wire shows them; what did not change is the same object as before."""
        return {
            id: conversation.shown or shown(conversation)
            for extension in extensions
            for id, conversation in self._of.get(extension, {}).items()
        }

    def take_changed(self) -> set[str]:
        """The extensions whose list of calls has changed since the last time."""
        changed, self._changed = self._changed, set()
        return changed

    # --- time -------------------------------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When `handle_timer` has something to do."""
        return self._deadlines.next_deadline()

    def handle_timer(self, now: float) -> None:
        """Let ended calls go, and facts that nobody claimed."""
        for leg, name in self._deadlines.due(now):
            if name == "linger":
                conversation = self._by_leg.get(leg)
                if conversation is not None:
                    self._drop(conversation, now)
            elif name == "forget":
                del self._by_leg[leg]
            else:
                self.counters["orphan"] += len(self._early.pop(leg, ()))

    def _drop(self, conversation: Conversation, now: float) -> None:
        del self._of[conversation.extension][conversation.id]
        for leg in conversation.legs:
            self._deadlines.cancel(leg.ref)
            self._by_leg[leg.ref] = None
            self._deadlines.set(leg.ref, "forget", now + FORGET_S)
        self._changed.add(conversation.extension)
