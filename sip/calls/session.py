"""The session under a call: its dialog, its requests and answers, and the ways in which it ends (RFC 3261 §12, §14, §15).

What both roles share once there is a dialog, without the user's commands, which are in `sip.call`. Knows nothing of how the dialog
came to be.

Invariants: `state` is the only truth about the session and the tables the only way to change it; CallEnded is told exactly once,
with the passage to ENDED; an ended call has no deadline and is found by no request any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal, cast

from sip.account import Account
from sip.calls.acceptance import NO_ACK, REPEAT, Acceptance
from sip.calls.offer_states import AGAIN, UNANSWERED
from sip.calls.offers import Offers
from sip.calls.states import (
    ACKED,
    BYE,
    BYE_ANSWERED,
    BYE_RECEIVED,
    CONFIRMED,
    ENDED,
    ENDING,
    GONE,
    IDLE,
    UNACKED,
    UNRESPONSIVE,
    CallInput,
    CallState,
    End,
)
from sip.core import Core, body_headers, reason_headers
from sip.dialog import Dialog
from sip.events import CallEnded, EndCause, TargetChanged
from sip.exchange import Exchange, Listener
from sip.fields import Headers, Message, Value
from sip.flow import Flow, Transmit
from sip.headers import Reason, ReplacesHeader
from sip.machine import Machine, Table
from sip.message import Request, Response
from sip.uri import NameAddr, Uri

if TYPE_CHECKING:
    from sip.call import Call
    from sip.transactions.layer import ServerTransaction


_CREDENTIALS: Final = ("Authorization", "Proxy-Authorization")


class Session(Machine[CallState, CallInput]):
    """One INVITE session; see `sip.call.Call` for its attributes."""

    __slots__ = (
        "_acceptance",
        "_end",
        "_offers",
        "_reasons",
        "_request",
        "_response",
        "_transaction",
        "account",
        "contact",
        "core",
        "dialog",
        "direction",
        "flow",
        "id",
        "local_sdp",
        "local_tag",
        "owner",
        "reasons",
        "remote",
        "remote_sdp",
        "replaces",
        "request",
        "request_uri",
    )

    figure = "RFC 3261 §13 to §15 (prose)"
    initial = IDLE

    def __init__(
        self,
        core: Core,
        request: Request,
        *,
        direction: Literal["out", "in"],
        local_tag: str,
        remote: NameAddr,
        flow: Flow,
        contact: Uri,
        account: Account | None,
        owner: object,
    ) -> None:
        super().__init__()
        self.core = core
        self.direction: Final = direction
        self.request = request
        self.id = request.call_id
        self.local_tag = local_tag
        self.remote = remote
        self.request_uri = request.uri
        self.flow = flow
        self.contact = contact
        self.account = account
        self.owner = owner
        self.dialog: Dialog | None = None
        self.local_sdp: bytes | None = None
        self.remote_sdp: bytes | None = None
        self.replaces: ReplacesHeader | None = request.replaces
        self.reasons: tuple[Reason, ...] = ()
        # What the present step is about.
        self._request: Request
        self._response: Response
        self._transaction: ServerTransaction
        self._reasons: tuple[Reason, ...] = ()
        self._end: End
        # Our 2xx to an INVITE of theirs, as long as its ACK has not come.
        self._acceptance: Acceptance | None = None
        self._offers: Offers | None = None

    # What the parts of the call share.

    @property
    def offers(self) -> Offers:
        """The changes of the session (RFC 3261 §14)."""
        if self._offers is None:
            self._offers = Offers(self)
        return self._offers

    def handle_timer(self, name: str, now: float) -> None:
        """A deadline of this call came due."""
        acceptance = self._acceptance
        if name == REPEAT and acceptance is not None:
            acceptance.repeat(now)
        elif name == NO_ACK and acceptance is not None:
            acceptance.stop()
            self._acceptance = None
            self.step(UNACKED, now)
        elif name == AGAIN:
            self.offers.retry(now)
        elif name == UNANSWERED:
            self.offers.give_up(now)

    def identity(self) -> str:
        return self.id

    def as_call(self) -> Call:
        """The same object as its user knows it: only calls are made, never bare sessions."""
        return cast("Call", self)

    def dialog_with(self, remote_tag: str) -> Dialog | None:
        """The dialog with this remote tag, early ones included."""
        dialog = self.dialog
        return dialog if dialog is not None and dialog.remote_tag == remote_tag else None

    def established(self) -> Dialog:
        """The confirmed dialog."""
        assert self.dialog is not None, "only states with a dialog lead here"
        return self.dialog

    def ask(
        self,
        method: str,
        listener: Listener,
        now: float,
        *,
        contact: bool = False,
        headers: Iterable[tuple[str, Value]] = (),
        sdp: bytes | None = None,
    ) -> Exchange:
        """Send a request in the confirmed dialog; `listener` is told its responses."""
        dialog, core = self.established(), self.core
        fields = [*headers, *core.capabilities] if contact else [*headers, core.capabilities[-1]]
        fields += body_headers(sdp)
        request = dialog.request(
            method, contact=f"<{self.contact}>" if contact else None, headers=fields, body=sdp or b""
        )
        flow = core.flow(request, dialog, self.account, self.flow)
        # A challenge that comes after the end is not answered, but to BYE: what it asks for is void.
        may_retry = None if method == "BYE" else self._is_confirmed
        exchange = Exchange(core, request, flow, self.account, dialog.next_cseq, listener, may_retry)
        exchange.send(now)
        return exchange

    def _is_confirmed(self, now: float) -> bool:
        return self.state is CONFIRMED

    def respond(
        self,
        transaction: ServerTransaction,
        status: int,
        now: float,
        *,
        headers: Headers = (),
        contact: bool = False,
        sdp: bytes | None = None,
    ) -> None:
        """Answer a request of the peer, our tag in To."""
        transaction.respond(
            self.reply(transaction.request, status, headers=headers, contact=contact, sdp=sdp), now
        )

    def reply(
        self,
        request: Request,
        status: int,
        reason: str | None = None,
        *,
        headers: Headers = (),
        contact: bool = False,
        sdp: bytes | None = None,
    ) -> Response:
        """The response, with Contact and what we can do when it refreshes the dialog (§12.1.1, §13.3.1.4)."""
        fields: list[tuple[str, Value]] = [*headers]
        if contact:
            fields += [("Contact", f"<{self.contact}>"), *self.core.capabilities[:-1]]
        fields += self.core.server_header
        fields += body_headers(sdp)
        return request.reply(status, reason, to_tag=self.local_tag, headers=fields, body=sdp or b"")

    def take_target(self, message: Message) -> None:
        """A target refresh request of theirs, or a 2xx to ours (§12.2.1.2, §12.2.2)."""
        if self.established().refresh_target(message):
            self.core.events.append(TargetChanged(self.as_call()))

    def acknowledge_2xx(self, invite: Request, cseq: int, sdp: bytes | None = None) -> Transmit:
        """Send the ACK of a 2xx (§13.2.2.4): the INVITE's number and credentials, the dialog's route.

        Returns: what left, to be sent again when the 2xx is.
        """
        dialog, core = self.established(), self.core
        headers: list[tuple[str, Value]] = [
            (name, value) for name in _CREDENTIALS for value in invite.get_all(name)
        ]
        request = dialog.request("ACK", headers=[*headers, *body_headers(sdp)], body=sdp or b"", cseq=cseq)
        return core.layer.send_ack(request, core.flow(request, dialog, self.account, self.flow))

    def judge(self, response: Response, now: float) -> bool:
        """Whether the failure of a request in the dialog ends the whole call (§12.2.1.2); if so it is ended here.

        A time-out of our own is no proof that the peer forgot the call: the user decides on ProbeFailed or OfferRefused.
        """
        if response.status not in (408, 481):
            return False
        self._response = response
        self.step(GONE if response.status == 481 else UNRESPONSIVE, now)
        return True

    def await_ack(self, acceptance: Acceptance, now: float) -> None:
        """Send a 2xx to INVITE and repeat it until its ACK comes (§13.3.1.4)."""
        self._acceptance = acceptance
        acceptance.start(now)

    def stop_awaiting_ack(self) -> None:
        """The peer has gone on, so the ACK was only lost."""
        if self._acceptance is not None:
            self._acceptance.stop()
            self._acceptance = None

    # Actions of the tables.

    def _hang_up(self, now: float) -> None:
        self._end = End("us", None, self._reasons, EndCause.HUNG_UP)
        self._send_bye(now)

    def _send_bye(self, now: float) -> None:
        self.core.deadlines.cancel(self)
        self._close_offers(now)
        self.ask("BYE", self._bye_answered, now, headers=reason_headers(self._reasons))

    def _bye_answered(self, exchange: Exchange, response: Response, now: float) -> None:
        if response.status >= 200:
            self._response = response
            self.step(BYE_ANSWERED, now)

    def _end_with_answer(self, now: float) -> None:
        self._end = self._end._replace(status=self._response.status)
        self._finish(now)

    def _give_up(self, now: float) -> None:
        self._end = End("nobody", None, (), EndCause.NOT_ACKNOWLEDGED)
        self._reasons = (Reason("SIP", 408, "ACK was not received"),)
        self._send_bye(now)

    def _give_up_unresponsive(self, now: float) -> None:
        self._end = End("nobody", 408, self._response.reasons, EndCause.GONE)
        self._reasons = ()
        self._send_bye(now)

    def _be_gone(self, now: float) -> None:
        self._end = End("nobody", self._response.status, self._response.reasons, EndCause.GONE)
        self._finish(now)

    def _be_hung_up(self, now: float) -> None:
        self.respond(self._transaction, 200, now)
        self.reasons = self._request.reasons
        self._end = End("them", None, self.reasons, EndCause.HUNG_UP)
        self._finish(now)

    def _cross_byes(self, now: float) -> None:
        self.respond(self._transaction, 200, now)
        self._finish(now)

    def _refuse_bye(self, now: float) -> None:
        self.respond(self._transaction, 481, now)

    def _finish(self, now: float) -> None:
        """The one way to end: nothing may be left behind."""
        core = self.core
        core.deadlines.cancel(self)
        self._acceptance = None
        self._close_offers(now)
        core.calls.pop((self.id, self.local_tag), None)
        core.events.append(CallEnded(self.as_call(), *self._end))

    def _close_offers(self, now: float) -> None:
        self._acceptance = None
        if self._offers is not None:
            self._offers.close(now)


# The rows of the session once it is confirmed (§12.2, §15), for both roles.
# fmt: off
SESSION_TABLE: Final[Table[CallState, CallInput]] = {
    (CONFIRMED, BYE):            (ENDING, Session._hang_up),
    (CONFIRMED, BYE_RECEIVED):   (ENDED, Session._be_hung_up),
    (CONFIRMED, ACKED):          (CONFIRMED, None),              # the peer repeats itself
    (CONFIRMED, UNACKED):        (ENDING, Session._give_up),        # our 200 to a re-INVITE, §14.2
    (CONFIRMED, GONE):           (ENDED, Session._be_gone),
    (CONFIRMED, UNRESPONSIVE):   (ENDING, Session._give_up_unresponsive),

    (ENDING, BYE):               (ENDING, None),
    (ENDING, BYE_RECEIVED):      (ENDED, Session._cross_byes),
    (ENDING, BYE_ANSWERED):      (ENDED, Session._end_with_answer),
    (ENDING, GONE):              (ENDING, None),                 # our BYE is under way and will hear the same
    (ENDING, UNRESPONSIVE):      (ENDING, None),

    (ENDED, BYE):                (ENDED, None),
    (ENDED, BYE_ANSWERED):       (ENDED, None),                  # after both hung up at once
    (ENDED, GONE):               (ENDED, None),
    (ENDED, UNRESPONSIVE):       (ENDED, None),
}
# fmt: on
