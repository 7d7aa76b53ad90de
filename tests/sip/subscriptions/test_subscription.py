"""A subscription of ours against a notifier that does everything, right and wrong (RFC 6665 §4.1)."""

from __future__ import annotations

import pytest

from sip.errors import LocalProtocolError
from sip.subscriptions.facts import (
    Notified,
    SubscriptionActive,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionForked,
    SubscriptionPending,
)
from sip.subscriptions.states import SubscriptionInput, SubscriptionState
from sip.subscriptions.subscription import Subscription
from tests.sip.notifier import TARGET, grant, installed, notifier_pair, refuse, silent, subscribe
from tests.sip.pair import Pair

# SUBSCRIBE and its answers


def test_the_request_is_as_4_1_2_1_wants_it() -> None:
    pair, notifier = notifier_pair(grant(600))
    subscription = subscribe(pair)
    (request,) = notifier.seen
    assert (str(request.uri), str(request.to)) == (str(TARGET), f"<{TARGET}>")
    assert (request.get("Event"), request.integer("Expires")) == ("dialog", 600)
    assert request.get("Accept") == "application/dialog-info+xml"
    assert request.contact is not None
    assert (subscription.owner, subscription.state) == ("lamp", "accepted")


def test_the_first_notify_makes_it_active_and_its_body_is_told_after() -> None:
    pair, notifier = notifier_pair(grant(600))
    subscription = subscribe(pair)
    assert notifier.notify("active;expires=600", b"<x/>") == 200
    assert pair.alice.events == [
        SubscriptionActive(subscription),
        Notified(subscription, "application/dialog-info+xml", b"<x/>"),
    ]
    assert subscription.expires_at == pytest.approx(600.1)


def test_a_notify_before_the_2xx_installs_it_too_4_4_1() -> None:
    pair, notifier = notifier_pair(silent, grant(100))
    subscription = subscribe(pair)
    assert notifier.notify("active", b"<early/>") == 200
    assert (subscription.state, subscription.substate) == ("early", "active")
    assert pair.alice.last(Notified).body == b"<early/>"
    pair.advance(40)  # timer F: nobody answered, but the dialog stands
    assert subscription.state == "active"
    assert pair.alice.heard(SubscriptionFailed) == []


def test_the_time_of_the_2xx_counts_when_the_notify_that_came_first_named_none() -> None:
    pair, notifier = notifier_pair(grant(100))
    pair.delay("200 SUBSCRIBE", 1.0)
    subscription = subscribe(pair)
    notifier.notify("active")
    assert subscription.expires_at == pytest.approx(600.1)
    pair.advance(2)
    assert subscription.state == "active"
    assert subscription.expires_at is not None
    assert subscription.expires_at < 103


def test_a_short_time_is_refreshed_though_the_2xx_was_slow() -> None:
    pair, notifier = notifier_pair(silent, grant(600))
    subscription = subscribe(pair)
    notifier.notify("active;expires=36")
    pair.advance(35)
    assert len(notifier.seen) >= 2, "a new question after timer F, before the time was over"
    assert subscription.state == "active"
    assert pair.alice.heard(SubscriptionEnded) == []


def test_pending_is_told_and_then_active() -> None:
    pair, notifier = notifier_pair(grant(600, status=202))
    subscription = subscribe(pair)
    notifier.notify("pending;expires=600")
    assert pair.alice.events == [SubscriptionPending(subscription)]
    notifier.notify("active;expires=590")
    notifier.notify("active;expires=580")
    assert pair.alice.events == [SubscriptionPending(subscription), SubscriptionActive(subscription)]


def test_it_is_refreshed_in_its_dialog_at_a_share_of_the_granted_time() -> None:
    pair, notifier, subscription = installed(grant(100))
    notifier.notify("active;expires=100")
    pair.advance(74)
    assert len(notifier.seen) == 1
    pair.advance(12)
    first, second = notifier.seen
    assert (first.call_id, first.from_tag) == (second.call_id, second.from_tag)
    assert (second.to_tag, second.cseq.number) == ("bob", first.cseq.number + 1)
    assert (str(second.uri), second.integer("Expires")) == ("sip:bob@192.0.2.2:5060", 600)
    assert subscription.state == "active"
    pair.advance(400)
    assert 5 <= len(notifier.seen) <= 8


