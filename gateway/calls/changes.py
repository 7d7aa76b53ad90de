"""What each fact changes in its conversation: pure steps, one per kind of fact. The ledger finds the conversation.

Invariant: a step says whether anything changed that a user could see; a fact that is told twice changes nothing the second time.
"""

from typing import Final, TypeAlias

from gateway.calls.conversation import Conversation
from gateway.calls.facts import (
    CommandAccepted,
    CommandFailed,
    CommandName,
    LegAnswered,
    LegDoubted,
    LegEnded,
    LegHeld,
    LegResumed,
    LegVerified,
    MuteSwitched,
    PartyRang,
    SoundChanged,
)
from gateway.calls.legs import Leg, LegInput, LegState

Change: TypeAlias = (
    PartyRang
    | LegAnswered
    | LegHeld
    | LegResumed
    | LegEnded
    | LegDoubted
    | LegVerified
    | SoundChanged
    | MuteSwitched
    | CommandAccepted
    | CommandFailed
)
"""The facts that change a conversation; the others make and unmake one."""

_OURS: Final = ("us", "pbx")  # the layers that our own hold and resume work on


def apply(conversation: Conversation, leg: Leg, fact: Change) -> bool:
    """Let a fact change the conversation.

    Args:
        leg: the conversation's leg that the fact is about.

    Returns:
        Whether it changed anything.
    """
    match fact:
        case PartyRang():
            return _stepped(leg, LegInput.RANG, fact.at)
        case LegAnswered():
            return _answered(conversation, leg, fact)
        case LegEnded():
            return _ended(conversation, leg, fact)
        case LegHeld():
            changed = leg.set_layer(fact.layer, True, fact.at)
            return (fact.layer in _OURS and _off_pending(conversation, "hold")) or changed
        case LegResumed():
            changed = leg.set_layer(fact.layer, False, fact.at)
            return (fact.layer in _OURS and _off_pending(conversation, "resume")) or changed
        case CommandAccepted():
            return _accepted(conversation, fact)
        case CommandFailed():
            return _off_pending(conversation, fact.name)
        case _:
            return _noticed(conversation, leg, fact)


def _answered(conversation: Conversation, leg: Leg, fact: LegAnswered) -> bool:
    changed = _stepped(leg, LegInput.ANSWERED, fact.at)
    if leg.answered_at is None:
        # Also when the leg is over already: it did talk, and the duration counts.
        leg.answered_at, leg.device, changed = fact.at, fact.device, True
    if conversation.answered_at is None or leg.answered_at < conversation.answered_at:
        conversation.answered_at, changed = leg.answered_at, True
    if leg.instead_of is not None and leg.state is LegState.TALKING:
        conversation.take_place(leg)
    return _off_pending(conversation, "answer", "reattach") or changed


def _ended(conversation: Conversation, leg: Leg, fact: LegEnded) -> bool:
    if leg.end is not None:
        return False
    leg.end, leg.elsewhere = fact.end, fact.elsewhere
    if leg.state is LegState.JOINING:
        _off_pending(conversation, "reattach")
    return _stepped(leg, LegInput.ENDED, fact.at)


def _accepted(conversation: Conversation, fact: CommandAccepted) -> bool:
    if conversation.state == "ended" or fact.name in conversation.pending:
        return False
    conversation.pending[fact.name] = fact.at
    return True


def _noticed(
    conversation: Conversation, leg: Leg, fact: LegDoubted | LegVerified | SoundChanged | MuteSwitched
) -> bool:
    """What lies beside the state."""
    if conversation.state == "ended":
        return False
    match fact:
        case SoundChanged() if leg.state is not LegState.REPLACED:
            changed, conversation.sound = conversation.sound != fact.sound, fact.sound
        case MuteSwitched():
            changed, conversation.muted = conversation.muted is not fact.on, fact.on
        case LegDoubted():
            changed, conversation.confirmed = conversation.confirmed, False
        case LegVerified():
            changed, conversation.confirmed = not conversation.confirmed, True
        case _:
            return False
    return changed


def _stepped(leg: Leg, event: LegInput, at: float) -> bool:
    before = leg.state
    leg.step(event, at)
    return leg.state is not before


def _off_pending(conversation: Conversation, *names: CommandName) -> bool:
    """A fact has confirmed commands, or said that they failed; whether one was waited for."""
    waited = [name for name in names if name in conversation.pending]
    for name in waited:
        del conversation.pending[name]
    return bool(waited)
