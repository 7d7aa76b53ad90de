"""The session timer (RFC 4028): who asks, who refreshes, how, and what happens when nobody does."""

from __future__ import annotations

import pytest

from sip.call import Call
from sip.calls.session_timer import Input, Interval, SessionTimer, State
from sip.events import (
    CallEnded,
    CallReceived,
    DialogRefreshed,
    EndCause,
    InviteResent,
    OfferAccepted,
    OfferReceived,
    ProbeFailed,
)
from sip.message import Request, Response
from sip.timers import SessionTimers
from tests.sip.calls.disk import through_disk
from tests.sip.messages import lines, request
from tests.sip.pair import ANSWER, HOLD, OFFER, Pair, Party, assert_ended, dial, make_pair, talk


def timed_pair(hers: SessionTimers | None = None, his: SessionTimers | None = None) -> Pair:
    """Alice and Bob, each with wishes of their own."""
    pair = make_pair()
    for party, wish in ((pair.alice, hers), (pair.bob, his)):
        party.session_timers = wish or SessionTimers()
        party.agent = party.new_agent()
    return pair


ASKS = SessionTimers(ask=120)


def without_update(pair: Pair) -> None:
    """From now on neither says that it knows UPDATE."""
    for party in (pair.alice, pair.bob):
        core = party.agent._core
        object.__setattr__(core, "capabilities", (("Allow", "INVITE, ACK, BYE"), *core.capabilities[1:]))


def refreshes(pair: Pair, method: str = "UPDATE") -> list[tuple[str, str | None]]:
    """Who refreshed, and what the request said."""
    found = [(name, m) for name, m in pair.sent if isinstance(m, Request) and m.method == method and m.to_tag]
    return [(name, message.get("Session-Expires")) for name, message in found]


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("event", list(Input))
def test_every_row_is_written_or_refused(state: State, event: Input) -> None:
    on, everywhere = {State.OURS, State.THEIRS}, set(State)
    table: dict[Input, set[State]] = {
        Input.WE_REFRESH: everywhere,
        Input.THEY_REFRESH: everywhere,
        Input.DROPPED: everywhere - {State.OURS},
        Input.DUE: {State.OURS},
        Input.FAILED: everywhere,
        Input.EXPIRED: on,
        Input.CLOSE: everywhere,
    }
    assert ((state, event) in SessionTimer.table) == (state in table[event])


@pytest.mark.parametrize(
    ("value", "interval"),
    [
        ("1800", Interval(1800, None)),
        ("1800;refresher=uac", Interval(1800, "uac")),
        ("90 ; Refresher=UAS;x=y", Interval(90, "uas")),
        ("90;refresher=both", Interval(90, None)),
        ("0", None),
        ("soon", None),
        ("99999999999999", None),
    ],
)
def test_session_expires_is_read(value: str, interval: Interval | None) -> None:
    assert Interval.of(request(lines(f"Session-Expires: {value}"))) == interval
    assert Interval.of(request(lines(f"x: {value}"))) == interval, "the compact form"


def test_nobody_asks_and_so_there_is_no_timer() -> None:
    pair = make_pair()
    mine, _ = talk(pair)
    invite = pair.requests("INVITE")[0]
    assert "timer" in invite.get_all("Supported")
    assert invite.get("Session-Expires") is None
    pair.advance(4000)
    assert (mine.state, refreshes(pair)) == ("confirmed", [])


def test_the_callee_refreshes_at_half_the_interval_when_the_caller_leaves_it_open() -> None:
    pair = timed_pair(ASKS)
    mine, theirs = talk(pair)
    assert pair.requests("INVITE")[0].get("Session-Expires") == "120"
    accepted = pair.responses("200 INVITE")[0]
    assert accepted.get("Session-Expires") == "120;refresher=uas"
    assert accepted.get("Require") == "timer"  # §9: SHOULD, as the caller knows it
    pair.advance(59)
    assert refreshes(pair) == []
    pair.advance(1000)
    assert refreshes(pair) == [("bob", "120;refresher=uac")] * 17
    assert pair.responses("200 UPDATE")[0].get("Session-Expires") == "120;refresher=uac"
    assert pair.bob.last(DialogRefreshed).call is theirs
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)


