"""A REFER of ours (RFC 3515 §2.4): what the transferor is told, whatever the peer and the wire do."""

from __future__ import annotations

from typing import Any

import pytest

from sip.calls.inside_events import (
    InsideEvent,
    ReferAccepted,
    ReferEnded,
    ReferProgress,
    ReferReceived,
    ReferRefused,
)
from sip.calls.refer_out import OutgoingRefer, ReferInput, ReferState
from sip.dialog import Dialog
from sip.errors import LocalProtocolError
from sip.events import CallEnded
from sip.headers import ReplacesHeader
from sip.message import Request
from sip.uri import NameAddr, Uri
from tests.sip.pair import Pair, Party, assert_both_quiet, make_pair, rings, talk

CAROL = Uri("sip", "carol", None, "192.0.2.3")


class Peer:
    """Bob's side written by hand: what our own agent would never send. He says nothing by himself."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.mine, self.theirs = talk(pair)
        assert self.theirs.dialog is not None
        self.dialog: Dialog = self.theirs.dialog
        self.count = 0
        pair.rules.clear()
        pair.weather = lambda message: (
            () if message.from_tag == self.mine.local_tag and isinstance(message, Request) else (0.01,)
        )

    def refer(self, **more: Any) -> OutgoingRefer:
        refer = self.mine.refer(CAROL, self.pair.now, **more)
        self.pair.flush()
        return refer

    def answer(self, status: int, *headers: tuple[str, str]) -> None:
        request = self.pair.requests("REFER")[-1]
        self.pair.inject(request.reply(status, headers=headers).to_bytes(), self.pair.alice)
        self.pair.flush()

    def notify(self, state: str | None, body: bytes = b"", event: str = "refer") -> str:
        self.count += 1
        headers = [("Event", event), ("Content-Type", "message/sipfrag")]
        if state is not None:
            headers.append(("Subscription-State", state))
        request = self.dialog.request(
            "NOTIFY", contact="<sip:bob@192.0.2.2:5060>", headers=headers, body=body
        )
        via = f"SIP/2.0/UDP 192.0.2.2:5060;rport;branch=z9hG4bKpeer{self.count}"
        self.pair.inject(request.prepend("Via", via).to_bytes(), self.pair.alice)
        self.pair.flush()
        return self.pair.names(self.pair.alice)[-1]

    def told(self) -> list[tuple[str, object]]:
        """What Alice was told of her REFER: the fact's name and its status."""
        return told(self.pair.alice)


def told(party: Party) -> list[tuple[str, object]]:
    facts: list[InsideEvent] = [
        event
        for event in party.events
        if isinstance(event, ReferAccepted | ReferProgress | ReferEnded | ReferRefused)
    ]
    return [(type(fact).__name__, getattr(fact, "status", None)) for fact in facts]


@pytest.fixture
def peer() -> Peer:
    return Peer(make_pair())


def test_the_request_is_as_the_rfc_draws_it(peer: Peer) -> None:
    replaces = ReplacesHeader("c@x", "t", "f")
    peer.refer(replaces=replaces, headers=[("X-Deal", "7")])
    (request,) = peer.pair.requests("REFER")
    assert request.get("Refer-To") == "<sip:carol@192.0.2.3?Replaces=c%40x%3Bto-tag%3Dt%3Bfrom-tag%3Df>"
    assert request.get("Referred-By") == "<sip:alice@192.0.2.1>"
    assert request.get("X-Deal") == "7"
    assert request.contact is not None
    assert (request.to_tag, request.from_tag) == (peer.mine.remote_tag, peer.mine.local_tag)


def test_who_asks_may_be_somebody_else(peer: Peer) -> None:
    peer.refer(referred_by=NameAddr("Desk", Uri("sip", "201", None, "pbx")))
    assert peer.pair.requests("REFER")[0].get("Referred-By") == '"Desk" <sip:201@pbx>'


