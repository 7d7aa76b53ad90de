"""A dialog: what two user agents must both remember so that a request of one is understood by the other (RFC 3261 §12).

Knows nothing of INVITE's states, of timers or of the wire: it makes requests and judges the order of those that come.
Invariants: the local CSeq only grows; the remote CSeq only grows; the route set never changes after the dialog is confirmed;
only the remote target does, by a target refresh (§12.2).
"""

from __future__ import annotations

from collections.abc import Sequence

from sip.fields import Headers, Value
from sip.headers import CSeq
from sip.message import Message, Request, Response
from sip.uri import NameAddr, Uri

# RFC 3261 §12.2.1.1: 2**31 is the end of the numbers. A dialog that is loaded from disk skips these many, since what was
# sent after the saving is not known; and it is to be saved again each time that as many numbers were used.
CSEQ_SKIP = 100
CSEQ_SAVED_EACH = 50


class Dialog:
    """One dialog, early or confirmed, from our side."""

    __slots__ = (
        "call_id",
        "local",
        "local_cseq",
        "local_tag",
        "remote",
        "remote_cseq",
        "remote_tag",
        "route_set",
        "target",
    )

    def __init__(
        self,
        *,
        call_id: str,
        local_tag: str,
        remote_tag: str,
        local: str,
        remote: str,
        target: Uri,
        route_set: Sequence[str],
        local_cseq: int,
        remote_cseq: int,
    ) -> None:
        self.call_id = call_id
        self.local_tag = local_tag
        self.remote_tag = remote_tag
        # The values of our From and To in requests of ours, tags included, as they were first written: §12.2.1.1 wants the
        # URIs back unchanged, and a peer of RFC 2543 compares the whole.
        self.local = local
        self.remote = remote
        self.target = target
        self.route_set = tuple(route_set)
        self.local_cseq = local_cseq
        # 0: the peer has sent no request yet.
        self.remote_cseq = remote_cseq

    @classmethod
    def of_caller(cls, request: Request, response: Response) -> Dialog:
        """The dialog that `response` (101-299 with a To tag and Contact) makes for the one who sent `request` (§12.1.2)."""
        contact = response.contact
        return cls(
            call_id=request.call_id,
            local_tag=request.from_tag or "",
            remote_tag=response.to_tag or "",
            local=request.get("From") or "",
            remote=response.get("To") or "",
            # A provisional response of a careless peer has no Contact: the Request-URI will do until the 200.
            target=contact.uri if contact else request.uri,
            route_set=response.get_all("Record-Route")[::-1],
            local_cseq=request.cseq.number,
            remote_cseq=0,
        )

    @classmethod
    def of_callee(cls, request: Request, local_tag: str) -> Dialog:
        """The dialog that our response with `local_tag` makes for the one who was sent `request` (§12.1.1)."""
        contact = request.contact
        return cls(
            call_id=request.call_id,
            local_tag=local_tag,
            remote_tag=request.from_tag or "",
            local=f"{request.get('To') or ''};tag={local_tag}",
            remote=request.get("From") or "",
            target=contact.uri if contact else request.from_.uri,
            route_set=request.get_all("Record-Route"),
            local_cseq=0,
            remote_cseq=request.cseq.number,
        )

    def confirm(self, response: Response) -> None:
        """The 2xx that makes an early dialog of the caller's a confirmed one: its route set and target count (§13.2.2.4)."""
        self.remote = response.get("To") or self.remote
        self.route_set = tuple(response.get_all("Record-Route")[::-1])
        self.refresh_target(response)

    def next_cseq(self) -> int:
        """A number for the next request of ours; ACK and CANCEL take that of their INVITE instead."""
        self.local_cseq += 1
        return self.local_cseq

    def request(
        self,
        method: str,
        *,
        contact: str | None = None,
        headers: Headers = (),
        body: bytes = b"",
        cseq: int | None = None,
    ) -> Request:
        """A request in this dialog (§12.2.1.1), without Via.

        Args:
            contact: the value of Contact, for requests that refresh the target.
            headers: others, in order.
            cseq: the number to use instead of the next one (ACK).
        """
        uri, routes = self._destination()
        number = cseq if cseq is not None else self.next_cseq()
        fields: list[tuple[str, Value]] = [("Route", route) for route in routes]
        fields += [
            ("Max-Forwards", "70"),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", CSeq(number, method)),
        ]
        if contact is not None:
            fields.append(("Contact", contact))
        fields += headers
        return Request.build(method, uri, fields, body)

    def next_hop(self) -> Uri:
        """The URI of whoever gets our next request first: the first route, strict or loose, else the remote target."""
        return NameAddr.parse(self.route_set[0]).uri if self.route_set else self.target

    def admits(self, request: Request) -> bool:
        """Whether `request` comes in order; if so its number is remembered (§12.2.2: a lower one gets 500)."""
        if request.cseq.number < self.remote_cseq:
            return False
        self.remote_cseq = request.cseq.number
        return True

    def refresh_target(self, message: Message) -> bool:
        """Take the Contact of a target refresh request, or of a 2xx to ours; true when the target is another one now."""
        contact = message.contact
        if contact is None or str(contact.uri) == str(self.target):
            return False
        self.target = contact.uri
        return True

    def _destination(self) -> tuple[Uri, Sequence[str]]:
        if not self.route_set:
            return self.target, ()
        first = NameAddr.parse(self.route_set[0]).uri
        if first.is_loose_router:
            return self.target, self.route_set
        # §12.2.1.1, a strict router: it stands in the Request-URI itself and the target goes to the end of the routes.
        return first, (*self.route_set[1:], f"<{self.target}>")
