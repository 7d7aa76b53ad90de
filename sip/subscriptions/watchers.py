"""All watchers of a user agent: who may begin to watch (RFC 6665 §4.2.1). Knows no document.

Invariant: their number is bounded, altogether and from one address, those that were not answered yet included.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, TypeAlias

from sip.core import Core
from sip.errors import ParseError
from sip.fields import Value
from sip.flow import Flow
from sip.message import Request
from sip.subscriptions.header_values import EventHeader
from sip.subscriptions.watcher import SHORTEST, Watcher

if TYPE_CHECKING:
    from sip.transactions.layer import ServerTransaction

Refusal: TypeAlias = tuple[int, tuple[tuple[str, Value], ...]]

# Behind one address may stand a PBX with an office of lamps, or a stranger with a loop.
_SHARE: Final = 0.5
_RETRY_AFTER: Final = 30


class Watchers:
    """Takes in SUBSCRIBEs outside dialogs.

    Args:
        most: of them; half of it from one address.
    """

    def __init__(self, core: Core, most: int) -> None:
        self._core = core
        self._most = most
        self._of_source: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._of_source.total()

    def receive(self, transaction: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        """A SUBSCRIBE without a To tag."""
        core = self._core
        refusal = self.refusal(request) or self._crowd(flow)
        if refusal is not None:
            core.counters["subscribe_refused"] += 1
            status, headers = refusal
            answer = request.reply(status, to_tag=core.new_tag(), headers=[*headers, *core.server_header])
            transaction.respond(answer, now)
            return
        watcher = Watcher(core, self, request, EventHeader.parse(request.get("Event") or ""), flow)
        self._of_source[watcher.source] += 1
        dialog = watcher.dialog
        core.subscriptions[dialog.call_id, dialog.local_tag, dialog.remote_tag] = watcher
        watcher.begin(transaction, now)

    def refusal(self, request: Request, of: EventHeader | None = None) -> Refusal | None:
        """Why a SUBSCRIBE is refused, or None (§4.2.1.1).

        Args:
            of: what the dialog it came in is about; another one may not be begun there (§4.5.2).
        """
        try:
            event = EventHeader.parse(request.get("Event") or "")
        except ParseError:
            event = None
        if event is None or event.package not in self._core.packages or of not in (None, event):
            return 489, (("Allow-Events", self._core.understood_events()),)
        asked = request.integer("Expires")
        if asked is None and request.get("Expires") is not None:
            return 400, ()
        if asked is not None and 0 < asked < SHORTEST:
            return 423, (("Min-Expires", SHORTEST),)
        if request.contact is None:
            return 400, ()
        return None

    def forget(self, watcher: Watcher) -> None:
        """It is over."""
        dialog = watcher.dialog
        del self._core.subscriptions[dialog.call_id, dialog.local_tag, dialog.remote_tag]
        self._of_source[watcher.source] -= 1
        if not self._of_source[watcher.source]:
            del self._of_source[watcher.source]

    def _crowd(self, flow: Flow) -> Refusal | None:
        if len(self) >= self._most or self._of_source[flow.remote[0]] >= max(1, int(self._most * _SHARE)):
            return 503, (("Retry-After", _RETRY_AFTER),)
        return None
