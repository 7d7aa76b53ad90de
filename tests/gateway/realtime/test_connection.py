"""A page's connection: the handshake, one answer for each command, limits, and the ways it ends."""

from typing import Any

import msgspec
import pytest

from gateway.realtime.connection import Handshake, Phase, Session
from gateway.realtime.outbox import Close
from protocol.codec import encode
from protocol.codes import CloseCode, Code
from protocol.commands import Dial, HangUp, TakePhone
from protocol.entities import Phone, Position
from protocol.messages import (
    Beat,
    Delta,
    Done,
    Hello,
    Leaving,
    Refused,
    Result,
    ResumeSecret,
    Ring,
    RingAck,
    SecretRenewed,
    Snapshot,
    Welcome,
)
from tests.gateway.realtime.play import ANNA, SDP, SECRET, SETTINGS, TICKET, Mail, Stage, hello
from tests.protocol.golden_files import golden

BAD = golden("bad_frames")


def take_phone(id: str) -> bytes:
    return encode(TakePhone(id))


def told(stage: Stage, what: str) -> list[tuple[object, ...]]:
    return [entry for entry in stage.office.told if entry[0] == what]


# --- Handshake -----------------------------------------------------------------------------------------------------------


def handshake(stage: Stage) -> Handshake:
    return Handshake(7, stage.shared, 0.0)


def test_hello_is_handed_over_to_be_checked() -> None:
    stage = Stage()
    page = handshake(stage)
    assert page.receive(encode(hello()), 1.0) == hello()
    assert page.phase is Phase.ADMITTING
    assert stage.read() == []


@pytest.mark.parametrize("case", [c for c in BAD if c["phase"] == "handshake"], ids=lambda case: case["name"])
def test_a_golden_bad_frame_before_hello_closes(case: dict[str, Any]) -> None:
    stage = Stage()
    page = handshake(stage)
    assert page.receive(case["frame"].encode(), 1.0) is None
    assert stage.read(7) == [Close(case["close"])]
    assert stage.shared.counters == {"bad_hello": 1}
    assert stage.office.told == []


def test_a_socket_lives_five_seconds_without_hello() -> None:
    stage = Stage()
    page = handshake(stage)
    assert page.next_deadline() == 5.0
    page.handle_timer(4.999)
    assert stage.read() == []
    page.handle_timer(5.0)
    assert stage.read(7) == [Close(CloseCode.HELLO_TIMEOUT)]
    assert stage.shared.counters == {"hello_timeout": 1}
    assert page.next_deadline() is None


def test_a_store_that_does_not_answer_ends_in_a_code_that_says_retry() -> None:
    stage = Stage()
    page = handshake(stage)
    page.receive(encode(hello()), 1.0)
    assert page.next_deadline() == 11.0
    page.handle_timer(11.0)
    assert stage.read(7) == [Close(CloseCode.INTERNAL)]
    assert stage.shared.counters == {"admission_timeout": 1}


def test_a_page_that_talks_before_it_is_let_in_is_closed() -> None:
    stage = Stage()
    page = handshake(stage)
    page.receive(encode(hello()), 1.0)
    assert page.receive(take_phone("1"), 1.0) is None
    assert stage.read(7) == [Close(CloseCode.BAD_FRAME)]


def test_a_refusal_closes_once_and_nothing_is_heard_afterwards() -> None:
    stage = Stage()
    page = handshake(stage)
    page.refuse(CloseCode.TICKET)
    page.refuse(CloseCode.TICKET)
    assert page.receive(encode(hello()), 1.0) is None
    page.handle_timer(99.0)
    assert stage.read(7) == [Close(CloseCode.TICKET)]


def test_a_lost_socket_has_no_deadline() -> None:
    page = handshake(Stage())
    page.closed()
    assert page.next_deadline() is None


# --- Opening -------------------------------------------------------------------------------------------------------------


def test_a_page_is_greeted_and_gets_a_snapshot() -> None:
    stage = Stage()
    given = ResumeSecret(SECRET, 43_200.0)
    number, session = stage.session(hello(), now=100.0, resume=given)
    welcome, snapshot = stage.read(number)
    assert welcome == Welcome(
        1, "e1", 0, 100.0, 1, welcome.user, ("101",), "tab-a", SETTINGS, given  # type: ignore[union-attr]
    )  # fmt: skip
    assert snapshot == Snapshot("e1", 0, stage.office.state_of(ANNA.user_id))
    assert told(stage, "join") == [("join", 11, "tab-a", "load", ())]
    assert (session.phase, session.account_id, session.tab) == (Phase.OPEN, 1, "tab-a")


