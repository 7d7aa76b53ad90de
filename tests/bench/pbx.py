"""A PBX that only makes load: it registers what asks, calls at a given rate, and keeps the moments.

Plain templates on one UDP socket, independent of our own `sip` package, so that its cost is small and its mistakes are not
ours. It answers REGISTER with a digest challenge and checks the response, and plays two cycles:

    unanswered  INVITE, 100, 180, CANCEL, 200, 487, ACK
    answered    INVITE, 100, 180, 200, ACK, BYE, 200
"""

import asyncio
import hashlib
import re
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

REALM = "bench"
NONCE = "5f1c0a7e9d3b"
TALK = 0.2  # seconds between our ACK and our BYE

SDP = "\r\n".join(
    [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        "m=audio 40000 UDP/TLS/RTP/SAVPF 8 0 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=ice-ufrag:bench",
        "a=ice-pwd:benchbenchbenchbenchbench",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "a=setup:actpass",
        "a=rtcp-mux",
        "a=candidate:1 1 UDP 2130706431 127.0.0.1 40000 typ host",
        "a=sendrecv",
        "",
    ]
)


def header(message: str, name: str) -> str:
    """The first value of a header as our gateway writes it (long form)."""
    start = message.find(f"\r\n{name}: ")
    if start < 0:
        return ""
    start += len(name) + 4
    return message[start : message.find("\r\n", start)]


@dataclass(slots=True)
class LoadCall:
    """One call of the load: where it goes and how far it is."""

    line: str
    answered: bool
    began_at: float
    invite: str
    to: str = ""
    state: str = "inviting"


@dataclass(slots=True)
class LoadPbx(asyncio.DatagramProtocol):
    """The PBX. `counters` tells what came and went; `registered_at` when each line was registered first."""

    password: str
    port: int = 0
    counters: Counter[str] = field(default_factory=Counter)
    contacts: dict[str, str] = field(default_factory=dict)
    registered_at: dict[str, float] = field(default_factory=dict)
    calls: dict[str, LoadCall] = field(default_factory=dict)
    on_end: Callable[[LoadCall], None] | None = None
    gateway: tuple[str, int] = ("", 0)
    _transport: asyncio.DatagramTransport | None = None
    _serial: int = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is no subclass of it
        # A thousand lines register at once: what the kernel drops would be measured as our retransmissions.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = data.decode("utf-8", "replace")
        self.gateway = addr
        if message.startswith("SIP/2.0 "):
            self._response(int(message[8:11]), message)
        elif message.startswith("REGISTER "):
            self._register(message)
        elif not message.startswith("ACK "):
            self.counters[message.split(" ", 1)[0]] += 1
            self._answer(message, "200 OK")

    def _register(self, request: str) -> None:
        given = header(request, "Authorization")
        if not given:
            self.counters["challenged"] += 1
            challenge = (
                f'WWW-Authenticate: Digest realm="{REALM}", nonce="{NONCE}", algorithm=MD5, qop="auth"\r\n'
            )
            return self._answer(request, "401 Unauthorized", challenge)
        fields = dict(re.findall(r'(\w+)="?([^",]+)', given))
        user = fields["username"]
        one = _md5(f"{user}:{REALM}:{self.password}")
        two = _md5(f"REGISTER:{fields['uri']}")
        expected = _md5(f"{one}:{NONCE}:{fields['nc']}:{fields['cnonce']}:{fields['qop']}:{two}")
        if fields["response"] != expected:
            self.counters["wrong_digest"] += 1
            return self._answer(request, "403 Forbidden")
        contact = header(request, "Contact")
        self.contacts[user] = contact[contact.find("<") + 1 : contact.find(">")]
        self.registered_at.setdefault(user, time.perf_counter())
        self.counters["registered"] += 1
        return self._answer(request, "200 OK", f"Contact: {contact};expires=3600\r\n")

    def _answer(self, request: str, status: str, more: str = "") -> None:
        to = header(request, "To")
        if ";tag=" not in to:
            to += ";tag=bench"
        self._send(
            f"SIP/2.0 {status}\r\nVia: {header(request, 'Via')}\r\nFrom: {header(request, 'From')}\r\nTo: {to}\r\n"
            f"Call-ID: {header(request, 'Call-ID')}\r\nCSeq: {header(request, 'CSeq')}\r\n{more}Content-Length: 0\r\n\r\n"
        )

    def call(self, line: str, answered: bool) -> None:
        """Ring that line, as a customer would."""
        self._serial += 1
        call_id = f"bench-{self._serial}"
        invite = (
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bKb{self._serial};rport\r\nMax-Forwards: 70\r\n"
            f'From: "Customer" <sip:+7495{self._serial:07}@127.0.0.1:{self.port}>;tag=c{self._serial}\r\n'
        )
        call = self.calls[call_id] = LoadCall(line, answered, time.perf_counter(), invite)
        self._request(
            "INVITE",
            call_id,
            1,
            f"<sip:{line}@127.0.0.1>",
            f"Contact: <sip:bench@127.0.0.1:{self.port}>\r\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE\r\n"
            "Content-Type: application/sdp\r\n",
            SDP,
        )
        call.began_at = time.perf_counter()
        self.counters["invited"] += 1

    def _request(self, method: str, call_id: str, cseq: int, to: str, more: str = "", body: str = "") -> None:
        call = self.calls[call_id]
        invite = call.invite
        if method not in ("INVITE", "CANCEL") and not (method == "ACK" and call.state == "cancelled"):
            invite = invite.replace("z9hG4bKb", f"z9hG4bK{method}", 1)
        self._send(
            f"{method} {self.contacts[call.line]} SIP/2.0\r\n{invite}To: {to}\r\nCall-ID: {call_id}\r\n"
            f"CSeq: {cseq} {method}\r\n{more}Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def _response(self, status: int, message: str) -> None:
        call_id = header(message, "Call-ID")
        call = self.calls.get(call_id)
        if call is None:
            self.counters["stray"] += 1
            return
        cseq = header(message, "CSeq")
        call.to = header(message, "To")
        if cseq == "1 INVITE":
            self._invite_answered(call_id, call, status)
        elif cseq.endswith("BYE"):
            self._end(call_id, call, "talked")

    def _invite_answered(self, call_id: str, call: LoadCall, status: int) -> None:
        if status == 180 and call.state == "inviting":
            call.state = "ringing"
            if not call.answered:
                call.state = "cancelling"
                self._request("CANCEL", call_id, 1, f"<sip:{call.line}@127.0.0.1>")
        elif 200 <= status < 300:
            self._request("ACK", call_id, 1, call.to)
            if call.state == "ringing":
                call.state = "talking"
                asyncio.get_running_loop().call_later(TALK, self._hang_up, call_id)
        elif status >= 300:
            call.state = "cancelled"
            self._request("ACK", call_id, 1, call.to)
            self._end(call_id, call, "cancelled" if status == 487 else f"refused_{status}")

    def _hang_up(self, call_id: str) -> None:
        self._request("BYE", call_id, 2, self.calls[call_id].to)

    def _end(self, call_id: str, call: LoadCall, how: str) -> None:
        self.counters[how] += 1
        del self.calls[call_id]
        if self.on_end is not None:
            self.on_end(call)

    def _send(self, message: str) -> None:
        assert self._transport is not None
        self._transport.sendto(message.encode(), self.gateway)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
