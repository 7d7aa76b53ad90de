"""The calls of one observed user from documents in order, repeated, missed, and in every PBX's flavour (RFC 4235 §4.3)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sip.packages.dialog_info import DialogEntry, DialogInfo, DialogState
from sip.packages.dialog_states import Changes, DialogStates
from tests.sip.packages.test_dialog_info import document


def full(version: int, **dialogs: str) -> DialogInfo:
    return DialogInfo(version, True, "sip:a@b", entries(dialogs))


def partial(version: int, **dialogs: str) -> DialogInfo:
    return DialogInfo(version, False, "sip:a@b", entries(dialogs))


def entries(dialogs: dict[str, str]) -> tuple[DialogEntry, ...]:
    return tuple(DialogEntry(name, DialogState(state)) for name, state in dialogs.items())


def ids(dialogs: tuple[DialogEntry, ...]) -> list[str]:
    return [f"{dialog.id} {dialog.state}" for dialog in dialogs]


def test_asterisks_lamp_goes_from_dark_over_ringing_to_busy_and_back() -> None:
    calls = DialogStates()
    lamps = []
    for name in ("idle", "ringing", "talking", "held", "idle"):
        calls.apply(document(f"asterisk-{name}"))
        lamps.append(calls.lamp)
    assert lamps == [None, "early", "confirmed", "confirmed", None]
    assert calls.dialogs == ()


def test_asterisk_after_a_restart_counts_from_0_in_the_same_dialog_and_is_believed() -> None:
    calls = DialogStates()
    calls.apply(document("asterisk-talking"))
    changes = calls.apply(document("asterisk-idle"))
    assert ids(changes.ended) == ["101 terminated"]
    assert (calls.lamp, calls.version) == (None, 0)


def test_asterisks_party_stays_known_though_only_told_while_it_rings() -> None:
    calls = DialogStates()
    calls.apply(document("asterisk-ringing"))
    (talking,) = calls.apply(document("asterisk-talking")).changed
    assert talking.remote is not None
    assert talking.remote.identity == "sip:+79160000001@127.0.0.1"
    assert talking.direction == "recipient"


def test_freeswitchs_call_id_stays_known_though_only_told_at_first() -> None:
    calls = DialogStates()
    assert calls.apply(document("freeswitch-full")) == Changes()
    calls.apply(document("freeswitch-early"))
    (confirmed,) = calls.apply(document("freeswitch-confirmed")).changed
    assert (confirmed.call_id, confirmed.local_tag) == ("5Hc7a.Zx1@192.0.2.30", "4Zr0Ne")
    (ended,) = calls.apply(document("freeswitch-terminated")).ended
    assert (ended.call_id, ended.state) == ("5Hc7a.Zx1@192.0.2.30", "terminated")
    assert calls.lamp is None


def test_kamailios_versions_leap_since_they_are_the_presentitys_and_every_document_is_full() -> None:
    calls = DialogStates()
    for name in ("trying", "confirmed"):
        assert not calls.apply(document(f"kamailio-{name}")).needs_refresh
    assert ids(calls.dialogs) == ["6d7c-1@192.0.2.41 confirmed", "6d7c-9@192.0.2.41 early"]
    changes = calls.apply(document("kamailio-empty"))
    assert ids(changes.ended) == ["6d7c-1@192.0.2.41 terminated", "6d7c-9@192.0.2.41 terminated"]


def test_a_partial_document_changes_what_it_names_alone() -> None:
    calls = DialogStates()
    calls.apply(full(3, a="early", b="confirmed"))
    changes = calls.apply(partial(4, a="confirmed", c="trying"))
    assert ids(changes.changed) == ["a confirmed", "c trying"]
    assert ids(calls.dialogs) == ["a confirmed", "b confirmed", "c trying"]
    assert not changes.needs_refresh


def test_a_gap_before_a_partial_document_wants_a_refresh_and_counts_all_the_same() -> None:
    calls = DialogStates()
    calls.apply(full(3, a="early"))
    changes = calls.apply(partial(5, b="early"))
    assert changes.needs_refresh
    assert ids(calls.dialogs) == ["a early", "b early"]
    assert not calls.apply(full(6, b="early")).needs_refresh
    assert ids(calls.dialogs) == ["b early"]


def test_a_first_document_that_is_partial_wants_a_refresh() -> None:
    calls = DialogStates()
    assert calls.apply(partial(0, a="early")).needs_refresh


def test_a_repeated_partial_document_changes_nothing() -> None:
    calls = DialogStates()
    calls.apply(full(3, a="early"))
    calls.apply(partial(4, a="confirmed"))
    assert calls.apply(partial(4, a="early")) == Changes(is_stale=True)
    assert calls.apply(partial(2, a="early")) == Changes(is_stale=True)
    assert ids(calls.dialogs) == ["a confirmed"]


def test_what_was_never_known_needs_no_end() -> None:
    calls = DialogStates()
    assert calls.apply(full(1, a="terminated")) == Changes()


def test_the_number_of_dialogs_has_a_bound() -> None:
    calls = DialogStates()
    changes = calls.apply(full(0, **{f"d{number}": "early" for number in range(600)}))
    assert len(calls.dialogs) == 500
    assert changes.needs_refresh


def test_the_lamp_shows_the_furthest() -> None:
    calls = DialogStates()
    for state in ("trying", "proceeding", "early", "confirmed"):
        calls.apply(full(0, a="trying", b=state))
        assert calls.lamp == state


@given(
    st.lists(
        st.dictionaries(st.sampled_from("abc"), st.sampled_from([str(one) for one in DialogState])),
        max_size=8,
    )
)
def test_partial_documents_end_where_a_full_one_would(steps: list[dict[str, str]]) -> None:
    """apply(full, partial, partial…) is the same as one full document of the whole."""
    calls = DialogStates()
    whole: dict[str, str] = {}
    calls.apply(full(0))
    for version, step in enumerate(steps, 1):
        changes = calls.apply(partial(version, **step))
        assert not changes.needs_refresh
        whole |= step
        whole = {name: state for name, state in whole.items() if state != "terminated"}
    assert {one.id: str(one.state) for one in calls.dialogs} == whole
