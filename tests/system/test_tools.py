"""The tools of the plays, each by itself: the wire that loses, processes, ports and ears."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from tests.peers.asterisk import Asterisk
from tests.peers.fixtures import CUSTOMER, CUSTOMER_HZ, DESK_HZ
from tests.peers.lossy import LossyWire
from tests.peers.phone import Phone
from tests.peers.ports import free_port, give_back
from tests.peers.processes import MissingPeerError, ProcessEndedError, Workshop, program
from tests.peers.sound import Sound
from tests.peers.waiting import PATIENCE, until

LONG = 2 * PATIENCE  # a request is repeated for 32 s, and one call has several

# The wire between


async def test_calls_come_through_a_lossy_wire_and_nothing_goes_past_it(
    workshop: Workshop, customer: Phone
) -> None:
    async with (
        Asterisk(workshop, customers_port=customer.port, rewrite_contact=True) as pbx,
        LossyWire(pbx.address, loss=0.2, double=0.2, reorder=0.1, seed=3) as wire,
        Phone("101", pbx=wire.address, password="secret-101", frequency=DESK_HZ) as phone,
    ):
        await phone.register()
        for _ in range(5):
            call = await phone.dial(CUSTOMER)
            await call.until_hears(CUSTOMER_HZ, within=LONG)
            assert call.target == f"sip:127.0.0.1:{wire.port}"  # so that ACK and BYE do not go past the wire
            await call.hang_up()
        for answered in customer.incoming:
            await answered.until_ended(within=LONG)
        customer.pbx = pbx.address
        await customer.dial("74950000101")
        rung = await phone.until_ringing(within=LONG)
        assert rung.target.endswith(f":{wire.port}")
        assert len(customer.incoming) == 5


async def test_the_lossy_wire_loses_doubles_and_reorders_the_shares_that_it_was_told() -> None:
    arrived: list[bytes] = []
    wire = LossyWire(("127.0.0.1", 9), loss=0.2, double=0.2, reorder=0.1, seed=3)
    way = Noted(arrived)
    sent = [b"%d" % number for number in range(1000)]
    for datagram in sent:
        wire.carry(wire.to_target, datagram, way, wire.target)
    in_time = len(arrived)
    counted = wire.to_target
    await until(
        lambda: len(arrived) == counted.seen - counted.lost + counted.doubled,
        otherwise=lambda: f"{len(arrived)} datagrams arrived of {counted}",
    )
    assert (counted.seen, counted.lost, counted.doubled, counted.delayed) == (1000, 194, 145, 95)
    assert arrived[:in_time] == sorted(arrived[:in_time], key=int)
    assert arrived != sorted(arrived, key=int), "nothing was overtaken"
    assert set(arrived) < set(sent)


async def test_the_same_datagram_is_lost_at_most_twice() -> None:
    arrived: list[bytes] = []
    wire = LossyWire(("127.0.0.1", 9), loss=1.0)
    for _ in range(3):
        wire.carry(wire.to_target, b"INVITE", Noted(arrived), wire.target)
    assert (wire.to_target.lost, arrived) == (2, [b"INVITE"])


class Noted(asyncio.DatagramTransport):
    """A way on which datagrams are noted and go nowhere."""

    def __init__(self, sent: list[bytes]) -> None:
        super().__init__()
        self._sent = sent

    def sendto(self, data: object, addr: object = None) -> None:
        assert isinstance(data, bytes)
        self._sent.append(data)

    def is_closing(self) -> bool:
        return False


# Processes


async def test_postgres_gives_each_asker_an_empty_database(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    try:
        assert await connection.fetchval("select count(*) from pg_tables where schemaname = 'public'") == 0
    finally:
        await connection.close()


def test_a_port_that_one_run_was_given_is_given_to_no_other() -> None:
    port = free_port()
    script = (
        "import sys; from tests.peers import ports; one = int(sys.argv[1])\n"
        "ports._SINGLE = range(one, one + 3); print(ports.free_port())"
    )

    def another_run() -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-c", script, str(port)]
        root = Path(__file__).parents[2]
        return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=root)

    assert "no 1 neighbouring free ports" in another_run().stderr
    give_back(range(port, port + 1))
    assert another_run().stdout == f"{port}\n"


def test_a_missing_program_is_named_with_its_remedy() -> None:
    with pytest.raises(
        MissingPeerError, match="no-such-peer is not installed: run scripts/install-test-peers"
    ):
        program("no-such-peer")


async def test_a_process_that_ends_too_early_shows_what_it_said(workshop: Workshop) -> None:
    process = workshop.start("mutterer", ["sh", "-c", "echo last words; exit 3"])
    with pytest.raises(ProcessEndedError, match=r"(?s)mutterer ended with 3.*last words"):
        await process.until_output("never said")
    assert await process.until_ended() == 3
    assert workshop.report() == [("mutterer", "last words\n")]


async def test_what_is_waited_for_was_said_by_this_process_and_not_by_the_one_before(
    workshop: Workshop,
) -> None:
    first = workshop.start("speaker", ["echo", "ready"])
    assert await first.until_ended() == 0
    second = workshop.start("speaker", ["sh", "-c", "read nothing; echo later"])
    assert await second.until_output("ready|later") == "later"
    assert workshop.report() == [("speaker", "ready\nlater\n")]


async def test_a_killed_run_leaves_no_child_behind(workshop: Workshop) -> None:
    script = (
        "import time; from tests.peers.processes import Workshop\n"
        "print(Workshop().start('child', ['sleep', '600']).pid, flush=True); time.sleep(600)"
    )
    root = Path(__file__).parents[2]
    env = {"PYTHONPATH": str(root), "TMPDIR": str(workshop.folder)}
    run = workshop.start("run", [sys.executable, "-c", script], env=env, cwd=root)
    child = os.pidfd_open(int(await run.until_output(r"^\d+\n")))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(child, ended.set)
    run.signal(signal.SIGKILL)
    try:
        async with asyncio.timeout(PATIENCE):
            await ended.wait()
    finally:
        asyncio.get_running_loop().remove_reader(child)
        os.close(child)


def test_asking_again_for_the_peers_installs_nothing() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([root / "scripts/install-test-peers"], capture_output=True, text=True, check=True)
    assert "all is there" in done.stdout
    assert "installing" not in done.stdout


async def test_sound_that_hides_a_second_tone_is_not_heard_as_one_alone() -> None:
    async with Sound(440) as one, Sound(1000) as other, Sound() as listener:
        one.remote = other.remote = ("127.0.0.1", listener.port)
        await listener.until_hears(1000, alone=False)
        await listener.until_hears(440, alone=False)
        assert not listener.hears(440)
        other.speaking = False
        await listener.until_hears(440)
        assert not listener.hears(1000, alone=False)
        one.speaking = False
        await listener.until_silent()