def asks_to_refresh_herself(pair: Pair) -> Call:
    call = pair.alice.agent.invite(
        pair.alice.account,
        pair.bob.account.uri,
        OFFER,
        pair.now,
        headers=[("Session-Expires", "120;refresher=uac")],
    )
    pair.advance(0.1)
    pair.bob.call().accept(ANSWER, pair.now)
    pair.advance(0.1)
    call.acknowledge(pair.now)
    pair.advance(0.1)
    return call


def test_the_caller_refreshes_when_it_wants_to() -> None:
    pair = timed_pair()
    asks_to_refresh_herself(pair)
    accepted = pair.responses("200 INVITE")[0]
    assert (accepted.get("Session-Expires"), accepted.get("Require")) == ("120;refresher=uac", "timer")
    pair.advance(185)
    assert refreshes(pair) == [("alice", "120;refresher=uac")] * 3


def test_a_callee_may_ask_though_the_caller_did_not() -> None:
    pair = timed_pair(None, ASKS)
    talk(pair)
    assert pair.responses("200 INVITE")[0].get("Session-Expires") == "120;refresher=uas"
    pair.advance(61)
    assert refreshes(pair) == [("bob", "120;refresher=uac")]


def test_a_callee_that_asks_for_less_shortens_the_interval() -> None:
    pair = timed_pair(SessionTimers(ask=1800), ASKS)
    talk(pair)
    assert pair.responses("200 INVITE")[0].get("Session-Expires") == "120;refresher=uas"


def test_without_refresh_the_other_side_ends_the_call_before_the_interval_is_over() -> None:
    pair = timed_pair(ASKS)
    mine, theirs = talk(pair)
    pair.drop("UPDATE", 1000)
    pair.drop("BYE", 1000, "bob")
    began = pair.now
    pair.advance(87.5)
    assert mine.state == "confirmed"
    pair.advance(1)
    assert pair.now - began < 120 - 31, "min(32, 120 / 3) before the end"
    ended = pair.alice.last(CallEnded)
    assert (ended.by, ended.cause) == ("nobody", EndCause.GONE)
    assert pair.requests("BYE")[0].get("Reason") == 'SIP;cause=408;text="Session timer expired"'
    assert theirs.state in ("ending", "ended")


def test_who_refreshes_and_hears_nothing_hangs_up_too() -> None:
    pair = timed_pair(SessionTimers(ask=600))
    _, theirs = talk(pair)
    pair.drop("*", 1000, "alice")
    pair.advance(601)
    assert pair.bob.heard(ProbeFailed)[0].status is None
    assert (theirs.state, pair.bob.last(CallEnded).cause) == ("ended", EndCause.GONE)


def test_a_refresh_that_fails_is_tried_again_and_the_call_goes_on() -> None:
    pair = timed_pair(ASKS)
    mine, theirs = talk(pair)
    refuse_next_update(pair, pair.bob, 503)
    pair.advance(30)
    assert refreshes(pair) == [("bob", "120;refresher=uac")] * 2
    assert pair.bob.last(ProbeFailed).status == 503
    pair.advance(600)
    assert (mine.state, theirs.state) == ("confirmed", "confirmed")


def refuse_next_update(pair: Pair, sender: Party, status: int, *headers: tuple[str, str]) -> None:
    """The sender's next UPDATE is lost and answered by the wire."""
    pair.drop("UPDATE", 1, sender.name)
    while not any(
        name == sender.name for name, m in pair.sent if isinstance(m, Request) and m.method == "UPDATE"
    ):
        pair.advance(0.1)
    update = next(m for m in reversed(pair.requests("UPDATE")))
    pair.inject(update.reply(status, headers=headers).to_bytes(), sender)
    pair.flush()


def test_481_and_408_to_a_refresh_end_the_call_at_once() -> None:
    pair = timed_pair(ASKS)
    _, theirs = talk(pair)
    refuse_next_update(pair, pair.bob, 481)
    assert (theirs.state, pair.bob.last(CallEnded).status) == ("ended", 481)


