"""A REFER of the peer's (RFC 3515 §2.4.2 to §2.4.5): it is answered once and in time, and followed as long as somebody listens."""

from __future__ import annotations

import pytest

from sip.call import Call
from sip.calls.inside_events import ReferAccepted, ReferEnded, ReferLapsed, ReferProgress, ReferReceived
from sip.calls.refer_in import IncomingRefer, ReferredInput, ReferredState
from sip.errors import LocalProtocolError
from sip.headers import ReplacesHeader
from sip.message import Request
from sip.sipfrag import Status, read
from sip.uri import Uri
from tests.sip.calls.test_refer_out import CAROL, told
from tests.sip.pair import Pair, assert_both_quiet, make_pair, talk


def asked(pair: Pair | None = None, **more: object) -> tuple[Pair, Call, IncomingRefer]:
    """Alice has asked Bob to call Carol: the pair, her call, and her REFER as he sees it."""
    pair = pair or make_pair()
    mine, _ = talk(pair)
    mine.refer(CAROL, pair.now, **more)  # type: ignore[arg-type]
    pair.advance(0.1)
    return pair, mine, pair.bob.last(ReferReceived).refer


def notifies(pair: Pair) -> list[tuple[int, str]]:
    """Status and Subscription-State of each NOTIFY."""
    found = []
    for request in pair.requests("NOTIFY"):
        status = read(request.body)
        assert status is not None
        found.append((status.status, request.get("Subscription-State") or ""))
    return found


def by_hand(pair: Pair, method: str, *headers: tuple[str, str], cseq: int | None = None) -> str:
    """Alice's request in the dialog, written by hand; Bob's answer."""
    (call,) = pair.alice.agent.calls
    dialog = call.established()
    request: Request = dialog.request(
        method, contact="<sip:alice@192.0.2.1:5060>", headers=headers, cseq=cseq
    )
    via = f"SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKhand{request.cseq.number}"
    pair.inject(request.prepend("Via", via).to_bytes(), pair.bob)
    pair.flush()
    return pair.names(pair.bob)[-1]


def test_it_is_told_with_all_that_it_says() -> None:
    replaces = ReplacesHeader("c@x", "t", "f")
    pair, _, refer = asked(replaces=replaces, referred_by=Uri("sip", "201", None, "pbx"))
    event = pair.bob.last(ReferReceived)
    assert (event.call, event.refer_to.uri, event.replaces) == (pair.bob.call(), CAROL, replaces)
    assert refer.invite_headers == (("Referred-By", "<sip:201@pbx>"),)
    assert refer.identity() == event.call.id


def test_accepted_it_is_followed_from_100_to_the_final_answer() -> None:
    pair, _, refer = asked()
    refer.accept(pair.now)
    pair.advance(0.1)
    refer.progress(180, pair.now)
    pair.advance(0.1)
    refer.progress(200, pair.now)
    pair.advance(0.1)
    assert notifies(pair) == [
        (100, "active;expires=300"),
        (180, "active;expires=300"),
        (200, "terminated;reason=noresource"),
    ]
    assert told(pair.alice) == [
        ("ReferAccepted", None),
        ("ReferProgress", 100),
        ("ReferProgress", 180),
        ("ReferEnded", 200),
    ]
    assert pair.responses("202 REFER")[0].contact is not None  # RFC 3261 §12.1.1: it makes a subscription
    assert not refer.call.core.deadlines.is_set(refer)


def test_a_reason_of_the_users_choice_is_told() -> None:
    pair, _, refer = asked()
    refer.accept(pair.now)
    refer.progress(486, pair.now, "Am Apparat")
    pair.advance(0.1)
    assert pair.alice.last(ReferEnded).reason == "Am Apparat"


@pytest.mark.parametrize("status", [403, 603])
def test_refused_it_is_over(status: int) -> None:
    pair, _, refer = asked()
    refer.refuse(pair.now, status)
    pair.advance(0.1)
    assert told(pair.alice) == [("ReferRefused", status)]
    assert refer.state == "ended"


def test_unanswered_it_is_refused_in_time_rfc4320() -> None:
    pair, _, refer = asked()
    pair.advance(17)
    assert told(pair.alice) == [("ReferRefused", 603)]
    assert pair.bob.last(ReferLapsed) == ReferLapsed(refer, 603)
    assert pair.bob.agent.counters["refers_unanswered"] == 1
    refer.accept(pair.now)  # the user did not know yet
    refer.refuse(pair.now)
    refer.progress(200, pair.now)
    pair.advance(1)
    assert not pair.requests("NOTIFY")


def test_a_call_that_ends_takes_the_unanswered_one_with_it() -> None:
    pair, mine, refer = asked()
    mine.bye(pair.now)
    pair.advance(1)
    assert pair.bob.last(ReferLapsed) == ReferLapsed(refer, 487)
    assert [name for name in pair.names(pair.bob) if "REFER" in name or "BYE" in name] == [
        "200 BYE",
        "487 REFER",
    ]
    kinds = [type(event).__name__ for event in pair.bob.events]
    assert kinds.index("ReferLapsed") < kinds.index("CallEnded")
    assert_both_quiet(pair)


