"""Numbers written in full are read as the library reads them."""

import random

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from gateway.plans import shown_in_full


def by_the_library(number: str) -> str | None:
    try:
        known = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    # A number that is written in another way than it is dialled is not one written in full.
    if (
        not phonenumbers.is_valid_number(known)
        or phonenumbers.format_number(known, PhoneNumberFormat.E164) != number
    ):
        return None
    return phonenumbers.format_number(known, PhoneNumberFormat.INTERNATIONAL)


def examples() -> list[str]:
    """A number of each kind of each country."""
    kinds = PhoneNumberType.values()
    found = [
        phonenumbers.example_number_for_type(region, kind)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in kinds
    ]
    return sorted(
        {phonenumbers.format_number(one, PhoneNumberFormat.E164) for one in found if one is not None}
    )


EXAMPLES = examples()


def spoilt(number: str, chance: random.Random) -> str:
    digits = list(number)
    for _ in range(chance.choice((1, 2, 4))):
        digits[chance.randrange(2, len(digits))] = chance.choice("0123456789")
    return "".join(digits)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+74951234567", "+7 495 123-45-67"),
        ("+77012345678", "+7 701 234 5678"),
        ("+12025550123", "+1 202-555-0123"),
        ("+390612345678", "+39 06 1234 5678"),
        ("+80012345678", "+800 1234 5678"),
    ],
)
def test_a_number_in_full_is_grouped_as_in_its_country(number: str, shown: str) -> None:
    assert shown_in_full(number) == shown


@pytest.mark.parametrize("number", ["+7495123456", "+74951234567890", "+0123456789", "+2101234567", "+7123"])
def test_what_is_plainly_no_number_in_full_is_left_to_the_library(number: str) -> None:
    assert shown_in_full(number) is None


def test_nothing_is_answered_that_the_library_would_not_answer() -> None:
    chance = random.Random(1)
    numbers = EXAMPLES + [spoilt(number, chance) for number in EXAMPLES for _ in range(3)]
    assert [number for number in numbers if shown_in_full(number) not in (None, by_the_library(number))] == []


def test_nearly_every_number_is_answered_without_the_library() -> None:
    assert sum(shown_in_full(number) is not None for number in EXAMPLES) > 0.9 * len(EXAMPLES)
