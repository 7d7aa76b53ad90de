"""The gate: who may connect, and the way out."""

from http import HTTPStatus

import pytest

from gateway.realtime.admission import Admission
from gateway.realtime.gate import Gate
from gateway.realtime.sessions import MemorySessions, Resumption
from gateway.realtime.tickets import Tickets
from tests.gateway.realtime.play import ORIGIN, Stage


class Wall:
    """A socket that writes down what it is to write."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def write(self, frame: bytes) -> None:
        self.seen.append(frame)

    def close(self, code: int, reason: str) -> None:
        self.seen.append((code, reason))


def gate(stage: Stage) -> Gate:
    admission = Admission(Tickets(str), Resumption(MemorySessions()), stage.seats)
    return Gate(stage.shared, admission, stage.seats, lambda: 0.0, lambda account: None, "/n/1/ws")


@pytest.mark.parametrize(
    ("path", "origin", "status", "counter"),
    [
        ("/ws", ORIGIN, HTTPStatus.NOT_FOUND, "not_found"),
        ("/n/1/ws", "https://evil.example", HTTPStatus.FORBIDDEN, "foreign_origin"),
        ("/n/1/ws", "", HTTPStatus.FORBIDDEN, "foreign_origin"),
        ("/n/1/ws", f"{ORIGIN}, {ORIGIN}", HTTPStatus.FORBIDDEN, "foreign_origin"),
    ],
)
def test_an_objection_is_answered_by_http_and_counted(
    path: str, origin: str, status: HTTPStatus, counter: str
) -> None:
    door = gate(Stage())
    assert door.objection(path, origin) is status
    assert door.counters == {counter: 1}


def test_a_page_of_a_known_account_may_connect() -> None:
    door = gate(Stage())
    assert door.objection("/n/1/ws", ORIGIN) is None
    assert not door.counters


def test_the_number_of_sockets_is_bounded() -> None:
    door = gate(Stage(sockets=1))
    door.sockets[1] = Wall()
    assert door.objection("/n/1/ws", ORIGIN) is HTTPStatus.SERVICE_UNAVAILABLE
    assert door.counters == {"overloaded": 1}


def test_delivery_keeps_the_order_and_drops_what_is_for_nobody() -> None:
    stage = Stage()
    door, wall = gate(stage), Wall()
    door.sockets[door.next_number()] = wall
    stage.outbox.put(1, b"a")
    stage.outbox.put(2, b"lost")
    stage.outbox.put(1, b"b")
    stage.outbox.close(1, 4001)
    door.deliver()
    assert wall.seen == [b"a", b"b", (4001, "too_slow")]


def test_numbers_are_not_used_twice() -> None:
    door = gate(Stage())
    assert len({door.next_number() for _ in range(5)}) == 5