def test_the_transfer_is_followed_to_its_end(peer: Peer) -> None:
    refer = peer.refer()
    peer.answer(202)
    assert peer.notify("active;expires=60", b"SIP/2.0 100 Trying\r\n") == "200 NOTIFY"
    assert peer.notify("active;expires=60", b"SIP/2.0 180 Ringing\r\n") == "200 NOTIFY"
    assert peer.notify("terminated;reason=noresource", b"SIP/2.0 200 OK\r\n") == "200 NOTIFY"
    assert peer.told() == [
        ("ReferAccepted", None),
        ("ReferProgress", 100),
        ("ReferProgress", 180),
        ("ReferEnded", 200),
    ]
    assert (refer.state, peer.mine.state) == ("ended", "confirmed")
    assert peer.notify("terminated", b"SIP/2.0 200 OK\r\n") == "481 NOTIFY"


def test_a_notify_may_be_faster_than_the_2xx_2_4_4(peer: Peer) -> None:
    peer.refer()
    peer.notify("active", b"SIP/2.0 100 Trying")
    peer.answer(202)
    assert peer.told() == [("ReferAccepted", None), ("ReferProgress", 100)]


@pytest.mark.parametrize(
    ("state", "body", "facts"),
    [
        ("terminated;reason=noresource", b"SIP/2.0 486 Busy Here", [("ReferEnded", 486)]),
        ("terminated;reason=noresource", b"", [("ReferEnded", None)]),
        ("terminated;reason=noresource", b"SIP/2.0 180 Ringing", [("ReferEnded", None)]),
        ("active", b"SIP/2.0 486 Busy Here", [("ReferEnded", 486)]),
        ("active", b"rubbish", [("ReferProgress", None)]),
        ("pending", b"", [("ReferProgress", None)]),
        (None, b"SIP/2.0 180 Ringing", [("ReferProgress", 180)]),
        (None, b"SIP/2.0 200 OK", [("ReferEnded", 200)]),
    ],
)
@pytest.mark.parametrize("is_early", [True, False])
def test_whatever_the_first_notify_says_is_told(
    peer: Peer, state: str | None, body: bytes, facts: list[tuple[str, object]], is_early: bool
) -> None:
    peer.refer()
    if not is_early:
        peer.answer(202)
    peer.notify(state, body)
    peer.answer(202)
    assert peer.told() == [("ReferAccepted", None), *facts]


def test_the_reason_of_a_subscription_that_is_cut_is_told(peer: Peer) -> None:
    peer.refer()
    peer.answer(202)
    peer.notify("active", b"SIP/2.0 100 Trying")
    peer.notify("terminated;reason=giveup")
    assert peer.pair.alice.last(ReferEnded).reason == "giveup"


def test_a_final_status_that_leaves_the_subscription_open_is_told_once(peer: Peer) -> None:
    refer = peer.refer()
    peer.answer(202)
    peer.notify("active", b"SIP/2.0 200 OK")
    assert peer.notify("active", b"SIP/2.0 100 Trying") == "200 NOTIFY"
    assert peer.notify("active", b"SIP/2.0 603 Decline") == "200 NOTIFY"
    assert peer.notify("terminated;reason=noresource", b"SIP/2.0 200 OK") == "200 NOTIFY"
    assert peer.told() == [("ReferAccepted", None), ("ReferEnded", 200)]
    assert refer.state == "ended"


def test_a_subscription_left_open_after_the_final_status_is_forgotten(peer: Peer) -> None:
    refer = peer.refer()
    peer.answer(202)
    peer.notify("active;expires=3600", b"SIP/2.0 200 OK")
    peer.pair.advance(33)
    assert refer.state == "ended"
    assert len(peer.told()) == 2


@pytest.mark.parametrize("status", [300, 405, 603])
def test_a_refusal_is_told_and_the_call_goes_on(peer: Peer, status: int) -> None:
    refer = peer.refer()
    peer.answer(status)
    assert peer.told() == [("ReferRefused", status)]
    assert (refer.state, peer.mine.state) == ("ended", "confirmed")


def test_481_says_that_the_dialog_is_gone_and_ends_the_call(peer: Peer) -> None:
    peer.refer()
    peer.answer(481)
    assert peer.told() == [("ReferRefused", 481)]
    assert peer.pair.alice.last(CallEnded).cause == "gone"
    assert (peer.mine.core.referrals, peer.mine.core.subscriptions) == ({}, {})


