"""The hub: encode once, the same bytes for all tabs, letters to the right ones."""

from collections import Counter

import pytest

from gateway.realtime import stream as stream_module
from gateway.realtime.outbox import Close
from gateway.realtime.ports import Identity
from gateway.realtime.stream import Reader, Stream
from protocol.codec import encode
from protocol.codes import CloseCode, Code
from protocol.entities import Position, State
from protocol.messages import Delta, Notice, Refused, Ring, Snapshot
from tests.gateway.realtime.play import ANNA, BORIS, SDP, Mail, Stage, call


def state(**revs: int) -> State:
    return State({id: call(id, rev) for id, rev in revs.items()})


def subscribe(stage: Stage, number: int, tab: str, identity: Identity = ANNA, lang: str = "en") -> Stream:
    return stage.hub.subscribe(identity, tab, Reader(number, lang), State())


def test_publishing_to_many_sockets_encodes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, encoded = Stage(), []

    def counting(message: object) -> bytes:
        encoded.append(message)
        return encode(message)  # type: ignore[arg-type]

    for number in range(10):
        subscribe(stage, number, f"tab-{number}")
    monkeypatch.setattr(stream_module, "encode", counting)
    stage.hub.publish(ANNA, state(a=1))
    written = stage.raw()
    assert [number for number, _ in written] == list(range(10))
    assert len({id(frame) for _, frame in written}) == 1, "the same bytes object"
    assert len(encoded) == 1
    assert stage.hub.counters == Counter(deltas=1, frames=10)


def test_what_anna_sees_boris_does_not() -> None:
    stage = Stage()
    subscribe(stage, 1, "tab-a", ANNA)
    subscribe(stage, 2, "tab-b", BORIS)
    stage.hub.publish(ANNA, state(a=1))
    assert [number for number, _ in stage.raw()] == [1]


def test_nothing_changed_nothing_is_written() -> None:
    stage = Stage()
    subscribe(stage, 1, "tab-a")
    stage.hub.publish(ANNA, State())
    assert stage.raw() == []


def test_a_user_who_never_had_a_page_costs_nothing() -> None:
    stage = Stage()
    stage.hub.publish(ANNA, state(a=1))
    assert stage.hub.stream(ANNA) is None
    assert stage.raw() == []


def test_states_are_written_before_the_letters_that_refer_to_them() -> None:
    stage = Stage()
    subscribe(stage, 1, "tab-a")
    stage.office.letters.append(Mail(ANNA.user_id, "tab-a", Ring("a", SDP)))
    stage.office.show_calls(ANNA.user_id, a=1)
    stage.flush()
    assert [type(message) for message in stage.read(1)] == [Delta, Ring]


def test_a_letter_to_one_tab_reaches_that_tab_alone() -> None:
    stage = Stage()
    subscribe(stage, 1, "tab-a")
    subscribe(stage, 2, "tab-b")
    stage.office.letters.append(Mail(ANNA.user_id, "tab-b", Ring("a", SDP)))
    stage.flush()
    assert stage.read(2) == [Ring("a", SDP)]
    assert stage.read() == []


def test_a_letter_to_all_tabs_is_worded_in_the_language_of_each_and_encoded_once_for_each() -> None:
    stage = Stage()
    for number, (tab, lang) in enumerate([("tab-a", "ru"), ("tab-b", "en"), ("tab-c", "en")]):
        subscribe(stage, number, tab, lang=lang)
    stage.office.letters.append(Mail(ANNA.user_id, None, Notice(Code.HOLD_FAILED, call="a")))
    stage.flush()
    written = dict(stage.raw())
    assert written[1] is written[2]
    assert "Не удалось".encode() in written[0]  # type: ignore[operator]
    assert b"could not be put on hold" in written[1]  # type: ignore[operator]


def test_a_sentence_that_is_there_already_is_kept() -> None:
    stage = Stage()
    subscribe(stage, 1, "tab-a")
    stage.office.letters.append(Mail(ANNA.user_id, None, Notice(Code.HOLD_FAILED, "PBX says no")))
    stage.flush()
    assert stage.read(1) == [Notice(Code.HOLD_FAILED, "PBX says no")]


@pytest.mark.parametrize("tab", ["tab-z", None])
def test_a_letter_to_nobody_is_counted(tab: str | None) -> None:
    stage = Stage()
    user = ANNA.user_id if tab else BORIS.user_id
    subscribe(stage, 1, "tab-a")
    stage.office.letters.append(Mail(user, tab, Ring("a", SDP)))
    stage.flush()
    assert stage.read() == []
    assert stage.hub.counters["undelivered"] == 1


