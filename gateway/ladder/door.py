"""Where `trubka ladder` asks the running process: `GET /api/ladder`, for who has the process's settings and for nobody else.

The pass is derived from the secret key (HKDF, RFC 5869), so there is nothing to hand out and nothing to keep; it opens no secret, and
the key cannot be computed from it. Without the pass the answer is the one of a page that is not there.

Invariant: whether a pass is right takes the same time for every wrong one.
"""

import base64
import hmac
from collections.abc import Sequence

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gateway.ladder.story import Archive

PATH = "/api/ladder"
_PURPOSE = b"trubka ladder 1"


def pass_of(key: str) -> str:
    """What opens the door for who knows this secret key.

    Args:
        key: a Fernet key, as in `TRUBKA_SECRET_KEY`.
    """
    derived = HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(base64.urlsafe_b64decode(key))
    return base64.urlsafe_b64encode(derived).decode().rstrip("=")


class LadderRoute:
    """The door.

    Args:
        passes: of every key that the process has.
        archive: what is told.
    """

    def __init__(self, passes: Sequence[str], archive: Archive) -> None:
        self._passes = [f"Bearer {one}".encode() for one in passes]
        self._archive = archive

    async def tell(self, request: Request) -> Response:
        """The list of the last calls, or with `?call=` the story of one, as JSON; `null` for a call that is not known."""
        if not self._may_enter(request.headers.get("Authorization", "")):
            return _not_there()
        name = request.query_params.get("call")
        found = self._archive.headings() if name is None else self._archive.story(name)
        body = msgspec.json.encode(found)
        return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})

    def _may_enter(self, shown: str) -> bool:
        given = shown.encode("utf-8", "surrogateescape")
        fits = [hmac.compare_digest(given, one) for one in self._passes]
        return True in fits


def _not_there() -> Response:
    """As Starlette answers for a path that it does not know."""
    return PlainTextResponse("Not Found", 404)
