"""The tables of caller, callee, loaded call and offers, walked: every state by every input, against the rules in words."""

from __future__ import annotations

from typing import Any

import pytest

from sip.calls.callee import IncomingCall
from sip.calls.caller import OutgoingCall
from sip.calls.loaded import LoadedCall
from sip.calls.offer_states import Input, State
from sip.calls.offers import Offers
from sip.calls.states import CallInput, CallState
from sip.errors import LocalProtocolError
from sip.machine import Machine
from tests.sip.pair import make_pair, rings, talk

CALLER_STATES = {
    "idle",
    "calling",
    "proceeding",
    "cancel held",
    "cancelling",
    "answered",
    "confirmed",
    "ending",
    "ended",
}
CALLEE_STATES = {
    "received",
    "ringing",
    "accept held",
    "accepted",
    "leaving",
    "confirmed",
    "ending",
    "ended",
}


def targets(machine: type[Machine[Any, Any]]) -> set[str]:
    return {str(state) for state, _ in machine.table.values()} | {str(machine.initial)}


@pytest.mark.parametrize(
    ("machine", "states"),
    [
        (OutgoingCall, CALLER_STATES),
        (IncomingCall, CALLEE_STATES),
        (LoadedCall, {"confirmed", "ending", "ended"}),
    ],
)
def test_a_role_has_its_states_and_no_others(machine: type[Machine[Any, Any]], states: set[str]) -> None:
    assert targets(machine) == states
    assert {str(state) for state, _ in machine.table} <= states


@pytest.mark.parametrize("machine", [OutgoingCall, IncomingCall, LoadedCall])
def test_ended_is_the_end(machine: type[Machine[Any, Any]]) -> None:
    assert {target for (state, _), (target, _) in machine.table.items() if state == "ended"} == {
        CallState.ENDED
    }


@pytest.mark.parametrize("machine", [OutgoingCall, IncomingCall, LoadedCall])
def test_every_state_with_a_dialog_takes_a_bye(machine: type[Machine[Any, Any]]) -> None:
    # ENDED is no exception: an ended call is found by no request any more.
    without = {"idle", "calling", "cancel held", "ended"}
    for state in {state for state, _ in machine.table}:
        assert ((state, CallInput.BYE_RECEIVED) in machine.table) == (state not in without), state


def test_every_response_to_an_invite_is_foreseen_wherever_it_can_come() -> None:
    responses = {CallInput.TRYING, CallInput.PROVISIONAL, CallInput.SUCCESS, CallInput.FAILURE}
    for state in ("calling", "proceeding", "cancel held", "cancelling", "ended"):
        for response in responses:
            assert (CallState(state), response) in OutgoingCall.table
    for state in ("answered", "confirmed", "ending", "ended"):
        assert (CallState(state), CallInput.REPEATED) in OutgoingCall.table


def test_cancel_of_the_peer_is_foreseen_in_every_state_of_the_callee() -> None:
    for state in CALLEE_STATES:
        assert (CallState(state), CallInput.CANCELLED) in IncomingCall.table


def test_bye_is_ignored_while_the_call_ends_and_refused_before_it_began() -> None:
    pair = make_pair()
    mine = rings(pair)
    with pytest.raises(LocalProtocolError):
        mine.bye(pair.now)
    with pytest.raises(LocalProtocolError):
        pair.bob.call().bye(pair.now)
    assert (mine.state, pair.bob.call().state) == ("proceeding", "ringing")


def test_commands_of_the_other_role_are_refused() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    for command in (mine.ring, theirs.cancel, theirs.acknowledge):
        with pytest.raises(LocalProtocolError):
            command(pair.now)
    with pytest.raises(LocalProtocolError):
        mine.accept(b"", pair.now)
    with pytest.raises(LocalProtocolError):
        mine.reject(486, pair.now)


def test_wrong_statuses_are_refused_and_change_nothing() -> None:
    pair = make_pair()
    rings(pair)
    theirs = pair.bob.call()
    for status in (100, 200):
        with pytest.raises(LocalProtocolError):
            theirs.ring(pair.now, status=status)
        with pytest.raises(LocalProtocolError):
            theirs.reject(status, pair.now)
    assert theirs.state == "ringing"


def test_commands_in_a_dialog_need_a_confirmed_one() -> None:
    pair = make_pair()
    mine = rings(pair)
    for command in (mine.update, mine.options):
        with pytest.raises(LocalProtocolError):
            command(pair.now)
    with pytest.raises(LocalProtocolError):
        mine.reinvite(b"", pair.now)
    with pytest.raises(LocalProtocolError):
        mine.refuse_offer(488, pair.now)


def test_it_rings_again_each_minute() -> None:
    pair = make_pair()
    rings(pair)
    pair.advance(121)
    assert pair.names().count("180 INVITE") == 3  # §13.3.1.1


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("event", list(Input))
def test_offers_every_row_is_written_or_refused(state: State, event: Input) -> None:
    offering, offered = {"offering"}, {"offered", "offered, ours waiting"}
    table: dict[Input, set[str]] = {
        Input.OFFER: {"stable", "waiting", "answered", "answered, ours waiting"},
        Input.ACCEPTED: offering | {"closed"},
        Input.REFUSED: offering | {"closed"},
        Input.GLARE: offering | {"closed"},
        Input.RETRY: {*State},
        Input.RECEIVED: {*State} - {"closed"},
        Input.ANSWER: offered,
        Input.ANSWER_UPDATE: offered,
        Input.ANSWER_18X: {"offered"},  # nothing of ours can wait yet: the INVITE was without an offer
        Input.LATE: offered,
        Input.SETTLED: {"stable"},
        Input.PROPOSED: {"stable"},
        Input.PRACKED: offering,
        Input.REFUSE: offered,
        Input.WITHDRAWN: offered | {"answered", "answered, ours waiting"},
        Input.ACKED: {"answered", "answered, ours waiting"},
        Input.CLOSE: {*State},
    }
    assert ((state, event) in Offers.table) == (state in table[event])
