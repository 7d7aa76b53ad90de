"""The ledger: facts in, one list of conversations out."""

from collections.abc import Callable
from itertools import permutations

import pytest

from gateway.calls.facts import (
    CallBegan,
    CallDismissed,
    CommandAccepted,
    CommandFailed,
    Fact,
    LegAnswered,
    LegDoubted,
    LegEnded,
    LegHeld,
    LegJoined,
    LegRef,
    LegResumed,
    LegVerified,
    MuteSwitched,
    PartyRang,
    SoundChanged,
)
from gateway.calls.ledger import EARLY_LIMIT, EARLY_S, FORGET_S, Ledger
from protocol.codes import Cause, Code
from protocol.entities import Call, Device, End, Party

A, B = LegRef("sip", "a"), LegRef("sip", "b")
NOWHERE = Device("none")
T1, T2 = Device("browser", "t1"), Device("browser", "t2")
CUSTOMER = Party("+79161234567", "+7 916 123-45-67")
HUNG_UP = End("them", Cause.HUNG_UP)
BUSY = End("them", Cause.BUSY, 486)


def counting() -> Callable[[], str]:
    count = iter(range(1, 100))
    return lambda: f"c{next(count)}"


def ledger() -> Ledger:
    return Ledger(counting(), linger_s=10.0)


def out(leg: LegRef = A, at: float = 0.0) -> CallBegan:
    return CallBegan(leg, at, "101", "out", CUSTOMER, T1)


def into(leg: LegRef = A, at: float = 0.0) -> CallBegan:
    return CallBegan(leg, at, "101", "in", CUSTOMER, NOWHERE)


def told(*facts: Fact, now: float = 0.0) -> Ledger:
    book = ledger()
    for fact in facts:
        book.receive(fact, now)
    return book


def only(book: Ledger) -> Call:
    (call,) = book.calls(["101"]).values()
    return call


def states(*facts: Fact) -> list[str]:
    book = ledger()
    seen: list[str] = []
    for fact in facts:
        book.receive(fact, fact.at)
        seen.append(only(book).state)
    return seen


# --- one leg -----------------------------------------------------------------------------------------------------------


def test_a_call_of_ours_from_the_click_to_the_end() -> None:
    assert states(
        out(),
        PartyRang(A, 1),
        LegAnswered(A, 2, T1),
        LegHeld(A, 3, "us"),
        LegResumed(A, 4, "us"),
        LegEnded(A, 5, HUNG_UP),
    ) == ["dialing", "ringing", "talking", "held", "talking", "ended"]


def test_a_call_to_us() -> None:
    assert states(into(), LegAnswered(A, 2, T1), LegEnded(A, 5, HUNG_UP)) == ["incoming", "talking", "ended"]


def test_times_and_ends_are_those_of_the_facts() -> None:
    call = only(told(out(), LegAnswered(A, 2, T1), LegEnded(A, 5, HUNG_UP), now=7.0))
    assert (call.began_at, call.answered_at, call.ended_at, call.state_since) == (0, 2, 5, 5)
    assert (call.end, call.device, call.sound) == (HUNG_UP, NOWHERE, "none")


@pytest.mark.parametrize(
    "facts",
    [
        (out(), PartyRang(A, 1), LegAnswered(A, 2, T1), LegHeld(A, 3, "us"), LegEnded(A, 5, HUNG_UP)),
        (into(), LegAnswered(A, 2, T1), LegHeld(A, 3, "them"), LegResumed(A, 4, "them")),
        (out(), PartyRang(A, 1), LegEnded(A, 5, BUSY), LegDoubted(A, 2)),
    ],
)
def test_any_order_of_facts_gives_the_same_call(facts: tuple[Fact, ...]) -> None:
    expected = only(told(*facts))
    for order in permutations(facts):
        call = only(told(*order))
        assert (call.state, call.hold, call.answered_at, call.end) == (
            expected.state,
            expected.hold,
            expected.answered_at,
            expected.end,
        ), order


