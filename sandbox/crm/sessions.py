"""Who is logged in: a cookie for the pages, a long-lived token for REST. No passwords: the menu is the login.

Invariant: a cookie names a user of the staff or is worth nothing.
"""

import hmac
import secrets
from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

from sandbox.staff import USERS, User, user_by_id

COOKIE: Final = "session_id"


class Sessions:
    """The account's open sessions, in memory: a restarted sandbox asks for the menu again."""

    def __init__(self, bearer: str = "") -> None:
        self._bearer = bearer
        self._users: dict[str, int] = {}

    def open(self, user: User, response: Response) -> None:
        """Log the user in by a cookie on that response."""
        key = secrets.token_urlsafe(24)
        self._users[key] = user.id
        response.set_cookie(COOKIE, key, httponly=True, samesite="lax", path="/")

    def close(self, connection: HTTPConnection, response: Response) -> None:
        self._users.pop(connection.cookies.get(COOKIE, ""), None)
        response.delete_cookie(COOKIE, path="/")

    def user_of(self, connection: HTTPConnection) -> User | None:
        """The user whose cookie came, or the administrator for the long-lived token; None for a stranger."""
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            good = bool(self._bearer) and hmac.compare_digest(token.encode(), self._bearer.encode())
            return USERS[0] if good else None
        user_id = self._users.get(connection.cookies.get(COOKIE, ""))
        return None if user_id is None else user_by_id(user_id)
