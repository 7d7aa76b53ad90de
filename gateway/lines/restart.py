"""The restart contract (design 6): what a killed process left in the journal becomes calls again.

- An unanswered INVITE of ours is CANCELled by its saved branch; its call ends with that cause. The one exception is an INVITE
  that was to move a call into a fresh page: the PBX may have answered it, and then the customer is in *its* dialog, so its
  200 is awaited for a moment before it is cancelled.
- A call that rang here goes on ringing, and waits for a page as if it had just lost one.
- A 200 of ours that may or may not have left is sent (again): it is the same one, and the PBX acknowledges it again.
- A confirmed dialog is doubted until UPDATE without SDP is answered; 481 ends it. What was held is not held again.

Knows no store: records are given, already read.
"""

from collections.abc import Iterable
from typing import Final

from gateway.calls.facts import (
    CallBegan,
    CommandAccepted,
    LegAnswered,
    LegDoubted,
    LegEnded,
    LegHeld,
    LegJoined,
    LegRef,
    MuteSwitched,
)
from gateway.lines.effects import Described
from gateway.lines.journal import ANSWERED, ANSWERING, DIALING, INCOMING, TALKING, Record
from gateway.lines.leg import AFTER_RESTART, SipLeg
from gateway.lines.line import Line
from gateway.lines.ringing import Ring
from protocol.codes import Cause
from protocol.entities import End
from sip.call import Call
from sip.errors import SipError
from sip.headers import Reason

_WHY: Final = Reason("SIP", 503, "Gateway restarted")


def restore(line: Line, records: Iterable[Record], now: float) -> list[SipLeg]:
    """Take a line's legs from disk; the facts of them are in the line's effects.

    Args:
        records: of this line; those that cannot be read any more are forgotten.
    """
    legs = []
    # A leg that replaces another comes after that one.
    for record in sorted(records, key=lambda one: (one.replaces != "", one.began_at)):
        try:
            call = line.agent.load_call(record.saved, line.account, now)
        except SipError:
            line.effects.gone.append(record.id)
            continue
        leg = _leg(line, call, record)
        _RESTORE[record.phase](leg, record, now)
        legs.append(leg)
    return legs


def _leg(line: Line, call: Call, record: Record) -> SipLeg:
    saved = record.saved
    old = line.legs.get(record.replaces)
    leg = line.adopt(SipLeg(line, call, record.call, record.direction, record.party, record.began_at, old))
    leg.phase = record.phase
    leg.answered_at = record.answered_at
    leg.muted = record.muted
    leg.held_by_them = record.held_by_them
    leg.peer = saved.remote_sdp
    leg.written = saved.invite
    leg.tab = record.tab
    if saved.local_sdp:
        # What we sent last may have been a hold; the page's own description is the same without it.
        leg.version = line.media.version_of(saved.local_sdp) + AFTER_RESTART
        leg.page = line.media.resumed(saved.local_sdp, leg.version)
    return leg


def _begin(leg: SipLeg, record: Record) -> None:
    began = CallBegan(
        leg.ref, record.began_at, record.extension, record.direction, record.party, leg.device, record.call
    )
    leg.line.effects.facts.append(began)


def _restore_dialing(leg: SipLeg, record: Record, now: float) -> None:
    if record.replaces:
        _restore_joining(leg, record, now)
        return
    _begin(leg, record)
    leg.line.effects.facts.append(CommandAccepted(leg.ref, now, "hang_up"))
    leg.verdict = End(by="nobody", cause=Cause.GATEWAY_RESTARTED)
    leg.call.cancel(now, (_WHY,))


def _restore_joining(leg: SipLeg, record: Record, now: float) -> None:
    facts = leg.line.effects.facts
    old = leg.instead_of
    if old is not None:
        old.successor = leg
        replaced = old.ref
        facts.append(LegJoined(leg.ref, now, replaced, leg.device))
    else:
        # The PBX has ended the old leg already, so it has answered: history is told again, for the call to keep its clock.
        replaced = LegRef("sip", record.replaces)
        began_at, device = record.began_at, leg.device
        facts += (
            CallBegan(
                replaced, began_at, record.extension, record.direction, record.party, device, record.call
            ),
            LegAnswered(replaced, record.answered_at or began_at, device),
            LegJoined(leg.ref, now, replaced, device),
            LegEnded(replaced, now, End(by="them", cause=Cause.HUNG_UP)),
            LegDoubted(leg.ref, now),
        )
    facts.append(CommandAccepted(replaced, now, "reattach"))
    if record.muted:
        facts.append(MuteSwitched(leg.ref, now, on=True))
    leg.held_for = set(record.held_for)
    leg.line.clock.set(leg, "late answer", now + leg.line.limits.late_answer_s)


def _restore_incoming(leg: SipLeg, record: Record, now: float) -> None:
    _begin(leg, record)
    leg.begin_ringing(now, Ring.UNATTENDED)


def _restore_answering(leg: SipLeg, record: Record, now: float) -> None:
    _begin(leg, record)
    leg.line.effects.facts.append(CommandAccepted(leg.ref, now, "answer"))
    leg.call.accept(leg.page, now)


def _restore_answered(leg: SipLeg, record: Record, now: float) -> None:
    """Their 200 was written down, its ACK may not have left, and the page may not have heard the answer."""
    _restore_talking(leg, record, now)
    if leg.peer is not None:
        leg.line.effects.described.append(Described(leg.ref, leg.tab, "answer", leg.peer))


def _restore_talking(leg: SipLeg, record: Record, now: float) -> None:
    facts = leg.line.effects.facts
    old = leg.instead_of
    if old is None:
        _begin(leg, record)
    else:
        old.successor = leg
        facts.append(LegJoined(leg.ref, now, old.ref, leg.device))
        leg.line.clock.set(old, "old leg", now + leg.line.limits.old_leg_s)
    facts.append(LegAnswered(leg.ref, record.answered_at or record.began_at, leg.device))
    leg.restore_hold(record.held, record.held_for)
    if record.held:
        facts.append(LegHeld(leg.ref, now, "us"))
    if record.held_by_them:
        facts.append(LegHeld(leg.ref, now, "them"))
    if record.muted:
        facts.append(MuteSwitched(leg.ref, now, on=True))
    facts.append(LegDoubted(leg.ref, now))


_RESTORE: Final = {
    DIALING: _restore_dialing,
    INCOMING: _restore_incoming,
    ANSWERING: _restore_answering,
    ANSWERED: _restore_answered,
    TALKING: _restore_talking,
}
