"""The user agent: what comes from anywhere, at any time, in any shape, gets the answer of RFC 3261 §8.2 and changes nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.agent import UserAgent
from sip.errors import LocalProtocolError
from sip.events import CallEnded, CallProceeding, CallReceived, RequestReceived
from sip.flow import Flow
from sip.headers import ReplacesHeader
from sip.ids import SeededIds
from sip.message import Response, parse
from sip.uri import Uri
from tests.sip.pair import ANSWER, OFFER, Pair, bob_uri, dial, label, make_pair, rings, talk

BOB = Flow("udp", ("192.0.2.9", 5060))


def agent(**more: object) -> UserAgent:
    return UserAgent(host="192.0.2.1", port=5060, ids=SeededIds(7), **more)  # type: ignore[arg-type]


def request(
    method: str = "INVITE", *lines: str, branch: str = "z9hG4bKx", to: str = "", body: bytes = b""
) -> bytes:
    """A request out of nowhere, with these header lines instead of or beside the usual ones."""
    usual = {
        "Via": f"SIP/2.0/UDP 192.0.2.9:5060;rport;branch={branch}",
        "Max-Forwards": "70",
        "From": "<sip:carol@192.0.2.9>;tag=carol",
        "To": f"<sip:alice@192.0.2.1>{to}",
        "Call-ID": "nowhere",
        "CSeq": f"1 {method}",
        "Contact": "<sip:carol@192.0.2.9:5060>",
        "Content-Length": str(len(body)),
    }
    for line in lines:
        name, _, value = line.partition(": ")
        usual[name] = value
    head = "\r\n".join([f"{method} sip:alice@192.0.2.1 SIP/2.0", *(f"{n}: {v}" for n, v in usual.items())])
    return head.encode() + b"\r\n\r\n" + body


def answers(ua: UserAgent) -> list[Response]:
    return [message for _, data in ua.take_output() if isinstance(message := parse(data), Response)]


def ask(ua: UserAgent, data: bytes) -> list[Response]:
    ua.receive(data, BOB, 0.0)
    return [response for response in answers(ua) if response.status != 100]


@pytest.mark.parametrize(
    ("data", "status", "counter", "header"),
    [
        (request("REGISTER"), 405, "method_not_allowed", ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE")),
        (request("SUBSCRIBE"), 405, "method_not_allowed", None),
        (request("DANCE"), 501, "unknown_method", None),
        (request("BYE"), 481, "out_of_dialog", None),
        (request("UPDATE"), 481, "out_of_dialog", None),
        (request("BYE", to=";tag=gone"), 481, "out_of_dialog", None),
        (request("INVITE", to=";tag=gone"), 481, "out_of_dialog", None),
        (request("OPTIONS", to=";tag=gone"), 481, "out_of_dialog", None),
        (request("CANCEL"), 481, "nothing_to_cancel", None),
        (request("INVITE", "Require: 100rel, replaces"), 420, "bad_extension", ("Unsupported", "100rel")),
        (request("INVITE", "Max-Forwards: 0"), 483, "too_many_hops", None),
        (request("INVITE", "Content-Type: text/html", body=b"x"), 415, "unsupported_media", ("Accept", "application/sdp")),
        (request("INVITE", "Content-Type: application/sdp", "Content-Encoding: gzip", body=b"x"), 415, "unsupported_media", None),
        (request("INVITE", body=b"x"), 415, "unsupported_media", None),
        (request("INVITE", "Replaces: nonsense"), 400, "bad_replaces", None),
        (request("INVITE", "Contact: *"), 400, "no_contact", None),
        (request("INVITE").replace(b"INVITE sip:alice@192.0.2.1", b"INVITE tel:+7495"), 416, "unsupported_scheme", None),
        (request("INVITE", "CSeq: 1 BYE"), 400, "malformed", None),
        (request("INVITE").replace(b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia"), 505, "malformed", None),
        (request("OPTIONS", "X-Long: " + "x" * 70_000), 513, "oversized", None),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_served_gets_its_refusal_and_is_counted(
    data: bytes, status: int, counter: str, header: tuple[str, str] | None
) -> None:
    ua = agent()
    (response,) = ask(ua, data)
    assert response.status == status
    assert response.to_tag
    if header is not None:
        assert response.get(header[0]) == header[1]
    assert ua.counters == {counter: 1}
    assert ua.take_events() == []
    assert ua.calls == []


@pytest.mark.parametrize(
    ("data", "counter"),
    [
        (b"garbage", "malformed"),
        (b"\x00\xff" * 100, "malformed"),
        (request("INVITE")[:60], "malformed"),
        (request("ACK"), "stray_ack"),
        (request("ACK", to=";tag=x"), "stray_ack"),
        (b"SIP/2.0 200 OK\r\n" + request("INVITE").partition(b"\r\n")[2], "foreign_via"),
    ],
)
def test_what_cannot_be_answered_is_dropped_and_counted(data: bytes, counter: str) -> None:
    ua = agent()
    assert ask(ua, data) == []
    assert ua.counters == {counter: 1}
    assert ua.take_events() == []
    assert ua.next_deadline() is None


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
    assert [message.cseq.number for message in sent[:2]] == [1, 2]
    assert {str(message.to_tag) for message in sent} == {"late"}
    ua.handle_timer(32.0)
    ua.take_output()
    assert ua.next_deadline() is None, "the memory of it lasts 64*T1"


def test_a_late_200_without_contact_cannot_be_ended_and_is_counted() -> None:
    ua = agent()
    ua.receive(stray("200 OK", "INVITE", "tbmine").replace(b"Contact", b"X-No"), BOB, 0.0)
    assert ua.take_output() == []
    assert ua.counters == {"stray_response": 1}


def test_options_outside_a_dialog_is_answered_with_what_we_can() -> None:
    (response,) = ask(agent(), request("OPTIONS"))
    assert response.status == 200
    assert response.get("Allow") == "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE"
    assert response.get("Accept") == "application/sdp"
    assert response.get("Supported") == "replaces"


def test_options_without_hops_left_is_answered_all_the_same() -> None:
    (response,) = ask(agent(), request("OPTIONS", "Max-Forwards: 0"))
    assert response.status == 200  # §11: that is how a path is traced


def test_a_merged_request_gets_482() -> None:
    ua = agent()
    ask(ua, request("INVITE"))
    (response,) = ask(ua, request("INVITE", branch="z9hG4bKother"))
    assert response.status == 482
    assert len(ua.calls) == 1


def test_methods_that_the_user_asked_for_are_told() -> None:
    ua = agent(methods=["REGISTER"])
    ua.receive(request("REGISTER"), BOB, 0.0)
    (event,) = ua.take_events()
    assert isinstance(event, RequestReceived)
    assert event.flow == BOB
    event.transaction.respond(event.request.reply(200), 0.0)
    assert [response.status for response in answers(ua)] == [200]
    (options,) = ask(ua, request("OPTIONS", branch="z9hG4bKy"))
    assert options.get("Allow") == "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, REGISTER"


def test_more_calls_than_the_limit_are_refused_with_retry_after() -> None:
    ua = agent(max_calls=1)
    ask(ua, request("INVITE"))
    (response,) = ask(ua, request("INVITE", "Call-ID: second", branch="z9hG4bKy"))
    assert (response.status, response.get("Retry-After")) == (503, "10")
    assert ua.counters == {"calls_refused": 1}
    assert len(ua.calls) == 1


@given(st.lists(st.binary(max_size=40), max_size=4), st.integers(0, 400))
def test_receive_never_raises(noise: list[bytes], at: int) -> None:
    ua = agent()
    whole = request("INVITE", "Replaces: a;to-tag=b;from-tag=c", "Reason: SIP;cause=x", "Route: <sip:x;lr>")
    for number, piece in enumerate(noise):
        place = min(at + 31 * number, len(whole))
        ua.receive(whole[:place] + piece + whole[place:], BOB, 0.0)
        ua.receive(piece, BOB, 0.0)
        ua.receive(whole[:place], BOB, 0.0)
        ua.receive(b"SIP/2.0 200 " + whole[place:], BOB, 0.0)
    ua.take_output()
    assert ua.counters["unforeseen"] == 0
    assert all(isinstance(event, (CallReceived, CallEnded)) for event in ua.take_events())


# In a dialog.


def talking_pair() -> tuple[Pair, bytes]:
    """A pair in a confirmed call, and an in-dialog request of Alice's with @METHOD@, @CSEQ@ in it."""
    pair = make_pair()
    mine, _ = talk(pair)
    assert mine.dialog is not None
    made = mine.dialog.request("OPTIONS", cseq=900).prepend(
        "Via", "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKhand"
    )
    return pair, made.to_bytes()


