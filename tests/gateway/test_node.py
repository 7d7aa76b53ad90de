"""The node between its parts: the order of output, the journal's promise, timers, several accounts, and errors of ours.

The offices, the user agents and the exchange are real; the SIP port, the disk and the way to the pages write down in one list what
they were told, in order.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from gateway.limits import Limits
from gateway.lines.journal import Record
from gateway.node import Node
from gateway.owners import Owners
from gateway.realtime.hub import Hub
from gateway.realtime.limits import Limits as SocketLimits
from gateway.realtime.outbox import Outbox
from gateway.realtime.ports import Identity, Office
from gateway.realtime.stream import Reader
from gateway.store.accounts import Account
from gateway.store.journal import Done as RowsDone
from gateway.store.journal import Row
from gateway.store.people import Extension, User
from protocol.commands import Answer, AnyCommand, Dial, HangUp, Reattach, Reject
from protocol.messages import Done
from sip.agent import UserAgent
from sip.flow import Flow
from sip.ids import SeededIds
from sip.message import Request, parse
from sip.transport.alarm import TICK
from tests.gateway.pbx import GATEWAY, PBX, USER, Pbx, answers, rings, sdp

CUSTOMER = "+79161234567"
ONE = Account(1, "https://one.amocrm.ru", "One", "uuid-1", "s" * 64, *PBX)
TWO = Account(2, "https://two.amocrm.ru", "Two", "uuid-2", "s" * 64, *PBX)


@dataclass
class Disk:
    """A journal that writes when the test says so."""

    told: list[str]
    rows: dict[str, Row] = field(default_factory=dict)
    waiting: list[RowsDone] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)
    healthy: bool = True

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def put(self, rows: Iterable[Row], done: RowsDone | None = None) -> None:
        self.told.append("rows")
        self.rows.update({row.id: row for row in rows})
        if done is not None:
            self.waiting.append(done)

    def forget(self, ids: Iterable[str]) -> None:
        self.told.append("rows forgotten")
        for id in ids:
            self.rows.pop(id, None)

    async def load(self, account_ids: Sequence[int]) -> list[Row]:
        return [row for row in self.rows.values() if row.account_id in account_ids]

    def write(self) -> None:
        """What was put is on disk now."""
        waiting, self.waiting = self.waiting, []
        for done in waiting:
            done()


class Port:
    """The SIP port, as far as the node knows it; the exchange is at the other end of the wire."""

    def __init__(self, stage: "Stage") -> None:
        self._stage = stage
        self._is_flushing = False

    def send(self) -> None:
        for one in self._stage.agent.take_output():
            message = parse(one.data)
            name = message.method if isinstance(message, Request) else f"{message.status}"
            self._stage.told.append(f"SIP {name}")
            self._stage.wire.append(one.data)

    def flush(self) -> None:
        if self._is_flushing:
            return
        self._is_flushing = True
        try:
            while events := self._stage.agent.take_events():
                self._stage.node.take_sip_events(events, self._stage.now)
                self.send()
            self.send()
        finally:
            self._is_flushing = False


class Door:
    """The gate, as far as the node knows it."""

    def __init__(self, told: list[str], outbox: Outbox) -> None:
        self._told = told
        self._outbox = outbox

    def deliver(self) -> None:
        if self._outbox.take_output():
            self._told.append("pages")


@dataclass
class Timer:
    """What the loop was asked to call."""

    at: float
    call: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class Stage:
    """A node, its disk, an exchange, a clock; `told` is what left the node, in order."""

    def __init__(self, disk: Disk | None = None, seed: int = 1) -> None:
        self.now = 1_000_000.0
        self.told: list[str] = [] if disk is None else disk.told
        self.disk = disk or Disk(self.told)
        self.wire: list[bytes] = []
        self.pbx = Pbx()
        self.agent = UserAgent(host=GATEWAY[0], port=GATEWAY[1], ids=SeededIds(seed))
        self.owners = Owners()
        outbox = Outbox()
        self.hub = Hub(outbox, lambda: "epoch", SocketLimits())
        self.node = Node(self.owners, self.agent, self.disk, self.hub, lambda: self.now, Limits(), 300)
        self.port = Port(self)
        self.node.sip = self.port  # type: ignore[assignment] # as much of it as the node uses
        self.node.gate = Door(self.told, outbox)  # type: ignore[assignment]
        self.timers: list[Timer] = []

    async def own(self, account: Account = ONE, extensions: Sequence[str] = ("101",)) -> Office:
        users = [User(account.id, USER, "Анна")]
        lines = [Extension(account.id, one, f"secret-{one}", USER, one, sip_user=one) for one in extensions]
        await self.node.own(account, PBX, users, lines)
        office = self.owners.owned[account.id].office
        self.hub.subscribe(Identity(account.id, USER), "t", Reader(account.id, "en"), office.state_of(USER))
        office.join(USER, "t", "load", (), self.now)
        self.node.settle(account.id)
        self.fire(0.1)
        self.run()
        return office

    def run(self) -> None:
        """Carry what is on the wire to and fro, until it is empty."""
        while True:
            sent, self.wire = self.wire, []
            for data in sent:
                self.pbx.agent.receive(data, Flow("udp", GATEWAY), self.now)
            for event in self.pbx.agent.take_events():
                self.pbx.handle(event, self.now)
            back = self.pbx.agent.take_output()
            for one in back:
                self.agent.receive(one.data, Flow("udp", PBX), self.now)
                self.port.flush()
            if not sent and not back:
                return

    def fire(self, seconds: float) -> None:
        """Let time pass, and the loop call what is due."""
        self.now += seconds
        while due := [one for one in self.timers if not one.cancelled and one.at <= self.now]:
            first = min(due, key=lambda one: one.at)
            self.timers.remove(first)
            first.call()

    def since(self, what: Callable[[], object]) -> list[str]:
        """What leaves the node while this is done."""
        self.told.clear()
        what()
        return list(self.told)

    def execute(self, command: AnyCommand, account: int = 1) -> Done:
        answer = self.owners.owned[account].office.execute(USER, "t", command, self.now)
        assert isinstance(answer, Done), answer
        self.node.settle(account)
        return answer

    def dial(self) -> Done:
        return self.execute(Dial("c1", CUSTOMER, sdp("page")))

    def ring(self, extension: str = "101") -> str:
        """A customer calls; our id of the call."""
        self.pbx.call(extension, self.now)
        self.run()
        (call,) = self.calls()
        return call

    def calls(self, account: int = 1) -> dict[str, str]:
        """Calls and their states."""
        state = self.owners.owned[account].office.state_of(USER)
        return {call.id: call.state for call in state.calls.values()}

    @property
    def living(self) -> list[Timer]:
        return [one for one in self.timers if not one.cancelled]


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Stage], None]]:
    """Puts a stage's timers into the test's hands."""

    def take_over(stage: Stage) -> None:
        def call_later(delay: float, callback: Callable[..., None], *args: object) -> Timer:
            timer = Timer(stage.now + delay, lambda: callback(*args))
            stage.timers.append(timer)
            return timer

        monkeypatch.setattr(asyncio.get_running_loop(), "call_later", call_later)

    yield take_over
    monkeypatch.undo()


@pytest.fixture
async def stage(timers: Callable[[Stage], None]) -> Stage:
    made = Stage()
    timers(made)
    await made.own()
    return made


# --- the order of output -------------------------------------------------------------------------------------------------


async def test_a_command_leaves_as_rows_then_sip_then_pages(stage: Stage) -> None:
    assert stage.since(stage.dial) == ["rows", "SIP INVITE", "pages"]


async def test_an_invite_that_leaves_again_with_credentials_is_written_down_again_before(
    stage: Stage,
) -> None:
    stage.dial()
    first = parse(stage.wire.pop())
    assert isinstance(first, Request)
    challenge = first.reply(401, to_tag="px", headers=[("WWW-Authenticate", 'Digest realm="pbx", nonce="1"')])
    stage.agent.receive(challenge.to_bytes(), Flow("udp", PBX), stage.now)
    assert stage.since(stage.port.flush) == ["rows", "SIP ACK", "SIP INVITE"]
    (row,) = stage.disk.rows.values()
    written, second = parse(Record.from_json(row.body).saved.invite), parse(stage.wire.pop())
    assert written.branch == second.branch != first.branch
    assert second.get("Authorization") is not None


def reloaded(stage: Stage) -> str:
    """A call that talks, whose page has gone and come back: our id of it."""
    stage.pbx.does[CUSTOMER] = answers
    stage.dial()
    stage.run()
    stage.disk.write()
    stage.run()
    (call,) = stage.calls()
    office = stage.owners.owned[1].office
    office.leave(USER, "t", True, stage.now)
    office.join(USER, "t", "load", (), stage.now)
    stage.node.settle(1)
    stage.run()
    return call


async def test_an_invite_that_takes_a_dialogs_place_waits_for_the_disk(stage: Stage) -> None:
    call = reloaded(stage)
    assert stage.since(lambda: stage.execute(Reattach("c2", call, sdp("fresh")))) == ["rows", "pages"]
    assert stage.since(stage.disk.write)[0] == "SIP INVITE"


async def test_a_reload_that_is_hung_up_before_its_row_is_written_is_never_sent(stage: Stage) -> None:
    call = reloaded(stage)
    stage.execute(Reattach("c2", call, sdp("fresh")))
    told = stage.since(lambda: stage.execute(HangUp("c3", call)))
    told += stage.since(stage.disk.write) + stage.since(stage.run)
    assert "SIP INVITE" not in told
    assert stage.calls() == {call: "ended"}
    assert stage.disk.rows == {}


async def test_what_sip_brings_is_answered_before_pages_and_after_rows(stage: Stage) -> None:
    call = stage.ring()
    stage.execute(Answer("c1", call, sdp("page", setup="active")))
    stage.disk.write()
    stage.run()
    assert stage.calls()[call] == "talking"
    office = stage.owners.owned[1].office
    # The exchange takes the session back: the row that is not needed any more, our 200 for its BYE, then the pages.
    stage.pbx.agent.calls[0].bye(stage.now)
    assert stage.since(stage.run) == ["rows forgotten", "SIP 200", "pages"]
    assert office.state_of(USER).calls[call].state == "ended"


async def test_the_acknowledgement_of_their_200_waits_for_the_disk(stage: Stage) -> None:
    stage.pbx.does[CUSTOMER] = answers
    stage.dial()
    assert "SIP ACK" not in stage.since(stage.run)
    assert stage.since(stage.disk.write)[:2] == ["rows", "SIP ACK"]
    assert list(stage.calls().values()) == ["talking"]


async def test_our_200_waits_for_the_disk(stage: Stage) -> None:
    call = stage.ring()
    assert stage.since(lambda: stage.execute(Answer("c1", call, sdp("page", setup="active")))) == [
        "rows",
        "pages",
    ]
    assert stage.since(stage.disk.write) == ["SIP 200"]


async def test_a_row_is_not_waited_for_where_nobody_has_to(stage: Stage) -> None:
    stage.pbx.does[CUSTOMER] = rings
    stage.dial()
    stage.run()
    assert stage.disk.rows
    assert not stage.disk.waiting


# --- restart -----------------------------------------------------------------------------------------------------------


async def test_calls_of_an_earlier_life_are_found_again_and_unreadable_rows_dropped(
    stage: Stage, timers: Callable[[Stage], None]
) -> None:
    stage.pbx.does[CUSTOMER] = answers
    stage.dial()
    stage.run()
    stage.disk.write()
    (call,) = stage.calls()
    stage.disk.put([Row("torn", 1, b'{"id":'), Row("of-tomorrow", 1, b"{}"), Row("elsewhere", 2, b"{")])

    second = Stage(stage.disk, seed=2)
    second.now, second.pbx = stage.now, stage.pbx
    timers(second)
    await second.own()
    assert second.calls() == {call: "talking"}
    assert second.node.counters["row_unreadable"] == 2
    assert "elsewhere" in second.disk.rows, "the row of another account is none of ours"
    assert not {"torn", "of-tomorrow"} & second.disk.rows.keys()


async def test_an_account_whose_calls_cannot_be_restored_works_all_the_same(
    timers: Callable[[Stage], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage()
    timers(stage)
    monkeypatch.setattr("gateway.office.Office.restore", broken)
    await stage.own()
    assert stage.node.counters["error"] == 1
    assert stage.dial().result is not None


async def test_an_account_is_not_owned_before_its_rows_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()

    async def unreadable(account_ids: Sequence[int]) -> list[Row]:
        raise OSError("the database is away")

    monkeypatch.setattr(stage.disk, "load", unreadable)
    with pytest.raises(OSError, match="away"):
        await stage.own()
    assert stage.owners.owned == {}
    assert stage.agent.registration_count == 0


# --- timers ------------------------------------------------------------------------------------------------------------


async def test_an_office_has_one_timer_and_it_moves_only_when_a_deadline_comes_sooner(stage: Stage) -> None:
    idle = stage.living
    call = stage.ring()
    (ring,) = stage.living
    assert ring not in idle
    assert ring.at == pytest.approx(stage.now + Limits().ring_ack_s, abs=TICK)
    stage.execute(Reject("c1", call))
    assert stage.living == [ring], (
        "what comes next comes later; one that fires for nothing is cheaper than moving it"
    )
    stage.fire(2.1)
    (linger,) = stage.living
    assert linger.at == pytest.approx(stage.now - 2.1 + Limits().linger_s, abs=TICK)


async def test_a_deadline_fires_and_its_output_leaves(stage: Stage) -> None:
    stage.ring()
    assert stage.since(lambda: stage.fire(2.1)) == ["SIP 480", "pages"]


async def test_an_error_over_one_deadline_leaves_the_account_a_timer(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.ring()
    with monkeypatch.context() as patch:
        patch.setattr("gateway.lines.leg.SipLeg.handle_timer", broken)
        stage.fire(2.1)
    assert stage.node.counters["error"] == 1
    stage.execute(HangUp("c2", stage.execute(Dial("c1", CUSTOMER, sdp("page"))).result.call))  # type: ignore[union-attr,arg-type]
    stage.run()
    assert stage.living, "the ended call is to leave the screen"


# --- whose it is ---------------------------------------------------------------------------------------------------------


async def test_a_call_for_nobody_gets_404_and_is_counted(stage: Stage) -> None:
    stage.pbx.contacts["999"] = stage.pbx.contacts["101"].__class__("sip", "nobody", None, *GATEWAY)
    stage.pbx.call("999", stage.now)
    assert stage.since(stage.run)[-1] == "SIP 404"
    assert stage.node.counters == {"call_for_nobody": 1}
    assert stage.calls() == {}


async def test_accounts_with_the_same_extension_and_user_number_do_not_see_each_other(
    timers: Callable[[Stage], None],
) -> None:
    stage = Stage()
    timers(stage)
    await stage.own(ONE)
    mine = stage.pbx.contacts["101"]
    await stage.own(TWO, ("201",))
    assert stage.pbx.contacts["101"] == mine
    stage.ring("101")
    assert list(stage.calls(1).values()) == ["incoming"]
    assert stage.calls(2) == {}


async def test_an_error_in_one_account_does_not_take_the_events_of_another(
    timers: Callable[[Stage], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage()
    timers(stage)
    first, second = await stage.own(ONE), await stage.own(TWO, ("201",))
    assert first is not second
    monkeypatch.setattr(stage.owners.owned[1].office, "sip_event", broken)
    stage.pbx.call("101", stage.now)
    stage.pbx.call("201", stage.now)
    for one in stage.pbx.agent.take_output():
        stage.agent.receive(one.data, Flow("udp", PBX), stage.now)
    stage.told.clear()
    stage.port.flush()  # both events come in one list
    assert "SIP 500" in stage.told, "whoever calls the broken account is not left without an answer"
    assert stage.node.counters["error"] == 2, "the call's beginning and its end"
    assert list(stage.calls(2).values()) == ["incoming"]


async def test_an_error_in_the_output_is_counted_and_the_timer_set(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(stage.hub, "collect", broken)
        stage.ring()
    assert stage.node.counters["error"] > 0
    assert stage.living
    stage.fire(2.1)
    assert list(stage.calls().values()) == ["ended"]


async def test_an_error_after_one_row_does_not_keep_the_others_waiting(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage.owners.owned[1].office, "saved", broken)
    stage.pbx.does[CUSTOMER] = answers
    stage.dial()
    stage.run()
    stage.disk.write()
    assert stage.node.counters["error"] == 1


async def test_a_registration_that_is_refused_is_told_from_one_that_is_not_answered(
    timers: Callable[[Stage], None],
) -> None:
    stage = Stage()
    timers(stage)
    stage.pbx.registers = False
    await stage.own()
    assert stage.node.counters == {"registration_refused": 1}
    lost = Stage(seed=3)
    timers(lost)
    lost.run = lambda: None  # type: ignore[method-assign] # nothing goes over this wire
    await lost.own()
    lost.now += 33
    lost.agent.handle_timer(lost.now)
    lost.port.flush()
    assert lost.node.counters == {"registration_unanswered": 1}


# --- the end -----------------------------------------------------------------------------------------------------------


async def test_releasing_takes_the_lines_back_and_leaves_the_calls(stage: Stage) -> None:
    stage.pbx.does[CUSTOMER] = answers
    stage.dial()
    stage.run()
    stage.disk.write()
    stage.run()
    assert stage.since(stage.node.release_all)[0] == "SIP REGISTER"
    stage.run()
    assert stage.agent.registration_count == 0
    assert list(stage.calls().values()) == ["talking"]
    assert stage.disk.rows, "for the next process"


async def test_after_close_nothing_is_said_any_more(stage: Stage) -> None:
    stage.pbx.does[CUSTOMER] = answers
    stage.dial()
    stage.run()
    stage.node.close()
    assert stage.living == []

    def everything() -> None:
        stage.disk.write()
        stage.node.settle(1)
        stage.node.take_sip_events([], stage.now)
        stage.node.release_all()

    assert "SIP ACK" not in stage.since(everything)
    assert stage.told == []


def broken(*_: object) -> None:
    """An error of ours."""
    raise RuntimeError("an error of ours")
