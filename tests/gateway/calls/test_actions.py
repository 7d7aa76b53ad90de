"""What a call allows, and why not the rest."""

from itertools import combinations, product
from typing import get_args

import pytest

from gateway.calls.actions import actions
from gateway.calls.facts import CommandName
from protocol.codes import Code
from protocol.entities import Action, CallState, DeviceKind, Sound

STATES = get_args(CallState)
COMMANDS = get_args(CommandName)


def allowed(
    state: CallState,
    *pending: CommandName,
    sound: Sound = "here",
    device: DeviceKind = "browser",
    confirmed: bool = True,
) -> set[Action]:
    answer = actions(state, sound, device, tuple(pending), confirmed)
    return {action for action, code in answer.items() if code is None}


def test_every_state_names_every_action() -> None:
    pending = [(), *combinations(COMMANDS, 1), *combinations(COMMANDS, 2)]
    for state, sound, device, names, confirmed in product(
        STATES, get_args(Sound), get_args(DeviceKind), pending, (True, False)
    ):
        assert set(actions(state, sound, device, names, confirmed)) == set(get_args(Action))


@pytest.mark.parametrize(
    ("state", "names"),
    [
        ("dialing", {"hang_up", "mute"}),
        ("ringing", {"hang_up", "mute"}),
        ("incoming", {"answer", "reject"}),
        ("talking", {"hang_up", "hold", "mute", "dtmf"}),
        ("held", {"hang_up", "resume", "mute"}),
        ("ended", {"dismiss"}),
    ],
)
def test_what_a_state_allows(state: CallState, names: set[Action]) -> None:
    assert allowed(state) == names


def test_a_command_under_way_makes_its_like_wait() -> None:
    assert "hold" not in allowed("talking", "hold")
    assert allowed("talking", "hang_up") == set()
    assert allowed("incoming", "answer") == set()
    assert actions("talking", "here", "browser", ("hold",), True)["hold"] is Code.PENDING


def test_what_a_state_forbids_it_forbids_for_its_own_reason() -> None:
    assert actions("held", "here", "browser", ("hold",), True)["hold"] is Code.ALREADY_HELD
    assert actions("ended", "none", "none", (), False)["hold"] is Code.CALL_ENDED


@pytest.mark.parametrize("sound", ["lost", "waiting"])
def test_without_sound_it_can_be_brought_back_or_ended(sound: Sound) -> None:
    assert {"reattach", "hang_up"} <= allowed("held", sound=sound)
    assert allowed("talking", sound=sound).isdisjoint({"hold", "dtmf"})
    assert actions("held", sound, "browser", (), True)["resume"] is Code.NO_SOUND


def test_sound_that_is_here_is_not_brought_back() -> None:
    assert actions("talking", "here", "browser", (), True)["reattach"] is Code.SOUND_IS_HERE


def test_a_call_that_the_pbx_has_not_confirmed_can_be_ended_and_no_more() -> None:
    assert allowed("talking", confirmed=False) == {"hang_up", "mute", "dtmf"}
    assert actions("talking", "here", "browser", (), False)["hold"] is Code.UNCONFIRMED


def test_a_call_on_another_device_is_steered_there() -> None:
    assert allowed("talking", device="phone") == set()
    assert actions("talking", "none", "phone", (), True)["hold"] is Code.ON_OTHER_DEVICE