def test_a_fact_told_twice_changes_nothing_and_grows_no_rev() -> None:
    facts = (out(), PartyRang(A, 1), LegAnswered(A, 2, T1), LegHeld(A, 3, "us"), LegEnded(A, 5, HUNG_UP))
    book = ledger()
    for fact in facts:
        book.receive(fact, fact.at)
        once = only(book)
        book.take_changed()
        book.receive(fact, fact.at)
        assert only(book) is once
        assert book.take_changed() == set()


def test_rev_grows_by_one_with_each_change() -> None:
    book = ledger()
    revs = []
    for fact in (out(), PartyRang(A, 1), LegAnswered(A, 2, T1), MuteSwitched(A, 3, True)):
        book.receive(fact, fact.at)
        revs.append(only(book).rev)
    assert revs == [1, 2, 3, 4]


def test_the_first_end_counts() -> None:
    assert only(told(out(), LegEnded(A, 1, BUSY), LegEnded(A, 2, HUNG_UP))).end == BUSY


def test_who_answered_elsewhere_is_named_only_then() -> None:
    elsewhere = End("them", Cause.ANSWERED_ELSEWHERE)
    assert only(told(into(), LegEnded(A, 1, elsewhere, "102"))).elsewhere == "102"
    assert only(told(into(), LegEnded(A, 1, HUNG_UP, "102"))).elsewhere is None


# --- hold, sound, doubt, commands --------------------------------------------------------------------------------------


def test_their_hold_is_shown_and_is_no_hold_of_ours() -> None:
    call = only(told(out(), LegAnswered(A, 1, T1), LegHeld(A, 2, "them")))
    assert (call.state, call.hold.them, call.hold.us) == ("talking", True, False)


def test_layers_are_kept_apart() -> None:
    call = only(
        told(
            out(),
            LegAnswered(A, 1, T1),
            LegHeld(A, 2, "us"),
            LegHeld(A, 3, "phone"),
            LegResumed(A, 4, "us"),
        )
    )
    assert (call.state, call.hold.us, call.hold.phone) == ("held", False, True)


def test_a_command_is_pending_until_a_fact_confirms_it() -> None:
    book = told(out(), LegAnswered(A, 1, T1), CommandAccepted(A, 2, "hold"), LegHeld(A, 3, "them"))
    assert (only(book).pending, only(book).state) == (("hold",), "talking")
    book.receive(LegHeld(A, 4, "us"), 4)
    assert (only(book).pending, only(book).state) == ((), "held")


def test_a_command_that_fails_leaves_the_call_as_it_was() -> None:
    book = told(out(), LegAnswered(A, 1, T1), CommandAccepted(A, 2, "hold"))
    book.receive(CommandFailed(A, 3, "hold", Code.HOLD_FAILED), 3)
    assert (only(book).pending, only(book).state) == ((), "talking")


def test_the_end_takes_everything_off_pending() -> None:
    book = told(out(), LegAnswered(A, 1, T1), CommandAccepted(A, 2, "hold"), LegEnded(A, 3, HUNG_UP))
    assert only(book).pending == ()
    book.receive(CommandAccepted(A, 4, "hold"), 4)
    assert only(book).pending == ()


def test_a_doubted_call_is_unconfirmed_until_it_is_verified() -> None:
    book = told(out(), LegAnswered(A, 1, T1), LegDoubted(A, 2))
    assert only(book).confirmed is False
    book.receive(LegVerified(A, 3), 3)
    assert only(book).confirmed is True


def test_nothing_is_said_of_an_ended_calls_sound_or_microphone() -> None:
    book = told(out(), LegEnded(A, 1, BUSY))
    for fact in (SoundChanged(A, 2, "here"), MuteSwitched(A, 2, True), LegDoubted(A, 2)):
        before = only(book)
        book.receive(fact, 2)
        assert only(book) is before


# --- a leg takes another's place ---------------------------------------------------------------------------------------


def reloaded(*more: Fact) -> Ledger:
    return told(out(), LegAnswered(A, 1, T1), LegHeld(A, 2, "us"), LegJoined(B, 3, A, T2), *more)


def test_while_a_leg_joins_the_call_is_as_it_was() -> None:
    call = only(reloaded(PartyRang(B, 4)))
    assert (call.state, call.hold.us, call.device) == ("held", True, T1)


