"""Plays over a whole line: a page, an office, a SIP user agent, and an exchange at the other end of the wire."""

import pytest

from gateway.limits import Limits
from protocol.codes import Cause, Code
from protocol.messages import Done, Refused
from sip.call import Call
from sip.headers import Reason
from tests.gateway.pbx import ELSEWHERE, Page, World, answers, rings, sdp

CUSTOMER = "+79161234567"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def page(world: World) -> Page:
    return Page(world, "t1").hello()


def talking(world: World, page: Page) -> str:
    """A call of ours that was answered."""
    world.pbx.does[CUSTOMER] = answers
    page.dial(CUSTOMER)
    assert world.call().state == "talking"
    return world.call().id


def rung(world: World) -> str:
    """A call to us that rings in a page."""
    world.pbx.call("101", world.now)
    world.pump()
    assert world.call().state == "incoming"
    return world.call().id


# --- out ---------------------------------------------------------------------------------------------------------------


def test_a_dialled_call_is_answered_and_hung_up_by_the_customer(world: World, page: Page) -> None:
    world.pbx.does[CUSTOMER] = rings
    answer = page.dial("8 (916) 123-45-67")
    assert isinstance(answer, Done)
    assert answer.result is not None
    call = world.call()
    assert (call.id, call.state, call.sound) == (answer.result.call, "ringing", "waiting")
    assert call.party.shown == "+7 916 123-45-67"
    assert call.device.tab == "t1"
    (theirs,) = world.pbx.dialled
    answers(theirs, world.now)
    world.pump()
    call = world.call()
    assert (call.state, call.sound, call.answered_at) == ("talking", "here", world.now)
    assert page.remotes == [(call.id, "answer")]
    theirs.bye(world.now)
    world.pump()
    call = world.call()
    assert call.end is not None
    assert (call.state, call.end.by, call.end.cause) == ("ended", "them", Cause.HUNG_UP)


def test_an_ended_call_lingers_and_is_gone_with_everything_that_was_kept_of_it(
    world: World, page: Page
) -> None:
    call = talking(world, page)
    page.hang_up(call)
    assert world.call().state == "ended"
    world.run(world.limits.linger_s - 0.1)
    assert world.call().state == "ended"
    world.run(60)
    assert world.calls() == []
    assert world.records == {}
    assert world.theirs() == []
    assert world.agent.calls == []


@pytest.mark.parametrize(
    ("status", "reasons", "cause"),
    [
        (486, (), Cause.BUSY),
        (480, (), Cause.UNAVAILABLE),
        (480, (Reason("Q.850", 19, "No answer"),), Cause.NO_ANSWER),
        (603, (Reason("Q.850", 17),), Cause.BUSY),
        (603, (), Cause.REJECTED),
        (404, (), Cause.NOT_FOUND),
        (403, (), Cause.FORBIDDEN),
        (488, (), Cause.SOUND_IMPOSSIBLE),
        (500, (), Cause.FAILED),
    ],
)
def test_a_refused_call_says_why(
    world: World, page: Page, status: int, reasons: tuple[Reason, ...], cause: Cause
) -> None:
    headers = [("Reason", reason) for reason in reasons]
    world.pbx.does[CUSTOMER] = lambda call, now: call.reject(status, now, headers=headers)
    page.dial(CUSTOMER)
    call = world.call()
    assert call.end is not None
    assert (call.state, call.end.by, call.end.cause, call.end.status) == ("ended", "them", cause, status)
    assert call.answered_at is None
    assert world.records == {}


def test_a_call_that_is_hung_up_while_it_rings_is_cancelled(world: World, page: Page) -> None:
    world.pbx.does[CUSTOMER] = rings
    page.dial(CUSTOMER)
    assert isinstance(page.hang_up(world.call().id), Done)
    call = world.call()
    assert call.end is not None
    assert (call.end.by, call.end.cause) == ("us", Cause.CANCELLED)
    assert world.said("gateway CANCEL") == 1
    assert world.theirs() == []


def test_a_pbx_that_says_nothing_ends_the_call_with_that_cause(world: World, page: Page) -> None:
    world.pbx.silent = True
    page.dial(CUSTOMER)
    world.run(31)
    assert world.call().state == "dialing"
    world.run(2)
    call = world.call()
    assert call.end is not None
    assert (call.end.by, call.end.cause) == ("nobody", Cause.PBX_UNREACHABLE)


