"""Requests to hosts with names: located, sent to the next server when one fails, and back again (RFC 3263 §4)."""

from __future__ import annotations

import pytest

from sip.account import Transport
from sip.call import Call
from sip.events import CallAnswered, CallEnded, EndCause, Registered, RegistrationFailed
from sip.flow import Flow
from sip.location.locator import PATIENCE, SILENCE
from sip.location.records import Kind, Question
from sip.message import Request, Response
from sip.uri import Uri
from tests.sip.pair import ANSWER, OFFER
from tests.sip.servers import DOMAIN, Behaviour, Town, ok, status

BOB = Uri("sip", "bob", None, DOMAIN)


def town(first: Behaviour = ok, second: Behaviour = ok, transport: Transport = "udp") -> Town:
    made = Town(transport=transport)
    made.two_servers(first, second)
    return made


def answer_calls(request: Request) -> Response:
    if request.method == "INVITE":
        fields = [("Contact", "<sip:bob@192.0.2.9>"), ("Content-Type", "application/sdp")]
        return request.reply(200, to_tag="bob", headers=fields, body=ANSWER)
    return ok(request)


def test_a_registration_at_a_name_goes_to_its_first_server() -> None:
    made = town()
    made.agent.register(made.account(), 0.0)
    made.advance(1)
    assert made.hosts() == ["192.0.2.1"]
    assert made.heard(Registered)


def test_a_silent_server_is_left_for_the_next_with_a_new_branch_and_the_same_request() -> None:
    made = town(first=None)
    made.agent.register(made.account(), 0.0)
    made.advance(10)
    assert made.hosts() == ["192.0.2.1", "192.0.2.2"]
    first, last = made.seen[0][1], made.seen[-1][1]
    assert first.branch != last.branch
    assert (first.call_id, first.cseq, first.from_tag) == (last.call_id, last.cseq, last.from_tag)
    assert len(made.heard(Registered)) == 1
    assert not made.heard(RegistrationFailed)
    assert made.agent.counters["failed_over"] == 1


def test_503_sends_to_the_next_server_at_once() -> None:
    made = town(first=status(503))
    made.agent.register(made.account(), 0.0)
    made.advance(1)
    assert made.hosts() == ["192.0.2.1", "192.0.2.2"]
    assert made.heard(Registered)


def test_a_connection_that_is_refused_sends_to_the_next_server_at_once() -> None:
    made = town(transport="tcp")
    made.lost.add("192.0.2.1")
    made.agent.register(made.account(), 0.0)
    made.advance(1)
    assert made.hosts() == ["192.0.2.2"]
    assert made.heard(Registered)


@pytest.mark.parametrize("code", [403, 404, 500, 600])
def test_an_answer_that_is_not_503_is_an_answer(code: int) -> None:
    made = town(first=status(code))
    made.agent.register(made.account(), 0.0)
    made.advance(1)
    assert made.hosts() == ["192.0.2.1"]
    assert [event.status for event in made.heard(RegistrationFailed)] == [code]


def test_a_silent_server_is_not_asked_first_for_a_while_and_then_it_is_again() -> None:
    made = town(first=None)
    registration = made.agent.register(made.account(), 0.0)
    made.advance(10)
    made.servers["192.0.2.1"] = ok
    registration.refresh(made.now)
    made.advance(1)
    assert made.hosts()[2:] == ["192.0.2.2"], "it would only be waited for again"
    made.advance(SILENCE)
    registration.refresh(made.now)
    made.advance(1)
    assert made.hosts()[3:] == ["192.0.2.1"]


def test_503_with_retry_after_keeps_the_server_alone_so_long() -> None:
    made = town(first=status(503, Retry_After="300"))
    registration = made.agent.register(made.account(), 0.0)
    made.advance(1)
    for moment, host in [(299, "192.0.2.2"), (302, "192.0.2.1")]:
        made.advance(moment - made.now)
        registration.refresh(made.now)
        made.advance(1)
        assert host in made.hosts("REGISTER")[-2:]
        assert (made.hosts("REGISTER")[-2:] == ["192.0.2.1", "192.0.2.2"]) == (moment > 300)


def test_when_all_fail_the_last_failure_is_told_and_all_are_tried_again_later() -> None:
    made = town(first=status(503), second=status(503))
    made.agent.register(made.account(), 0.0)
    made.advance(1)
    assert made.hosts() == ["192.0.2.1", "192.0.2.2"]
    assert [event.status for event in made.heard(RegistrationFailed)] == [503]
    made.servers["192.0.2.2"] = ok
    made.advance(10)
    assert made.heard(Registered)


