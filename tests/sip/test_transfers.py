"""Transfers between three user agents, as RFC 5359 and RFC 5589 draw them: Alice transfers Bob to Carol.

Every play ends with all three quiet: no call, no transaction, no deadline, no transfer is left.
"""

from __future__ import annotations

from sip.call import Call
from sip.calls.inside_events import CallReplaced, ReferEnded, ReferProgress, ReferReceived
from sip.calls.refer_in import IncomingRefer
from sip.events import CallAnswered, CallEnded, CallProceeding, CallReceived, Event
from sip.headers import ReplacesHeader
from tests.sip.calls.test_refer_out import told
from tests.sip.pair import ANSWER, OFFER, Party
from tests.sip.trio import Trio, answers, make_trio


def obeys(party: Party) -> list[Call]:
    """The party does what a REFER asks, and says how it goes; the calls it made so."""
    made: list[Call] = []
    under_way: dict[Call, IncomingRefer] = {}

    def react(event: Event, now: float) -> None:
        match event:
            case ReferReceived(call, refer, refer_to, replaces):
                refer.accept(now)
                new = party.agent.invite(
                    party.account, refer_to.uri, OFFER, now, replaces=replaces, headers=refer.invite_headers
                )
                made.append(new)
                under_way[new] = refer
            case CallProceeding(call, status) if call in under_way:
                under_way[call].progress(status, now)
            case CallAnswered(call):
                call.acknowledge(now)
                if call in under_way:
                    under_way[call].progress(200, now)
            case CallEnded(call, status=status) if call in under_way:
                under_way[call].progress(status or 503, now)
            case _:
                pass

    party.reacts = react
    return made


def hang_up_all(trio: Trio) -> None:
    for party in trio.parties:
        for call in party.agent.calls:
            if call.state == "confirmed":
                call.bye(trio.now)
                trio.advance(0.1)


def test_a_blind_transfer_rfc5359_2_4() -> None:
    trio = make_trio()
    made = obeys(trio.bob)
    answers(trio.carol)
    mine, his = trio.dial(trio.alice, trio.bob)
    mine.refer(trio.carol.account.uri, trio.now)
    trio.advance(0.5)
    (new,) = made
    assert told(trio.alice) == [
        ("ReferAccepted", None),
        ("ReferProgress", 100),
        ("ReferProgress", 180),
        ("ReferEnded", 200),
    ]
    assert (new.state, his.state, trio.carol.call().state) == ("confirmed",) * 3
    by = trio.carol.call().invitation.referred_by
    assert by is not None
    assert by.uri == trio.alice.account.uri
    mine.bye(trio.now)
    trio.advance(0.1)
    assert [call.id for call in trio.bob.agent.calls] == [new.id]
    hang_up_all(trio)
    trio.assert_quiet()


def test_a_blind_transfer_whose_transferor_leaves_at_once_rfc5589_6_1() -> None:
    trio = make_trio()
    made = obeys(trio.bob)
    answers(trio.carol)
    mine, _ = trio.dial(trio.alice, trio.bob)
    mine.refer(trio.carol.account.uri, trio.now)
    mine.bye(trio.now)
    trio.advance(0.5)
    assert trio.alice.last(CallEnded).call is mine
    assert trio.alice.last(ReferEnded).status == 200  # after the CallEnded of its call, RFC 5057
    assert made[0].state == "confirmed"
    hang_up_all(trio)
    trio.assert_quiet()


def test_a_blind_transfer_to_a_busy_target_comes_back_to_the_transferor_rfc5589_6_2() -> None:
    trio = make_trio()
    obeys(trio.bob)
    trio.carol.reacts = lambda event, now: (
        event.call.reject(486, now) if isinstance(event, CallReceived) else None
    )
    mine, his = trio.dial(trio.alice, trio.bob)
    mine.refer(trio.carol.account.uri, trio.now)
    trio.advance(0.5)
    assert (trio.alice.last(ReferEnded).status, trio.alice.last(ReferEnded).reason) == (486, "Busy Here")
    assert (mine.state, his.state) == ("confirmed", "confirmed")
    hang_up_all(trio)
    trio.assert_quiet()


