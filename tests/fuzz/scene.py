"""The user agent that the fuzzer talks to: one line on its way to the registrar, and a call in each of the states that a stranger can reach.

A file of the corpus is one or more messages, parted by a line of `SEPARATOR`, each a second after the one before. What only the agent
knows (branches, tags) stands in them as placeholders such as `@invite-branch@`, so that the files stay true whatever the agent draws.
Invariant: two scenes are alike to the byte.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sip.account import Account
from sip.agent import UserAgent
from sip.call import Call
from sip.events import CallReceived
from sip.flow import Flow
from sip.ids import SeededIds
from sip.message import Request, parse
from sip.uri import Uri

CORPUS: Final = Path(__file__).parent / "corpus"
SEPARATOR: Final = b"\r\n=====\r\n"
MOST_MESSAGES: Final = 8  # in one file; a longer one is cut

PBX: Final = Flow("udp", ("192.0.2.9", 5060))
ACCOUNT: Final = Account(
    Uri("sip", "alice", None, "pbx.example"), "alice", "secret", Uri("sip", None, None, "192.0.2.9")
)
SDP: Final = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
)


def from_pbx(
    method: str, call_id: str, to_tag: str = "", *lines: str, cseq: int = 1, body: bytes = b""
) -> bytes:
    """A request of the PBX; each has a branch of its own, but for ACK and CANCEL, which have their INVITE's."""
    branch = f"z9hG4bK{call_id}{'' if method in ('ACK', 'CANCEL') else method}{cseq}".replace("INVITE", "")
    head = [
        f"{method} sip:alice@192.0.2.1:5060 SIP/2.0",
        f"Via: SIP/2.0/UDP 192.0.2.9:5060;rport;branch={branch}",
        "Max-Forwards: 70",
        "From: <sip:bob@pbx.example>;tag=bob",
        f"To: <sip:alice@pbx.example>{f';tag={to_tag}' if to_tag else ''}",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} {method}",
        "Contact: <sip:bob@192.0.2.9:5060>",
        *lines,
        *(["Content-Type: application/sdp"] if body == SDP else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@dataclass
class Scene:
    """A fresh agent and what only it knows."""

    agent: UserAgent
    secrets: dict[bytes, bytes]
    kept: dict[str, Any] = field(default_factory=dict)  # what a test made of it

    def hear(self, data: bytes, now: float) -> list[bytes]:
        """The agent receives it; what it answers."""
        self.agent.receive(data, PBX, now)
        return [transmit.data for transmit in self.agent.take_output()]

    def filled(self, data: bytes) -> bytes:
        """The text with its placeholders filled in."""
        if b"@" in data:
            for name, value in self.secrets.items():
                data = data.replace(name, value)
        return data


def make_scene() -> Scene:
    """A line that registers, a call of ours without an answer, one that rings, one whose 200 waits for its ACK, and one in full talk."""
    agent = UserAgent(host="192.0.2.1", port=5060, ids=SeededIds(1), packages=["dialog"], referable=True)
    scene = Scene(agent, {})
    agent.register(ACCOUNT, 0.0, contact_user="alice")
    call = agent.invite(ACCOUNT, Uri("sip", "bob", None, "pbx.example"), SDP, 0.0, call_id="dialled")
    for name, transmit in zip(("register", "invite"), agent.take_output(), strict=True):
        request = parse(transmit.data)
        assert isinstance(request, Request)
        scene.secrets |= {
            f"@{name}-branch@".encode(): request.branch.encode(),
            f"@{name}-tag@".encode(): (request.from_tag or "").encode(),
            f"@{name}-call-id@".encode(): request.call_id.encode(),
        }
    assert call.id == "dialled"
    for name in ("ringing", "answered", "talking"):
        scene.secrets[f"@{name}-tag@".encode()] = _called(scene, name).local_tag.encode()
    agent.take_output()
    agent.take_events()
    return scene


def _called(scene: Scene, name: str) -> Call:
    agent = scene.agent
    scene.hear(from_pbx("INVITE", name, body=SDP), 0.0)
    call = agent.take_events()[-1]
    assert isinstance(call, CallReceived)
    call.call.ring(0.0)
    if name != "ringing":
        call.call.accept(SDP, 0.0)
    if name == "talking":
        scene.hear(from_pbx("ACK", name, call.call.local_tag), 0.0)
    return call.call
