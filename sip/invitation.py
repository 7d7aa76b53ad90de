"""What an INVITE says beside its session: how it wants to be answered, how it wants to ring, who calls and who was called first.

Read when it is asked for, from `Invitation(call.request)`. RFC 5373, RFC 3261 §20.4 and §20.9, RFC 7462, RFC 3325, RFC 5806, RFC 7044,
and what PBXs and phones agreed on without an RFC. Knows no policy: whether a phone may answer by itself is the user's to decide.

Invariants: nothing here raises, whatever a peer sends: what cannot be read is passed over; lists are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from sip.calls.refer_headers import read_referred_by
from sip.errors import ParseError
from sip.grammar import NO_PARAMS, Params, parse_params
from sip.headers import Reason
from sip.uri import NameAddr

if TYPE_CHECKING:
    from sip.message import Request

__all__ = ["AnswerMode", "Diversion", "HistoryEntry", "Invitation", "RemoteParty", "Shown"]

_MOST: Final = 16  # values of one header that are read
_LATEST: Final = 60.0  # seconds: a phone that answers later than this was not meant to answer by itself
_SHOWN: Final = re.compile(r"""[ \t]*+(?:"[^"]*+"[ \t]*+)?<[ \t]*+([^<>]*+)[ \t]*+>[ \t]*+(;.*)?""")
_ALERTS_THAT_ANSWER: Final = frozenset({"alert-autoanswer", "auto-answer", "autoanswer", "intercom"})
_WORDS_THAT_ANSWER: Final = frozenset(
    {"auto answer", "auto-answer", "autoanswer", "intercom", "ring answer", "ring-answer"}
)

_T = TypeVar("_T")


class AnswerMode(NamedTuple):
    """Answer-Mode or Priv-Answer-Mode (RFC 5373 §4): `mode` is "auto" or "manual"; `required`: refuse rather than do otherwise."""

    mode: str
    required: bool


class Shown(NamedTuple):
    """One value of Alert-Info or Call-Info. `uri` may be a URN of RFC 7462 (`urn:alert:…`) and is "" where a PBX wrote none."""

    uri: str
    params: Params
    text: str


class RemoteParty(NamedTuple):
    """One Remote-Party-ID (draft-ietf-sip-privacy-04): `party` is "calling" or "called", `screened` whether the network vouches."""

    address: NameAddr
    party: str
    screened: bool


class Diversion(NamedTuple):
    """One party that the call was diverted from, the latest first (RFC 5806 §5), and how many hops it stands for."""

    address: NameAddr
    reason: str
    hops: int


class HistoryEntry(NamedTuple):
    """One target that the call was for (RFC 7044 §5): `place` as in `1.1`, `reason` why it left it, None for one still tried."""

    address: NameAddr
    place: str
    reason: Reason | None


