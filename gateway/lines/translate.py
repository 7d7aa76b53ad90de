"""SIP's words into the ledger's facts: the one place where the two vocabularies meet (house rule 18).

One function per kind of event. What has to be done at once is asked of the leg: write down, acknowledge later, answer an offer
from the page's own description. Knows no users and no tabs.
"""

from typing import TYPE_CHECKING, Final

from gateway.calls import ends
from gateway.calls.facts import (
    CallBegan,
    CommandFailed,
    LegAnswered,
    LegDoubted,
    LegEnded,
    LegHeld,
    LegResumed,
    LegVerified,
    PartyRang,
)
from gateway.lines.effects import Described
from gateway.lines.holding import HoldInput
from gateway.lines.journal import ANSWERED, ANSWERING, DIALING, INCOMING
from gateway.lines.leg import SipLeg
from gateway.lines.ringing import RingInput
from gateway.media.direct import BadDescription
from protocol.codes import Cause, Code
from protocol.entities import Device, End
from sip.call import Call
from sip.events import (
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallProceeding,
    CallReceived,
    CSeqAdvanced,
    DialogRefreshed,
    EndCause,
    Event,
    InviteResent,
    OfferAccepted,
    OfferReceived,
    OfferRefused,
    ProbeFailed,
    TargetChanged,
)

if TYPE_CHECKING:
    from gateway.lines.line import Line

# The PBX answered in the dialog, so it knows it; only not this method (RFC 3261 §21.4.6, §21.5.2).
_KNOWS_THE_DIALOG: Final = (405, 420, 491, 501)
_SOON_S: Final = 3.0  # a failed probe is repeated sooner than the usual one


def line_reason(status: int | None) -> Code:
    """Why a line is not registered."""
    if status is None or status in (408, 500, 502, 503, 504):
        return Code.PBX_UNREACHABLE
    if status in (401, 403, 407):
        return Code.LINE_REFUSED
    return Code.LINE_UNKNOWN if status == 404 else Code.PBX_REFUSED


def take(line: "Line", event: Event, now: float) -> None:
    """Turn an event of one of the line's calls into facts."""
    if isinstance(event, CallReceived):
        _received(line, event.call, now)
        return
    leg = _leg_of(event)
    if leg is None or leg.ref.id not in line.legs:
        return
    match event:
        case CallProceeding():
            _proceeding(leg, event, now)
        case InviteResent():
            leg.write_down()
        case CallAnswered():
            _answered(leg, event, now)
        case CallConfirmed():
            _confirmed(leg, now)
        case CallEnded():
            _ended(leg, event, now)
        case OfferReceived():
            _offered(leg, event, now)
        case OfferAccepted():
            leg.peer = event.sdp or leg.peer
            leg.holding.step(HoldInput.ACCEPTED, now)
            leg.write_down()
        case OfferRefused():
            leg.holding.step(HoldInput.REFUSED, now)
        case TargetChanged() | CSeqAdvanced() if leg.confirmed:
            leg.write_down()
        case DialogRefreshed():
            line.effects.facts.append(LegVerified(leg.ref, now))
        case ProbeFailed():
            _probe_failed(leg, event, now)
        case _:
            pass  # events of registrations; a target that changes before the answer is written down with it


def _leg_of(event: Event) -> SipLeg | None:
    call = getattr(event, "call", None)
    owner = call.owner if isinstance(call, Call) else None
    return owner if isinstance(owner, SipLeg) else None


def _received(line: "Line", call: Call, now: float) -> None:
    if call.replaces is not None:
        call.reject(481, now)  # RFC 3891 §3: we hold no dialog that somebody else could take over
    elif len(line.legs) >= line.limits.calls_per_extension:
        call.reject(486, now)
    elif call.remote_sdp is None:
        call.reject(488, now)  # the page needs an offer; nobody can make one in its name
    else:
        party = line.numbering.party(call.remote.uri.user or "", call.remote.display)
        leg = line.adopt(SipLeg(line, call, line.new_id(), "in", party, now))
        leg.peer = call.remote_sdp
        line.effects.facts.append(
            CallBegan(leg.ref, now, line.extension.number, "in", party, Device(kind="none"), leg.conversation)
        )
        leg.begin_ringing(now)


def _proceeding(leg: SipLeg, event: CallProceeding, now: float) -> None:
    facts = leg.line.effects.facts
    if leg.instead_of is None and event.status == 180:
        facts.append(PartyRang(leg.ref, now))
    if event.sdp is not None and not leg.heard_early:
        leg.heard_early, leg.peer = True, event.sdp
        leg.line.effects.described.append(Described(leg.ref, leg.tab, "pranswer", event.sdp))


