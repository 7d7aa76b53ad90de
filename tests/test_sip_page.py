"""docs/sip.md says of each RFC which clause is done and which test shows it. Here the page is held to its word.

A row names at least one test, as `tests/sip/test_x.py::test_name` in its last cell; every test that is named exists; a row that
begins with **Not done** says why, and names the test of what the peer gets instead.
"""

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "sip.md"
NOT_DONE = "**Not done**"
LEAST_REASON = 30  # characters; "no time" is no reason

_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


class Row(NamedTuple):
    """A line of a table."""

    section: str
    clause: str
    done: str
    tests: str

    @property
    def place(self) -> str:
        return f"{self.section}, {self.clause}"

    @property
    def named(self) -> list[tuple[str, str]]:
        """File and name of each test."""
        return _TEST.findall(self.tests)


def rows_of(text: str) -> list[Row]:
    """Every row of every table, with the headings it stands under."""
    chapter = section = ""
    rows = []
    for line in text.splitlines():
        if line.startswith("## "):
            chapter = section = line[3:]
        elif line.startswith("### "):
            section = f"{chapter}: {line[4:]}"
        elif line.startswith("|") and not line.startswith(("| clause |", "|---")):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            assert len(cells) == 3, f"three cells, not {len(cells)}: {line}"
            rows.append(Row(section, *cells))
    return rows


def faults(row: Row) -> list[str]:
    """What is wrong with a row; nothing, as a rule."""
    found = []
    if not row.clause or not row.done:
        found.append("clause and what is done are both said")
    if not row.named:
        found.append("no test")
    elif _TEST.sub("", row.tests).replace("<br>", "").strip(" ,;"):
        found.append("something in the last cell is no test as `tests/sip/test_x.py::test_name`")
    found += [
        f"{file}::{name} does not exist" for file, name in row.named if name not in collected_in(ROOT / file)
    ]
    reason = row.done.removeprefix(NOT_DONE).strip(" :,;-")
    if row.done.lower().lstrip("*").startswith("not done") and (
        not row.done.startswith(NOT_DONE) or len(reason) < LEAST_REASON
    ):
        found.append(f"a row that is not done begins with {NOT_DONE} and says why")
    return found


@cache
def collected_in(path: Path) -> frozenset[str]:
    """Names that pytest would collect from a file: functions, and classes made by hand or by Hypothesis."""
    if not path.is_file():
        return frozenset()
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return frozenset(name for name in names if name.startswith(("test_", "Test")))


def test_every_row_names_tests_that_exist_and_says_why_something_is_not_done() -> None:
    wrong = [f"{row.place}: {fault}" for row in rows_of(PAGE.read_text("utf-8")) for fault in faults(row)]
    assert wrong == []


def test_no_section_is_empty() -> None:
    text = PAGE.read_text("utf-8")
    sections = {line[3:] for line in text.splitlines() if line.startswith("## ")}
    assert sections == {row.section.partition(": §")[0] for row in rows_of(text)}
    assert {"RFC 3261: SIP", "RFC 3891: Replaces", "RFC 6665: event notification"} <= sections


def test_no_clause_stands_twice_with_the_same_words() -> None:
    rows = [row[:3] for row in rows_of(PAGE.read_text("utf-8"))]
    assert [row for row in rows if rows.count(row) > 1] == []


HERE = "tests/test_sip_page.py::test_no_clause_stands_twice_with_the_same_words"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("| §7 | Done | |", "no test"),
        ("| §7 | Done | by hand |", "no test"),
        (f"| §7 | Done | `{HERE}_at_all` |", "does not exist"),
        ("| §7 | Done | `tests/sip/test_nothing.py::test_a` |", "does not exist"),
        (f"| §7 | Done | `{HERE}` and by hand |", "is no test"),
        (f"| | Done | `{HERE}` |", "both said"),
        (f"| §7 | {NOT_DONE} | `{HERE}` |", "says why"),
        (f"| §7 | {NOT_DONE}: no time | `{HERE}` |", "says why"),
        (f"| §7 | not done, for nobody sends it to us at all | `{HERE}` |", "says why"),
    ],
)
def test_a_row_that_does_not_hold_is_told(line: str, fault: str) -> None:
    (row,) = rows_of(f"## RFC 1\n\n| clause | what is done | test |\n|---|---|---|\n{line}\n")
    assert any(fault in one for one in faults(row))


def test_a_row_that_holds_has_no_fault() -> None:
    text = f"## RFC 1\n### §7 Messages\n| §7 | {NOT_DONE}: nobody sends it, as far as we know | `{HERE}`<br>`{HERE}` |\n"
    (row,) = rows_of(text)
    assert (faults(row), row.place) == ([], "RFC 1: §7 Messages, §7")