def test_calls_whose_sound_lives_are_named_to_the_office() -> None:
    stage = Stage()
    stage.session(hello(page="reconnect", alive=("c1",)))
    assert told(stage, "join") == [("join", 11, "tab-a", "reconnect", ("c1",))]


def test_the_other_tab_learns_of_the_newcomer_before_the_newcomer_reads() -> None:
    stage = Stage()
    first, _ = stage.session(hello("tab-a"))
    stage.read(first)
    second, _ = stage.session(hello("tab-b"))
    assert stage.read(first) == [Delta(1, phone=Phone("tab-b"))]
    welcome, snapshot = stage.read(second)
    assert isinstance(welcome, Welcome)
    assert isinstance(snapshot, Snapshot)
    assert (welcome.seq, snapshot.seq, snapshot.state.phone) == (1, 1, Phone("tab-b"))


def test_a_call_that_rings_already_rings_in_the_newcomer_after_its_snapshot() -> None:
    stage = Stage()
    stage.office.letters.append(Mail(ANNA.user_id, "tab-a", Ring("c1", SDP)))
    number, _ = stage.session(hello())
    stage.flush()
    assert [type(message) for message in stage.read(number)] == [Welcome, Snapshot, Ring]
    assert stage.hub.counters["undelivered"] == 0


def test_a_page_that_comes_back_gets_the_missed_deltas_and_no_snapshot() -> None:
    stage = Stage()
    _, session = stage.session(hello())
    session.closed(clean=False, now=1.0)
    stage.read()
    stage.office.show_calls(11, a=1)
    stage.flush()
    number, _ = stage.session(hello(page="reconnect", position=Position("e1", 0)))
    welcome, *missed = stage.read(number)
    assert isinstance(welcome, Welcome)
    assert [type(message) for message in missed] == [Delta]
    assert welcome.seq == 1


def test_a_page_from_the_future_gets_a_snapshot() -> None:
    stage = Stage()
    number, _ = stage.session(hello(page="reconnect", position=Position("e1", 99)))
    assert isinstance(stage.read(number)[1], Snapshot)


def test_too_many_tabs_are_sent_away_and_the_office_hears_nothing_of_them() -> None:
    stage = Stage(sockets_per_user=1)
    stage.session(hello("tab-a"))
    number, session = stage.session(hello("tab-b"))
    assert stage.read(number) == [Close(CloseCode.TOO_MANY_SOCKETS)]
    assert len(told(stage, "join")) == 1
    session.closed(clean=True, now=1.0)
    assert told(stage, "leave") == []
    assert stage.shared.counters["too_many_sockets"] == 1


# --- Commands ------------------------------------------------------------------------------------------------------------


def opened(stage: Stage, **more: Any) -> tuple[int, Session]:
    number, session = stage.session(hello(**more))
    stage.read()
    stage.office.told.clear()
    return number, session


def test_a_command_is_executed_and_answered_once() -> None:
    stage = Stage()
    number, session = opened(stage)
    dial = Dial("p-1", "112", SDP)
    session.receive(encode(dial), 1.0)
    assert stage.office.told == [("execute", 11, "tab-a", dial)]
    assert stage.read(number) == [Done("p-1", Result("c9"))]


def test_a_refusal_has_the_sentence_of_its_code_in_the_pages_language() -> None:
    stage = Stage()
    stage.office.refuse = Code.NO_SUCH_CALL
    number, session = opened(stage, lang="ru")
    session.receive(encode(HangUp("p-1", "c1")), 1.0)
    assert stage.read(number) == [Refused(Code.NO_SUCH_CALL, "Такого звонка уже нет.", "p-1")]
    assert stage.shared.counters["refused"] == 1


def test_a_repeated_id_gets_the_stored_answer_and_is_not_done_again() -> None:
    stage = Stage()
    number, session = opened(stage)
    session.receive(encode(Dial("p-1", "112", SDP)), 1.0)
    session.receive(encode(Dial("p-1", "112", SDP)), 2.0)
    assert len(stage.office.told) == 1
    assert stage.read(number) == [Done("p-1", Result("c9"))] * 2
    assert stage.shared.counters["repeated"] == 1


