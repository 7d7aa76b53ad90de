"""The fuzz target holds for every file of the corpus and every torture message, and for what a short bounded run makes of them.

Coverage-guided for hours it is run by hand (see `run.py`); what that found lies in the corpus and is replayed here, with atheris or not.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from sip.events import CallAnswered, CallConfirmed, CallEnded, CallProceeding, Registered, RegistrationFailed
from sip.message import Response, parse
from sip.receiver import Receiver
from sip.stream import StreamFramer
from tests.fuzz.scene import CORPUS, SEPARATOR, make_scene
from tests.fuzz.target import check

ROOT = Path(__file__).parents[2]
TORTURE = ROOT / "tests" / "sip" / "torture"
FILES = sorted([*CORPUS.iterdir(), *TORTURE.rglob("*.dat")])
RUNS = 300  # about five seconds


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_target_holds_for_every_file_of_the_corpus(path: Path) -> None:
    check(path.read_bytes())


def play(name: str) -> tuple[list[type], list[int]]:
    """What is told and answered when this file comes: the types of the events, and the statuses."""
    scene = make_scene()
    told: list[type] = []
    answered = []
    for now, part in enumerate((CORPUS / name).read_bytes().split(SEPARATOR), 1):
        messages = [parse(data) for data in scene.hear(scene.filled(part), float(now))]
        answered += [message.status for message in messages if isinstance(message, Response)]
        told += [type(event) for event in scene.agent.take_events()]
    return told, answered


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("reply-invite-180-200", CallAnswered),
        ("reply-invite-fork", CallProceeding),
        ("reply-invite-486", CallEnded),
        ("reply-register-200", Registered),
        ("reply-register-503", RegistrationFailed),
        ("ringing-cancel", CallEnded),
        ("answered-ack", CallConfirmed),
        ("talking-bye", CallEnded),
    ],
)
def test_the_placeholders_of_the_corpus_still_meet_their_calls(name: str, event: type) -> None:
    assert event in play(name)[0]


# A NOTIFY is for a subscription, and gets 481 without one in any dialog.
TALKING = [path for path in sorted(CORPUS.glob("talking-*")) if b"NOTIFY" not in path.read_bytes()]


@pytest.mark.parametrize("path", TALKING, ids=lambda path: path.name)
def test_what_is_sent_to_the_call_in_talk_finds_it(path: Path) -> None:
    assert 481 not in play(path.name)[1]


def test_the_target_fails_when_something_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def trip(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Receiver, "request_received", trip)
    with pytest.raises(ZeroDivisionError):
        check((CORPUS / "new-options").read_bytes())


def test_the_target_fails_when_a_stream_depends_on_how_it_was_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = StreamFramer.receive
    monkeypatch.setattr(
        StreamFramer, "receive", lambda self, data: whole(self, data) if len(data) > 97 else []
    )
    with pytest.raises(AssertionError, match="cutting"):
        check((CORPUS / "new-options").read_bytes())


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris has no wheel for this machine")
def test_a_bounded_run_from_the_corpus_finds_nothing(tmp_path: Path) -> None:
    found = tmp_path / "found"
    found.mkdir()
    options = [
        f"-runs={RUNS}",
        "-seed=4475",
        "-max_total_time=20",
        "-max_len=4096",
        "-timeout=10",
        f"-artifact_prefix={tmp_path}/",
    ]
    command = [sys.executable, "-m", "tests.fuzz.run", *options, str(found), str(CORPUS), str(TORTURE)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    crashes = [path for path in tmp_path.iterdir() if path.is_file()]
    assert done.returncode == 0, (done.stderr[-3000:], [path.read_bytes() for path in crashes])
    assert "Done " in done.stderr
    assert crashes == []