def test_timer_n_without_a_notify_it_failed_and_is_asked_for_anew() -> None:
    pair, notifier = notifier_pair(grant(600))
    subscription = subscribe(pair)
    pair.advance(33)
    failed = pair.alice.last(SubscriptionFailed)
    assert (failed.status, failed.reason) == (None, "no NOTIFY came")
    assert notifier.notify() == 481, "it is too late for the old one"
    pair.advance(4)
    first, second = notifier.seen
    assert first.call_id != second.call_id
    assert notifier.notify() == 200
    assert subscription.state == "active"


def test_423_is_asked_again_with_the_time_that_the_notifier_wants() -> None:
    pair, notifier = notifier_pair(refuse(423, Min_Expires="1800"), grant(1800))
    subscription = subscribe(pair)
    assert [request.integer("Expires") for request in notifier.seen] == [600, 1800]
    assert notifier.seen[0].call_id == notifier.seen[1].call_id
    notifier.notify("active")
    assert subscription.expires_at == pytest.approx(1800.1)


@pytest.mark.parametrize("least", ["60", "x", "999999999"])
def test_423_that_asks_for_nothing_longer_is_a_failure_and_no_loop(least: str) -> None:
    pair, notifier = notifier_pair(refuse(423, Min_Expires=least))
    subscribe(pair)
    assert len(notifier.seen) == 1
    assert pair.alice.last(SubscriptionFailed).status == 423


@pytest.mark.parametrize("status", [405, 416, 489, 501, 603, 604])
def test_what_will_never_be_accepted_is_not_asked_again(status: int) -> None:
    pair, notifier = notifier_pair(refuse(status))
    subscription = subscribe(pair)
    assert pair.alice.events == [SubscriptionEnded(subscription, "refused", status, None)]
    pair.settle()
    assert len(notifier.seen) == 1
    assert pair.alice.is_quiet()


def test_a_refusal_that_may_pass_is_waited_out_with_its_retry_after() -> None:
    pair, notifier = notifier_pair(refuse(503, Retry_After="100"), grant(600))
    subscription = subscribe(pair)
    failed = pair.alice.last(SubscriptionFailed)
    assert (failed.subscription, failed.status) == (subscription, 503)
    pair.advance(99)
    assert len(notifier.seen) == 1
    pair.advance(2)
    assert len(notifier.seen) == 2


def test_a_silent_notifier_is_asked_again_and_told_as_unheard() -> None:
    pair, notifier = notifier_pair(silent)
    subscribe(pair)
    pair.advance(3600)
    failed = pair.alice.heard(SubscriptionFailed)
    assert {event.status for event in failed} == {None}
    assert 3600 / (32 + 91) <= len(failed) <= 3600 / 33
    assert len({request.call_id for request in notifier.seen}) >= len(failed)


def test_a_refresh_that_fails_leaves_the_subscription_for_its_time_4_1_2_2() -> None:
    pair, notifier, subscription = installed(grant(600), refuse(500), grant(600))
    notifier.notify("active;expires=100")
    pair.advance(86)
    assert pair.alice.last(SubscriptionFailed).status == 500
    assert subscription.state in ("active", "refreshing")
    pair.advance(5)
    assert len(notifier.seen) == 3
    assert {request.call_id for request in notifier.seen} == {notifier.seen[0].call_id}
    assert pair.alice.heard(SubscriptionEnded) == []