def test_a_422_to_a_refresh_makes_the_interval_longer() -> None:
    pair = timed_pair(ASKS)
    talk(pair)
    refuse_next_update(pair, pair.bob, 422, ("Min-SE", "300"))
    pair.advance(1)
    assert refreshes(pair)[-1] == ("bob", "300;refresher=uac")
    assert pair.requests("UPDATE")[-1].get("Min-SE") == "300"
    assert pair.responses("200 UPDATE")[-1].get("Session-Expires") == "300;refresher=uac"


def test_a_422_that_does_not_ask_for_more_is_a_failure() -> None:
    pair = timed_pair(ASKS)
    talk(pair)
    refuse_next_update(pair, pair.bob, 422, ("Min-SE", "90"))
    assert pair.bob.last(ProbeFailed).status == 422


def test_a_peer_without_update_is_refreshed_by_re_invite_with_the_same_description() -> None:
    pair = timed_pair(ASKS)
    without_update(pair)
    mine, theirs = talk(pair)
    answers_offers(pair.alice)
    pair.advance(61)
    assert refreshes(pair, "INVITE") == [("bob", "120;refresher=uac")]
    assert pair.requests("INVITE")[-1].body == ANSWER
    assert pair.bob.last(DialogRefreshed).call is theirs
    assert pair.bob.heard(OfferAccepted) == [], "nothing has changed"
    pair.advance(600)
    assert mine.state == theirs.state == "confirmed"
    assert len(refreshes(pair, "INVITE")) == 11


def answers_offers(party: Party, sdp: bytes = OFFER) -> None:
    party.reacts = lambda event, now: (
        event.call.answer_offer(sdp, now) if isinstance(event, OfferReceived) else None
    )


def test_a_re_invite_for_refresh_that_changes_something_is_told() -> None:
    pair = timed_pair(ASKS)
    without_update(pair)
    _, theirs = talk(pair)
    answers_offers(pair.alice, HOLD)
    pair.advance(61)
    assert pair.bob.last(OfferAccepted) == OfferAccepted(theirs, HOLD)


def test_a_re_invite_for_refresh_that_is_refused_is_a_failed_probe() -> None:
    pair = timed_pair(ASKS)
    without_update(pair)
    talk(pair)
    pair.alice.reacts = lambda event, now: (
        event.call.refuse_offer(488, now) if isinstance(event, OfferReceived) else None
    )
    pair.advance(61)
    assert pair.bob.last(ProbeFailed).status == 488
    answers_offers(pair.alice)
    pair.advance(20)
    assert pair.bob.last(DialogRefreshed)


@pytest.mark.parametrize("status", [405, 501])
def test_a_peer_that_turns_out_not_to_know_update_gets_a_re_invite(status: int) -> None:
    pair = timed_pair(ASKS)
    talk(pair)
    answers_offers(pair.alice)
    refuse_next_update(pair, pair.bob, status)
    pair.advance(1)
    assert refreshes(pair, "INVITE") == [("bob", "120;refresher=uac")]
    pair.advance(60)
    assert len(refreshes(pair)) == 1, "and is not asked by UPDATE again"


def test_a_change_of_the_session_is_a_refresh_too_and_keeps_the_refresher() -> None:
    pair = timed_pair(ASKS)
    mine, theirs = talk(pair)
    answers_offers(pair.alice)
    answers_offers(pair.bob)
    pair.advance(50)
    mine.reinvite(HOLD, pair.now)
    pair.advance(50)
    assert refreshes(pair) == [], "half an interval from the re-INVITE"
    assert pair.requests("INVITE")[-1].get("Session-Expires") == "120;refresher=uas"
    theirs.update(pair.now, HOLD)
    pair.advance(20)
    assert refreshes(pair) == [("bob", "120;refresher=uac")]
    pair.advance(45)
    assert len(refreshes(pair)) == 2


def test_probes_are_refreshes() -> None:
    pair = timed_pair(ASKS)
    _, theirs = talk(pair)
    for _ in range(10):
        pair.advance(30)
        theirs.update(pair.now)
    pair.flush()
    assert len(refreshes(pair)) == 10