def test_no_answer_at_all_is_a_refusal_without_a_status(peer: Peer) -> None:
    peer.refer()
    peer.pair.advance(40)
    assert peer.told() == [("ReferRefused", None)]
    assert peer.mine.state == "confirmed"


def test_a_first_notify_that_never_comes_is_not_waited_for_for_ever(peer: Peer) -> None:
    peer.refer()
    peer.answer(202)
    peer.pair.advance(31)
    assert peer.told() == [("ReferAccepted", None)]
    peer.pair.advance(2)
    assert peer.pair.alice.last(ReferEnded) == ReferEnded(
        peer.pair.alice.last(ReferAccepted).refer, None, "no notify"
    )
    assert peer.notify("active", b"SIP/2.0 180 Ringing") == "481 NOTIFY"


@pytest.mark.parametrize(
    ("state", "least", "most"),
    [("active;expires=60", 59, 61), ("active", 299, 301), ("active;expires=99999999999", 299, 301), ("active;expires=99999", 3599, 3601), ("active;expires=x", 299, 301)],
)  # fmt: skip
def test_silence_after_progress_lasts_as_long_as_the_peer_said(
    peer: Peer, state: str, least: float, most: float
) -> None:
    peer.refer()
    peer.answer(202)
    peer.notify(state, b"SIP/2.0 180 Ringing")
    peer.pair.advance(least)
    assert peer.told()[-1] == ("ReferProgress", 180)
    peer.pair.advance(most - least)
    assert peer.pair.alice.last(ReferEnded).reason == "timeout"


def test_a_peer_that_hangs_up_first_may_still_tell_the_end_rfc5057(peer: Peer) -> None:
    peer.refer()
    peer.answer(202)
    peer.notify("active", b"SIP/2.0 100 Trying")
    peer.pair.weather = None
    peer.theirs.bye(peer.pair.now)
    peer.pair.advance(1)
    assert peer.pair.alice.last(CallEnded).by == "them"
    assert peer.notify("terminated;reason=noresource", b"SIP/2.0 200 OK") == "200 NOTIFY"
    assert peer.told()[-1] == ("ReferEnded", 200)
    assert (peer.mine.core.referrals, peer.mine.core.subscriptions) == ({}, {})
    assert_both_quiet(peer.pair)


@pytest.mark.parametrize("notified", [True, False])
def test_a_peer_that_hangs_up_and_forgets_the_end_is_not_waited_for_longer_than_64_t1(
    peer: Peer, notified: bool
) -> None:
    peer.refer()
    peer.answer(202)
    if notified:
        peer.notify("active;expires=3600", b"SIP/2.0 100 Trying")
    peer.pair.weather = None
    peer.theirs.bye(peer.pair.now)
    peer.pair.advance(31)
    assert not peer.pair.alice.heard(ReferEnded)
    peer.pair.advance(2)
    assert (peer.pair.alice.last(ReferEnded).status, peer.pair.alice.last(ReferEnded).reason) == (
        None,
        "call ended",
    )
    assert (peer.mine.core.referrals, peer.mine.core.subscriptions) == ({}, {})
    assert_both_quiet(peer.pair)


def test_after_the_call_a_notify_is_judged_as_in_it(peer: Peer) -> None:
    peer.refer()
    peer.answer(202)
    peer.notify("active", b"SIP/2.0 100 Trying")
    peer.pair.weather = None
    peer.theirs.bye(peer.pair.now)
    peer.pair.advance(1)
    tag = peer.dialog.local
    peer.dialog.local = "<sip:bob@192.0.2.2>;tag=forged"
    assert peer.notify("active", b"SIP/2.0 200 OK") == "481 NOTIFY"
    peer.dialog.local, peer.dialog.local_cseq = tag, 0
    assert peer.notify("active", b"SIP/2.0 200 OK") == "500 NOTIFY"
    assert peer.told()[-1] == ("ReferProgress", 100)


