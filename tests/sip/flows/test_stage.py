"""The stage fails a flow that is not as its text says: a test of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sip.flows.stage import Stage, lines_of

GOOD = """
agent alice
server bob
alice: dial bob
F1 alice -> bob INVITE
    CSeq: 1 INVITE
bob -> alice 486
alice -> bob ACK
    branch as F1
alice hears CallEnded
    status: 486
"""


def play(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.flow"
    path.write_text(text, "utf-8")
    Stage().play(path)


def test_a_flow_that_is_as_it_says_passes(tmp_path: Path) -> None:
    play(GOOD, tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("CSeq: 1 INVITE", "CSeq: 2 INVITE", "CSeq"),
        ("CSeq: 1 INVITE", "no CSeq", "no CSeq"),
        ("CSeq: 1 INVITE", "CSeq: …9…", "CSeq"),
        ("CSeq: 1 INVITE", "body none", "v=0"),
        ("CSeq: 1 INVITE", "to sip:carol@x", "sip:bob"),
        ("branch as F1", "branch unlike F1", "unlike"),
        ("branch as F1", "cseq above F1", "above"),
        ("alice -> bob ACK", "alice -> bob BYE", "sends ACK"),
        ("alice -> bob ACK\n    branch as F1\n", "", "sends ACK"),
        ("bob -> alice 486\n", "", "sends nothing"),
        ("CallEnded", "CallAnswered", "heard"),
        ("status: 486", "status: 487", "486"),
        ("alice: dial bob", "alice: dance", "index"),
        ("alice: dial bob", "alice: dial bob\nalice: dance", "no such command"),
        ("alice: dial bob", "nonsense", "not a line"),
        ("bob -> alice 486", "bob -> alice 180", "sends nothing"),
    ],
)
def test_a_flow_that_is_not_as_it_says_fails(old: str, new: str, says: str, tmp_path: Path) -> None:
    assert old in GOOD
    with pytest.raises((AssertionError, IndexError), match=says):
        play(GOOD.replace(old, new), tmp_path)


def test_an_agent_that_is_left_in_a_call_fails_the_flow(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"is not quiet|after the end"):
        play(GOOD.partition("bob -> alice 486")[0] + "bob -> alice 180\n", tmp_path)


def test_comments_are_no_lines() -> None:
    assert lines_of("# a\n\nwait 1  # b\n    x: y  # c\n") == [(3, "wait 1", ["x: y"])]
