"""The tree of errors: whose fault it is, and what answers it."""

from __future__ import annotations

import pytest

from sip.errors import FramingError, LocalProtocolError, ParseError, RemoteProtocolError, SipError


def test_the_tree_is_the_one_at_the_head_of_the_file() -> None:
    assert LocalProtocolError.__mro__[1] is SipError
    assert RemoteProtocolError.__mro__[1] is SipError
    assert ParseError.__mro__[1] is RemoteProtocolError
    assert FramingError.__mro__[1] is ParseError


def test_a_remote_error_carries_its_answer_and_says_so() -> None:
    error = ParseError("no Via", 400)
    assert (error.status, error.detail, error.message) == (400, "no Via", None)
    assert str(error) == "no Via (400)"


def test_the_suggested_answer_is_bad_request_unless_said_otherwise() -> None:
    assert RemoteProtocolError("odd").status == 400


@pytest.mark.parametrize(
    "kind", [SipError, LocalProtocolError, RemoteProtocolError, ParseError, FramingError]
)
def test_every_error_has_an_id_of_its_own_and_a_remedy(kind: type[SipError]) -> None:
    assert kind.error_id.startswith("sip")
    assert kind.temporary is False
    assert "error_id" in vars(kind)
