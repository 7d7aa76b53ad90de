"""A DNS in memory: what a test says of it is what a locator is answered."""

from __future__ import annotations

from sip.location.locator import Locator
from sip.location.records import Answer, Kind, Naptr, Question, Record, Srv


class Zone:
    """Answers the questions of a locator. `asked` are those that came, in order; `broken` those that get no answer."""

    def __init__(self, ttl: float = 600.0) -> None:
        self.records: dict[Question, tuple[Record, ...]] = {}
        self.broken: set[Question] = set()
        self.asked: list[Question] = []
        self.ttl = ttl

    def naptr(self, name: str, *rows: tuple[int, int, str, str]) -> None:
        """Rows: order, preference, service, replacement."""
        self.records[Question(Kind.NAPTR, name)] = tuple(
            Naptr(row[0], row[1], "s", row[2], row[3]) for row in rows
        )

    def srv(self, name: str, *rows: tuple[int, int, int, str]) -> None:
        """Rows: priority, weight, port, target."""
        self.records[Question(Kind.SRV, name)] = tuple(Srv(*row) for row in rows)

    def a(self, name: str, *addresses: str) -> None:
        self.records[Question(Kind.A, name)] = addresses

    def aaaa(self, name: str, *addresses: str) -> None:
        self.records[Question(Kind.AAAA, name)] = addresses

    def answer(self, question: Question) -> Answer:
        self.asked.append(question)
        if question in self.broken:
            return Answer(question, failed=True)
        return Answer(question, self.records.get(question, ()), self.ttl)

    def serve(self, locator: Locator, now: float) -> None:
        """Answer until nothing is asked any more."""
        while locator.questions:
            questions, locator.questions = locator.questions, []
            for question in questions:
                locator.answered(self.answer(question), now)
