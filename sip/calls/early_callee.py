"""The callee's side of a call before it is answered: reliable 18x and their PRACK, and what they settle (RFC 3262 §3, §5).

Under `calls.callee`, whose table says when. Knows nothing of final responses but that they wait.
Invariants: a description leaves reliably once, as the answer to the INVITE's offer or as the offer it did not have; a PRACK gets 2xx
if and only if it is for the response that waits for one.
"""

from __future__ import annotations

from typing import Final

from sip.account import Account
from sip.call import Call
from sip.calls.offers import Offers
from sip.calls.options import RELIABLE, supports
from sip.calls.provisional import Provisional, Ringing
from sip.calls.saved import SavedCall
from sip.calls.states import ACCEPT_HELD, PRACKED, UNPRACKED
from sip.core import Core
from sip.dialog import CSEQ_SKIP, Dialog
from sip.errors import LocalProtocolError
from sip.flow import Flow
from sip.message import Response
from sip.transactions.layer import ServerTransaction
from sip.uri import Uri

RING_AGAIN: Final = "ring again"
# RFC 3261 §13.3.1.1: a proxy gives up an INVITE after three minutes without a provisional response.
RING_INTERVAL: Final = 60.0


class EarlyCallee(Call):
    """The ground under `IncomingCall`."""

    __slots__ = ("_is_loaded", "_provisional", "_ringing", "_said", "invite")

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
        # Its reliable provisional responses, once there was one.
        self._provisional: Provisional | None = None
        self._is_loaded = False
        # The response that the present step sends, or what a reliable one is to say.
        self._said: Response
        self._ringing: Ringing

    def restore(self, saved: SavedCall) -> None:
        """Take what an earlier life of this process knew of the call; its INVITE came already. Nothing is sent.

        How many reliable responses left is not known, so there will be none from now on: 18x without it, or none where the caller
        insists. Nor is it known which PRACK is still under way: each is answered.
        """
        dialog = self.established()
        dialog.local_cseq = saved.local_cseq + CSEQ_SKIP
        dialog.remote_cseq = max(dialog.remote_cseq, saved.remote_cseq)
        self.local_sdp = saved.local_sdp
        if self.remote_sdp is None and saved.remote_sdp is not None:
            # Our offer in a reliable 18x was answered in its PRACK: the 2xx has none.
            self.remote_sdp = saved.remote_sdp
            self._offers = Offers(self, dialog)
        self._is_loaded = True

    def handle_timer(self, name: str, now: float) -> None:
        if name == RING_AGAIN:
            if self._provisional is None:
                self.invite.respond(self._said, now)
            else:
                self._provisional.ring_again(now)
            self.core.deadlines.set(self, RING_AGAIN, now + RING_INTERVAL)
        else:
            super().handle_timer(name, now)

    def provisional_sent(self, sdp: bytes | None, now: float) -> None:
        """A reliable response left with this description: the answer to their offer, or our offer (RFC 3262 §5)."""
        if sdp is None or self._offers is not None:
            return
        self._offers = Offers(self, self.established())
        if self.request.body:
            self._offers.settle(now)
        else:
            self._offers.propose(sdp, now)

    def provisional_lost(self, now: float) -> None:
        """No PRACK came for a reliable response (§3)."""
        self.step(UNPRACKED, now)

    def _handle_prack(self, now: float) -> None:
        request, provisional, offers = self._request, self._provisional, self._offers
        if provisional is None and self._is_loaded:
            self.respond(self._transaction, 200, now)
        elif provisional is None or not provisional.matches(request):
            self.core.counters["prack_unmatched"] += 1
            self.respond(self._transaction, 481, now)
        elif offers is not None and not offers.is_settled and not request.body:
            self.core.counters["prack_without_answer"] += 1
            self.respond(self._transaction, 400, now)
        elif offers is None and request.body:
            self._refuse_early_offer(now)  # theirs in the INVITE still has no answer
        else:
            self._be_pracked(provisional, offers, now)

    def _be_pracked(self, provisional: Provisional, offers: Offers | None, now: float) -> None:
        sdp = self._request.body or None
        if offers is not None and not offers.is_settled:
            offers.accepted_by_prack(sdp or b"", now)
            sdp = None
        elif offers is not None:
            offers.confirm(now)
        if offers is not None and sdp is not None:
            offers.receive(self._transaction, now)  # §5: the answer comes in the PRACK's 2xx
        else:
            self.respond(self._transaction, 200, now)
        held = self.state is ACCEPT_HELD
        if held:
            provisional.drop_queue()
        provisional.acknowledge(now)
        if held:
            self.step(PRACKED, now)

    def _require_same(self, sdp: bytes) -> None:
        if sdp != self.local_sdp:
            raise LocalProtocolError("our description has left in a reliable response: UPDATE changes it")

    def _check_reliable(self, sdp: bytes | None, *, wanted: bool) -> None:
        """Whether a reliable response may be sent; what the caller insists on, and we cannot do, is not sent at all."""
        if not wanted:
            return
        if self._is_loaded:
            raise LocalProtocolError("the number that a reliable response needs was lost with the process")
        if not supports(self.request, RELIABLE):
            raise LocalProtocolError("the caller does not know reliable responses")
        if self._needs_offer(sdp):
            raise LocalProtocolError("the INVITE had no offer: the first reliable response brings ours")

    def _needs_offer(self, sdp: bytes | None) -> bool:
        return self._provisional is None and sdp is None and not self.request.body

    def _ring_reliably(self, now: float) -> None:
        said = self._ringing
        if self._is_loaded or self._needs_offer(said.sdp):
            return  # §3, §5: the caller insists on what cannot be said now; it has heard 100
        if self._provisional is None:
            self._provisional = Provisional(self)
        self._provisional.send(said, now)
        self.core.deadlines.set(self, RING_AGAIN, now + RING_INTERVAL)

    def _finish(self, now: float) -> None:
        if self._provisional is not None:
            self._provisional.close(now)
        super()._finish(now)
