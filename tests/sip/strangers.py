"""Requests out of nowhere, to an agent that never heard of their sender."""

from __future__ import annotations

from sip.agent import UserAgent
from sip.flow import Flow
from sip.ids import SeededIds
from sip.message import Response, parse

BOB = Flow("udp", ("192.0.2.9", 5060))


def agent(**more: object) -> UserAgent:
    return UserAgent(host="192.0.2.1", port=5060, ids=SeededIds(7), **more)  # type: ignore[arg-type]


def request(
    method: str = "INVITE", *lines: str, branch: str = "z9hG4bKx", to: str = "", body: bytes = b""
) -> bytes:
    """A request out of nowhere, with these header lines instead of or beside the usual ones."""
    usual = {
        "Via": f"SIP/2.0/UDP 192.0.2.9:5060;rport;branch={branch}",
        "Max-Forwards": "70",
        "From": "<sip:carol@192.0.2.9>;tag=carol",
        "To": f"<sip:alice@192.0.2.1>{to}",
        "Call-ID": "nowhere",
        "CSeq": f"1 {method}",
        "Contact": "<sip:carol@192.0.2.9:5060>",
        "Content-Length": str(len(body)),
    }
    for line in lines:
        name, _, value = line.partition(": ")
        usual[name] = value
    head = "\r\n".join([f"{method} sip:alice@192.0.2.1 SIP/2.0", *(f"{n}: {v}" for n, v in usual.items())])
    return head.encode() + b"\r\n\r\n" + body


def answers(ua: UserAgent) -> list[Response]:
    return [message for _, data in ua.take_output() if isinstance(message := parse(data), Response)]


def ask(ua: UserAgent, data: bytes) -> list[Response]:
    ua.receive(data, BOB, 0.0)
    return [response for response in answers(ua) if response.status != 100]
