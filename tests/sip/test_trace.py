"""The memory of the last calls: what is kept, in which order it goes, and that it never grows beyond its bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sip.flow import Flow
from sip.message import parse
from sip.trace import BYTES_PER_CALL, MOST_BYTES, MOST_OF_ONE, Trace, TracedCall
from tests.sip.pair import label, make_pair, talk

FLOW = Flow("udp", ("192.0.2.1", 5060))


def message(start: str, call_id: str, name: str = "Call-ID: ", body: bytes = b"") -> bytes:
    return f"{start}\r\nVia: SIP/2.0/UDP 192.0.2.1\r\n{name}{call_id}\r\nCSeq: 1 X\r\n\r\n".encode() + body


def begin(trace: Trace, call_id: str, at: float = 1.0, body: bytes = b"") -> None:
    trace.record(at, False, FLOW, message("INVITE sip:101@192.0.2.9 SIP/2.0", call_id, body=body))


def kept(trace: Trace, call_id: str) -> TracedCall:
    call = trace.find(call_id)
    assert call is not None
    return call


def test_messages_are_kept_by_call_in_the_order_in_which_they_crossed_the_wire() -> None:
    trace = Trace(10)
    begin(trace, "a", 1.0)
    begin(trace, "b", 2.0)
    ringing = message("SIP/2.0 180 Ringing", "a")
    trace.record(3.0, True, FLOW, ringing)
    first, second = kept(trace, "a")
    assert (first.at, first.sent, first.flow, first.data[:7]) == (1.0, False, FLOW, b"INVITE ")
    assert (second.at, second.sent) == (3.0, True)
    assert second.data is ringing, "kept by reference"
    assert trace.call_ids() == ["b", "a"], "the one that spoke last stands last"
    assert trace.find("c") is None


def test_what_begins_no_call_is_not_kept() -> None:
    trace = Trace(10)
    for start in (
        "REGISTER sip:pbx SIP/2.0",
        "OPTIONS sip:pbx SIP/2.0",
        "SIP/2.0 200 OK",
        "BYE sip:pbx SIP/2.0",
    ):
        trace.record(1.0, False, FLOW, message(start, "a"))
    trace.record(1.0, False, FLOW, b"INVITE sip:101@192.0.2.9 SIP/2.0\r\nno call id\r\n\r\n")
    trace.record(1.0, False, FLOW, message("INVITE sip:x SIP/2.0", "   "))
    trace.record(1.0, False, FLOW, b"\x00\xff")
    assert (len(trace), trace.size) == (0, 0)


def test_the_call_id_is_found_in_every_spelling() -> None:
    trace = Trace(10)
    begin(trace, "a")
    for name in ("Call-ID: ", "call-id:", "CALL-ID \t: ", "i: ", "I:"):
        trace.record(2.0, True, FLOW, message("SIP/2.0 180 Ringing", "a ", name))
    assert len(kept(trace, "a")) == 6


def test_the_calls_that_have_been_silent_longest_go_first() -> None:
    trace = Trace(3)
    for call_id in ("a", "b", "c"):
        begin(trace, call_id)
    trace.record(2.0, True, FLOW, message("UPDATE sip:x SIP/2.0", "a"))
    begin(trace, "d")
    begin(trace, "e")
    assert trace.call_ids() == ["a", "d", "e"]
    assert trace.size == sum(len(one.data) for id in trace.call_ids() for one in kept(trace, id))


def test_a_trace_of_no_calls_keeps_nothing() -> None:
    trace = Trace(0)
    begin(trace, "a")
    assert (len(trace), trace.size) == (0, 0)


def test_of_a_long_call_the_beginning_and_the_end_stay_and_what_is_missing_is_counted() -> None:
    trace = Trace(10, most_messages=10)
    begin(trace, "a", 0.0)
    for number in range(1, 100):
        trace.record(float(number), True, FLOW, message("UPDATE sip:x SIP/2.0", "a"))
    call = kept(trace, "a")
    assert [one.at for one in call] == [0, 1, 2, 3, 4, 95, 96, 97, 98, 99]
    assert (call.gap, call.left_out, len(call)) == (5, 90, 10)


def test_a_long_message_is_cut() -> None:
    trace = Trace(1)
    begin(trace, "a", body=b"x" * 60_000)
    (one,) = kept(trace, "a")
    assert len(one.data) == MOST_OF_ONE == trace.size


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 30_000), st.booleans()), max_size=60),
    st.integers(1, 4),
)
def test_the_memory_is_bounded_and_its_size_is_known(
    messages: list[tuple[int, int, bool]], most_calls: int
) -> None:
    trace = Trace(most_calls, most_messages=8)
    for place, (call, size, begins) in enumerate(messages):
        start = "INVITE sip:x SIP/2.0" if begins else "BYE sip:x SIP/2.0"
        trace.record(float(place), True, FLOW, message(start, f"c{call}", body=b"x" * size))
        assert len(trace) <= most_calls
        assert trace.size <= max(most_calls * BYTES_PER_CALL, MOST_BYTES)
        calls = [kept(trace, call_id) for call_id in trace.call_ids()]
        assert trace.size == sum(len(one.data) for call in calls for one in call)
        assert all(len(call) <= 8 and call.size <= MOST_BYTES for call in calls)
        assert all([one.at for one in call] == sorted(one.at for one in call) for call in calls)


def test_one_call_of_large_messages_is_bounded_in_bytes() -> None:
    trace = Trace(100)
    for number in range(100):
        begin(trace, "a", float(number), body=b"x" * 15_000)
    call = kept(trace, "a")
    assert call.size <= MOST_BYTES
    assert call.left_out + len(call) == 100
    moments = [one.at for one in call]
    assert (moments[0], moments[-1]) == (0.0, 99.0)


def test_a_call_of_the_user_agent_is_kept_whole() -> None:
    pair = make_pair()
    mine, theirs = talk(pair)
    theirs.bye(pair.now)
    pair.advance(0.1)
    trace = Trace(5)
    for sender, sent in pair.sent:
        trace.record(pair.now, sender == "alice", FLOW, sent.to_bytes())
    starts = [label(parse(one.data)) for one in kept(trace, mine.id)]
    assert starts == ["INVITE", "100 INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"]
