"""Who may begin to watch: strangers with every kind of SUBSCRIBE (RFC 6665 §4.2.1.1)."""

from __future__ import annotations

import pytest

from sip.agent import UserAgent
from sip.events import Event
from sip.flow import Flow
from sip.message import Response, parse
from sip.subscriptions.facts import SubscriptionReceived
from tests.sip.strangers import agent, ask, request


def subscribe(number: int = 0, *lines: str) -> bytes:
    more = ("Event: dialog", f"Call-ID: c{number}", *lines)
    return request("SUBSCRIBE", *more, branch=f"z9hG4bKs{number}")


def notifier(most: int = 100) -> UserAgent:
    return agent(packages=["dialog", "presence"], max_watchers=most)


def received(ua: UserAgent) -> list[Event]:
    return [event for event in ua.take_events() if isinstance(event, SubscriptionReceived)]


@pytest.mark.parametrize(
    ("line", "status", "header"),
    [
        ("Event: secrets", 489, ("Allow-Events", "dialog, presence")),
        ("Event: Dialog", 489, None),
        ("Event: @", 489, None),
        ("Expires: 59", 423, ("Min-Expires", "60")),
        ("Expires: soon", 400, None),
        ("Expires: 99999999999999999999", 400, None),
        ("Contact: *", 400, None),
    ],
)
def test_what_cannot_be_watched_is_refused_and_counted(
    line: str, status: int, header: tuple[str, str] | None
) -> None:
    ua = notifier()
    (response,) = ask(ua, subscribe(0, line))
    assert response.status == status
    assert response.to_tag
    if header is not None:
        assert response.get(header[0]) == header[1]
    assert ua.counters == {"subscribe_refused": 1}
    assert (ua.take_events(), ua.subscription_count) == ([], 0)


def test_a_subscribe_without_an_event_gets_489() -> None:
    ua = notifier()
    (response,) = ask(ua, request("SUBSCRIBE"))
    assert response.status == 489


def test_an_agent_without_packages_gets_no_subscriptions() -> None:
    ua = agent()
    (response,) = ask(ua, subscribe())
    assert response.status == 405
    assert "SUBSCRIBE" not in (response.get("Allow") or "")


@pytest.mark.parametrize(("asked", "granted"), [(None, 3600), ("86400", 3600), ("60", 60), ("1800", 1800)])
def test_the_time_may_be_made_shorter_and_never_longer_4_2_1_1(asked: str | None, granted: int) -> None:
    ua = notifier()
    assert ask(ua, subscribe(0, *([f"Expires: {asked}"] if asked else []))) == []
    (event,) = received(ua)
    assert isinstance(event, SubscriptionReceived)
    event.watcher.accept(0.0)
    (ok,) = [message for _, data in ua.take_output() if isinstance(message := parse(data), Response)]
    assert ok.integer("Expires") == granted


def test_the_number_of_watchers_has_a_bound_and_so_has_that_of_one_address() -> None:
    ua = notifier(6)
    for number in range(4):
        ua.receive(subscribe(number), Flow("udp", ("192.0.2.9", 5060)), 0.0)
    assert len(received(ua)) == 3, "half of all from one address"
    for number in range(4, 8):
        ua.receive(subscribe(number), Flow("udp", ("192.0.2.8", 5060)), 0.0)
    assert len(received(ua)) == 3
    answers = [message for _, data in ua.take_output() if isinstance(message := parse(data), Response)]
    assert [(one.status, one.integer("Retry-After")) for one in answers] == [(503, 30), (503, 30)]
    assert ua.counters["subscribe_refused"] == 2


def test_who_goes_makes_room() -> None:
    ua = notifier(2)
    ua.receive(subscribe(0), Flow("udp", ("192.0.2.9", 5060)), 0.0)
    (event,) = received(ua)
    assert isinstance(event, SubscriptionReceived)
    event.watcher.refuse(403, 0.0)
    assert ua.subscription_count == 0
    ua.receive(subscribe(1), Flow("udp", ("192.0.2.9", 5060)), 0.0)
    assert len(received(ua)) == 1


def test_a_notify_or_subscribe_in_no_dialog_of_ours_gets_481() -> None:
    ua = notifier()
    for number, method in enumerate(["NOTIFY", "SUBSCRIBE"]):
        data = request(method, "Event: dialog", to=";tag=gone", branch=f"z9hG4bKg{number}")
        assert [one.status for one in ask(ua, data)] == [481]
    assert [one.status for one in ask(ua, request("NOTIFY", "Event: dialog"))] == [481]
    assert ua.counters == {"out_of_dialog": 3}


def test_the_watchers_own_notify_is_no_request_for_it() -> None:
    """A NOTIFY in the dialog of a watcher, sent the wrong way round."""
    ua = notifier()
    ua.receive(subscribe(), Flow("udp", ("192.0.2.9", 5060)), 0.0)
    (event,) = received(ua)
    assert isinstance(event, SubscriptionReceived)
    tag = event.watcher.dialog.local_tag
    data = request("NOTIFY", "Event: dialog", "Call-ID: c0", to=f";tag={tag}", branch="z9hG4bKw")
    assert [one.status for one in ask(ua, data)] == [481]
