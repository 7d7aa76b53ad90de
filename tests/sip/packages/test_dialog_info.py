"""Documents of RFC 4235 as the RFC, Asterisk, FreeSWITCH and Kamailio write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import LocalProtocolError, ParseError
from sip.packages.dialog_info import DialogEntry, DialogInfo, DialogState, Participant

DOCUMENTS = Path(__file__).parent / "documents"

RFC = b"""<?xml version="1.0"?>
<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="1" state="partial" entity="sip:alice@example.com">
  <dialog id="as7d900as8" call-id="a84b4c76e66710" local-tag="1928301774" remote-tag="hh76a" direction="initiator">
    <state event="rejected" code="486">terminated</state>
    <duration>274</duration>
    <replaces call-id="x" local-tag="y" remote-tag="z"/>
    <local><identity display="Alice">sip:alice@example.com</identity>
      <target uri="sip:alice@pc33.example.com"><param pname="+sip.rendering" pvalue="no"/>
        <param pname="isfocus" pvalue="true"/></target></local>
    <remote><identity display="Bob">sip:bob@example.org</identity></remote>
  </dialog>
</dialog-info>"""


def document(name: str) -> DialogInfo:
    return DialogInfo.parse((DOCUMENTS / f"{name}.xml").read_bytes())


def test_all_that_4_1_has_is_read() -> None:
    assert DialogInfo.parse(RFC) == DialogInfo(
        version=1,
        is_full=False,
        entity="sip:alice@example.com",
        dialogs=(
            DialogEntry(
                id="as7d900as8",
                state=DialogState.TERMINATED,
                event="rejected",
                code=486,
                direction="initiator",
                call_id="a84b4c76e66710",
                local_tag="1928301774",
                remote_tag="hh76a",
                local=Participant("sip:alice@example.com", "Alice", "sip:alice@pc33.example.com", False),
                remote=Participant("sip:bob@example.org", "Bob"),
                duration=274,
            ),
        ),
    )


def test_asterisks_pseudo_dialog_has_neither_call_id_nor_tags() -> None:
    (ringing,) = document("asterisk-ringing").dialogs
    assert (ringing.id, ringing.state, ringing.direction) == ("101", "early", "recipient")
    assert (ringing.call_id, ringing.local_tag, ringing.remote_tag) == (None, None, None)
    assert ringing.remote is not None
    assert (ringing.remote.display, ringing.remote.identity) == ("Иван Петров", "sip:+79160000001@127.0.0.1")
    assert document("asterisk-talking").dialogs == (DialogEntry("101", DialogState.CONFIRMED),)


def test_a_hold_is_told_by_the_rendering() -> None:
    (held,) = document("asterisk-held").dialogs
    assert held.local is not None
    assert held.local.is_rendering is False
    (ringing,) = document("freeswitch-early").dialogs
    assert ringing.local is not None
    assert ringing.local.is_rendering is True


def test_kamailios_padded_version_is_a_number() -> None:
    info = document("kamailio-confirmed")
    assert (info.version, info.is_full, len(info.dialogs)) == (44, True, 2)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'version="1"', b'version="x"'),
        (b'version="1"', b'version="9999999999999999"'),
        (b'version="1"', b'version="-1"'),
        (b'state="partial"', b'state="whole"'),
        (b"dialog-info", b"presence"),
        (b'<?xml version="1.0"?>', b"<!DOCTYPE dialog-info>"),
    ],
)
def test_what_cannot_be_put_in_order_is_refused(old: bytes, new: bytes) -> None:
    with pytest.raises(ParseError):
        DialogInfo.parse(RFC.replace(old, new))


def test_what_is_absent_is_taken_for_the_usual() -> None:
    info = DialogInfo.parse(b'<dialog-info><dialog id="1"><state>Confirmed</state></dialog></dialog-info>')
    assert info == DialogInfo(0, True, "", (DialogEntry("1", DialogState.CONFIRMED),))


@pytest.mark.parametrize(
    "dialog",
    [b"<dialog id='1'/>", b"<dialog><state>early</state></dialog>", b"<dialog id='1'><state>odd</state></dialog>"],
)  # fmt: skip
def test_a_dialog_that_cannot_be_understood_is_counted_and_the_others_are_read(dialog: bytes) -> None:
    info = DialogInfo.parse(
        b'<dialog-info version="1" state="full">%b<dialog id="2"><state>early</state></dialog></dialog-info>'
        % dialog
    )
    assert ([one.id for one in info.dialogs], info.skipped) == (["2"], 1)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b'code="486"', b'code="many"', "code"),
        (b'direction="initiator"', b'direction="sideways"', "direction"),
        (b"<duration>274<", b"<duration>long<", "duration"),
        (b'call-id="a84b4c76e66710"', b'call-id=""', "call_id"),
    ],
)
def test_what_is_no_value_counts_as_not_told(old: bytes, new: bytes, field: str) -> None:
    (dialog,) = DialogInfo.parse(RFC.replace(old, new)).dialogs
    assert getattr(dialog, field) is None


words = st.text(st.characters(min_codepoint=33, max_codepoint=0x4FF), min_size=1, max_size=12)
participants = st.builds(
    Participant, words, st.just("") | words, st.just("") | words, st.sampled_from([None, True, False])
)
entries = st.builds(
    DialogEntry,
    words,
    st.sampled_from(DialogState),
    event=st.none() | words,
    code=st.none() | st.integers(300, 699),
    direction=st.sampled_from([None, "initiator", "recipient"]),
    call_id=st.none() | words,
    local_tag=st.none() | words,
    remote_tag=st.none() | words,
    local=st.none() | participants,
    remote=st.none() | participants,
    duration=st.none() | st.integers(0, 10**6),
)


@given(
    st.builds(
        DialogInfo, st.integers(0, 2**31), st.booleans(), words, st.lists(entries, max_size=3).map(tuple)
    )
)
def test_what_is_written_is_read_back(info: DialogInfo) -> None:
    assert DialogInfo.parse(info.to_bytes()) == info


def test_what_no_xml_can_hold_is_refused() -> None:
    with pytest.raises(LocalProtocolError):
        DialogInfo(1, True, "sip:a\x00b").to_bytes()
