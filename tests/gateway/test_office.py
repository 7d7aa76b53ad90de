"""Pages and calls: reload, blip and empty chair; the ring without a page; two tabs; whose call it is."""

import pytest

from gateway.limits import Limits
from protocol.codes import Cause, Code
from protocol.commands import AnyCommand, Dial, Dismiss, Dtmf, HangUp, Mute, TakePhone
from protocol.messages import Done, Refused, Ring
from tests.gateway.pbx import OTHER_USER, USER, Page, World, answers, rings, sdp

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


def refused(answer: Done | Refused) -> Code:
    assert isinstance(answer, Refused)
    return answer.code


def last_offer(world: World) -> str:
    return world.pbx.offers[-1][1]


# --- reload ------------------------------------------------------------------------------------------------------------


def test_a_page_that_leaves_has_its_call_held_at_once(world: World, page: Page) -> None:
    talking(world, page)
    page.leave()
    call = world.call()
    assert (call.state, call.hold.us, call.sound) == ("held", True, "lost")
    assert last_offer(world) == "inactive 2"


def test_three_reloads_in_mid_call_keep_the_call_its_clock_and_its_party(world: World, page: Page) -> None:
    call = talking(world, page)
    before = world.call()
    for turn in range(3):
        world.run(5)
        page.leave()
        world.run(1)
        page.hello()
        assert (world.call().sound, world.call().actions["reattach"]) == ("lost", None)
        assert isinstance(page.reattach(call), Done)
        after = world.call()
        assert (after.state, after.sound, after.hold.us, after.pending) == ("talking", "here", False, ())
        assert (after.id, after.answered_at, after.party) == (call, before.answered_at, before.party)
        assert page.remotes[-1] == (call, "answer")
        assert len(world.theirs()) == 1
        assert len(world.records) == 1
        assert len(world.pbx.dialled) == 2 + turn
    assert world.said("gateway BYE") == 0  # the exchange ends the old legs


def test_replaces_names_the_old_dialog_and_goes_to_the_extension_itself(world: World, page: Page) -> None:
    call = talking(world, page)
    old = world.pbx.dialled[0]
    page.leave()
    page.hello()
    page.reattach(call)
    new = world.pbx.dialled[1]
    assert new.replaces is not None
    assert (new.replaces.call_id, new.replaces.to_tag) == (old.id, old.local_tag)
    assert new.replaces.from_tag == old.remote_tag
    assert new.request_uri.user == "101"


def test_the_agents_own_hold_is_restored_after_a_reload(world: World, page: Page) -> None:
    call = talking(world, page)
    page.hold(call)
    page.leave()
    page.hello()
    assert len(world.pbx.offers) == 1  # held is not held again
    page.reattach(call)
    shown = world.call()
    assert (shown.state, shown.hold.us, shown.sound) == ("held", True, "here")
    assert world.pbx.offers[1][0] == world.pbx.dialled[1].id
    page.resume(call)
    assert world.call().state == "talking"


def test_a_hold_that_failed_is_not_restored_after_a_reload(world: World, page: Page) -> None:
    call = talking(world, page)
    world.pbx.accepts_offers = False
    page.hold(call)
    world.pbx.accepts_offers = True
    page.leave()
    page.hello()
    page.reattach(call)
    assert (world.call().state, world.call().hold.us) == ("talking", False)


def test_an_incoming_call_survives_a_reload_as_well(world: World, page: Page) -> None:
    world.pbx.call("101", world.now)
    world.pump()
    call = world.call().id
    page.answer(call)
    page.leave()
    page.hello()
    page.reattach(call)
    shown = world.call()
    assert (shown.state, shown.direction, shown.sound) == ("talking", "in", "here")


def test_a_reattach_waits_for_the_hold_that_is_under_way(world: World, page: Page) -> None:
    call = talking(world, page)
    world.lost = lambda data, sender: sender == "pbx"
    page.leave()
    page.hello()
    page.reattach(call)
    assert len(world.pbx.dialled) == 1
    world.lost = lambda data, sender: False
    world.run(2)
    assert len(world.pbx.dialled) == 2
    assert (world.call().state, world.call().sound) == ("talking", "here")