def test_a_name_that_nobody_knows_is_a_failure_that_nobody_was_heard_of() -> None:
    made = Town()
    made.agent.register(made.account(), 0.0)
    made.advance(1)
    (failed,) = made.heard(RegistrationFailed)
    assert (failed.status, failed.reason) == (None, "No Server Found")
    made.two_servers()
    made.advance(400)
    assert made.heard(Registered)


def test_without_a_locator_a_name_is_refused_when_it_is_given() -> None:
    made = Town(locates=False)
    with pytest.raises(ValueError, match="no numeric address"):
        made.agent.register(made.account(), 0.0)


def test_a_call_follows_the_registration_to_the_server_that_serves_it() -> None:
    made = town(first=None, second=answer_calls)
    made.agent.register(made.account(), 0.0)
    made.advance(10)
    made.agent.invite(made.account(), BOB, OFFER, made.now)
    made.advance(0.1)
    assert made.hosts("INVITE") == ["192.0.2.2"]
    assert made.heard(CallAnswered)


def test_equals_share_the_load_and_each_line_stays_with_the_server_it_has_found() -> None:
    made = Town()
    made.zone.srv(f"_sip._udp.{DOMAIN}", (10, 50, 5060, "a.example"), (10, 50, 5060, "b.example"))
    made.zone.a("a.example", "192.0.2.1")
    made.zone.a("b.example", "192.0.2.2")
    made.servers = {"192.0.2.1": ok, "192.0.2.2": ok}
    lines = [made.agent.register(made.account(f"u{number}"), 0.0) for number in range(40)]
    made.advance(1)
    first = [line.flow.remote[0] for line in lines if line.flow]
    assert 8 < first.count("192.0.2.1") < 32
    for _ in range(3):
        for line in lines:
            line.refresh(made.now)
        made.advance(1)
    assert [line.flow.remote[0] for line in lines if line.flow] == first


def test_an_invite_fails_over_and_its_call_lives_where_it_was_answered() -> None:
    made = town(first=status(503), second=answer_calls)
    call = made.agent.invite(made.account(), BOB, OFFER, 0.0)
    made.advance(0.1)
    assert made.hosts("INVITE") == ["192.0.2.1", "192.0.2.2"]
    assert call.flow == Flow("udp", ("192.0.2.2", 5060))
    call.acknowledge(made.now)
    made.servers["192.0.2.9"] = ok
    made.advance(0.1)
    call.bye(made.now)
    made.advance(0.1)
    assert [event.cause for event in made.heard(CallEnded)] == [EndCause.HUNG_UP]


def test_a_call_that_is_being_worked_on_is_not_sent_elsewhere_when_it_rings_long() -> None:
    made = town(first=status(180))
    call = made.agent.invite(made.account(), BOB, OFFER, 0.0)
    made.advance(60)
    assert made.hosts("INVITE") == ["192.0.2.1"]
    assert call.state == "proceeding"


def test_a_call_that_is_taken_back_before_its_server_is_known_never_leaves() -> None:
    made = town()
    made.dns_works = False
    call = made.agent.invite(made.account(), BOB, OFFER, 0.0)
    made.advance(1)
    call.cancel(made.now)
    made.dns_works = True
    made.advance(3 * PATIENCE)
    assert made.seen == []
    assert [event.cause for event in made.heard(CallEnded)] == [EndCause.CANCELLED]
    assert made.agent.transaction_count == 0


def test_a_call_that_was_saved_before_its_server_was_known_is_over_when_it_is_loaded() -> None:
    made = town()
    made.dns_works = False
    call = made.agent.invite(made.account(), BOB, OFFER, 0.0)
    saved = call.dump()
    assert (saved.kind, saved.host) == ("outgoing", "")
    later = town()
    loaded = later.agent.load_call(saved, later.account(), 0.0)
    loaded.cancel(0.0)
    later.advance(1)
    assert later.seen == []
    assert len(later.heard(CallEnded)) == 1
    assert later.agent.next_deadline() is None


def confirmed(made: Town, target: str) -> Call:
    """A call whose peer gave that Contact."""

    def answer(request: Request) -> Response:
        if request.method != "INVITE":
            return ok(request)
        fields = [("Contact", target), ("Content-Type", "application/sdp")]
        return request.reply(200, to_tag="bob", headers=fields, body=ANSWER)

    made.servers["192.0.2.1"] = answer
    call = made.agent.invite(made.account(), BOB, OFFER, made.now)
    made.advance(0.1)
    call.acknowledge(made.now)
    made.advance(0.1)
    return call


