"""The receiving side of the user agent: what the transaction layer tells, and whom it concerns (RFC 3261 §8.2, §12.2.2, §13.3.1).

Finds the call, the exchange or the line that a message is for, and answers what is for nobody. Knows no user commands.
Invariant: every request gets a final response here, from its call, or, for RequestReceived and CallReceived, from the user.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sip import checks
from sip.account import Account
from sip.call import Call
from sip.calls import strays
from sip.calls.callee import IncomingCall
from sip.calls.caller import OutgoingCall
from sip.core import SDP, Core
from sip.events import CallReceived, RequestReceived
from sip.exchange import Exchange
from sip.flow import Flow
from sip.message import Request, Response
from sip.subscriptions.watchers import Watchers
from sip.transactions.base import Transaction
from sip.transactions.layer import ClientTransaction, InviteServerTransaction, ServerTransaction
from sip.uri import Uri

_OUT_OF_DIALOG: Final = checks.Refusal(481, "out_of_dialog")
_NOTHING_TO_CANCEL: Final = checks.Refusal(481, "nothing_to_cancel")
_TOO_MANY_CALLS: Final = checks.Refusal(503, "calls_refused", (("Retry-After", 10),))


class _Loading(NamedTuple):
    """What an INVITE from disk is to become."""

    tag: str
    account: Account | None
    owner: object


class Receiver:
    """The user of the transaction layer (`TransactionUser`).

    Args:
        max_calls: beyond it an INVITE gets 503 with Retry-After.
        max_watchers: beyond it a SUBSCRIBE does.
    """

    def __init__(self, core: Core, max_calls: int, max_watchers: int) -> None:
        self._core = core
        self._max_calls = max_calls
        self._watchers = Watchers(core, max_watchers)
        # An INVITE that is taken from disk goes the way of one from the wire; this is what is to become of it.
        self._loading: _Loading | None = None

    def load(self, tag: str, account: Account | None, owner: object) -> None:
        """The INVITE that comes next is from disk: its call has this tag and owner, and is not told."""
        self._loading = _Loading(tag, account, owner)

    def request_received(
        self, transaction: ServerTransaction, request: Request, flow: Flow, now: float
    ) -> None:
        core = self._core
        refusal = checks.refusal(core, transaction, request)
        if refusal is not None:
            self._refuse(transaction, refusal, now)
            return
        method, tag = request.method, request.to_tag
        if method == "CANCEL":
            self._receive_cancel(transaction, request, now)
            return
        if tag is not None:
            call = core.calls.get((request.call_id, tag))
            if call is not None and call.serves(method):
                transaction.owner = call
                call.receive(transaction, request, flow, now)
                return
            usage = core.usage(request)
            if usage is not None:
                usage.receive(transaction, request, flow, now)
                return
        if method in core.methods:
            core.events.append(RequestReceived(transaction, request, flow))
        elif method == "SUBSCRIBE" and tag is None:
            self._watchers.receive(transaction, request, flow, now)
        elif tag is not None or method not in ("INVITE", "OPTIONS"):
            self._refuse(transaction, _OUT_OF_DIALOG, now)
        elif method == "INVITE":
            self._receive_invite(transaction, request, flow, now)
        else:
            headers = (("Accept", SDP), *core.capabilities[:-1], *core.server_header)
            transaction.respond(request.reply(200, to_tag=core.new_tag(), headers=headers), now)

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        owner = transaction.owner
        if isinstance(owner, Exchange):
            owner.receive(response, now)
        elif isinstance(owner, OutgoingCall) and response.status == 481:
            owner.cancel_unknown(
                now
            )  # of all answers to a CANCEL the only one that counts beside its INVITE's

    def ack_received(self, request: Request, flow: Flow, now: float) -> None:
        call = self._core.calls.get((request.call_id, request.to_tag or ""))
        if call is None or call.dialog_with(request.from_tag or "") is None:
            self._core.counters["stray_ack"] += 1
        else:
            call.receive_ack(request, now)

    def stray_response(self, response: Response, flow: Flow, now: float) -> None:
        tag = response.from_tag
        if response.cseq.method == "INVITE" and 200 <= response.status < 300 and self._core.is_our_tag(tag):
            call = self._core.calls.get((response.call_id, tag or ""))
            if call is None or not call.receive_stray(response, now):
                strays.end(self._core, response, flow, now, call.account if call else None, "late_200_ended")
        else:
            self._core.counters["stray_response"] += 1

    def timed_out(self, transaction: Transaction[Any, Any], now: float) -> None:
        exchange = transaction.owner
        if isinstance(exchange, Exchange):
            exchange.fail(408, now)
        elif isinstance(transaction, InviteServerTransaction):
            self._core.counters["no_ack"] += 1

    def transport_failed(self, transaction: Transaction[Any, Any], now: float) -> None:
        self._core.counters["transport_failed"] += 1
        exchange = transaction.owner
        if isinstance(exchange, Exchange):
            exchange.fail(503, now, self._core.layer.cause)

    # Requests outside dialogs.

    def _receive_invite(
        self, transaction: ServerTransaction, request: Request, flow: Flow, now: float
    ) -> None:
        core = self._core
        loading, self._loading = self._loading, None
        if loading is None and len(core.calls) >= self._max_calls:
            self._refuse(transaction, _TOO_MANY_CALLS, now)
            return
        line = core.lines.get(request.uri.user or "")
        account = line.account if line is not None else None
        owner = line.owner if line is not None else None
        tag = core.new_tag() if loading is None else loading.tag
        if loading is not None:
            account, owner = loading.account, loading.owner
        contact = line.contact if line is not None else _contact(core, request, flow)
        call = IncomingCall(
            core, transaction, flow, local_tag=tag, contact=contact, account=account, owner=owner
        )
        transaction.owner = call
        core.calls[call.id, tag] = call
        if loading is None:
            core.events.append(CallReceived(call))

    def _receive_cancel(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        invite = self._core.layer.find_cancelled(request)
        if invite is None:
            self._refuse(transaction, _NOTHING_TO_CANCEL, now)
            return
        call = invite.owner if isinstance(invite.owner, Call) else None
        tag = call.local_tag if call is not None else self._core.new_tag()
        transaction.respond(request.reply(200, to_tag=tag, headers=self._core.server_header), now)
        if call is not None:
            call.receive_cancel(invite, request, now)

    def _refuse(self, transaction: ServerTransaction, refusal: checks.Refusal, now: float) -> None:
        self._core.counters[refusal.counter] += 1
        headers = (*refusal.headers, *self._core.server_header)
        transaction.respond(
            transaction.request.reply(refusal.status, to_tag=self._core.new_tag(), headers=headers), now
        )


def _contact(core: Core, request: Request, flow: Flow) -> Uri:
    """Our Contact where no line has one."""
    return core.contact(request.uri.user, flow.transport, secure=request.uri.scheme == "sips")
