"""SIP's and Q.850's numbers in people's words."""

import pytest

from gateway.calls.ends import answered_elsewhere, given_up_by_them, q850, refused_by_them, words
from protocol.codes import Cause
from sip.headers import Reason

ASTERISK = (Reason("SIP", 200, "Call completed elsewhere"), Reason("Q.850", 26))


@pytest.mark.parametrize(
    "reasons",
    [
        ASTERISK,
        (Reason("SIP", 200),),
        (Reason("sip", 200),),
        (Reason("Q.850", 26),),
        (Reason("SIP", None, "Call Completed Elsewhere"),),
        (Reason("Q.850", 16, "Answered elsewhere"),),
    ],
)
def test_what_another_device_took_is_not_missed(reasons: tuple[Reason, ...]) -> None:
    assert answered_elsewhere(reasons)
    assert given_up_by_them(None, reasons).cause is Cause.ANSWERED_ELSEWHERE


@pytest.mark.parametrize(
    "reasons", [(), (Reason("Q.850", 16),), (Reason("SIP", 487, "Request Terminated"),), (Reason("X", 200),)]
)
def test_what_nobody_took_is_missed(reasons: tuple[Reason, ...]) -> None:
    assert not answered_elsewhere(reasons)
    assert given_up_by_them(487, reasons).cause is Cause.MISSED


@pytest.mark.parametrize(
    ("status", "cause", "by"),
    [
        (486, Cause.BUSY, "them"),
        (600, Cause.BUSY, "them"),
        (404, Cause.NOT_FOUND, "them"),
        (484, Cause.NOT_FOUND, "them"),
        (408, Cause.NO_ANSWER, "them"),
        (None, Cause.NO_ANSWER, "them"),
        (403, Cause.FORBIDDEN, "them"),
        (488, Cause.SOUND_IMPOSSIBLE, "them"),
        (503, Cause.PBX_UNREACHABLE, "nobody"),
        (603, Cause.REJECTED, "them"),
        (599, Cause.FAILED, "them"),
        (302, Cause.FAILED, "them"),
    ],
)
def test_a_status_alone(status: int | None, cause: Cause, by: str) -> None:
    end = refused_by_them(status, ())
    assert (end.cause, end.by, end.status) == (cause, by, status)


def test_q850_tells_more_than_the_status() -> None:
    assert refused_by_them(603, (Reason("Q.850", 19),)).cause is Cause.NO_ANSWER
    assert refused_by_them(480, (Reason("Q.850", 17),)).cause is Cause.BUSY


@pytest.mark.parametrize("normal", [0, 16, 31, 127])
def test_a_normal_q850_cause_leaves_it_to_the_status(normal: int) -> None:
    assert refused_by_them(486, (Reason("Q.850", normal),)).cause is Cause.BUSY


def test_the_pbxs_own_words_are_kept() -> None:
    assert words(ASTERISK) == "Call completed elsewhere"
    assert words(()) is None
    assert q850(ASTERISK) == 26
    assert q850((Reason("SIP", 200),)) is None