def _answered(leg: SipLeg, event: CallAnswered, now: float) -> None:
    """A 200 came: the page hears it at once, the PBX's ACK waits for the disk."""
    effects = leg.line.effects
    leg.phase = ANSWERED
    if leg.answered_at is None:
        leg.answered_at = now
    # Some PBXs describe their sound in the 18x only.
    leg.peer = event.sdp or leg.peer
    if leg.peer is not None:
        effects.described.append(Described(leg.ref, leg.tab, "answer", leg.peer))
    effects.facts.append(LegAnswered(leg.ref, now, leg.device))
    if leg.answered_at < now:
        # It takes another leg's place: whatever was doubted of that one is settled.
        effects.facts.append(LegVerified(leg.ref, now))
    leg.write_down(wait=True)
    old = leg.instead_of
    if old is not None:
        leg.line.clock.set(old, "old leg", now + leg.line.limits.old_leg_s)


def _confirmed(leg: SipLeg, now: float) -> None:
    """The ACK for our 200 came."""
    leg.answered_at = now
    leg.line.effects.facts.append(LegAnswered(leg.ref, now, leg.device))
    leg.ring(RingInput.TAKEN, now)
    leg.become_confirmed(now)
    leg.write_down()


def _offered(leg: SipLeg, event: OfferReceived, now: float) -> None:
    """The PBX changes the session: connected line, its hold, an address; the page is not asked."""
    media, facts = leg.line.media, leg.line.effects.facts
    holding = leg.holding.held
    if event.sdp is None:
        offer = media.held if holding else media.resumed
        leg.call.answer_offer(offer(leg.page, leg.next_version()), now)
        return
    try:
        answer = media.answer(leg.page, event.sdp, leg.peer, leg.next_version(), holding=holding)
    except BadDescription as wrong:
        leg.call.refuse_offer(wrong.status, now)
        return
    leg.call.answer_offer(answer.sdp, now)
    leg.peer = event.sdp
    if answer.held_by_them is not None and answer.held_by_them is not leg.held_by_them:
        leg.held_by_them = answer.held_by_them
        fact = LegHeld if leg.held_by_them else LegResumed
        facts.append(fact(leg.ref, now, "them"))
    leg.write_down()


def _probe_failed(leg: SipLeg, event: ProbeFailed, now: float) -> None:
    if event.status in _KNOWS_THE_DIALOG:
        leg.line.effects.facts.append(LegVerified(leg.ref, now))
    else:
        leg.line.effects.facts.append(LegDoubted(leg.ref, now))
        leg.probe_at(now + _SOON_S)


def _ended(leg: SipLeg, event: CallEnded, now: float) -> None:
    line, facts = leg.line, leg.line.effects.facts
    leg.ring(RingInput.TAKEN, now)
    line.let_go(leg)
    old = leg.instead_of
    if old is not None and old.successor is leg:
        old.successor = None
        if leg.phase == DIALING and old.ref.id in line.legs:
            facts.append(CommandFailed(old.ref, now, "reattach", Code.REATTACH_FAILED))
            # 603 and 481 say that the PBX no longer knows the dialog that was to be replaced: then its own probe ends it.
            if event.status in (481, 603) and old.confirmed:
                old.call.update(now)
    facts.append(LegEnded(leg.ref, now, end_of(leg, event)))


def end_of(leg: SipLeg, event: CallEnded) -> End:
    """Why the leg is over, in the users' words."""
    if leg.verdict is not None and event.by != "them":
        return leg.verdict
    status, reasons = event.status, event.reasons
    match event.cause:
        case EndCause.HUNG_UP | EndCause.CANCELLED if event.by == "them" and leg.phase in (
            INCOMING,
            ANSWERING,
        ):
            return ends.given_up_by_them(status, reasons)
        case EndCause.HUNG_UP:
            return End(event.by, Cause.HUNG_UP, status, ends.words(reasons))
        case EndCause.CANCELLED:
            return End("us", Cause.CANCELLED, status)
        case EndCause.REJECTED:
            return End("us", Cause.REJECTED, status)
        case EndCause.REFUSED | EndCause.REDIRECTED:
            return ends.refused_by_them(status, reasons)
        case EndCause.UNAUTHORIZED:
            return End("them", Cause.FORBIDDEN, status)
        case EndCause.GONE:
            return End("nobody", Cause.GONE_AT_PBX, status, ends.words(reasons))
        case EndCause.NO_ANSWER | EndCause.NOT_ACKNOWLEDGED | EndCause.TRANSPORT_LOST:
            return End("nobody", Cause.PBX_UNREACHABLE, status)
        case _:
            return End(event.by, Cause.FAILED, status, ends.words(reasons))
