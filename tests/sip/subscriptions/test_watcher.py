"""Somebody's subscription to ours, both sides by this library, and what a careless subscriber does (RFC 6665 §4.2)."""

from __future__ import annotations

import pytest

from sip.errors import LocalProtocolError
from sip.message import Request
from sip.subscriptions.facts import (
    Notified,
    SubscriptionActive,
    SubscriptionEnded,
    SubscriptionPending,
    SubscriptionReceived,
    WatcherEnded,
)
from sip.subscriptions.header_values import SubscriptionStateHeader
from sip.subscriptions.subscription import Subscription
from sip.subscriptions.watcher import Watcher
from sip.subscriptions.watcher_states import WatcherInput, WatcherState
from tests.sip.notifier import TARGET
from tests.sip.pair import Pair, make_pair

XML = "application/dialog-info+xml"


def asked(expires: int = 600, event: str = "dialog") -> tuple[Pair, Subscription, Watcher]:
    """Alice asks to watch Bob, who has not answered yet."""
    pair = make_pair(packages=["dialog", "presence"])
    mine = pair.alice.agent.subscribe(pair.alice.account, TARGET, event, pair.now, expires=expires)
    pair.advance(0.05)
    return pair, mine, pair.bob.last(SubscriptionReceived).watcher


def watched(expires: int = 600) -> tuple[Pair, Subscription, Watcher]:
    """Alice watches Bob."""
    pair, mine, his = asked(expires)
    his.accept(pair.now, XML, b"<one/>")
    pair.advance(0.1)
    assert (mine.state, his.state) == ("active", "quiet")
    return pair, mine, his


def bodies(pair: Pair) -> list[bytes]:
    return [event.body for event in pair.alice.heard(Notified)]


def notices(pair: Pair) -> list[SubscriptionStateHeader]:
    return [
        SubscriptionStateHeader.parse(one.get("Subscription-State") or "") for one in pair.requests("NOTIFY")
    ]


def test_who_is_accepted_gets_a_notify_at_once_4_2_1_2() -> None:
    pair, mine, his = asked()
    assert (str(his.request.uri), his.event.package, his.expires) == (str(TARGET), "dialog", 600)
    his.accept(pair.now, XML, b"<one/>")
    pair.advance(0.1)
    assert pair.alice.events == [SubscriptionActive(mine), Notified(mine, XML, b"<one/>")]
    (ok,) = pair.responses("200 SUBSCRIBE")
    assert (ok.integer("Expires"), ok.get("Allow-Events")) == (600, "dialog, presence, hold, talk, refer")
    (notify,) = pair.requests("NOTIFY")
    assert (notify.get("Event"), notify.content_type, notify.contact is not None) == ("dialog", XML, True)
    assert notices(pair) == [SubscriptionStateHeader("active", expires=600)]


def test_the_contact_of_a_notify_is_where_refreshes_are_to_go() -> None:
    pair, mine, _ = watched()
    mine.refresh(pair.now)
    pair.advance(0.1)
    assert str(pair.requests("SUBSCRIBE")[-1].uri) == "sip:102@192.0.2.2:5060"


def test_a_state_that_changes_is_told_and_the_id_of_the_event_comes_back() -> None:
    pair, _, his = asked(event="dialog;id=4")
    his.accept(pair.now, XML, b"<one/>")
    pair.advance(0.1)
    his.notify(XML, b"<two/>", pair.now)
    pair.advance(0.1)
    assert bodies(pair) == [b"<one/>", b"<two/>"]
    assert {one.get("Event") for one in pair.requests("NOTIFY")} == {"dialog;id=4"}


def test_one_notify_is_under_way_at_a_time_and_the_last_state_follows() -> None:
    pair, _, his = watched()
    for number in range(5):
        his.notify(XML, b"<n%d/>" % number, pair.now)
    pair.advance(1)
    assert bodies(pair) == [b"<one/>", b"<n0/>", b"<n4/>"]


def test_a_pending_watcher_sees_nothing_until_it_is_allowed() -> None:
    pair, mine, his = asked()
    his.accept(pair.now, pending=True, status=202)
    pair.advance(0.1)
    assert pair.alice.events == [SubscriptionPending(mine)]
    his.notify(XML, b"<one/>", pair.now)
    pair.advance(0.1)
    assert pair.alice.events[1:] == [SubscriptionActive(mine), Notified(mine, XML, b"<one/>")]


def test_a_refresh_prolongs_it_and_tells_the_state_again_4_2_1_2() -> None:
    pair, _, his = watched()
    pair.advance(520)
    assert len(pair.requests("SUBSCRIBE")) == 2
    assert bodies(pair) == [b"<one/>", b"<one/>"]
    pair.advance(2000)
    assert (his.state, len(pair.requests("SUBSCRIBE"))) == ("quiet", 6)
    assert pair.bob.heard(WatcherEnded) == []