def test_without_any_refresh_in_time_it_has_expired_and_a_new_one_is_asked_for() -> None:
    pair, notifier, subscription = installed(grant(600), refuse(500))
    notifier.notify("active;expires=60")
    pair.advance(60)
    ended = pair.alice.last(SubscriptionEnded)
    assert (ended.reason, ended.status) == ("expired", None)
    assert ended.retry_at is not None
    notifier.answers = [grant(600)]
    pair.advance(70)
    assert notifier.seen[-1].call_id != notifier.seen[0].call_id
    assert notifier.seen[-1].to_tag is None
    assert subscription.state == "accepted"


def test_481_to_a_refresh_makes_a_new_subscription_4_1_2_2() -> None:
    pair, notifier, subscription = installed(grant(600), refuse(481), grant(600))
    subscription.refresh(pair.now)
    pair.advance(0.05)
    ended = pair.alice.last(SubscriptionEnded)
    assert (ended.reason, ended.status) == ("gone", 481)
    pair.advance(1.1)
    assert len(notifier.seen) == 3
    assert notifier.seen[2].to_tag is None
    assert notifier.notify(tag="other") == 200
    assert subscription.state == "active"


def test_489_to_a_refresh_ends_it_for_good() -> None:
    pair, _, subscription = installed(grant(600), refuse(489))
    subscription.refresh(pair.now)
    pair.advance(1)
    assert pair.alice.last(SubscriptionEnded) == SubscriptionEnded(subscription, "refused", 489, None)
    pair.settle()
    assert pair.alice.is_quiet()


# NOTIFY


@pytest.mark.parametrize(
    ("reason", "retried"),
    [
        ("deactivated", (0.0, 1.0)),
        ("timeout", (0.0, 1.0)),
        ("deactivated;retry-after=500", (0.0, 1.0)),
        ("probation", (30.0, 90.0)),
        ("probation;retry-after=200", (200.0, 200.0)),
        ("giveup;retry-after=300", (300.0, 300.0)),
        ("somethingnew;retry-after=300", (300.0, 300.0)),
        ("", (30.0, 90.0)),
        ("probation;retry-after=999999", (3600.0, 3600.0)),
        ("rejected", None),
        ("rejected;retry-after=5", None),
        ("noresource", None),
        ("invariant", None),
    ],
)
def test_what_terminated_leads_to_is_said_by_its_reason_4_1_3(
    reason: str, retried: tuple[float, float] | None
) -> None:
    pair, notifier, subscription = installed()
    assert notifier.notify(f"terminated;reason={reason}" if reason else "terminated", b"<last/>") == 200
    assert pair.alice.last(Notified).body == b"<last/>"
    ended = pair.alice.last(SubscriptionEnded)
    assert pair.alice.events[-1] is ended
    assert ended.reason == reason.partition(";")[0]
    assert notifier.notify() == 481
    if retried is None:
        assert ended.retry_at is None
        pair.settle(4000)
        assert (len(notifier.seen), subscription.state) == (1, "off")
    else:
        assert ended.retry_at is not None
        least, most = retried
        assert least <= ended.retry_at - pair.now <= most
        pair.advance(most + 0.1)
        assert len(notifier.seen) == 2


def test_a_notifier_that_moves_us_for_ever_is_not_followed_ever_faster() -> None:
    pair, notifier, subscription = installed()
    for _ in range(12):
        if subscription.state == "accepted":
            notifier.notify()
        if subscription.state == "active":
            notifier.notify("terminated;reason=deactivated")
        pair.advance(5)
    assert len(notifier.seen) <= 7


def test_a_notify_out_of_order_gets_500_and_is_not_told() -> None:
    pair, notifier, _ = installed()
    assert notifier.notify(body=b"<new/>", cseq=9) == 200
    assert notifier.notify(body=b"<old/>", cseq=8) == 500
    assert [event.body for event in pair.alice.heard(Notified)] == [b"<new/>"]
    assert pair.alice.agent.counters["cseq_too_low"] == 1


def test_a_notify_for_no_subscription_gets_481() -> None:
    pair, notifier = notifier_pair(grant(600))
    subscription = subscribe(pair)
    notifier.notify()
    subscription.unsubscribe(pair.now)
    pair.advance(0.1)
    assert notifier.notify("terminated;reason=timeout") == 200
    assert notifier.notify() == 481


