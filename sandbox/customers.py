"""The people outside who have a telephone: what each number does when it is called.

A table; the exchange (`pbx/`) plays it, the CRM's sample data shows the same numbers as contacts, the page's drawer
lists them. A number that is not here does not exist: 404.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Behaviour(StrEnum):
    """What a customer does with a call."""

    SPEAKS = "speaks"
    ECHOES = "echoes"
    WHISTLES = "whistles"
    REFUSES = "refuses"
    SILENT = "silent"
    HANGS_UP = "hangs_up"


WHAT_THEY_DO: Final = {
    Behaviour.SPEAKS: "отвечает через 3 с и говорит",
    Behaviour.ECHOES: "повторяет всё, что слышит",
    Behaviour.WHISTLES: "отвечает сразу и свистит на 440 Гц",
    Behaviour.REFUSES: "занят",
    Behaviour.SILENT: "не берёт трубку",
    Behaviour.HANGS_UP: "отвечает и через 5 с кладёт трубку",
}


@dataclass(frozen=True, slots=True)
class Customer:
    """One number outside.

    Args:
        number: E.164 with the plus.
        answers_after: seconds of ringing before it answers.
        hangs_up_after: seconds of talk after which it hangs up by itself; None for never.
    """

    number: str
    name: str
    behaviour: Behaviour
    answers_after: float = 3.0
    hangs_up_after: float | None = None

    @property
    def answers(self) -> bool:
        return self.behaviour not in (Behaviour.REFUSES, Behaviour.SILENT)


SPECIAL: Final = (
    Customer("+79005550101", "Ирина Лаврентьева", Behaviour.SPEAKS),
    Customer("+79005550102", "Эхо-тест", Behaviour.ECHOES, answers_after=1.0),
    Customer("+79005550103", "Вадим Занятов", Behaviour.REFUSES),
    Customer("+79005550104", "Аркадий Молчанов", Behaviour.SILENT),
    Customer("+79005550105", "Наталья Быстрова", Behaviour.HANGS_UP, answers_after=2.0, hangs_up_after=5.0),
    Customer("+79005550106", "Свистун", Behaviour.WHISTLES, answers_after=0.2),
)


def e164(dialled: str) -> str:
    """The number that a Russian office means by what it dialled: `8 (900) 555-01-01` is `+79005550101`.

    Anything that is no eleven- or ten-digit Russian number comes back as its digits alone.
    """
    digits = "".join(character for character in dialled if character.isdigit())
    if len(digits) == 11 and digits[0] in "78":
        return "+7" + digits[1:]
    if len(digits) == 10 and digits[0] in "3489":
        return "+7" + digits
    return digits


class Directory:
    """Every number outside by its E.164 form. The special ones first; a contact of the CRM that is not special speaks."""

    def __init__(self, customers: tuple[Customer, ...] = SPECIAL) -> None:
        self._by_number = {customer.number: customer for customer in customers}

    def add(self, number: str, name: str) -> None:
        """Let one more number exist: it answers after three seconds and speaks. A number that is known stays as it is."""
        key = e164(number)
        self._by_number.setdefault(key, Customer(key, name, Behaviour.SPEAKS))

    def find(self, dialled: str) -> Customer | None:
        """Who has that number, however it was written; None when nobody has."""
        return self._by_number.get(e164(dialled))

    def special(self) -> tuple[Customer, ...]:
        """Those who do something of their own, in the order of the table: what the page's drawer offers."""
        return tuple(
            self._by_number[customer.number] for customer in SPECIAL if customer.number in self._by_number
        )
