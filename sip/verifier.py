"""Digest authentication, the server's side (RFC 7616, RFC 8760): for a registrar.

Nonces are signed and dated, so that only the counts of those that were used are kept.
Knows no randomness and no clock: the secret is given at birth, `now` with every call.
Invariants: a nonce is ours or refused; a count is taken once and only upwards; what is compared, is compared in constant
time; memory is bounded, and what it had to forget is answered as stale, never as good.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

from sip.digest import ALGORITHMS, Credentials, digest_response
from sip.errors import ParseError
from sip.headers import AuthParams

__all__ = ["Verdict", "Verifier"]

_MAX_NONCES: Final = 20_000
_NC: Final = re.compile(r"[0-9a-fA-F]{8}")
_BARE: Final = frozenset({"algorithm", "stale"})


class Verdict(Enum):
    """What the credentials are worth."""

    ACCEPTED = "accepted"
    MISSING = "missing"
    """None that we can read: challenge."""
    STALE = "stale"
    """The nonce has expired or was forgotten: challenge with `stale`, the client need not ask its user."""
    REPLAYED = "replayed"
    """The count was used before."""
    REFUSED = "refused"
    """A wrong password, a strange nonce, another target."""


class Verifier:
    """Challenges and checks for one realm.

    Args:
        secret: at least 16 bytes; signs the nonces, so nonces outlive a restart when it does.
        lifetime: seconds that a nonce is good for.
        algorithms: what is offered, in this order (RFC 8760 §2.3: the preferred one on top).
    """

    def __init__(
        self,
        realm: str,
        secret: bytes,
        *,
        lifetime: float = 300.0,
        algorithms: Sequence[str] = ("SHA-256", "MD5"),
    ) -> None:
        if len(secret) < 16 or not algorithms or any(name not in ALGORITHMS for name in algorithms):
            raise RuntimeError("a verifier needs a secret of 16 bytes and algorithms that are known")
        self.realm = realm
        self._secret = secret
        self._lifetime = lifetime
        self._algorithms = tuple(algorithms)
        self._serial = 0
        self._counts: dict[str, int] = {}  # nonce → the highest count that was accepted
        self._forgotten_until = -1  # milliseconds: nonces issued up to here may have been forgotten

    def challenge(self, now: float, *, stale: bool = False) -> list[str]:
        """The values for WWW-Authenticate or Proxy-Authenticate, one line for each algorithm (RFC 8760 §2.3)."""
        self._serial += 1
        nonce = self._sign(f"{int(now * 1000):x}-{self._serial:x}")
        params = {"realm": self.realm, "nonce": nonce, "qop": "auth"} | ({"stale": "true"} if stale else {})
        return [
            AuthParams("Digest", {**params, "algorithm": algorithm}).format(_BARE)
            for algorithm in self._algorithms
        ]

    def verify(
        self,
        authorization: str | None,
        method: str,
        uri: str,
        body: bytes,
        password_of: Callable[[str], str | None],
        now: float,
    ) -> tuple[Verdict, str]:
        """Judge one Authorization value.

        Args:
            uri: the Request-URI as it stands in the start line; the credentials must name it.
            password_of: username → password, None for a stranger, who takes as long to refuse as a wrong password.

        Returns the verdict and the username, which is only proved by ACCEPTED ("" when there is none).
        """
        params = self._read(authorization)
        if params is None:
            return Verdict.MISSING, ""
        username, nonce = params["username"], params["nonce"]
        issued = self._issued(nonce)
        if (
            issued is None
            or params["realm"] != self.realm
            or params["uri"] != uri
            or not self._is_right(params, method, body, password_of(username))
        ):
            return Verdict.REFUSED, username
        if not 0 <= now * 1000 - issued + 1 <= self._lifetime * 1000 or issued <= self._forgotten_until:
            return Verdict.STALE, username
        count = int(params["nc"], 16)
        if count <= self._counts.get(nonce, 0):
            return Verdict.REPLAYED, username
        self._remember(nonce, count, now)
        return Verdict.ACCEPTED, username

    def _read(self, authorization: str | None) -> dict[str, str] | None:
        """The parameters when all that we need is there and of our kind."""
        if authorization is None:
            return None
        try:
            scheme, given = AuthParams.parse(authorization)
        except ParseError:
            return None
        params = {"algorithm": "MD5", **given}
        needed = ("username", "realm", "nonce", "uri", "response", "cnonce", "nc", "qop")
        if scheme.lower() != "digest" or any(name not in params for name in needed):
            return None
        if params["algorithm"].upper() not in self._algorithms or _NC.fullmatch(params["nc"]) is None:
            return None
        return params if params["qop"].lower() == "auth" else None

    def _is_right(self, params: dict[str, str], method: str, body: bytes, password: str | None) -> bool:
        expected = digest_response(
            params["algorithm"],
            Credentials(params["username"], password or ""),
            self.realm,
            params["nonce"],
            method,
            params["uri"],
            qop=params["qop"],
            nc=params["nc"],
            cnonce=params["cnonce"],
            body=body,
        )
        equal = hmac.compare_digest(expected.encode(), params["response"].lower().encode())
        return equal and password is not None

    def _sign(self, stamp: str) -> str:
        seal = hmac.new(self._secret, f"{stamp} {self.realm}".encode(), hashlib.sha256).hexdigest()
        return f"{stamp}-{seal[:32]}"

    def _issued(self, nonce: str) -> int | None:
        """When a nonce was issued, in milliseconds; None for one that is not ours."""
        stamp, _, _ = nonce.rpartition("-")
        if not hmac.compare_digest(self._sign(stamp).encode(), nonce.encode("utf-8", "replace")):
            return None
        return int(stamp.partition("-")[0], 16)

    def _remember(self, nonce: str, count: int, now: float) -> None:
        """Keep the count; nonces were first seen nearly in the order of their issue, so the oldest go first."""
        self._counts[nonce] = count
        while self._counts:
            oldest = next(iter(self._counts))
            issued = self._issued(oldest) or 0
            if len(self._counts) <= _MAX_NONCES and now * 1000 - issued <= self._lifetime * 1000 + 1:
                break
            self._forgotten_until = max(self._forgotten_until, issued)
            del self._counts[oldest]
