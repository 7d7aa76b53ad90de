"""What is done about offers: sent, told, answered, refused, waited for. The actions of the table in `calls.offers`.

Knows the messages that carry an offer (RFC 3261 §14, RFC 3311, RFC 3262 §5), not when which of them may be sent: the table says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from sip.calls.acceptance import Acceptance
from sip.calls.offer_states import (
    ACCEPTED,
    AGAIN,
    GLARE,
    LATE,
    OVERDUE,
    REFUSED,
    RETRY,
    UNANSWERED,
    Input,
    Offer,
    State,
)
from sip.calls.states import CONFIRMED
from sip.events import DialogRefreshed, OfferAccepted, OfferReceived, OfferRefused, ProbeFailed
from sip.exchange import Exchange
from sip.machine import Machine
from sip.message import Request, Response
from sip.transactions.layer import InviteClientTransaction

if TYPE_CHECKING:
    from sip.calls.timed import TimedSession
    from sip.dialog import Dialog
    from sip.transactions.layer import ServerTransaction

# A peer that answers 491 or 500 for ever is not asked for ever.
_MAX_RETRIES: Final = 5

Carrier: TypeAlias = Literal["INVITE", "UPDATE"]


class OfferActions(Machine[State, Input]):
    """The ground under `Offers`.

    Args:
        session: whose changes they are.
        dialog: the confirmed one, or an early one.
    """

    __slots__ = (
        "_arrived",
        "_carrier",
        "_dialog",
        "_exchange",
        "_heard",
        "_is_refresh",
        "_pending",
        "_response",
        "_retries",
        "_said",
        "_said_by",
        "_sdp",
        "_session",
        "_status",
    )

    def __init__(self, session: TimedSession, dialog: Dialog) -> None:
        super().__init__()
        self._session = session
        self._dialog = dialog
        self._sdp = b""  # our offer that is under way or waits
        self._carrier: Carrier = "INVITE"  # what carries it
        self._is_refresh = False  # it is the one of before, sent for the session timer
        self._retries = 0
        self._exchange: Exchange | None = None
        self._pending: Offer | None = None  # theirs that was told last
        # What the present step is about.
        self._arrived: Offer
        self._response: Response
        self._heard = True  # whether it came from the peer
        self._said = b""
        self._said_by: Carrier = "INVITE"
        self._status = 0

    def identity(self) -> str:
        return self._session.id

    # Responses to ours, and time.

    def handle_timer(self, name: str, now: float) -> None:
        """A deadline came due."""
        if name == AGAIN:
            self.step(RETRY, now)
        elif name == UNANSWERED:
            self._give_up(now)
        elif name == OVERDUE:
            self.step(LATE, now)

    def _answered(self, exchange: Exchange, response: Response, now: float) -> None:
        """A response to our re-INVITE or UPDATE."""
        status = response.status
        if status < 200:
            return
        session = self._session
        if status < 300 and exchange.request.method == "INVITE":
            if exchange.ack is None:
                exchange.ack = session.acknowledge_2xx(exchange.on_the_wire(), response.cseq.number)
            else:
                session.core.layer.resend(exchange.ack)
        if exchange is not self._exchange:
            return
        session.core.deadlines.cancel(self, UNANSWERED)
        self._exchange, self._response, self._heard = None, response, exchange.heard
        if status < 300:
            self.step(ACCEPTED, now)
        else:
            self.step(GLARE if self._is_temporary(response) else REFUSED, now)

    def _is_temporary(self, response: Response) -> bool:
        """491 is glare (§14.1); 500 with Retry-After says that another offer is being answered (§14.2); 422 that the session timer is to
        be longer (RFC 4028 §7.3)."""
        if self._retries >= _MAX_RETRIES:
            return False
        if response.status == 500:
            return response.integer("Retry-After") is not None
        return response.status == 491 or self._session.timer_raised(response)

    def _give_up(self, now: float) -> None:
        """The peer said 100 to our re-INVITE and then nothing: take it back (§14.1 lets CANCEL do that)."""
        exchange = self._exchange
        assert exchange is not None, "the deadline is cancelled with the exchange"
        invite = exchange.transaction
        assert isinstance(invite, InviteClientTransaction), "an UPDATE times out by itself"
        self._session.core.layer.send_cancel(invite, now)
        self._leave(now)
        self._response, self._heard = invite.request.reply(408), False
        self.step(REFUSED, now)

    # Actions.

    def _begin(self, now: float) -> None:
        self._retries = 0
        self._sdp, self._carrier = self._said, self._said_by
        self._send(now)

    def _keep(self, now: float) -> None:
        self._retries = 0
        self._sdp, self._carrier = self._said, self._said_by

    def _send(self, now: float) -> None:
        session = self._session
        core = session.core
        core.deadlines.cancel(self, AGAIN)
        self._exchange = session.ask(
            self._carrier, self._answered, now, contact=True, sdp=self._sdp, dialog=self._dialog
        )
        if self._carrier == "INVITE":
            core.deadlines.set(self, UNANSWERED, now + core.timers.timeout + core.timers.t2)

    def _leave(self, now: float) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None and exchange.request.method == "INVITE":
            exchange.leave(now)

    def _wait(self, now: float) -> None:
        self._retries += 1
        core = self._session.core
        if self._response.status == 422:
            pause = 0.0
        elif self._response.status == 500:
            pause = float(min(self._response.integer("Retry-After") or 0, 10))
        elif self._session.direction == "out":
            pause = 2.1 + 1.9 * core.ids.fraction()  # §14.1: the one who made the Call-ID waits 2.1 to 4 s
        else:
            pause = 2.0 * core.ids.fraction()
        core.deadlines.set(self, AGAIN, now + pause)

    def _accept(self, now: float) -> None:
        session = self._session
        sdp = self._response.body or None
        is_news = not self._is_refresh or sdp not in (None, session.remote_sdp)
        session.local_sdp = self._sdp
        session.take_remote_sdp(sdp, self._dialog)
        session.take_target(self._response, self._dialog)
        if session.is_answered:
            session.timer_agreed(self._response, "uac", now)
        call = session.as_call()
        session.core.events.append(OfferAccepted(call, sdp) if is_news else DialogRefreshed(call))

    def _take_answer(self, now: float) -> None:
        session = self._session
        session.local_sdp = self._sdp
        session.take_remote_sdp(self._said, self._dialog)
        session.core.events.append(OfferAccepted(session.as_call(), self._said))

    def _fail(self, now: float) -> None:
        response, session = self._response, self._session
        if self._is_refresh:
            status = response.status if self._heard else None
            session.core.events.append(ProbeFailed(session.as_call(), status, response.reason))
        else:
            session.core.events.append(OfferRefused(session.as_call(), response.status, response.reason))
        if not (self._heard and session.state is CONFIRMED and session.judge(response, now)):
            session.timer_failed(now)

    def _tell(self, now: float) -> None:
        # If our 2xx to the one before still waits, its ACK was lost: the peer would not go on without that 2xx.
        session = self._session
        session.stop_awaiting_ack()
        pending = self._pending = self._arrived
        request = pending.request
        in_update = request is not None and request.method == "UPDATE"
        if pending.must_be_answered_soon:
            session.core.deadlines.set(self, OVERDUE, now + session.core.timers.timeout / 2)
        tag = "" if self._dialog is session.dialog else self._dialog.remote_tag
        session.core.events.append(OfferReceived(session.as_call(), pending.sdp, in_update, tag))

    def _refuse_glare(self, now: float) -> None:
        self._session.respond(self._transaction(self._arrived), 491, now)

    def _refuse_overlap(self, now: float) -> None:
        session = self._session
        retry_after = session.core.retry_after()
        session.respond(self._transaction(self._arrived), 500, now, headers=[retry_after])

    def _answer_invite(self, now: float) -> None:
        session, transaction = self._session, self._transaction(self._pending)
        fields = session.timer_fields(transaction.request)
        response = session.reply(transaction.request, 200, headers=fields, contact=True, sdp=self._said)
        session.timer_agreed(response, "uas", now)
        session.await_ack(Acceptance(session.core, session, transaction, response, is_first=False), now)
        self._settle(transaction.request)

    def _answer_update(self, now: float) -> None:
        transaction = self._transaction(self._pending)
        session, request = self._session, transaction.request
        is_timed = request.method == "UPDATE" and session.is_answered
        fields = session.timer_fields(request) if is_timed else []
        response = session.reply(request, 200, headers=fields, contact=True, sdp=self._said)
        transaction.respond(response, now)
        if is_timed:
            session.timer_agreed(response, "uas", now)
        self._settle(transaction.request)
        self._forget_theirs(now)

    def _answer_18x(self, now: float) -> None:
        session, pending = self._session, self._pending
        assert pending is not None, "an offer was told"
        assert pending.acknowledge is not None, "it came in a reliable 18x"
        session.local_sdp = self._said
        session.take_remote_sdp(pending.sdp, self._dialog)
        self._pending = None
        pending.acknowledge(self._said, now)

    def _settle(self, request: Request) -> None:
        session = self._session
        session.local_sdp = self._said
        session.take_remote_sdp(request.body, self._dialog)
        if request.method != "PRACK":
            session.take_target(request, self._dialog)

    def _refuse(self, now: float) -> None:
        self._session.respond(self._transaction(self._pending), self._status, now)
        self._forget_theirs(now)

    def _withdraw(self, now: float) -> None:
        self._end_theirs(487, "Request Terminated", now)

    def _be_late(self, now: float) -> None:
        """RFC 3311 §5.2: who must ask a user answers 504, before the peer gives the UPDATE up by itself."""
        self._end_theirs(504, "Server Time-out", now)

    def _end_theirs(self, status: int, reason: str, now: float) -> None:
        session = self._session
        session.respond(self._transaction(self._pending), status, now)
        self._forget_theirs(now)
        session.core.events.append(OfferRefused(session.as_call(), status, reason))

    def _forget_theirs(self, now: float) -> None:
        """Their offer is out of the way: ours, if one waits, goes with the next tick, whatever was left of its wait."""
        self._pending = None
        self._session.core.deadlines.cancel(self, OVERDUE)
        self._session.core.deadlines.set(self, AGAIN, now)

    def _terminate(self, now: float) -> None:
        """§15.1.2: what is still unanswered when the session ends gets 487."""
        if self._pending is not None and self._pending.transaction is not None:
            self._session.respond(self._pending.transaction, 487, now)
        self._pending = None

    @staticmethod
    def _transaction(offer: Offer | None) -> ServerTransaction:
        """The transaction of an offer that a request brought."""
        assert offer is not None, "only states with an offer of theirs lead here"
        assert offer.transaction is not None, "and it did not come in an 18x"
        return offer.transaction
