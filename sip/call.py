"""A call: one INVITE session from the offer to the end (RFC 3261 §13 to §15), and what its user may ask of it.

`Call` holds what both roles share, from the confirmed dialog on; `calls.caller.OutgoingCall` and `calls.callee.IncomingCall` add
the two ways to get there, `calls.offers.Offers` the changes of a session (§14, RFC 3311). Knows nothing of lines, browsers or media:
SDP is bytes.

Invariants: `state` is the only truth about the session and the tables the only way to change it; a command that the table does
not have raises LocalProtocolError and changes nothing; CallEnded is told exactly once, with the passage to ENDED; an ended call
has no deadline and is found by no request any more.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sip.calls.offers import Offers
from sip.calls.saved import Kind, SavedCall
from sip.calls.served import ServedSession
from sip.calls.states import (
    BYE,
    CONFIRMED,
    ENDED,
    IDLE,
    CallState,
)
from sip.core import checked_reasons
from sip.dialog import Dialog
from sip.errors import LocalProtocolError
from sip.fields import Headers
from sip.headers import Reason

if TYPE_CHECKING:
    pass

__all__ = ["Call", "CallState", "SavedCall"]


class Call(ServedSession, ABC):
    """One INVITE session. Made by `UserAgent.invite`, by an incoming INVITE, or by `UserAgent.load_call`.

    Attributes:
        direction: "out" for the caller, "in" for the callee.
        state: see `calls.states.CallState`.
        id: the Call-ID.
        local_tag, remote_tag: the halves of the dialog's id; the remote one is "" until it is known.
        owner: whatever the user gave at `invite` or `load_call`; for an incoming call the registration's owner, or None.
        remote: who is at the other end, as To or From says.
        request_uri: whom the INVITE was for.
        local_sdp, remote_sdp: the latest of either side that was offered or answered, None before.
        replaces: the Replaces header of the INVITE, ours or theirs.
        reasons: the Reason headers of the peer's last CANCEL, BYE or failure.
        request: the INVITE.
        flow: the road on which the call was met.
    """

    __slots__ = ()

    # What the user sees and may ask.

    def __repr__(self) -> str:
        return f"<{self.title} {self.identity()} {self.state}>"

    @property
    def remote_tag(self) -> str:
        return self.dialog.remote_tag if self.dialog is not None else ""

    def ring(
        self,
        now: float,
        sdp: bytes | None = None,
        *,
        status: int = 180,
        headers: Headers = (),
        reliable: bool = False,
    ) -> None:
        """Callee: answer 180 (or another 18x), with early media's SDP if given; may be repeated.

        Args:
            reliable: repeat it until its PRACK comes (RFC 3262); so it is anyway when the caller requires it. A description in it is the
                answer (or, when the INVITE had none, the offer) and not to be said again.

        Raises:
            LocalProtocolError: this is no incoming call that waits for an answer. So for all commands below.
        """
        raise self._wrong_role("ring")

    def accept(self, sdp: bytes | None, now: float, *, headers: Headers = ()) -> None:
        """Callee: answer 200 and repeat it until the ACK comes: CallConfirmed, or after 64*T1 BYE and CallEnded. It waits for the PRACK
        of a description in a reliable 18x.

        Args:
            sdp: the answer to `remote_sdp`, or the offer when the INVITE had none (CallConfirmed then brings the answer); None when it
                was rung with.
        """
        raise self._wrong_role("accept")

    def reject(self, status: int, now: float, reason: str | None = None, *, headers: Headers = ()) -> None:
        """Callee: answer 300 to 699; CallEnded follows at once."""
        raise self._wrong_role("reject")

    def start(self, now: float) -> None:
        """Caller: send the INVITE of a call that was made to wait for this (`UserAgent.invite(…, wait=True)`)."""
        raise self._wrong_role("start")

    def cancel(self, now: float, reasons: Iterable[Reason] = ()) -> None:
        """Caller: take the INVITE back (§9.1), or never send it. CallEnded comes with its final response; if that is a 2xx which crossed, the call
        is acknowledged and ended by BYE on its own. Ignored when the call is ending already.
        """
        raise self._wrong_role("cancel")

    def acknowledge(self, now: float, sdp: bytes | None = None) -> None:
        """Caller: send the ACK for the 2xx that CallAnswered told; repeated 2xx are acknowledged without asking from now on.

        Args:
            sdp: our answer, when the INVITE had no offer and the 2xx brought one (§13.2.2.4).
        """
        raise self._wrong_role("acknowledge")

    def bye(self, now: float, reasons: Iterable[Reason] = ()) -> None:
        """Hang up an answered call (§15.1.1). CallEnded comes with the BYE's answer, at 64*T1 the latest. Ignored when the call is
        ending already. As callee whose 200 is not acknowledged yet, BYE waits for that.
        """
        self._reasons = checked_reasons(reasons)
        self.step(BYE, now)

    def reinvite(self, sdp: bytes, now: float) -> None:
        """Offer other media in a confirmed call (§14.1): OfferAccepted or OfferRefused follows, also after glare (491), which is
        waited out and repeated here.

        Raises:
            LocalProtocolError: an offer of either side is still unanswered, or the call is not confirmed.
        """
        self._require_confirmed("re-INVITE")
        self.offers.offer(sdp, now)

    def answer_offer(self, sdp: bytes, now: float, *, tag: str = "") -> None:
        """Answer what OfferReceived told; `tag` is its, to be named when several phones of a fork offer at once."""
        self._changes("answer to an offer", tag).answer(sdp, now)

    def refuse_offer(self, status: int, now: float, *, tag: str = "") -> None:
        """Refuse it, with 488 as a rule; the session stays as it is (§14.2)."""
        self._changes("refusal of an offer", tag).refuse(status, now)

    def update(self, now: float, sdp: bytes | None = None, *, tag: str = "") -> None:
        """Without SDP: refresh the dialog (RFC 3311 §5.1), which tells the peer our Contact and asks whether it still knows the call.
        DialogRefreshed, ProbeFailed or CallEnded (481, 408) follows.

        Args:
            sdp: offer other media instead, as `reinvite` does (and by it, where the peer does not know UPDATE), but also in an early dialog whose first offer was answered in a reliable
                18x or its PRACK. OfferAccepted or OfferRefused follows.
            tag: the early dialog, when a fork has several.
        """
        if sdp is None:
            self._require_confirmed("UPDATE")
            self.probe("UPDATE", now, contact=True)
        else:
            offers = self._changes("UPDATE with an offer", tag)
            offers.offer(
                sdp, now, "UPDATE" if self._allows_update or self.state is not CONFIRMED else "INVITE"
            )

    def options(self, now: float) -> None:
        """Ask by OPTIONS in the dialog whether the peer still knows the call (§11.2); answers as for `update`."""
        self._require_confirmed("OPTIONS")
        self.probe("OPTIONS", now, contact=False)

    @abstractmethod
    def dump(self, local_sdp: bytes | None = None) -> SavedCall:
        """What must be on disk so that `UserAgent.load_call` can go on after a restart; see `SavedCall.kind`.

        Args:
            local_sdp: our description, where it is known already and leaves next (`accept`).

        Raises:
            LocalProtocolError: the call has not begun or is over.
        """

    def dump_dialog(self, local_sdp: bytes | None) -> SavedCall:
        """The saved form of a call that has its dialog."""
        if self.state in (IDLE, ENDED):
            raise LocalProtocolError(f"{self.title}: nothing to save in {self.state}")
        return self.saved("dialog", self.established(), local_sdp)

    def saved(self, kind: Kind, dialog: Dialog, local_sdp: bytes | None, invite: bytes = b"") -> SavedCall:
        """The saved form of this kind."""
        flow, timer = self.flow, self._timer
        return SavedCall(
            kind=kind,
            direction=self.direction,
            call_id=self.id,
            local_tag=self.local_tag,
            remote_tag=dialog.remote_tag,
            local=dialog.local,
            remote=dialog.remote,
            request_uri=str(self.request_uri),
            target=str(dialog.target),
            route_set=dialog.route_set,
            local_cseq=dialog.local_cseq,
            remote_cseq=dialog.remote_cseq,
            transport=flow.transport,
            host=flow.remote[0],
            port=flow.remote[1],
            invite=invite,
            local_sdp=local_sdp or self.local_sdp,
            remote_sdp=self.remote_sdp,
            session_expires=timer.seconds if timer is not None and timer.is_on else 0,
            we_refresh=timer is not None and timer.is_ours,
            allows_update=self._allows_update,
        )

    # What the commands share.

    def _wrong_role(self, command: str) -> LocalProtocolError:
        return LocalProtocolError(f"{self.title}: {command} belongs to the other role")

    def _require_confirmed(self, what: str) -> None:
        if self.state is not CONFIRMED:
            raise LocalProtocolError(f"{self.title}: no {what} in {self.state}")

    def _changes(self, what: str, tag: str) -> Offers:
        offers = self.offers_in(tag)
        if offers is None:
            raise LocalProtocolError(f"{self.title}: no {what} in {self.state}")
        return offers