@pytest.mark.parametrize(
    ("state", "event", "more", "body", "status"),
    [
        ("active", "presence", "", b"", 489),
        ("active", "dialog;id=7", "", b"", 481),
        ("active", "", "", b"", 400),
        ("", "dialog", "", b"", 400),
        ("active;expires=\x01", "di alog", "", b"", 400),
        ("active", "dialog", "Content-Encoding: gzip\r\n", b"x", 415),
        ("active", "dialog", "", b"x" * 50_000, 413),
    ],
)
def test_a_notify_that_is_not_for_it_is_refused_and_changes_nothing(
    state: str, event: str, more: str, body: bytes, status: int
) -> None:
    pair, notifier, subscription = installed()
    before = list(pair.alice.events)
    assert notifier.notify(state, body, event=event, more=more) == status
    assert pair.alice.events == before
    assert subscription.state == "active"
    assert pair.alice.agent.counters["notify_refused"] == 1


def test_a_first_notify_without_a_contact_cannot_make_a_dialog() -> None:
    pair, notifier = notifier_pair(grant(600))
    subscription = subscribe(pair)
    assert notifier.notify(contact="") == 400
    assert notifier.notify() == 200
    assert notifier.notify(contact="") == 200
    assert subscription.dialog is not None
    assert str(subscription.dialog.target) == "sip:bob@192.0.2.2:5060"


def test_an_id_is_sent_and_must_come_back() -> None:
    pair, notifier = notifier_pair(grant(600))
    subscribe(pair, "dialog;id=7")
    assert notifier.seen[0].get("Event") == "dialog;id=7"
    assert notifier.notify() == 481
    assert notifier.notify(event="dialog;id=7") == 200


def test_a_notify_refreshes_the_target_and_its_time() -> None:
    pair, notifier, subscription = installed()
    notifier.notify("active;expires=100", contact="Contact: <sip:moved@192.0.2.2:5060>\r\n")
    assert subscription.expires_at == pytest.approx(100.1)
    subscription.refresh(pair.now)
    pair.advance(0.1)
    assert str(notifier.seen[-1].uri) == "sip:moved@192.0.2.2:5060"


def test_an_unknown_substate_counts_as_active() -> None:
    pair, notifier = notifier_pair(grant(600))
    subscription = subscribe(pair)
    assert notifier.notify("dormant;expires=50") == 200
    assert pair.alice.events == [SubscriptionActive(subscription)]


# Forks


def forks(pair: Pair) -> list[Subscription]:
    return [event.subscription for event in pair.alice.heard(SubscriptionForked)]


def test_each_notifier_of_a_fork_has_a_dialog_of_its_own_4_1_4() -> None:
    pair, notifier, subscription = installed()
    assert notifier.notify(body=b"<other/>", tag="carol", cseq=1) == 200
    (fork,) = forks(pair)
    assert (fork.origin, fork.owner, fork.state) == (subscription, "lamp", "active")
    assert pair.alice.events[-3:] == [
        SubscriptionForked(fork, subscription),
        SubscriptionActive(fork),
        Notified(fork, "application/dialog-info+xml", b"<other/>"),
    ]
    pair.advance(600)
    tags = [request.to_tag for request in notifier.seen]
    assert set(tags) == {None, "bob", "carol"}, "each is refreshed"
    assert notifier.notify(body=b"<own/>", tag="carol") == 200
    assert pair.alice.last(Notified).subscription is fork


def test_the_number_of_forks_and_the_time_for_them_have_a_bound() -> None:
    pair, notifier, _ = installed()
    answers = [notifier.notify(tag=f"fork{number}") for number in range(10)]
    assert answers == [200] * 8 + [481] * 2
    pair.advance(33)
    assert notifier.notify(tag="fork7") == 200
    assert notifier.notify(tag="late") == 481
    assert len(forks(pair)) == 8
    assert pair.alice.agent.counters["fork_refused"] == 2