def test_a_stored_refusal_stays_a_refusal_though_it_would_succeed_now() -> None:
    stage = Stage()
    stage.office.refuse = Code.PENDING
    number, session = opened(stage)
    session.receive(take_phone("p-1"), 1.0)
    stage.office.refuse = None
    session.receive(take_phone("p-1"), 2.0)
    first, second = stage.read(number)
    assert first == second


def test_a_command_repeated_over_a_new_socket_is_not_done_again() -> None:
    stage = Stage()
    _, session = opened(stage)
    session.receive(encode(Dial("p-1", "112", SDP)), 1.0)
    session.closed(clean=False, now=2.0)
    number, session = stage.session(hello(page="reconnect"), now=3.0)
    stage.read()
    session.receive(encode(Dial("p-1", "112", SDP)), 3.0)
    assert stage.read(number) == [Done("p-1", Result("c9"))]
    assert len(told(stage, "execute")) == 1


def test_the_ids_of_a_page_that_was_loaded_anew_are_its_own() -> None:
    stage = Stage()
    _, session = opened(stage)
    session.receive(take_phone("1"), 1.0)
    session.closed(clean=True, now=2.0)
    _, session = stage.session(hello(page="load"), now=3.0)
    session.receive(take_phone("1"), 3.0)
    assert len(told(stage, "execute")) == 2


def test_the_same_id_in_another_tab_is_another_command() -> None:
    stage = Stage()
    _, first = opened(stage)
    _, second = stage.session(hello("tab-b"))
    first.receive(take_phone("1"), 1.0)
    second.receive(take_phone("1"), 1.0)
    assert [entry[2] for entry in told(stage, "execute")] == ["tab-a", "tab-b"]


def test_stored_answers_are_bounded() -> None:
    stage = Stage(answers=2)
    _, session = opened(stage)
    for id in ("1", "2", "3", "1"):
        session.receive(take_phone(id), 1.0)
    assert len(stage.office.told) == 4


def test_beats_and_acknowledgements_go_to_the_office_and_are_not_answered() -> None:
    stage = Stage()
    _, session = opened(stage)
    session.receive(encode(Beat(("c1",))), 1.0)
    session.receive(encode(RingAck("c1")), 1.0)
    assert stage.office.told == [("beat", 11, "tab-a", ("c1",)), ("ring_acknowledged", 11, "tab-a", "c1")]
    assert stage.read() == []


# --- What a page must not send -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [c for c in BAD if c["phase"] == "session"], ids=lambda case: case["name"])
def test_a_golden_bad_frame_is_refused_counted_and_changes_nothing(case: dict[str, Any]) -> None:
    stage = Stage()
    number, session = opened(stage)
    stream = stage.hub.stream(ANNA)
    assert stream is not None
    before = stream.snapshot()
    session.receive(case["frame"].encode(), 1.0)
    stage.flush(1.0)
    (answer,) = stage.read()
    assert isinstance(answer, Refused)
    assert (answer.code, answer.id) == (case["refused"]["code"], case["refused"].get("id"))
    assert answer.message
    assert stage.shared.counters == {"frames": 1, answer.code.value: 1}
    assert stage.office.told == []
    assert stream.snapshot() == before
    # The session lives: a sentinel.
    session.receive(take_phone("sentinel"), 1.0)
    assert stage.read(number) == [Done("sentinel")]


def test_a_page_that_sends_too_fast_is_refused_by_id_and_counted() -> None:
    stage = Stage(rate=1.0, burst=2)
    number, session = opened(stage)
    for id in ("1", "2", "3"):
        session.receive(take_phone(id), 0.0)
    answers = stage.read(number)
    assert answers[:2] == [Done("1"), Done("2")]
    assert answers[2] == Refused(Code.RATE_LIMITED, "Too many actions at once. Wait a second.", "3")
    assert len(told(stage, "execute")) == 2
    session.receive(take_phone("3"), 1.0)
    assert stage.read(number) == [Done("3")]


def test_a_beat_over_the_rate_is_refused_without_an_id() -> None:
    stage = Stage(rate=1.0, burst=1)
    number, session = opened(stage)
    session.receive(encode(Beat(())), 0.0)
    session.receive(encode(Beat(())), 0.0)
    (answer,) = stage.read(number)
    assert isinstance(answer, Refused)
    assert (answer.code, answer.id) == (Code.RATE_LIMITED, None)


