"""The call as its callee sees it: ring, accept or reject, and the peer's CANCEL (RFC 3261 §9.2, §13.3, §15).

Knows nothing of who should ring. Invariants: the INVITE gets exactly one final response; a 2xx never leaves before the PRACK of a
description in a reliable 18x (RFC 3262 §3); BYE never before the ACK of our 200 came or was given up (§15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sip.call import Call
from sip.calls.acceptance import Acceptance
from sip.calls.early_callee import RING_AGAIN, RING_INTERVAL, EarlyCallee
from sip.calls.options import RELIABLE, allows, requires
from sip.calls.provisional import Ringing
from sip.calls.saved import SavedCall
from sip.calls.session import SESSION_TABLE
from sip.calls.states import (
    ACCEPT,
    ACCEPT_HELD,
    ACCEPT_LATER,
    ACCEPTED,
    ACKED,
    BYE,
    BYE_RECEIVED,
    CANCELLED,
    CONFIRMED,
    ENDED,
    ENDING,
    EXPIRED,
    LEAVING,
    PRACKED,
    RECEIVED,
    REJECT,
    RING,
    RING_RELIABLY,
    RINGING,
    UNACKED,
    UNPRACKED,
    CallInput,
    CallState,
    End,
)
from sip.core import reason_headers
from sip.errors import LocalProtocolError
from sip.events import CallConfirmed, EndCause
from sip.fields import Headers
from sip.machine import Table
from sip.message import Request

if TYPE_CHECKING:
    from sip.transactions.layer import ServerTransaction


class IncomingCall(EarlyCallee):
    """A call to us. `invite` is its server transaction."""

    __slots__ = ()

    title = "call in"
    initial = RECEIVED

    # Commands.

    def ring(
        self,
        now: float,
        sdp: bytes | None = None,
        *,
        status: int = 180,
        headers: Headers = (),
        reliable: bool = False,
    ) -> None:
        if not 101 <= status <= 199:
            raise LocalProtocolError(f"not a provisional response that rings: {status}")
        if sdp is not None and self._offers is not None:
            self._require_same(sdp)
            sdp = None  # RFC 6337 §2: it has left reliably, and is not said twice
        must = requires(self.request, RELIABLE)
        if reliable or must:
            self._check_reliable(sdp, wanted=reliable)
            self._ringing = Ringing(status, tuple(headers), sdp)
            self.reply(self.request, status, headers=self._ringing.headers, sdp=sdp)  # so that it raises here
            self.step(RING_RELIABLY, now)
        else:
            self._said = self.reply(self.request, status, headers=headers, contact=True, sdp=sdp)
            self.step(RING, now)
        self.local_sdp = sdp or self.local_sdp

    def accept(self, sdp: bytes | None, now: float, *, headers: Headers = ()) -> None:
        if self._offers is None:
            sdp = sdp or self.local_sdp
            if sdp is None:
                raise LocalProtocolError("the 2xx needs a description: nothing was said reliably before it")
        elif sdp is not None:
            self._require_same(sdp)
        said = None if self._offers is not None else sdp
        fields = [*headers, *self.timer_fields(self.request)]
        self._said = self.reply(self.request, 200, headers=fields, contact=True, sdp=said)
        provisional = self._provisional
        self.step(ACCEPT_LATER if provisional is not None and provisional.holds_2xx else ACCEPT, now)
        self.local_sdp = sdp or self.local_sdp

    def reject(self, status: int, now: float, reason: str | None = None, *, headers: Headers = ()) -> None:
        if not 300 <= status <= 699:
            raise LocalProtocolError(f"not a final response that rejects: {status}")
        self._said = self.reply(self.request, status, reason, headers=headers)
        self.step(REJECT, now)

    def dump(self, local_sdp: bytes | None = None) -> SavedCall:
        if self.state not in (RECEIVED, RINGING, ACCEPT_HELD, ACCEPTED, LEAVING):
            return self.dump_dialog(local_sdp)
        return self.saved("incoming", self.established(), local_sdp, self.request.to_bytes())

    # What comes from the peer, and time.

    def receive_cancel(self, invite: ServerTransaction, request: Request, now: float) -> None:
        if invite is self.invite:
            self._request = request
            self.step(CANCELLED, now)
        else:
            super().receive_cancel(invite, request, now)

    # Actions.

    def _ring(self, now: float) -> None:
        self.invite.respond(self._said, now)
        self.core.deadlines.set(self, RING_AGAIN, now + RING_INTERVAL)

    def _hold_2xx(self, now: float) -> None:
        self.core.deadlines.cancel(self, RING_AGAIN)

    def _accept(self, now: float) -> None:
        self.core.deadlines.cancel(self, RING_AGAIN)
        self._allows_update = allows(self.request, "UPDATE")
        if self._provisional is not None:
            self._provisional.close(now)
        self.timer_agreed(self._said, "uas", now)
        self.await_ack(Acceptance(self.core, self, self.invite, self._said, is_first=True), now)

    def _reject(self, now: float) -> None:
        self.invite.respond(self._said, now)
        self._end = End("us", self._said.status, self._said.reasons, EndCause.REJECTED)
        self._finish(now)

    def _leave_unanswered(self, now: float) -> None:
        """Hung up before the 2xx could leave: there is no call to end by BYE yet."""
        self._said = self.reply(self.request, 480, headers=reason_headers(self._reasons))
        self._reject(now)

    def _be_unpracked(self, now: float) -> None:
        """RFC 3262 §3: what was to be reliable did not arrive."""
        self.respond(self.invite, 504, now)
        self._end = End("nobody", 504, (), EndCause.NOT_ACKNOWLEDGED)
        self._finish(now)

    def _be_cancelled(self, now: float) -> None:
        """§9.2: the CANCEL had its 200 from the agent; the INVITE gets 487."""
        self._terminate(EndCause.CANCELLED, now)

    def _be_left(self, now: float) -> None:
        """§15: the caller may send BYE on an early dialog."""
        self.respond(self._transaction, 200, now)
        self._terminate(EndCause.HUNG_UP, now)

    def _terminate(self, cause: EndCause, now: float) -> None:
        self.respond(self.invite, 487, now)
        self.reasons = self._request.reasons
        self._end = End("them", 487, self.reasons, cause)
        self._finish(now)

    def _confirm(self, now: float) -> None:
        sdp = self._request.body or None
        self.remote_sdp = sdp or self.remote_sdp
        self.core.events.append(CallConfirmed(self, sdp))

    # RFC 3261 §13.3, §9.2 and §15, after which comes the session's own table.
    # fmt: off
    table: ClassVar[Table[CallState, CallInput]] = {
        (RECEIVED, RING):             (RINGING, _ring),
        (RECEIVED, RING_RELIABLY):    (RINGING, EarlyCallee._ring_reliably),
        (RECEIVED, ACCEPT):           (ACCEPTED, _accept),
        (RECEIVED, REJECT):           (ENDED, _reject),
        (RECEIVED, CANCELLED):        (ENDED, _be_cancelled),
        (RECEIVED, BYE_RECEIVED):     (ENDED, _be_left),

        (RINGING, RING):              (RINGING, _ring),
        (RINGING, RING_RELIABLY):     (RINGING, EarlyCallee._ring_reliably),
        (RINGING, ACCEPT):            (ACCEPTED, _accept),
        (RINGING, ACCEPT_LATER):      (ACCEPT_HELD, _hold_2xx),
        (RINGING, UNPRACKED):         (ENDED, _be_unpracked),
        (RINGING, REJECT):            (ENDED, _reject),
        (RINGING, CANCELLED):         (ENDED, _be_cancelled),
        (RINGING, BYE_RECEIVED):      (ENDED, _be_left),

        (ACCEPT_HELD, PRACKED):       (ACCEPTED, _accept),
        (ACCEPT_HELD, UNPRACKED):     (ENDED, _be_unpracked),
        (ACCEPT_HELD, REJECT):        (ENDED, _reject),
        (ACCEPT_HELD, BYE):           (ENDED, _leave_unanswered),
        (ACCEPT_HELD, CANCELLED):     (ENDED, _be_cancelled),
        (ACCEPT_HELD, BYE_RECEIVED):  (ENDED, _be_left),

        (ACCEPTED, ACKED):            (CONFIRMED, _confirm),
        (ACCEPTED, BYE):              (LEAVING, None),                 # §15: not before the ACK
        (ACCEPTED, UNACKED):          (ENDING, Call._give_up),         # §13.3.1.4
        (ACCEPTED, CANCELLED):        (ACCEPTED, None),                # §9.2: no effect on what was answered
        (ACCEPTED, EXPIRED):          (LEAVING, None),                 # RFC 4028 §10, but not before the ACK
        (ACCEPTED, BYE_RECEIVED):     (ENDED, Call._be_hung_up),       # its ACK was lost

        (LEAVING, EXPIRED):           (LEAVING, None),
        (LEAVING, ACKED):             (ENDING, Call._hang_up),
        (LEAVING, UNACKED):           (ENDING, Call._hang_up),
        (LEAVING, BYE):               (LEAVING, None),
        (LEAVING, CANCELLED):         (LEAVING, None),
        (LEAVING, BYE_RECEIVED):      (ENDED, Call._be_hung_up),

        (CONFIRMED, CANCELLED):       (CONFIRMED, None),
        (ENDING, CANCELLED):          (ENDING, None),
        (ENDED, CANCELLED):           (ENDED, None),
        **SESSION_TABLE,
    }
    # fmt: on
