"""A 2xx and its ACK, from end to end (RFC 3261 §13.2.2.4, §13.3.1.4, §15)."""

from __future__ import annotations

import pytest

from sip.events import (
    CallAnswered,
    CallConfirmed,
    EndCause,
)
from tests.sip.pair import (
    ANSWER,
    assert_ended,
    make_pair,
    rings,
)


def test_the_ack_leaves_only_when_the_user_says_so_and_then_for_each_repeated_200() -> None:
    pair = make_pair()
    mine = rings(pair)
    pair.bob.call().accept(ANSWER, pair.now)
    pair.advance(1.0)
    assert pair.names().count("200 INVITE") == 2
    assert "ACK" not in pair.names()
    pair.drop("ACK")
    mine.acknowledge(pair.now)
    pair.advance(3.0)
    assert pair.names().count("ACK") == 2
    assert len(pair.alice.heard(CallAnswered)) == len(pair.bob.heard(CallConfirmed)) == 1
    acks = [ack.to_bytes() for ack in pair.requests("ACK")]
    assert acks[0] == acks[1]
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)


def test_a_200_is_repeated_from_t1_to_t2_until_the_ack_also_over_tcp() -> None:
    for transport in ("udp", "tcp"):
        pair = make_pair(transport=transport)
        rings(pair)
        began = pair.now
        pair.bob.call().accept(ANSWER, began)
        times = []
        for _ in range(320):
            before = pair.names().count("200 INVITE")
            pair.advance(0.1)
            times += [round(pair.now - began, 1)] * (pair.names().count("200 INVITE") - before)
        assert times[:6] == pytest.approx([0.1, 0.6, 1.6, 3.6, 7.6, 11.6], abs=0.11), transport
        assert len(times) == 11


def test_64_t1_without_an_ack_the_callee_hangs_up() -> None:
    pair = make_pair()
    mine = rings(pair)
    pair.bob.call().accept(ANSWER, pair.now)
    pair.drop("ACK", 1000)
    pair.advance(0.1)
    mine.acknowledge(pair.now)
    hers, his = assert_ended(pair, "them", EndCause.HUNG_UP)
    assert (his.by, his.cause) == ("nobody", EndCause.NOT_ACKNOWLEDGED)
    assert hers.reasons[0].cause == 408


def test_bye_of_the_callee_waits_for_the_ack() -> None:
    pair = make_pair()
    mine = rings(pair)
    theirs = pair.bob.call()
    theirs.accept(ANSWER, pair.now)
    theirs.bye(pair.now)
    theirs.bye(pair.now)
    pair.advance(0.3)
    assert "BYE" not in pair.names()
    mine.acknowledge(pair.now)
    _hers, his = assert_ended(pair, "them", EndCause.HUNG_UP)
    assert (his.by, his.cause) == ("us", EndCause.HUNG_UP)


def test_bye_of_the_caller_before_it_acknowledged_sends_the_ack_first() -> None:
    pair = make_pair()
    mine = rings(pair)
    pair.bob.call().accept(ANSWER, pair.now)
    pair.advance(0.1)
    mine.bye(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)
    assert [name for name in pair.names(pair.alice) if name in ("ACK", "BYE")] == ["ACK", "BYE"]


def test_cancel_between_the_200_and_our_ack_hangs_up() -> None:
    pair = make_pair()
    mine = rings(pair)
    pair.bob.call().accept(ANSWER, pair.now)
    pair.advance(0.1)
    mine.cancel(pair.now)
    assert_ended(pair, "us", EndCause.HUNG_UP)
    assert "CANCEL" not in pair.names()
