"""A publication against a compositor that answers as it is told (RFC 3903 §4)."""

from __future__ import annotations

import pytest

from sip.errors import LocalProtocolError
from sip.message import Request
from sip.subscriptions.facts import PublicationFailed, Published, Unpublished
from sip.subscriptions.publication import Publication, PublicationInput, PublicationState
from tests.sip.notifier import Answer, Notifier, notifier_pair, refuse, silent
from tests.sip.pair import Pair


def store(etag: str | None, expires: int = 600) -> Answer:
    headers = {"Expires": str(expires)} if etag is None else {"Expires": str(expires), "SIP-ETag": etag}
    return refuse(200, **headers)


def publish(*answers: Answer) -> tuple[Pair, Notifier, Publication]:
    pair, compositor = notifier_pair(*answers)
    publication = pair.alice.agent.publish(
        pair.alice.account, "presence", b"<one/>", pair.now, content_type="application/pidf+xml", owner="me"
    )
    pair.advance(0.1)
    return pair, compositor, publication


def told(request: Request) -> tuple[str | None, int | None, bytes]:
    """What a PUBLISH says: the entity-tag it is about, the time asked for, the state."""
    return request.get("SIP-If-Match"), request.integer("Expires"), request.body


def test_the_first_request_is_as_4_2_wants_it() -> None:
    pair, compositor, publication = publish(store("e1"))
    (request,) = compositor.seen
    assert (request.method, str(request.uri), str(request.to)) == (
        "PUBLISH", "sip:alice@192.0.2.1", "<sip:alice@192.0.2.1>",
    )  # fmt: skip
    assert (request.get("Event"), request.content_type) == ("presence", "application/pidf+xml")
    assert told(request) == (None, 3600, b"<one/>")
    assert request.get("Contact") is None
    assert pair.alice.events == [Published(publication, 600)]
    assert (publication.owner, publication.state) == ("me", "published")


def test_a_refresh_names_the_last_entity_tag_and_bears_no_body_4_3() -> None:
    pair, compositor, publication = publish(store("e1", 100), store("e2", 100))
    pair.advance(86)
    assert told(compositor.seen[1]) == ("e1", 3600, b"")
    assert compositor.seen[1].content_type is None
    pair.advance(90)
    assert told(compositor.seen[2]) == ("e2", 3600, b"")
    assert pair.alice.heard(Published) == [Published(publication, 100)] * 3
    assert [request.cseq.number for request in compositor.seen] == [1, 2, 3]


def test_another_state_is_published_in_the_place_of_the_first_4_4() -> None:
    pair, compositor, publication = publish(store("e1"), store("e2"))
    publication.modify(b"<two/>", pair.now)
    pair.advance(0.1)
    assert told(compositor.seen[1]) == ("e1", 3600, b"<two/>")


def test_one_publish_is_under_way_at_a_time_and_the_last_state_follows_4_1() -> None:
    pair, compositor, publication = publish(store("e1"))
    publication.modify(b"<two/>", pair.now)
    publication.modify(b"<three/>", pair.now)
    publication.modify(b"<four/>", pair.now)
    pair.advance(1)
    assert [request.body for request in compositor.seen] == [b"<one/>", b"<two/>", b"<four/>"]


def test_removing_asks_for_zero_without_a_body_4_5() -> None:
    pair, compositor, publication = publish(store("e1"), store("e2", 0))
    publication.remove(pair.now)
    publication.remove(pair.now)
    pair.settle()
    assert told(compositor.seen[1]) == ("e1", 0, b"")
    assert pair.alice.events[1:] == [Unpublished(publication)]
    assert pair.alice.is_quiet()
    publication.remove(pair.now)
    assert pair.alice.is_quiet()


@pytest.mark.parametrize("deed", ["refresh", "modify"])
def test_412_publishes_afresh_with_the_whole_state(deed: str) -> None:
    pair, compositor, publication = publish(store("e1", 100), refuse(412), store("e9"))
    if deed == "modify":
        publication.modify(b"<two/>", pair.now)
    pair.advance(90)
    assert told(compositor.seen[2]) == (None, 3600, b"<two/>" if deed == "modify" else b"<one/>")
    assert publication.state == "published"
    assert pair.alice.heard(PublicationFailed) == []


def test_412_to_a_first_publish_is_a_failure_and_no_loop() -> None:
    pair, compositor, _ = publish(refuse(412))
    assert len(compositor.seen) == 1
    assert pair.alice.last(PublicationFailed).status == 412


