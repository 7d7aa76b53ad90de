"""The REFERs of one dialog, ours and theirs, and whom a NOTIFY or SUBSCRIBE for one of them means (RFC 3515 §2.4.6).

Lives beside its call in `Core.referrals`, and when that has ended in `Core.subscriptions`, for a subscription outlives the session
(RFC 5057 §4.1).

Invariants: both lists are bounded; it leaves `Core.referrals` with its call and `Core.subscriptions` with the last of its REFERs; every request
that is handed in is answered here or by the REFER it makes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sip.calls.inside_events import ReferReceived
from sip.calls.refer_headers import ReferTo, read_event, read_refer_to, read_state
from sip.calls.refer_in import IncomingRefer
from sip.calls.refer_out import OutgoingRefer
from sip.errors import LocalProtocolError, ParseError
from sip.events import TargetChanged
from sip.exchange import Exchange, Listener

if TYPE_CHECKING:
    from sip.call import Call
    from sip.fields import Headers
    from sip.flow import Flow
    from sip.message import Request
    from sip.transactions.layer import ServerTransaction
    from sip.uri import NameAddr

# REFERs of one dialog that live at a time, of each side; more is no transfer.
_MOST: Final = 8


class Referrals:
    """The REFERs of one dialog."""

    __slots__ = ("call", "incoming", "outgoing")

    def __init__(self, call: Call) -> None:
        self.call = call
        self.outgoing: list[OutgoingRefer] = []
        self.incoming: list[IncomingRefer] = []

    @classmethod
    def of(cls, call: Call) -> Referrals:
        """Those of this call, empty if there were none yet."""
        kept = call.core.referrals
        found = kept.get((call.id, call.local_tag))
        if found is None:
            found = kept[call.id, call.local_tag] = cls(call)
        return found

    # Ours.

    def refer(self, target: NameAddr, headers: Headers, now: float) -> OutgoingRefer:
        """Send a REFER; see `Call.refer`."""
        if len(self.outgoing) >= _MOST:
            raise LocalProtocolError(f"{_MOST} transfers of one call are under way already")
        refer = OutgoingRefer(self, target)
        self.outgoing.append(refer)
        refer.start(headers, now)
        return refer

    def prepare(self, method: str, listener: Listener, headers: Headers, body: bytes = b"") -> Exchange:
        """A request in the dialog, to be sent; it works after the call ended, too."""
        return prepare(self.call, method, listener, headers, body)

    # Theirs.

    def serves(self, method: str) -> bool:
        """Whether requests of this method belong to it once the call has ended (`core.Usage`)."""
        return method in ("NOTIFY", "SUBSCRIBE")

    def transport_lost(self, flow: Flow, now: float) -> None:
        """The connection is gone: what follows opens another."""
        self.call.transport_lost(flow)

    def receive(self, transaction: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        """A NOTIFY or SUBSCRIBE for the dialog when its call has ended (one that lives judges its requests itself)."""
        if not self.call.established().admits(request):
            self.call.core.counters["cseq_too_low"] += 1
            self.call.respond(transaction, 500, now)
        elif request.method == "NOTIFY":
            self.receive_notify(transaction, request, now)
        else:
            self.receive_subscribe(transaction, request, now)

    def receive_refer(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """A REFER: told as ReferReceived."""
        core = self.call.core
        try:
            target = read_refer_to(request)
        except ParseError:
            core.counters["bad_refer_to"] += 1
            self.call.respond(transaction, 400, now)
            return
        if target.method != "INVITE":
            # §2.4.2 leaves it to us what we do in others' names; to hang up or to subscribe is not it.
            core.counters["refers_refused"] += 1
            self.call.respond(transaction, 603, now)
        elif len(self.incoming) >= _MOST:
            core.counters["refers_refused"] += 1
            self.call.respond(transaction, 500, now, headers=[core.retry_after()])
        else:
            self._take(transaction, target, now)

    def _take(self, transaction: ServerTransaction, target: ReferTo, now: float) -> None:
        call = self.call
        if call.established().refresh_target(transaction.request):
            call.core.events.append(TargetChanged(call))
        refer = IncomingRefer(self, transaction, target, now)
        self.incoming.append(refer)
        told = ReferReceived(call, refer, refer.refer_to, refer.replaces, refer.referred_by)
        call.core.events.append(told)

    def receive_notify(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """A NOTIFY of the refer package: 200 and its REFER is told, or 481."""
        event = read_event(request)
        refer = self._find_outgoing(event.id) if event is not None and event.package == "refer" else None
        if refer is None:
            self.call.core.counters["notify_without_refer"] += 1
            self.call.respond(transaction, 481, now)
            return
        self.call.respond(transaction, 200, now)
        refer.receive(request, read_state(request), now)

    def receive_subscribe(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """A SUBSCRIBE of the refer package: renews or ends what a REFER began; it cannot begin anything (RFC 3515 §2.4.4)."""
        event = read_event(request)
        refer = None
        if event is not None and event.package == "refer":
            listening = (one for one in self.incoming if one.has_id(event.id) and one.state == "notifying")
            refer = next(listening, None)
        if refer is None:
            self.call.respond(transaction, 481, now)
        else:
            refer.subscribe(transaction, request.integer("Expires"), now)

    def _find_outgoing(self, number: str | None) -> OutgoingRefer | None:
        """Without an id the first REFER of the dialog is meant, and from peers that know none, the oldest that lives."""
        if number is None:
            return self.outgoing[0] if self.outgoing else None
        return next((refer for refer in self.outgoing if refer.has_id(number)), None)

    # The end.

    def call_ended(self, now: float) -> None:
        """The call is over: what is unanswered is refused, the others live on for a while."""
        for refer in [*self.outgoing]:
            refer.call_ended(now)
        for asked in [*self.incoming]:
            asked.call_ended(now)
        self.call.core.referrals.pop((self.call.id, self.call.local_tag), None)
        if self.outgoing or self.incoming:
            self.call.core.subscriptions[self._key()] = self

    def drop_outgoing(self, refer: OutgoingRefer) -> None:
        """It has ended."""
        self.outgoing.remove(refer)
        self._leave_if_empty()

    def drop_incoming(self, refer: IncomingRefer) -> None:
        """It has ended, or nobody listens to it."""
        self.incoming.remove(refer)
        self._leave_if_empty()

    def _leave_if_empty(self) -> None:
        if not self.outgoing and not self.incoming:
            self.call.core.subscriptions.pop(self._key(), None)

    def _key(self) -> tuple[str, str, str]:
        return self.call.id, self.call.local_tag, self.call.remote_tag


def prepare(call: Call, method: str, listener: Listener, headers: Headers, body: bytes = b"") -> Exchange:
    """A request in the confirmed dialog of a call, with our Contact, ready to be sent; challenges are answered after its end too."""
    dialog, core = call.established(), call.core
    request = dialog.request(
        method, contact=f"<{call.contact}>", headers=[*headers, core.capabilities[-1]], body=body
    )
    flow = core.flow(request, dialog, call.account, call.flow)
    return Exchange(core, request, flow, call.account, dialog.next_cseq, listener)
