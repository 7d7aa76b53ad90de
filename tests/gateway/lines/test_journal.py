"""Records survive the way to the disk."""

import msgspec
import pytest

from gateway.lines.journal import Record, Save
from protocol.entities import Party
from sip.calls.saved import SavedCall

SAVED = SavedCall(
    kind="dialog", direction="in", call_id="call-id", local_tag="tb1", remote_tag="r1", local="<sip:101@pbx>",
    remote="<sip:+79161234567@pbx>", request_uri="sip:101@gw", target="sip:pbx", route_set=("<sip:a;lr>", "<sip:b;lr>"),
    local_cseq=3, remote_cseq=7, transport="udp", host="127.0.0.1", port=5060, invite=b"INVITE \xff", remote_sdp=b"v=0\r\n",
)  # fmt: skip

RECORD = Record(
    id="call-id", account=1, call="c1", extension="101", phase="talking", direction="in",
    party=Party("+79161234567", "+7 916 123-45-67", "Иван"), began_at=1.5, answered_at=2.5, tab="t1",
    held=True, held_for=("absence", "agent"), held_by_them=True, muted=True, replaces="other", saved=SAVED,
)  # fmt: skip


def test_a_record_comes_back_as_it_was() -> None:
    assert Record.from_json(RECORD.to_json()) == RECORD


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", RECORD.to_json().replace(b"talking", b"dreaming")])
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        Record.from_json(data)


def test_a_record_of_an_older_version_has_defaults() -> None:
    old = msgspec.json.decode(RECORD.to_json())
    for name in ("held_by_them", "muted", "replaces"):
        del old[name]
    assert Record.from_json(msgspec.json.encode(old)).muted is False


def test_nobody_waits_for_a_save_without_a_token() -> None:
    assert Save(RECORD).token == 0