def test_423_is_asked_again_with_the_time_that_the_compositor_wants() -> None:
    _, compositor, publication = publish(refuse(423, Min_Expires="7200"), store("e1", 7200))
    assert [request.integer("Expires") for request in compositor.seen] == [3600, 7200]
    assert publication.state == "published"


def test_a_compositor_without_entity_tags_gets_the_whole_state_each_time() -> None:
    pair, compositor, publication = publish(store(None, 100))
    pair.advance(86)
    assert told(compositor.seen[1]) == (None, 3600, b"<one/>")
    publication.remove(pair.now)
    pair.settle()
    assert len(compositor.seen) == 2, "there is nothing that could be named to be taken back"
    assert pair.alice.last(Unpublished) == Unpublished(publication)


def test_a_huge_entity_tag_is_not_kept() -> None:
    pair, compositor, publication = publish(store("e" * 300), store("e2"))
    publication.modify(b"<two/>", pair.now)
    pair.advance(0.1)
    assert compositor.seen[1].get("SIP-If-Match") is None


@pytest.mark.parametrize("status", [405, 489, 501])
def test_what_will_never_be_taken_is_not_sent_again(status: int) -> None:
    pair, compositor, publication = publish(refuse(status))
    failed = pair.alice.last(PublicationFailed)
    assert (failed.publication, failed.status, failed.retry_at) == (publication, status, None)
    pair.settle()
    assert len(compositor.seen) == 1
    assert pair.alice.is_quiet()


@pytest.mark.parametrize(("answer", "status"), [(refuse(503, Retry_After="50"), 503), (silent, None)])
def test_a_failure_is_waited_out_and_the_last_state_is_published(answer: Answer, status: int | None) -> None:
    pair, compositor, publication = publish(answer, store("e1"))
    pair.advance(33)
    failed = pair.alice.last(PublicationFailed)
    assert failed.status == status
    assert failed.retry_at is not None
    publication.modify(b"<two/>", pair.now)
    pair.advance(60)
    assert compositor.seen[-1].body == b"<two/>"
    assert publication.state == "published"


def test_what_is_taken_back_while_it_is_sent_is_removed_when_that_is_answered() -> None:
    pair, compositor = notifier_pair(store("e1"), store("e2", 0))
    agent = pair.alice.agent
    publication = agent.publish(pair.alice.account, "presence", b"<one/>", 0.0, content_type="a/b")
    publication.remove(0.0)
    pair.settle()
    assert [told(request) for request in compositor.seen] == [(None, 3600, b"<one/>"), ("e1", 0, b"")]
    assert pair.alice.events == [Unpublished(publication)]
    assert pair.alice.is_quiet()


def test_what_is_wanted_again_while_it_is_removed_is_published_in_the_end() -> None:
    pair, compositor, publication = publish(store("e1"), store("e2", 0), store("e3"))
    publication.remove(pair.now)
    publication.modify(b"<back/>", pair.now)
    pair.advance(1)
    assert [told(request) for request in compositor.seen[1:]] == [("e1", 0, b""), (None, 3600, b"<back/>")]
    assert publication.state == "published"
    assert pair.alice.heard(Unpublished) == []


def test_what_was_never_taken_needs_no_removal() -> None:
    pair, compositor, publication = publish(refuse(500))
    publication.remove(pair.now)
    pair.settle()
    assert len(compositor.seen) == 1
    assert pair.alice.last(Unpublished) == Unpublished(publication)
    assert pair.alice.is_quiet()


def test_an_injected_header_is_refused() -> None:
    pair, _ = notifier_pair(store("e1"))
    with pytest.raises(LocalProtocolError):
        pair.alice.agent.publish(pair.alice.account, "presence", b"x", 0.0, content_type="a/b\r\nVia: x")
    with pytest.raises(LocalProtocolError):
        pair.alice.agent.publish(pair.alice.account, "pre\nsence", b"x", 0.0, content_type="a/b")
    assert pair.alice.agent.take_output() == []


@pytest.mark.parametrize("state", list(PublicationState))
@pytest.mark.parametrize("event", list(PublicationInput))
def test_every_row_is_written_or_refused(state: PublicationState, event: PublicationInput) -> None:
    """Commands are foreseen everywhere, answers while a PUBLISH is under way, time in a pause."""
    asking = {"publishing", "stale", "leaving", "removing", "returning"}
    commands = {PublicationInput.MODIFY, PublicationInput.REMOVE}
    foreseen = (
        True
        if event in commands
        else state in {"published", "waiting"}
        if event is PublicationInput.TIMER
        else state in asking
    )
    assert ((state, event) in Publication.table) == foreseen
