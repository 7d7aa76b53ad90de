"""The codec: limits at the door, and refusals that find their way back."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.codec import KNOWN_TAGS, MAX_FRAME, FrameError, decode_client, decode_state, encode
from protocol.codes import Code
from protocol.commands import HangUp
from protocol.entities import State
from tests.protocol.golden_files import golden

BAD = [case for case in golden("bad_frames") if case["door"] == "codec"]


def refusal(frame: bytes) -> FrameError:
    with pytest.raises(FrameError) as caught:
        decode_client(frame)
    return caught.value


@pytest.mark.parametrize("case", BAD, ids=lambda case: case["name"])
def test_a_golden_bad_frame_is_refused_with_its_code_and_id(case: dict[str, Any]) -> None:
    error = refusal(case["frame"].encode())
    if case["phase"] == "session":
        expected = case["refused"]
        assert (error.code, error.id) == (expected["code"], expected.get("id"))
    assert error.detail


def test_a_frame_of_the_largest_size_is_read_and_one_more_byte_is_not() -> None:
    frame = b'{"t":"hang_up","id":"p-1","call":"c1"}'
    largest = frame + b" " * (MAX_FRAME - len(frame))
    assert decode_client(largest) == HangUp("p-1", "c1")
    assert refusal(largest + b" ").code is Code.TOO_LARGE


def test_a_deep_nest_in_an_unknown_field_is_malformed_not_a_crash() -> None:
    nest = b"[" * 20_000 + b"]" * 20_000
    assert refusal(b'{"t":"take_phone","id":"p-1","x":' + nest + b"}").code is Code.MALFORMED


def test_bytes_that_are_no_utf8_are_malformed() -> None:
    error = refusal(b'{"t":"hang_up","id":"p-1","call":"\xff"}')
    assert (error.code, error.id) == (Code.MALFORMED, "p-1")


def test_a_refusal_reads_as_a_sentence_and_names_the_place() -> None:
    error = refusal(b'{"t":"hang_up","id":"p-1","call":5}')
    assert "$.call" in str(error)
    assert str(error).startswith("malformed (id p-1)")


@given(st.binary(max_size=200))
@example(b'{"t":"\\ud800"}')
def test_whatever_the_bytes_nothing_but_a_refusal_is_raised(frame: bytes) -> None:
    codes = {Code.MALFORMED}
    try:
        decode_client(frame)
    except FrameError as error:
        codes.add(error.code)
    assert codes <= {Code.MALFORMED, Code.UNKNOWN_COMMAND}


def test_known_tags_are_those_of_the_page() -> None:
    assert {"hello", "dial", "beat"} <= KNOWN_TAGS
    assert "welcome" not in KNOWN_TAGS


def test_a_state_survives_the_round_trip() -> None:
    assert decode_state(encode(State())) == State()