def test_an_accepted_one_outlives_its_call_rfc5057() -> None:
    pair, mine, refer = asked()
    refer.accept(pair.now)
    pair.advance(0.1)
    mine.bye(pair.now)
    pair.advance(1)
    assert not pair.bob.agent.calls
    refer.progress(180, pair.now)
    pair.advance(0.1)
    refer.progress(200, pair.now)
    pair.advance(0.1)
    assert told(pair.alice)[1:] == [("ReferProgress", 100), ("ReferProgress", 180), ("ReferEnded", 200)]
    assert_both_quiet(pair)
    for party in (pair.alice, pair.bob):
        assert not party.agent.find_call(mine.id, mine.local_tag)
    for core in (mine.core, refer.call.core):
        assert (core.referrals, core.subscriptions) == ({}, {})


def test_without_a_subscription_nothing_is_sent_rfc4488() -> None:
    pair, _, refer = asked(headers=[("Refer-Sub", "false")])
    refer.accept(pair.now)
    refer.progress(180, pair.now)
    refer.progress(200, pair.now)
    pair.advance(1)
    assert not pair.requests("NOTIFY")
    assert pair.responses("202 REFER")[0].get("Refer-Sub") == "false"
    assert pair.alice.last(ReferAccepted).subscribed is False
    assert refer.state == "ended"


def test_a_subscription_that_is_not_renewed_ends() -> None:
    pair, _, refer = asked()
    refer.accept(pair.now)
    pair.advance(301)
    assert notifies(pair)[-1] == (100, "terminated;reason=timeout")
    assert refer.state == "unheard"
    refer.progress(200, pair.now)
    pair.advance(1)
    assert len(notifies(pair)) == 2


def test_subscribe_renews_it_and_with_0_ends_it_rfc6665() -> None:
    pair, _, refer = asked()
    refer.accept(pair.now)
    pair.advance(200)
    assert by_hand(pair, "SUBSCRIBE", ("Event", "refer"), ("Expires", "60")) == "NOTIFY"
    assert pair.responses("200 SUBSCRIBE")[0].get("Expires") == "300"
    pair.advance(200)
    assert refer.state == "notifying"
    by_hand(pair, "SUBSCRIBE", ("Event", "refer"), ("Expires", "0"))
    assert notifies(pair)[-1] == (100, "terminated;reason=timeout")
    assert refer.state == "unheard"


@pytest.mark.parametrize(
    ("event", "answer"),
    [("refer;id=4711", "481 SUBSCRIBE"), ("dialog", "489 SUBSCRIBE"), ("", "489 SUBSCRIBE")],
)
def test_subscribe_begins_nothing(event: str, answer: str) -> None:
    pair, _, refer = asked()
    refer.accept(pair.now)
    pair.advance(0.1)
    assert by_hand(pair, "SUBSCRIBE", ("Event", event)) == answer


def test_subscribe_for_what_is_not_accepted_yet_gets_481() -> None:
    pair, _, _ = asked()
    assert by_hand(pair, "SUBSCRIBE", ("Event", "refer")) == "481 SUBSCRIBE"


def test_nobody_is_told_who_has_forgotten_rfc6665_4_2_2() -> None:
    pair, mine, refer = asked()
    mine.core.referrals.clear()
    refer.accept(pair.now)
    pair.advance(0.1)
    assert pair.names(pair.alice)[-1] == "481 NOTIFY"
    assert refer.state == "unheard"
    refer.progress(200, pair.now)
    pair.advance(0.1)
    assert len(notifies(pair)) == 1


def test_nobody_is_told_who_does_not_answer() -> None:
    pair, _, refer = asked()
    pair.drop("200 NOTIFY", 20)
    pair.drop("481 NOTIFY", 20)
    refer.accept(pair.now)
    pair.advance(40)
    assert refer.state == "unheard"


def test_a_notify_that_was_overtaken_is_sent_again() -> None:
    pair, mine, refer = asked()
    refer.accept(pair.now)
    pair.advance(0.1)
    pair.drop("NOTIFY")
    refer.progress(200, pair.now)
    refer.call.options(pair.now)  # comes first, so that the NOTIFY's number is too low when it comes
    refer.progress(180, pair.now)  # too late: the last word is said
    pair.advance(2)
    assert mine.core.counters["cseq_too_low"] == 1
    sent = pair.requests("NOTIFY")
    assert [read(one.body) for one in sent[1:]] == [Status(200, "OK")] * 3  # lost, repeated, and sent again
    assert len({one.cseq.number for one in sent}) == 3
    assert pair.alice.last(ReferEnded).status == 200


def test_a_peer_that_never_takes_one_is_not_told_for_ever() -> None:
    pair, mine, refer = asked()
    mine.established().remote_cseq = 10**6
    refer.accept(pair.now)
    pair.advance(1)
    assert pair.names(pair.alice).count("500 NOTIFY") == 4
    assert refer.state == "notifying"


