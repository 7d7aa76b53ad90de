"""Changes of a session while it lasts: re-INVITE (RFC 3261 §14) and UPDATE with an offer (RFC 3311), ours and theirs.

One offer at a time: glare is refused, waited out and repeated here, so that the user sees one OfferAccepted or OfferRefused for each
offer. Knows nothing of what the SDP says.

Invariants: at most one offer of either side is unanswered; an offer of ours that waits is sent once the way is free; when the call
ends, a re-INVITE of theirs gets its 487 and one of ours its ACK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from sip.calls.acceptance import Acceptance
from sip.calls.offer_states import (
    ACCEPTED,
    ACKED,
    AGAIN,
    ANSWER,
    ANSWER_UPDATE,
    ANSWERED,
    ANSWERED_WAITING,
    CLOSE,
    CLOSED,
    GLARE,
    OFFER,
    OFFERED,
    OFFERED_WAITING,
    OFFERING,
    RECEIVED,
    REFUSE,
    REFUSED,
    RETRY,
    STABLE,
    UNANSWERED,
    WAITING,
    WITHDRAWN,
    Input,
    Offer,
    State,
)
from sip.errors import LocalProtocolError
from sip.events import OfferAccepted, OfferReceived, OfferRefused
from sip.exchange import Exchange
from sip.machine import Machine, Table
from sip.message import Request, Response
from sip.transactions.layer import InviteClientTransaction

if TYPE_CHECKING:
    from sip.calls.session import Session
    from sip.transactions.layer import ServerTransaction

# A peer that answers 491 or 500 for ever is not asked for ever.
_MAX_RETRIES: Final = 5


class Offers(Machine[State, Input]):
    """The changes of one session."""

    __slots__ = (
        "_arrived",
        "_exchange",
        "_heard",
        "_pending",
        "_response",
        "_retries",
        "_said",
        "_sdp",
        "_session",
        "_status",
    )

    title = "session change"
    figure = "RFC 3261 §14, RFC 3311 §5.2 (prose)"
    initial = STABLE

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._sdp = b""  # our offer that is under way or waits
        self._retries = 0
        self._exchange: Exchange | None = None  # the re-INVITE that carries it
        self._pending: Offer | None = None  # theirs that was told last
        # What the present step is about.
        self._arrived: Offer
        self._response: Response
        self._heard = True  # whether it came from the peer
        self._said = b""
        self._status = 0

    def identity(self) -> str:
        return self._session.id

    # What the user asks.

    def offer(self, sdp: bytes, now: float) -> None:
        """Send a re-INVITE with this offer, or keep it until it may be sent."""
        self._said = sdp
        self.step(OFFER, now)

    def answer(self, sdp: bytes, now: float) -> None:
        """Answer the offer that was told last."""
        self._said = sdp
        in_update = self._pending is not None and self._pending.request.method == "UPDATE"
        self.step(ANSWER_UPDATE if in_update else ANSWER, now)

    def refuse(self, status: int, now: float) -> None:
        """Refuse the offer that was told last."""
        if not 300 <= status <= 699:
            raise LocalProtocolError(f"not a refusal: {status}")
        self._status = status
        self.step(REFUSE, now)

    # What comes from the peer, and time.

    def receive(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """A re-INVITE, or an UPDATE with an offer, in the confirmed dialog."""
        self._arrived = Offer(transaction, request)
        self.step(RECEIVED, now)

    def withdraw(self, transaction: ServerTransaction, now: float) -> None:
        """A CANCEL for a re-INVITE of theirs."""
        if self._pending is not None and self._pending.transaction is transaction:
            self.step(WITHDRAWN, now)

    def acked(self, sdp: bytes | None, now: float) -> None:
        """The ACK for our 2xx came; `sdp` is the answer in it, when the 2xx had the offer."""
        pending = self._pending
        if pending is not None and not pending.request.body:
            self._session.remote_sdp = sdp or self._session.remote_sdp
            self._session.core.events.append(OfferAccepted(self._session.as_call(), sdp))
        self._pending = None
        self.step(ACKED, now)

    def retry(self, now: float) -> None:
        """The wait after glare is over."""
        self.step(RETRY, now)

    def give_up(self, now: float) -> None:
        """The peer said 100 to our re-INVITE and then nothing: take it back (§14.1 lets CANCEL do that)."""
        exchange = self._exchange
        if exchange is None:
            return
        invite = exchange.transaction
        assert isinstance(invite, InviteClientTransaction), "a re-INVITE is an INVITE"
        self._session.core.layer.send_cancel(invite, now)
        self._leave(now)
        self._response, self._heard = invite.request.reply(408), False
        self.step(REFUSED, now)

    def close(self, now: float) -> None:
        """The session ends."""
        self.step(CLOSE, now)

    def _answered(self, exchange: Exchange, response: Response, now: float) -> None:
        """A response to our re-INVITE."""
        status = response.status
        if status < 200:
            return
        session = self._session
        if status < 300:
            if exchange.ack is None:
                exchange.ack = session.acknowledge_2xx(exchange.request, response.cseq.number)
            else:
                session.core.layer.resend(exchange.ack)
        if exchange is not self._exchange:
            return
        session.core.deadlines.cancel(session, UNANSWERED)
        self._exchange, self._response, self._heard = None, response, exchange.heard
        if status < 300:
            self.step(ACCEPTED, now)
        else:
            self.step(GLARE if self._is_temporary(response) else REFUSED, now)

    def _is_temporary(self, response: Response) -> bool:
        """491 is glare (§14.1); 500 with Retry-After says that another offer is being answered (§14.2)."""
        may_retry = self._retries < _MAX_RETRIES
        return may_retry and (
            response.status == 491 or (response.status == 500 and response.integer("Retry-After") is not None)
        )

    # Actions.

    def _begin(self, now: float) -> None:
        self._retries = 0
        self._sdp = self._said
        self._send(now)

    def _keep(self, now: float) -> None:
        self._retries = 0
        self._sdp = self._said

    def _send(self, now: float) -> None:
        self._session.core.deadlines.cancel(self._session, AGAIN)
        core = self._session.core
        self._exchange = self._session.ask("INVITE", self._answered, now, contact=True, sdp=self._sdp)
        core.deadlines.set(self._session, UNANSWERED, now + core.timers.timeout + core.timers.t2)

    def _leave(self, now: float) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.leave(now)

    def _wait(self, now: float) -> None:
        self._retries += 1
        core = self._session.core
        if self._response.status == 500:
            pause = float(min(self._response.integer("Retry-After") or 0, 10))
        elif self._session.direction == "out":
            pause = 2.1 + 1.9 * core.ids.fraction()  # §14.1: the one who made the Call-ID waits 2.1 to 4 s
        else:
            pause = 2.0 * core.ids.fraction()
        core.deadlines.set(self._session, AGAIN, now + pause)

    def _accept(self, now: float) -> None:
        session = self._session
        sdp = self._response.body or None
        session.local_sdp = self._sdp
        session.remote_sdp = sdp or session.remote_sdp
        session.take_target(self._response)
        session.core.events.append(OfferAccepted(session.as_call(), sdp))

    def _fail(self, now: float) -> None:
        response, session = self._response, self._session
        session.core.events.append(OfferRefused(session.as_call(), response.status, response.reason))
        if self._heard:
            session.judge(response, now)

    def _tell(self, now: float) -> None:
        # If our 2xx to the one before still waits, its ACK was lost: the peer would not go on without that 2xx.
        session = self._session
        session.stop_awaiting_ack()
        self._pending = self._arrived
        request = self._arrived.request
        session.core.events.append(
            OfferReceived(session.as_call(), request.body or None, request.method == "UPDATE")
        )

    def _refuse_glare(self, now: float) -> None:
        self._session.respond(self._arrived.transaction, 491, now)

    def _refuse_overlap(self, now: float) -> None:
        session = self._session
        session.respond(self._arrived.transaction, 500, now, headers=[session.core.retry_after()])

    def _answer_invite(self, now: float) -> None:
        session, pending = self._session, self._offered()
        response = session.reply(pending.request, 200, contact=True, sdp=self._said)
        session.await_ack(
            Acceptance(session.core, session, pending.transaction, response, is_first=False), now
        )
        self._settle(pending)

    def _answer_update(self, now: float) -> None:
        pending = self._offered()
        self._session.respond(pending.transaction, 200, now, contact=True, sdp=self._said)
        self._settle(pending)
        self._forget_theirs(now)

    def _settle(self, pending: Offer) -> None:
        session = self._session
        session.local_sdp = self._said
        session.remote_sdp = pending.request.body or session.remote_sdp
        session.take_target(pending.request)

    def _refuse(self, now: float) -> None:
        self._session.respond(self._offered().transaction, self._status, now)
        self._forget_theirs(now)

    def _withdraw(self, now: float) -> None:
        session = self._session
        session.respond(self._offered().transaction, 487, now)
        self._forget_theirs(now)
        session.core.events.append(OfferRefused(session.as_call(), 487, "Request Terminated"))

    def _forget_theirs(self, now: float) -> None:
        """Their offer is out of the way: ours, if one waits, goes with the next tick, whatever was left of its wait."""
        self._pending = None
        self._session.core.deadlines.set(self._session, AGAIN, now)

    def _terminate(self, now: float) -> None:
        """§15.1.2: what is still unanswered when the session ends gets 487."""
        self._session.respond(self._offered().transaction, 487, now)
        self._pending = None

    def _offered(self) -> Offer:
        assert self._pending is not None, "only states with an offer of theirs lead here"
        return self._pending

    # RFC 3261 §14.1 (ours), §14.2 (theirs), RFC 3311 §5.2.
    # fmt: off
    table: ClassVar[Table[State, Input]] = {
        (STABLE, OFFER):                  (OFFERING, _begin),
        (STABLE, RECEIVED):               (OFFERED, _tell),
        (STABLE, RETRY):                  (STABLE, None),
        (STABLE, CLOSE):                  (CLOSED, None),

        (OFFERING, ACCEPTED):             (STABLE, _accept),
        (OFFERING, REFUSED):              (STABLE, _fail),
        (OFFERING, GLARE):                (WAITING, _wait),
        (OFFERING, RECEIVED):             (OFFERING, _refuse_glare),
        (OFFERING, RETRY):                (OFFERING, None),
        (OFFERING, CLOSE):                (CLOSED, _leave),

        (WAITING, RETRY):                 (OFFERING, _send),
        (WAITING, OFFER):                 (WAITING, _keep),
        (WAITING, RECEIVED):              (OFFERED_WAITING, _tell),
        (WAITING, CLOSE):                 (CLOSED, None),

        (OFFERED, ANSWER):                (ANSWERED, _answer_invite),
        (OFFERED, ANSWER_UPDATE):         (STABLE, _answer_update),
        (OFFERED, REFUSE):                (STABLE, _refuse),
        (OFFERED, WITHDRAWN):             (STABLE, _withdraw),
        (OFFERED, RECEIVED):              (OFFERED, _refuse_overlap),
        (OFFERED, RETRY):                 (OFFERED, None),
        (OFFERED, CLOSE):                 (CLOSED, _terminate),

        (OFFERED_WAITING, ANSWER):        (ANSWERED_WAITING, _answer_invite),
        (OFFERED_WAITING, ANSWER_UPDATE): (WAITING, _answer_update),
        (OFFERED_WAITING, REFUSE):        (WAITING, _refuse),
        (OFFERED_WAITING, WITHDRAWN):     (WAITING, _withdraw),
        (OFFERED_WAITING, RECEIVED):      (OFFERED_WAITING, _refuse_overlap),
        (OFFERED_WAITING, RETRY):         (OFFERED_WAITING, None),       # sent when theirs is through
        (OFFERED_WAITING, CLOSE):         (CLOSED, _terminate),

        (ANSWERED, ACKED):                (STABLE, None),
        (ANSWERED, OFFER):                (ANSWERED_WAITING, _keep),     # §14.1: not while theirs is in progress
        (ANSWERED, RECEIVED):             (OFFERED, _tell),
        (ANSWERED, WITHDRAWN):            (ANSWERED, None),              # too late: it has its 2xx
        (ANSWERED, RETRY):                (ANSWERED, None),
        (ANSWERED, CLOSE):                (CLOSED, None),

        (ANSWERED_WAITING, ACKED):        (OFFERING, _send),
        (ANSWERED_WAITING, OFFER):        (ANSWERED_WAITING, _keep),
        (ANSWERED_WAITING, RECEIVED):     (OFFERED_WAITING, _tell),
        (ANSWERED_WAITING, WITHDRAWN):    (ANSWERED_WAITING, None),
        (ANSWERED_WAITING, RETRY):        (ANSWERED_WAITING, None),
        (ANSWERED_WAITING, CLOSE):        (CLOSED, None),

        (CLOSED, ACCEPTED):               (CLOSED, None),                # it was acknowledged; BYE is under way
        (CLOSED, REFUSED):                (CLOSED, None),
        (CLOSED, GLARE):                  (CLOSED, None),
        (CLOSED, RETRY):                  (CLOSED, None),
        (CLOSED, CLOSE):                  (CLOSED, None),
    }
    # fmt: on
