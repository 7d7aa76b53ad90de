"""What must hold of any bytes whatever: the one function that atheris calls, and that the tests replay the corpus with.

`check` raises on the first thing that is wrong; nothing else of it is seen. Time is given; a run is the same each time.
"""

from __future__ import annotations

from typing import Final
from zlib import crc32

from sip.agent import UserAgent
from sip.calls.inside_events import ReferReceived
from sip.dtmf import read_press
from sip.errors import ParseError
from sip.events import CallAnswered, CallReceived, Event, OfferReceived, RequestReceived
from sip.message import parse
from sip.packages.dialog_info import DialogInfo
from sip.packages.message_summary import MessageSummary
from sip.packages.presence import Presence
from sip.sdp import Sdp
from sip.sipfrag import read as read_sipfrag
from sip.stream import StreamFramer
from sip.subscriptions.facts import SubscriptionReceived
from sip.uri import NameAddr, Uri
from tests.fuzz.scene import MOST_MESSAGES, SDP, SEPARATOR, make_scene
from tests.sip.test_hostile import read_and_use

_LONGEST: Final = (
    3 * 64 * 0.5
)  # seconds after the last message: three times 64*T1, as a BYE may follow a lost ACK
_MOST_FIRINGS: Final = 3000
_MOST_ANSWERS: Final = 24  # to one message: a final response, what it ends, and their kin


def check(data: bytes) -> None:
    """Everything that can be done with bytes of a peer. Raises whatever must not be."""
    scene = make_scene()
    messages = [scene.filled(part) for part in data.split(SEPARATOR)[:MOST_MESSAGES]]
    for message in messages:
        read_and_use(message)
        _check_values(message)
    _check_frames(b"".join(messages))
    agent, now = scene.agent, 0.0
    for message in messages:
        now += 1.0
        agent.handle_timer(now)
        agent.take_output()
        answers = scene.hear(message, now)
        assert len(answers) <= _MOST_ANSWERS, f"{len(answers)} answers to one message"
        for event in agent.take_events():
            react(event, now)
        for answer in (*answers, *(transmit.data for transmit in agent.take_output())):
            _check_answer(answer)
    _check_end(agent, now)


def react(event: Event, now: float) -> None:
    """The user does the obvious."""
    match event:
        case CallReceived(call) if call.state == "received":
            call.ring(now)
        case CallAnswered(call) if call.state == "answered":
            call.acknowledge(now)
        case OfferReceived(call) if call.state == "confirmed" and call.offers.state.startswith("offered"):
            call.answer_offer(SDP, now)  # unless it was taken back before we came to it
        case SubscriptionReceived(watcher):
            watcher.accept(now, "a/b", b"state")
        case ReferReceived(_, refer):
            refer.accept(now)
        case RequestReceived(transaction, request):
            transaction.respond(request.reply(200, to_tag="x"), now)
        case _:
            pass


def _check_answer(data: bytes) -> None:
    """What we send is one message of CRLF lines that ends where its Content-Length says, whatever we were sent."""
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"\0" not in head, head
    assert head.count(b"\r") == head.count(b"\n") == head.count(b"\r\n"), head
    stated = [
        line for line in head.split(b"\r\n") if line.lower().replace(b" ", b"").startswith(b"content-length:")
    ]
    assert [int(line.partition(b":")[2]) for line in stated] == [len(body)], head
    try:
        parse(data)
    except ParseError:
        assert data[8:9] in (b"4", b"5"), data  # it gives back a From or To that nobody can read


def _check_end(agent: UserAgent, now: float) -> None:
    """The user hangs up everything; then nothing may be left, and nothing may have been unforeseen."""
    for call in agent.calls:
        match call.state:
            case "received" | "ringing":
                call.reject(486, now)
            case "calling" | "proceeding":
                call.cancel(now)
            case _:
                call.bye(now)
    fired, end = 0, now + _LONGEST
    while (at := agent.next_deadline()) is not None and at <= end:
        fired += 1
        assert fired < _MOST_FIRINGS, "timers without end"
        now = max(now, at)
        agent.handle_timer(now)
        for event in agent.take_events():
            if isinstance(event, CallAnswered):
                react(event, now)
        agent.take_output()
    assert agent.counters["unforeseen"] == 0, agent.counters
    assert agent.calls == [], agent.calls
    assert agent.transaction_count <= 1, "more than the registration's transaction is left"


def _check_frames(data: bytes) -> None:
    """However a stream is cut, the same messages come out of it."""
    whole = StreamFramer(limit=4096)
    expected = whole.receive(data)
    cut = StreamFramer(limit=4096)
    found, place, seed = [], 0, crc32(data)
    while place < len(data):
        step = 1 + seed % 97
        seed = (seed * 1_103_515_245 + 12_345) % 2**31
        found += cut.receive(data[place : place + step])
        place += step
    assert found == expected, "cutting a stream changes its messages"
    assert (cut.error is None) == (whole.error is None)
    assert (cut.take_pongs(), cut.refused) == (whole.take_pongs(), whole.refused)


def _check_values(data: bytes) -> None:
    """Bodies as descriptions and lines as addresses: read, written and read again they are the same."""
    body = data.partition(b"\r\n\r\n")[2]
    try:
        description = Sdp.parse(body)
    except ParseError:
        pass
    else:
        assert Sdp.parse(str(description)) == description
        for media in description.media:
            _ = media.codecs, media.payloads, media.candidates, media.is_rejected
    for read in (DialogInfo.parse, MessageSummary.parse, Presence.parse, read_sipfrag, _press):
        try:
            read(body)
        except ParseError:
            continue
    for line in data.decode("utf-8", "replace").split("\r\n")[:40]:
        value = line.partition(":")[2].strip()
        for kind in (Uri, NameAddr):
            try:
                address = kind.parse(value)
            except ParseError:
                continue
            assert kind.parse(str(address)) == address, value


def _press(body: bytes) -> None:
    for content_type in ("application/dtmf-relay", "application/dtmf"):
        read_press(content_type, body)