def test_who_does_not_refresh_is_told_that_the_time_is_over_4_2_2() -> None:
    pair, mine, his = watched(60)
    pair.drop("SUBSCRIBE", 100)
    pair.advance(61)
    assert pair.bob.heard(WatcherEnded) == [WatcherEnded(his, "expired")]
    assert notices(pair)[-1] == SubscriptionStateHeader("terminated", "timeout")
    assert pair.alice.heard(SubscriptionEnded)[0].subscription is mine


def test_unsubscribing_ends_with_a_terminated_notify_4_2_1_1() -> None:
    pair, mine, his = watched()
    mine.unsubscribe(pair.now)
    pair.settle()
    assert pair.bob.heard(WatcherEnded) == [WatcherEnded(his, "unsubscribed")]
    assert pair.alice.last(SubscriptionEnded) == SubscriptionEnded(mine, "unsubscribed", None, None)
    assert notices(pair)[-1] == SubscriptionStateHeader("terminated", "timeout")
    assert pair.alice.is_quiet()
    assert pair.bob.is_quiet()
    his.notify(XML, b"<late/>", pair.now)
    his.end("noresource", pair.now)
    assert pair.bob.is_quiet(), "its user need not know yet"


def test_a_fetch_is_told_the_state_once() -> None:
    pair, mine, his = asked(0)
    his.accept(pair.now, XML, b"<now/>")
    pair.settle()
    assert bodies(pair) == [b"<now/>"]
    assert pair.alice.last(SubscriptionEnded) == SubscriptionEnded(mine, "fetched", None, None)
    assert pair.bob.heard(WatcherEnded) == [WatcherEnded(his, "unsubscribed")]
    assert len(pair.requests("NOTIFY")) == 1
    assert pair.bob.is_quiet()


@pytest.mark.parametrize(
    ("reason", "retry_after", "wire"),
    [
        ("noresource", None, SubscriptionStateHeader("terminated", "noresource")),
        ("probation", 60, SubscriptionStateHeader("terminated", "probation", retry_after=60)),
    ],
)
def test_who_is_ended_learns_why_and_sees_nothing_more(
    reason: str, retry_after: int | None, wire: SubscriptionStateHeader
) -> None:
    pair, mine, his = watched()
    his.notify(XML, b"<two/>", pair.now)
    his.end(reason, pair.now, retry_after)
    his.notify(XML, b"<three/>", pair.now)
    assert pair.bob.agent.take_events() == [WatcherEnded(his, reason)]
    pair.advance(1)
    assert bodies(pair) == [b"<one/>", b"<two/>"]
    assert notices(pair)[-1] == wire
    ended = pair.alice.last(SubscriptionEnded)
    assert (ended.subscription, ended.reason, ended.retry_at is None) == (mine, reason, retry_after is None)


def test_a_subscriber_that_knows_it_no_more_ends_it() -> None:
    pair, _, his = watched()
    pair.alice.agent = pair.alice.new_agent()
    his.notify(XML, b"<two/>", pair.now)
    pair.advance(0.1)
    assert [one.status for one in pair.responses("481 NOTIFY")] == [481]
    assert pair.bob.last(WatcherEnded) == WatcherEnded(his, "gone")
    pair.settle()
    assert pair.bob.is_quiet()


def test_a_subscriber_that_is_silent_ends_it_after_timer_f() -> None:
    pair, _, his = watched()
    pair.drop("NOTIFY", 100)
    his.notify(XML, b"<two/>", pair.now)
    pair.advance(33)
    assert pair.bob.last(WatcherEnded) == WatcherEnded(his, "gone")


@pytest.mark.parametrize(
    ("status", "headers", "ends"), [(500, (), False), (480, (), True), (480, (("Retry-After", 5),), False)]
)
def test_whether_a_refused_notify_ends_it_is_said_by_its_status_4_2_2(
    status: int, headers: tuple[tuple[str, int], ...], ends: bool
) -> None:
    pair, _, his = watched()
    pair.drop("NOTIFY")
    his.notify(XML, b"<two/>", pair.now)
    pair.flush()
    notify = pair.requests("NOTIFY")[-1]
    pair.inject(notify.reply(status, headers=headers).to_bytes(), pair.bob)
    pair.flush()
    assert (his.state == "off") == ends
    assert (pair.bob.heard(WatcherEnded) != []) == ends


