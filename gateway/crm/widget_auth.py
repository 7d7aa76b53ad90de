"""amoCRM's one-time token (the *disposable token* of `$authorizedAjax`): whose it is, or why it is not taken.

What it does not know: HTTP. The token is a JWT, HS256, signed with the integration's secret, about 30 minutes long
(amoCRM: "Disposable tokens"; the checks are those of amoCRM's own PHP client and listed in `docs/protocol.md`).

Invariants:
- nothing of a token is believed before its signature was checked with the secret of the integration it names, but its
  `account_id`, which only chooses that secret;
- the algorithm is HS256 and nothing else, whatever the token's head says (Salesbot tokens are HS512: not ours);
- every refusal has a name of its own, and a counter of that name; a token is never logged;
- amoCRM may show one token several times: the same `jti` is taken again for the same account, user and origin while it
  lives, and counted; or, by a setting, refused.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
import msgspec

from gateway.realtime.ports import Identity

LEEWAY: Final = 60.0
"""Seconds that amoCRM's clock and ours may differ."""
MAX_TOKEN: Final = 4_096
"""Characters; amoCRM's tokens have about 500."""
MAX_LIFE: Final = 24 * 3600.0
"""Seconds; a token that would live longer is not one of amoCRM's (30 minutes in its documentation)."""
MAX_SEEN: Final = 50_000
"""Tokens that are remembered; the one that ends first is forgotten first."""


class TokenFault(StrEnum):
    """Why a token is not taken."""

    MISSING = "missing"
    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_INTEGRATION = "unknown_integration"
    SIGNATURE = "signature"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    LIFE = "life"
    AUDIENCE = "audience"
    ISSUER = "issuer"
    ORIGIN = "origin"
    REUSED = "reused"


class TokenRefusedError(Exception):
    """A token is not taken.

    Attributes:
        fault: why.
    """

    def __init__(self, fault: TokenFault) -> None:
        super().__init__(fault)
        self.fault = fault

    def __str__(self) -> str:
        return f"one-time token refused: {self.fault}"


class Claims(msgspec.Struct, frozen=True):
    """What a token says. Everything amoCRM documents is required; unknown claims are ignored."""

    iss: str
    aud: str
    jti: str
    iat: float
    nbf: float
    exp: float
    account_id: int
    user_id: int
    client_uuid: str


@dataclass(frozen=True, slots=True)
class Integration:
    """An account in which our integration is installed.

    Attributes:
        address: the account's address, `https://example.amocrm.ru`: the issuer of its tokens and the origin of its pages.
        client_uuid: the integration's id.
        client_secret: the key of its tokens; never logged.
    """

    account_id: int
    address: str
    client_uuid: str
    client_secret: str

    def __repr__(self) -> str:
        return f"<Integration {self.client_uuid} in {self.account_id}>"


@dataclass(frozen=True, slots=True)
class _Seen:
    """Who has shown a token, and until when it lives."""

    identity: Identity
    origin: str
    expires_at: float


