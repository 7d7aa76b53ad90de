"""The dialog usage of an INVITE session (RFC 5057 §3): who we are in it, and how its requests and responses are made (RFC 3261 §12).

The ground under `calls.session`: knows no state but that of its dialog, and none of the ways in which a session begins or ends.
Invariant: every request in the dialog has a number of its own from that dialog, every response our tag.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal, cast

from sip.account import Account
from sip.calls.states import ENDED, ENDING, IDLE, CallInput, CallState
from sip.core import Core, body_headers
from sip.dialog import CSEQ_SAVED_EACH, Dialog
from sip.events import CSeqAdvanced, TargetChanged
from sip.exchange import Exchange, Listener
from sip.fields import Headers, Message, Value
from sip.flow import Flow, Transmit
from sip.headers import Reason, ReplacesHeader
from sip.machine import Machine
from sip.message import Request, Response
from sip.uri import NameAddr, Uri

if TYPE_CHECKING:
    from sip.call import Call
    from sip.calls.acceptance import Acceptance
    from sip.calls.offers import Offers
    from sip.calls.session_timer import SessionTimer
    from sip.calls.states import End
    from sip.transactions.layer import ServerTransaction


_CREDENTIALS: Final = ("Authorization", "Proxy-Authorization")


class InviteUsage(Machine[CallState, CallInput]):
    """One INVITE session; see `sip.call.Call` for its attributes."""

    __slots__ = (
        "_acceptance",
        "_allows_update",
        "_end",
        "_offers",
        "_reasons",
        "_request",
        "_response",
        "_timer",
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
        # The changes of the session, once there was one.
        self._offers: Offers | None = None
        # The session timer, once one was asked for, and whether the peer said that it does not know UPDATE.
        self._timer: SessionTimer | None = None
        self._allows_update = True

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
        dialog: Dialog | None = None,
    ) -> Exchange:
        """Send a request in the dialog, the confirmed one unless an early one is named; `listener` is told its responses."""
        core = self.core
        if dialog is None:
            dialog = self.established()
        fields = [*headers, *core.capabilities] if contact else [*headers, core.capabilities[-1]]
        if contact and self._timer is not None:
            fields += self._timer.fields()
        fields += body_headers(sdp)
        request = dialog.request(
            method, contact=f"<{self.contact}>" if contact else None, headers=fields, body=sdp or b""
        )
        way = core.way(request, dialog, self.account, self.flow, now)
        # A challenge that comes after the end is not answered, but to BYE: what it asks for is void.
        may_retry = None if method == "BYE" else self._lasts
        exchange = Exchange(core, request, way, self.account, dialog.next_cseq, listener, may_retry)
        exchange.send(now)
        if dialog.local_cseq % CSEQ_SAVED_EACH == 0:
            core.events.append(CSeqAdvanced(self.as_call()))
        return exchange

    def _lasts(self, now: float) -> bool:
        return self.state is not ENDING and self.state is not ENDED

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

    def take_target(self, message: Message, dialog: Dialog) -> None:
        """A target refresh request of theirs, or a 2xx to ours (§12.2.1.2, §12.2.2)."""
        if dialog.refresh_target(message) and dialog is self.dialog:
            self.core.events.append(TargetChanged(self.as_call()))

    def take_remote_sdp(self, sdp: bytes | None, dialog: Dialog) -> None:
        """The peer's description in this dialog is another one now, if there is one."""
        self.remote_sdp = sdp or self.remote_sdp

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
