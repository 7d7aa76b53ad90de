"""Sentences: every code speaks every language, to people."""

import pytest

from protocol.codes import Cause, CloseCode, Code
from protocol.sentences import LANGUAGES, language, sentence


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_code_has_a_sentence_and_no_sentence_is_orphaned(lang: str) -> None:
    words = language(lang)
    assert set(words.codes) == set(Code)
    assert set(words.causes) == set(Cause)
    assert set(words.closes) == {str(int(code)) for code in CloseCode}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_sentence_shows_a_code_to_people(lang: str) -> None:
    words = language(lang)
    for text in (*words.codes.values(), *words.causes.values(), *words.closes.values()):
        assert text.strip() == text != ""
        assert "_" not in text


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("ru", "Занято"),
        ("RU-ru", "Занято"),
        ("en", "Busy"),
        ("es", "Busy"),
        ("", "Busy"),
    ],
)
def test_a_strange_language_is_answered_in_english(lang: str, expected: str) -> None:
    assert sentence(Cause.BUSY, lang) == expected


def test_codes_causes_and_closes_do_not_mix() -> None:
    assert sentence(Code.PBX_UNREACHABLE, "en") != sentence(Cause.PBX_UNREACHABLE, "en")
    assert sentence(CloseCode.VERSION, "ru") == "Виджет устарел. Обновите страницу."
