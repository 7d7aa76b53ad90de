"""What all transactions share: their user, their surroundings, and how each of them waits, sends and ends.

A transaction is one request and its responses (RFC 3261 §17). It knows its request, the flow it is exchanged over and
what the layer lends to all transactions; it knows neither its sisters nor dialogs.

Invariants:
    * a transaction is born silent: nothing is sent before `begin`;
    * an ended transaction has no deadline and is in no index;
    * a timer whose value is 0 (on reliable transports) fires at once, through the same row of the table.
"""

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from sip.deadlines import Deadlines
from sip.flow import Flow, Transmit
from sip.machine import InputT, Machine, StateT
from sip.message import Request, Response
from sip.timers import Timers

ClientKey: TypeAlias = tuple[str, str]  # branch, method
ServerKey: TypeAlias = tuple[str | int | None, ...]
MergeKey: TypeAlias = tuple[str, str | None, int, str]  # Call-ID, From tag, CSeq number and method


class TransactionUser(Protocol):
    """Whom transactions tell what happened: the "TU" of the RFC. In this library, the user agent."""

    def request_received(
        self, transaction: "ServerTransaction[Any, Any]", request: Request, flow: Flow, now: float
    ) -> None:
        """A new request; it is to be answered by `transaction.respond`, now or later. Never an ACK."""

    def response_received(
        self, transaction: "ClientTransaction[Any, Any]", response: Response, now: float
    ) -> None:
        """A response: any number of 1xx, then one final; to an INVITE any number of 2xx, all to be acknowledged."""

    def ack_received(self, request: Request, flow: Flow, now: float) -> None:
        """An ACK that is for the user: of a 2xx, or of nothing we know."""

    def stray_response(self, response: Response, flow: Flow, now: float) -> None:
        """A response that fits no transaction, or a 2xx that follows another final response."""

    def timed_out(self, transaction: "Transaction[Any, Any]", now: float) -> None:
        """A request found no final response, or a 300-699 to INVITE no ACK; the transaction has ended."""

    def transport_failed(self, transaction: "Transaction[Any, Any]", now: float) -> None:
        """The transaction's flow is lost (§17.1.4, §17.2.4). A client transaction has ended. A server transaction in
        which the answer is still owed lives on, and is to be answered all the same."""


@dataclass(slots=True, eq=False)
class Context:
    """What the layer lends to its transactions."""

    user: TransactionUser
    timers: Timers
    counters: Counter[str]
    deadlines: "Deadlines[Transaction[Any, Any], StrEnum]" = field(default_factory=Deadlines)
    cause: str = ""  # why the flow is lost that `transport_lost` tells of just now
    output: list[Transmit] = field(default_factory=list)
    clients: "dict[ClientKey, ClientTransaction[Any, Any]]" = field(default_factory=dict)
    servers: "dict[ServerKey, ServerTransaction[Any, Any]]" = field(default_factory=dict)
    # Who came first with a Call-ID, From tag and CSeq: later ones on other branches are merged requests (§8.2.2.2).
    originals: "dict[MergeKey, ServerTransaction[Any, Any]]" = field(default_factory=dict)


class Transaction(Machine[StateT, InputT], ABC):
    """One request and its responses, seen from one side."""

    __slots__ = ("_context", "_interval", "_wire", "flow", "owner", "request")

    def __init__(self, request: Request, flow: Flow, context: Context) -> None:
        super().__init__()
        self.request = request
        self.flow = flow
        # For the user alone: whatever of its own this transaction belongs to.
        self.owner: object = None
        self._context = context
        self._interval = 0.0  # seconds between repeats: timers A, E, G
        self._wire = b""  # what a repeat sends

    def identity(self) -> str:
        return f"{self.request.method} {self.request.branch}"

    @abstractmethod
    def lose_transport(self, now: float) -> None:
        """The flow cannot carry anything any more (§17.1.4, §17.2.4)."""

    def _start(self, timer: InputT, delay: float, now: float) -> None:
        if delay > 0:
            self._context.deadlines.set(self, timer, now + delay)
        else:
            self.step(timer, now)

    def _send(self, now: float) -> None:
        self._context.output.append(Transmit(self.flow, self._wire))


