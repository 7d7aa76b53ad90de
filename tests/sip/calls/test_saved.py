"""The saved form of a call: plain values that survive the disk, also that of an earlier release."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.calls.saved import SavedCall
from tests.sip.calls.disk import through_disk

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
# What release 0.1 wrote: all that came later must have a default.
FIRST = {
    "kind", "direction", "call_id", "local_tag", "remote_tag", "local", "remote", "request_uri", "target", "route_set",
    "local_cseq", "remote_cseq", "transport", "host", "port", "invite", "local_sdp", "remote_sdp",
}  # fmt: skip


@given(st.binary(), st.none() | st.binary(), st.lists(st.text(), max_size=3), st.integers(0, 2**31))
def test_what_was_written_is_read_back(
    invite: bytes, sdp: bytes | None, routes: list[str], cseq: int
) -> None:
    saved = replace(SAVED, invite=invite, local_sdp=sdp, route_set=tuple(routes), local_cseq=cseq)
    assert through_disk(saved) == saved


def test_what_an_earlier_release_wrote_is_read() -> None:
    values = {name: value for name, value in msgspec.to_builtins(SAVED).items() if name in FIRST}
    assert msgspec.convert(values, SavedCall) == SAVED
    assert {one.name for one in fields(SavedCall) if one.default is MISSING} <= FIRST


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "x"),
        ("kind", "other"),
        ("direction", "up"),
        ("transport", "carrier pigeon"),
        ("call_id", None),
    ],
)
def test_what_is_no_saved_call_is_not_taken_for_one(name: str, value: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**msgspec.to_builtins(SAVED), name: value}, SavedCall)
