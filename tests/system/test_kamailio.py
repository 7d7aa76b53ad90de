"""Our user agent through a real Kamailio 5.6: registrar with digest, record-routing proxy, forking, presence server.

A proxy knows nothing of dialogs: whatever arrives at the other end found its way by the route set, the credentials and the Via that
our side put there.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from sip.account import Transport
from sip.events import (
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallProceeding,
    CallReceived,
    DialogRefreshed,
    EndCause,
    OfferAccepted,
    OfferReceived,
    Registered,
    RegistrationFailed,
    Unregistered,
)
from sip.headers import Reason
from sip.transport.tls import Tls
from tests.peers.authority import Authority
from tests.peers.kamailio import Kamailio
from tests.peers.ports import HOST
from tests.peers.processes import Workshop
from tests.peers.user_agent import ANSWER, OFFER, Ours, on_hold

pytestmark = pytest.mark.system

TRANSPORTS: tuple[Transport, ...] = ("udp", "tcp", "tls")


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Who signs the proxy's certificate and ours."""
    return Authority()


@pytest.fixture
async def proxy(workshop: Workshop, authority: Authority) -> AsyncIterator[Kamailio]:
    async with Kamailio(
        workshop, algorithm="SHA-256", authority=authority, challenges_in_dialogs=True
    ) as started:
        yield started


@pytest.fixture
def tls(workshop: Workshop, authority: Authority) -> Tls:
    """What our side believes and shows."""
    own = authority.issue(HOST, folder=workshop.folder)
    return Tls(ca=str(authority.write(workshop.folder)), certificate=str(own.certificate), key=str(own.key))


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_line_registers_refreshes_and_leaves(proxy: Kamailio, tls: Tls, transport: Transport) -> None:
    async with Ours(tls=tls) as ours:
        registration = await ours.register(proxy.account("201", transport, expires=5))
        refreshed = await ours.until(Registered)
        assert (refreshed.refreshed, refreshed.expires) == (True, 5)
        ours.do(lambda _, now: registration.unregister(now))
        await ours.until(Unregistered)
        # Nobody is there any more: a call for this line is refused by the proxy itself.
        caller = proxy.account("202", transport)
        call = ours.do(lambda agent, now: agent.invite(caller, proxy.uri("201"), OFFER, now))
        ended = await ours.until(CallEnded)
        assert (ended.call, ended.status, ended.cause) == (call, 404, EndCause.REFUSED)


async def test_a_wrong_password_is_refused_and_said(proxy: Kamailio) -> None:
    account = proxy.account("201")
    wrong = replace(account, password="guess")
    async with Ours() as ours:
        ours.do(lambda agent, now: agent.register(wrong, now))
        failed = await ours.until(RegistrationFailed)
        assert failed.status == 401


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_call_keeps_its_route_set_from_the_invite_to_the_bye(
    proxy: Kamailio, tls: Tls, transport: Transport
) -> None:
    """re-INVITE, UPDATE and BYE in both directions, each of which the proxy forwards by Route alone and challenges."""
    async with Ours(tls=tls) as alice, Ours(tls=tls) as bob:
        one, two = proxy.account("201", transport), proxy.account("202", transport)
        await alice.register(one)
        await bob.register(two)
        mine, theirs = await alice.talk(one, proxy.uri("202"), bob)
        assert mine.dump().route_set
        assert theirs.dump().route_set

        alice.do(lambda _, now: mine.reinvite(on_hold(OFFER), now))
        offered = await bob.until(OfferReceived)
        assert offered.sdp is not None
        assert b"a=inactive" in offered.sdp
        bob.do(lambda _, now: theirs.answer_offer(on_hold(ANSWER), now))
        await alice.until(OfferAccepted)

        bob.do(lambda _, now: theirs.update(now))
        await bob.until(DialogRefreshed)

        bob.do(lambda _, now: theirs.bye(now, [Reason("Q.850", 16, "Normal call clearing")]))
        assert (await bob.until(CallEnded)).by == "us"
        ended = await alice.until(CallEnded)
        assert (ended.by, ended.reasons) == ("them", (Reason("Q.850", 16, "Normal call clearing"),))


async def test_a_proxy_whose_certificate_is_for_another_or_of_another_is_not_spoken_to(
    proxy: Kamailio, tls: Tls, workshop: Workshop
) -> None:
    """Neither the registration nor its password leaves; the cause is said."""
    elsewhere = workshop.folder / "elsewhere"
    elsewhere.mkdir()
    stranger = Tls(ca=str(Authority("Somebody else").write(elsewhere)))
    account = proxy.account("201", "tls")
    renamed = replace(account, server_name="pbx.test")
    for believes, line in ((stranger, account), (tls, renamed)):
        async with Ours(tls=believes) as ours:
            ours.do(lambda agent, now, line=line: agent.register(line, now))  # type: ignore[misc] # no type for a default of a lambda
            failed = await ours.until(RegistrationFailed)
            assert failed.status is None
            assert "certificate" in failed.reason


