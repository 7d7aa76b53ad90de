"""Bad frames of a page: each gets the answer of docs/protocol.md, is counted by name, and changes nothing."""

import asyncio
import json

import pytest
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode

from gateway.realtime.limits import Limits
from protocol.codec import MAX_FRAME
from protocol.codes import CloseCode
from protocol.messages import Refused
from tests.gateway.bad_input.conftest import Stage
from tests.gateway.process import PATIENCE, Exchange, Tab, house
from tests.peers.ports import HOST


@pytest.mark.parametrize(
    ("frame", "code", "id"),
    [
        ("hang up, please", "malformed", None),
        ('{"t":"hang_up","id":"c1"', "malformed", None),
        ("[" * 20_000, "malformed", None),
        ('{"t":"fly","id":"c2","call":"x"}', "unknown_command", "c2"),
        ('{"t":"hang_up","id":"c3","call":7}', "malformed", "c3"),
        ('{"t":"mute","id":"c4","call":"x","on":"yes"}', "malformed", "c4"),
        ('{"t":"hang_up","id":"c5"}', "malformed", "c5"),
        ('{"t":"hang_up","id":7,"call":"x"}', "malformed", None),
        ('{"t":"dial","id":"c6","number":"1\\r\\nVia: evil","offer":"v=0\\r\\n"}', "malformed", "c6"),
        ('{"t":"dial","id":"c7","number":"101","offer":"not a description"}', "malformed", "c7"),
        ('{"t":"hello","version":1,"tab":"t","lang":"en","page":"load","ticket":"' + "x" * 32 + '"}', "malformed", None),
    ],
)  # fmt: skip
async def test_a_frame_that_cannot_be_taken_is_refused_with_its_id(
    stage: Stage, frame: str, code: str, id: str | None
) -> None:
    async with stage.house.unharmed(stage.tab, f"frames {code}"):
        await stage.tab.wire.send(frame)
        refused = await stage.tab.hears(Refused)
    assert (refused.code, refused.id) == (code, id)
    assert refused.message, "a sentence for the user"


async def test_a_command_for_a_call_that_is_not_ones_own_is_refused(stage: Stage) -> None:
    async with stage.house.unharmed(stage.tab, "frames refused"):
        await stage.tab.wire.send('{"t":"hang_up","id":"c1","call":"of-somebody-else"}')
        refused = await stage.tab.hears(Refused)
        assert (refused.code, refused.id) == ("no_such_call", "c1")
        # The sentinel of `unharmed` is itself a refused command; it is asked after the count.


async def another(stage: Stage, name: str = "tab-b") -> Tab:
    """A second page of the same user, whose socket may be lost."""
    wire = await stage.house.socket()
    tab = Tab(wire, name)
    await tab.enter(ticket=await stage.house.ticket())
    await tab.settled()
    return tab


@pytest.mark.parametrize(
    ("frame", "counter", "code"),
    [
        (Frame(Opcode.BINARY, b"\x00\x01"), "sockets binary", 1003),
        (Frame(Opcode.TEXT, b"\xff\xfe"), "sockets not_utf8", 1007),
        (Frame(Opcode.TEXT, b"x" * (MAX_FRAME + 1)), "sockets protocol_error", 1009),
        (Frame(Opcode.CONT, b"of nothing"), "sockets protocol_error", 1002),
    ],
)
async def test_a_frame_that_breaks_the_wire_closes_this_socket_only(
    stage: Stage, frame: Frame, counter: str, code: int
) -> None:
    tab = await another(stage)
    await stage.tab.settled()
    async with stage.house.unharmed(stage.tab, counter):
        before, socket = stage.house.state(), tab.wire
        socket.transport.write(frame.serialize(mask=True))
        assert await tab.closed() == code
        # The socket's end moves the phone back to the tab that is left, as any tab's end does: that is not harm.
        await stage.tab.shows(lambda state: state.phone.tab == "tab-a")
        assert before.calls == stage.house.state().calls


