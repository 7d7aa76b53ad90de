"""Three seconds of calls from and to SIPp: none is lost. How fast they are is the bench's to tell, not a test's."""

import pytest

from tests.bench.sipp import run

pytestmark = pytest.mark.system


@pytest.mark.parametrize("direction", ["in", "out"])
async def test_no_call_is_lost(direction: str) -> None:
    outcome = await run(direction, 30, 3)
    assert (outcome.calls, outcome.lost) == (90, 0)