def test_a_request_in_a_dialog_is_located_where_its_target_has_a_name() -> None:
    made = town()
    made.zone.a("phone.example", "192.0.2.7")
    made.servers["192.0.2.7"] = ok
    call = confirmed(made, "<sip:bob@phone.example:5070>")
    assert made.hosts("ACK") == ["192.0.2.1"], "an ACK cannot wait for the DNS"
    call.bye(made.now)
    made.advance(0.1)
    assert made.hosts("BYE") == ["192.0.2.7"]


@pytest.mark.parametrize("known", [True, False])
def test_a_target_that_cannot_be_found_or_is_silent_is_reached_over_the_flow_of_the_dialog(
    known: bool,
) -> None:
    made = town()
    if known:
        made.zone.a("phone.example", "192.0.2.7")
        made.servers["192.0.2.7"] = None
    call = confirmed(made, "<sip:bob@phone.example:5070>")
    call.bye(made.now)
    made.advance(20)
    assert made.hosts("BYE") == ["192.0.2.7"] * known + ["192.0.2.1"]
    assert made.heard(CallEnded)


def test_a_proxy_with_a_name_is_located_and_stands_in_route_if_it_is_a_loose_router() -> None:
    made = town()
    made.zone.srv("_sip._udp.edge.example", (0, 0, 5080, "edge.example"))
    made.zone.a("edge.example", "192.0.2.50")
    made.servers["192.0.2.50"] = answer_calls
    account = made.account(proxy=Uri.parse("sip:edge.example;lr"))
    made.agent.register(account, 0.0)
    made.agent.invite(account, BOB, OFFER, 0.0)
    made.advance(0.1)
    assert set(made.hosts()) == {"192.0.2.50"}
    for request in made.requests("REGISTER") + made.requests("INVITE"):
        assert [str(route) for route in request.route] == ["<sip:edge.example;lr>"]


def test_a_proxy_that_is_no_loose_router_or_an_address_gets_requests_without_route() -> None:
    made = town()
    made.servers["192.0.2.50"] = ok
    for proxy in (("192.0.2.50", 5080), Uri.parse("sip:192.0.2.50:5080")):
        made.agent.register(made.account(proxy=proxy), 0.0)
        made.advance(0.1)
    assert made.hosts() == ["192.0.2.50"] * 2
    assert [request.route for request in made.requests("REGISTER")] == [[], []]


def test_naptr_chooses_tcp_for_an_account_that_leaves_the_transport_open() -> None:
    made = Town(transport="auto")
    made.zone.naptr(
        DOMAIN, (10, 10, "SIP+D2T", f"_sip._tcp.{DOMAIN}"), (20, 10, "SIP+D2U", f"_sip._udp.{DOMAIN}")
    )
    made.zone.srv(f"_sip._tcp.{DOMAIN}", (0, 0, 5070, "a.example"))
    made.zone.a("a.example", "192.0.2.1")
    made.servers["192.0.2.1"] = ok
    line = made.agent.register(made.account(), 0.0)
    made.advance(0.1)
    assert line.flow == Flow("tcp", ("192.0.2.1", 5070))


def test_tls_bears_the_name_of_the_account_and_not_of_the_server_that_was_found() -> None:
    made = Town(transport="tls")
    made.zone.srv(f"_sips._tcp.{DOMAIN}", (0, 0, 5061, "a.hosting.example"))
    made.zone.a("a.hosting.example", "192.0.2.1")
    made.servers["192.0.2.1"] = ok
    line = made.agent.register(made.account(), 0.0)
    made.advance(0.1)
    assert line.flow == Flow("tls", ("192.0.2.1", 5061), 0, DOMAIN)
    other = made.agent.register(made.account("other", server_name="cert.example"), made.now)
    made.advance(0.1)
    assert other.flow == Flow("tls", ("192.0.2.1", 5061), 0, "cert.example")


def test_many_who_wait_for_the_same_name_ask_once() -> None:
    made = town()
    for number in range(50):
        made.agent.register(made.account(f"u{number}"), 0.0)
    made.advance(1)
    assert made.zone.asked.count(Question(Kind.SRV, f"_sip._udp.{DOMAIN}")) == 1
    assert len(made.heard(Registered)) == 50
