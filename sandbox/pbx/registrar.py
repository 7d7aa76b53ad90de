"""Who can be reached where: REGISTER with digest for the office's extensions (RFC 3261 §10.3, RFC 7616).

Knows bindings, not calls. Invariants: a binding lives until its expiry and no longer; only proved owners change their bindings;
an older CSeq of the same Call-ID changes nothing (§10.3, step 7).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sip.flow import Flow
from sip.message import Request, Response
from sip.uri import NameAddr, Uri
from sip.verifier import Verdict, Verifier

LONGEST: Final = 3600  # seconds
SHORTEST: Final = 5


@dataclass(frozen=True, slots=True)
class Binding:
    """One contact of an extension. `device` is what it calls itself (User-Agent)."""

    uri: Uri
    flow: Flow
    device: str
    call_id: str
    cseq: int
    expires_at: float


class Registrar:
    """The bindings of all extensions.

    Args:
        passwords: extension → password; whoever is not in it is a stranger.
    """

    def __init__(self, passwords: Mapping[str, str], verifier: Verifier) -> None:
        self._passwords = passwords
        self._verifier = verifier
        self._bindings: dict[str, dict[str, Binding]] = {extension: {} for extension in passwords}

    @property
    def extensions(self) -> tuple[str, ...]:
        return tuple(self._bindings)

    def bindings(self, extension: str, now: float) -> list[Binding]:
        """Where that extension can be reached, the newest registration last."""
        found = self._bindings.get(extension, {}).values()
        return [binding for binding in found if binding.expires_at > now]

    def judge(self, request: Request, now: float) -> str | Response:
        """Who sent the request: the extension, or the answer to give instead (a challenge, or 403)."""
        given = request.get("Authorization")
        verdict, username = self._verifier.verify(
            given, request.method, str(request.uri), request.body, self._passwords.get, now
        )
        if verdict is Verdict.ACCEPTED:
            return username
        if verdict is Verdict.REFUSED:
            return request.reply(403)
        return request.reply(401, headers=self.challenge(now, stale=verdict is Verdict.STALE))

    def challenge(self, now: float, *, stale: bool = False) -> list[tuple[str, str]]:
        return [("WWW-Authenticate", value) for value in self._verifier.challenge(now, stale=stale)]

    def register(self, request: Request, flow: Flow, now: float) -> Response:
        """The answer to a REGISTER, which changes the bindings if it may."""
        judged = self.judge(request, now)
        if isinstance(judged, Response):
            return judged
        if request.to.uri.user != judged:
            return request.reply(403)
        contacts = [NameAddr.parse(value) for value in request.get_all("Contact") if value != "*"]
        wanted = {str(contact.uri): _expires(request, contact) for contact in contacts}
        if any(0 < seconds < SHORTEST for seconds in wanted.values()):
            return request.reply(423, headers=[("Min-Expires", str(SHORTEST))])
        mine = self._bindings[judged]
        if "*" in request.get_all("Contact"):
            mine.clear()
        for contact in contacts:
            self._bind(mine, contact.uri, request, flow, wanted[str(contact.uri)], now)
        listed = [
            ("Contact", f"<{b.uri}>;expires={round(b.expires_at - now)}") for b in self.bindings(judged, now)
        ]
        return request.reply(200, headers=listed)

    def _bind(
        self, mine: dict[str, Binding], uri: Uri, request: Request, flow: Flow, seconds: int, now: float
    ) -> None:
        key = str(uri)
        known = mine.get(key)
        if known is not None and known.call_id == request.call_id and known.cseq >= request.cseq.number:
            return
        mine.pop(key, None)
        if seconds > 0:
            device = request.get("User-Agent") or "телефон"
            mine[key] = Binding(
                uri, flow, device, request.call_id, request.cseq.number, now + min(seconds, LONGEST)
            )

    def everyone(self, now: float) -> Iterator[tuple[str, list[Binding]]]:
        """Every extension with its bindings."""
        for extension in self._bindings:
            yield extension, self.bindings(extension, now)


def _expires(request: Request, contact: NameAddr) -> int:
    """Seconds that a contact asks for: its parameter, else the header, else an hour (§10.2.1.1)."""
    text = contact.params.get("expires") or request.get("Expires") or str(LONGEST)
    return int(text) if text.isascii() and text.isdigit() else LONGEST