class WidgetAuth:
    """Checks one-time tokens.

    Args:
        find: the integration of an account; None when it is not installed there.
        audience: scheme and host of the integration's redirect URI, that is of this gateway; a port and a path in it do not
            matter, as in amoCRM's own client.
        reuse: whether a token may be shown again.
    """

    def __init__(
        self, find: Callable[[int], Integration | None], audience: str, *, reuse: bool = True
    ) -> None:
        self._find = find
        self._audience = _scheme_and_host(audience)
        self._reuse = reuse
        self._seen: dict[str, _Seen] = {}
        # accepted, accepted_again, forgotten_early, and each TokenFault
        self.counters: Counter[str] = Counter()

    def verify(self, token: str, origin: str, now: float) -> Identity:
        """Whose token it is.

        Args:
            token: the header `X-Auth-Token`; empty when there was none.
            origin: of the page that showed it.
            now: seconds since the epoch.

        Raises:
            TokenRefusedError: it is not taken; nothing was changed by it.
        """
        try:
            claims = self._verified(token, now)
            if claims.iss.rstrip("/") != origin:
                raise TokenRefusedError(TokenFault.ORIGIN)
            identity = Identity(claims.account_id, claims.user_id)
            again = self._remember(claims, identity, origin, now)
        except TokenRefusedError as refusal:
            self.counters[refusal.fault.value] += 1
            raise
        self.counters["accepted_again" if again else "accepted"] += 1
        return identity

    def _verified(self, token: str, now: float) -> Claims:
        """The claims of a token that is genuine and for us, today."""
        unproved = _read(token)
        integration = self._find(unproved.account_id)
        if integration is None:
            raise TokenRefusedError(TokenFault.UNKNOWN_ACCOUNT)
        if unproved.client_uuid != integration.client_uuid:
            raise TokenRefusedError(TokenFault.UNKNOWN_INTEGRATION)
        try:
            # Times are compared by us, with the `now` that was given; PyJWT would look at the clock of the machine.
            jwt.decode(token, integration.client_secret, algorithms=["HS256"], options=_SIGNATURE_ONLY)
        except jwt.InvalidTokenError as exc:
            raise TokenRefusedError(TokenFault.SIGNATURE) from exc
        _check_times(unproved, now)
        if _scheme_and_host(unproved.aud) != self._audience:
            raise TokenRefusedError(TokenFault.AUDIENCE)
        if unproved.iss.rstrip("/") != integration.address.rstrip("/"):
            raise TokenRefusedError(TokenFault.ISSUER)
        return unproved

    def _remember(self, claims: Claims, identity: Identity, origin: str, now: float) -> bool:
        """Note that a token was shown; whether it was shown before."""
        seen = self._seen.get(claims.jti)
        if seen is not None:
            if not self._reuse or (seen.identity, seen.origin) != (identity, origin):
                raise TokenRefusedError(TokenFault.REUSED)
            return True
        self._forget_expired(now)
        self._seen[claims.jti] = _Seen(identity, origin, claims.exp + LEEWAY)
        return False

    def _forget_expired(self, now: float) -> None:
        if len(self._seen) < MAX_SEEN:
            return
        self._seen = {jti: seen for jti, seen in self._seen.items() if seen.expires_at > now}
        if len(self._seen) >= MAX_SEEN:
            by_end = sorted(self._seen.items(), key=lambda item: item[1].expires_at)
            self._seen = dict(by_end[MAX_SEEN // 10 :])
            self.counters["forgotten_early"] += MAX_SEEN // 10


_SIGNATURE_ONLY: Final[Any] = {  # PyJWT's own type for this is private
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def _read(token: str) -> Claims:
    """What a token says, unproved."""
    if not token:
        raise TokenRefusedError(TokenFault.MISSING)
    if len(token) > MAX_TOKEN:
        raise TokenRefusedError(TokenFault.MALFORMED)
    try:
        head = jwt.get_unverified_header(token)
        said = jwt.decode(token, options={"verify_signature": False})
        claims = msgspec.convert(said, Claims)
    except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError, RecursionError) as exc:
        raise TokenRefusedError(TokenFault.MALFORMED) from exc
    if head.get("alg") != "HS256":
        raise TokenRefusedError(TokenFault.ALGORITHM)
    return claims


def _check_times(claims: Claims, now: float) -> None:
    """RFC 7519 §4.1.4 to §4.1.6, with a little leeway."""
    if claims.exp + LEEWAY <= now:
        raise TokenRefusedError(TokenFault.EXPIRED)
    if max(claims.nbf, claims.iat) - LEEWAY > now:
        raise TokenRefusedError(TokenFault.NOT_YET_VALID)
    if not claims.iat <= claims.exp <= claims.iat + MAX_LIFE:
        raise TokenRefusedError(TokenFault.LIFE)


def _scheme_and_host(url: str) -> tuple[str, str | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname
    except ValueError:  # brackets that are no address
        return "", None
