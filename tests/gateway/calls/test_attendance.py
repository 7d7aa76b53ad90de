"""Is anybody at the call? The table, and the clocks around it."""

from itertools import product

import pytest

from gateway.calls.attendance import _TABLE, Advice, Attendance, Presence, Sign, What
from gateway.clock import Clock, fire
from gateway.limits import Limits
from sip.deadlines import Deadlines

LIMITS = Limits(blip_s=5, reload_s=3, return_s=30)


class Room:
    """One user's attendance with a clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.clock: Clock = Deadlines()
        self.advice: list[Advice] = []
        self.attendance = Attendance(7, LIMITS, self.clock, self.advice)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        fire(self.clock, self.now)

    def said(self) -> list[What]:
        said = [one.what for one in self.advice]
        assert all((one.user_id, one.call) == (7, "c") for one in self.advice)
        self.advice.clear()
        return said

    @property
    def presence(self) -> Presence | None:
        return self.attendance.presence("c")


@pytest.fixture
def room() -> Room:
    """A call whose sound lives in the one tab that is open."""
    room = Room()
    room.attendance.joined("t1", (), room.now)
    room.attendance.begin("c", "t1", room.now)
    return room


def test_while_the_page_is_there_nothing_is_said(room: Room) -> None:
    room.attendance.beat("t1", ["c"], room.now)
    room.wait(1000)
    assert room.said() == []
    assert room.clock.next_deadline() is None


def test_a_page_that_leaves_is_held_for_at_once(room: Room) -> None:
    room.attendance.left("t1", True, room.now)
    assert room.said() == ["hold", "lost"]
    assert room.presence is Presence.DESERTED


def test_a_lost_socket_is_held_for_five_seconds_after_the_last_beat(room: Room) -> None:
    room.wait(60)
    room.attendance.beat("t1", ["c"], room.now)
    room.wait(1)
    room.attendance.left("t1", False, room.now)
    assert room.clock.next_deadline() == 165.0
    room.wait(3.9)
    assert room.said() == []
    room.wait(0.1)
    assert room.said() == ["hold", "lost"]


def test_a_page_whose_beat_stopped_long_ago_has_no_more_patience_to_lose(room: Room) -> None:
    room.attendance.beat("t1", ["c"], room.now)
    room.wait(60)
    room.attendance.left("t1", False, room.now)
    room.wait(0)
    assert room.said() == ["hold", "lost"]


def test_a_call_that_had_no_beat_yet_has_its_five_seconds_from_the_loss(room: Room) -> None:
    room.wait(60)
    room.attendance.left("t1", False, room.now)
    assert room.clock.next_deadline() == room.now + 5


def test_sound_that_is_alive_spares_the_call(room: Room) -> None:
    room.attendance.left("t1", False, room.now)
    room.wait(4)
    room.attendance.joined("t1", ["c"], room.now)
    room.wait(1000)
    assert room.said() == []


def test_sound_that_is_alive_after_all_ends_the_music(room: Room) -> None:
    room.attendance.left("t1", False, room.now)
    room.wait(6)
    room.said()
    room.attendance.joined("t1", ["c"], room.now)
    assert room.said() == ["release", "here"]
    room.wait(1000)
    assert room.said() == []


def test_nobody_back_is_the_end(room: Room) -> None:
    room.attendance.left("t1", True, room.now)
    room.said()
    room.wait(29.9)
    assert room.said() == []
    room.wait(0.1)
    assert room.said() == ["give_up"]
    assert room.presence is Presence.OVER
    room.attendance.joined("t1", ["c"], room.now)
    assert room.said() == []  # too late


def test_a_page_that_is_back_stops_the_clock_and_its_going_starts_it_anew(room: Room) -> None:
    room.attendance.left("t1", True, room.now)
    room.wait(29)
    room.attendance.joined("t1", (), room.now)
    assert room.presence is Presence.WAITING
    room.wait(1000)
    room.attendance.left("t1", True, room.now)
    room.wait(29)
    assert room.said() == ["hold", "lost"]
    room.wait(1)
    assert room.said() == ["give_up"]


def test_a_reloaded_page_whose_old_socket_still_stands_is_held_for(room: Room) -> None:
    room.attendance.joined("t1", (), room.now)
    assert room.said() == ["hold", "lost"]
    assert room.presence is Presence.WAITING


def test_a_new_leg_settles_everything(room: Room) -> None:
    room.attendance.left("t1", True, room.now)
    room.attendance.joined("t2", (), room.now)
    room.said()
    room.attendance.reattached("c", "t2", room.now)
    assert room.said() == ["here"]
    room.attendance.left("t1", True, room.now)  # what the old tab says concerns nobody
    assert room.said() == []
    room.attendance.left("t2", True, room.now)
    assert room.said() == ["hold", "lost"]


def test_a_new_leg_in_a_tab_that_has_gone_meanwhile_is_held_at_once(room: Room) -> None:
    room.attendance.left("t1", True, room.now)
    room.said()
    room.attendance.reattached("c", "t1", room.now)
    assert room.said() == ["here", "hold", "lost"]


def test_a_call_that_begins_in_a_tab_that_has_gone_is_held_at_once() -> None:
    room = Room()
    room.attendance.begin("c", "t1", room.now)
    assert room.said() == ["hold", "lost"]


def test_among_other_tabs_a_reload_is_awaited_first(room: Room) -> None:
    room.attendance.joined("t2", (), room.now)
    room.attendance.left("t1", True, room.now)
    assert room.said() == ["hold", "awaited"]
    room.wait(2.9)
    assert room.said() == []
    room.wait(0.1)
    assert room.said() == ["lost"]
    assert room.presence is Presence.WAITING


def test_an_awaited_page_that_is_back_is_told_at_once(room: Room) -> None:
    room.attendance.joined("t2", (), room.now)
    room.attendance.left("t1", True, room.now)
    room.attendance.joined("t1", (), room.now)
    assert room.said() == ["hold", "awaited", "lost"]
    room.wait(1000)
    assert room.said() == []


def test_when_the_last_tab_goes_the_clock_runs(room: Room) -> None:
    room.attendance.joined("t2", (), room.now)
    room.attendance.left("t1", True, room.now)
    room.attendance.left("t2", True, room.now)
    assert room.said() == ["hold", "awaited", "lost"]
    room.wait(30)
    assert room.said() == ["give_up"]


def test_after_a_blip_another_tab_takes_over_without_more_waiting(room: Room) -> None:
    room.attendance.joined("t2", (), room.now)
    room.attendance.left("t1", False, room.now)
    room.wait(5)
    assert room.said() == ["hold", "lost"]
    assert room.presence is Presence.WAITING


def test_to_take_the_phone_is_to_take_the_calls(room: Room) -> None:
    room.attendance.joined("t2", (), room.now)
    assert room.attendance.sounding_elsewhere("t2")
    room.attendance.taken("t2", room.now)
    assert room.said() == ["hold", "lost"]
    assert not room.attendance.sounding_elsewhere("t2")
    room.attendance.taken("t2", room.now)
    assert room.said() == []


def test_a_beat_counts_only_from_the_tab_that_has_the_sound(room: Room) -> None:
    room.attendance.joined("t2", (), room.now)
    room.attendance.beat("t1", ["c"], room.now)
    room.wait(2)
    room.attendance.beat("t2", ["c", "unknown"], room.now)
    room.attendance.left("t1", False, room.now)
    assert room.clock.next_deadline() == 105.0


@pytest.mark.parametrize(("held", "after", "said"), [(False, 5, ["hold", "lost"]), (True, 30, ["give_up"])])
def test_after_a_restart_the_page_has_its_time(held: bool, after: float, said: list[What]) -> None:
    room = Room()
    room.attendance.restore("c", "t1", held, room.now)
    room.wait(after - 0.1)
    assert room.said() == []
    room.wait(0.1)
    assert room.said() == said


def test_after_a_restart_sound_that_is_alive_spares_the_call() -> None:
    room = Room()
    room.attendance.restore("c", "t1", False, room.now)
    room.attendance.joined("t1", ["c"], room.now)
    room.wait(1000)
    assert room.said() == []


def test_a_forgotten_call_has_no_clock(room: Room) -> None:
    room.attendance.left("t1", True, room.now)
    room.attendance.forget("c")
    room.attendance.forget("c")
    room.attendance.reattached("c", "t1", room.now)
    assert room.clock.next_deadline() is None
    assert room.presence is None


# Signs that cannot come in a state: its own tab's going is noticed only while the tab has the sound, each clock runs only in the
# states that wait for it, and nobody is told of the last tab's going but those who wait for one.
_IMPOSSIBLE = {
    Presence.HERE: {Sign.NOBODY, Sign.SILENT_ALONE, Sign.SILENT_AMONG, Sign.RELOAD_OVER, Sign.RETURN_OVER},
    Presence.QUIET: {Sign.NOBODY, Sign.RELOAD_OVER, Sign.RETURN_OVER},
    Presence.AWAITED: {
        Sign.LEFT_ALONE, Sign.LEFT_AMONG, Sign.SOCKET_LOST, Sign.SILENT_ALONE, Sign.SILENT_AMONG,
        Sign.RETURN_OVER,
    },
    Presence.WAITING: {
        Sign.LEFT_ALONE, Sign.LEFT_AMONG, Sign.SOCKET_LOST, Sign.SILENT_ALONE, Sign.SILENT_AMONG,
        Sign.RELOAD_OVER, Sign.RETURN_OVER,
    },
    Presence.DESERTED: {
        Sign.LEFT_ALONE, Sign.LEFT_AMONG, Sign.SOCKET_LOST, Sign.NOBODY, Sign.SILENT_ALONE,
        Sign.SILENT_AMONG, Sign.RELOAD_OVER,
    },
    Presence.OVER: set(Sign) - {Sign.ALIVE, Sign.PAGE, Sign.REATTACHED},
}  # fmt: skip


def test_the_table_has_a_row_for_everything_that_can_come() -> None:
    assert set(_TABLE) == {
        (state, sign) for state, sign in product(Presence, Sign) if sign not in _IMPOSSIBLE[state]
    }
