"""Tickets: once, for thirty seconds, and not more than so many."""

from collections import Counter
from itertools import count

from gateway.realtime.ports import Identity
from gateway.realtime.tickets import LIFE, Tickets

ANNA, BORIS = Identity(1, 11), Identity(1, 12)


def tickets(limit: int = 100) -> Tickets:
    numbers = count(1)
    return Tickets(lambda: f"t{next(numbers)}", limit=limit)


def test_a_ticket_says_who_it_was_given_to() -> None:
    box = tickets()
    first, second = box.issue(ANNA, 0.0), box.issue(BORIS, 0.0)
    assert box.redeem(second, 1.0) == BORIS
    assert box.redeem(first, 1.0) == ANNA
    assert box.counters == Counter(issued=2, redeemed=2)


def test_a_spent_ticket_is_unknown() -> None:
    box = tickets()
    ticket = box.issue(ANNA, 0.0)
    box.redeem(ticket, 1.0)
    assert box.redeem(ticket, 1.0) is None
    assert box.counters["unknown"] == 1


def test_a_ticket_that_was_never_given_is_unknown() -> None:
    box = tickets()
    assert box.redeem("forged", 0.0) is None
    assert box.counters == Counter(unknown=1)


def test_a_ticket_lives_thirty_seconds_and_not_longer() -> None:
    box = tickets()
    first, second = box.issue(ANNA, 0.0), box.issue(ANNA, 0.0)
    assert box.redeem(first, LIFE - 0.001) == ANNA
    assert box.redeem(second, LIFE) is None
    assert box.counters["expired"] == 1


def test_an_expired_ticket_is_spent_by_being_shown() -> None:
    box = tickets()
    ticket = box.issue(ANNA, 0.0)
    assert box.redeem(ticket, LIFE) is None
    assert box.redeem(ticket, 1.0) is None
    assert len(box) == 0


def test_expired_tickets_are_forgotten_when_new_ones_are_given() -> None:
    box = tickets()
    for at in range(5):
        box.issue(ANNA, float(at))
    box.issue(ANNA, LIFE + 2.0)
    assert len(box) == 3


def test_a_full_box_forgets_the_oldest_and_counts_it() -> None:
    box = tickets(limit=2)
    first, second, third = (box.issue(ANNA, 0.0) for _ in range(3))
    assert len(box) == 2
    assert box.redeem(first, 1.0) is None
    assert box.redeem(second, 1.0) == ANNA
    assert box.redeem(third, 1.0) == ANNA
    assert box.counters["crowded_out"] == 1
