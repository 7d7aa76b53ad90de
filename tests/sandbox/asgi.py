"""Asks an ASGI application without a socket: one request in, status, headers and body out, cookies kept."""

import json
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from starlette.types import ASGIApp, Message


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> dict[str, object]:
        read: dict[str, object] = json.loads(self.body)
        return read


@dataclass
class Browser:
    """One visitor of an application, with the cookies that it was given."""

    app: ASGIApp
    cookies: dict[str, str] = field(default_factory=dict)

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        json_body: object = None,
        form: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        sent = dict(headers or {})
        if json_body is not None:
            body = json.dumps(json_body).encode()
        if form is not None:
            body, sent["content-type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        parts = urlsplit(url)
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": method,
            "path": parts.path, "raw_path": parts.path.encode(), "query_string": parts.query.encode(),
            "root_path": "", "scheme": "http", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 5),
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        }  # fmt: skip
        incoming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        outgoing: list[Message] = []

        async def receive() -> Message:
            return incoming.pop(0) if incoming else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            outgoing.append(message)

        await self.app(scope, receive, send)
        start = outgoing[0]
        got: dict[str, str] = {}
        for name, value in start["headers"]:
            if name == b"set-cookie":
                cookie, _, content = value.decode().split(";")[0].partition("=")
                self.cookies[cookie] = content
            got[name.decode()] = value.decode()
        return Answer(start["status"], got, b"".join(message.get("body", b"") for message in outgoing[1:]))

    async def get(self, url: str, headers: dict[str, str] | None = None) -> Answer:
        return await self.ask("GET", url, headers=headers)

    async def post(self, url: str, json_body: object) -> Answer:
        return await self.ask("POST", url, json_body=json_body)