def test_a_refused_one_is_told_so_and_forgotten() -> None:
    pair, mine, his = asked()
    with pytest.raises(LocalProtocolError):
        his.refuse(200, pair.now)
    his.refuse(403, pair.now)
    pair.advance(0.1)
    assert mine.state == "waiting"
    mine.unsubscribe(pair.now)
    pair.settle()
    assert pair.bob.heard(WatcherEnded) == []
    assert pair.bob.is_quiet()


def test_a_challenge_is_answered_by_a_new_subscribe() -> None:
    pair, mine, his = asked()
    his.refuse(401, pair.now, [("WWW-Authenticate", 'Digest realm="bob", nonce="n", qop="auth"')])
    pair.advance(0.1)
    second = pair.bob.last(SubscriptionReceived).watcher
    assert second is not his
    assert second.request.get("Authorization")
    second.accept(pair.now, XML, b"<one/>")
    pair.advance(0.1)
    assert mine.state == "active"


def test_who_is_never_answered_gets_500_in_the_end() -> None:
    pair, _, his = asked()
    pair.advance(40)
    assert his.state == "off"
    assert pair.bob.agent.counters["watcher_unanswered"] == 1
    with pytest.raises(LocalProtocolError):
        his.accept(pair.now)


def test_a_lost_connection_is_replaced_by_the_next_notify() -> None:
    pair = make_pair(transport="tcp", packages=["dialog"])
    mine = pair.alice.agent.subscribe(pair.alice.account, TARGET, "dialog", pair.now)
    pair.advance(0.05)
    his = pair.bob.last(SubscriptionReceived).watcher
    his.accept(pair.now, XML, b"<one/>")
    pair.advance(0.1)
    assert his._met.connection == 1
    his.transport_lost(his._met, pair.now)
    assert his._met.connection == 0
    his.notify(XML, b"<two/>", pair.now)
    pair.advance(0.1)
    assert (mine.state, bodies(pair)) == ("active", [b"<one/>", b"<two/>"])


def again(
    request: Request, *, expires: str, cseq: int, tag: str, event: str = "dialog", contact: bool = True
) -> bytes:
    """A SUBSCRIBE of Alice's in the dialog, written anew."""
    made = request.with_header("Expires", expires).with_header("CSeq", f"{cseq} SUBSCRIBE")
    made = made.with_header("To", f"<{TARGET}>;tag={tag}").with_header("Event", event)
    made = made.with_header("Via", f"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKagain{cseq}")
    return (made if contact else made.without("Contact")).to_bytes()


@pytest.mark.parametrize(
    ("expires", "cseq", "event", "contact", "status"),
    [
        ("30", 9, "dialog", True, 423),
        ("600", 9, "presence", True, 489),
        ("600", 0, "dialog", True, 500),
        ("soon", 9, "dialog", True, 400),
        ("600", 9, "dialog", False, 400),
        ("600", 9, "dialog", True, 200),
    ],
)
def test_a_refresh_is_checked_as_the_first_one(
    expires: str, cseq: int, event: str, contact: bool, status: int
) -> None:
    pair, _, his = watched()
    tag = his.dialog.local_tag
    data = again(his.request, expires=expires, cseq=cseq, tag=tag, event=event, contact=contact)
    pair.inject(data, pair.bob)
    pair.flush()
    assert [one.status for one in pair.responses(f"{status} SUBSCRIBE")][-1:] == [status]
    assert his.state == ("notifying" if status == 200 else "quiet")


def test_a_refresh_while_it_ends_gets_481() -> None:
    pair, _, his = watched()
    pair.drop("NOTIFY")
    his.end("noresource", pair.now)
    pair.inject(again(his.request, expires="600", cseq=9, tag=his.dialog.local_tag), pair.bob)
    pair.flush()
    assert pair.responses("481 SUBSCRIBE")


@pytest.mark.parametrize("state", list(WatcherState))
@pytest.mark.parametrize("event", list(WatcherInput))
def test_every_row_is_written_or_refused(state: WatcherState, event: WatcherInput) -> None:
    stands = {"quiet", "notifying", "stale"}
    under_way = {"notifying", "stale", "ending", "leaving"}
    foreseen = {
        WatcherInput.SUBSCRIBED: state in stands | {"idle"},
        WatcherInput.ACCEPT: state == "received",
        WatcherInput.ACCEPT_ONCE: state == "received",
        WatcherInput.REFUSE: state == "received",
        WatcherInput.NOTIFY: state not in {"idle", "received"},
        WatcherInput.END: state not in {"idle", "received"},
        WatcherInput.DELIVERED: state in under_way,
        WatcherInput.LOST: state in under_way,
        WatcherInput.TIMER: state in stands | {"received"},
    }
    assert ((state, event) in Watcher.table) == foreseen[event]
