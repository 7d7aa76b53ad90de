"""What a request must be before anyone looks at what it wants (RFC 3261 §8.2, in its order). Pure questions and their answers.

Invariant: each refusal has a status, the headers that the RFC asks with it, and a name by which it is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sip.calls import replacing
from sip.calls.inside import INSIDE_METHODS
from sip.calls.session_timer import is_too_short
from sip.core import SDP, SUPPORTED
from sip.errors import ParseError
from sip.fields import Value

if TYPE_CHECKING:
    from sip.core import Core
    from sip.message import Request
    from sip.transactions.layer import ServerTransaction

# Methods of other RFCs: known, but not served here (405); what nobody has heard of gets 501 (§8.2.1, §21.5.2).
_KNOWN: Final = frozenset({"MESSAGE", "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE"})
_SERVED: Final = frozenset({"INVITE", "CANCEL", "BYE", "OPTIONS", "PRACK", "UPDATE", "INFO", "NOTIFY"})
_BEARS_SDP: Final = frozenset({"INVITE", "PRACK", "UPDATE"})
_SCHEMES: Final = frozenset({"sip", "sips"})
_ACCEPTS_SDP: Final = frozenset({"*/*", "application/*", SDP})


class Refusal(NamedTuple):
    """How a request is refused."""

    status: int
    counter: str
    headers: tuple[tuple[str, Value], ...] = ()


def refusal(core: Core, transaction: ServerTransaction, request: Request) -> Refusal | None:
    """Why the request is refused, or None when it may be looked at."""
    method = request.method
    if method not in _SERVED and method not in core.methods and not _is_elsewhere(core, request):
        if method == "REFER" and core.referable:
            return Refusal(603, "refers_refused")  # in calls only: a stranger does not make us call
        if method in _KNOWN:
            return Refusal(405, "method_not_allowed", (("Allow", core.allow),))
        return Refusal(501, "unknown_method", (("Allow", core.allow),))
    if (
        method == "CANCEL"
    ):  # §8.2.2.3: Require does not count in it, and it is never merged nor does it bear a body
        return None
    if request.uri.scheme not in _SCHEMES:
        return Refusal(416, "unsupported_scheme")  # §8.2.2.1
    if transaction.is_merged:
        return Refusal(482, "merged_request")  # §8.2.2.2
    headers = request.index()
    if "require" in headers:
        unknown = [option for option in request.get_all("Require") if option.lower() not in SUPPORTED]
        if unknown:
            return Refusal(420, "bad_extension", (("Unsupported", ", ".join(unknown)),))
    if "max-forwards" in headers and method != "OPTIONS" and request.integer("Max-Forwards") == 0:
        # Stricter than §16.3, which says so of proxies: in front of a telephone a request without hops left is a loop.
        return Refusal(483, "too_many_hops")
    if "replaces" in headers:
        return _replaces_refusal(core, request) or _session_refusal(core, request)
    if method in _BEARS_SDP:
        return _session_refusal(core, request)
    return None


def _session_refusal(core: Core, request: Request) -> Refusal | None:
    headers = request.index()
    if request.body and (request.content_type != SDP or not _is_plain(request)):
        return Refusal(415, "unsupported_media", (("Accept", SDP), ("Accept-Encoding", "identity")))  # §8.2.3
    if "session-expires" in headers and is_too_short(core, request):
        return Refusal(422, "session_too_short", (("Min-SE", core.session_timers.least),))  # RFC 4028 §9
    if request.method == "INVITE":
        if request.contact is None:
            return Refusal(400, "no_contact")  # §8.1.1.8: there would be nobody to send our requests to
        if "accept" in headers and not _accepts_sdp(request):
            return Refusal(
                406, "sdp_not_accepted"
            )  # RFC 4475 §3.3.15: our 200 would bear what may not be sent
    return None


def _is_plain(request: Request) -> bool:
    encoding = request.get("Content-Encoding")
    return encoding is None or encoding.lower() == "identity"


def _accepts_sdp(request: Request) -> bool:
    types = (value.partition(";")[0].rstrip().lower() for value in request.get_all("Accept"))
    return not _ACCEPTS_SDP.isdisjoint(types)


def _is_elsewhere(core: Core, request: Request) -> bool:
    """Whether it claims to belong to a dialog, where more methods are served, or asks for a state that we give."""
    if request.to_tag is not None:
        return request.method in INSIDE_METHODS
    return request.method == "SUBSCRIBE" and bool(core.packages)


def _replaces_refusal(core: Core, request: Request) -> Refusal | None:
    """RFC 3891 §3: one Replaces, in an INVITE alone, of a dialog that may be taken over."""
    try:
        replaces = request.replaces if len(request.get_all("Replaces")) == 1 else None
    except ParseError:
        replaces = None
    if replaces is None or request.method != "INVITE":
        return Refusal(400, "bad_replaces")
    status = replacing.verdict(core, replaces)
    return Refusal(status, "replaces_refused") if status else None
