"""The servers of a call flow, which send what the text says: proxies, registrars, others' telephones.

A message that a server holds and has not passed on yet is passed on (with Via, Record-Route and Max-Forwards as RFC 3261 §16 says); otherwise
it answers the latest request of the one it speaks to, acknowledges or cancels what it passed on there, or speaks in their dialog.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sip.account import Address
from sip.dialog import Dialog
from sip.message import Message, Request, Response
from sip.uri import NameAddr, Uri
from tests.sip.flows.agents import BODIES, Agent


@dataclass
class Server:
    """Whoever is not ours."""

    name: str
    address: Address
    records: bool = False  # whether it stays in the path of the dialogs that it helps to make
    _held: list[tuple[Agent | Server, Message]] = field(default_factory=list)  # not passed on yet
    _requests: dict[str, list[Request]] = field(default_factory=dict)  # by whom, for answers
    _sent: dict[str, Request] = field(default_factory=dict)  # the INVITE that went to whom
    _answers: dict[str, Response] = field(default_factory=dict)  # the latest answer to it
    _dialogs: dict[str, Dialog] = field(default_factory=dict)
    _count: int = 0

    def take(self, sender: Agent | Server, message: Message) -> None:
        """A message came."""
        if isinstance(message, Request):
            before = self._requests.setdefault(sender.name, [])
            if message.method == "ACK" and any(one.branch == message.branch for one in before):
                return  # of a refusal: it goes no further (§16.7)
            before.append(message)
        if message.cseq.method != "CANCEL" or isinstance(message, Request):
            self._held.append((sender, message))
        if isinstance(message, Response) and message.cseq.method == "INVITE":
            self._answers[sender.name] = message
            sent = self._sent.get(sender.name)
            if (
                message.status < 300
                and message.to_tag
                and sent is not None
                and sent.via.host == self.address[0]
            ):
                self._dialogs.setdefault(sender.name, Dialog.of_caller(sent, message))

    def make(self, word: str, to: Agent | Server, below: list[str], fork_of: str | None = None) -> Message:
        """The message that the text says, to this one.

        Args:
            fork_of: whose INVITE is passed on once more.
        """
        if fork_of is not None:
            return self._passed_on([one for one in self._requests[fork_of] if one.method == word][-1], to)
        headers = [
            (name, value.strip())
            for name, _, value in (line.partition(":") for line in below)
            if ":" in name + _
        ]
        plain = [line for line in below if ":" not in line.partition(" ")[0]]
        if word[0].isdigit():
            return self._respond(word, to, headers, plain)
        return self._request(word, to, headers, plain)

    # Responses.

    def _respond(
        self, word: str, to: Agent | Server, headers: list[tuple[str, str]], plain: list[str]
    ) -> Message:
        status, _, method = word.partition(" ")
        for place, (sender, held) in enumerate(self._held):
            wanted = isinstance(held, Response) and held.status == int(status)
            if wanted and method in ("", held.cseq.method) and sender is not to:
                del self._held[place]
                return self._passed_back(held)
        request = [
            one for one in self._requests[to.name] if method in ("", one.method) and one.method != "ACK"
        ][-1]
        if int(status) >= 200:
            self._held = [pair for pair in self._held if pair[1] is not request]
        tag = next((line[4:] for line in plain if line.startswith("tag ")), self.name)
        body = next((BODIES[line[5:]] for line in plain if line.startswith("body ")), b"")
        if body:
            headers.append(("Content-Type", "application/sdp"))
        if request.method in ("INVITE", "SUBSCRIBE", "REFER") and 100 < int(status) < 300:
            if all(name != "Contact" for name, _ in headers):
                headers.append(("Contact", f"<sip:{self.name}@{self.address[0]}>"))
        noted = request.with_received(*to.address)
        reply = noted.reply(int(status), to_tag=None if status == "100" else tag, headers=headers, body=body)
        if request.method == "INVITE" and 100 < int(status) < 300:
            self._dialogs[to.name] = Dialog.of_callee(request, reply.to_tag or "")
        return reply

    def _passed_back(self, response: Message) -> Message:
        """Without our Via, which is the topmost (RFC 3261 §16.7)."""
        rest = response.get_all("Via")[1:]
        assert rest, "nobody to pass it back to"
        plain = response.without("Via")
        for via in reversed(rest):
            plain = plain.prepend("Via", via)
        return plain

    # Requests.

    def _request(
        self, method: str, to: Agent | Server, headers: list[tuple[str, str]], plain: list[str]
    ) -> Message:
        for place, (sender, held) in enumerate(self._held):
            if isinstance(held, Request) and held.method == method and sender is not to:
                del self._held[place]
                return self._passed_on(held, to)
        sent, answer = self._sent.get(to.name), self._answers.get(to.name)
        if method == "CANCEL" or (method == "ACK" and answer is not None and answer.status >= 300):
            assert sent is not None, f"nothing was sent to {to.name}"
            of = answer if method == "ACK" and answer is not None else sent
            return _of_the_same_branch(sent, method, of.get("To") or "")
        return self._own(method, to, headers, plain)

    def _passed_on(self, request: Request, to: Agent | Server) -> Request:
        """RFC 3261 §16.6: Max-Forwards, our Route taken off, Record-Route, our Via."""
        routes = [one for one in request.get_all("Route") if NameAddr.parse(one).uri.host != self.address[0]]
        passed = request.without("Route").with_header(
            "Max-Forwards", (request.integer("Max-Forwards") or 70) - 1
        )
        for route in reversed(routes):
            passed = passed.prepend("Route", route)
        if self.records and request.method == "INVITE" and request.to_tag is None:
            passed = passed.prepend("Record-Route", f"<sip:{self.address[0]};lr>")
        passed = passed.prepend("Via", self._via())
        if request.method == "INVITE":
            self._sent[to.name] = passed
        return passed

    def _own(
        self, method: str, to: Agent | Server, headers: list[tuple[str, str]], plain: list[str]
    ) -> Request:
        body = next((BODIES[line[5:]] for line in plain if line.startswith("body ")), b"")
        if body:
            headers.append(("Content-Type", "application/sdp"))
        body = next((f"{line[5:]}\r\n".encode() for line in plain if line.startswith("says ")), body)
        dialog = self._dialogs.get(to.name)
        contact = f"<sip:{self.name}@{self.address[0]}>"
        if dialog is None:
            target = Uri("sip", to.name, None, to.address[0])
            fields = [
                ("Max-Forwards", "70"),
                ("From", f"<sip:{self.name}@{self.address[0]}>;tag={self.name}"),
                ("To", f"<{target}>"),
                ("Call-ID", f"{self.name}{self._count}"),
                ("CSeq", f"1 {method}"),
                ("Contact", contact),
            ]
            request = Request.build(method, target, [*fields, *headers], body)
        else:
            own_contact = any(name == "Contact" for name, _ in headers)
            number = dialog.local_cseq if method == "ACK" else None
            request = dialog.request(
                method, contact=None if own_contact else contact, headers=headers, body=body, cseq=number
            )
        request = request.prepend("Via", self._via())
        if method == "INVITE":
            self._sent[to.name] = request
            self._answers.pop(to.name, None)
        return request

    def _via(self) -> str:
        self._count += 1
        return f"SIP/2.0/UDP {self.address[0]}:5060;rport;branch=z9hG4bK{self.name}{self._count}"


def _of_the_same_branch(invite: Request, method: str, to: str) -> Request:
    """ACK of a refusal, or CANCEL: as its INVITE, on its topmost Via (RFC 3261 §9.1, §17.1.1.3)."""
    headers = [
        ("Via", invite.get_all("Via")[0]),
        *(("Route", one) for one in invite.get_all("Route")),
        ("Max-Forwards", "70"),
        ("From", invite.get("From") or ""),
        ("To", to),
        ("Call-ID", invite.call_id),
        ("CSeq", f"{invite.cseq.number} {method}"),
    ]
    return Request.build(method, invite.uri, headers)
