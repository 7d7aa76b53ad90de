"""Thousands of registrations at one registrar: paced at the start, at its return, and when a connection breaks; and what a registrar
says of ways (RFC 3327, RFC 3608)."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sip.agent import UserAgent
from sip.events import Registered, RegistrationFailed, Unregistered
from sip.flow import Flow
from sip.message import Request, Response
from sip.pacer import Pace
from sip.registration import Registration
from sip.uri import Uri
from tests.sip.pair import OFFER
from tests.sip.registrar import grant
from tests.sip.servers import DOMAIN, Behaviour, Town, ok, status

PACE = Pace(rate=100, window=8)


def office(lines: int, behaviour: Behaviour = ok, **town: object) -> tuple[Town, list[Registration]]:
    """An office at one registrar with an address."""
    made = Town(**{"pace": PACE, **town})  # type: ignore[arg-type]
    made.servers["192.0.2.1"] = behaviour
    proxy = ("192.0.2.1", 5060)
    return made, [
        made.agent.register(made.account(f"u{number}", proxy=proxy), 0.0) for number in range(lines)
    ]


def most_a_second(moments: list[float]) -> int:
    """The most messages in any second."""
    return max(sum(1 for at in moments if begin <= at < begin + 1) for begin in moments) if moments else 0


def test_a_start_is_paced_by_the_rate_and_everybody_is_registered() -> None:
    made, _ = office(500)
    made.advance(6)
    assert len(made.heard(Registered)) == 500
    assert most_a_second(made.moments) <= 102


def test_a_slow_registrar_has_no_more_requests_at_once_than_the_window() -> None:
    made, _ = office(100, None)
    made.advance(0.2)
    assert len(made.hosts()) == 8


def test_refreshes_are_spread_over_the_interval() -> None:
    made, _ = office(300, grant(100))
    made.advance(5)
    made.forget()
    made.advance(83)
    assert len(made.seen) >= 295
    assert most_a_second(made.moments) <= 70, "over ten seconds, where they began within three"


def test_a_registrar_that_comes_back_gets_everybody_back_soon_and_at_a_bounded_rate() -> None:
    made, lines = office(400, grant(60))
    made.advance(10)
    made.servers["192.0.2.1"] = None
    made.advance(200)
    assert {line.state for line in lines} <= {"waiting", "queued", "registering"}
    assert len({event.registration for event in made.heard(RegistrationFailed)}) == 400, (
        "nobody thinks it is registered"
    )
    made.servers["192.0.2.1"] = grant(60)
    made.forget()
    before = made.now
    while any(line.state != "registered" for line in lines) and made.now < before + 60:
        made.advance(1)
    assert all(line.state == "registered" for line in lines)
    assert made.now - before < 45, "the one that asks finds it within 32 s; the others follow by the rate"
    assert most_a_second(made.moments) <= 102


def test_while_a_registrar_is_silent_one_asks_for_all() -> None:
    made, lines = office(400, grant(60))
    made.advance(10)
    made.servers["192.0.2.1"] = None
    made.advance(120)
    made.forget()
    made.advance(60)
    assert len(made.hosts()) <= 4, "time-outs of 32 s, one after the other"
    assert len(made.seen) <= 4 * 11, "with its repeats"
    assert len(lines) == 400


def test_a_registrar_that_is_busy_is_asked_by_fewer_at_once() -> None:
    made, _ = office(100, status(503, Retry_After="30"), pace=Pace(rate=1e5, window=8))
    made.advance(0.5)
    at_once = Counter(round(at, 3) for at in made.moments)
    assert at_once[0.0] == 8
    assert max(count for at, count in at_once.items() if at > 0.02) == 1


def test_a_broken_connection_brings_its_lines_back_without_a_storm() -> None:
    made, lines = office(400, transport="tcp")
    made.advance(10)
    made.forget()
    made.agent.transport_lost(Flow("tcp", ("192.0.2.1", 5060), 1), made.now)
    made.advance(5)
    assert len(made.seen) == 400
    assert most_a_second(made.moments) <= 102
    assert all(line.state == "registered" for line in lines)


def test_a_server_that_refuses_connections_fails_all_at_once_and_has_all_back_when_it_stands() -> None:
    made, lines = office(200, transport="tcp")
    made.advance(5)
    made.lost.add("192.0.2.1")
    flow = Flow("tcp", ("192.0.2.1", 5060), 1)
    made.agent.transport_lost(flow, made.now, "reset")
    made.advance(0.1)
    assert len({event.registration for event in made.heard(RegistrationFailed)}) == 200
    made.lost.clear()
    made.agent.transport_made(flow, made.now)
    made.advance(4)
    assert all(line.state == "registered" for line in lines)


def test_leaving_is_paced_too_and_who_waits_for_its_turn_leaves_all_the_same() -> None:
    made, lines = office(100)
    made.advance(3)
    made.forget()
    for line in lines:
        line.unregister(made.now)
    made.advance(3)
    assert len(made.heard(Unregistered)) == 100
    assert most_a_second(made.moments) <= 102
    assert made.agent.next_deadline() is None or made.agent.transaction_count
    made.advance(40)
    assert made.agent.next_deadline() is None
    assert made.agent.registration_count == 0


def test_who_is_switched_off_and_on_in_the_queue_keeps_its_place() -> None:
    made, lines = office(30, None)
    last = lines[-1]
    last.unregister(made.now)
    assert last.state == "leave queued"
    last.refresh(made.now)
    assert last.state == "queued"
    last.unregister(made.now)
    made.advance(40)
    assert made.heard(Unregistered) == [Unregistered(last)], "the registrar is silent: it forgets by itself"


def test_an_answer_that_grants_no_time_is_a_failure() -> None:
    made, lines = office(1, lambda request: grant(0)(request))
    made.advance(1)
    assert [event.status for event in made.heard(RegistrationFailed)] == [200]
    assert lines[0].state == "waiting"


def test_a_contact_of_another_device_that_cannot_be_read_does_not_undo_ours() -> None:
    def answer(request: Request) -> Response:
        return request.reply(
            200, headers=[("Contact", f"what is this?, {request.get('Contact')};expires=70")]
        )

    made, _ = office(1, answer)
    made.advance(1)
    assert [event.expires for event in made.heard(Registered)] == [70]


def test_a_redirection_of_a_register_is_a_failure_and_is_not_followed() -> None:
    """§8.1.3.4 allows it; but a hash of the password would go where nobody sent it."""
    made, _ = office(1, status(302, Contact="<sip:elsewhere.example>"))
    made.advance(10)
    assert made.hosts() == ["192.0.2.1"]
    (failed,) = made.heard(RegistrationFailed)
    assert failed.status == 302
    assert failed.retry_at is not None
    assert failed.retry_at >= 30


# Ways: RFC 3327 and RFC 3608.


def routed(*routes: str) -> Behaviour:
    """A registrar that says Path and Service-Route."""

    def answer(request: Request) -> Response:
        response = ok(request)
        if request.method == "REGISTER":
            response = response.append("Path", "<sip:edge.example;lr>")
            for route in routes:
                response = response.append("Service-Route", route)
        return response

    return answer


def test_a_register_says_that_it_knows_path_and_other_requests_do_not() -> None:
    made, _ = office(1, routed())
    made.advance(0.1)
    made.agent.invite(
        made.account("u0", proxy=("192.0.2.1", 5060)), Uri("sip", "bob", None, DOMAIN), OFFER, made.now
    )
    made.advance(0.1)
    assert "path" in (made.requests("REGISTER")[0].get("Supported") or "")
    assert "path" not in (made.requests("INVITE")[0].get("Supported") or "")
    assert made.heard(Registered), "Path in the answer is for others"


def call(made: Town, **more: object) -> Request:
    made.agent.invite(made.account("u0", **more), Uri("sip", "bob", None, DOMAIN), OFFER, made.now)
    made.advance(0.1)
    return made.requests("INVITE")[-1]


def test_service_route_is_the_route_of_further_requests_and_their_next_hop() -> None:
    made = Town()
    made.two_servers(routed("<sip:192.0.2.3;lr>, <sip:home.example;lr>", "<sip:third.example;lr>"))
    made.servers["192.0.2.3"] = ok
    line = made.agent.register(made.account("u0"), 0.0)
    made.advance(0.1)
    invite = call(made)
    assert [str(route.uri) for route in invite.route] == [
        "sip:192.0.2.3;lr",
        "sip:home.example;lr",
        "sip:third.example;lr",
    ]
    assert made.hosts("INVITE") == ["192.0.2.3"]
    line.refresh(made.now)
    made.advance(0.1)
    assert made.requests("REGISTER")[-1].route == [], "a REGISTER does not take it (RFC 3608 §6.1)"
    assert made.hosts("REGISTER")[-1] == "192.0.2.1"


def test_a_proxy_comes_before_the_service_route() -> None:
    made = Town()
    made.servers["192.0.2.5"] = routed("<sip:home.example;lr>")
    proxy = Uri.parse("sip:192.0.2.5;lr")
    made.agent.register(made.account("u0", proxy=proxy), 0.0)
    made.advance(0.1)
    assert [str(route.uri) for route in call(made, proxy=proxy).route] == [
        "sip:192.0.2.5;lr",
        "sip:home.example;lr",
    ]
    assert made.hosts("INVITE") == ["192.0.2.5"]


def test_an_answer_without_service_route_takes_back_what_was_said_before() -> None:
    made = Town()
    made.two_servers(routed("<sip:192.0.2.1;lr>"))
    line = made.agent.register(made.account("u0"), 0.0)
    made.advance(0.1)
    assert call(made).route
    made.servers["192.0.2.1"] = ok
    line.refresh(made.now)
    made.advance(0.1)
    assert call(made).route == []


@pytest.mark.parametrize("bad", ["nonsense", "<tel:+123>", ", ".join(["<sip:a.example;lr>"] * 9)])
def test_a_service_route_that_is_none_is_counted_and_not_taken(bad: str) -> None:
    made = Town()
    made.two_servers(routed(bad))
    made.agent.register(made.account("u0"), 0.0)
    made.advance(0.1)
    assert made.heard(Registered)
    assert call(made).route == []
    assert made.agent.counters["service_route_refused"] == 1


class Life(RuleBasedStateMachine):
    """Lines come, go and refresh at a registrar that is well, busy, silent or brief, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.town = Town(pace=Pace(rate=200, window=4))
        self.town.servers["192.0.2.1"] = ok
        proxy = ("192.0.2.1", 5060)
        self.accounts = [self.town.account(f"u{number}", proxy=proxy, expires=60) for number in range(10)]
        self.lines: dict[int, Registration] = {}

    @rule(number=st.integers(0, 9))
    def switch_on(self, number: int) -> None:
        if number in self.lines:
            self.lines[number].refresh(self.town.now)
        else:
            self.lines[number] = self.agent.register(self.accounts[number], self.town.now)

    @rule(number=st.integers(0, 9))
    def switch_off(self, number: int) -> None:
        if number in self.lines:
            self.lines[number].unregister(self.town.now)

    @rule(behaviour=st.sampled_from([ok, None, status(503), status(403), status(423, Min_Expires="90")]))
    def the_registrar_is(self, behaviour: Behaviour) -> None:
        self.town.servers["192.0.2.1"] = behaviour

    @rule(seconds=st.sampled_from([0.005, 0.5, 10, 40, 100]))
    def wait(self, seconds: float) -> None:
        self.town.advance(seconds)

    @property
    def agent(self) -> UserAgent:
        return self.town.agent

    @invariant()
    def never_more_than_the_window_are_outstanding(self) -> None:
        asking = {"registering", "refreshing", "leaving", "unregistering", "returning"}
        assert sum(line.state in asking for line in self.lines.values()) <= 4

    def teardown(self) -> None:
        """When the registrar is well again, everybody is where the user wants it."""
        wanted = {
            number
            for number, line in self.lines.items()
            if not line.state.startswith(("leav", "unreg", "off"))
        }
        self.town.servers["192.0.2.1"] = ok
        self.town.advance(3700)
        for number, line in self.lines.items():
            assert line.state in (("registered", "refreshing") if number in wanted else ("off",)), (
                number,
                line.state,
            )


TestLife = Life.TestCase
TestLife.settings = settings(deadline=None, max_examples=40, stateful_step_count=25)