def test_a_joined_leg_is_the_same_call_with_its_clock_and_without_the_old_hold() -> None:
    call = only(reloaded(LegAnswered(B, 5, T2), LegEnded(A, 6, HUNG_UP)))
    assert (call.id, call.state, call.hold.us, call.device) == ("c1", "talking", False, T2)
    assert (call.answered_at, call.began_at) == (1, 0)


def test_the_old_leg_may_end_before_the_new_one_is_answered() -> None:
    book = reloaded(LegEnded(A, 4, HUNG_UP))
    assert only(book).state == "held"
    book.receive(LegAnswered(B, 5, T2), 5)
    assert (only(book).state, only(book).end) == ("talking", None)


def test_when_both_legs_are_gone_the_end_is_that_of_the_one_that_talked() -> None:
    call = only(reloaded(LegEnded(A, 4, HUNG_UP), LegEnded(B, 5, BUSY)))
    assert (call.state, call.end) == ("ended", HUNG_UP)


def test_a_join_that_fails_keeps_the_call() -> None:
    call = only(reloaded(CommandAccepted(A, 3, "reattach"), LegEnded(B, 5, BUSY)))
    assert (call.state, call.end, call.pending) == ("held", None, ())


def test_the_end_of_the_new_leg_ends_the_call_though_the_old_one_never_said_so() -> None:
    call = only(reloaded(LegAnswered(B, 5, T2), LegEnded(B, 6, HUNG_UP)))
    assert call.state == "ended"


def test_nobody_joins_an_ended_call() -> None:
    book = told(out(), LegEnded(A, 1, BUSY), LegJoined(B, 2, A, T2))
    assert book.by_leg(B) is None


# --- time --------------------------------------------------------------------------------------------------------------


def test_an_ended_call_lingers_and_goes() -> None:
    book = told(out(), LegEnded(A, 1, BUSY), now=1.0)
    assert book.next_deadline() == 11.0
    book.handle_timer(10.9)
    assert only(book).state == "ended"
    book.take_changed()
    book.handle_timer(11.0)
    assert book.calls(["101"]) == {}
    assert book.take_changed() == {"101"}


def test_an_ended_call_is_dismissed_a_living_one_is_not() -> None:
    book = told(out(), CallDismissed(A, 1))
    assert only(book).state == "dialing"
    book.receive(LegEnded(A, 1, BUSY), 1)
    book.receive(CallDismissed(A, 2), 2)
    assert book.calls(["101"]) == {}


def test_a_late_fact_does_not_bring_back_what_is_gone() -> None:
    book = told(out(), LegEnded(A, 1, BUSY), CallDismissed(A, 2), now=2.0)
    for fact in (out(), PartyRang(A, 3), LegAnswered(A, 3, T1)):
        assert book.receive(fact, 3.0) is None
    assert book.calls(["101"]) == {}
    assert book.counters["late"] == 2
    book.handle_timer(2.0 + FORGET_S)
    assert book.by_leg(A) is None
    assert book.next_deadline() is None


def test_an_early_fact_waits_for_its_call_and_then_is_an_orphan() -> None:
    book = told(LegAnswered(A, 2, T1))
    assert book.calls(["101"]) == {}
    book.receive(out(), 3.0)
    assert only(book).state == "talking"
    other = told(LegAnswered(B, 2, T1))
    other.handle_timer(EARLY_S)
    other.receive(out(B), 6.0)
    assert only(other).state == "dialing"
    assert other.counters["orphan"] == 1


def test_a_source_that_is_far_out_of_step_is_not_listened_to_for_ever() -> None:
    book = told(*(PartyRang(LegRef("pbx", str(n)), 0) for n in range(EARLY_LIMIT + 3)))
    assert book.counters["orphan"] == 3


def test_calls_of_other_extensions_are_not_shown() -> None:
    book = told(out())
    assert book.calls(["102"]) == {}
    assert list(book.calls(["102", "101"])) == ["c1"]
    assert list(book.of("101")) == ["c1"]
    assert book.of("102") == {}


def test_a_call_that_was_found_after_a_restart_keeps_its_id() -> None:
    book = told(CallBegan(A, 0, "101", "in", CUSTOMER, T1, call="kept"))
    assert only(book).id == "kept"