def test_a_fork_that_ends_is_not_asked_for_again_but_its_origin_is() -> None:
    pair, notifier, subscription = installed()
    notifier.notify(tag="carol")
    (fork,) = forks(pair)
    notifier.notify("terminated;reason=deactivated", tag="carol")
    assert pair.alice.last(SubscriptionEnded) == SubscriptionEnded(fork, "deactivated", None, None)
    pair.advance(5)
    assert len(notifier.seen) == 1
    assert subscription.state == "active"


def test_a_fork_that_is_refused_by_its_notify_was_never_there() -> None:
    pair, notifier, _ = installed()
    assert notifier.notify(tag="carol", event="presence") == 489
    assert forks(pair) == []
    assert notifier.notify("terminated;reason=rejected", tag="carol") == 200
    (fork,) = forks(pair)
    assert fork.state == "off"


def test_forks_end_with_their_origin() -> None:
    pair, notifier, subscription = installed()
    notifier.notify(tag="carol")
    subscription.unsubscribe(pair.now)
    pair.advance(0.1)
    zero = [request.to_tag for request in notifier.seen if request.integer("Expires") == 0]
    assert sorted(filter(None, zero)) == ["bob", "carol"]
    pair.settle()
    assert {event.reason for event in pair.alice.heard(SubscriptionEnded)} == {"unsubscribed"}
    assert pair.alice.is_quiet()


# The end


def test_unsubscribing_asks_for_zero_and_waits_for_the_last_notify_4_1_2_3() -> None:
    pair, notifier, subscription = installed()
    subscription.unsubscribe(pair.now)
    subscription.unsubscribe(pair.now)
    pair.advance(0.1)
    assert [request.integer("Expires") for request in notifier.seen] == [600, 0]
    assert pair.alice.heard(SubscriptionEnded) == []
    assert notifier.notify("terminated;reason=timeout", b"<last/>") == 200
    assert pair.alice.last(Notified).body == b"<last/>"
    assert pair.alice.last(SubscriptionEnded) == SubscriptionEnded(subscription, "unsubscribed", None, None)
    pair.settle()
    assert pair.alice.is_quiet()
    subscription.unsubscribe(pair.now)
    assert len(pair.alice.heard(SubscriptionEnded)) == 1


@pytest.mark.parametrize("answer", [grant(0), refuse(481), refuse(500), silent])
def test_a_notifier_that_says_no_more_is_left_after_timer_n(answer: object) -> None:
    pair, notifier, subscription = installed()
    notifier.answers = [answer]  # type: ignore[list-item]
    subscription.unsubscribe(pair.now)
    pair.settle()
    assert pair.alice.last(SubscriptionEnded) == SubscriptionEnded(subscription, "unsubscribed", None, None)
    assert pair.alice.is_quiet()


def test_what_is_not_wanted_any_more_before_it_stood_is_ended_by_its_first_notify() -> None:
    pair, notifier = notifier_pair(grant(600))
    subscription = pair.alice.agent.subscribe(pair.alice.account, TARGET, "dialog", pair.now)
    subscription.unsubscribe(pair.now)
    pair.advance(0.1)
    assert subscription.state == "leaving"
    assert notifier.notify() == 200
    pair.advance(0.1)
    assert notifier.seen[-1].integer("Expires") == 0
    assert notifier.notify("terminated") == 200
    assert pair.alice.heard(SubscriptionActive) == []
    pair.settle()
    assert pair.alice.is_quiet()


def test_one_that_is_switched_off_and_on_again_begins_anew() -> None:
    pair, notifier, subscription = installed()
    subscription.unsubscribe(pair.now)
    subscription.refresh(pair.now)
    pair.advance(0.1)
    assert [request.integer("Expires") for request in notifier.seen] == [600, 0, 600]
    assert notifier.notify(of=notifier.seen[0]) == 481, "nobody listens to the old one"
    assert notifier.notify() == 200
    assert subscription.state == "active"


