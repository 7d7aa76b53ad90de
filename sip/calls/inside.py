"""What happens inside a call beside offers and BYE: REFER, INFO, NOTIFY hold and talk, and taking another call's place.

Between `Session` and `ServedSession`: the commands and the handlers, while each thing's own rules are in `refer_out`, `refer_in`, `referrals`,
`replacing` and `sip.dtmf`. Knows nothing of media: a digit is told, not played.

Invariants: every request that is handed in gets its final response here or by what it is handed to; nothing of it is told once the
call is ending.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sip import dtmf
from sip.calls import replacing
from sip.calls.inside_events import (
    CallReplaced,
    ControlAction,
    ControlAnswered,
    DigitReceived,
    InfoAnswered,
    RemoteControlRequested,
)
from sip.calls.refer_headers import read_event, write_refer_to
from sip.calls.referrals import Referrals, prepare
from sip.calls.states import CONFIRMED, ENDING
from sip.calls.timed import TimedSession
from sip.errors import LocalProtocolError, ParseError
from sip.exchange import Exchange
from sip.fields import Headers, Value
from sip.headers import ReplacesHeader
from sip.invitation import Invitation
from sip.message import Response
from sip.uri import NameAddr, Uri

if TYPE_CHECKING:
    from sip.calls.refer_out import OutgoingRefer

INSIDE_METHODS: Final = frozenset({"INFO", "NOTIFY", "REFER", "SUBSCRIBE"})

# More than any digit needs; a longer body is not worth reading.
_LONGEST_INFO: Final = 1000


class Inside(TimedSession):
    """The part of `Call` for what goes on inside it."""

    __slots__ = ()

    @property
    def invitation(self) -> Invitation:
        """What the INVITE says of answering by itself, of ringing, and of who calls; read when it is asked for."""
        return Invitation(self.request)

    # What the user asks.

    def refer(
        self,
        target: Uri | NameAddr,
        now: float,
        *,
        replaces: ReplacesHeader | None = None,
        referred_by: Uri | NameAddr | None = None,
        headers: Headers = (),
    ) -> OutgoingRefer:
        """Ask the peer to call `target` (RFC 3515): a transfer. ReferAccepted, ReferProgress and ReferEnded follow, or ReferRefused;
        they name the REFER that is returned. The call itself stays until one side hangs up, which may be before ReferEnded.

        Args:
            replaces: the dialog whose place the peer's INVITE shall take at the target (attended transfer): its tags are named from
                the target's side, `ReplacesHeader(call.id, to_tag=call.remote_tag, from_tag=call.local_tag)` of our call with it.
            referred_by: who asks (RFC 3892); None: the account of the call, if it has one.
            headers: others, such as `("Refer-Sub", "false")` for a REFER without NOTIFYs (RFC 4488).

        Raises:
            LocalProtocolError: the call is not confirmed, or too many transfers of it are under way.
        """
        self._require_talk("REFER")
        address = write_refer_to(target, replaces)
        fields: list[tuple[str, Value]] = [("Refer-To", address)]
        if referred_by is None and self.account is not None:
            referred_by = self.account.uri
        if referred_by is not None:
            by = referred_by if isinstance(referred_by, NameAddr) else NameAddr("", referred_by)
            fields.append(("Referred-By", by))
        return Referrals.of(self.as_call()).refer(address, [*fields, *headers], now)

    def info(self, content_type: str, body: bytes, now: float, *, headers: Headers = ()) -> None:
        """Send INFO in the legacy way (RFC 6086 §1, RFC 2976): InfoAnswered follows.

        Args:
            content_type: of `body`; see `sip.dtmf.relay` for digits.
        """
        self._require_talk("INFO")

        def answered(exchange: Exchange, response: Response, now: float) -> None:
            if response.status >= 200:
                status = response.status if exchange.heard else None
                self._tell_if_alive(InfoAnswered(self.as_call(), content_type, body, status, response.reason))
                if status == 481:
                    self.judge(response, now)  # RFC 6086 §4.2.1, RFC 3261 §12.2.1.2

        fields = [*headers, ("Content-Type", content_type)]
        prepare(self.as_call(), "INFO", answered, fields, body).send(now)

    def notify_control(self, action: ControlAction, now: float) -> None:
        """Make a phone that lists `hold` and `talk` in Allow-Events hold the call or talk, by NOTIFY without a subscription (as
        BroadSoft, FreeSWITCH and Asterisk do): ControlAnswered follows; what the phone does then comes as its own request."""
        self._require_talk("NOTIFY")

        def answered(exchange: Exchange, response: Response, now: float) -> None:
            if response.status >= 200:
                # 481 is about the subscription that was never there, not about the dialog.
                status = response.status if exchange.heard else None
                self._tell_if_alive(ControlAnswered(self.as_call(), action, status, response.reason))

        fields = [("Event", action), ("Subscription-State", "active")]
        prepare(self.as_call(), "NOTIFY", answered, fields).send(now)

    def accept_replacing(self, sdp: bytes, now: float, *, headers: Headers = ()) -> None:
        """Callee of an INVITE with Replaces: accept it, and end the call whose place it takes: CallReplaced, and then its CallEnded.

        A confirmed one gets BYE, an early one of ours is cancelled (RFC 3891 §3). If it has ended meanwhile, there is nothing to end.

        Raises:
            LocalProtocolError: there is no Replaces, or `accept` would raise.
        """
        if self.replaces is None:
            raise LocalProtocolError("the INVITE takes nobody's place")
        call = self.as_call()
        call.accept(sdp, now, headers=headers)
        replaced = replacing.find(self.core, self.replaces)
        if replaced is not None and replaced is not call:
            self.core.events.append(CallReplaced(replaced, call))
            replacing.end(replaced, now)

    # What comes from the peer.

    def _handle_inside(self, now: float) -> None:
        """A request of INSIDE_METHODS, in order."""
        if self.state is ENDING and self._request.method in ("INFO", "REFER"):
            self.respond(self._transaction, 481, now)
            return
        match self._request.method:
            case "REFER":
                self._handle_refer(now)
            case "INFO":
                self._handle_info(now)
            case "NOTIFY":
                self._handle_notify(now)
            case _:
                self._handle_subscribe(now)

    def _handle_refer(self, now: float) -> None:
        core, transaction = self.core, self._transaction
        if not core.referable:
            core.counters["method_not_allowed"] += 1
            self.respond(transaction, 405, now, headers=[("Allow", core.allow)])
        elif self.state is not CONFIRMED:
            # RFC 3515 leaves it open; there is nothing to transfer yet, and soon there may be.
            self.respond(transaction, 500, now, headers=[core.retry_after()])
        else:
            Referrals.of(self.as_call()).receive_refer(transaction, self._request, now)

    def _handle_info(self, now: float) -> None:
        request, transaction = self._request, self._transaction
        if request.get("Info-Package") is not None:
            # RFC 6086 §4.2.2: we named no package in a Recv-Info, so none may be sent.
            self.respond(transaction, 469, now, headers=[("Recv-Info", "")])
        elif len(request.body) > _LONGEST_INFO:
            self.respond(transaction, 413, now)
        elif request.body and request.content_type not in dtmf.TYPES:
            self.respond(transaction, 415, now, headers=[("Accept", ", ".join(dtmf.TYPES))])
        elif request.body:
            self._take_digit(now)
        else:
            self.respond(transaction, 200, now)  # RFC 2976 §2.4: a sign of life

    def _take_digit(self, now: float) -> None:
        try:
            press = dtmf.read_press(self._request.content_type or "", self._request.body)
        except ParseError:
            self.core.counters["bad_digit"] += 1
            self.respond(self._transaction, 400, now)
            return
        self.respond(self._transaction, 200, now)
        self.core.events.append(DigitReceived(self.as_call(), press.digit, press.duration))

    def _handle_notify(self, now: float) -> None:
        request, transaction = self._request, self._transaction
        event = read_event(request)
        match event.package if event else "":
            case "refer":
                self._hand_to_refer(now)
            case ("hold" | "talk") as action if self.state is not ENDING:
                self.respond(transaction, 200, now)
                self.core.events.append(RemoteControlRequested(self.as_call(), action))
            case _:
                self._refuse_event(now)

    def _handle_subscribe(self, now: float) -> None:
        event = read_event(self._request)
        if event is not None and event.package == "refer":
            self._hand_to_refer(now)
        else:
            self._refuse_event(now)

    def _hand_to_refer(self, now: float) -> None:
        referrals = self.core.referrals.get((self.id, self.local_tag))
        if referrals is None:
            self.respond(self._transaction, 481, now)
        elif self._request.method == "NOTIFY":
            referrals.receive_notify(self._transaction, self._request, now)
        else:
            referrals.receive_subscribe(self._transaction, self._request, now)

    def _refuse_event(self, now: float) -> None:
        self.core.counters["bad_event"] += 1
        self.respond(self._transaction, 489, now, headers=[("Allow-Events", self.core.allow_events)])

    # What both need.

    def _require_talk(self, what: str) -> None:
        if self.state is not CONFIRMED:
            raise LocalProtocolError(f"{self.title}: no {what} in {self.state}")

    def _tell_if_alive(self, told: InfoAnswered | ControlAnswered) -> None:
        """CallEnded is the last that is told of a call."""
        if self.state is CONFIRMED:
            self.core.events.append(told)