@pytest.mark.parametrize("status", [404, 480, 500])
def test_a_reattach_that_is_refused_keeps_the_call_and_says_so(world: World, page: Page, status: int) -> None:
    call = talking(world, page)
    page.leave()
    page.hello()
    world.pbx.replaces_status = status
    page.reattach(call)
    shown = world.call()
    assert (shown.state, shown.sound, shown.pending) == ("held", "lost", ())
    assert [notice.code for notice in world.notices] == [Code.REATTACH_FAILED]
    world.pbx.replaces_status = None
    page.reattach(call)
    assert (world.call().state, world.call().sound) == ("talking", "here")


def test_a_reattach_to_a_dialog_that_the_pbx_forgot_ends_the_call_with_that_cause(
    world: World, page: Page
) -> None:
    call = talking(world, page)
    page.leave()
    page.hello()
    world.lost = lambda data, sender: sender == "pbx" and b"BYE" in data
    world.pbx.dialled[0].bye(world.now)
    world.run(33)
    world.lost = lambda data, sender: False
    if world.calls() and world.call().state != "ended":
        page.reattach(call)
    shown = world.call()
    assert shown.end is not None
    assert shown.end.cause is Cause.GONE_AT_PBX


def test_the_pbxs_bye_on_the_old_leg_before_the_200_on_the_new_one_loses_nothing(
    world: World, page: Page
) -> None:
    call = talking(world, page)
    page.leave()
    page.hello()
    first = True

    def lose_the_first_200(data: bytes, sender: str) -> bool:
        nonlocal first
        if sender == "pbx" and data.startswith(b"SIP/2.0 200") and b"INVITE" in data and first:
            first = False
            return True
        return False

    world.lost = lose_the_first_200
    page.reattach(call)
    assert (world.call().state, world.call().pending) == ("held", ("reattach",))
    world.run(1)
    assert (world.call().state, world.call().sound) == ("talking", "here")


def test_the_old_leg_is_ended_by_us_when_the_pbx_leaves_it(world: World, page: Page) -> None:
    call = talking(world, page)
    page.leave()
    page.hello()
    world.lost = lambda data, sender: sender == "pbx" and data.startswith(b"BYE")
    page.reattach(call)
    world.run(world.limits.old_leg_s + 1)
    assert world.said("gateway BYE") == 1
    assert world.call().state == "talking"


def test_nobody_back_ends_the_call_with_that_cause(world: World, page: Page) -> None:
    talking(world, page)
    page.leave()
    world.run(world.limits.return_s - 0.1)
    assert world.call().state == "held"
    world.run(0.2)
    call = world.call()
    assert call.end is not None
    assert (call.end.by, call.end.cause) == ("nobody", Cause.NOBODY_CAME_BACK)
    assert world.theirs() == []


def test_somebody_who_is_back_but_not_ready_is_waited_for(world: World, page: Page) -> None:
    talking(world, page)
    page.leave()
    world.run(20)
    page.hello()
    world.run(60)
    assert (world.call().state, world.call().sound) == ("held", "lost")
    page.leave()
    world.run(world.limits.return_s + 1)
    assert world.call().state == "ended"


def test_a_page_that_closes_while_it_dials_finds_the_answered_call_on_music(world: World, page: Page) -> None:
    world.pbx.does[CUSTOMER] = rings
    page.dial(CUSTOMER)
    page.leave()
    answers(world.pbx.dialled[0], world.now)
    world.pump()
    assert (world.call().state, world.call().sound) == ("held", "lost")
    page.hello()
    page.reattach(world.call().id)
    assert (world.call().state, world.call().sound) == ("talking", "here")


def test_a_dialled_call_that_nobody_comes_back_to_is_cancelled(world: World, page: Page) -> None:
    world.pbx.does[CUSTOMER] = rings
    page.dial(CUSTOMER)
    page.leave()
    world.run(world.limits.return_s + 1)
    call = world.call()
    assert call.end is not None
    assert (call.end.by, call.end.cause) == ("nobody", Cause.NOBODY_CAME_BACK)
    assert world.said("gateway CANCEL") == 1


# --- blip --------------------------------------------------------------------------------------------------------------


def test_a_blip_holds_nothing_and_is_not_offered_again(world: World, page: Page) -> None:
    call = talking(world, page)
    world.run(10)
    page.beat()
    page.leave(clean=False)
    world.run(world.limits.blip_s - 0.1)
    assert world.call().state == "talking"
    before = world.call()
    page.hello("reconnect")
    assert page.alive == [call]
    world.run(20)
    assert world.call() == before
    assert world.pbx.offers == []


