"""kill -9 and the next life, in every state a call can be in (design 6, the restart contract)."""

from dataclasses import replace

import pytest

from gateway.lines.journal import Record
from protocol.codes import Cause, Code
from protocol.entities import Party
from sip.call import Call, CallState
from tests.gateway.lines.test_journal import SAVED
from tests.gateway.pbx import USER, Page, World, answers, rings, sdp

CUSTOMER = "+79161234567"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def page(world: World) -> Page:
    return Page(world, "t1").hello()


def talking(world: World, page: Page) -> str:
    world.pbx.does[CUSTOMER] = answers
    page.dial(CUSTOMER)
    assert world.call().state == "talking"
    return world.call().id


def kill_and_restart(world: World, after: float = 2.0) -> None:
    """What the exchange sends meanwhile is lost; retransmissions are its own affair."""
    world.kill()
    world.lost = lambda data, sender: sender == "pbx"
    world.run(after)
    world.lost = lambda data, sender: False
    world.restart()


def test_a_talking_call_is_found_with_its_id_party_and_clock(world: World, page: Page) -> None:
    call = talking(world, page)
    page.mute(call, on=True)
    before = world.call()
    world.run(5)
    kill_and_restart(world)
    world.run(0.5)
    page.hello("reconnect")
    after = world.call()
    assert (after.id, after.party, after.answered_at) == (call, before.party, before.answered_at)
    assert (after.state, after.sound, after.muted, after.confirmed) == ("talking", "here", True, True)
    assert world.said("gateway UPDATE") == 1
    world.run(60)
    assert world.call().state == "talking"
    assert world.pbx.offers == []  # nothing was held
    page.hang_up(call)
    assert world.call().state == "ended"
    assert world.theirs() == []
    assert world.records == {}


def test_a_call_is_unconfirmed_until_the_pbx_has_answered(world: World, page: Page) -> None:
    talking(world, page)
    world.kill()
    world.pbx.silent = True
    world.restart()
    world.run(1)
    page.hello("reconnect")
    assert (world.call().confirmed, world.call().actions["hold"]) == (False, Code.UNCONFIRMED)
    world.pbx.silent = False
    world.run(1)
    assert (world.call().confirmed, world.call().actions["hold"]) == (True, None)


def test_a_call_that_the_pbx_ended_meanwhile_ends_with_its_cause(world: World, page: Page) -> None:
    talking(world, page)
    world.kill()
    world.lost = lambda data, sender: sender == "pbx"
    world.pbx.dialled[0].bye(world.now)
    world.run(33)
    world.lost = lambda data, sender: False
    world.restart()
    world.run(0.5)
    call = world.call()
    assert call.end is not None
    assert (call.state, call.end.by, call.end.cause, call.end.status) == (
        "ended", "nobody", Cause.GONE_AT_PBX, 481,
    )  # fmt: skip
    assert world.records == {}


def test_a_ringing_call_of_ours_is_cancelled_by_its_saved_branch(world: World, page: Page) -> None:
    world.pbx.does[CUSTOMER] = rings
    page.dial(CUSTOMER)
    kill_and_restart(world)
    world.run(1)
    call = world.call()
    assert call.end is not None
    assert (call.end.by, call.end.cause) == ("nobody", Cause.GATEWAY_RESTARTED)
    assert world.said("gateway CANCEL") == 1
    assert world.theirs() == []
    assert world.records == {}


def test_an_invite_that_was_challenged_is_cancelled_by_its_latest_branch(world: World, page: Page) -> None:
    challenge = ("WWW-Authenticate", 'Digest realm="pbx", nonce="n1", algorithm=MD5, qop="auth"')

    def challenges(call: Call, now: float) -> None:
        if call.request.get("Authorization") is None:
            call.reject(401, now, headers=[challenge])
        else:
            call.ring(now)

    world.pbx.does[CUSTOMER] = challenges
    page.dial(CUSTOMER)
    assert world.call().state == "ringing"
    kill_and_restart(world)
    world.run(1)
    assert world.said("pbx 200 CANCEL") == 1
    assert world.theirs() == []


