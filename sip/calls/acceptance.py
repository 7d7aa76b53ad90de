"""Our 2xx to an INVITE until its ACK comes: the callee's half of the three-way handshake (RFC 3261 §13.3.1.4, §14.2).

Goes from end to end, over reliable transports too, so it is no business of the transaction's. Knows only when to send it again.
Invariant: between `start` and `stop` both deadlines are set; outside of that, none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sip.message import Response

if TYPE_CHECKING:
    from sip.core import Core, TimerOwner
    from sip.transactions.layer import ServerTransaction

REPEAT: Final = "repeat 2xx"
NO_ACK: Final = "no ACK"


class Acceptance:
    """One 2xx of ours that waits for its ACK.

    Args:
        owner: the call, which is told when one of its deadlines (`REPEAT`, `NO_ACK`) comes due.
        is_first: whether it answers the INVITE that began the call, not one inside it.
    """

    __slots__ = ("_core", "_interval", "_owner", "_response", "_transaction", "cseq", "is_first")

    def __init__(
        self,
        core: Core,
        owner: TimerOwner,
        transaction: ServerTransaction,
        response: Response,
        *,
        is_first: bool,
    ) -> None:
        self.cseq = transaction.request.cseq.number
        self.is_first = is_first
        self._core = core
        self._owner = owner
        self._transaction = transaction
        self._response = response
        self._interval = core.timers.t1

    def start(self, now: float) -> None:
        """Send it, and set both deadlines."""
        self._transaction.respond(self._response, now)
        self._core.deadlines.set(self._owner, REPEAT, now + self._interval)
        self._core.deadlines.set(self._owner, NO_ACK, now + self._core.timers.timeout)

    def repeat(self, now: float) -> None:
        """Send it again; the interval doubles from T1 up to T2."""
        self._transaction.respond(self._response, now)
        self._interval = min(2 * self._interval, self._core.timers.t2)
        self._core.deadlines.set(self._owner, REPEAT, now + self._interval)

    def stop(self) -> None:
        """The ACK came, or it does not matter any more."""
        self._core.deadlines.cancel(self._owner, REPEAT)
        self._core.deadlines.cancel(self._owner, NO_ACK)