def test_a_socket_that_stays_lost_has_its_call_held_five_seconds_after_the_last_beat(
    world: World, page: Page
) -> None:
    talking(world, page)
    world.run(10)
    page.beat()
    world.run(1)
    page.leave(clean=False)
    world.run(3.9)
    assert world.call().state == "talking"
    world.run(0.2)
    assert (world.call().state, world.call().sound) == ("held", "lost")
    # The sound lived on in the page: the music ends, and no new leg is made.
    page.hello("reconnect")
    assert (world.call().state, world.call().sound) == ("talking", "here")
    assert len(world.pbx.dialled) == 1


def test_what_the_agent_held_stays_held_over_a_blip(world: World, page: Page) -> None:
    call = talking(world, page)
    page.hold(call)
    page.leave(clean=False)
    world.run(10)
    page.hello("reconnect")
    assert (world.call().state, world.call().sound) == ("held", "here")
    assert len(world.pbx.offers) == 1


def test_a_page_that_is_back_without_its_sound_brings_it_back(world: World, page: Page) -> None:
    call = talking(world, page)
    page.leave(clean=False)
    page.alive = []
    page.hello("reconnect")
    assert (world.call().state, world.call().sound) == ("held", "lost")
    page.reattach(call)
    assert (world.call().state, world.call().sound) == ("talking", "here")


def test_an_answer_that_came_during_a_blip_is_delivered_after_it(world: World, page: Page) -> None:
    world.pbx.does[CUSTOMER] = rings
    page.dial(CUSTOMER)
    call = world.call().id
    page.leave(clean=False)
    answers(world.pbx.dialled[0], world.now)
    world.pump()
    assert page.remotes == []
    page.hello("reconnect")
    assert page.remotes == [(call, "answer")]
    page.hello("reconnect")
    assert page.remotes == [(call, "answer")]  # once


def test_a_muted_call_stays_muted_over_a_reload(world: World, page: Page) -> None:
    call = talking(world, page)
    page.mute(call, on=True)
    page.leave()
    page.hello()
    page.reattach(call)
    assert world.call().muted


# --- the ring ----------------------------------------------------------------------------------------------------------


def test_180_leaves_only_after_a_page_acknowledged_the_ring(world: World) -> None:
    Page(world, "t1", acks=False).hello()
    world.pbx.call("101", world.now)
    world.pump()
    assert world.pbx.proceeding == []
    world.office.ring_acknowledged(USER, "t1", world.call().id, world.now)
    world.pump()
    assert world.pbx.proceeding == [180]


def test_a_call_without_a_page_gets_480_after_the_grace(world: World) -> None:
    world.pbx.call("101", world.now)
    world.run(world.limits.ring_ack_s - 0.1)
    assert world.call().state == "incoming"
    world.run(0.2)
    assert world.said("gateway 480 INVITE") == 1
    assert world.pbx.proceeding == []
    call = world.call()
    assert call.end is not None
    assert (call.end.by, call.end.cause) == ("nobody", Cause.MISSED)


def test_a_page_that_comes_within_the_grace_is_rung(world: World) -> None:
    world.pbx.call("101", world.now)
    world.run(1.9)
    Page(world, "t1").hello()
    assert world.pbx.proceeding == [180]
    world.run(10)
    assert world.call().state == "incoming"


def test_a_page_that_never_acknowledges_is_nobody(world: World) -> None:
    Page(world, "t1", acks=False).hello()
    world.pbx.call("101", world.now)
    world.run(world.limits.ring_ack_s + 0.1)
    assert world.said("gateway 480 INVITE") == 1


def test_a_page_that_reloads_while_it_rings_is_rung_again(world: World, page: Page) -> None:
    world.pbx.call("101", world.now)
    world.pump()
    call = world.call().id
    page.leave()
    world.run(1)
    page.hello()
    assert list(page.offers) == [call]
    world.run(20)
    page.answer(call)
    assert world.call().state == "talking"


def test_an_answer_without_an_acknowledgement_is_not_overtaken_by_the_clock(world: World, page: Page) -> None:
    world.pbx.call("101", world.now)
    world.pump()
    call = world.call().id
    page.leave()
    page.acks = False
    page.hello()
    world.disk = "stuck"
    page.answer(call)
    world.run(20)
    world.disk = "auto"
    world.pump()
    assert world.call().state == "talking"