def test_the_next_life_has_the_same_contact(world: World) -> None:
    before = dict(world.pbx.contacts)
    world.kill()
    world.restart()
    world.run(1)
    assert world.said("gateway REGISTER") == 4
    assert world.pbx.contacts == before


def test_a_hold_of_theirs_is_remembered(world: World, page: Page) -> None:
    talking(world, page)
    held = sdp("pbx", setup="actpass", version=9, direction="sendonly").encode()
    world.pbx.dialled[0].reinvite(held, world.now)
    world.pump()
    kill_and_restart(world)
    assert world.call().hold.them


def test_a_call_that_was_answered_while_we_were_dead_is_acknowledged_and_ended(
    world: World, page: Page
) -> None:
    world.pbx.does[CUSTOMER] = rings
    page.dial(CUSTOMER)
    world.kill()
    world.lost = lambda data, sender: sender == "pbx"
    answers(world.pbx.dialled[0], world.now)
    world.run(1)
    world.lost = lambda data, sender: False
    world.restart()
    world.run(5)
    assert world.theirs() == []
    call = world.call()
    assert call.end is not None
    assert call.end.cause is Cause.GATEWAY_RESTARTED


def test_a_200_to_an_invite_that_was_never_written_down_is_acknowledged_and_ended(
    world: World, page: Page
) -> None:
    world.pbx.does[CUSTOMER] = rings
    world.disk = "stuck"
    page.dial(CUSTOMER)
    world.kill()
    world.disk = "auto"
    world.restart()
    assert world.calls() == []
    answers(world.pbx.dialled[0], world.now)
    world.run(2)
    assert world.theirs() == []
    assert world.said("gateway ACK") == 1
    assert world.said("gateway BYE") == 1


def test_a_ring_goes_on_and_can_be_answered(world: World, page: Page) -> None:
    world.pbx.call("101", world.now)
    world.run(world.limits.ring_kept_s)
    call = world.call().id
    kill_and_restart(world)
    page.hello("reconnect")
    assert list(page.offers) == [call]
    page.answer(call)
    assert (world.call().id, world.call().state, world.call().sound) == (call, "talking", "here")


def test_a_ring_that_was_taken_back_while_we_were_dead_is_passed_on(world: World, page: Page) -> None:
    theirs = world.pbx.call("101", world.now)
    world.run(world.limits.ring_kept_s)
    world.kill()
    world.restart()
    page.hello("reconnect")
    theirs.cancel(world.now)
    world.run(1)
    call = world.call()
    assert call.end is not None
    assert call.end.cause is Cause.MISSED
    assert world.theirs() == []


def test_killed_between_the_journal_and_our_200_the_200_is_sent_by_the_next_life(
    world: World, page: Page
) -> None:
    world.pbx.call("101", world.now)
    world.pump()
    call = world.call().id
    world.lost = lambda data, sender: sender == "gateway" and b"200 OK" in data and b"INVITE" in data
    page.answer(call)
    assert [record.phase for record in world.records.values()] == ["answering"]
    kill_and_restart(world, 0.3)
    world.run(0.1)
    page.hello("reconnect")
    assert (world.call().id, world.call().state, world.call().sound) == (call, "talking", "here")
    world.run(40)
    assert len(world.theirs()) == 1
    assert world.call().state == "talking"


def test_killed_between_our_200_and_its_ack_the_200_is_repeated(world: World, page: Page) -> None:
    world.pbx.call("101", world.now)
    world.pump()
    call = world.call().id
    world.lost = lambda data, sender: sender == "pbx" and data.startswith(b"ACK")
    page.answer(call)
    assert (world.call().state, world.call().pending) == ("incoming", ("answer",))
    kill_and_restart(world, 0.3)
    world.run(0.1)
    page.hello("reconnect")
    assert (world.call().id, world.call().state) == (call, "talking")
    world.run(40)
    assert len(world.theirs()) == 1
    assert world.call().state == "talking"


