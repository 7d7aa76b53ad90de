"""Whom `hello` is from: a ticket or a resume secret is turned into a seat.

What it does not know: sockets. It waits for nothing but the store's port.

Invariants: a page is let in only with a credential that is good, from the origin of the account that the credential is for;
a ticket is spent by being shown, whatever comes of it.
"""

from collections import Counter
from dataclasses import dataclass

from gateway.realtime.ports import Identity, Seat, Seats
from gateway.realtime.sessions import Resumption
from gateway.realtime.tickets import Tickets
from protocol.codes import CloseCode
from protocol.messages import Hello, ResumeSecret


@dataclass(frozen=True, slots=True)
class Admitted:
    """A page that may come in.

    Attributes:
        identity: who it belongs to.
        seat: the user's place.
        resume: a new resume secret; None: the one that was shown is still good.
        renew_at: when the page's secret is to be renewed.
    """

    identity: Identity
    seat: Seat
    resume: ResumeSecret | None
    renew_at: float


class Admission:
    """Checks the credentials of `hello`."""

    def __init__(self, tickets: Tickets, resumption: Resumption, seats: Seats) -> None:
        self._tickets = tickets
        self._resumption = resumption
        self._seats = seats
        # by_ticket, by_resume, bad_ticket, bad_resume, foreign_origin, no_seat
        self.counters: Counter[str] = Counter()

    async def admit(self, hello: Hello, origin: str, now: float) -> Admitted | CloseCode:
        """Let a page in, or say with which code it is sent away.

        Args:
            hello: with exactly one credential (the handshake saw to that).
            origin: the Origin of the page.
        """
        if hello.ticket is not None:
            identity, expires_at = self._tickets.redeem(hello.ticket, now), 0.0
            if identity is None:
                return self._refuse("bad_ticket", CloseCode.TICKET)
        else:
            saved = await self._resumption.check(hello.resume or "", hello.tab, now)
            if saved is None:
                return self._refuse("bad_resume", CloseCode.RESUME)
            identity, expires_at = Identity(saved.account_id, saved.user_id), saved.expires_at
        seat = self._seats.find(identity)
        if seat is None:
            return self._refuse("no_seat", CloseCode.ACCOUNT_OFF)
        if seat.origin != origin:
            return self._refuse("foreign_origin", CloseCode.TICKET)
        self.counters["by_ticket" if hello.ticket is not None else "by_resume"] += 1
        renew_at = self._resumption.renew_at(expires_at)
        if renew_at > now:
            return Admitted(identity, seat, None, renew_at)
        resume = await self.renew(identity, hello.tab, now)
        return Admitted(identity, seat, resume, self._resumption.renew_at(resume.expires_at))

    async def renew(self, identity: Identity, tab: str, now: float) -> ResumeSecret:
        """A new resume secret for a page that is in."""
        return await self._resumption.issue(identity, tab, now)

    def renew_at(self, resume: ResumeSecret) -> float:
        """When that secret is to be renewed in its turn."""
        return self._resumption.renew_at(resume.expires_at)

    def _refuse(self, reason: str, code: CloseCode) -> CloseCode:
        self.counters[reason] += 1
        return code