def test_an_attended_transfer_rfc5359_2_5() -> None:
    trio = make_trio()
    made = obeys(trio.bob)
    answers(trio.carol)
    first, his = trio.dial(trio.alice, trio.bob)
    consultation = trio.alice.agent.invite(trio.alice.account, trio.carol.account.uri, OFFER, trio.now)
    trio.advance(0.2)
    consultation.acknowledge(trio.now)
    trio.advance(0.1)
    hers = trio.carol.call()
    replaces = ReplacesHeader(consultation.id, consultation.remote_tag, consultation.local_tag)
    first.refer(trio.carol.account.uri, trio.now, replaces=replaces)
    trio.advance(0.5)
    assert trio.alice.last(ReferEnded).status == 200
    assert trio.carol.last(CallReplaced) == CallReplaced(hers, trio.carol.call())
    ended = trio.alice.last(CallEnded)
    assert (ended.call, ended.by) == (consultation, "them")
    assert (made[0].state, trio.carol.call().state, his.state) == ("confirmed",) * 3
    assert trio.carol.call().id == made[0].id
    first.bye(trio.now)
    hang_up_all(trio)
    trio.assert_quiet()


def test_an_attended_transfer_of_a_consultation_that_has_ended_fails_and_leaves_the_call_rfc5589_7_4() -> (
    None
):
    trio = make_trio()
    obeys(trio.bob)
    answers(trio.carol)
    first, his = trio.dial(trio.alice, trio.bob)
    consultation = trio.alice.agent.invite(trio.alice.account, trio.carol.account.uri, OFFER, trio.now)
    trio.advance(0.2)
    consultation.acknowledge(trio.now)
    trio.advance(0.1)
    replaces = ReplacesHeader(consultation.id, consultation.remote_tag, consultation.local_tag)
    trio.carol.call().bye(trio.now)
    trio.advance(0.2)
    first.refer(trio.carol.account.uri, trio.now, replaces=replaces)
    trio.advance(0.5)
    assert trio.alice.last(ReferEnded).status == 603
    assert len(trio.carol.heard(CallReceived)) == 1
    assert (first.state, his.state) == ("confirmed", "confirmed")
    hang_up_all(trio)
    trio.assert_quiet()


def test_the_target_rings_long_and_the_transferor_hears_of_it() -> None:
    trio = make_trio()
    obeys(trio.bob)
    trio.carol.reacts = lambda event, now: event.call.ring(now) if isinstance(event, CallReceived) else None
    mine, _ = trio.dial(trio.alice, trio.bob)
    mine.refer(trio.carol.account.uri, trio.now)
    trio.advance(150)
    assert {fact.status for fact in trio.alice.heard(ReferProgress)} == {100, 180}
    trio.carol.call().accept(ANSWER, trio.now)
    trio.advance(1)
    assert trio.alice.last(ReferEnded).status == 200
    hang_up_all(trio)
    trio.assert_quiet()


def test_the_messages_of_a_blind_transfer_are_those_of_the_rfc() -> None:
    trio = make_trio()
    obeys(trio.bob)
    answers(trio.carol)
    mine, _ = trio.dial(trio.alice, trio.bob)
    before = len(trio.story)
    mine.refer(trio.carol.account.uri, trio.now)
    trio.advance(0.5)
    assert [name for way, name in trio.story[before:] if way == "alice>bob"] == ["REFER", *["200 NOTIFY"] * 3]
    assert [name for way, name in trio.story[before:] if way == "bob>alice"] == ["202 REFER", *["NOTIFY"] * 3]
    assert [name for way, name in trio.story[before:] if "carol" in way] == [
        "INVITE", "100 INVITE", "180 INVITE", "200 INVITE", "ACK",
    ]  # fmt: skip
    hang_up_all(trio)
    trio.assert_quiet()