def test_a_ring_whose_last_page_went_is_passed_on_after_a_while(world: World, page: Page) -> None:
    world.pbx.call("101", world.now)
    world.pump()
    page.leave()
    world.run(world.limits.blip_s + world.limits.ring_ack_s - 0.1)
    assert world.call().state == "incoming"
    world.run(0.2)
    assert world.said("gateway 480 INVITE") == 1


# --- two tabs ----------------------------------------------------------------------------------------------------------


def test_the_newest_tab_is_the_phone_and_the_other_one_says_so(world: World, page: Page) -> None:
    second = Page(world, "t2").hello()
    assert world.office.state_of(USER).phone.tab == "t2"
    world.pbx.call("101", world.now)
    world.pump()
    call = world.call().id
    assert (list(page.offers), list(second.offers)) == ([], [call])
    assert refused(page.answer(call)) is Code.PHONE_IN_OTHER_TAB
    assert refused(page.dial(CUSTOMER)) is Code.PHONE_IN_OTHER_TAB
    assert isinstance(page.order(lambda id: TakePhone(id)), Done)
    assert list(page.offers) == [call]
    page.answer(call)
    assert world.call().device.tab == "t1"
    assert refused(page.order(lambda id: TakePhone(id))) is Code.PHONE_IS_HERE


def test_an_acknowledgement_of_a_tab_that_is_not_the_phone_does_not_ring(world: World, page: Page) -> None:
    Page(world, "t2", acks=False).hello()
    world.pbx.call("101", world.now)
    world.pump()
    world.office.ring_acknowledged(USER, "t1", world.call().id, world.now)
    world.pump()
    assert world.pbx.proceeding == []


def test_a_page_that_is_opened_during_a_talk_does_not_take_the_phone(world: World, page: Page) -> None:
    talking(world, page)
    second = Page(world, "t2").hello()
    assert world.office.state_of(USER).phone.tab == "t1"
    assert (world.call().state, world.call().sound) == ("talking", "here")
    # It may steer the call all the same.
    assert isinstance(second.hold(world.call().id), Done)


def test_to_take_the_phone_in_mid_call_brings_the_sound_along(world: World, page: Page) -> None:
    call = talking(world, page)
    second = Page(world, "t2").hello()
    second.order(lambda id: TakePhone(id))
    assert (world.call().state, world.call().sound) == ("held", "lost")
    assert refused(page.reattach(call)) is Code.PHONE_IN_OTHER_TAB
    second.reattach(call)
    assert (world.call().state, world.call().sound, world.call().device.tab) == ("talking", "here", "t2")
    # What the old tab says of its dead connection is not believed.
    page.beat()
    page.leave()
    assert (world.call().state, world.call().sound) == ("talking", "here")


def test_a_reload_among_other_tabs_is_awaited_before_another_tab_is_told(world: World, page: Page) -> None:
    call = talking(world, page)
    Page(world, "t2").hello()
    page.leave()
    assert (world.call().state, world.call().sound) == ("held", "waiting")
    world.run(1)
    page.hello()
    assert world.office.state_of(USER).phone.tab == "t1"
    assert world.call().sound == "lost"
    page.reattach(call)
    assert world.call().sound == "here"


def test_a_tab_that_does_not_return_leaves_its_call_to_another_one(world: World, page: Page) -> None:
    call = talking(world, page)
    second = Page(world, "t2").hello()
    page.leave()
    world.run(world.limits.reload_s + 0.1)
    assert (world.call().sound, world.office.state_of(USER).phone.tab) == ("lost", "t2")
    second.reattach(call)
    assert (world.call().state, world.call().device.tab) == ("talking", "t2")


def test_after_a_blip_the_phone_is_where_the_sound_is(world: World, page: Page) -> None:
    talking(world, page)
    Page(world, "t2").hello()
    page.leave(clean=False)
    assert world.office.state_of(USER).phone.tab == "t2"
    page.hello("reconnect")
    assert world.office.state_of(USER).phone.tab == "t1"
    assert (world.call().state, world.call().sound) == ("talking", "here")


# --- whose call it is, and what may be done ----------------------------------------------------------------------------