def test_early_media_goes_to_the_page_once(world: World, page: Page) -> None:
    early = sdp("pbx", setup="active").encode()

    def plays(call: Call, now: float) -> None:
        call.ring(now, early, status=183)
        call.ring(now, early)

    world.pbx.does[CUSTOMER] = plays
    page.dial(CUSTOMER)
    assert page.remotes == [(world.call().id, "pranswer")]
    assert world.call().state == "ringing"


def test_a_200_without_a_description_is_answered_with_that_of_the_18x(world: World, page: Page) -> None:
    early = sdp("pbx", setup="active").encode()

    def plays(call: Call, now: float) -> None:
        call.ring(now, early, status=183)
        call.accept(b"", now)

    world.pbx.does[CUSTOMER] = plays
    page.dial(CUSTOMER)
    assert [kind for _, kind in page.remotes] == ["pranswer", "answer"]
    assert world.call().state == "talking"


def test_two_extensions_that_a_proxy_connects_are_two_calls() -> None:
    world = World()
    page = Page(world, "t1").hello()

    def forwards(call: Call, now: float) -> None:
        call.ring(now)
        contact = world.pbx.contacts["102"]
        world.pbx.agent.invite(world.pbx.account, contact, call.remote_sdp, now, call_id=call.id)

    world.pbx.does["102"] = forwards
    page.dial("102", "101")
    calls = {call.extension: call for call in world.calls()}
    assert (calls["101"].state, calls["102"].state) == ("ringing", "incoming")
    assert calls["101"].id != calls["102"].id
    page.reject(calls["102"].id)
    assert [call.state for call in world.calls()] == ["ringing", "ended"]


def test_the_hold_leaves_before_the_new_invite(world: World, page: Page) -> None:
    talking(world, page)
    world.pbx.does["102"] = rings
    invites: list[bool] = []

    def watch(data: bytes, sender: str) -> bool:
        if sender == "gateway" and data.startswith(b"INVITE"):
            invites.append(data.startswith(b"INVITE sip:102@"))
        return False

    world.lost = watch
    page.dial("102")
    assert invites == [False, True]


def test_the_ack_leaves_only_after_the_journal_has_the_dialog(world: World, page: Page) -> None:
    world.disk = "stuck"
    call = talking(world, page)
    assert world.said("gateway ACK") == 0
    assert page.remotes == [(call, "answer")]  # the page need not wait for the disk
    world.disk = "auto"
    world.pump()
    assert world.said("gateway ACK") == 1
    assert [record.phase for record in world.records.values()] == ["talking"]


def test_a_call_that_is_hung_up_before_the_journal_is_done_ends_all_the_same(
    world: World, page: Page
) -> None:
    world.disk = "stuck"
    call = talking(world, page)
    page.hang_up(call)
    world.disk = "auto"
    world.run(1)
    assert world.call().state == "ended"
    assert world.theirs() == []
    assert world.records == {}


# --- in ----------------------------------------------------------------------------------------------------------------


def test_a_ringing_call_is_answered_in_the_page(world: World, page: Page) -> None:
    call = rung(world)
    shown = world.call()
    assert (shown.party.number, shown.party.name, shown.sound) == (CUSTOMER, "Ivan", "none")
    assert world.pbx.proceeding == [180]
    assert isinstance(page.answer(call), Done)
    shown = world.call()
    assert (shown.state, shown.sound, shown.device.tab, shown.pending) == ("talking", "here", "t1", ())


def test_our_200_leaves_only_after_the_journal_has_it(world: World, page: Page) -> None:
    call = rung(world)
    world.disk = "stuck"
    page.answer(call)
    assert (world.call().state, world.call().pending) == ("incoming", ("answer",))
    assert world.said("gateway 200 INVITE") == 0
    world.disk = "auto"
    world.pump()
    assert world.said("gateway 200 INVITE") == 1
    assert world.call().state == "talking"


def test_answered_elsewhere_is_not_missed(world: World, page: Page) -> None:
    theirs = world.pbx.call("101", world.now)
    world.pump()
    theirs.cancel(world.now, ELSEWHERE)
    world.pump()
    call = world.call()
    assert call.end is not None
    assert (call.end.by, call.end.cause) == ("them", Cause.ANSWERED_ELSEWHERE)
    assert call.end.text == "Call completed elsewhere"


def test_a_caller_who_gives_up_is_missed(world: World, page: Page) -> None:
    theirs = world.pbx.call("101", world.now)
    world.pump()
    theirs.cancel(world.now)
    world.pump()
    call = world.call()
    assert call.end is not None
    assert (call.end.by, call.end.cause) == ("them", Cause.MISSED)
    assert world.records == {}


