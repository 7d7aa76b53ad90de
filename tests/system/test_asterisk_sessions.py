"""Sessions with a real Asterisk: its reliable early media changed while it rings, and its session timer agreed on."""

import pytest

from sip.account import Account
from sip.events import CallAnswered, CallEnded, CallProceeding, DialogRefreshed, OfferAccepted
from sip.timers import SessionTimers
from sip.uri import Uri
from tests.peers.asterisk import Asterisk
from tests.peers.user_agent import OFFER, Ours, on_hold
from tests.system.stage import SECOND_DESK, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLER = f"{SECOND_DESK}p"


def account(pbx: Asterisk) -> Account:
    host, port = pbx.address
    registrar = Uri("sip", None, None, host, port)
    uri = Uri("sip", CALLER, None, host, port)
    return Account(uri, CALLER, pbx.password(CALLER), registrar, proxy=pbx.address)


async def test_asterisk_rings_reliably_and_takes_an_update_before_it_answers(stage: Stage) -> None:
    host, port = stage.pbx.address
    async with Ours() as ours:
        target = Uri("sip", "604", None, host, port)
        call = ours.do(
            lambda agent, now: agent.invite(
                account(stage.pbx), target, OFFER, now, headers=[("Require", "100rel")]
            )
        )
        early = await ours.until(CallProceeding, where=lambda event: event.sdp is not None)
        ours.do(lambda _, now: call.update(now, on_hold(OFFER), tag=early.tag))
        accepted = await ours.until(OfferAccepted)
        assert accepted.sdp is not None
        ours.do(lambda _, now: call.cancel(now))
        await ours.until(CallEnded)
        assert ours.agent.counters["prack_refused"] == 0


async def test_asterisk_agrees_to_a_session_timer_and_to_its_refresh(stage: Stage) -> None:
    host, port = stage.pbx.address
    async with Ours(session_timers=SessionTimers(ask=90)) as ours:
        target = Uri("sip", "600", None, host, port)
        call = ours.do(lambda agent, now: agent.invite(account(stage.pbx), target, OFFER, now))
        await ours.until(CallAnswered)
        ours.do(lambda _, now: call.acknowledge(now))
        saved = call.dump()
        assert saved.session_expires == 90
        ours.do(lambda _, now: call.update(now))
        await ours.until(DialogRefreshed)
        assert (call.dump().session_expires, call.dump().we_refresh) == (90, saved.we_refresh)
        ours.do(lambda _, now: call.bye(now))
        await ours.until(CallEnded)
