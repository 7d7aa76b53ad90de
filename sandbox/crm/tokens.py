"""The one-time token that the widget shows to its backend: `GET /ajax/v2/integrations/<uuid>/disposable_token`.

JWT, HS256 with the integration's secret, claims of amocrm.md 2.6. Whether amoCRM signs a new one for every call is
not known (part 8), so both ways are here: `Settings.reuse_tokens`. Invariant: a token that is handed out again has
at least half of its life before it.
"""

import uuid
from collections.abc import Callable

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.crm.hal import problem
from sandbox.crm.sessions import Sessions
from sandbox.settings import Settings
from sandbox.staff import User


class TokenDesk:
    """Signs one-time tokens for users who are logged in. `clock` gives seconds since the epoch."""

    def __init__(self, settings: Settings, sessions: Sessions, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._sessions = sessions
        self._clock = clock
        self._last: dict[int, tuple[int, str]] = {}  # user id → (when it was signed, the token)
        self.routes = [Route("/ajax/v2/integrations/{uuid}/disposable_token", self._give)]

    def token_for(self, user: User) -> str:
        """A token of that user: a new one, or under `reuse_tokens` the last one while half of its life is left."""
        now = int(self._clock())
        signed_at, token = self._last.get(user.id, (0, ""))
        if self._settings.reuse_tokens and now - signed_at < self._settings.token_life // 2:
            return token
        token = self._sign(user, now)
        self._last[user.id] = (now, token)
        return token

    def _sign(self, user: User, now: int) -> str:
        settings = self._settings
        claims = {
            "iss": settings.base_url,
            "aud": settings.token_audience,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "nbf": now,
            "exp": now + settings.token_life,
            "account_id": settings.account_id,
            "user_id": user.id,
            "client_uuid": settings.client_uuid,
            "subdomain": settings.subdomain,
            "is_admin": user.is_admin,
        }
        return jwt.encode(claims, settings.client_secret, algorithm="HS256")

    async def _give(self, request: Request) -> Response:
        user = self._sessions.user_of(request)
        if user is None:
            return problem(401, "Invalid user name or password")
        # amoCRM's own front end asks by XMLHttpRequest; another site's form cannot set that header.
        if request.headers.get("x-requested-with") != "XMLHttpRequest":
            return problem(403, "Not an XMLHttpRequest")
        if request.path_params["uuid"] != self._settings.client_uuid:
            return problem(404, "Integration not found")
        return JSONResponse({"token": self.token_for(user)}, headers={"Cache-Control": "no-store"})