def test_killed_between_their_200_and_our_ack_the_call_goes_on_and_the_page_hears_the_answer(
    world: World, page: Page
) -> None:
    world.pbx.does[CUSTOMER] = answers
    world.lost = lambda data, sender: sender == "gateway" and data.startswith(b"ACK")
    page.dial(CUSTOMER)
    record = next(iter(world.records.values()))
    world.records[record.id] = Record.from_json(record.to_json().replace(b'"talking"', b'"answered"'))
    page.remotes.clear()
    kill_and_restart(world, 0.3)
    page.hello("reconnect")
    assert page.remotes == [(world.call().id, "answer")]
    world.run(40)
    assert (world.call().state, world.call().sound) == ("talking", "here")
    (theirs,) = world.theirs()
    assert theirs.state is CallState.CONFIRMED


def test_held_is_not_held_again_and_can_be_taken_back(world: World, page: Page) -> None:
    call = talking(world, page)
    page.hold(call)
    kill_and_restart(world)
    page.hello("reconnect")
    assert (world.call().state, world.call().hold.us) == ("held", True)
    page.leave()
    world.run(1)
    assert len(world.pbx.offers) == 1
    page.hello("reconnect")
    page.resume(call)
    assert world.call().state == "talking"
    version = int(world.pbx.offers[-1][1].split()[1])
    assert version > 100  # skips ahead: what was sent last may not have been written down


def test_a_deserted_call_is_still_given_up_in_the_next_life(world: World, page: Page) -> None:
    talking(world, page)
    page.leave()
    kill_and_restart(world)
    assert (world.call().state, world.call().sound) == ("held", "lost")
    world.run(world.limits.return_s + 1)
    call = world.call()
    assert call.end is not None
    assert call.end.cause is Cause.NOBODY_CAME_BACK
    assert world.theirs() == []


def test_a_page_that_does_not_come_back_has_its_call_held_and_given_up(world: World, page: Page) -> None:
    talking(world, page)
    kill_and_restart(world)
    world.run(world.limits.blip_s - 0.1)
    assert world.call().state == "talking"
    world.run(0.2)
    assert world.call().state == "held"
    world.run(world.limits.return_s + 1)
    assert world.theirs() == []


def test_killed_during_replaces_that_the_pbx_has_answered_the_customer_is_kept(
    world: World, page: Page
) -> None:
    call = talking(world, page)
    page.leave()
    page.hello()
    world.lost = lambda data, sender: sender == "pbx"
    page.reattach(call)
    assert len(world.records) == 2
    kill_and_restart(world, 0.3)
    page.hello("reconnect")
    page.remotes.clear()
    world.run(10)
    assert (world.call().id, world.call().state, world.call().sound) == (call, "talking", "here")
    assert page.remotes == [(call, "answer")]
    assert len(world.theirs()) == 1
    assert len(world.records) == 1


def test_killed_during_replaces_that_never_arrived_the_old_leg_is_kept(world: World, page: Page) -> None:
    call = talking(world, page)
    page.leave()
    page.hello()
    world.lost = lambda data, sender: sender == "gateway" and data.startswith(b"INVITE")
    page.reattach(call)
    world.kill()
    world.restart()
    page.alive = []
    page.hello("reconnect")
    world.lost = lambda data, sender: False
    world.run(world.limits.late_answer_s + 0.1)  # the PBX does not know that INVITE, nor its CANCEL
    assert (world.call().state, world.call().sound, world.call().pending) == ("held", "lost", ())
    page.reattach(call)
    assert (world.call().state, world.call().sound) == ("talking", "here")
    world.run(10)
    assert (world.call().state, world.call().sound, world.call().pending) == ("talking", "here", ())
    assert len(world.theirs()) == 1
    assert len(world.records) == 1


