"""Changes of a session while it lasts: re-INVITE (RFC 3261 §14), UPDATE (RFC 3311) and PRACK (RFC 3262 §5) with an offer, ours and
theirs, in a confirmed dialog or an early one.

One offer at a time: glare is refused, waited out and repeated here, so that the user sees one OfferAccepted or OfferRefused for each
offer. Knows nothing of what the SDP says, nor of the INVITE's own offer, which is settled by its 2xx or by a reliable 18x.

Invariants: at most one offer of either side is unanswered; an offer of ours that waits is sent once the way is free; when the call
ends, a re-INVITE of theirs gets its 487 and one of ours its ACK.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from sip.calls.offer_actions import Carrier, OfferActions
from sip.calls.offer_states import (
    ACCEPTED,
    ACKED,
    ANSWER,
    ANSWER_18X,
    ANSWER_UPDATE,
    ANSWERED,
    ANSWERED_WAITING,
    CLOSE,
    CLOSED,
    GLARE,
    LATE,
    OFFER,
    OFFERED,
    OFFERED_WAITING,
    OFFERING,
    PRACKED,
    PROPOSED,
    RECEIVED,
    REFUSE,
    REFUSED,
    RETRY,
    SETTLED,
    STABLE,
    WAITING,
    WITHDRAWN,
    Input,
    Offer,
    State,
)
from sip.errors import LocalProtocolError
from sip.events import OfferAccepted
from sip.machine import Table

if TYPE_CHECKING:
    from sip.transactions.layer import ServerTransaction


class Offers(OfferActions):
    """The changes of one session, or of one early dialog of it."""

    __slots__ = ()

    title = "session change"
    figure = "RFC 3261 §14, RFC 3311 §5.1 and §5.2, RFC 3262 §5 (prose)"
    initial = STABLE

    # What the user asks.

    def offer(self, sdp: bytes, now: float, carrier: Carrier = "INVITE") -> None:
        """Send a re-INVITE or an UPDATE with this offer, or keep it until it may be sent."""
        self._said, self._said_by, self._is_refresh = sdp, carrier, False
        self.step(OFFER, now)

    def refresh(self, sdp: bytes, now: float) -> bool:
        """Send our description once more by re-INVITE, as a sign of life; false when a change is under way anyway."""
        if self.state is not STABLE:
            return False
        self._said, self._said_by, self._is_refresh = sdp, "INVITE", True
        self.step(OFFER, now)
        return True

    def answer(self, sdp: bytes, now: float) -> None:
        """Answer the offer that was told last."""
        self._said = sdp
        pending = self._pending
        if pending is None or pending.transaction is None:
            self.step(ANSWER if pending is None else ANSWER_18X, now)
        else:
            self.step(ANSWER_UPDATE if pending.must_be_answered_soon else ANSWER, now)

    def refuse(self, status: int, now: float) -> None:
        """Refuse the offer that was told last."""
        if not 300 <= status <= 699:
            raise LocalProtocolError(f"not a refusal: {status}")
        if self._pending is not None and self._pending.transaction is None:
            raise LocalProtocolError(
                "an offer in a reliable 18x is answered, or the call cancelled (RFC 3262 §5)"
            )
        self._status = status
        self.step(REFUSE, now)

    # What comes from the peer, and time.

    def receive(self, transaction: ServerTransaction, now: float) -> None:
        """A re-INVITE, an UPDATE with an offer, or a PRACK with one."""
        self._arrived = Offer(transaction.request.body or None, transaction)
        self.step(RECEIVED, now)

    def receive_18x(self, sdp: bytes, acknowledge: Callable[[bytes, float], None], now: float) -> None:
        """A reliable 18x brought the offer that our INVITE did not have: its PRACK brings the answer (RFC 3262 §5)."""
        self._arrived = Offer(sdp, None, acknowledge)
        self.step(RECEIVED, now)

    def settle(self, now: float) -> None:
        """The INVITE's offer was answered in a reliable 18x; `confirm` follows."""
        self.step(SETTLED, now)

    def propose(self, sdp: bytes, now: float) -> None:
        """Our offer went into a reliable 18x, as the INVITE had none; `accepted_by_prack` follows."""
        self._sdp = sdp
        self.step(PROPOSED, now)

    def accepted_by_prack(self, sdp: bytes, now: float) -> None:
        """The PRACK brought the answer."""
        self._said = sdp
        self.step(PRACKED, now)

    def withdraw(self, transaction: ServerTransaction, now: float) -> None:
        """A CANCEL for a re-INVITE of theirs."""
        if self._pending is not None and self._pending.transaction is transaction:
            self.step(WITHDRAWN, now)

    def acked(self, sdp: bytes | None, now: float) -> None:
        """The ACK for our 2xx came; `sdp` is the answer in it, when the 2xx had the offer."""
        pending = self._pending
        if pending is not None and pending.sdp is None:
            self._session.take_remote_sdp(sdp, self._dialog)
            self._session.core.events.append(OfferAccepted(self._session.as_call(), sdp))
        self._pending = None
        self.step(ACKED, now)

    def confirm(self, now: float) -> None:
        """The PRACK that `settle` and an answer to an 18x wait for is through, or the INVITE has its 2xx and it does not matter any more."""
        if self.state is ANSWERED or self.state is ANSWERED_WAITING:
            self._pending = None
            self.step(ACKED, now)

    @property
    def is_offered(self) -> bool:
        """Whether an offer of theirs waits for the user."""
        return self.state is OFFERED or self.state is OFFERED_WAITING

    @property
    def is_answering_update(self) -> bool:
        """Whether an UPDATE of theirs waits for the user: another one is refused meanwhile (RFC 3311 §5.2)."""
        return self._pending is not None and self._pending.must_be_answered_soon

    @property
    def is_settled(self) -> bool:
        """Whether the INVITE's own offer has its answer: always, but for an offer of ours in a reliable 18x until its PRACK, and for one
        of theirs there until our answer."""
        if self.state is OFFERING:
            return self._exchange is not None
        return self._pending is None or self._pending.acknowledge is None

    def close(self, now: float) -> None:
        """The session ends."""
        self._session.core.deadlines.cancel(self)
        self.step(CLOSE, now)

    # RFC 3261 §14.1 (ours), §14.2 (theirs), RFC 3311 §5.2, RFC 3262 §5.
    # fmt: off
    table: ClassVar[Table[State, Input]] = {
        (STABLE, OFFER):                  (OFFERING, OfferActions._begin),
        (STABLE, RECEIVED):               (OFFERED, OfferActions._tell),
        (STABLE, RETRY):                  (STABLE, None),
        (STABLE, SETTLED):                (ANSWERED, None),
        (STABLE, PROPOSED):               (OFFERING, None),
        (STABLE, CLOSE):                  (CLOSED, None),

        (OFFERING, ACCEPTED):             (STABLE, OfferActions._accept),
        (OFFERING, REFUSED):              (STABLE, OfferActions._fail),
        (OFFERING, GLARE):                (WAITING, OfferActions._wait),
        (OFFERING, RECEIVED):             (OFFERING, OfferActions._refuse_glare),
        (OFFERING, RETRY):                (OFFERING, None),
        (OFFERING, PRACKED):              (STABLE, OfferActions._take_answer),
        (OFFERING, CLOSE):                (CLOSED, OfferActions._leave),

        (WAITING, RETRY):                 (OFFERING, OfferActions._send),
        (WAITING, OFFER):                 (WAITING, OfferActions._keep),
        (WAITING, RECEIVED):              (OFFERED_WAITING, OfferActions._tell),
        (WAITING, CLOSE):                 (CLOSED, None),

        (OFFERED, ANSWER):                (ANSWERED, OfferActions._answer_invite),
        (OFFERED, ANSWER_UPDATE):         (STABLE, OfferActions._answer_update),
        (OFFERED, ANSWER_18X):            (ANSWERED, OfferActions._answer_18x),
        (OFFERED, LATE):                  (STABLE, OfferActions._be_late),
        (OFFERED, REFUSE):                (STABLE, OfferActions._refuse),
        (OFFERED, WITHDRAWN):             (STABLE, OfferActions._withdraw),
        (OFFERED, RECEIVED):              (OFFERED, OfferActions._refuse_overlap),
        (OFFERED, RETRY):                 (OFFERED, None),
        (OFFERED, CLOSE):                 (CLOSED, OfferActions._terminate),

        (OFFERED_WAITING, ANSWER):        (ANSWERED_WAITING, OfferActions._answer_invite),
        (OFFERED_WAITING, ANSWER_UPDATE): (WAITING, OfferActions._answer_update),
        (OFFERED_WAITING, LATE):          (WAITING, OfferActions._be_late),
        (OFFERED_WAITING, REFUSE):        (WAITING, OfferActions._refuse),
        (OFFERED_WAITING, WITHDRAWN):     (WAITING, OfferActions._withdraw),
        (OFFERED_WAITING, RECEIVED):      (OFFERED_WAITING, OfferActions._refuse_overlap),
        (OFFERED_WAITING, RETRY):         (OFFERED_WAITING, None),                                # sent when theirs is through
        (OFFERED_WAITING, CLOSE):         (CLOSED, OfferActions._terminate),

        (ANSWERED, ACKED):                (STABLE, None),
        (ANSWERED, OFFER):                (ANSWERED_WAITING, OfferActions._keep),                 # §14.1: not while theirs is in progress
        (ANSWERED, RECEIVED):             (OFFERED, OfferActions._tell),
        (ANSWERED, WITHDRAWN):            (ANSWERED, None),                                       # too late: it has its 2xx
        (ANSWERED, RETRY):                (ANSWERED, None),
        (ANSWERED, CLOSE):                (CLOSED, None),

        (ANSWERED_WAITING, ACKED):        (OFFERING, OfferActions._send),
        (ANSWERED_WAITING, OFFER):        (ANSWERED_WAITING, OfferActions._keep),
        (ANSWERED_WAITING, RECEIVED):     (OFFERED_WAITING, OfferActions._tell),
        (ANSWERED_WAITING, WITHDRAWN):    (ANSWERED_WAITING, None),
        (ANSWERED_WAITING, RETRY):        (ANSWERED_WAITING, None),
        (ANSWERED_WAITING, CLOSE):        (CLOSED, None),

        (CLOSED, ACCEPTED):               (CLOSED, None),                                         # it was acknowledged; BYE is under way
        (CLOSED, REFUSED):                (CLOSED, None),
        (CLOSED, GLARE):                  (CLOSED, None),
        (CLOSED, RETRY):                  (CLOSED, None),
        (CLOSED, CLOSE):                  (CLOSED, None),
    }
    # fmt: on