def test_a_caller_who_gives_up_while_the_answer_is_written_down_is_missed(world: World, page: Page) -> None:
    theirs = world.pbx.call("101", world.now)
    world.pump()
    world.disk = "stuck"
    page.answer(world.call().id)
    theirs.cancel(world.now)
    world.pump()
    world.disk = "auto"
    world.pump()
    call = world.call()
    assert call.end is not None
    assert call.end.cause is Cause.MISSED
    assert world.said("gateway 200 INVITE") == 0
    assert world.records == {}


def test_reject_says_486_so_that_the_other_devices_go_on_ringing(world: World, page: Page) -> None:
    page.reject(rung(world))
    call = world.call()
    assert call.end is not None
    assert (call.end.by, call.end.cause) == ("us", Cause.REJECTED)
    assert world.said("gateway 486 INVITE") == 1


def test_an_invite_without_an_offer_gets_488_because_no_page_can_answer_it(world: World, page: Page) -> None:
    contact = world.pbx.contacts["101"]
    world.pbx.agent.invite(world.pbx.account, contact, None, world.now)
    world.pump()
    assert world.calls() == []
    assert world.said("gateway 488 INVITE") == 1


def test_one_call_too_many_gets_486(world: World, page: Page) -> None:
    for _ in range(world.limits.calls_per_extension):
        world.pbx.call("101", world.now)
    world.pump()
    assert len(world.calls()) == 8
    world.pbx.call("101", world.now)
    world.pump()
    assert len(world.calls()) == 8
    assert world.said("gateway 486 INVITE") == 1
    answer = page.dial(CUSTOMER, "101")
    assert isinstance(answer, Refused)
    assert answer.code is Code.TOO_MANY_CALLS


# --- hold --------------------------------------------------------------------------------------------------------------


def test_hold_and_resume_are_confirmed_by_the_pbx_and_never_sent_twice(world: World, page: Page) -> None:
    call = talking(world, page)
    world.lost = lambda data, sender: sender == "pbx"
    assert isinstance(page.hold(call), Done)
    assert (world.call().state, world.call().pending) == ("talking", ("hold",))
    again = page.hold(call)
    assert isinstance(again, Refused)
    assert again.code is Code.PENDING
    world.lost = lambda data, sender: False
    world.run(2)
    assert (world.call().state, world.call().hold.us, world.call().pending) == ("held", True, ())
    again = page.hold(call)
    assert isinstance(again, Refused)
    assert again.code is Code.ALREADY_HELD
    page.resume(call)
    assert (world.call().state, world.call().hold.us) == ("talking", False)
    assert [what for _, what in world.pbx.offers] == ["inactive 2", "sendrecv 3"]


def test_a_hold_that_fails_says_so_and_does_not_pretend(world: World, page: Page) -> None:
    call = talking(world, page)
    world.pbx.accepts_offers = False
    page.hold(call)
    assert (world.call().state, world.call().hold.us, world.call().pending) == ("talking", False, ())
    assert [notice.code for notice in world.notices] == [Code.HOLD_FAILED]
    world.pbx.accepts_offers = True
    page.hold(call)
    assert world.call().state == "held"
    assert [what for _, what in world.pbx.offers] == [
        "inactive 2",
        "inactive 3",
    ]  # a version is never used twice


def test_a_resume_that_fails_leaves_the_call_held(world: World, page: Page) -> None:
    call = talking(world, page)
    page.hold(call)
    world.pbx.accepts_offers = False
    page.resume(call)
    assert (world.call().state, world.call().pending) == ("held", ())
    assert [notice.code for notice in world.notices] == [Code.RESUME_FAILED]


def test_a_hold_of_theirs_is_recognised_and_answered_without_the_page(world: World, page: Page) -> None:
    talking(world, page)
    (theirs,) = world.pbx.dialled
    theirs.reinvite(sdp("pbx", setup="actpass", version=9, direction="sendonly").encode(), world.now)
    world.pump()
    assert world.call().hold.them
    assert world.call().state == "talking"
    assert b"a=recvonly" in (theirs.remote_sdp or b"")
    theirs.reinvite(sdp("pbx", setup="actpass", version=10).encode(), world.now)
    world.pump()
    assert not world.call().hold.them
    assert b"a=sendrecv" in (theirs.remote_sdp or b"")


def test_another_dtls_identity_in_a_reinvite_gets_488_and_changes_nothing(world: World, page: Page) -> None:
    talking(world, page)
    (theirs,) = world.pbx.dialled
    before = world.call()
    theirs.reinvite(sdp("other", setup="actpass", version=9).encode(), world.now)
    world.pump()
    assert world.said("gateway 488 INVITE") == 1
    assert world.call() == before


