"""Sound through the exchange, over real sockets: told apart by frequency at the far end (pbx-facts.md)."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from sandbox.crm.sample import directory_of, sample_archive
from sandbox.pbx.exchange import Exchange
from sandbox.pbx.people import WHISTLE
from sandbox.pbx.service import open_exchange
from sandbox.pbx.views import Sound
from sip.call import Call
from sip.events import CallAnswered, CallEnded, CallReceived
from sip.headers import ReplacesHeader
from sip.sdp import Sdp
from sip.transport.port import bind
from sip.uri import Uri
from tests.sandbox.pbx.caller import Softphone, softphone, until

SPEAKS, ECHOES, WHISTLES = "+79005550101", "+79005550102", "+79005550106"
BEEP, OTHER_BEEP = 1000.0, 1400.0
SILENCE = Sound(0.0, 0.0, 0)
MUSIC = (550.0, 660.0, 825.0)


@asynccontextmanager
async def office(*, browser: bool) -> AsyncIterator[tuple[Exchange, Softphone]]:
    """An exchange and a softphone of extension 101."""
    sockets = bind("127.0.0.1")
    address = sockets.address
    passwords = {"101": "one", "102": "two"}
    async with (
        open_exchange(sockets, passwords, directory_of(sample_archive()), loopback_only=True) as exchange,
        softphone(address, "101", "one", browser=browser) as phone,
    ):
        yield exchange, phone


def frequency_at(exchange: Exchange, customer: str) -> float:
    sound = exchange.heard(customer)
    return sound.frequency if sound is not None else -1.0


def beeps(exchange: Exchange, frequency: float) -> Callable[[], bool]:
    """Whether the one who whistles hears that tone."""
    return lambda: abs(frequency_at(exchange, WHISTLES) - frequency) < 3


def is_music(frequency: float) -> bool:
    return any(abs(frequency - note) < 3 for note in MUSIC)


async def hang_up(phone: Softphone, call: Call) -> None:
    call.bye(phone.port.now())
    phone.port.flush()
    await phone.told(CallEnded, call)


@pytest.mark.parametrize("browser", [True, False], ids=["browser", "telephone"])
async def test_two_tones_prove_both_directions(browser: bool) -> None:
    async with office(browser=browser) as (exchange, phone):
        call, line, _ = await phone.dial(WHISTLES, BEEP)
        await line.hears(WHISTLE)
        await until(beeps(exchange, BEEP), "the beep at the customer")
        await until(lambda: (exchange.heard(WHISTLES) or SILENCE).frames > 45, "a second without gaps")
        await hang_up(phone, call)
        assert exchange.calls() == ()


async def test_an_echo_comes_back_to_a_browser() -> None:
    async with office(browser=True) as (_, phone):
        _, line, _ = await phone.dial(ECHOES, BEEP)
        await line.hears(BEEP)


@pytest.mark.parametrize("browser", [True, False], ids=["browser", "telephone"])
async def test_on_hold_the_customer_hears_music_and_no_beep_then_the_beep_again(browser: bool) -> None:
    async with office(browser=browser) as (exchange, phone):
        call, line, offer = await phone.dial(WHISTLES, BEEP)
        await line.hears(WHISTLE)
        held = Sdp.parse(offer).with_direction("inactive").with_next_version()
        answer = await phone.reoffer(call, held.to_bytes())
        assert Sdp.parse(answer).direction() == "inactive"
        await until(lambda: is_music(frequency_at(exchange, WHISTLES)), "music at the customer")
        await line.hears_nothing()
        await phone.reoffer(call, held.with_direction("sendrecv").with_next_version().to_bytes())
        await until(beeps(exchange, BEEP), "the beep again")
        await line.hears(WHISTLE)


async def test_after_a_reload_replaces_brings_the_sound_back_in_both_directions_three_times() -> None:
    async with office(browser=True) as (exchange, phone):
        call, _, offer = await phone.dial(WHISTLES, BEEP)
        for frequency in (OTHER_BEEP, BEEP, OTHER_BEEP):
            await phone.reoffer(
                call, Sdp.parse(offer).with_direction("inactive").with_next_version().to_bytes()
            )
            await until(lambda: is_music(frequency_at(exchange, WHISTLES)), "music while the page is away")
            old, replaced = call, ReplacesHeader(call.id, call.remote_tag, call.local_tag)
            call, line, offer = await phone.dial("101", frequency, replaces=replaced)
            await phone.told(CallEnded, old)
            await line.hears(WHISTLE)
            await until(beeps(exchange, frequency), "the new page's tone")
        assert len(exchange.calls()) == 1


async def test_a_customer_who_calls_in_is_heard_after_the_answer() -> None:
    async with office(browser=True) as (exchange, phone):
        exchange.call_in(WHISTLES, "101")
        call = (await phone.told(CallReceived)).call
        assert call.remote_sdp is not None
        line, answer = await phone.line(BEEP, call.remote_sdp)
        call.accept(answer, phone.port.now())
        phone.port.flush()
        await line.hears(WHISTLE)
        await until(beeps(exchange, BEEP), "the beep at the customer")


async def test_a_customer_who_speaks_is_no_tone_and_no_silence() -> None:
    async with office(browser=False) as (_, phone):
        _, line, _ = await phone.dial(SPEAKS, BEEP)
        await until(lambda: line.heard.sound().energy > 1e-4, "speech")
        assert not is_music(line.heard.sound().frequency)


async def test_a_browser_and_a_desk_phone_of_two_extensions_talk() -> None:
    sockets = bind("127.0.0.1")
    address = sockets.address
    passwords = {"101": "one", "102": "two"}
    async with (
        open_exchange(sockets, passwords, directory_of(sample_archive()), loopback_only=True),
        softphone(address, "101", "one", browser=True) as agent,
        softphone(address, "102", "two", browser=False) as desk,
    ):
        line, offer = await agent.line(BEEP)
        target = Uri("sip", "102", None, "127.0.0.1")
        call = agent.agent.invite(agent.account, target, offer, agent.port.now())
        agent.port.flush()
        incoming = (await desk.told(CallReceived)).call
        assert incoming.remote_sdp is not None
        desk_line, answer = await desk.line(OTHER_BEEP, incoming.remote_sdp)
        incoming.accept(answer, desk.port.now())
        desk.port.flush()
        sdp = (await agent.told(CallAnswered, call)).sdp
        assert sdp is not None
        call.acknowledge(agent.port.now())
        agent.port.flush()
        line.leg.take_answer(sdp)
        await line.hears(OTHER_BEEP)
        await desk_line.hears(BEEP)