class Invitation:
    """A view of an INVITE."""

    __slots__ = ("_request",)

    def __init__(self, request: Request) -> None:
        self._request = request

    # How it wants to be answered.

    @property
    def answer_mode(self) -> AnswerMode | None:
        """Answer-Mode (RFC 5373): how the caller would like it."""
        return self._answer_mode("Answer-Mode")

    @property
    def priv_answer_mode(self) -> AnswerMode | None:
        """Priv-Answer-Mode: the same with the claim to a privilege, which is not to be believed without proof (§8.2)."""
        return self._answer_mode("Priv-Answer-Mode")

    @property
    def answer_after(self) -> float | None:
        """Seconds after which the phone is asked to answer by itself, by whatever header a PBX says so; None: it is not.

        Call-Info `answer-after=0`; Alert-Info `info=alert-autoanswer` (with `delay`), `answer-after`, `intercom=true`, `Auto Answer`,
        `Ring Answer`; Answer-Mode and Priv-Answer-Mode Auto; P-Auto-Answer.
        """
        for shown in self.call_info:
            if (after := _seconds(shown.params.get("answer-after"))) is not None:
                return after
        for shown in self.alert_info:
            if (after := _answered_after(shown)) is not None:
                return after
        modes = (self.priv_answer_mode, self.answer_mode)
        if any(mode is not None and mode.mode == "auto" for mode in modes):
            return 0.0
        return 0.0 if self._request.get("P-Auto-Answer") is not None else None

    # How it wants to look and ring.

    @property
    def alert_info(self) -> list[Shown]:
        """How to ring: URIs of sounds, URNs of RFC 7462, and what PBXs write instead."""
        return self._each("Alert-Info", _read_shown)

    @property
    def alert_urns(self) -> list[str]:
        """The `urn:alert:` names, in lower case: `urn:alert:service:call-waiting`."""
        return [one.uri.lower() for one in self.alert_info if one.uri.lower().startswith("urn:alert:")]

    @property
    def call_info(self) -> list[Shown]:
        """More about the caller (`purpose=icon`, `info`, `card`), and what PBXs put there."""
        return self._each("Call-Info", _read_shown)

    # Who calls.

    @property
    def asserted_identities(self) -> list[NameAddr]:
        """P-Asserted-Identity (RFC 3325 §9.1): a sip URI, a tel URI, or both. To be believed of a trusted peer alone."""
        return self._each("P-Asserted-Identity", NameAddr.parse)

    @property
    def remote_parties(self) -> list[RemoteParty]:
        """Remote-Party-ID, as older PBXs and Asterisk write it."""
        return self._each("Remote-Party-ID", _read_remote_party)

    @property
    def wants_privacy(self) -> bool:
        """Whether the caller's number is not to be shown (RFC 3323, RFC 3325 §9.3): Privacy `id`, `header` or `user`, or rpid's `full`."""
        said = (self._request.get("Privacy") or "").lower()
        words = {word.strip(" \t") for word in said.split(";")}
        parties = self.remote_parties
        return bool(words & {"id", "header", "user"}) or any(
            (party.address.params.get("privacy") or "off") != "off" for party in parties
        )

    @property
    def caller(self) -> NameAddr:
        """Who calls, as the peer knows it best: P-Asserted-Identity, Remote-Party-ID of the calling party, else From."""
        asserted = self.asserted_identities
        if asserted:
            return asserted[0]
        calling = [party.address for party in self.remote_parties if party.party == "calling"]
        return calling[0] if calling else self._request.from_

    @property
    def referred_by(self) -> NameAddr | None:
        """Who transferred the call to us (RFC 3892)."""
        return read_referred_by(self._request)

    # Who was called before us.

    @property
    def diversions(self) -> list[Diversion]:
        """Diversion (RFC 5806), the latest first."""
        return self._each("Diversion", _read_diversion)

    @property
    def history(self) -> list[HistoryEntry]:
        """History-Info (RFC 7044), the first target first."""
        return self._each("History-Info", _read_history)

    @property
    def diverted_from(self) -> NameAddr | None:
        """Who was called first and is not us: the last Diversion, else the first of a History-Info that goes on."""
        diversions = self.diversions
        if diversions:
            return diversions[-1].address
        history = self.history
        return history[0].address if len(history) > 1 else None

    def _answer_mode(self, name: str) -> AnswerMode | None:
        mode, semicolon, rest = (self._request.get(name) or "").partition(";")
        try:
            params = parse_params(semicolon + rest)
        except ParseError:
            return None
        mode = mode.strip(" \t").lower()
        return AnswerMode(mode, "require" in params) if mode in ("auto", "manual") else None

    def _each(self, name: str, read: Callable[[str], _T]) -> list[_T]:
        found = []
        for value in self._request.get_all(name)[:_MOST]:
            try:
                found.append(read(value))
            except ParseError:
                continue
        return found


def _read_shown(value: str) -> Shown:
    match = _SHOWN.fullmatch(value)
    uri, rest = (
        (match[1].strip(), match[2] or "") if match else ("", value if value[:1] == ";" else f";{value}")
    )
    try:
        return Shown(uri, parse_params(rest), value)
    except ParseError:
        return Shown(uri, NO_PARAMS, value)


def _answered_after(shown: Shown) -> float | None:
    params = shown.params
    if (after := _seconds(params.get("answer-after"))) is not None:
        return after
    if (params.get("info") or "").lower() in _ALERTS_THAT_ANSWER:
        return _seconds(params.get("delay")) or 0.0
    if (params.get("intercom") or "").lower() == "true":
        return 0.0
    return 0.0 if shown.text.strip(' \t"').lower() in _WORDS_THAT_ANSWER else None


def _seconds(text: str | None) -> float | None:
    if not text or len(text) > 4 or not (text.isascii() and text.isdigit()):
        return None
    return float(text) if float(text) <= _LATEST else None


def _read_remote_party(value: str) -> RemoteParty:
    address = NameAddr.parse(value)
    party = (address.params.get("party") or "calling").lower()
    return RemoteParty(address, party, (address.params.get("screen") or "").lower() == "yes")


def _read_diversion(value: str) -> Diversion:
    address = NameAddr.parse(value)
    counter = address.params.get("counter") or "1"
    number = int(counter) if len(counter) < 4 and counter.isascii() and counter.isdigit() else 1
    return Diversion(address, (address.params.get("reason") or "unknown").lower(), number)


def _read_history(value: str) -> HistoryEntry:
    address = NameAddr.parse(value)
    inside = next((text for name, text in address.uri.headers.items() if name.lower() == "reason"), None)
    return HistoryEntry(address, address.params.get("index") or "", Reason.parse(inside) if inside else None)
