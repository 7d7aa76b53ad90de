"""The call as its callee sees it: ring, accept or reject, and the peer's CANCEL (RFC 3261 §9.2, §13.3, §15).

Knows nothing of who should ring. Invariants: the INVITE gets exactly one final response; BYE never leaves before the ACK of our 200
came or was given up (§15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from sip.account import Account
from sip.call import Call
from sip.calls.acceptance import Acceptance
from sip.calls.saved import SavedCall
from sip.calls.session import SESSION_TABLE
from sip.calls.states import (
    ACCEPT,
    ACCEPTED,
    ACKED,
    BYE,
    BYE_RECEIVED,
    CANCELLED,
    CONFIRMED,
    ENDED,
    ENDING,
    LEAVING,
    RECEIVED,
    REJECT,
    RING,
    RINGING,
    UNACKED,
    CallInput,
    CallState,
    End,
)
from sip.core import Core
from sip.dialog import Dialog
from sip.errors import LocalProtocolError
from sip.events import CallConfirmed, EndCause
from sip.fields import Headers
from sip.flow import Flow
from sip.machine import Table
from sip.message import Request, Response
from sip.uri import Uri

if TYPE_CHECKING:
    from sip.transactions.layer import ServerTransaction

_RING_AGAIN: Final = "ring again"
# §13.3.1.1: a proxy gives up an INVITE after three minutes without a provisional response.
_RING_INTERVAL: Final = 60.0


class IncomingCall(Call):
    """A call to us. `invite` is its server transaction."""

    __slots__ = ("_said", "invite")

    title = "call in"
    initial = RECEIVED

    def __init__(
        self,
        core: Core,
        invite: ServerTransaction,
        flow: Flow,
        *,
        local_tag: str,
        contact: Uri,
        account: Account | None,
        owner: object,
    ) -> None:
        request = invite.request
        super().__init__(
            core,
            request,
            direction="in",
            local_tag=local_tag,
            remote=request.from_,
            flow=flow,
            contact=contact,
            account=account,
            owner=owner,
        )
        self.invite = invite
        self.dialog = Dialog.of_callee(request, local_tag)
        self.remote_sdp = request.body or None
        # The response that the present step sends.
        self._said: Response

    # Commands.

    def ring(self, now: float, sdp: bytes | None = None, *, status: int = 180, headers: Headers = ()) -> None:
        if not 101 <= status <= 199:
            raise LocalProtocolError(f"not a provisional response that rings: {status}")
        self._said = self.reply(self.request, status, headers=headers, contact=True, sdp=sdp)
        self.step(RING, now)
        self.local_sdp = sdp or self.local_sdp

    def accept(self, sdp: bytes, now: float, *, headers: Headers = ()) -> None:
        self._said = self.reply(self.request, 200, headers=headers, contact=True, sdp=sdp)
        self.step(ACCEPT, now)
        self.local_sdp = sdp

    def reject(self, status: int, now: float, reason: str | None = None, *, headers: Headers = ()) -> None:
        if not 300 <= status <= 699:
            raise LocalProtocolError(f"not a final response that rejects: {status}")
        self._said = self.reply(self.request, status, reason, headers=headers)
        self.step(REJECT, now)

    def dump(self) -> SavedCall:
        if self.state not in (RECEIVED, RINGING, ACCEPTED, LEAVING):
            return self.dump_dialog()
        return self.saved("incoming", self.established(), self.request.to_bytes())

    # What comes from the peer, and time.

    def receive_cancel(self, invite: ServerTransaction, request: Request, now: float) -> None:
        if invite is self.invite:
            self._request = request
            self.step(CANCELLED, now)
        else:
            super().receive_cancel(invite, request, now)

    def handle_timer(self, name: str, now: float) -> None:
        if name == _RING_AGAIN:
            self.invite.respond(self._said, now)
            self.core.deadlines.set(self, _RING_AGAIN, now + _RING_INTERVAL)
        else:
            super().handle_timer(name, now)

    # Actions.

    def _ring(self, now: float) -> None:
        self.invite.respond(self._said, now)
        self.core.deadlines.set(self, _RING_AGAIN, now + _RING_INTERVAL)

    def _accept(self, now: float) -> None:
        self.core.deadlines.cancel(self, _RING_AGAIN)
        self.await_ack(Acceptance(self.core, self, self.invite, self._said, is_first=True), now)

    def _reject(self, now: float) -> None:
        self.invite.respond(self._said, now)
        self._end = End("us", self._said.status, self._said.reasons, EndCause.REJECTED)
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
        (RECEIVED, ACCEPT):           (ACCEPTED, _accept),
        (RECEIVED, REJECT):           (ENDED, _reject),
        (RECEIVED, CANCELLED):        (ENDED, _be_cancelled),
        (RECEIVED, BYE_RECEIVED):     (ENDED, _be_left),

        (RINGING, RING):              (RINGING, _ring),
        (RINGING, ACCEPT):            (ACCEPTED, _accept),
        (RINGING, REJECT):            (ENDED, _reject),
        (RINGING, CANCELLED):         (ENDED, _be_cancelled),
        (RINGING, BYE_RECEIVED):      (ENDED, _be_left),

        (ACCEPTED, ACKED):            (CONFIRMED, _confirm),
        (ACCEPTED, BYE):              (LEAVING, None),                 # §15: not before the ACK
        (ACCEPTED, UNACKED):          (ENDING, Call._give_up),         # §13.3.1.4
        (ACCEPTED, CANCELLED):        (ACCEPTED, None),                # §9.2: no effect on what was answered
        (ACCEPTED, BYE_RECEIVED):     (ENDED, Call._be_hung_up),       # its ACK was lost

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