async def test_two_transports_meet_at_the_proxy(proxy: Kamailio) -> None:
    """A caller on TCP, a callee on UDP: two Record-Routes, and each side leaves by its own."""
    async with Ours() as alice, Ours() as bob:
        one, two = proxy.account("201", "tcp"), proxy.account("202", "udp")
        await alice.register(one)
        await bob.register(two)
        mine, theirs = await alice.talk(one, proxy.uri("202"), bob)
        assert len(mine.dump().route_set) == len(theirs.dump().route_set) == 2
        alice.do(lambda _, now: mine.bye(now))
        assert (await bob.until(CallEnded)).by == "them"
        assert (await alice.until(CallEnded)).call is mine


async def test_a_call_is_cancelled_on_its_way(proxy: Kamailio) -> None:
    async with Ours() as alice, Ours() as bob:
        one, two = proxy.account("201"), proxy.account("202")
        await alice.register(one)
        await bob.register(two)
        mine = alice.do(lambda agent, now: agent.invite(one, proxy.uri("202"), OFFER, now))
        theirs = (await bob.until(CallReceived)).call
        bob.do(lambda _, now: theirs.ring(now))
        await alice.until(CallProceeding)
        alice.do(lambda _, now: mine.cancel(now))
        assert (await bob.until(CallEnded)).cause == EndCause.CANCELLED
        ended = await alice.until(CallEnded)
        assert (ended.status, ended.cause) == (487, EndCause.CANCELLED)


async def test_a_forked_call_is_answered_once_and_the_others_are_told(proxy: Kamailio) -> None:
    """Three telephones of one user: two early dialogs and an answer; the proxy cancels the rest."""
    async with Ours() as alice, Ours() as desk, Ours() as soft, Ours() as mobile:
        one, two = proxy.account("201"), proxy.account("202")
        await alice.register(one)
        phones = (desk, soft, mobile)
        for phone in phones:
            await phone.register(two)
        mine = alice.do(lambda agent, now: agent.invite(one, proxy.uri("202"), OFFER, now))
        ringing = [(await phone.until(CallReceived)).call for phone in phones]
        for phone, call in zip(phones, ringing, strict=True):
            phone.do(lambda _, now, call=call: call.ring(now))  # type: ignore[misc] # mypy sees no default of a lambda
        tags = {(await alice.until(CallProceeding)).tag for _ in phones}
        assert tags == {call.local_tag for call in ringing}
        soft.do(lambda _, now: ringing[1].accept(ANSWER, now))
        await alice.until(CallAnswered)
        alice.do(lambda _, now: mine.acknowledge(now))
        await soft.until(CallConfirmed)
        assert mine.remote_tag == ringing[1].local_tag
        for phone in (desk, mobile):
            assert (await phone.until(CallEnded)).cause == EndCause.CANCELLED
        alice.do(lambda _, now: mine.bye(now))
        assert (await soft.until(CallEnded)).by == "them"


async def test_a_callee_that_refuses_or_is_away_is_told_in_its_words(proxy: Kamailio) -> None:
    async with Ours() as alice, Ours() as bob:
        one, two = proxy.account("201"), proxy.account("202")
        await alice.register(one)
        await bob.register(two)
        alice.do(lambda agent, now: agent.invite(one, proxy.uri("202"), OFFER, now))
        theirs = (await bob.until(CallReceived)).call
        bob.do(lambda _, now: theirs.reject(486, now))
        assert (await alice.until(CallEnded)).status == 486
        alice.do(lambda agent, now: agent.invite(one, proxy.uri("299"), OFFER, now))
        assert (await alice.until(CallEnded)).status == 404


async def test_a_call_outlives_the_process_that_made_it(proxy: Kamailio) -> None:
    """The caller's process dies; another one, at another address, takes the dialog over through the proxy by UPDATE without SDP."""
    async with Ours() as bob:
        one, two = proxy.account("201"), proxy.account("202")
        await bob.register(two)
        async with Ours() as alice:
            mine, theirs = await alice.talk(one, proxy.uri("202"), bob)
            saved = mine.dump()
        async with Ours() as another:
            loaded = another.do(lambda agent, now: agent.load_call(saved, one, now))
            another.do(lambda _, now: loaded.update(now))
            await another.until(DialogRefreshed)
            bob.do(lambda _, now: theirs.bye(now))
            assert (await another.until(CallEnded)).by == "them"
            assert (await bob.until(CallEnded)).status == 200
