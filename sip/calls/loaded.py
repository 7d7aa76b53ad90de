"""Calls of ours that were taken from disk (design: the restart contract).

`LoadedCall` is confirmed: the session alone, how it began is over; whether the peer still knows it is asked by `update`.
`ResumedCall` is an INVITE that nobody had answered. Invariant: both are born silent.
"""

from __future__ import annotations

from typing import ClassVar

from sip.account import Account
from sip.call import Call
from sip.calls.caller import OutgoingCall
from sip.calls.saved import SavedCall
from sip.calls.session import SESSION_TABLE
from sip.calls.session_timer import SessionTimer
from sip.calls.states import CONFIRMED, PROCEEDING, CallInput, CallState
from sip.core import Core
from sip.dialog import CSEQ_SKIP, Dialog
from sip.flow import Flow
from sip.machine import Table
from sip.message import Request, Response
from sip.uri import NameAddr, Uri


class LoadedCall(Call):
    """A confirmed call of an earlier life of this process."""

    __slots__ = ()

    title = "call loaded"
    initial = CONFIRMED

    def __init__(
        self,
        core: Core,
        saved: SavedCall,
        now: float,
        *,
        contact: Uri,
        account: Account | None,
        owner: object,
    ) -> None:
        super().__init__(
            core,
            _invite(saved),
            direction=saved.direction,
            local_tag=saved.local_tag,
            remote=NameAddr.parse(saved.remote),
            flow=Flow(saved.transport, (saved.host, saved.port)),
            contact=contact,
            account=account,
            owner=owner,
        )
        self.dialog = Dialog(
            call_id=saved.call_id,
            local_tag=saved.local_tag,
            remote_tag=saved.remote_tag,
            local=saved.local,
            remote=saved.remote,
            target=Uri.parse(saved.target),
            route_set=saved.route_set,
            # What was sent after the saving is not known.
            local_cseq=saved.local_cseq + CSEQ_SKIP,
            remote_cseq=saved.remote_cseq,
        )
        self.local_sdp = saved.local_sdp
        self.remote_sdp = saved.remote_sdp
        self._allows_update = saved.allows_update
        if saved.session_expires:
            self._timer = SessionTimer(self, saved.session_expires)
            self._timer.resume(now, ours=saved.we_refresh)

    def dump(self, local_sdp: bytes | None = None) -> SavedCall:
        return self.dump_dialog(local_sdp)

    table: ClassVar[Table[CallState, CallInput]] = SESSION_TABLE


class ResumedCall(OutgoingCall):
    """An INVITE that an earlier life of this process sent; it can be cancelled, by the branch that was written down."""

    __slots__ = ()

    def resume(self, now: float, saved: SavedCall) -> None:
        """Go on waiting for its responses."""
        self.state = PROCEEDING
        self.local_sdp = saved.local_sdp
        self._past_cseq = saved.local_cseq + CSEQ_SKIP
        self._exchange.resume(now)

    def receive_stray(self, response: Response, now: float) -> bool:
        """The first 2xx may fit no transaction: the INVITE had left again, with credentials, after it was written down. It is this
        call's all the same, by Call-ID and tag."""
        if self.dialog is not None:
            return super().receive_stray(response, now)
        invite = self._exchange.transaction
        if invite is not None:
            invite.abandon(now)  # nobody will answer that attempt any more
        self._cseq = response.cseq.number
        self._exchange.request = self._exchange.request.with_header("CSeq", response.cseq)
        self._invite_answered(self._exchange, response, now)
        return True


def _invite(saved: SavedCall) -> Request:
    """As much of the INVITE as the dialog remembers."""
    from_, to = (saved.local, saved.remote) if saved.direction == "out" else (saved.remote, saved.local)
    return Request.build(
        "INVITE", saved.request_uri, [("From", from_), ("To", to), ("Call-ID", saved.call_id)]
    )