def test_a_reinvite_without_an_offer_is_answered_with_the_pages_description(world: World, page: Page) -> None:
    call = talking(world, page)
    page.hold(call)
    (theirs,) = world.pbx.dialled
    theirs.reinvite(b"", world.now)
    world.pump()
    assert b"a=inactive" in (theirs.remote_sdp or b"")
    assert b"a=fingerprint:sha-256 t1-1" in (theirs.remote_sdp or b"")
    assert world.call().state == "held"


# --- several calls -----------------------------------------------------------------------------------------------------


def test_a_new_call_holds_the_talking_one_and_brings_it_back_when_it_is_not_answered(
    world: World, page: Page
) -> None:
    first = talking(world, page)
    world.pbx.does["102"] = rings
    page.dial("102")
    held, second = world.calls()
    assert (held.id, held.state, second.state) == (first, "held", "ringing")
    page.hang_up(second.id)
    held, second = world.calls()
    assert (held.state, second.state) == ("talking", "ended")


def test_a_call_that_was_held_by_hand_meanwhile_is_not_brought_back(world: World, page: Page) -> None:
    first = talking(world, page)
    world.pbx.does["102"] = rings
    page.dial("102")
    page.resume(first)
    page.hold(first)
    page.hang_up(world.calls()[1].id)
    assert [call.state for call in world.calls()] == ["held", "ended"]


def test_a_call_is_not_brought_back_into_another_talk(world: World, page: Page) -> None:
    talking(world, page)
    world.pbx.does["102"] = rings
    page.dial("102")
    world.pbx.call("101", world.now, number="+79990000000")
    world.pump()
    page.answer(world.calls()[2].id)
    page.hang_up(world.calls()[1].id)
    assert [call.state for call in world.calls()] == ["held", "ended", "talking"]


def test_a_new_call_that_is_answered_leaves_the_other_one_held(world: World, page: Page) -> None:
    first = talking(world, page)
    world.pbx.call("101", world.now, number="+79990000000")
    world.pump()
    second = world.calls()[1].id
    page.answer(second)
    assert [call.state for call in world.calls()] == ["held", "talking"]
    page.hang_up(second)
    assert [call.state for call in world.calls()] == ["held", "ended"]
    page.resume(first)
    assert [call.state for call in world.calls()] == ["talking", "ended"]


def test_to_take_one_call_back_holds_the_other(world: World, page: Page) -> None:
    first = talking(world, page)
    world.pbx.does["102"] = answers
    page.dial("102")
    page.resume(first)
    assert [call.state for call in world.calls()] == ["talking", "held"]


# --- the PBX goes away -------------------------------------------------------------------------------------------------


def test_a_silent_pbx_leaves_the_call_unconfirmed_until_it_is_back(world: World, page: Page) -> None:
    call = talking(world, page)
    page.alive = [call]
    world.pbx.silent = True
    world.run(world.limits.probe_s + 33)
    assert (world.call().state, world.call().confirmed) == ("talking", False)
    assert world.call().actions["hold"] is Code.UNCONFIRMED
    assert world.call().actions["hang_up"] is None
    world.pbx.silent = False
    world.run(10)
    assert (world.call().state, world.call().confirmed) == ("talking", True)


def test_a_pbx_that_forgot_the_call_ends_it_with_that_cause() -> None:
    world = World(Limits(linger_s=1000))
    page = Page(world, "t1").hello()
    talking(world, page)
    theirs = world.pbx.dialled[0]
    world.pbx.silent = True
    theirs.bye(world.now)
    world.run(33)  # the exchange gives up its own BYE: it has forgotten the call
    assert world.call().state == "talking"
    world.pbx.silent = False
    world.run(world.limits.probe_s)
    call = world.call()
    assert call.end is not None
    assert (call.end.by, call.end.cause, call.end.status) == ("nobody", Cause.GONE_AT_PBX, 481)


def test_a_line_that_is_refused_says_why_and_dials_nothing(world: World, page: Page) -> None:
    world.pbx.registers = False
    world.run(300)
    line = world.office.state_of(7).lines["101"]
    assert (line.state, line.reason) == ("failed", Code.LINE_REFUSED)
    answer = page.dial(CUSTOMER)
    assert isinstance(answer, Refused)
    assert answer.code is Code.LINE_REFUSED
    assert world.calls() == []


def test_a_running_call_is_probed_every_half_minute(world: World, page: Page) -> None:
    talking(world, page)
    world.run(3 * world.limits.probe_s + 1)
    assert world.said("gateway UPDATE") == 3