def test_each_is_followed_by_its_id_2_4_6() -> None:
    pair, mine, first = asked()
    mine.refer(CAROL, pair.now)
    pair.advance(0.1)
    second = pair.bob.last(ReferReceived).refer
    second.accept(pair.now)
    second.progress(486, pair.now)
    first.accept(pair.now)
    first.progress(200, pair.now)
    pair.advance(0.1)
    events = [request.get("Event") for request in pair.requests("NOTIFY")]
    assert events == [f"refer;id={second.number}"] * 2 + [f"refer;id={first.number}"] * 2
    assert sorted(
        (fact.refer.has_id(str(second.number)), fact.status) for fact in pair.alice.heard(ReferEnded)
    ) == [(False, 200), (True, 486)]
    assert all(progress.status == 100 for progress in pair.alice.heard(ReferProgress))


@pytest.mark.parametrize(
    ("headers", "status", "counter"),
    [
        ([], 400, "bad_refer_to"),
        ([("Refer-To", "<sip:1@a>"), ("Refer-To", "<sip:2@a>")], 400, "bad_refer_to"),
        ([("Refer-To", "nonsense")], 400, "bad_refer_to"),
        ([("Refer-To", "<sip:1@a;method=BYE>")], 603, "refers_refused"),
    ],
)
def test_what_cannot_be_taken_up_is_refused_and_not_told(
    headers: list[tuple[str, str]], status: int, counter: str
) -> None:
    pair = make_pair()
    talk(pair)
    assert by_hand(pair, "REFER", *headers) == f"{status} REFER"
    assert pair.bob.agent.counters[counter] == 1
    assert not pair.bob.heard(ReferReceived)


def test_no_more_than_eight_wait_for_the_user() -> None:
    pair = make_pair()
    talk(pair)
    answers = [by_hand(pair, "REFER", ("Refer-To", "<sip:1@a>")) for _ in range(9)]
    assert answers[-1] == "500 REFER"
    assert pair.responses("500 REFER")[0].integer("Retry-After") is not None
    assert len(pair.bob.heard(ReferReceived)) == 8
    assert pair.bob.agent.counters["refers_refused"] == 1


def test_a_repeated_refer_is_told_once() -> None:
    pair = make_pair()
    mine, _ = talk(pair)
    pair.duplicate("REFER")
    mine.refer(CAROL, pair.now)
    pair.advance(1)
    assert len(pair.bob.heard(ReferReceived)) == 1


def test_its_contact_is_the_peers_new_target() -> None:
    pair = make_pair()
    talk(pair)
    (call,) = pair.alice.agent.calls
    request = call.established().request(
        "REFER", contact="<sip:new@192.0.2.1:5060>", headers=[("Refer-To", "<sip:1@a>")]
    )
    pair.inject(
        request.prepend("Via", "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKt").to_bytes(), pair.bob
    )
    pair.flush()
    assert pair.bob.call().established().target.user == "new"
    assert ("bob", "TargetChanged") in pair.story


def test_an_agent_that_is_not_referable_says_405_with_allow() -> None:
    pair = make_pair()
    pair.bob.referable = False
    pair.bob.agent = pair.bob.new_agent()
    talk(pair)
    assert by_hand(pair, "REFER", ("Refer-To", "<sip:1@a>")) == "405 REFER"
    assert "REFER" not in (pair.responses("405 REFER")[0].get("Allow") or "REFER")
    assert not pair.bob.heard(ReferReceived)


def test_before_it_is_accepted_no_progress_can_be_told() -> None:
    pair, _, refer = asked()
    for status in (180, 200):
        with pytest.raises(LocalProtocolError):
            refer.progress(status, pair.now)
    refer.accept(pair.now)
    for wrong in (99, 700):
        with pytest.raises(LocalProtocolError):
            refer.progress(wrong, pair.now)
    for status in (200, 700):
        with pytest.raises(LocalProtocolError):
            refer.refuse(pair.now, status)
    with pytest.raises(LocalProtocolError):
        refer.refuse(pair.now)
    with pytest.raises(LocalProtocolError):
        refer.accept(pair.now)
    assert refer.state == "notifying"


def test_every_row_is_written_or_refused() -> None:
    heard = {"notifying"}
    table: dict[ReferredInput, set[str]] = {
        ReferredInput.ACCEPT: {"received", "ended"},
        ReferredInput.ACCEPT_UNHEARD: {"received", "ended"},
        ReferredInput.REFUSE: {"received", "ended"},
        ReferredInput.PROGRESS: {"notifying", "unheard", "ended"},
        ReferredInput.FINAL: {"notifying", "unheard", "ended"},
        ReferredInput.DEAF: {"notifying", "unheard", "ended"},
        ReferredInput.OVERTAKEN: {"notifying", "unheard", "ended"},
        ReferredInput.RENEW: heard,
        ReferredInput.UNSUBSCRIBE: heard,
        ReferredInput.TIME: {"received", "notifying"},
        ReferredInput.CALL_ENDED: {"received", "notifying"},
    }
    for state in ReferredState:
        for event in ReferredInput:
            assert ((state, event) in IncomingRefer.table) == (state in table[event]), (state, event)
