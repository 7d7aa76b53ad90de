"""RTP legs: packets read, descriptions made, digits heard. Sound itself is proved in `test_sound.py`."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from sandbox.pbx.rtp import RtpLeg, read_packet
from sandbox.pbx.sound.frames import SILENCE, Samples
from sip.sdp import Sdp
from tests.sandbox.pbx.caller import until

OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio %d RTP/AVP 0 8 96\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:96 telephone-event/8000\r\n"
)


class User:
    """Whoever waits for a description."""

    def __init__(self) -> None:
        self.said: list[bytes | None] = []

    def sdp_ready(self, sdp: bytes | None) -> None:
        self.said.append(sdp)


@pytest.fixture
async def leg() -> AsyncIterator[tuple[RtpLeg, User]]:
    user = User()
    made = RtpLeg(user, "127.0.0.1", 77)
    yield made, user
    made.close()


def packet(payload_type: int, payload: bytes, *, sequence: int = 1, timestamp: int = 160) -> bytes:
    return (
        bytes([0x80, payload_type])
        + sequence.to_bytes(2, "big")
        + timestamp.to_bytes(4, "big")
        + b"ssrc"
        + payload
    )


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (packet(8, b"abc"), (8, 160, b"abc")),
        (b"\x81\x88\0\1\0\0\0\xa0ssrcCSRCabc", (8, 160, b"abc")),  # one contributing source, marker set
        (b"\x90\x08\0\1\0\0\0\xa0ssrc\xbe\xde\0\1EXTEabc", (8, 160, b"abc")),  # a header extension
        (b"\xa0\x08\0\1\0\0\0\xa0ssrcabc\0\2", (8, 160, b"abc")),  # padding
        (b"", None),
        (b"\x80\x08\0\1", None),
        (b"\x00\x08\0\1\0\0\0\xa0ssrc", None),  # STUN and others begin so
        (b"\x9f\x08\0\1\0\0\0\xa0ssrc", None),  # fifteen sources that are not there
        (b"\x90\x08\0\1\0\0\0\xa0ssrc", None),
        (b"\xa0\x08\0\1\0\0\0\xa0ssrc\xff", None),
    ],
)
def test_a_packet_is_read_or_dropped(data: bytes, read: tuple[int, int, bytes] | None) -> None:
    assert read_packet(data) == read


async def test_our_offer_has_both_laws_and_digits(leg: tuple[RtpLeg, User]) -> None:
    made, user = leg
    made.make_offer()
    (said,) = user.said
    assert said is not None
    offer = Sdp.parse(said)
    assert offer.payloads == (8, 0, 101)
    assert offer.audio is not None
    assert offer.audio.codecs == {"8": "PCMA/8000", "0": "PCMU/8000", "101": "telephone-event/8000"}
    assert offer.port


async def test_an_answer_takes_the_law_that_the_phone_prefers_and_its_number_for_digits(
    leg: tuple[RtpLeg, User],
) -> None:
    made, user = leg
    made.take_offer(OFFER % 4000)
    (said,) = user.said
    assert said is not None
    assert Sdp.parse(said).payloads == (0, 96)


@pytest.mark.parametrize("offer", [b"garbage", OFFER % 0, OFFER.replace(b"0 8 96", b"9 96") % 4000])
async def test_an_offer_that_cannot_be_followed_gets_no_answer(
    leg: tuple[RtpLeg, User], offer: bytes
) -> None:
    made, user = leg
    made.take_offer(offer)
    assert user.said == [None]


async def test_sound_goes_to_the_phone_and_digits_and_sound_come_from_it(leg: tuple[RtpLeg, User]) -> None:
    made, user = leg
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.setblocking(False)
        made.take_offer(OFFER % phone.getsockname()[1])
        made.tick()
        first = read_packet(await loop.sock_recv(phone, 2048))
        assert first is not None
        assert (first[0], len(first[2])) == (0, 160)
        answer = user.said[0]
        assert answer is not None
        target = ("127.0.0.1", Sdp.parse(answer).port or 0)
        await loop.sock_sendto(phone, b"noise", target)
        await loop.sock_sendto(phone, packet(96, b"\x07\x0a\0\xa0"), target)
        await loop.sock_sendto(phone, packet(0, bytes(160)), target)
        frames: list[Samples] = []

        def came() -> bool:
            frames.append(made.voice.read())
            return frames[-1] is not SILENCE

        await until(came, "the sentinel: what was sent before it has been read")
        assert int(frames[-1][0]) == -32124
        assert made.pressed == "7"


async def test_a_closed_leg_sends_nothing_more(leg: tuple[RtpLeg, User]) -> None:
    made, _ = leg
    made.take_offer(OFFER % 9)
    made.close()
    made.close()
    made.tick()
    assert made.is_closed