def test_an_invite_with_too_short_an_interval_gets_422_and_comes_again_with_ours() -> None:
    pair = timed_pair(ASKS, SessionTimers(least=300))
    mine = dial(pair)
    pair.advance(0.1)
    refused = pair.responses("422 INVITE")[0]
    assert (refused.get("Min-SE"), pair.bob.agent.counters["session_too_short"]) == ("300", 1)
    again = pair.requests("INVITE")[1]
    assert (again.get("Session-Expires"), again.get("Min-SE")) == ("300", "300")
    assert (again.call_id, again.cseq.number) == (mine.id, 2)
    assert pair.alice.heard(InviteResent)
    pair.bob.call().accept(ANSWER, pair.now)
    pair.advance(0.1)
    mine.acknowledge(pair.now)
    assert pair.responses("200 INVITE")[0].get("Session-Expires") == "300;refresher=uas"
    assert len(pair.bob.heard(CallReceived)) == 1


def test_a_422_that_cannot_be_followed_is_a_refusal() -> None:
    for headers in ([], [("Min-SE", "60")], [("Min-SE", "x")]):
        pair = timed_pair(ASKS)
        pair.drop("*", 1000)
        dial(pair)
        pair.flush()
        pair.inject(pair.requests("INVITE")[0].reply(422, headers=headers).to_bytes(), pair.alice)
        pair.flush()
        assert pair.alice.last(CallEnded).status == 422


def test_a_peer_that_always_wants_more_is_not_followed_for_ever() -> None:
    pair = timed_pair(ASKS)
    pair.drop("*", 1000)
    dial(pair)
    for number in range(20):
        pair.flush()
        invite = pair.requests("INVITE")[-1]
        least = [("Min-SE", str(1000 + number))]
        pair.inject(invite.reply(422, headers=least).to_bytes(), pair.alice)
    pair.flush()
    assert pair.names().count("INVITE") == 5
    assert pair.alice.last(CallEnded).status == 422


def test_a_422_after_the_cancel_is_not_followed() -> None:
    pair = timed_pair(ASKS)
    pair.drop("*", 1000)
    mine = dial(pair)
    pair.flush()
    mine.cancel(pair.now)
    pair.inject(pair.requests("INVITE")[0].reply(422, headers=[("Min-SE", "300")]).to_bytes(), pair.alice)
    pair.flush()
    assert pair.names().count("INVITE") == 1
    assert pair.alice.last(CallEnded).cause == EndCause.CANCELLED


def hand_made(pair: Pair, *changes: tuple[bytes, bytes]) -> Response:
    """Bob's 200 to an INVITE of Alice that was changed on its way."""
    dial(pair)
    (transmit,) = pair.alice.agent.take_output()
    data = transmit.data
    for before, after in changes:
        assert before in data
        data = data.replace(before, after)
    pair.inject(data, pair.bob)
    pair.flush()
    if pair.bob.heard(CallReceived):
        pair.bob.call().accept(ANSWER, pair.now)
        pair.flush()
    return pair.responses("200 INVITE")[0]


def test_an_interval_that_a_proxy_put_in_is_kept_by_us_alone() -> None:
    pair = timed_pair(ASKS)
    accepted = hand_made(pair, (b", timer", b""))
    assert accepted.get("Session-Expires") == "120;refresher=uas"
    assert accepted.get("Require") is None  # §9: its sender does not know the extension


def test_an_interval_too_short_of_who_does_not_know_the_timer_is_made_longer() -> None:
    pair = timed_pair(ASKS)
    accepted = hand_made(pair, (b", timer", b""), (b"Session-Expires: 120", b"Session-Expires: 20"))
    assert accepted.get("Session-Expires") == "90;refresher=uas"


def test_min_se_of_the_request_is_the_least_that_we_answer() -> None:
    pair = timed_pair(SessionTimers(ask=1800), ASKS)
    accepted = hand_made(pair, (b"Session-Expires: 1800", b"Session-Expires: 1800\r\nMin-SE: 600"))
    assert accepted.get("Session-Expires") == "600;refresher=uas"