def test_a_refusal_is_worded_like_a_notice() -> None:
    stage = Stage()
    subscribe(stage, 1, "tab-a")
    stage.office.letters.append(Mail(ANNA.user_id, None, Refused(Code.PENDING, id="1")))
    stage.flush()
    assert stage.read(1) == [Refused(Code.PENDING, "The previous action is still under way.", "1")]


def test_a_reader_without_a_position_gets_a_snapshot() -> None:
    stage = Stage()
    stream = subscribe(stage, 1, "tab-a")
    stage.hub.catch_up(stream, 1, None)
    assert stage.read(1) == [Snapshot("e1", 0, State())]
    assert stage.hub.counters["snapshots"] == 1


def test_a_reader_that_comes_back_gets_what_it_missed() -> None:
    stage = Stage()
    subscribe(stage, 1, "tab-a")
    stage.hub.publish(ANNA, state(a=1))
    position = Position("e1", 1)
    stage.hub.unsubscribe(ANNA, "tab-a", 1, 0.0)
    stage.hub.publish(ANNA, state(a=2))
    stream = stage.hub.subscribe(ANNA, "tab-a", Reader(2, "en"), state(a=2, b=1))
    stage.hub.catch_up(stream, 2, position)
    assert [message.seq for message in stage.read(2) if isinstance(message, Delta)] == [2, 3]
    assert stage.hub.counters["resumed"] == 1


def test_a_newer_socket_of_the_same_tab_replaces_the_older() -> None:
    stage = Stage()
    subscribe(stage, 1, "tab-a")
    subscribe(stage, 2, "tab-a")
    assert stage.read(1) == [Close(CloseCode.REPLACED)]
    assert not stage.hub.unsubscribe(ANNA, "tab-a", 1, 0.0), "the tab still has a socket"
    stage.hub.publish(ANNA, state(a=1))
    assert [number for number, _ in stage.raw()] == [2]
    assert stage.hub.counters["replaced"] == 1


def test_unsubscribing_what_is_not_there_says_no() -> None:
    stage = Stage()
    assert not stage.hub.unsubscribe(ANNA, "tab-a", 1, 0.0)
    subscribe(stage, 1, "tab-a")
    assert not stage.hub.unsubscribe(ANNA, "tab-b", 1, 0.0)


def test_a_stream_without_a_reader_is_kept_for_a_while_and_then_forgotten() -> None:
    stage = Stage(keep=60.0)
    first = subscribe(stage, 1, "tab-a")
    stage.hub.unsubscribe(ANNA, "tab-a", 1, 100.0)
    stage.office.show_calls(ANNA.user_id, a=1)
    stage.flush(160.0)
    assert stage.hub.stream(ANNA) is first
    assert first.seq == 1
    stage.office.show_calls(ANNA.user_id, a=2)
    stage.flush(160.1)
    assert stage.hub.stream(ANNA) is None
    assert subscribe(stage, 2, "tab-a").epoch == "e2", "another life, another epoch"


def test_a_stream_with_a_reader_is_not_forgotten() -> None:
    stage = Stage(keep=60.0)
    first = subscribe(stage, 1, "tab-a")
    stage.hub.unsubscribe(ANNA, "tab-a", 1, 0.0)
    subscribe(stage, 2, "tab-b")
    stage.office.show_calls(ANNA.user_id, a=1)
    stage.flush(1000.0)
    assert stage.hub.stream(ANNA) is first


def test_a_user_may_have_so_many_tabs_and_a_known_tab_does_not_count_twice() -> None:
    stage = Stage(sockets_per_user=2)
    assert not stage.hub.crowded(ANNA, "tab-a")
    subscribe(stage, 1, "tab-a")
    subscribe(stage, 2, "tab-b")
    assert stage.hub.crowded(ANNA, "tab-c")
    assert not stage.hub.crowded(ANNA, "tab-b")
    assert not stage.hub.crowded(BORIS, "tab-c")


def test_all_sockets_of_a_user_can_be_closed() -> None:
    stage = Stage()
    subscribe(stage, 1, "tab-a")
    subscribe(stage, 2, "tab-b")
    subscribe(stage, 3, "tab-a", BORIS)
    assert stage.hub.close_all(ANNA, CloseCode.REVOKED) == 2
    assert stage.raw() == [(1, Close(4102)), (2, Close(4102))]
    assert stage.hub.close_all(Identity(9, 9), CloseCode.REVOKED) == 0
