"""2xx that nobody wants: of another branch of a fork, or to an INVITE of a call that is dead. Each is acknowledged and its dialog
ended by BYE (RFC 3261 §13.2.2.4), or somebody would talk to nobody.

Knows no call. Invariants: one BYE for each such dialog, however often its 2xx is repeated; the memory of them is bounded and lasts
64*T1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sip.account import Account
from sip.dialog import CSEQ_SKIP, Dialog
from sip.exchange import Exchange
from sip.flow import Flow, Transmit
from sip.message import Response
from sip.uri import Uri

if TYPE_CHECKING:
    from sip.core import Core

_MOST: Final = 1000


class Stray:
    """A dialog that is ended as soon as it is met; kept to acknowledge its 2xx again."""

    __slots__ = ("_core", "ack", "key")

    def __init__(self, core: Core, key: tuple[str, ...], ack: Transmit) -> None:
        self._core = core
        self.key = key
        self.ack = ack

    def handle_timer(self, name: str, now: float) -> None:
        """Its 2xx is not repeated any more."""
        self._core.strays.pop(self.key, None)


def end(core: Core, response: Response, met: Flow, now: float, account: Account | None, counter: str) -> None:
    """Acknowledge a 2xx to an INVITE of ours and end its dialog by BYE.

    Args:
        met: the flow it came over, or the call's.
        counter: counts the dialogs ended so; repeated 2xx are not counted.
    """
    key = (response.call_id, response.from_tag or "", response.to_tag or "")
    known = core.strays.get(key)
    if known is not None:
        core.layer.resend(known.ack)
        return
    contact = response.contact
    if contact is None or len(core.strays) >= _MOST:
        core.counters["stray_response"] += 1
        return
    core.counters[counter] += 1
    dialog = _dialog(response, contact.uri)
    request = dialog.request("ACK", cseq=response.cseq.number)
    stray = Stray(core, key, core.layer.send_ack(request, core.flow(request, dialog, account, met)))
    core.strays[key] = stray
    core.deadlines.set(stray, "forget", now + core.timers.timeout)
    bye = dialog.request("BYE", headers=[core.capabilities[-1]])
    Exchange(core, bye, core.way(bye, dialog, account, met, now), account, dialog.next_cseq, _ignore).send(
        now
    )


def _dialog(response: Response, target: Uri) -> Dialog:
    """The dialog as far as the response alone tells it (§12.1.2)."""
    return Dialog(
        call_id=response.call_id,
        local_tag=response.from_tag or "",
        remote_tag=response.to_tag or "",
        local=response.get("From") or "",
        remote=response.get("To") or "",
        target=target,
        route_set=response.get_all("Record-Route")[::-1],
        # More may have been sent in it while it was early: PRACK, UPDATE.
        local_cseq=response.cseq.number + CSEQ_SKIP,
        remote_cseq=0,
    )


def _ignore(exchange: Exchange, response: Response, now: float) -> None:
    """Whatever the peer says of our BYE: there is nobody to tell."""
