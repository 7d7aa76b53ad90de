"""What is typed, what is dialled, what is shown."""

import pytest

from gateway.numbers import BadNumber, Numbering
from protocol.entities import Party

RUSSIA = Numbering("ru")


@pytest.mark.parametrize(
    "typed",
    [
        "+7 (916) 123-45-67",
        "8 916 123 45 67",
        "8-916-123-45-67",
        "79161234567",
        "9161234567",
        "tel:+79161234567",
        "+7\u00a0916\u00a0123\u201345\u201367",
    ],
)
def test_a_number_is_the_same_however_it_is_written(typed: str) -> None:
    dialled = RUSSIA.dialled(typed)
    assert dialled.number == "+79161234567"
    assert dialled.party == Party("+79161234567", "+7 916 123-45-67")


@pytest.mark.parametrize("typed", ["101", "1", "0", "112", "600", "123456"])
def test_short_internal_numbers_are_untouched(typed: str) -> None:
    assert RUSSIA.dialled(typed) == (typed, Party(typed, typed))


@pytest.mark.parametrize(("typed", "dialled"), [("*98", "*98"), ("#21#", "#21#"), ("*72 101", "*72101")])
def test_feature_codes_go_to_the_pbx_as_they_are(typed: str, dialled: str) -> None:
    assert RUSSIA.dialled(typed).number == dialled


@pytest.mark.parametrize("typed", ["echo", "Ivan.Petrov", "sales-1"])
def test_names_of_sip_users_are_kept(typed: str) -> None:
    assert RUSSIA.dialled(f" {typed} ").number == typed


@pytest.mark.parametrize(
    ("country", "typed", "number"),
    [
        ("RU", "+1 202 555 0123", "+12025550123"),
        ("US", "202 555 0123", "+12025550123"),
        ("GB", "020 7946 0958", "+442079460958"),
        ("RU", "1234567890123", "1234567890123"),  # no number of any plan: the PBX may know it
    ],
)
def test_the_country_reads_what_has_no_country_code(country: str, typed: str, number: str) -> None:
    assert Numbering(country).dialled(typed).number == number


@pytest.mark.parametrize("typed", ["()", "-", "+", "++7", "1" * 30, "7 916 Ivan", ""])
def test_what_cannot_be_dialled_is_refused(typed: str) -> None:
    with pytest.raises(BadNumber, match="not a number"):
        RUSSIA.dialled(typed)


@pytest.mark.parametrize(
    ("user", "name", "party"),
    [
        ("79161234567", "Иван", Party("+79161234567", "+7 916 123-45-67", "Иван")),
        ("+79161234567", "+79161234567", Party("+79161234567", "+7 916 123-45-67")),
        ("89161234567", "89161234567", Party("+79161234567", "+7 916 123-45-67")),
        ("102", "Boris", Party("102", "102", "Boris")),
        ("102", "", Party("102", "102")),
        ("anonymous", "Anonymous", Party("", "")),
        ("", "Reception", Party("", "", "Reception")),
        ("door", "", Party("door", "door")),
    ],
)
def test_who_calls_is_shown(user: str, name: str, party: Party) -> None:
    assert RUSSIA.party(user, name) == party
