"""The torture messages of RFC 4475 and RFC 5118: what the parser gives, what a user agent answers, what a stream makes of them."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest

from sip.agent import UserAgent
from sip.call import Call
from sip.errors import ParseError
from sip.events import CallEnded, CallReceived
from sip.flow import Flow
from sip.message import Request, Response, parse
from sip.sdp import Sdp
from sip.stream import StreamFramer
from sip.uri import Uri
from tests.sip.strangers import BOB, agent, answers, request
from tests.sip.torture_table import RFC4475, RFC5118, TORTURE, Case

BOB6 = Flow("udp", ("2001:db8::9:1", 5060))
CASES = {case.name: case for case in (*RFC4475, *RFC5118)}


def parameters(differs: Callable[[Case], bool]) -> list[object]:
    """The cases; where we differ on purpose, an expected failure that says why."""
    return [
        pytest.param(
            case, id=case.name, marks=pytest.mark.xfail(reason=case.differs) if differs(case) else ()
        )
        for case in CASES.values()
    ]


def read(name: str) -> Request:
    message = parse(CASES[name].data)
    assert isinstance(message, Request)
    return message


def settle(ua: UserAgent) -> None:
    """Time goes by until nothing is left to happen."""
    while (at := ua.next_deadline()) is not None:
        ua.handle_timer(at)


def test_all_49_messages_are_here_with_the_bytes_of_the_rfcs_archive() -> None:
    lines = (TORTURE / "manifest.sha256").read_text().splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    assert len(sums) == len(RFC4475) == 49
    for case in RFC4475:
        assert sums[f"{case.name}.dat"] == sha256(case.data).hexdigest()
    assert {case.name for case in RFC5118} == {f"ipv6/{path.stem}" for path in TORTURE.glob("ipv6/*.dat")}


@pytest.mark.parametrize("case", parameters(lambda case: case.unread))
def test_a_torture_message_is_read_or_refused_as_the_rfc_says(case: Case) -> None:
    if isinstance(case.read, int):
        with pytest.raises(ParseError) as refused:
            parse(case.data)
        assert refused.value.status == case.read
        return
    message = parse(case.data)
    assert case.read == (message.method if isinstance(message, Request) else str(message.status))
    assert case.data.startswith(message.to_bytes())
    if case.answer is not None and case.answer < 300:
        assert isinstance(message, Request)


@pytest.mark.parametrize("case", parameters(lambda case: bool(case.differs)))
def test_a_torture_message_is_answered_counted_and_leaves_nothing(case: Case) -> None:
    ua = agent()
    ua.receive(case.data, BOB6 if case.name.startswith("ipv6/") else BOB, 0.0)
    finals = [response for response in answers_as_bytes(ua) if not response.startswith(b"SIP/2.0 100 ")]
    events = ua.take_events()
    assert ua.counters == ({case.counter: 1} if case.counter else {})
    if case.answer == 180:
        (received,) = events
        assert isinstance(received, CallReceived)
        assert finals == []
        refuse(ua, received.call)
    else:
        assert events == []
        assert [int(response[8:11]) for response in finals] == ([case.answer] if case.answer else [])
    assert ua.calls == []
    settle(ua)
    assert (ua.transaction_count, ua.registration_count, ua.take_events()) == (0, 0, [])


def answers_as_bytes(ua: UserAgent) -> list[bytes]:
    """What left. As bytes: a To that nobody can read is given back as it came."""
    return [data for _, data in ua.take_output()]


def refuse(ua: UserAgent, call: Call) -> None:
    """The user rings, refuses, and the answers can be read; the ACK never comes."""
    call.ring(1.0)
    call.reject(486, 2.0)
    ringing, busy = answers(ua)
    assert (ringing.status, busy.status, busy.to_tag) == (180, 486, call.local_tag)
    settle(ua)
    assert [type(event) for event in ua.take_events()] == [CallEnded]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("step", [1, 7, 65_535])
def test_a_torture_message_on_a_stream_is_framed_waited_for_or_closes_it(case: Case, step: int) -> None:
    framer = StreamFramer()
    data = case.data
    messages = [
        one for place in range(0, len(data), step) for one in framer.receive(data[place : place + step])
    ]
    assert (framer.error is not None) == (case.stream in ("closes", "twice"))
    assert len(messages) == {"whole": 1, "twice": 2, "waits": 0, "closes": 0}[case.stream]
    assert all(message in data for message in messages)


# What the RFC says of single messages beyond their being read.


def test_a_short_tortuous_invite_3_1_1_1() -> None:
    message = read("wsinv")
    assert message.uri == Uri("sip", "vivekg", None, "chair-dnrc.example.com", None, {"unknownparam": None})
    assert (message.to_tag, message.from_tag) == ("1918181833n", "98asjd8")
    assert message.from_.display == 'J Rosenberg \\"'
    assert (message.integer("Max-Forwards"), message.cseq) == (68, (9, "INVITE"))
    assert message.get("Subject") == ""
    assert message.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert message.get("UnknownHeaderWithUnusualValue") == ";;,,;;,;"
    assert (message.via.transport, message.via.host, message.branch) == ("UDP", "192.0.2.2", "390skdjuw")
    assert [one.partition(" ")[0] for one in message.get_all("Via")] == ["SIP", "SIP", "SIP"]
    assert message.route[0].uri.params == {"lr": None, "unknownwith": "value", "unknown-no-value": None}
    assert message.contact is not None
    assert message.contact.display == 'Quoted string ""'
    assert message.contact.params == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}
    assert len(message.body) == 150


def test_escapes_are_undone_once_and_only_where_they_are_escapes_3_1_1_3() -> None:
    message = read("esc01")
    assert (message.uri.scheme, message.uri.user, message.uri.host) == (
        "sip",
        "sips:user@example.com",
        "example.net",
    )
    assert (message.to.uri.user, message.from_.uri.user) == ("user", "I have spaces")
    assert message.contact is not None
    assert message.contact.uri.user == "caller"
    assert message.contact.uri.params == {"lr": None, "name": "value%41"}
    assert "name=value%2541" in str(message.contact)


def test_escaped_nulls_do_not_shorten_a_user_3_1_1_4() -> None:
    message = read("escnull")
    assert message.to.uri.user == "null-\0-null"
    first, second = message.contacts
    assert (first.uri.user, second.uri.user) == ("\0", "\0\0")
    assert not first.uri.matches(second.uri)
    assert str(first.uri) == "sip:%00@host5.example.com"


def test_a_percent_that_is_no_escape_stays_3_1_1_5() -> None:
    message = read("esc02")
    assert message.to.display == message.from_.display == "%Z%45"
    assert [contact.uri.user for contact in message.contacts] == ["alias1", "alias3"]
    assert message.get("C%6Fntact") == "<sip:alias2@host2.example.com>"


def test_a_display_name_may_touch_its_bracket_3_1_1_6() -> None:
    assert (read("lwsdisp").from_.display, read("lwsdisp").from_tag) == ("caller", "323")


def test_long_values_are_read_whole_3_1_1_7() -> None:
    message = read("longreq")
    assert message.to.display == f"I have a user name of {'extreme' * 10} proportion"
    assert message.from_tag == f"12{'982' * 50}424"
    assert message.call_id == f"longreq.one{'really' * 20}longcallid"
    assert len(message.get_all("Via")) == 34
    assert message.via.host == "sip33.example.com"
    assert len(message.body) == 150


def test_octets_after_the_body_of_a_datagram_are_dropped_3_1_1_8() -> None:
    message = read("dblreq")
    assert message.body == b""
    assert len(message.to_bytes()) < len(CASES["dblreq"].data)
    assert b"INVITE" not in message.to_bytes()


def test_a_user_may_hold_a_semicolon_and_an_escaped_at_3_1_1_9() -> None:
    assert (read("semiuri").uri.user, read("semiuri").uri.host) == ("user;par=u@example.net", "example.com")


def test_any_transport_may_stand_in_a_via_3_1_1_10() -> None:
    assert [via.split("/")[2].split()[0] for via in read("transports").get_all("Via")] == [
        "UDP",
        "SCTP",
        "TLS",
        "UNKNOWN",
        "TCP",
    ]


def test_a_binary_body_is_kept_byte_for_byte_3_1_1_11() -> None:
    message = read("mpart01")
    assert len(message.body) == 553
    assert message.body.count(b"\0") >= 2
    assert message.content_type == "multipart/mixed"


def test_a_reason_phrase_may_be_in_any_language_or_absent_3_1_1_12_and_13() -> None:
    wordy, terse = parse(CASES["unreason"].data), parse(CASES["noreason"].data)
    assert isinstance(wordy, Response)
    assert isinstance(terse, Response)
    assert wordy.reason == "= 2**3 * 5**2 но сто девяносто девять - простое"
    assert terse.reason == ""


def test_two_requests_with_nothing_behind_the_cookie_are_not_one_transaction_3_2_1() -> None:
    ua = agent()
    ua.receive(request("OPTIONS", "Call-ID: one", branch="z9hG4bK"), BOB, 0.0)
    ua.receive(request("OPTIONS", "Call-ID: two", branch="z9hG4bK"), BOB, 0.0)
    assert [response.call_id for response in answers(ua)] == ["one", "two"]


def test_the_answer_to_an_unknown_extension_names_what_require_asked_3_3_5() -> None:
    ua = agent()
    ua.receive(CASES["bext01"].data, BOB, 0.0)
    (response,) = answers(ua)
    assert response.get_all("Unsupported") == ["nothingSupportsThis", "nothingSupportsThisEither"]


@pytest.mark.parametrize("name", ["escnull", "regaut01", "unksm2", "cparam01"])
def test_the_answer_to_a_register_says_what_is_served_3_3_7(name: str) -> None:
    ua = agent()
    ua.receive(CASES[name].data, BOB, 0.0)
    (response,) = answers(ua)
    assert "INVITE" in (response.get("Allow") or "")
    assert "REGISTER" not in (response.get("Allow") or "")


def test_parameters_belong_to_the_contact_outside_brackets_and_to_its_uri_inside_3_3_12_and_13() -> None:
    outside, inside = read("cparam01").contact, read("cparam02").contact
    assert outside is not None
    assert inside is not None
    assert (dict(outside.params), dict(outside.uri.params)) == ({"unknownparam": None}, {})
    assert (dict(inside.params), dict(inside.uri.params)) == ({}, {"unknownparam": None})


def test_an_escaped_header_stays_in_its_contact_3_3_14() -> None:
    contact = read("regescrt").contact
    assert contact is not None
    assert dict(contact.uri.headers) == {"Route": "<sip:sip.example.com>"}
    assert str(contact.uri) == "sip:user@example.com?Route=%3Csip:sip.example.com%3E"


@pytest.mark.parametrize(
    ("accept", "status"),
    [("*/*", 100), ("text/plain, application/SDP;level=1", 100), ("application/*;q=0.5", 100), ("", 406), ("text/*", 406)],
)  # fmt: skip
def test_an_invite_whose_sender_takes_no_sdp_gets_406_3_3_15(accept: str, status: int) -> None:
    ua = agent()
    ua.receive(request("INVITE", f"Accept: {accept}"), BOB, 0.0)
    assert answers(ua)[-1].status == status


def test_an_ipv6_port_is_outside_the_brackets_rfc5118_4_3_and_4_4() -> None:
    ambiguous, clear = read("ipv6/port-ambiguous").uri, read("ipv6/port-unambiguous").uri
    assert (ambiguous.host, ambiguous.port) == ("2001:db8::10:5070", None)
    assert (clear.host, clear.port) == ("2001:db8::10", 5070)


@pytest.mark.parametrize("name", ["with", "no"])
def test_received_is_read_with_brackets_and_without_rfc5118_4_5(name: str) -> None:
    assert read(f"ipv6/via-received-param-{name}-delim").via.received == "2001:db8::9:255"


def test_received_is_written_without_brackets_rfc5118_4_5() -> None:
    noted = read("ipv6/ipv6-good").with_received("2001:db8::7", 4000)
    assert str(noted.via) == "SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111;received=2001:db8::7"
    assert parse(noted.reply(200).to_bytes()).via.received == "2001:db8::7"


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("ipv6-in-sdp", ["2001:db8::20", "2001:db8::20"]),
        ("mult-ip-in-sdp", ["192.0.2.1", "2001:db8::1"]),
        ("ipv4-mapped-ipv6", ["::ffff:192.0.2.2", "::ffff:192.0.2.2"]),
    ],
)
def test_addresses_in_sdp_have_no_brackets_rfc5118_4_6_to_4_9(name: str, addresses: list[str]) -> None:
    session = Sdp.parse(read(f"ipv6/{name}").body)
    lines = [line for part in session.media for line in (*part.lines, *session.session)]
    found = [line.split()[2] for line in lines if line.startswith("c=")]
    assert found == addresses


def test_an_extra_colon_is_borne_rfc5118_4_10() -> None:
    assert read("ipv6/ipv6-bug-abnf-3-colons").uri.host == "2001:db8:::192.0.2.1"


@pytest.mark.parametrize("tail", [";rport;", ";rport; ", "; ;rport", ";rport;x; "])
def test_a_via_that_ends_in_a_semicolon_is_answered_by_one_that_can_be_read(tail: str) -> None:
    ua = agent()
    ua.receive(request("OPTIONS", f"Via: SIP/2.0/UDP h;branch=z9hG4bKx{tail}"), BOB, 0.0)
    (response,) = answers(ua)
    assert (response.via.rport, response.via.received, response.branch) == (5060, "192.0.2.9", "z9hG4bKx")
