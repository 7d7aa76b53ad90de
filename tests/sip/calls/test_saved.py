"""The saved form of a call: JSON there and back, and nothing taken for it that is not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.calls.saved import SavedCall

SAVED = SavedCall(
    kind="dialog",
    direction="out",
    call_id="c",
    local_tag="l",
    remote_tag="r",
    local="<sip:a@b>;tag=l",
    remote="<sip:b@a>;tag=r",
    request_uri="sip:b@a",
    target="sip:b@192.0.2.2",
    route_set=("<sip:p;lr>",),
    local_cseq=3,
    remote_cseq=0,
    transport="udp",
    host="192.0.2.2",
    port=5060,
)


@given(st.binary(), st.none() | st.binary(), st.lists(st.text(), max_size=3), st.integers(0, 2**31))
def test_what_was_written_is_read_back(
    invite: bytes, sdp: bytes | None, routes: list[str], cseq: int
) -> None:
    saved = replace(SAVED, invite=invite, local_sdp=sdp, route_set=tuple(routes), local_cseq=cseq)
    assert SavedCall.from_json(saved.to_json()) == saved


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2}, {"version": None}, {"more": 1}, {"port": "x"}, {"kind": "other"}, {"direction": "up"},
        {"transport": "carrier pigeon"}, {"route_set": "no list"}, {"route_set": [1]}, {"invite": 7}, {"call_id": None},
        {"remote_sdp": "\u0430"}, {"local_cseq": True},
    ],
)  # fmt: skip
def test_what_is_no_saved_call_of_this_version_is_a_value_error(change: dict[str, object]) -> None:
    values = {**json.loads(SAVED.to_json()), **change}
    with pytest.raises(ValueError):
        SavedCall.from_json(json.dumps(values))


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "{"])
def test_what_is_no_object_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        SavedCall.from_json(text)
