"""Sessions with SIPp as the other side: PRACK and UPDATE both ways, session timers with either refresher (RFC 3262, 3311, 4028)."""

import pytest

from sip.account import Account
from sip.events import (
    CallAnswered,
    CallEnded,
    CallProceeding,
    CallReceived,
    DialogRefreshed,
    EndCause,
    OfferAccepted,
    OfferReceived,
)
from sip.timers import SessionTimers
from sip.uri import Uri
from tests.peers.ports import HOST
from tests.peers.processes import Workshop
from tests.peers.sipp import Sipp
from tests.peers.user_agent import ANSWER, OFFER, Ours, on_hold

# Intervals of seconds, which nobody would agree to in earnest.
IMPATIENT = SessionTimers(least=2)
ASKS = SessionTimers(ask=4, least=4)


def account(port: int) -> Account:
    """Ours, towards a SIPp at this port."""
    return Account(Uri("sip", "ours", None, HOST), "ours", "", Uri("sip", None, None, HOST, port))


def played(sipp: Sipp, ours: Ours) -> str:
    """What to look at when it was not played to its end."""
    return f"{sipp.errors()}\n{ours.events}\n{ours.agent.counters}"


async def test_a_telephone_that_rings_reliably_gets_its_pracks_and_an_early_update(
    workshop: Workshop,
) -> None:
    async with Ours() as ours, Sipp(workshop, "prack_answer", pbx=(HOST, 9), number="7001") as phone:
        target = Uri("sip", "7001", None, HOST, phone.port)
        call = ours.do(lambda agent, now: agent.invite(account(phone.port), target, OFFER, now))
        await ours.until(CallProceeding, where=lambda event: event.status == 183)
        await ours.until(CallProceeding, where=lambda event: event.status == 180)
        ours.do(lambda _, now: call.update(now, on_hold(OFFER)))
        accepted = await ours.until(OfferAccepted)
        answered = await ours.until(CallAnswered)
        assert answered.sdp == accepted.sdp, "the 200 says nothing that was said before"
        ours.do(lambda _, now: call.acknowledge(now))
        ours.do(lambda _, now: call.bye(now))
        await ours.until(CallEnded)
        assert (await phone.until_done()).successful == 1, played(phone, ours)


async def test_a_customer_that_insists_on_100rel_and_updates_is_served(workshop: Workshop) -> None:
    async with (
        Ours() as ours,
        Sipp(workshop, "prack_call", pbx=ours.agent.address, number="7002", dials="1") as customer,
    ):
        call = (await ours.until(CallReceived)).call
        ours.do(lambda _, now: call.ring(now, ANSWER, status=183))
        offer = await ours.until(OfferReceived)
        assert offer.in_update
        ours.do(lambda _, now: call.answer_offer(on_hold(ANSWER), now))
        ours.do(lambda _, now: call.accept(None, now))
        ended = await ours.until(CallEnded)
        assert (ended.by, ended.cause) == ("them", EndCause.HUNG_UP)
        assert (await customer.until_done()).successful == 1, played(customer, ours)


@pytest.mark.parametrize(
    ("scenario", "by", "cause"),
    [("timer_uac", "nobody", EndCause.GONE), ("timer_uas", "them", EndCause.HUNG_UP)],
)
async def test_a_customers_session_timer_is_kept_by_whoever_it_names(
    workshop: Workshop, scenario: str, by: str, cause: str
) -> None:
    async with (
        Ours(session_timers=IMPATIENT) as ours,
        Sipp(workshop, scenario, pbx=ours.agent.address, number="7003", dials="1") as customer,
    ):
        call = (await ours.until(CallReceived)).call
        ours.do(lambda _, now: call.accept(ANSWER, now))
        ended = await ours.until(CallEnded)
        assert (ended.by, ended.cause) == (by, cause)
        assert (await customer.until_done()).successful == 1, played(customer, ours)


async def test_a_telephone_that_wants_a_longer_interval_and_knows_no_update_is_kept_alive(
    workshop: Workshop,
) -> None:
    async with (
        Ours(session_timers=ASKS) as ours,
        Sipp(workshop, "timer_answer", pbx=(HOST, 9), number="7004") as phone,
    ):
        target = Uri("sip", "7004", None, HOST, phone.port)
        call = ours.do(lambda agent, now: agent.invite(account(phone.port), target, OFFER, now))
        await ours.until(CallAnswered)
        ours.do(lambda _, now: call.acknowledge(now))
        await ours.until(DialogRefreshed)
        ours.do(lambda _, now: call.bye(now))
        await ours.until(CallEnded)
        assert (await phone.until_done()).successful == 1, played(phone, ours)
