"""2xx that nobody wants any more are acknowledged and ended by BYE (RFC 3261 §13.2.2.4)."""

from __future__ import annotations

import pytest

from sip.events import CallEnded, CallProceeding
from sip.message import parse
from sip.uri import Uri
from tests.sip.pair import ANSWER, OFFER, Pair, dial, label, make_pair, rings
from tests.sip.strangers import BOB, agent, request


def stray(status: str, method: str, tag: str) -> bytes:
    lines = request(
        method,
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKold",
        f"From: <sip:a@b>;tag={tag}",
        to=";tag=late",
    )
    return f"SIP/2.0 {status}\r\n".encode() + lines.partition(b"\r\n")[2]


@pytest.mark.parametrize(
    ("status", "method", "tag"),
    [
        ("200 OK", "INVITE", "other"),
        ("487 X", "INVITE", "tbmine"),
        ("180 X", "INVITE", "tbmine"),
        ("200 OK", "BYE", "tbmine"),
    ],
)
def test_a_response_to_nothing_is_only_counted(status: str, method: str, tag: str) -> None:
    ua = agent()
    ua.receive(stray(status, method, tag), BOB, 0.0)
    assert ua.take_output() == []
    assert ua.counters == {"stray_response": 1}


def test_a_200_for_a_dead_call_of_ours_is_acked_and_ended_by_bye_once() -> None:
    ua = agent()
    late = stray("200 OK", "INVITE", "tbmine")
    for _ in range(3):
        ua.receive(late, BOB, 0.0)
    sent = [parse(data) for _, data in ua.take_output()]
    assert [label(message) for message in sent] == ["ACK", "BYE", "ACK", "ACK"]
    assert ua.counters == {"late_200_ended": 1}
    assert sent[0].to_bytes() == sent[2].to_bytes()
    assert [message.cseq.number for message in sent[:2]] == [1, 102]
    assert {str(message.to_tag) for message in sent} == {"late"}
    ua.handle_timer(32.0)
    ua.take_output()
    assert ua.next_deadline() is None, "the memory of it lasts 64*T1"


def test_a_late_200_without_contact_cannot_be_ended_and_is_counted() -> None:
    ua = agent()
    ua.receive(stray("200 OK", "INVITE", "tbmine").replace(b"Contact", b"X-No"), BOB, 0.0)
    assert ua.take_output() == []
    assert ua.counters == {"stray_response": 1}


def fork(
    pair: Pair, status: int, tag: str, *, body: bytes = b"", contact: str = "<sip:bob@192.0.2.2:5060>"
) -> bytes:
    """A response to Alice's INVITE from a branch of a fork."""
    headers = [("Contact", contact)] + ([("Content-Type", "application/sdp")] if body else [])
    return pair.requests("INVITE")[0].reply(status, to_tag=tag, headers=headers, body=body).to_bytes()


def test_early_dialogs_of_a_fork_are_told_by_their_tags() -> None:
    pair = make_pair()
    dial(pair)
    pair.flush()
    for status, tag, body in ((180, "one", b""), (183, "two", ANSWER), (180, "one", b"")):
        pair.inject(fork(pair, status, tag, body=body), pair.alice)
    pair.flush()
    told = [(event.status, event.tag, event.sdp) for event in pair.alice.heard(CallProceeding)]
    assert told == [(180, "one", None), (183, "two", ANSWER), (180, "one", None)]


def test_the_second_200_of_a_fork_is_acked_and_ended_by_bye_and_the_first_stays() -> None:
    pair = make_pair()
    mine = dial(pair)
    pair.flush()
    pair.inject(fork(pair, 200, "one", body=ANSWER), pair.alice)
    mine.acknowledge(pair.now)
    for _ in range(2):
        pair.inject(fork(pair, 200, "two", body=ANSWER), pair.alice)
    pair.flush()
    sent = list(pair.requests("ACK") + pair.requests("BYE"))
    assert [(label(message), message.to_tag) for message in sent] == [
        ("ACK", "one"), ("ACK", "two"), ("ACK", "two"), ("BYE", "two"),
    ]  # fmt: skip
    assert (mine.state, mine.remote_tag) == ("confirmed", "one")
    assert pair.alice.agent.counters == {"forked_200_ended": 1}


def test_early_dialogs_are_bounded() -> None:
    pair = make_pair()
    dial(pair)
    pair.flush()
    for number in range(20):
        pair.inject(fork(pair, 180, f"t{number}"), pair.alice)
    assert pair.alice.agent.counters["early_dialogs_refused"] == 4


def test_one_branch_of_a_fork_may_take_leave_and_the_other_still_rings() -> None:
    pair = make_pair()
    mine = dial(pair)
    pair.flush()
    for tag in ("one", "two"):
        pair.inject(fork(pair, 180, tag), pair.alice)
    bye = request(
        "BYE",
        f"Call-ID: {mine.id}",
        f"To: <sip:alice@192.0.2.1>;tag={mine.local_tag}",
        "From: <sip:bob@192.0.2.2>;tag=one",
    )
    pair.inject(bye, pair.alice, pair.bob)
    pair.flush()
    assert (pair.names(pair.alice)[-1], mine.state) == ("200 BYE", "proceeding")
    pair.inject(bye.replace(b"tag=one", b"tag=two").replace(b"4bKx", b"4bKy"), pair.alice, pair.bob)
    pair.flush()
    assert "CANCEL" in pair.names(pair.alice)
    pair.advance(40)
    assert pair.alice.last(CallEnded).by == "them"
    assert pair.alice.agent.calls == []


def test_update_in_an_early_dialog_refreshes_it_and_an_offer_in_it_is_refused() -> None:
    pair = make_pair()
    mine = rings(pair)
    theirs = pair.bob.call()
    assert theirs.dialog is not None
    for cseq, body, status in ((1, b"", 200), (2, OFFER, 491)):
        update = theirs.dialog.request(
            "UPDATE",
            contact="<sip:new@192.0.2.2>",
            body=body,
            cseq=cseq,
            headers=[("Content-Type", "application/sdp")] if body else [],
        )
        pair.inject(
            update.prepend("Via", f"SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK{cseq}").to_bytes(), pair.alice
        )
        pair.flush()
        assert pair.names(pair.alice)[-1] == f"{status} UPDATE"
    dialog = mine.dialog_with(theirs.local_tag)
    assert dialog is not None
    assert dialog.target == Uri("sip", "new", None, "192.0.2.2")