def test_a_user_sees_and_steers_only_calls_of_own_extensions() -> None:
    world = World(extensions=("101", "201"))
    page, stranger = Page(world, "t1").hello(), Page(world, "t9", user=OTHER_USER).hello()
    call = talking(world, page)
    assert world.calls(OTHER_USER) == []
    assert list(world.office.state_of(OTHER_USER).lines) == ["201"]
    for answer in (stranger.hang_up(call), stranger.hold(call), stranger.mute(call, on=True)):
        assert refused(answer) is Code.NO_SUCH_CALL
    assert refused(stranger.dial(CUSTOMER, "101")) is Code.NO_SUCH_EXTENSION
    assert (world.call().state, world.call().muted) == ("talking", False)


def test_a_user_without_an_extension_sees_nothing_and_calls_nobody(world: World) -> None:
    page = Page(world, "t1", user=99).hello()
    assert world.office.state_of(99).calls == {}
    assert refused(page.dial(CUSTOMER)) is Code.NO_SUCH_EXTENSION


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (Dial("c", "()", sdp("x")), Code.BAD_NUMBER),
        (Dial("c", CUSTOMER, "v=0\r\ngarbage"), Code.BAD_SDP),
        (Dial("c", CUSTOMER, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"), Code.BAD_SDP),
        (Dial("c", CUSTOMER, sdp("x"), "999"), Code.NO_SUCH_EXTENSION),
        (HangUp("c", "no-such-call"), Code.NO_SUCH_CALL),
        (TakePhone("c"), Code.PHONE_IS_HERE),
    ],
)
def test_a_refused_command_changes_nothing(world: World, page: Page, command: AnyCommand, code: Code) -> None:
    before = world.office.state_of(USER)
    world.office.take_changed()
    answer = world.office.execute(USER, "t1", command, world.now)
    assert refused(answer) is code
    assert isinstance(answer, Refused)
    assert answer.id == "c"
    assert world.office.state_of(USER) == before
    assert world.office.take_changed() == set()


def test_an_action_is_refused_with_the_reason_that_the_call_shows(world: World, page: Page) -> None:
    call = talking(world, page)
    assert refused(page.resume(call)) is world.call().actions["resume"]
    assert refused(page.reject(call)) is world.call().actions["reject"]
    assert refused(page.order(lambda id: Dismiss(id, call))) is world.call().actions["dismiss"]
    assert isinstance(page.order(lambda id: Dtmf(id, call, "12#")), Done)


def test_an_ended_call_is_dismissed(world: World, page: Page) -> None:
    call = talking(world, page)
    page.hang_up(call)
    assert isinstance(page.order(lambda id: Dismiss(id, call)), Done)
    assert world.calls() == []
    assert refused(page.order(lambda id: Mute(id, call, True))) is Code.NO_SUCH_CALL


def test_what_did_not_change_is_the_same_object(world: World, page: Page) -> None:
    talking(world, page)
    first, second = world.office.state_of(USER), world.office.state_of(USER)
    assert first is not second
    assert first.calls[world.call().id] is second.calls[world.call().id]
    assert first.lines is second.lines


def test_only_users_whose_state_changed_are_told(world: World, page: Page) -> None:
    world.office.take_changed()
    world.pbx.call("102", world.now)
    world.pump()
    assert world.office.take_changed() == {USER}
    assert world.office.take_changed() == set()


def test_the_ring_letter_carries_the_pbxs_offer(world: World, page: Page) -> None:
    world.pbx.call("101", world.now)
    world.pump()
    (ring,) = [letter.message for letter in world.letters if isinstance(letter.message, Ring)]
    assert ring.offer == sdp("pbx")


def test_lines_register_one_after_the_other() -> None:
    world = World(Limits(pace_s=10.0), extensions=("101", "102"))
    assert list(world.pbx.contacts) == ["101"]
    world.run(10)
    assert list(world.pbx.contacts) == ["101", "102"]


def test_a_stopped_office_takes_its_addresses_back(world: World, page: Page) -> None:
    world.office.stop(world.now)
    world.pump()
    lines = world.office.state_of(USER).lines
    assert [(line.state, line.reason) for line in lines.values()] == [("off", Code.LINE_OFF)] * 2
    assert refused(page.dial(CUSTOMER)) is Code.LINE_OFF
