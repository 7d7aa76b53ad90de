"""The example picture of docs: a call that is answered, held, reloaded in mid-call and hung up, drawn by a gateway that carried it.

    python -m tests.gateway.ladder.picture        writes docs/pictures/ladder.svg

The exchange follows a script; the numbers are made up.
"""

import asyncio
import tempfile
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

from gateway.ladder import command
from gateway.settings import Settings
from protocol.commands import HangUp, HoldCall, Reattach, ResumeCall
from protocol.messages import Leaving
from tests.gateway.pbx import sdp
from tests.gateway.process import Exchange, House, house, migrated, talk
from tests.peers.sip_text import Message

OUT = Path(__file__).parents[3] / "docs" / "pictures" / "ladder.svg"
ZONE = timezone(timedelta(hours=3))


async def play(exchange: Exchange, made: House, *, pace: float = 0.0) -> str:
    """Play the call to its end; its id."""
    async with made.tab() as tab:
        await tab.shows(lambda state: state.lines["101"].state == "registered")
        invite, ok, call = await talk(exchange, tab)
        await asyncio.sleep(pace)
        for order in (HoldCall("hold-1", call.id), ResumeCall("resume-1", call.id)):
            await tab.say(order)
            await _agree(exchange)
            wanted = "held" if isinstance(order, HoldCall) else "talking"
            await tab.shows(lambda state, wanted=wanted: state.calls[call.id].state == wanted)  # type: ignore[misc]
            await asyncio.sleep(pace)
        await asyncio.sleep(10 * pace)
        await tab.say(Leaving())
        await tab.closed()
        await _agree(exchange)
    async with made.tab() as tab:
        await tab.say(Reattach("reattach-1", call.id, sdp("page-2")))
        replacing = await exchange.hears("INVITE")
        exchange.send(replacing.reply(100, "Trying", ""))
        exchange.send(_answer(exchange, replacing, "px2"))
        exchange.send(exchange.within(invite, ok, "BYE", 3))
        await exchange.hears("SIP/2.0 200", invite["Call-ID"])
        await tab.shows(lambda state: state.calls[call.id].sound == "here")
        await asyncio.sleep(pace)
        await tab.say(HangUp("hang-up-1", call.id))
        bye = await exchange.hears("BYE", replacing["Call-ID"])
        exchange.send(bye.reply(200, "OK", ""))
        await tab.shows(lambda state: state.calls[call.id].state == "ended")
    return call.id


async def _agree(exchange: Exchange) -> None:
    """Take whatever is offered next."""
    exchange.send(_answer(exchange, await exchange.hears("INVITE"), ""))
    await exchange.hears("ACK")


def _answer(exchange: Exchange, request: Message, tag: str) -> Message:
    headers = [("Contact", f"<sip:pbx@{exchange.host}:{exchange.port}>"), ("Content-Type", "application/sdp")]
    return request.reply(200, "OK", tag, headers, sdp("pbx").encode())


def reached(made: House) -> Settings:
    """The settings of a served house, as somebody has them who wants to ask it."""
    return replace(made.settings, port=int(made.running.url.rpartition(":")[2]))


async def draw(database: str) -> str:
    async with Exchange() as exchange, house(database, exchange) as made:
        call = await play(exchange, made, pace=0.4)
        drawn = await asyncio.to_thread(
            command.ladder, reached(made), call, as_text=False, full=False, zone=ZONE
        )
    return drawn.content


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "office"
        home.mkdir()
        address = migrated(home)
        OUT.write_text(asyncio.run(draw(address)), "utf-8")