@pytest.mark.parametrize(
    ("frame", "limits", "code"),
    [
        (b"garbage", {}, CloseCode.BAD_FRAME),
        (take_phone("1"), {"burst": 0, "rate": 0.0}, CloseCode.RATE),
    ],
)
def test_patience_ends_in_a_close(frame: bytes, limits: dict[str, float], code: CloseCode) -> None:
    stage = Stage(patience=3, **limits)
    number, session = opened(stage)
    for _ in range(6):
        session.receive(frame, 0.0)
    *refusals, close = stage.read(number)
    assert len(refusals) == 4
    assert close == Close(code)
    assert told(stage, "leave") == [("leave", 11, "tab-a", False)]
    assert stage.shared.counters["impatient"] == 1


def test_patience_comes_back_with_time() -> None:
    stage = Stage(patience=6)
    number, session = opened(stage)
    for now in range(0, 600, 10):
        session.receive(b"garbage", float(now))
    assert all(isinstance(message, Refused) for message in stage.read(number))
    assert session.phase is Phase.OPEN


# --- Ends ----------------------------------------------------------------------------------------------------------------


def test_leaving_is_told_at_once_and_closes_normally() -> None:
    stage = Stage()
    number, session = opened(stage)
    session.receive(encode(Leaving()), 1.0)
    assert stage.office.told == [("leave", 11, "tab-a", True)]
    assert stage.read(number) == [Close(1000)]
    session.closed(clean=False, now=2.0)
    session.receive(take_phone("1"), 2.0)
    assert len(stage.office.told) == 1, "told once, and nothing is heard afterwards"


@pytest.mark.parametrize("clean", [True, False])
def test_a_clean_close_and_a_lost_socket_are_told_apart(clean: bool) -> None:
    stage = Stage()
    _, session = opened(stage)
    session.closed(clean=clean, now=1.0)
    session.closed(clean=not clean, now=1.0)
    assert stage.office.told == [("leave", 11, "tab-a", clean)]
    assert stage.shared.counters["left" if clean else "lost"] == 1


def test_the_end_of_a_replaced_socket_is_not_the_end_of_its_tab() -> None:
    stage = Stage()
    _, old = opened(stage)
    _, new = stage.session(hello(page="reconnect"))
    old.closed(clean=False, now=1.0)
    assert told(stage, "leave") == []
    new.closed(clean=False, now=2.0)
    assert told(stage, "leave") == [("leave", 11, "tab-a", False)]


def test_a_closed_session_writes_nothing_more() -> None:
    stage = Stage()
    number, session = opened(stage)
    session.closed(clean=False, now=1.0)
    stage.office.show_calls(11, a=1)
    stage.flush()
    assert stage.read(number) == []


# --- The secret is renewed -----------------------------------------------------------------------------------------------


def test_a_secret_is_renewed_inside_the_socket() -> None:
    stage = Stage()
    number, session = stage.session(hello(), renew_at=100.0)
    stage.read()
    assert session.next_deadline() == 100.0
    session.handle_timer(99.0)
    assert session.take_secret_due() is None
    session.handle_timer(100.0)
    due = session.take_secret_due()
    assert due is not None
    assert (due[0].identity, due[1]) == (ANNA, "tab-a")
    assert session.take_secret_due() is None
    assert session.next_deadline() is None, "not asked twice while the store writes"
    session.renewed(ResumeSecret(SECRET, 500.0), 400.0)
    assert stage.read(number) == [SecretRenewed(SECRET, 500.0)]
    assert session.next_deadline() == 400.0


def test_a_store_that_cannot_keep_a_new_secret_is_asked_again() -> None:
    stage = Stage()
    _, session = stage.session(hello(), renew_at=100.0)
    session.handle_timer(100.0)
    session.take_secret_due()
    session.renewal_failed(100.0)
    assert session.next_deadline() == 160.0
    session.handle_timer(160.0)
    assert session.take_secret_due() is not None


def test_a_page_that_went_meanwhile_gets_no_secret() -> None:
    stage = Stage()
    _, session = stage.session(hello(), renew_at=100.0)
    stage.read()
    session.closed(clean=True, now=100.0)
    session.handle_timer(100.0)
    assert session.take_secret_due() is None
    session.renewed(ResumeSecret(SECRET, 500.0), 400.0)
    assert stage.read() == []
    assert session.next_deadline() is None


def test_hello_with_both_credentials_is_not_expressible_twice() -> None:
    both = msgspec.structs.replace(hello(), resume=SECRET)
    assert isinstance(both, Hello)
    assert (both.ticket, both.resume) == (TICKET, SECRET)
    stage = Stage()
    assert handshake(stage).receive(encode(both), 0.0) is None
