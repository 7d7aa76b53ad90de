"""Bob as a notifier that does what he is told, right or wrong: he answers SUBSCRIBE from a list and sends NOTIFY written by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sip.events import Event, RequestReceived
from sip.fields import Value
from sip.flow import Flow
from sip.message import Request, Response, parse
from sip.subscriptions.subscription import Subscription
from sip.uri import Uri
from tests.sip.pair import Pair, make_pair

Answer = Callable[[Request], Response | None]
TARGET = Uri("sip", "102", None, "192.0.2.2")


def grant(expires: int | None, status: int = 200) -> Answer:
    def answer(request: Request) -> Response:
        headers: list[tuple[str, Value]] = [("Contact", "<sip:bob@192.0.2.2>")]
        if expires is not None:
            headers.append(("Expires", expires))
        return request.reply(status, to_tag="bob", headers=headers)

    return answer


def refuse(status: int, **headers: str) -> Answer:
    fields: list[tuple[str, Value]] = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return lambda request: request.reply(status, to_tag="bob", headers=fields)


def silent(request: Request) -> None:
    """No answer at all."""


class Notifier:
    """Answers in turn; the last answer is given for ever."""

    def __init__(self, pair: Pair, *answers: Answer) -> None:
        self.pair = pair
        self.answers = list(answers)
        self.seen: list[Request] = []
        self._cseq = 0
        self._count = 0
        pair.bob.reacts = self._react

    def notify(
        self,
        state: str = "active;expires=600",
        body: bytes = b"",
        *,
        tag: str = "bob",
        event: str = "dialog",
        of: Request | None = None,
        cseq: int | None = None,
        more: str = "",
        contact: str = "Contact: <sip:bob@192.0.2.2:5060>\r\n",
    ) -> int:
        """Send a NOTIFY to the subscription of that SUBSCRIBE (the last one) and return the status of its answer."""
        of = of or self.seen[-1]
        self._count += 1
        self._cseq = max(self._cseq, cseq or self._cseq + 1)
        lines = (
            f"NOTIFY sip:alice@192.0.2.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKn{self._count}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:102@192.0.2.2>;tag={tag}\r\nTo: <sip:alice@192.0.2.1>;tag={of.from_tag}\r\n"
            f"Call-ID: {of.call_id}\r\nCSeq: {cseq or self._cseq} NOTIFY\r\n{contact}Event: {event}\r\n"
            f"Subscription-State: {state}\r\n{more}Content-Type: application/dialog-info+xml\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        agent = self.pair.alice.agent
        self.pair.flush()
        agent.receive(lines.encode() + body, Flow("udp", ("192.0.2.2", 5060)), self.pair.now)
        # Its answer goes back to somebody who has no transaction for it: taken from the wire here, the rest flies on.
        output = agent.take_output()
        status = 0
        for transmit in output:
            message = parse(transmit.data)
            if isinstance(message, Response) and message.cseq.method == "NOTIFY":
                status = message.status
            else:
                self.pair._send(self.pair.alice, self.pair.bob, transmit)
        self.pair.flush()
        return status

    def _react(self, event: Event, now: float) -> None:
        if isinstance(event, RequestReceived):
            self.seen.append(event.request)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            response = answer(event.request)
            if response is not None:
                event.transaction.respond(response, now)


def notifier_pair(*answers: Answer, transport: str = "udp") -> tuple[Pair, Notifier]:
    pair = make_pair(methods=["SUBSCRIBE", "PUBLISH"], transport=transport)  # type: ignore[arg-type]
    pair.alice.account = replace(pair.alice.account, proxy=pair.bob.address)
    return pair, Notifier(pair, *answers)


def subscribe(pair: Pair, event: str = "dialog", expires: int = 600) -> Subscription:
    """Alice wants to see 102's state."""
    subscription = pair.alice.agent.subscribe(
        pair.alice.account,
        TARGET,
        event,
        pair.now,
        accept=["application/dialog-info+xml"],
        expires=expires,
        owner="lamp",
    )
    pair.advance(0.1)
    return subscription


def installed(*answers: Answer) -> tuple[Pair, Notifier, Subscription]:
    """A subscription that stands."""
    pair, notifier = notifier_pair(*(answers or (grant(600),)))
    subscription = subscribe(pair)
    assert notifier.notify() == 200
    assert subscription.state == "active"
    return pair, notifier, subscription
