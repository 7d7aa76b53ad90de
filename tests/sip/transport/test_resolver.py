"""The DNS of a real name server as values."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from sip.location.records import Answer, Kind, Naptr, Question, Srv
from sip.transport import resolver as module
from sip.transport.resolver import Resolver
from tests.peers.dns import HOST, NameServer, name_server


@pytest.fixture
async def server() -> AsyncIterator[NameServer]:
    async with name_server(ttl=77) as made:
        made.say(
            "pbx.test",
            "NAPTR",
            '10 20 "s" "SIP+D2T" "" _sip._tcp.pbx.test.',
            '20 20 "s" "SIP+D2U" "" _sip._udp.pbx.test.',
        )
        made.say("_sip._udp.pbx.test", "SRV", "10 60 5060 A.pbx.test.", "20 0 5070 b.pbx.test.")
        made.say("_sip._tcp.pbx.test", "SRV", "0 0 0 .")
        made.say("a.pbx.test", "A", "192.0.2.1", "192.0.2.2")
        made.say("a.pbx.test", "AAAA", "2001:db8::1")
        yield made


def asks(server: NameServer) -> Resolver:
    return Resolver([(HOST, server.port)])


@pytest.mark.parametrize(
    ("kind", "name", "records"),
    [
        (
            Kind.NAPTR,
            "pbx.test",
            {
                Naptr(10, 20, "s", "SIP+D2T", "_sip._tcp.pbx.test"),
                Naptr(20, 20, "s", "SIP+D2U", "_sip._udp.pbx.test"),
            },
        ),
        (Kind.SRV, "_sip._udp.pbx.test", {Srv(10, 60, 5060, "a.pbx.test"), Srv(20, 0, 5070, "b.pbx.test")}),
        (Kind.SRV, "_sip._tcp.pbx.test", {Srv(0, 0, 0, "")}),
        (Kind.A, "a.pbx.test", {"192.0.2.1", "192.0.2.2"}),
        (Kind.AAAA, "a.pbx.test", {"2001:db8::1"}),
    ],
)
async def test_records_are_read_with_their_ttl(
    server: NameServer, kind: Kind, name: str, records: set[object]
) -> None:
    answer = await asks(server).answer(Question(kind, name))
    assert (set(answer.records), answer.ttl, answer.failed) == (records, 77.0, False)


@pytest.mark.parametrize("question", [Question(Kind.SRV, "nowhere.test"), Question(Kind.SRV, "a.pbx.test")])
async def test_no_such_name_and_no_such_record_are_answers(server: NameServer, question: Question) -> None:
    answer = await asks(server).answer(question)
    assert (answer.records, answer.failed) == ((), False)
    assert answer.ttl > 0


async def test_a_silent_server_and_a_name_that_is_none_are_failures(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    server.speaks = False
    question = Question(Kind.SRV, "pbx.test")
    assert await asks(server).answer(question) == Answer(question, failed=True)
    for name in ("a..test", "x" * 70 + ".test"):
        bad = Question(Kind.SRV, name)
        assert await asks(server).answer(bad) == Answer(bad, failed=True)
        bad = Question(Kind.A, name)
        assert await Resolver().answer(bad) == Answer(bad, failed=True)


async def test_without_servers_addresses_are_those_that_the_system_finds() -> None:
    answer = await Resolver().answer(Question(Kind.A, "localhost"))
    assert answer.records == ("127.0.0.1",)
    assert (await Resolver().answer(Question(Kind.SRV, "_sip._udp.localhost"))).records == ()


async def test_who_asks_is_told_later_and_not_after_the_end(server: NameServer) -> None:
    told: list[Answer] = []
    known = asyncio.Event()
    made = asks(server)

    def take(answer: Answer) -> None:
        told.append(answer)
        known.set()

    made.ask(Question(Kind.A, "a.pbx.test"), take)
    assert told == []
    await asyncio.wait_for(known.wait(), 5)
    assert len(told) == 1
    server.speaks = False
    made.ask(Question(Kind.SRV, "_sip._udp.pbx.test"), told.append)
    await made.close()
    assert len(told) == 1
