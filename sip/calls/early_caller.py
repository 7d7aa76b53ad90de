"""The caller's side of a call before it is answered: early dialogs, one for each branch of a fork, and which of them wins.

Under `calls.caller`, whose table says when. Knows nothing of CANCEL and of the INVITE's failures.
Invariant: a request in an early dialog, and all that follow when it is confirmed, have growing numbers.
"""

from __future__ import annotations

from abc import abstractmethod

from sip.account import Account
from sip.call import Call
from sip.calls.early import Forks
from sip.calls.offers import Offers
from sip.calls.options import allows
from sip.calls.session_timer import Interval
from sip.calls.states import CANCELLING, PROCEEDING
from sip.core import Core
from sip.course import Course
from sip.dialog import Dialog
from sip.exchange import Exchange
from sip.flow import Flow
from sip.message import Request, Response
from sip.uri import Uri


class EarlyCaller(Call):
    """The ground under `OutgoingCall`."""

    __slots__ = ("_answer", "_cseq", "_exchange", "_past_cseq", "forks")

    def __init__(
        self,
        core: Core,
        request: Request,
        way: Flow | Course,
        *,
        local_tag: str,
        contact: Uri,
        account: Account,
        owner: object,
    ) -> None:
        super().__init__(
            core,
            request,
            direction="out",
            local_tag=local_tag,
            remote=request.to,
            flow=way if isinstance(way, Flow) else way.flow,
            contact=contact,
            account=account,
            owner=owner,
        )
        self.local_sdp = request.body or None
        self.forks = Forks(self)
        self._answer: bytes | None = None
        self._cseq = request.cseq.number
        # No dialog of this call uses a number below it: an earlier life of the process may have.
        self._past_cseq = 0
        self._exchange = Exchange(
            core, request, way, account, self._next_cseq, self._invite_answered, self._may_retry
        )

    @abstractmethod
    def _invite_answered(self, exchange: Exchange, response: Response, now: float) -> None:
        """A response to the INVITE."""

    @abstractmethod
    def _may_retry(self, now: float) -> bool:
        """Whether a challenge of the INVITE is answered."""

    def dialog_with(self, remote_tag: str) -> Dialog | None:
        return self.forks.dialog(remote_tag) or super().dialog_with(remote_tag)

    def offers_in(self, remote_tag: str) -> Offers | None:
        return self.forks.with_offers(remote_tag) if self.dialog is None else super().offers_in(remote_tag)

    def take_remote_sdp(self, sdp: bytes | None, dialog: Dialog) -> None:
        early = self.forks.get(dialog.remote_tag)
        if early is not None:
            early.sdp = sdp or early.sdp
        super().take_remote_sdp(sdp, dialog)

    def new_dialog(self, response: Response) -> Dialog:
        """The dialog that a response to our INVITE makes."""
        dialog = Dialog.of_caller(self._exchange.request, response)
        dialog.local_cseq = max(dialog.local_cseq, self._past_cseq)
        return dialog

    def _next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq

    def _handle_bye(self, now: float) -> None:
        if len(self.forks) > 1 and self.state in (PROCEEDING, CANCELLING):
            # One branch of a fork takes its leave; the others still ring.
            self.forks.leave(self._request.from_tag or "", now)
            self.respond(self._transaction, 200, now)
        else:
            super()._handle_bye(now)

    def _ask_longer(self, response: Response, now: float) -> bool:
        """A 422 wants a longer session interval: whether the INVITE left again with it (RFC 4028 §7.3)."""
        exchange = self._exchange
        asked, least = Interval.of(exchange.request), response.integer("Min-SE")
        if asked is None or least is None or least <= asked.seconds or exchange.is_worn_out:
            return False
        if not self._may_retry(now):
            return False
        longer = exchange.request.with_header("Session-Expires", least).with_header("Min-SE", least)
        exchange.again(longer, now)
        return True

    def _take_dialog(self, now: float) -> None:
        response = self._response
        winner = self.forks.win(response.to_tag or "", now)
        if winner is None:
            self.dialog = self.new_dialog(response)
        else:
            self.dialog = winner.dialog
            self.dialog.confirm(response)
        self._allows_update = allows(response, "UPDATE")
        asks = self.core.session_timers.ask is not None
        asked = Interval.of(self._exchange.request) if asks else None
        self.timer_agreed(response, "uac", now, asked)
        if winner is not None and winner.offers is not None and winner.offers.is_settled:
            # RFC 3261 §13.2.1: what the 2xx says is not looked at.
            self._offers = winner.offers
            self._offers.confirm(now)
            self.remote_sdp = winner.sdp
        else:
            if winner is not None:
                winner.close(now)
            self.remote_sdp = response.body or self.remote_sdp

    def _finish(self, now: float) -> None:
        self.forks.close(now)
        super()._finish(now)
