"""Commands: the limits of what a page may say, at their edges."""

import pytest

from protocol.codec import FrameError, decode_client
from protocol.codes import Code
from protocol.commands import MAX_DIGITS, MAX_NUMBER, MAX_SDP, Dial, Dtmf
from tests.protocol.golden_files import compact

SDP = "v=0\r\n"


def dial(number: str = "112", offer: str = SDP) -> Dial:
    message = decode_client(compact({"t": "dial", "id": "p-1", "number": number, "offer": offer}))
    assert isinstance(message, Dial)
    return message


def dtmf(digits: str) -> Dtmf:
    message = decode_client(compact({"t": "dtmf", "id": "p-1", "call": "c1", "digits": digits}))
    assert isinstance(message, Dtmf)
    return message


@pytest.mark.parametrize(
    "number",
    ["1", "+7 (916) 123-45-67", "8\u00a0916\u00a0123-45-67", "*97#", "alice", "1" * MAX_NUMBER],
)
def test_what_people_type_is_taken(number: str) -> None:
    assert dial(number).number == number


@pytest.mark.parametrize(
    "number",
    ["", "1" * (MAX_NUMBER + 1), "1\n", "\r1", "1\x00", "a@b", "<1>", 'a"b', "1;x=y", "sip:1", "1?a"],
)
def test_what_means_something_in_sip_is_refused(number: str) -> None:
    with pytest.raises(FrameError) as caught:
        dial(number)
    assert (caught.value.code, caught.value.id) == (Code.MALFORMED, "p-1")


def test_sdp_of_the_largest_size_is_taken_and_one_more_is_not() -> None:
    largest = SDP + "a" * (MAX_SDP - len(SDP))
    assert dial(offer=largest).offer == largest
    with pytest.raises(FrameError):
        dial(offer=largest + "a")


@pytest.mark.parametrize("offer", ["", "v=1\r\n", " v=0\r\n", "v=0", "o=- 1 1 IN IP4 0.0.0.0\r\n"])
def test_a_description_begins_with_its_version(offer: str) -> None:
    with pytest.raises(FrameError):
        dial(offer=offer)


@pytest.mark.parametrize("digits", ["0", "0123456789*#", "ABCD", "1" * MAX_DIGITS])
def test_tones_are_taken(digits: str) -> None:
    assert dtmf(digits).digits == digits


@pytest.mark.parametrize("digits", ["", "E", "a", "1 2", "1\n", ",", "1" * (MAX_DIGITS + 1)])
def test_what_is_no_tone_is_refused(digits: str) -> None:
    with pytest.raises(FrameError):
        dtmf(digits)