def test_in_dialog_options_is_answered() -> None:
    pair, _ = talking_pair()
    pair.alice.agent.calls[0].options(pair.now)
    pair.advance(0.1)
    assert pair.names()[-2:] == ["OPTIONS", "200 OPTIONS"]
    assert pair.story[-1] == ("alice", "DialogRefreshed")


def test_a_request_with_a_lower_cseq_gets_500() -> None:
    pair, options = talking_pair()
    pair.inject(options, pair.bob)
    pair.inject(options.replace(b"900", b"899").replace(b"hand", b"hand2"), pair.bob)
    pair.flush()
    assert pair.names(pair.bob)[-2:] == ["200 OPTIONS", "500 OPTIONS"]
    assert pair.bob.agent.counters["cseq_too_low"] == 1


def test_a_request_with_a_strange_from_tag_gets_481() -> None:
    pair, options = talking_pair()
    tag = pair.alice.agent.calls[0].local_tag.encode()
    pair.inject(options.replace(tag, b"forged"), pair.bob)
    pair.flush()
    assert pair.names(pair.bob)[-1] == "481 OPTIONS"
    assert len(pair.bob.agent.calls) == 1


def test_known_methods_that_are_not_served_in_a_dialog_get_405() -> None:
    pair, options = talking_pair()
    pair.inject(options.replace(b"OPTIONS", b"INFO"), pair.bob)
    pair.flush()
    assert pair.names(pair.bob)[-1] == "405 INFO"


