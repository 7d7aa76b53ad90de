"""Tokens, quoted strings, parameters and lists (RFC 3261 §25.1)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import LocalProtocolError, ParseError
from sip.grammar import (
    NO_PARAMS,
    TOKEN_BYTES,
    format_params,
    is_token,
    parse_params,
    quote,
    remembered,
    safe,
    safe_lines,
    split_list,
    token,
    unquote,
)
from tests.sip.effort import effort

TEXT = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))
TOKENS = st.text("abcXYZ019-.!%*_+`'~", min_size=1)


def test_a_token_is_made_of_the_characters_of_the_grammar() -> None:
    assert {byte for byte in range(256) if is_token(chr(byte))} == TOKEN_BYTES
    assert not is_token("")
    assert token("INVITE") == "INVITE"
    with pytest.raises(LocalProtocolError):
        token("IN VITE")


@pytest.mark.parametrize("bad", ["a\rb", "a\nb", "a\0b"])
def test_cr_lf_and_nul_must_not_leave(bad: str) -> None:
    for write in (safe, quote):
        with pytest.raises(LocalProtocolError):
            write(bad)
    with pytest.raises(LocalProtocolError):
        format_params({"x": bad})
    with pytest.raises(LocalProtocolError):
        format_params({bad: None})


@pytest.mark.parametrize("bad", ["B: a\rb", "B: a\nb", "B: a\0b", "B: \ud800"])
def test_of_many_lines_the_one_that_must_not_leave_is_named(bad: str) -> None:
    assert safe_lines(["A: 1", "C: ü"]) == ["A: 1", "C: ü"]
    with pytest.raises(LocalProtocolError) as refused:
        safe_lines(["A: 1", bad, "C: 2"])
    assert repr(bad) in str(refused.value)
    assert "A: 1" not in str(refused.value)


@given(TEXT)
def test_a_quoted_string_reads_as_what_was_quoted(text: str) -> None:
    assert unquote(quote(text)) == text


@pytest.mark.parametrize("text", ["", '"', "plain", '"open', 'shut"'])
def test_what_is_not_quoted_stays(text: str) -> None:
    assert unquote(text) == text


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("", {}),
        (";lr", {"lr": None}),
        (";Tag=aB", {"tag": "aB"}),
        (" ; a = 1 ;b;; c=", {"a": "1", "b": None, "c": ""}),
        (';x="a;b=\\"c\\"";tag=1', {"x": 'a;b="c"', "tag": "1"}),
        (';x = "a" ; y', {"x": "a", "y": None}),
        (";a=1;A=2", {"a": "1"}),
        (';a="1";A=2', {"a": "1"}),
    ],
)
def test_parameters_are_read_by_name(text: str, params: dict[str, str | None]) -> None:
    assert parse_params(text) == params


@pytest.mark.parametrize("text", [';x="open', ';x="a"b', 'x="a"', ";:=1", ";a b", ';:="x"', ';"a"=b'])
def test_what_is_no_parameter_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse_params(text)


@given(st.dictionaries(TOKENS.map(str.lower), st.none() | TEXT))
def test_parameters_read_as_they_were_written(params: dict[str, str | None]) -> None:
    assert parse_params(format_params(params)) == params


def test_no_parameters_can_be_a_default() -> None:
    assert hash(NO_PARAMS) == 0
    assert parse_params("") is NO_PARAMS


@pytest.mark.parametrize(
    ("values", "elements"),
    [
        ([], []),
        (["a"], ["a"]),
        (["a, b ,c"], ["a", "b", "c"]),
        (["a", "b,, c,"], ["a", "b", "c"]),
        (['"x, y" <sip:a,b@c>;p="1,2", <sip:d>'], ['"x, y" <sip:a,b@c>;p="1,2"', "<sip:d>"]),
        (['"open, <a>, b'], ['"open, <a>, b']),
        (["<open, b"], ["<open, b"]),
        (['"a\\", b", c'], ['"a\\", b"', "c"]),
    ],
)
def test_lists_split_at_commas_outside_quotes_and_brackets(values: list[str], elements: list[str]) -> None:
    assert split_list(values) == elements


@pytest.mark.parametrize(
    "text", ['"' * 30_000, "<" * 30_000, '"\\' * 20_000, ",<" * 20_000, ';x="' * 10_000, "," * 60_000]
)
def test_hostile_text_takes_time_that_grows_with_its_length_only(text: str) -> None:
    def read() -> None:
        split_list([text])
        with contextlib.suppress(ParseError):
            parse_params(text)

    assert effort(read, bound=0.5) < 0.5


@given(st.text())
def test_nothing_but_a_parse_error_comes_of_any_text(text: str) -> None:
    split_list([text])
    try:
        params = parse_params(text)
    except ParseError:
        return
    assert all(map(is_token, params))


def test_short_texts_are_remembered_and_long_ones_are_not() -> None:
    read: list[str] = []

    @remembered(2)
    def length(text: str) -> int:
        read.append(text)
        return len(text)

    assert [length(text) for text in ("a", "a", "b" * 257, "b" * 257, "c", "d", "a")] == [
        1,
        1,
        257,
        257,
        1,
        1,
        1,
    ]
    assert read == ["a", "b" * 257, "b" * 257, "c", "d", "a"]


@pytest.mark.parametrize("write", [safe, quote])
@pytest.mark.parametrize("text", ["a\r", "\n", "\0", "я\ud800", "\udfff"])
def test_what_may_not_stand_on_the_wire_is_refused_when_it_is_written(
    write: Callable[[str], str], text: str
) -> None:
    assert write("я") in ("я", '"я"')
    with pytest.raises(LocalProtocolError):
        write(text)