class ClientTransaction(Transaction[StateT, InputT]):
    """A request of ours. `request` is as it went out, with the Via of this transaction."""

    __slots__ = ("_response", "branch")

    _response: Response  # the last one received; read only by rows that a response leads to

    def __init__(self, request: Request, flow: Flow, context: Context, branch: str) -> None:
        super().__init__(request, flow, context)
        self.branch = branch
        key = (branch, request.method)
        assert key not in context.clients, "a branch and a method make one transaction"
        context.clients[key] = self

    @abstractmethod
    def begin(self, now: float) -> None:
        """Send the request and start the timers."""

    @abstractmethod
    def receive(self, response: Response, now: float) -> None:
        """A response matched this transaction (§17.1.3)."""

    @abstractmethod
    def abandon(self, now: float) -> None:
        """Wait for a final response no longer; the user is not told of what it did itself. Nothing happens after one has come."""

    def _pass_up(self, now: float) -> None:
        self._context.user.response_received(self, self._response, now)

    def _end(self, now: float) -> None:
        self._context.deadlines.cancel(self)
        del self._context.clients[self.branch, self.request.method]

    def _time_out(self, now: float) -> None:
        self._end(now)
        self._context.user.timed_out(self, now)

    def _fail(self, now: float) -> None:
        self._end(now)
        self._context.user.transport_failed(self, now)


class ServerTransaction(Transaction[StateT, InputT]):
    """A request of the peer's. `request` is as it came in, its Via stamped with the address it came from.

    `flow` is where responses go (§18.2.2), which need not be the flow the request came by.
    """

    __slots__ = ("_key", "_merge_key", "_response")

    _response: Response  # the last one of ours; read only by rows that a response leads to

    def __init__(self, request: Request, flow: Flow, context: Context, key: ServerKey) -> None:
        super().__init__(request, flow, context)
        self._key = key
        context.servers[key] = self
        self._merge_key: MergeKey | None = None
        if request.to_tag is None:
            cseq = request.cseq
            self._merge_key = (request.call_id, request.from_tag, cseq.number, cseq.method)
            context.originals.setdefault(self._merge_key, self)

    @property
    def is_merged(self) -> bool:
        """Whether the same request came by another path before and is still known: answer 482 (§8.2.2.2)."""
        return self._merge_key is not None and self._context.originals.get(self._merge_key) is not self

    def begin(self, now: float) -> None:
        """The request is new; it is told to the user by the layer."""

    @abstractmethod
    def receive(self, request: Request, now: float) -> None:
        """The request came again, or, for an INVITE, its ACK came (§17.2.3)."""

    @abstractmethod
    def respond(self, response: Response, now: float) -> None:
        """Answer the request.

        Args:
            response: made by `request.reply`, so that it bears the request's Via.

        Raises:
            LocalProtocolError: such a response may not follow what was answered before.
        """

    def _send_response(self, now: float) -> None:
        self._wire = self._response.to_bytes()
        self._send(now)

    def _repeat(self, now: float) -> None:
        if self._wire:
            self._send(now)

    def _end(self, now: float) -> None:
        context = self._context
        context.deadlines.cancel(self)
        del context.servers[self._key]
        if self._merge_key is not None and context.originals.get(self._merge_key) is self:
            del context.originals[self._merge_key]

    def _time_out(self, now: float) -> None:
        self._end(now)
        self._context.user.timed_out(self, now)

    def _tell_failure(self, now: float) -> None:
        self._context.user.transport_failed(self, now)

    def _fail(self, now: float) -> None:
        self._end(now)
        self._context.user.transport_failed(self, now)
