"""The lower half of the tests' phone: a UDP socket with client and server transactions (RFC 3261 §17), and digest.

Requests are repeated until something comes back; a repeated request gets the stored answer; a refused INVITE is acknowledged
here, an accepted one by the user, through `stray_ok` again for each repeated 200. Knows nothing of dialogs.
"""

import asyncio
import secrets
from collections.abc import Callable

from tests.peers.ports import HOST, free_port
from tests.peers.sip_text import Header, Message, authorization

Address = tuple[str, int]
Provisional = Callable[[Message], None]
Build = Callable[[list[Header]], Message]  # a request with a fresh CSeq, and these headers in addition
_T1, _LONGEST = 0.5, 32.0


class SipSocket(asyncio.DatagramProtocol):
    """One UDP port. `requests` takes each new request once; `stray_ok` each 200 to an INVITE that nobody waits for."""

    def __init__(
        self, port: int | None, requests: Callable[[Message], None], stray_ok: Callable[[Message], None]
    ) -> None:
        self.port = port or free_port()
        self._requests = requests
        self._stray_ok = stray_ok
        self._waiting: dict[tuple[str, str], asyncio.Queue[Message]] = {}
        self._seen: dict[tuple[str, str], Address] = {}
        self._replies: dict[tuple[str, str], bytes] = {}
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, self.port))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def send(self, message: Message, to: Address) -> None:
        """Send once; a request without a Via gets one with a new branch."""
        if not message.status and not message["Via"]:
            branch = f"z9hG4bK{secrets.token_hex(8)}"
            message.headers.insert(0, ("Via", f"SIP/2.0/UDP {HOST}:{self.port};branch={branch};rport"))
        self._write(message.to_bytes(), to)

    def reply(self, request: Message, response: Message) -> None:
        """Answer a request, to where it came from; repeated whenever the request is repeated."""
        key = (request.branch, request.method)
        self._replies[key] = response.to_bytes()
        self._write(self._replies[key], self._seen[key])

    async def exchange(
        self, request: Message, to: Address, provisional: Provisional | None = None
    ) -> Message:
        """One client transaction; its final response. Raises TimeoutError when nobody answers for 32 s (timers B and F)."""
        self.send(request, to)
        queue: asyncio.Queue[Message] = asyncio.Queue()
        self._waiting[request.branch, request.method] = queue
        try:
            answer = await self._first_answer(request, to, queue)
            while answer.status < 200:
                if provisional is not None:
                    provisional(answer)
                answer = await queue.get()
        finally:
            del self._waiting[request.branch, request.method]
        if request.method == "INVITE" and answer.status >= 300:
            self._acknowledge_refusal(request, answer, to)
        return answer

    async def ask(
        self, build: Build, to: Address, credentials: tuple[str, str], provisional: Provisional | None = None
    ) -> Message:
        """A transaction, and a second one with credentials when the first was challenged (§22); the final response."""
        request = build([])
        answer = await self.exchange(request, to, provisional)
        challenge = answer["WWW-Authenticate"] or answer["Proxy-Authenticate"]
        if answer.status not in (401, 407) or not challenge or not credentials[1]:
            return answer
        proof = authorization(challenge, request.method, request.uri, *credentials)
        name = "Authorization" if answer.status == 401 else "Proxy-Authorization"
        return await self.exchange(build([(name, proof)]), to, provisional)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if not data.strip():
            return  # a keep-alive (RFC 5626 §4.4.1)
        message = Message.parse(data)
        key = (message.branch, message.method)
        if message.status:
            self._take_response(key, message)
        elif key in self._replies:
            self._write(self._replies[key], addr)
        elif key not in self._seen or message.method == "ACK":
            self._seen[key] = addr
            self._requests(message)

    async def _first_answer(self, request: Message, to: Address, queue: asyncio.Queue[Message]) -> Message:
        wait = _T1
        while wait <= _LONGEST:
            try:
                async with asyncio.timeout(wait):
                    return await queue.get()
            except TimeoutError:
                wait *= 2
                self.send(request, to)
        raise TimeoutError(f"nobody answered {request.start}")

    def _take_response(self, key: tuple[str, str], response: Message) -> None:
        if key in self._waiting:
            self._waiting[key].put_nowait(response)
        elif response.method == "INVITE" and 200 <= response.status < 300:
            self._stray_ok(response)

    def _acknowledge_refusal(self, invite: Message, answer: Message, to: Address) -> None:
        kept = [
            pair for pair in invite.headers if pair[0] in ("Via", "Max-Forwards", "From", "Call-ID", "Route")
        ]
        number = invite["CSeq"].split()[0]
        headers = [*kept, ("To", answer["To"]), ("CSeq", f"{number} ACK")]
        self.send(Message(f"ACK {invite.uri} SIP/2.0", headers), to)

    def _write(self, data: bytes, to: Address) -> None:
        if self._transport is not None:
            self._transport.sendto(data, to)