def test_a_forged_ack_is_a_stray() -> None:
    pair, options = talking_pair()
    tag = pair.alice.agent.calls[0].local_tag.encode()
    pair.inject(options.replace(b"OPTIONS", b"ACK").replace(tag, b"forged"), pair.bob)
    assert pair.bob.agent.counters["stray_ack"] == 1


# Lines and look-ups.


def test_an_invite_for_our_contact_belongs_to_the_line() -> None:
    ua = agent()
    pair = make_pair()
    registration = ua.register(pair.alice.account, 0.0, owner="line 101")
    ua.take_output()
    user = registration.contact.user
    assert user is not None
    assert len(user) >= 32
    ua.receive(
        request("INVITE").replace(b"sip:alice@192.0.2.1 SIP", f"sip:{user}@192.0.2.1 SIP".encode()), BOB, 0.0
    )
    (event,) = ua.take_events()
    assert isinstance(event, CallReceived)
    assert (event.call.owner, event.call.contact) == ("line 101", registration.contact)
    ua.receive(request("INVITE", "Call-ID: two", branch="z9hG4bKy"), BOB, 0.0)
    (event,) = ua.take_events()
    assert isinstance(event, CallReceived)
    assert event.call.owner is None


def test_the_contact_of_a_registered_account_stands_in_its_calls() -> None:
    pair = make_pair()
    registration = pair.alice.agent.register(pair.alice.account, 0.0, contact_user="kept")
    call = dial(pair)
    assert call.contact == registration.contact
    assert registration.contact.user == "kept"


def test_replaces_is_sent_exposed_and_finds_the_call_it_means() -> None:
    pair = make_pair()
    _, theirs = talk(pair)
    replaces = ReplacesHeader(theirs.id, theirs.local_tag, theirs.remote_tag, True)
    pair.alice.agent.invite(pair.alice.account, bob_uri(), OFFER, pair.now, replaces=replaces)
    pair.advance(0.1)
    second = pair.bob.call()
    assert second.replaces == replaces
    assert pair.requests("INVITE")[1].get("Require") == "replaces"
    assert pair.bob.agent.find_replaced(replaces) is theirs
    assert pair.bob.agent.find_replaced(replaces._replace(from_tag="other")) is None
    assert pair.bob.agent.find_replaced(replaces._replace(to_tag="other")) is None
    assert pair.bob.agent.find_call(theirs.id, theirs.local_tag) is theirs


def test_headers_and_call_id_of_the_users_choice_are_sent() -> None:
    pair = make_pair()
    pair.alice.agent.invite(
        pair.alice.account, bob_uri(), OFFER, 0.0, headers=[("X-Deal", "7")], call_id="chosen", owner="me"
    )
    pair.flush()
    invite = pair.requests("INVITE")[0]
    assert (invite.get("X-Deal"), invite.call_id) == ("7", "chosen")
    assert pair.alice.agent.calls[0].owner == "me"


def test_an_injected_header_is_refused_and_nothing_is_sent() -> None:
    pair = make_pair()
    with pytest.raises(LocalProtocolError):
        pair.alice.agent.invite(pair.alice.account, bob_uri(), OFFER, 0.0, headers=[("X", "a\r\nVia: b")])
    assert pair.alice.agent.take_output() == []
    assert pair.alice.is_quiet()


# Forks (§13.2.2.4).


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