def test_who_asked_and_gets_no_timer_refreshes_for_its_own_benefit() -> None:
    pair = timed_pair(ASKS)
    strip_timers(pair)
    mine, _ = talk(pair)
    assert pair.responses("200 INVITE")[0].get("Session-Expires") is None
    pair.advance(130)
    assert refreshes(pair) == [("alice", "120;refresher=uac")] * 2
    assert mine.state == "confirmed"


def strip_timers(pair: Pair) -> None:
    """Bob knows nothing of timers: his requests and answers never mention one."""
    receive = pair.bob.agent.receive

    def deaf(data: bytes, *more: object) -> None:
        kept = [one for one in data.split(b"\r\n") if not one.startswith((b"Session-Expires", b"Min-SE"))]
        receive(b"\r\n".join(kept).replace(b", timer", b""), *more)  # type: ignore[arg-type]

    pair.bob.agent.receive = deaf  # type: ignore[method-assign, assignment]


def test_a_peer_that_drops_the_timer_in_a_2xx_is_not_waited_for_any_more() -> None:
    pair = timed_pair(ASKS)
    mine, theirs = talk(pair)
    answers_offers(pair.bob)
    strip_timers(pair)
    assert mine.dump().session_expires == 120
    mine.reinvite(HOLD, pair.now)
    pair.advance(0.1)
    assert pair.responses("200 INVITE")[-1].get("Session-Expires") is None
    assert mine.dump().session_expires == 0
    assert theirs.dump().session_expires == 120, "he goes on for his own benefit"


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_a_loaded_dialog_goes_on_refreshing_or_waiting(who: str) -> None:
    pair = timed_pair(ASKS)
    mine, theirs = talk(pair)
    party, call = (pair.alice, mine) if who == "caller" else (pair.bob, theirs)
    pair.advance(50)
    saved = through_disk(call.dump())
    assert (saved.session_expires, saved.we_refresh) == (120, who == "callee")
    party.agent = party.new_agent()
    loaded = party.agent.load_call(saved, party.account if who == "caller" else None, pair.now)
    pair.advance(20)
    assert refreshes(pair) == [("bob", "120;refresher=uac")]
    pair.advance(600)
    assert loaded.state == "confirmed"
    pair.drop("*", 10_000)
    pair.advance(130)
    assert loaded.state in ("ending", "ended")
    pair.settle()
    assert pair.alice.is_quiet()
    assert pair.bob.is_quiet()


def test_that_a_peer_does_not_know_update_survives_a_restart() -> None:
    pair = timed_pair(ASKS)
    without_update(pair)
    _, theirs = talk(pair)
    answers_offers(pair.alice)
    saved = through_disk(theirs.dump())
    assert not saved.allows_update
    pair.bob.agent = pair.bob.new_agent()
    pair.bob.agent.load_call(saved, None, pair.now)
    pair.advance(20)
    assert refreshes(pair, "INVITE") == [("bob", "120;refresher=uac")]


def test_a_refresh_in_the_middle_of_a_change_waits_for_its_end() -> None:
    pair = timed_pair(ASKS)
    without_update(pair)
    mine, _ = talk(pair)
    pair.advance(55)
    mine.reinvite(HOLD, pair.now)
    pair.advance(10)
    assert len(refreshes(pair, "INVITE")) == 1
    pair.bob.last(OfferReceived).call.answer_offer(ANSWER, pair.now)
    answers_offers(pair.alice)
    pair.advance(61)
    assert refreshes(pair, "INVITE")[1:] == [("bob", "120;refresher=uac")]


def test_an_interval_of_a_second_does_not_make_us_send_without_end() -> None:
    pair = timed_pair(ASKS)
    mine = dial(pair)
    pair.flush()
    contact = [("Contact", "<sip:bob@192.0.2.2:5060>"), ("Session-Expires", "1;refresher=uac")]
    pair.inject(pair.requests("INVITE")[0].reply(200, to_tag="x", headers=contact).to_bytes(), pair.alice)
    pair.flush()
    mine.acknowledge(pair.now)
    pair.drop("*", 100_000)
    before = len(pair.names())
    pair.advance(44)
    assert len(pair.names()) - before < 3