def test_without_a_subscription_nothing_is_awaited_rfc4488(peer: Peer) -> None:
    refer = peer.refer(headers=[("Refer-Sub", "false")])
    peer.answer(202, ("Refer-Sub", "false"))
    assert peer.pair.alice.last(ReferAccepted).subscribed is False
    assert peer.pair.alice.last(ReferEnded).reason == "not subscribed"
    assert refer.state == "ended"
    assert peer.notify("active", b"SIP/2.0 100 Trying") == "481 NOTIFY"


def test_a_peer_that_subscribes_all_the_same_is_followed_rfc4488(peer: Peer) -> None:
    peer.refer(headers=[("Refer-Sub", "false")])
    peer.answer(202)
    assert peer.notify("terminated", b"SIP/2.0 200 OK") == "200 NOTIFY"
    assert peer.told() == [("ReferAccepted", None), ("ReferEnded", 200)]


def test_several_are_told_apart_by_their_cseq_2_4_6(peer: Peer) -> None:
    first, second = peer.refer(), peer.refer()
    numbers = [request.cseq.number for request in peer.pair.requests("REFER")]
    peer.notify("terminated", b"SIP/2.0 486 Busy Here", f"refer;id={numbers[1]}")
    peer.notify("terminated", b"SIP/2.0 200 OK", "refer")
    told = [(fact.refer, fact.status) for fact in peer.pair.alice.heard(ReferEnded)]
    assert told == [(second, 486), (first, 200)]
    assert peer.notify("terminated", b"SIP/2.0 200 OK", "refer;id=4711") == "481 NOTIFY"
    assert peer.mine.core.counters["notify_without_refer"] == 1


def test_no_more_than_eight_at_a_time(peer: Peer) -> None:
    for _ in range(8):
        peer.refer()
    with pytest.raises(LocalProtocolError):
        peer.refer()
    assert len(peer.pair.requests("REFER")) == 8


def test_a_call_that_only_rings_is_not_transferred() -> None:
    pair = make_pair()
    mine = rings(pair)
    with pytest.raises(LocalProtocolError):
        mine.refer(CAROL, pair.now)
    assert not pair.requests("REFER")
    assert not mine.core.referrals


def test_a_challenge_is_answered_and_the_id_is_that_of_the_second_attempt(peer: Peer) -> None:
    refer = peer.refer()
    first = peer.pair.requests("REFER")[0]
    peer.answer(401, ("WWW-Authenticate", 'Digest realm="pbx", nonce="n", qop="auth"'))
    second = peer.pair.requests("REFER")[1]
    assert second.get("Authorization") is not None
    assert not refer.has_id(str(first.cseq.number))
    assert refer.has_id(str(second.cseq.number))


def test_what_the_peer_takes_up_is_told_to_it() -> None:
    pair = make_pair()
    mine, _ = talk(pair)
    mine.refer(CAROL, pair.now)
    pair.advance(0.1)
    asked = pair.bob.last(ReferReceived)
    assert (str(asked.refer_to), asked.replaces) == ("<sip:carol@192.0.2.3>", None)
    assert asked.referred_by is not None
    assert asked.referred_by.uri.user == "alice"


def test_every_row_is_written_or_refused() -> None:
    heard = {"followed", "settled", "ended"}
    notified = {"asked", "accepted", "followed", "settled"}
    table: dict[ReferInput, set[str]] = {
        ReferInput.START: {"idle"},
        ReferInput.TAKEN: heard | {"asked"},
        ReferInput.TAKEN_UNHEARD: heard | {"asked"},
        ReferInput.REFUSED: heard | {"asked"},
        ReferInput.PROGRESS: notified,
        ReferInput.FINAL: notified,
        ReferInput.LAST: notified,
        ReferInput.CUT: notified,
        ReferInput.SILENCE: {"accepted", "followed", "settled"},
        ReferInput.CALL_ENDED: notified,
    }
    for state in ReferState:
        for event in ReferInput:
            assert ((state, event) in OutgoingRefer.table) == (state in table[event]), (state, event)