def test_a_fetch_asks_once_and_ends_with_the_terminated_notify() -> None:
    pair, notifier = notifier_pair(grant(0))
    subscription = subscribe(pair, expires=0)
    assert notifier.notify("terminated;reason=timeout", b"<now/>") == 200
    assert pair.alice.events == [
        Notified(subscription, "application/dialog-info+xml", b"<now/>"),
        SubscriptionEnded(subscription, "fetched", None, None),
    ]
    pair.settle()
    assert len(notifier.seen) == 1
    assert pair.alice.is_quiet()


@pytest.mark.parametrize(
    ("answer", "reason", "status"),
    [(grant(0), "silent", None), (silent, "refused", None), (refuse(404), "refused", 404)],
)
def test_a_fetch_that_finds_nothing_says_so(answer: object, reason: str, status: int | None) -> None:
    pair, notifier = notifier_pair(answer)  # type: ignore[arg-type]
    subscription = subscribe(pair, expires=0)
    pair.settle()
    assert pair.alice.events == [SubscriptionEnded(subscription, reason, status, None)]
    assert pair.alice.is_quiet()
    subscription.refresh(pair.now)
    pair.advance(0.1)
    assert len({request.call_id for request in notifier.seen}) == 2


def test_a_lost_connection_refreshes_it_within_two_seconds() -> None:
    pair, notifier = notifier_pair(grant(600), transport="tcp")
    subscription = subscribe(pair)
    agent = pair.alice.agent
    assert subscription.state == "accepted"
    pair.alice.agent.transport_lost(pair.alice.account.flow(0), pair.now)
    assert subscription.state == "accepted", "timer N says it"
    notifier.notify()
    agent.transport_lost(pair.alice.account.flow(0)._replace(transport="udp"), pair.now)
    pair.advance(2.1)
    assert len(notifier.seen) == 2


def test_an_injected_header_is_refused_and_nothing_is_sent() -> None:
    pair, _ = notifier_pair(grant(600))
    agent = pair.alice.agent
    for event, headers in (("dialog\r\nX: y", []), ("di alog", []), ("dialog", [("X", "a\r\nVia: b")])):
        with pytest.raises(LocalProtocolError):
            agent.subscribe(pair.alice.account, TARGET, event, pair.now, headers=headers)
    assert agent.take_output() == []


# The table


@pytest.mark.parametrize("state", list(SubscriptionState))
@pytest.mark.parametrize("event", list(SubscriptionInput))
def test_every_row_is_written_or_refused(state: SubscriptionState, event: SubscriptionInput) -> None:
    """Commands are foreseen everywhere; answers while a SUBSCRIBE counts; NOTIFY while it is found by one; time where it is set."""
    asking = {"subscribing", "early", "refreshing", "leaving", "unsubscribing", "fetching"}
    found = asking | {"accepted", "active"}
    foreseen = {
        SubscriptionInput.SUBSCRIBE: state != "fetching",
        SubscriptionInput.FETCH: state in {"idle", "fetching", "off"},
        SubscriptionInput.UNSUBSCRIBE: True,
        SubscriptionInput.ACCEPTED: state in asking,
        SubscriptionInput.TOO_BRIEF: state in asking,
        SubscriptionInput.REFUSED: state in asking,
        SubscriptionInput.NOTIFIED: state in found | {"idle"},
        SubscriptionInput.TERMINATED: state in found,
        SubscriptionInput.DISMISSED: state in found | {"idle"},
        SubscriptionInput.TIMER: state in {"early", "active", "refreshing", "waiting"},
        SubscriptionInput.TIMER_N: state
        in {"subscribing", "accepted", "leaving", "unsubscribing", "fetching"},
        SubscriptionInput.EXPIRED: state in {"early", "active", "refreshing"},
        SubscriptionInput.TRANSPORT_LOST: state in found,
    }
    assert ((state, event) in Subscription.table) == foreseen[event]
