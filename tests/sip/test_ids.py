"""The source of ids."""

import re
import secrets

import pytest

from sip.ids import ByteIds, Ids, SeededIds


@pytest.fixture(params=[lambda: ByteIds(secrets.token_bytes), lambda: SeededIds(7)], ids=["random", "seeded"])
def ids(request: pytest.FixtureRequest) -> Ids:
    made: Ids = request.param()
    return made


def test_a_branch_must_begin_with_the_magic_cookie(ids: Ids) -> None:
    assert re.fullmatch(r"z9hG4bK[0-9a-f]{20}", ids.branch())


def test_ids_are_tokens_long_enough(ids: Ids) -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", ids.tag())
    assert re.fullmatch(r"[0-9a-f]{32}", ids.call_id())
    assert re.fullmatch(r"[0-9a-f]{32}", ids.token())


def test_ids_do_not_repeat(ids: Ids) -> None:
    assert len({ids.branch() for _ in range(1000)}) == 1000


def test_a_fraction_is_from_0_up_to_1(ids: Ids) -> None:
    fractions = [ids.fraction() for _ in range(1000)]
    assert 0 <= min(fractions) < 0.1
    assert 0.9 < max(fractions) < 1


def test_seeded_ids_are_the_same_from_run_to_run_and_differ_by_seed() -> None:
    assert [SeededIds(1).branch(), SeededIds(1).branch()] == ["z9hG4bK2ccc95aabc2f30838b4d"] * 2
    assert SeededIds(1).tag() != SeededIds(2).tag()
