"""An agent's status as PIDF with RPID (RFC 3863, RFC 4480)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import LocalProtocolError, ParseError
from sip.packages.presence import Presence
from tests.sip.packages.test_dialog_info import DOCUMENTS


def test_asterisks_document_is_read() -> None:
    assert Presence.parse((DOCUMENTS / "asterisk-presence.xml").read_bytes()) == Presence(
        "sip:101@127.0.0.1:5060", True, "on-the-phone", "On the phone", "sip:101@127.0.0.1:5060"
    )


def test_a_person_with_several_devices_is_open_when_any_is() -> None:
    device = "<tuple id='{0}'><status><basic>{0}</basic></status></tuple>"
    both = device.format("closed") + device.format("open") + "<tuple id='x'/>"
    assert Presence.parse(f"<presence entity='pres:a@b'>{both}</presence>".encode()).is_open
    closed = f"<presence entity='pres:a@b'>{device.format('closed')}</presence>"
    assert Presence.parse(closed.encode()) == Presence("pres:a@b", False)
    assert Presence.parse(b"<presence entity='pres:a@b'/>") == Presence("pres:a@b", False)


@pytest.mark.parametrize(
    "data",
    [
        b"<presence><tuple id='1'/></presence>",
        b"<presence><tuple id='1'><status><basic>ajar</basic></status></tuple></presence>",
        b"<dialog-info/>",
        b"<!DOCTYPE presence><presence/>",
    ],
)
def test_what_does_not_say_it_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        Presence.parse(data)


def test_an_activity_that_is_no_word_is_passed_over_when_read_and_refused_when_written() -> None:
    data = b"<presence><person><activities><W/></activities></person></presence>"
    assert Presence.parse(data).activity == ""
    with pytest.raises(LocalProtocolError):
        Presence("sip:a@b", True, "away/><x").to_bytes()
    with pytest.raises(LocalProtocolError):
        Presence("sip:a\x07@b", True).to_bytes()


words = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12)


@given(words, st.booleans(), st.sampled_from(["", "away", "on-the-phone"]), words, words)
def test_what_is_written_is_read_back(
    entity: str, is_open: bool, activity: str, note: str, contact: str
) -> None:
    presence = Presence(entity, is_open, activity, note, contact)
    assert Presence.parse(presence.to_bytes()) == presence