def test_a_call_whose_replaces_never_arrived_ends_at_once_when_it_is_hung_up(
    world: World, page: Page
) -> None:
    call = talking(world, page)
    page.leave()
    page.hello()
    world.lost = lambda data, sender: sender == "gateway" and data.startswith(b"INVITE")
    page.reattach(call)
    world.kill()
    world.restart()
    page.alive = []
    page.hello("reconnect")
    world.lost = lambda data, sender: False
    world.run(world.limits.late_answer_s + 0.1)
    page.reattach(call)
    page.hang_up(call)
    assert world.call().state == "ended"
    world.run(10)
    assert world.theirs() == []
    assert world.records == {}


def test_killed_during_replaces_after_the_old_leg_ended_the_call_keeps_its_clock(
    world: World, page: Page
) -> None:
    call = talking(world, page)
    before = world.call()
    world.run(5)
    page.hold(call)
    page.leave()
    page.hello()
    world.lost = lambda data, sender: (
        sender == "pbx" and data.startswith(b"SIP/2.0 200") and b"1 INVITE" in data
    )
    page.reattach(call)
    assert [record.replaces != "" for record in world.records.values()] == [True]
    kill_and_restart(world, 0.3)
    page.alive = []
    page.remotes.clear()
    page.hello("reconnect")
    assert (world.call().state, world.call().sound, world.call().pending) == (
        "talking",
        "waiting",
        ("reattach",),
    )
    world.run(4)
    after = world.call()
    assert (after.id, after.answered_at, after.sound, after.confirmed) == (
        call,
        before.answered_at,
        "here",
        True,
    )
    assert page.remotes == [(call, "answer")]
    assert after.state == "held"  # by the agent, before the reload
    assert len(world.theirs()) == 1
    page.resume(call)
    assert world.call().state == "talking"


def test_killed_after_replaces_before_the_old_leg_ended_there_is_one_call(world: World, page: Page) -> None:
    call = talking(world, page)
    page.leave()
    page.hello()
    world.lost = lambda data, sender: sender == "pbx" and data.startswith(b"BYE")
    page.reattach(call)
    assert len(world.records) == 2
    kill_and_restart(world, 0.3)
    page.hello("reconnect")
    world.run(20)
    assert (world.call().id, world.call().state, world.call().sound) == (call, "talking", "here")
    assert len(world.theirs()) == 1
    assert len(world.records) == 1


def test_a_record_that_cannot_be_read_is_forgotten_and_counted(world: World) -> None:
    record = Record(
        id="x", account=1, call="c", extension="101", phase="talking", direction="in",
        party=Party("1", "1"), began_at=1.0, saved=replace(SAVED, target="no address"),
    )  # fmt: skip
    world.records["x"] = record
    world.records["y"] = Record.from_json(
        record.to_json().replace(b'"101"', b'"999"').replace(b'"x"', b'"y"')
    )
    world.kill()
    world.restart()
    assert world.office.counters == {"record_unreadable": 1, "record_orphaned": 1}
    assert world.calls(USER) == []
    assert world.records == {}


def test_two_kills_in_a_row_lose_nothing(world: World, page: Page) -> None:
    call = talking(world, page)
    kill_and_restart(world)
    kill_and_restart(world)
    page.hello("reconnect")
    world.run(5)
    assert (world.call().id, world.call().state, world.call().confirmed) == (call, "talking", True)
    page.hang_up(call)
    assert world.theirs() == []


def test_a_call_that_was_probed_for_hours_comes_back_with_numbers_above_all_that_were_used(
    world: World, page: Page
) -> None:
    call = talking(world, page)
    probes = world.said("gateway UPDATE")
    while world.said("gateway UPDATE") - probes < 120:  # more than a loaded dialog skips
        world.run(30)
    kill_and_restart(world)
    page.hello("reconnect")
    world.run(60)
    assert world.pbx.agent.counters["cseq_too_low"] == 0
    assert (world.call().id, world.call().state, world.call().confirmed) == (call, "talking", True)
