"""Digest authentication, the client's side (RFC 7616, RFC 8760, RFC 3261 §22); the server's is `sip.verifier`.

`answer` is the calculation; `Authenticator` remembers an account's challenges, so that the next request carries its
credentials from the start. Knows no randomness: every cnonce is given.
Invariants: a nonce's count grows by one with every use and never repeats; a password leaves only inside a hash; a
challenge that follows our first answer to it is a refusal, so that a wrong password is tried once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from sys import intern
from typing import Final, NamedTuple

from sip.errors import ParseError
from sip.grammar import quote, remembered, token
from sip.headers import AuthParams
from sip.message import Request, Response

__all__ = [
    "ALGORITHMS",
    "Authenticator",
    "Challenge",
    "Credentials",
    "NonceCounts",
    "answer",
    "best",
    "challenges_in",
]

ALGORITHMS: Final[dict[str, str]] = {
    "SHA-512-256": "sha512_256",
    "SHA-256": "sha256",
    "MD5": "md5",
}
"""Known algorithms, the best first, with their names in hashlib; each has a `-sess` variant (RFC 8760 §2.1)."""

_STRENGTH: Final = {name: -place for place, name in enumerate(ALGORITHMS)}
_MAX_NONCES: Final = 8
_HEADERS: Final = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}


class Credentials(NamedTuple):
    """Who we are to a realm."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.username!r}, …)"


@dataclass(frozen=True, slots=True)
class Challenge:
    """One WWW-Authenticate or Proxy-Authenticate (RFC 7616 §3.3).

    Args:
        algorithm: as it was written; "MD5" when it was not (`named` is then False, and the answer names none).
        qop: the offered kinds of protection in lower case; empty from a server of RFC 2069.
        stale: the nonce was too old, the password was not looked at.
        opaque: to be given back as it came; None when absent.
    """

    realm: str
    nonce: str
    algorithm: str = "MD5"
    qop: tuple[str, ...] = ()
    opaque: str | None = None
    stale: bool = False
    named: bool = True

    @classmethod
    def parse(cls, text: str) -> Challenge:
        """Read a challenge. Raises ParseError when it is no Digest, or lacks its realm or nonce."""
        scheme, params = AuthParams.parse(text)
        if scheme.lower() != "digest" or "realm" not in params or not params.get("nonce"):
            raise ParseError(f"no Digest challenge: {text[:40]!r}")
        return cls(
            intern(params["realm"]),
            params["nonce"],
            intern(params.get("algorithm", "MD5")),
            _read_qop(params.get("qop", "")),
            params.get("opaque"),
            params.get("stale", "").lower() == "true",
            "algorithm" in params,
        )

    @property
    def family(self) -> str:
        """The algorithm without `-sess`, in upper case."""
        return self.algorithm.upper().removesuffix("-SESS")

    @property
    def protection(self) -> str | None:
        """The qop that we will use: auth before auth-int, "" for none (RFC 2069), None when we know none of them."""
        if not self.qop:
            return ""
        if "auth" in self.qop:
            return "auth"
        return "auth-int" if "auth-int" in self.qop else None

    @property
    def is_supported(self) -> bool:
        return self.family in ALGORITHMS and self.protection is not None


@remembered(64)
def _read_qop(text: str) -> tuple[str, ...]:
    return tuple(one.strip().lower() for one in text.split(",") if one.strip())


def challenges_in(response: Response) -> list[Challenge]:
    """The readable Digest challenges of a 401 or 407, in the server's order; others (Bearer, AKA) are passed over."""
    found = []
    for value in response.get_all(_HEADERS[response.status][0]) if response.status in _HEADERS else ():
        try:
            found.append(Challenge.parse(value))
        except ParseError:
            continue
    return found


def best(challenges: Iterable[Challenge]) -> Challenge | None:
    """The strongest challenge that we can answer; among equals the topmost (RFC 8760 §2.4)."""
    supported = [challenge for challenge in challenges if challenge.is_supported]
    return max(supported, key=lambda challenge: _STRENGTH[challenge.family], default=None)


class NonceCounts:
    """How often each nonce was used (RFC 7616 §3.4, nc); the oldest are forgotten, for servers forget them sooner.

    The one in use stands alone: most accounts never know another at the same time, and there are ten thousand of them.
    """

    __slots__ = ("_count", "_nonce", "_others")

    def __init__(self) -> None:
        self._nonce = ""
        self._count = 0
        self._others: dict[str, int] | None = None

    def next(self, nonce: str) -> int:
        """The count for the next use of a nonce, from 1."""
        if nonce != self._nonce:
            self._take_up(nonce)
        self._count += 1
        return self._count

    def used(self, nonce: str) -> int:
        """How often a nonce was used so far."""
        if nonce == self._nonce:
            return self._count
        return self._others.get(nonce, 0) if self._others else 0

    def _take_up(self, nonce: str) -> None:
        others = self._others or {}
        if self._nonce:
            others[self._nonce] = self._count
        self._nonce, self._count = nonce, others.pop(nonce, 0)
        if len(others) >= _MAX_NONCES:
            del others[next(iter(others))]
        self._others = others or None


