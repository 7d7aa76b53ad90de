"""The outbox keeps the order; frames are those of RFC 6455."""

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from gateway.realtime.outbox import Close, Outbox, text_frame
from protocol.codes import CloseCode


def test_what_was_put_earlier_is_taken_earlier() -> None:
    outbox = Outbox()
    outbox.put(1, b"a")
    outbox.close(2, 4001)
    outbox.put(1, b"b")
    assert outbox.take_output() == [(1, b"a"), (2, Close(4001)), (1, b"b")]


def test_what_was_taken_is_gone() -> None:
    outbox = Outbox()
    outbox.put(1, b"a")
    outbox.take_output()
    assert outbox.take_output() == []


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_a_prepared_frame_is_read_by_a_client_of_others(size: int) -> None:
    peer = ClientProtocol(parse_uri("ws://localhost/"), state=OPEN)
    payload = b"x" * size
    peer.receive_data(text_frame(payload))
    assert peer.events_received() == [Frame(Opcode.TEXT, payload)]


def test_a_close_names_its_reason_for_the_log() -> None:
    assert Close(CloseCode.TOO_SLOW).reason == "too_slow"
    assert Close(1000).reason == ""
