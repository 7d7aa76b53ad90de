"""One user's stream: the law of resuming, the bounds of the ring, the answers that outlive a socket."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.realtime.limits import Limits
from gateway.realtime.stream import MAX_TABS_REMEMBERED, Answers, Stream
from protocol.codec import decode_gateway
from protocol.entities import Phone, Position, State
from protocol.messages import Delta, Snapshot
from protocol.state import apply
from tests.gateway.realtime.play import call, line, payload


def stream(**limits: int) -> Stream:
    return Stream("e1", State(), Limits(**limits))


def state(**revs: int) -> State:
    return State({id: call(id, rev) for id, rev in revs.items()})


def deltas(frames: list[bytes]) -> list[Delta]:
    read = [decode_gateway(payload(frame)) for frame in frames]
    assert all(isinstance(message, Delta) for message in read)
    return read  # type: ignore[return-value]


def snapshot(of: Stream) -> Snapshot:
    message = decode_gateway(payload(of.snapshot()))
    assert isinstance(message, Snapshot)
    return message


def test_a_stream_begins_at_zero() -> None:
    assert stream().position == Position("e1", 0)


def test_each_change_gets_the_next_number() -> None:
    one = stream()
    frames = [one.publish(state(a=1)), one.publish(state(a=2))]
    assert [delta.seq for delta in deltas([frame for frame in frames if frame])] == [1, 2]
    assert one.seq == 2


def test_no_change_no_delta_no_number() -> None:
    one = stream()
    one.publish(state(a=1))
    assert one.publish(state(a=1)) is None
    assert one.seq == 1


def test_a_page_that_missed_nothing_gets_nothing() -> None:
    one = stream()
    one.publish(state(a=1))
    assert one.missed(Position("e1", 1)) == []


def test_a_page_gets_exactly_the_deltas_it_missed() -> None:
    one = stream()
    for rev in range(1, 6):
        one.publish(state(a=rev))
    assert [delta.seq for delta in deltas(one.missed(Position("e1", 3)) or [])] == [4, 5]


def test_a_strange_epoch_gets_a_snapshot() -> None:
    one = stream()
    one.publish(state(a=1))
    assert one.missed(Position("e0", 1)) is None


def test_a_position_in_the_future_gets_a_snapshot() -> None:
    assert stream().missed(Position("e1", 1)) is None


def test_a_negative_position_gets_a_snapshot() -> None:
    assert stream().missed(Position("e1", -1)) is None


def test_no_position_gets_a_snapshot() -> None:
    assert stream().missed(None) is None


def test_a_position_that_fell_out_of_the_ring_gets_a_snapshot() -> None:
    one = stream(ring_frames=3)
    for rev in range(1, 6):
        one.publish(state(a=rev))
    assert one.missed(Position("e1", 1)) is None
    assert len(one.missed(Position("e1", 2)) or []) == 3


def test_the_ring_is_bounded_by_bytes_too() -> None:
    one = stream(ring_bytes=1_000)
    for rev in range(1, 50):
        one.publish(state(a=rev))
    kept = [n for n in range(50) if one.missed(Position("e1", n)) is not None]
    assert 1 <= len(kept) - 1 <= 4
    assert kept[-1] == 49


def test_a_delta_that_is_larger_than_the_ring_is_not_kept() -> None:
    one = stream(ring_bytes=10)
    one.publish(state(a=1))
    assert one.missed(Position("e1", 0)) is None
    assert one.missed(Position("e1", 1)) == []


def test_the_ring_holds_the_very_bytes_that_were_sent() -> None:
    one = stream()
    frame = one.publish(state(a=1))
    missed = one.missed(Position("e1", 0))
    assert missed is not None
    assert missed[0] is frame


STATES = st.builds(
    State,
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 3)).map(
        lambda revs: {id: call(id, rev) for id, rev in revs.items()}
    ),
    st.sets(st.sampled_from("xy")).map(lambda names: {name: line(name) for name in names}),
    st.builds(Phone, st.none() | st.sampled_from("tu")),
)


@given(st.lists(STATES, max_size=12), st.integers(0, 12), st.integers(1, 12))
def test_resuming_at_any_point_equals_a_fresh_snapshot(states: list[State], stop: int, ring: int) -> None:
    one = stream(ring_frames=ring)
    page, position = snapshot(one).state, one.position
    for number, new in enumerate(states):
        one.publish(new)
        if number == stop:
            page, position = snapshot(one).state, one.position
    missed = one.missed(position)
    if missed is None:
        assert one.seq - position.seq > ring
        return
    for delta in deltas(missed):
        assert delta.seq == position.seq + 1
        page, position = apply(page, delta), Position("e1", delta.seq)
    assert page == snapshot(one).state == one.state
    assert position == one.position


def test_answers_are_found_by_their_id_and_the_oldest_fall_out() -> None:
    answers = Answers(2)
    for id in ("1", "2", "3"):
        answers.keep(id, id.encode())
    assert (answers.find("1"), answers.find("2"), answers.find("3")) == (None, b"2", b"3")
    assert len(answers) == 2


def test_answers_are_each_tabs_own() -> None:
    one = stream()
    one.answers_of("tab-a").keep("1", b"done")
    assert one.answers_of("tab-a").find("1") == b"done"
    assert one.answers_of("tab-b").find("1") is None


def test_a_page_that_was_loaded_anew_has_no_answers() -> None:
    one = stream()
    one.answers_of("tab-a").keep("1", b"done")
    one.forget_answers("tab-a")
    one.forget_answers("never seen")
    assert one.answers_of("tab-a").find("1") is None


def test_only_the_latest_tabs_are_remembered() -> None:
    one = stream()
    for number in range(MAX_TABS_REMEMBERED):
        one.answers_of(f"tab-{number}").keep("1", b"done")
    one.answers_of("tab-0")
    one.answers_of("one more")
    assert one.answers_of("tab-0").find("1") == b"done"
    assert one.answers_of("tab-1").find("1") is None
