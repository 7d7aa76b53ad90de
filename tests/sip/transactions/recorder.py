"""What the transaction tests share: a user that writes down, a layer with a clock, and messages of two parties."""

from sip.flow import Flow
from sip.ids import SeededIds
from sip.message import Message, Request, Response, parse
from sip.timers import Timers
from sip.transactions.layer import ClientTransaction, ServerTransaction, TransactionLayer

UDP = Flow("udp", ("192.0.2.2", 5060))
TCP = Flow("tcp", ("192.0.2.2", 5060), 7)
OURS = "192.0.2.1"


class Recorder:
    """A transaction user that writes down what it is told, as words."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.servers: list[ServerTransaction] = []
        self.responses: list[Response] = []
        self.flows: list[Flow] = []

    def request_received(
        self, transaction: ServerTransaction, request: Request, flow: Flow, now: float
    ) -> None:
        self.told.append(f"request {request.method}")
        self.servers.append(transaction)
        self.flows.append(flow)

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        self.told.append(f"response {response.status}")
        self.responses.append(response)

    def ack_received(self, request: Request, flow: Flow, now: float) -> None:
        self.told.append("ack")

    def stray_response(self, response: Response, flow: Flow, now: float) -> None:
        self.told.append(f"stray {response.status}")

    def timed_out(self, transaction: object, now: float) -> None:
        self.told.append("timed out")

    def transport_failed(self, transaction: object, now: float) -> None:
        self.told.append("transport failed")

    def take_told(self) -> list[str]:
        told, self.told = self.told, []
        return told


class Bench:
    """A layer, its user, and the clock between them."""

    def __init__(self, *, timers: Timers | None = None, most: int = 20_000, now: float = 1000.0) -> None:
        self.user = Recorder()
        self.now = now
        self.layer = TransactionLayer(
            self.user, host=OURS, port=5060, ids=SeededIds(), timers=timers, most_server_transactions=most
        )

    def advance(self, seconds: float) -> None:
        """Let time pass, firing each timer at its own moment."""
        end = self.now + seconds
        while (at := self.layer.next_deadline()) is not None and at <= end:
            self.now = max(self.now, at)
            self.layer.handle_timer(self.now)
        self.now = end

    def receive(self, message: Message, flow: Flow = UDP) -> None:
        """The message arrives as bytes would: parsed afresh."""
        self.layer.receive(parse(message.to_bytes()), flow, self.now)

    def sent(self) -> list[Message]:
        return [parse(transmit.data) for transmit in self.layer.take_output()]

    def sent_words(self) -> list[str]:
        """What was sent, as words: methods and statuses."""
        return [word(message) for message in self.sent()]

    def send(self, request: Request, flow: Flow = UDP) -> ClientTransaction:
        """Send a request of ours and forget what went out."""
        transaction = self.layer.send_request(request, flow, self.now)
        self.layer.take_output()
        return transaction

    def serve(self, request: Request, flow: Flow = UDP) -> ServerTransaction:
        """Receive a request of theirs and forget what went out and what was told."""
        self.receive(request, flow)
        self.layer.take_output()
        self.user.take_told()
        return self.user.servers[-1]


def word(message: Message) -> str:
    """A message in a word: its method or status."""
    return (
        str(message.status)
        if isinstance(message, Response)
        else message.method
        if isinstance(message, Request)
        else ""
    )


def our_request(method: str = "OPTIONS", *, route: str | None = None, call_id: str = "ours") -> Request:
    """A request as a dialog or registration would make it: without Via."""
    headers = [
        ("Max-Forwards", "70"),
        ("From", "<sip:101@pbx.example>;tag=tb1"),
        ("To", "<sip:200@pbx.example>"),
        ("Call-ID", call_id),
        ("CSeq", f"17 {method}"),
        ("Contact", f"<sip:x@{OURS}:5060>"),
    ]
    if route:
        headers.append(("Route", route))
    return Request.build(method, "sip:200@pbx.example", headers)


def their_request(
    method: str = "OPTIONS",
    *,
    branch: str | None = "z9hG4bKtheirs",
    sent_by: str = "192.0.2.2:5060",
    rport: bool = True,
    to_tag: str | None = None,
    cseq: int = 1,
    call_id: str = "theirs",
    transport: str = "UDP",
) -> Request:
    """A request as the PBX sends it."""
    via = f"SIP/2.0/{transport} {sent_by}{';rport' if rport else ''}{f';branch={branch}' if branch else ''}"
    headers = [
        ("Via", via),
        ("Max-Forwards", "70"),
        ("From", "<sip:200@pbx.example>;tag=pbx1"),
        ("To", f"<sip:101@pbx.example>{f';tag={to_tag}' if to_tag else ''}"),
        ("Call-ID", call_id),
        ("CSeq", f"{cseq} {method}"),
    ]
    return Request.build(method, f"sip:x@{OURS}:5060", headers)


def answer(transaction: ClientTransaction, status: int, to_tag: str = "pbx9") -> Response:
    """The PBX's response to a request of ours."""
    return transaction.request.reply(status, to_tag=to_tag)


def effects(bench: Bench) -> list[str]:
    """Everything that left and was told since the last look, sent first."""
    return [f"send {one}" for one in bench.sent_words()] + bench.user.take_told()


def read_figure(text: str) -> dict[tuple[str, str], tuple[str, list[str]]]:
    """A figure written as lines `state | input -> next state | effect, effect`."""
    figure: dict[tuple[str, str], tuple[str, list[str]]] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        cause, _, result = line.partition("->")
        state, event = (part.strip() for part in cause.split("|"))
        following, does = (part.strip() for part in result.split("|"))
        figure[state, event] = (following, [part.strip() for part in does.split(",") if part.strip()])
    return figure