def hash_hex(family: str, text: str | bytes) -> str:
    """H() of RFC 7616 §3.3 by the algorithm's name without `-sess`."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    return hashlib.new(ALGORITHMS[family], data, usedforsecurity=False).hexdigest()


def digest_response(
    algorithm: str,
    credentials: Credentials,
    realm: str,
    nonce: str,
    method: str,
    uri: str,
    *,
    qop: str = "",
    nc: str = "",
    cnonce: str = "",
    body: bytes = b"",
) -> str:
    """The `response` parameter (RFC 7616 §3.4.1); both sides calculate it.

    Args:
        algorithm: one of ALGORITHMS, with or without `-sess`, in any case.
        qop: "auth", "auth-int" or "" for RFC 2069; `nc` (eight hex digits) and `cnonce` count with the first two.
    """
    family = algorithm.upper().removesuffix("-SESS")
    a1 = f"{credentials.username}:{realm}:{credentials.password}"
    if family != algorithm.upper():
        a1 = f"{hash_hex(family, a1)}:{nonce}:{cnonce}"
    a2 = f"{method}:{uri}"
    if qop == "auth-int":
        a2 = f"{a2}:{hash_hex(family, body)}"
    middle = f"{nonce}:{nc}:{cnonce}:{qop}" if qop else nonce
    return hash_hex(family, f"{hash_hex(family, a1)}:{middle}:{hash_hex(family, a2)}")


def answer(
    challenges: Sequence[Challenge],
    credentials: Credentials,
    method: str,
    uri: str,
    body: bytes,
    counts: NonceCounts,
    cnonce: str,
) -> str | None:
    """The value of Authorization for the best of these challenges (RFC 7616 §3.4).

    Args:
        uri: the Request-URI as it stands in the start line.
        counts: gives the nonce count; one per account.
        cnonce: unguessable, new for every call.

    Returns None when no challenge can be answered. Raises LocalProtocolError for CR, LF, NUL in the credentials.
    """
    challenge = best(challenges)
    if challenge is None:
        return None
    qop = challenge.protection or ""
    nc = f"{counts.next(challenge.nonce):08x}"
    response = digest_response(
        challenge.algorithm,
        credentials,
        challenge.realm,
        challenge.nonce,
        method,
        uri,
        qop=qop,
        nc=nc,
        cnonce=cnonce,
        body=body,
    )
    params = [
        f"Digest username={quote(credentials.username)}",
        f"realm={quote(challenge.realm)}",
        f"nonce={quote(challenge.nonce)}",
        f"uri={quote(uri)}",
        f'response="{response}"',
    ]
    # RFC 7616 §3.4: algorithm, qop and nc stand without quotes.
    if challenge.named:
        params.append(f"algorithm={token(challenge.algorithm)}")
    if qop or challenge.algorithm.upper() != challenge.family:
        params.append(f"cnonce={quote(cnonce)}")
    if challenge.opaque is not None:
        params.append(f"opaque={quote(challenge.opaque)}")
    if qop:
        params.append(f"qop={qop}, nc={nc}")
    return ", ".join(params)


@dataclass(slots=True)
class Authenticator:
    """One account's memory of who asked for credentials: the registrar, a proxy, each by its realm."""

    credentials: Credentials
    _counts: NonceCounts = field(default_factory=NonceCounts)
    # The header of the answer, and the challenge, whose realm is asked no more than once; nearly always one.
    _known: tuple[tuple[str, Challenge], ...] = ()

    def credentials_for(self, request: Request, cnonce: str) -> list[tuple[str, str]]:
        """The headers with credentials for every realm that is known.

        The target that is hashed is the Request-URI. Raises LocalProtocolError as `answer` does.
        """
        headers = []
        for header, challenge in self._known:
            value = answer(
                (challenge,),
                self.credentials,
                request.method,
                request.target,
                request.body,
                self._counts,
                cnonce,
            )
            if value is not None:
                headers.append((header, value))
        return headers

    def authorize(self, request: Request, cnonce: str) -> Request:
        """The request with these credentials; any that it has are taken away first."""
        for _, header in _HEADERS.values():
            if request.get(header) is not None:
                request = request.without(header)
        for header, value in self.credentials_for(request, cnonce):
            request = request.append(header, value)
        return request

    def challenged(self, response: Response, request: Request) -> bool:
        """Take in a 401 or 407 to `request`.

        Returns True when the request is worth sending again with credentials (`authorize`, a new CSeq, RFC 3261
        §22.2); False when the password was refused or the challenge is beyond us.
        """
        realms: dict[str, list[Challenge]] = {}
        for challenge in challenges_in(response):
            realms.setdefault(challenge.realm, []).append(challenge)
        worth = False
        for realm, offered in realms.items():
            chosen = best(offered)
            if chosen is None:
                return False
            header = _HEADERS[response.status][1]
            refused = self._refuses(header, chosen, request)
            others = tuple(one for one in self._known if one[0] != header or one[1].realm != realm)
            self._known = others if refused else (*others, (header, chosen))
            if refused:
                return False
            worth = True
        return worth

    def _refuses(self, header: str, challenge: Challenge, request: Request) -> bool:
        """Whether the request had an answer of ours in which the password, not the age of the nonce, was wrong."""
        known = (one for name, one in self._known if name == header and one.realm == challenge.realm)
        before = next(known, None)
        if before is None or not any(f'nonce="{before.nonce}"' in value for value in request.get_all(header)):
            return False
        # A nonce that served before may have grown old, said with `stale` or not; a first answer cannot be.
        return not challenge.stale and (
            self._counts.used(before.nonce) <= 1 or challenge.nonce == before.nonce
        )
