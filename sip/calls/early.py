"""The early dialogs of an INVITE of ours, one for each branch of a fork that rings, and their reliable responses (RFC 3262 §4).

Knows the order of RSeq and when PRACK is due; what rings, and which branch wins, is the call's.
Invariants: within one early dialog reliable responses are taken in order, each once; each one that was taken gets its PRACK, at once
or, when it brings the offer that our INVITE did not have, with the user's answer; memory is bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sip.calls.offers import Offers
from sip.calls.options import RELIABLE, requires
from sip.dialog import Dialog
from sip.exchange import Exchange
from sip.message import Response

if TYPE_CHECKING:
    from sip.calls.early_caller import EarlyCaller

# Early dialogs of one INVITE that are kept: a fork to more phones than this is still answered by whoever picks up first.
_MOST: Final = 16
_LAST_RSEQ: Final = 2**32 - 1


class Early:
    """One early dialog.

    Attributes:
        sdp: the peer's description that holds in it: reliable, so no later one of a response counts (RFC 3261 §13.2.1). None before.
        offers: the changes of the session in this dialog, once it has one.
    """

    __slots__ = ("_call", "_invite", "_is_refused", "_prack_sdp", "_rseq", "dialog", "offers", "sdp")

    def __init__(self, call: EarlyCaller, response: Response) -> None:
        self.dialog = call.new_dialog(response)
        self.sdp: bytes | None = None
        self.offers: Offers | None = None
        self._call = call
        self._invite = response.cseq.number
        # The number of the last response that was taken (0: none was reliable so far), and what its PRACK brings.
        self._rseq = 0
        self._prack_sdp: bytes | None = None
        self._is_refused = False

    def receive(self, response: Response, now: float) -> bool:
        """A provisional response; whether it is news. A reliable one gets its PRACK; what comes again or too early says nothing (§4)."""
        if not requires(response, RELIABLE):
            return True
        counters = self._call.core.counters
        number = response.integer("RSeq")
        if number is None or not 1 <= number <= _LAST_RSEQ:
            counters["bad_rseq"] += 1
            return True  # as any 18x that is not reliable
        if self._rseq and number != self._rseq + 1:
            if number > self._rseq:
                counters["rseq_out_of_order"] += 1
            elif number == self._rseq and self._is_refused:
                self._acknowledge(now)
            return False
        self._rseq, self._prack_sdp = number, None
        self._take(response, now)
        return True

    def close(self, now: float) -> None:
        """This branch is over."""
        if self.offers is not None:
            self.offers.close(now)

    def _take(self, response: Response, now: float) -> None:
        if self.sdp is not None or not response.body:
            self._acknowledge(now)
            return
        self.sdp = response.body
        self.offers = Offers(self._call, self.dialog)
        if self._call.request.body:
            self.offers.settle(now)
            self._acknowledge(now)
        else:
            self.offers.receive_18x(response.body, self._answer, now)

    def _answer(self, sdp: bytes, now: float) -> None:
        self._prack_sdp = sdp
        self._acknowledge(now)

    def _acknowledge(self, now: float) -> None:
        self._is_refused = False
        rack = ("RAck", f"{self._rseq} {self._invite} INVITE")
        self._call.ask(
            "PRACK", self._prack_answered, now, headers=[rack], sdp=self._prack_sdp, dialog=self.dialog
        )

    def _prack_answered(self, exchange: Exchange, response: Response, now: float) -> None:
        status = response.status
        if 200 <= status < 300:
            if self.offers is not None:
                self.offers.confirm(now)
        elif status >= 300:
            # Its 18x will come again: then once more, for 500 says no more than that another request was faster (RFC 3261 §12.2.2).
            self._call.core.counters["prack_refused"] += 1
            self._is_refused = (exchange.request.get("RAck") or "").startswith(f"{self._rseq} ")


class Forks:
    """All early dialogs of one INVITE, by remote tag."""

    __slots__ = ("_branches", "_call")

    def __init__(self, call: EarlyCaller) -> None:
        self._call = call
        self._branches: dict[str, Early] = {}

    def __len__(self) -> int:
        return len(self._branches)

    def get(self, tag: str) -> Early | None:
        """The branch with this tag."""
        return self._branches.get(tag)

    def receive(self, response: Response, now: float) -> bool:
        """A provisional response; whether it is news."""
        tag = response.to_tag
        if not tag:
            return True
        early = self._branches.get(tag)
        if early is None:
            if len(self._branches) >= _MOST:
                self._call.core.counters["early_dialogs_refused"] += 1
                return True
            early = self._branches[tag] = Early(self._call, response)
        return "require" not in response.index() or early.receive(response, now)

    def leave(self, tag: str, now: float) -> None:
        """One branch took its leave; the others still ring."""
        early = self._branches.pop(tag, None)
        if early is not None:
            early.close(now)

    def win(self, tag: str, now: float) -> Early | None:
        """The branch that answered; all others are over."""
        winner = self._branches.pop(tag, None)
        self.close(now)
        return winner

    def close(self, now: float) -> None:
        """The INVITE is over, or goes out anew."""
        for early in self._branches.values():
            early.close(now)
        self._branches.clear()

    def with_offers(self, tag: str) -> Offers | None:
        """The changes of the session in this branch; without a tag in the one that heard an offer last, or that has a session."""
        if tag:
            early = self._branches.get(tag)
            return early.offers if early is not None else None
        found = [early.offers for early in self._branches.values() if early.offers is not None]
        asked = [offers for offers in found if offers.is_offered]
        return asked[-1] if asked else found[-1] if found else None

    @property
    def highest_cseq(self) -> int:
        """The highest number used in any of them."""
        return max((early.dialog.local_cseq for early in self._branches.values()), default=0)

    def dialog(self, tag: str) -> Dialog | None:
        """The early dialog with this tag."""
        early = self._branches.get(tag)
        return early.dialog if early is not None else None
