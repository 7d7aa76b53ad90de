"""The call flows of RFC 3665 and RFC 5359, played message by message."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sip.flows.stage import Stage

HERE = Path(__file__).parent


def flows(rfc: str) -> list[object]:
    return [pytest.param(path, id=path.stem) for path in sorted((HERE / rfc).glob("*.flow"))]


@pytest.mark.parametrize("path", flows("rfc3665"))
def test_a_basic_call_flow_goes_message_by_message_as_rfc3665_draws_it(path: Path) -> None:
    Stage().play(path)


@pytest.mark.parametrize("path", flows("rfc5359"))
def test_a_service_flow_goes_message_by_message_as_rfc5359_draws_it(path: Path) -> None:
    Stage().play(path)
