"""The procedure of RFC 3263 §4, case by case, and its laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.flow import Flow, TransportName
from sip.location.plan import MOST_TARGETS, Hop, Plan, is_numeric, plan
from sip.location.records import Answer, Kind, Question, Record, Srv, canonical
from sip.uri import Uri
from tests.sip.location.zone import Zone

BOTH: tuple[TransportName, ...] = ("udp", "tcp")
ALL: tuple[TransportName, ...] = ("udp", "tcp", "tls")


def find(
    zone: Zone, uri: str, allowed: tuple[TransportName, ...] = BOTH, kinds: tuple[Kind, ...] = (Kind.A,)
) -> Plan:
    """Plan, asking the zone round by round."""
    answers: dict[Question, Answer] = {}

    def known(question: Question) -> tuple[tuple[Record, ...], float] | None:
        answer = answers.get(question)
        return None if answer is None else (answer.records, answer.ttl)

    hop = Hop.of(Uri.parse(uri), allowed)
    for _ in range(4):
        made = plan(hop, kinds, known)
        if not made.missing:
            return made
        answers |= {question: zone.answer(question) for question in made.missing}
    raise AssertionError("more than three rounds of questions")


def flows(made: Plan) -> list[str]:
    return [str(target.flow) for group in made.groups for _, targets in group for target in targets]


def names(zone: Zone) -> list[str]:
    return [f"{question.kind} {question.name}" for question in zone.asked]


@pytest.mark.parametrize(
    ("uri", "flow"),
    [
        ("sip:192.0.2.7", Flow("udp", ("192.0.2.7", 5060))),
        ("sip:192.0.2.7:5080", Flow("udp", ("192.0.2.7", 5080))),
        ("sip:192.0.2.7;transport=tcp", Flow("tcp", ("192.0.2.7", 5060))),
        ("sip:[2001:db8::7]:5080", Flow("udp", ("2001:db8::7", 5080))),
        ("sips:192.0.2.7", Flow("tls", ("192.0.2.7", 5061), 0, "192.0.2.7")),
        ("sip:host.example;maddr=192.0.2.8", Flow("udp", ("192.0.2.8", 5060))),
    ],
)
def test_a_number_is_its_own_answer_and_nothing_is_asked(uri: str, flow: Flow) -> None:
    zone = Zone()
    made = find(zone, uri, ALL)
    assert [target.flow for group in made.groups for _, targets in group for target in targets] == [flow]
    assert zone.asked == []


def test_with_a_port_the_name_is_a_host_on_udp() -> None:
    zone = Zone()
    zone.a("pbx.example", "192.0.2.1", "192.0.2.2")
    assert flows(find(zone, "sip:pbx.example:5080")) == ["udp:192.0.2.1:5080", "udp:192.0.2.2:5080"]
    assert names(zone) == ["A pbx.example"], "§4.1: neither NAPTR nor SRV"


def test_naptr_says_which_transport_comes_first() -> None:
    """The example of §4.1, for a client of UDP and TCP."""
    zone = Zone()
    zone.naptr(
        "example.com",
        (50, 50, "SIPS+D2T", "_sips._tcp.example.com"),
        (90, 50, "SIP+D2T", "_sip._tcp.example.com"),
        (100, 50, "SIP+D2U", "_sip._udp.example.com"),
    )
    zone.srv(
        "_sip._tcp.example.com", (0, 1, 5060, "server1.example.com"), (0, 2, 5060, "server2.example.com")
    )
    zone.a("server1.example.com", "192.0.2.1")
    zone.a("server2.example.com", "192.0.2.2")
    assert flows(find(zone, "sip:example.com")) == ["tcp:192.0.2.1:5060", "tcp:192.0.2.2:5060"]
    assert names(zone)[:2] == ["NAPTR example.com", "SRV _sip._tcp.example.com"]


def test_naptr_of_one_order_are_all_tried_by_preference() -> None:
    zone = Zone()
    zone.naptr("a.example", (10, 20, "SIP+D2U", "_u.a.example"), (10, 10, "sip+d2t", "_t.a.example."))
    zone.srv("_u.a.example", (0, 0, 5060, "h.example"))
    zone.srv("_t.a.example", (0, 0, 5060, "h.example"))
    zone.a("h.example", "192.0.2.1")
    assert flows(find(zone, "sip:a.example")) == ["tcp:192.0.2.1:5060", "udp:192.0.2.1:5060"]


def test_naptr_that_offer_nothing_we_speak_are_as_none() -> None:
    zone = Zone()
    zone.naptr("a.example", (10, 10, "SIP+D2S", "_sip._sctp.a.example"), (10, 10, "E2U+sip", "x.example"))
    zone.srv("_sip._udp.a.example", (0, 0, 5062, "h.example"))
    zone.a("h.example", "192.0.2.1")
    assert flows(find(zone, "sip:a.example")) == ["udp:192.0.2.1:5062"]


def test_sips_accepts_tls_alone_and_keeps_the_domain_as_the_name_of_the_certificate() -> None:
    zone = Zone()
    zone.srv("_sips._tcp.a.example", (0, 0, 5061, "h.example"))
    zone.a("h.example", "192.0.2.1")
    made = find(zone, "sips:a.example", ALL)
    assert [target.flow for target in made.groups[0][0][1]] == [
        Flow("tls", ("192.0.2.1", 5061), 0, "a.example")
    ]


def test_one_transport_leaves_naptr_nothing_to_say() -> None:
    zone = Zone()
    zone.srv("_sip._tcp.a.example", (0, 0, 5060, "h.example"))
    zone.a("h.example", "192.0.2.1")
    assert flows(find(zone, "sip:a.example;transport=TCP")) == ["tcp:192.0.2.1:5060"]
    assert flows(find(zone, "sip:a.example", ("tcp",))) == ["tcp:192.0.2.1:5060"]
    assert not [name for name in names(zone) if name.startswith("NAPTR")]


def test_without_any_srv_the_name_is_a_host_on_the_default_port() -> None:
    zone = Zone()
    zone.a("a.example", "192.0.2.1")
    assert flows(find(zone, "sip:a.example")) == ["udp:192.0.2.1:5060"]
    assert flows(find(zone, "sip:a.example;transport=tls")) == ["tls:192.0.2.1:5061"]


def test_priorities_come_in_order_and_servers_of_one_priority_are_one_group() -> None:
    zone = Zone()
    zone.srv(
        "_sip._udp.a.example",
        (20, 0, 5060, "c.example"),
        (10, 6, 5060, "a.example"),
        (10, 4, 5061, "b.example"),
    )
    for number, host in enumerate(("a.example", "b.example", "c.example")):
        zone.a(host, f"192.0.2.{number}")
    made = find(zone, "sip:a.example", ("udp",))
    assert [[weight for weight, _ in group] for group in made.groups] == [[6, 4], [0]]
    assert flows(made) == ["udp:192.0.2.0:5060", "udp:192.0.2.1:5061", "udp:192.0.2.2:5060"]
    assert [target.rank for group in made.groups for _, targets in group for target in targets] == [0, 0, 1]


def test_a_target_of_a_dot_says_that_there_is_no_such_service() -> None:
    zone = Zone()
    zone.srv("_sip._udp.a.example", (0, 0, 0, ""))
    zone.a("a.example", "192.0.2.1")
    assert flows(find(zone, "sip:a.example", ("udp",))) == [], "and the host of that name is not tried"


def test_addresses_are_of_the_families_that_our_socket_reaches() -> None:
    zone = Zone()
    zone.a("a.example", "192.0.2.1")
    zone.aaaa("a.example", "2001:db8::1")
    assert flows(find(zone, "sip:a.example:5060", kinds=(Kind.AAAA,))) == ["udp:[2001:db8::1]:5060"]
    assert flows(find(zone, "sip:a.example:5060", kinds=(Kind.AAAA, Kind.A))) == [
        "udp:[2001:db8::1]:5060",
        "udp:192.0.2.1:5060",
    ]


def test_the_plan_holds_as_long_as_the_shortest_answer() -> None:
    hop = Hop("a.example", None, ("udp",))
    lives = {Kind.SRV: 300.0, Kind.A: 20.0}
    records: dict[Kind, tuple[Record, ...]] = {
        Kind.SRV: (Srv(0, 0, 5060, "h.example"),),
        Kind.A: ("192.0.2.1",),
    }
    made = plan(hop, (Kind.A,), lambda question: (records[question.kind], lives[question.kind]))
    assert made.expires_at == 20.0


def test_a_host_that_is_no_address_is_a_name() -> None:
    assert [is_numeric(host) for host in ("192.0.2.1", "::1", "a.example", "1.2.3", "")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert canonical("Example.COM.") == "example.com"


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=40))
def test_law_the_order_respects_priorities_and_the_number_is_bounded(rows: list[tuple[int, int]]) -> None:
    zone = Zone()
    zone.srv("_sip._udp.x.example", *((*row, 5060, f"h{number}.example") for number, row in enumerate(rows)))
    for number in range(len(rows)):
        zone.a(f"h{number}.example", f"192.0.2.{number}")
    made = find(zone, "sip:x.example", ("udp",))
    found = [target.flow.remote[0] for group in made.groups for _, targets in group for target in targets]
    priorities = [rows[int(address.rpartition(".")[2])][0] for address in found]
    assert priorities == sorted(priorities)
    assert len(found) == len(set(found)) == min(len(rows), MOST_TARGETS)
