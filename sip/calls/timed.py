"""A session that is kept alive: refreshed by whoever agreed to, asked whether the peer still knows it, ended when nobody answers.

Between `calls.session` and `calls.served`: the messages of RFC 4028 (whose timer is in `calls.session_timer`), RFC 3311 §5.1 and RFC
3261 §11.2. Invariant: a session without a timer costs its messages one look for a header.
"""

from __future__ import annotations

from typing import Final

from sip.calls.session import Session
from sip.calls.session_timer import Interval, Role, SessionTimer, answer
from sip.calls.states import ACCEPTED, ANSWERED, CONFIRMED, EXPIRED, LEAVING
from sip.events import DialogRefreshed, ProbeFailed
from sip.exchange import Exchange
from sip.fields import Value
from sip.message import Request, Response

_ANSWERED: Final = frozenset({ANSWERED, ACCEPTED, LEAVING, CONFIRMED})


class TimedSession(Session):
    """A session with its signs of life."""

    __slots__ = ()

    def timer_fields(self, request: Request) -> list[tuple[str, Value]]:
        """What our 2xx to this request says of the session timer."""
        core, timer = self.core, self._timer
        if "session-expires" not in request.index() and core.session_timers.ask is None and timer is None:
            return []
        fields = answer(core, request, timer)
        if fields and timer is None:
            self._timer = SessionTimer(self, 0)
        return fields

    @property
    def is_answered(self) -> bool:
        """Whether the INVITE has its 2xx: there is no session to be timed before (RFC 4028 §7.4)."""
        return self.state in _ANSWERED

    def timer_agreed(self, response: Response, role: Role, now: float, asked: Interval | None = None) -> None:
        """A 2xx to INVITE or UPDATE came or left; `asked` is what our first INVITE asked for."""
        timer = self._timer
        if timer is None:
            if role == "uas":
                return  # it says nothing of a timer, or there would be one
            is_said = "session-expires" in response.index()
            if asked is None and not is_said:
                return
            timer = self._timer = SessionTimer(self, asked.seconds if asked is not None else 0)
            if not is_said:
                timer.insist(now)
                return
        timer.agree(response, role, now)

    def timer_failed(self, now: float) -> None:
        """A re-INVITE or UPDATE of ours got no 2xx."""
        if self._timer is not None:
            self._timer.fail(now)

    def timer_raised(self, response: Response) -> bool:
        """Whether a 422 made the interval longer, so that the same request may succeed."""
        return self._timer is not None and self._timer.raise_to(response)

    def refresh(self, now: float) -> bool:
        """Give the sign of life (RFC 4028 §7.4): UPDATE without SDP, or, to a peer that does not know it, a re-INVITE with the offer of
        before. False when it cannot be given now."""
        if self.state is not CONFIRMED:
            return False
        if self._allows_update or self.local_sdp is None:
            self.probe("UPDATE", now, contact=True)
            return True
        return self.offers.refresh(self.local_sdp, now)

    def expire(self, now: float) -> None:
        """No sign of life came in time (RFC 4028 §10)."""
        self.step(EXPIRED, now)

    def probe(self, method: str, now: float, *, contact: bool) -> None:
        """Ask whether the peer still knows the call."""
        self.ask(method, self._probe_answered, now, contact=contact)

    def _probe_answered(self, exchange: Exchange, response: Response, now: float) -> None:
        status = response.status
        if status < 200 or self.state is not CONFIRMED:
            return
        is_update = exchange.request.method == "UPDATE"
        if status < 300:
            if is_update:
                self.take_target(response, self.established())
                self.timer_agreed(response, "uac", now)
            self.core.events.append(DialogRefreshed(self.as_call()))
        elif is_update and exchange.heard and self._refresh_otherwise(response, now):
            return
        elif not (exchange.heard and self.judge(response, now)):
            self.core.events.append(
                ProbeFailed(self.as_call(), status if exchange.heard else None, response.reason)
            )
            self.timer_failed(now)

    def _refresh_otherwise(self, response: Response, now: float) -> bool:
        """Whether an UPDATE that was refused says how to refresh instead, and that was done."""
        if self.timer_raised(response):
            return self.refresh(now)  # §7.3
        if response.status in (405, 501) and self.local_sdp is not None:
            self._allows_update = False
            return self.refresh(now)
        return False
