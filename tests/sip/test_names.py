"""Header names (RFC 3261 §7.3.1, §7.3.3)."""

from __future__ import annotations

import pytest

from sip.names import COMPACT, KEYS, LISTS, NAMES, SINGLES, key_of


@pytest.mark.parametrize("spelling", ["Call-ID", "call-id", "CALL-ID", "cAlL-Id", "i", "I", "Call-ID \t"])
def test_a_name_is_the_same_in_any_spelling(spelling: str) -> None:
    assert key_of(spelling) == "call-id"


@pytest.mark.parametrize("name", ["", "a b", "naïve", "x\r\ny", "(", '"'])
def test_what_is_no_token_is_no_name(name: str) -> None:
    assert key_of(name) == ""


def test_an_unknown_name_is_its_own_key() -> None:
    assert key_of("X-Asterisk-HangupCause") == "x-asterisk-hangupcause"


def test_the_tables_agree_with_each_other() -> None:
    assert set(COMPACT.values()) <= NAMES.keys()
    assert NAMES.keys() >= LISTS | SINGLES
    assert not LISTS & SINGLES
    assert NAMES.keys() == set(KEYS.values())
    assert all(KEYS[name] == key for key, name in NAMES.items())


def test_challenges_are_no_lists_for_their_commas_separate_parameters() -> None:
    assert not LISTS & {
        "www-authenticate",
        "proxy-authenticate",
        "authorization",
        "proxy-authorization",
        "date",
    }