async def test_too_many_frames_are_refused_and_then_the_socket_is_closed(stage: Stage) -> None:
    limits = Limits()
    tab = await another(stage)
    calls = stage.house.state().calls
    command = json.dumps({"t": "dismiss", "id": "again", "call": "no-such-call"})
    for _ in range(limits.burst + 3 * limits.patience):
        await tab.wire.send(command)
    assert await tab.closed() == CloseCode.RATE
    assert await stage.house.count("frames rate_limited") == limits.patience + 1
    assert await stage.house.count("frames impatient") == 1
    assert stage.house.state().calls == calls


async def test_broken_frames_without_end_close_the_socket(stage: Stage) -> None:
    tab = await another(stage)
    calls = stage.house.state().calls
    for _ in range(Limits().patience + 1):
        await tab.wire.send("{")
    assert await tab.closed() == CloseCode.BAD_FRAME
    assert await stage.house.count("frames malformed") == Limits().patience + 1
    assert stage.house.state().calls == calls


@pytest.mark.parametrize("frame", ["{", '{"t":"take_phone","id":"c1"}', '{"t":"beat","calls":[]}'])
async def test_anything_but_hello_first_is_sent_away(stage: Stage, frame: str) -> None:
    async with stage.house.unharmed(stage.tab, "frames bad_hello"), stage.house.socket() as wire:
        await wire.send(frame)
        assert await Tab(wire, "nobody").closed() == CloseCode.BAD_FRAME


async def test_another_version_is_told_to_stop(stage: Stage) -> None:
    hello = {"t": "hello", "version": 99, "tab": "t", "lang": "en", "page": "load", "ticket": "x" * 32}
    async with stage.house.unharmed(stage.tab, "frames bad_hello"), stage.house.socket() as wire:
        await wire.send(json.dumps(hello))
        assert await Tab(wire, "nobody").closed() == CloseCode.VERSION


async def test_a_foreign_origin_gets_403(stage: Stage) -> None:
    for origin in ("https://evil.example", None):
        async with stage.house.unharmed(stage.tab, "sockets foreign_origin"):
            with pytest.raises(InvalidStatus) as refused:
                await stage.house.socket(origin)
            assert refused.value.response.status_code == 403


async def test_another_path_gets_404(stage: Stage) -> None:
    async with stage.house.unharmed(stage.tab, "sockets not_found"):
        with pytest.raises(InvalidStatus) as refused:
            await stage.house.socket(path="/admin")
        assert refused.value.response.status_code == 404


async def test_a_request_that_is_no_upgrade_gets_426(stage: Stage) -> None:
    before = stage.house.state()
    status, _ = await stage.house.get("/ws")
    assert status == 426
    assert stage.house.state() == before


async def test_garbage_on_the_port_of_http_gets_400(stage: Stage) -> None:
    before = stage.house.state()
    reader, writer = await asyncio.open_connection(HOST, int(stage.house.running.url.rpartition(":")[2]))
    writer.write(b"\x16\x03\x01 garbage\r\n\r\n")
    assert (await asyncio.wait_for(reader.read(), PATIENCE)).startswith(b"HTTP/1.1 400 ")
    writer.close()
    assert stage.house.state() == before


async def test_too_many_tabs_of_one_user_are_told_to_stop(database: str) -> None:
    async with (
        Exchange() as exchange,
        house(database, exchange, sockets_per_user=1) as served,
        served.tab() as tab,
    ):
        await tab.shows(lambda state: state.lines["101"].state == "registered")
        async with served.unharmed(tab, "frames too_many_sockets"), served.socket() as wire:
            second = Tab(wire, "tab-b")
            await second.say_hello(ticket=await served.ticket())
            assert await second.closed() == CloseCode.TOO_MANY_SOCKETS


async def test_too_many_sockets_of_the_process_get_503(database: str) -> None:
    async with Exchange() as exchange, house(database, exchange, sockets=1) as served, served.tab() as tab:
        await tab.shows(lambda state: state.lines["101"].state == "registered")
        async with served.unharmed(tab, "sockets overloaded"):
            with pytest.raises(InvalidStatus) as refused:
                await served.socket()
            assert refused.value.response.status_code == 503
