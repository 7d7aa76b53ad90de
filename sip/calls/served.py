"""What the peer asks inside a call, and who answers (RFC 3261 §12.2.2).

Between `calls.session`, which has the states, `calls.inside`, which has what goes on beside them, and `sip.call.Call`, which has the user's commands. Knows no transport.
Invariants: a request of the peer in a dialog of the call gets exactly one final response, here, from the tables or from the user; one
out of order gets 500 and changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sip.calls.inside import INSIDE_METHODS, Inside
from sip.calls.states import ACKED, BYE_RECEIVED, CALLING, CANCELLING, CONFIRMED, ENDED, ENDING, PROCEEDING
from sip.events import TargetChanged
from sip.flow import Flow
from sip.message import Request, Response

if TYPE_CHECKING:
    from sip.transactions.layer import ServerTransaction

_SERVED: Final = INSIDE_METHODS | {"INVITE", "PRACK", "UPDATE", "BYE", "OPTIONS"}


class ServedSession(Inside):
    """A session that answers the peer's requests."""

    __slots__ = ()

    # Requests and responses, as the agent hands them in.

    @staticmethod
    def serves(method: str) -> bool:
        """Whether requests of this method are handled inside the call."""
        return method in _SERVED

    def receive(self, transaction: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        """A request of the peer in one of our dialogs (§12.2.2)."""
        dialog = self.dialog_with(request.from_tag or "")
        if self.state is ENDED or (dialog is None and not self._may_be_answered(request.method)):
            self.respond(transaction, 481, now)
        elif dialog is not None and not dialog.admits(request):
            self.core.counters["cseq_too_low"] += 1
            self.respond(transaction, 500, now)
        else:
            self._request, self._transaction = request, transaction
            match request.method:
                case "INVITE":
                    self._handle_invite(now)
                case "UPDATE":
                    self._handle_update(now)
                case "PRACK":
                    self._handle_prack(now)
                case "BYE":
                    self._handle_bye(now)
                case "OPTIONS":
                    self._handle_options(now)
                case _:
                    self._handle_inside(now)

    def _may_be_answered(self, method: str) -> bool:
        """Whether the peer may have begun a dialog that we have not heard of: its 18x or 2xx was lost, or this request was faster.
        481 would end the call at a peer that regards it as answered (RFC 5057 §5.1)."""
        if self.direction == "in":
            return False
        return self.state in (PROCEEDING, CANCELLING) or (self.state is CALLING and method != "BYE")

    def receive_ack(self, request: Request, now: float) -> None:
        """An ACK for a 2xx of ours; one that comes again says nothing."""
        acceptance = self._acceptance
        if acceptance is None or acceptance.cseq != request.cseq.number:
            return
        acceptance.stop()
        self._acceptance = None
        self._request = request
        if acceptance.is_first:
            self.step(ACKED, now)
        else:
            self.offers.acked(request.body or None, now)

    def receive_cancel(self, invite: ServerTransaction, request: Request, now: float) -> None:
        """A CANCEL for an INVITE of the peer inside this call; it had its 200 from the agent."""
        self.offers.withdraw(invite, now)

    def receive_stray(self, response: Response, now: float) -> bool:
        """A 2xx to an INVITE of ours that no transaction knows any more; true when it was this call's and is acknowledged."""
        dialog = self.dialog
        if dialog is None or dialog.remote_tag != (response.to_tag or ""):
            return False
        self.acknowledge_2xx(self.request, response.cseq.number)
        return True

    def transport_lost(self, flow: Flow) -> None:
        """The connection is gone: what follows opens another."""
        if self.flow == flow:
            self.flow = flow._replace(connection=0)

    # Handlers of requests in the dialog.

    def _handle_invite(self, now: float) -> None:
        if self.state is CONFIRMED:
            self.offers.receive(self._transaction, now)
        else:
            self._refuse_early_offer(now)

    def _handle_update(self, now: float) -> None:
        tag = self._request.from_tag or ""
        if self._request.body:
            offers = self.offers_in(tag)
            if offers is not None:
                offers.receive(self._transaction, now)
            else:
                self._refuse_early_offer(now)
        elif self._offers is not None and self._offers.is_answering_update:
            self.respond(self._transaction, 500, now, headers=[self.core.retry_after()])  # RFC 3311 §5.2
        else:
            fields = self.timer_fields(self._request) if self.is_answered else []
            response = self.reply(self._request, 200, contact=True, headers=fields)
            self._transaction.respond(response, now)
            if self.is_answered:
                self.timer_agreed(response, "uas", now)
            dialog = self.dialog_with(tag)
            if dialog is not None and dialog.refresh_target(self._request) and dialog is self.dialog:
                self.core.events.append(TargetChanged(self.as_call()))

    def _refuse_early_offer(self, now: float) -> None:
        """An offer while the first INVITE is not through (RFC 3261 §14.2, RFC 3311 §5.2)."""
        if self.state is ENDING:
            self.respond(self._transaction, 481, now)
        elif self.direction == "out":
            self.respond(self._transaction, 491, now)
        else:
            self.respond(self._transaction, 500, now, headers=[self.core.retry_after()])

    def _handle_prack(self, now: float) -> None:
        """Only a callee sends what a PRACK is for."""
        self.respond(self._transaction, 481, now)

    def _handle_bye(self, now: float) -> None:
        self.step(BYE_RECEIVED, now)

    def _handle_options(self, now: float) -> None:
        self.respond(self._transaction, 200, now, contact=True, headers=[("Accept", "application/sdp")])
