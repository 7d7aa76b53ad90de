"""The transaction layer: matches what comes in to its transaction, and makes the new ones (RFC 3261 §17).

Stands between the user agent, which it tells what happened, and the transports, for which it collects output.
Knows nothing of dialogs, calls and registrations.

Invariants:
    * a response is told to the user by its transaction or as a stray, never by both;
    * a request that has come before never makes a second transaction while the first lives;
    * the number of server transactions is bounded: beyond it a request is answered 503 and nothing is kept.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, TypeAlias
from zlib import crc32

from sip.errors import LocalProtocolError
from sip.fields import Headers
from sip.flow import Flow, Transmit
from sip.headers import Via
from sip.ids import Ids
from sip.message import Request, Response
from sip.timers import Timers
from sip.transactions import base
from sip.transactions.base import Context, TransactionUser
from sip.transactions.client import NonInviteClientTransaction
from sip.transactions.invite_client import InviteClientTransaction, build_cancel
from sip.transactions.invite_server import InviteServerTransaction
from sip.transactions.server import NonInviteServerTransaction
from sip.transactions.via import SentBy, fall_back, server_key, stamp, way_back

__all__ = [
    "ClientTransaction",
    "InviteClientTransaction",
    "InviteServerTransaction",
    "NonInviteClientTransaction",
    "NonInviteServerTransaction",
    "ServerTransaction",
    "TransactionLayer",
    "TransactionUser",
]

ClientTransaction: TypeAlias = base.ClientTransaction[Any, Any]
ServerTransaction: TypeAlias = base.ServerTransaction[Any, Any]

_MOST_SERVER_TRANSACTIONS: Final = 20_000
_RETRY_AFTER: Final = "5"  # seconds; a peer that is told nothing comes back at once


class TransactionLayer:
    """All transactions of a process.

    Args:
        user: whom to tell.
        host: what our Via headers say; an IPv6 address without brackets.
        port: likewise.
        ids: where branches come from.
        timers: durations of all transactions.
        counters: where dropped and refused messages are counted: "foreign_via", "overload", "repeated_request".
        tls_port: what Via says on TLS.
        alias: whether Via offers the connections that we make for requests of the peer's (RFC 5923).
        most_server_transactions: beyond it new requests get 503. What belongs to a dialog and what cancels may reach
            twice that number, since it ends more work than it makes.
    """

    __slots__ = ("_context", "_ids", "_most", "_sent_by")

    def __init__(
        self,
        user: TransactionUser,
        *,
        host: str,
        port: int,
        ids: Ids,
        timers: Timers | None = None,
        counters: Counter[str] | None = None,
        most_server_transactions: int = _MOST_SERVER_TRANSACTIONS,
        tls_port: int = 5061,
        alias: bool = False,
    ) -> None:
        self._context = Context(user, timers or Timers(), Counter() if counters is None else counters)
        self._ids = ids
        self._sent_by = SentBy(host, port, tls_port, alias=alias)
        self._most = most_server_transactions

    # What comes in.

    def receive(self, message: Request | Response, flow: Flow, now: float) -> None:
        """A message came over a flow; it was parsed, so that its mandatory headers can be read."""
        if isinstance(message, Request):
            self._receive_request(stamp(message, flow), flow, now)
        else:
            self._receive_response(message, flow, now)

    def transport_lost(self, flow: Flow, now: float, cause: str = "") -> None:
        """A flow cannot carry anything any more; its transactions are told (§17.1.4, §17.2.4).

        A request that came over it is still to be answered, over a new connection (§18.2.2), until that cannot be made either.

        Args:
            cause: why, in a few words.
        """
        context = self._context
        lost = (flow, flow.road)
        context.cause = cause
        for client in list(context.clients.values()):
            if client.flow in lost:
                client.lose_transport(now)
        for server in list(context.servers.values()):
            if server.flow == flow:
                if flow.connection:
                    server.flow = fall_back(server.request, flow)
                else:
                    server.lose_transport(now)
        context.cause = ""

    def handle_timer(self, now: float) -> None:
        """Fire the timers that are due."""
        for transaction, timer in self._context.deadlines.due(now):
            transaction.step(timer, now)

    # What goes out.

    def send_request(
        self,
        request: Request,
        flow: Flow,
        now: float,
        *,
        branch: str | None = None,
        owner: object = None,
        credentials: Iterable[str] = (),
    ) -> ClientTransaction:
        """Send a request in a new client transaction.

        Args:
            request: without a Via, neither ACK nor CANCEL.
            branch: if the request is to bear a certain one; otherwise a fresh one.
            owner: kept with the transaction for the user.
            credentials: header lines that this attempt has at its end.

        Raises:
            LocalProtocolError: ACK makes no transaction, CANCEL has its INVITE's Via (`send_cancel`).
        """
        if request.method in ("ACK", "CANCEL"):
            raise LocalProtocolError(f"{request.method} is not sent by send_request")
        branch = branch or self._ids.branch()
        transaction = self._new_client(self._sent_by.sign(request, flow, branch, credentials), flow, branch)
        transaction.owner = owner
        transaction.begin(now)
        return transaction

    def sign(self, request: Request, flow: Flow, branch: str, credentials: Iterable[str] = ()) -> Request:
        """The request as it would be if `send_request` sent it with this branch and these credentials."""
        return self._sent_by.sign(request, flow, branch, credentials)

    def send_cancel(
        self, invite: InviteClientTransaction, now: float, *, headers: Headers = (), owner: object = None
    ) -> ClientTransaction:
        """Send the CANCEL of an INVITE over the INVITE's flow; its own responses come to this new transaction (§9.1).

        The user waits for a 1xx first, and abandons the INVITE if no final response comes within 64*T1.

        Args:
            headers: more headers, such as Reason.
        """
        request = build_cancel(invite.request, headers)
        transaction = self._new_client(request, invite.flow, invite.branch)
        transaction.owner = owner
        transaction.begin(now)
        return transaction

    def resume_invite(
        self, request: Request, flow: Flow, now: float, *, owner: object = None
    ) -> InviteClientTransaction:
        """Wait for responses to an INVITE that an earlier life of this process sent; sends nothing.

        Args:
            request: as it left, Via included: its CANCEL has the same one (RFC 3261 §9.1), also from another address.
        """
        transaction = InviteClientTransaction(request, flow, self._context, request.branch)
        transaction.owner = owner
        transaction.resume(now)
        return transaction

    def send_ack(self, request: Request, flow: Flow) -> Transmit:
        """Send the ACK of a 2xx, which makes no transaction (§13.2.2.4).

        Args:
            request: without a Via.

        Returns: what left; to acknowledge a repeated 2xx, `resend` it.
        """
        transmit = Transmit(flow, self._sent_by.sign(request, flow, self._ids.branch()).to_bytes())
        self._context.output.append(transmit)
        return transmit

    def resend(self, transmit: Transmit) -> None:
        """Send the same bytes once more."""
        self._context.output.append(transmit)

    def refuse(self, request: Request, flow: Flow, status: int, *, headers: Headers = ()) -> None:
        """Answer a request and keep nothing of it (§8.2.7); an ACK is answered by silence.

        For what cannot be worth a transaction: bytes that are half a request, and floods.
        """
        if request.method == "ACK":
            return
        request = stamp(request, flow)
        # "The same To tag for the same request": made of the request, as nothing remembers it.
        tag = f"{crc32(f'{request.branch} {request.call_id}'.encode()):08x}"
        response = request.reply(status, to_tag=tag, headers=headers)
        self._context.output.append(Transmit(way_back(request, flow), response.to_bytes()))

    # What the user may ask.

    def find_cancelled(self, request: Request) -> InviteServerTransaction | None:
        """The INVITE that a CANCEL cancels (§9.2), if it is still known; answer 481 if it is not."""
        found = self._context.servers.get(server_key(request, "INVITE"))
        return found if isinstance(found, InviteServerTransaction) else None

    @property
    def counters(self) -> Counter[str]:
        """What was dropped or refused, by name."""
        return self._context.counters

    @property
    def cause(self) -> str:
        """Why the flow is lost whose transactions are being told so just now."""
        return self._context.cause

    @property
    def client_count(self) -> int:
        """How many client transactions live."""
        return len(self._context.clients)

    @property
    def server_count(self) -> int:
        """How many server transactions live."""
        return len(self._context.servers)

    # What the shell collects.

    @property
    def output(self) -> list[Transmit]:
        """What is to be sent, in order; see `take_output`."""
        return self._context.output

    def take_output(self) -> list[Transmit]:
        """What is to be sent, in order; it is then forgotten."""
        context = self._context
        output, context.output = context.output, []
        return output

    def next_deadline(self) -> float | None:
        """When `handle_timer` is to be called; None: not before something else happens."""
        return self._context.deadlines.next_deadline()

    def _receive_response(self, response: Response, flow: Flow, now: float) -> None:
        via = response.via
        transaction = self._context.clients.get((via.params.get("branch") or "", response.cseq.method))
        if not self._sent_by.wrote(via) and (transaction is None or not _bears(transaction.request, via)):
            # §18.1.2: it answers somebody else's request.
            self._context.counters["foreign_via"] += 1
        elif transaction is None:
            self._context.user.stray_response(response, flow, now)
        else:
            transaction.receive(response, now)

    def _receive_request(self, request: Request, flow: Flow, now: float) -> None:
        context = self._context
        method = request.method
        key = server_key(request, "INVITE" if method == "ACK" else method)
        transaction = context.servers.get(key)
        if transaction is not None:
            if method != "ACK":
                context.counters["repeated_request"] += 1
            transaction.receive(request, now)
            return
        if method == "ACK":
            context.user.ack_received(request, flow, now)
            return
        if len(context.servers) >= self._most and self._is_beyond_limit(request):
            context.counters["overload"] += 1
            self.refuse(request, flow, 503, headers=[("Retry-After", _RETRY_AFTER)])
            return
        kind = InviteServerTransaction if method == "INVITE" else NonInviteServerTransaction
        transaction = kind(request, way_back(request, flow), context, key)
        transaction.begin(now)
        context.user.request_received(transaction, request, flow, now)

    def _is_beyond_limit(self, request: Request) -> bool:
        ends_work = request.to_tag is not None or request.method == "CANCEL"
        return not ends_work or len(self._context.servers) >= 2 * self._most

    def _new_client(self, request: Request, flow: Flow, branch: str) -> ClientTransaction:
        kind = InviteClientTransaction if request.method == "INVITE" else NonInviteClientTransaction
        return kind(request, flow, self._context, branch)


def _bears(request: Request, via: Via) -> bool:
    """Whether the request left with this Via: of a CANCEL that is the one of its INVITE, which an earlier life of the process may have
    sent from another address."""
    return (request.via.host, request.via.port) == (via.host, via.port)
