"""What an INVITE says of answering, ringing, and who calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.headers import Reason
from sip.invitation import AnswerMode, Invitation
from tests.sip.messages import lines, request


def invitation(*extra: str) -> Invitation:
    return Invitation(request(lines(*extra, method="INVITE")))


def test_a_plain_invite_says_nothing_of_all_that() -> None:
    said = invitation()
    assert (said.answer_mode, said.priv_answer_mode, said.answer_after) == (None, None, None)
    assert (said.alert_info, said.alert_urns, said.call_info) == ([], [], [])
    assert (said.asserted_identities, said.remote_parties, said.wants_privacy) == ([], [], False)
    assert (said.diversions, said.history, said.diverted_from, said.referred_by) == ([], [], None, None)
    assert str(said.caller.uri) == "sip:a@example.com"


@pytest.mark.parametrize(
    ("value", "mode"),
    [("Auto", AnswerMode("auto", False)), ("manual;require", AnswerMode("manual", True)), ("AUTO ; Require", AnswerMode("auto", True)),
     ("Sometimes", None), ("", None), ("Auto;a b=c", None)],
)  # fmt: skip
def test_answer_mode_is_read_rfc5373(value: str, mode: AnswerMode | None) -> None:
    assert invitation(f"Answer-Mode: {value}").answer_mode == mode
    assert invitation(f"Priv-Answer-Mode: {value}").priv_answer_mode == mode


@pytest.mark.parametrize(
    ("header", "after"),
    [
        ("Call-Info: <sip:pbx.example.com>;answer-after=0", 0.0),
        ("Call-Info: answer-after=5", 5.0),
        ("Alert-Info: info=alert-autoanswer", 0.0),
        ("Alert-Info: ;info=alert-autoanswer", 0.0),
        ("Alert-Info: <http://www.notused.com>;info=alert-autoanswer;delay=3", 3.0),
        ("Alert-Info: <http://127.0.0.1/x>;answer-after=2", 2.0),
        ("Alert-Info: intercom=true", 0.0),
        ("Alert-Info: Ring Answer", 0.0),
        ("Alert-Info: Auto Answer", 0.0),
        ("Answer-Mode: Auto", 0.0),
        ("Priv-Answer-Mode: Auto;require", 0.0),
        ("P-Auto-Answer: normal", 0.0),
        ("Answer-Mode: Manual", None),
        ("Alert-Info: <http://pbx/ring.wav>", None),
        ("Alert-Info: info=alert-group", None),
        ("Alert-Info: intercom=false", None),
        ("Call-Info: <http://pbx/a.png>;purpose=icon", None),
        ("Call-Info: <sip:a>;answer-after=-1", None),
        ("Call-Info: <sip:a>;answer-after=9999", None),
    ],
)
def test_a_wish_for_an_answer_without_a_hand_is_read_as_pbxs_write_it(
    header: str, after: float | None
) -> None:
    assert invitation(header).answer_after == after


def test_alert_info_has_uris_and_urns_rfc7462() -> None:
    said = invitation(
        "Alert-Info: <urn:alert:service:call-waiting>, <URN:alert:source:internal>",
        "Alert-Info: <http://pbx/ring.wav>;appearance=2",
    )
    assert said.alert_urns == ["urn:alert:service:call-waiting", "urn:alert:source:internal"]
    assert (said.alert_info[2].uri, said.alert_info[2].params) == ("http://pbx/ring.wav", {"appearance": "2"})


def test_call_info_has_purposes() -> None:
    (icon, card) = invitation(
        "Call-Info: <http://a/x,y.png>;purpose=icon, <http://a/c>;purpose=card"
    ).call_info
    assert (icon.uri, icon.params["purpose"], card.params["purpose"]) == ("http://a/x,y.png", "icon", "card")


def test_the_caller_is_whom_the_network_names_before_whom_the_caller_does() -> None:
    asserted = 'P-Asserted-Identity: "Ivan" <sip:+7916@pbx>, <tel:+7916>'
    party = 'Remote-Party-ID: "Petr" <sip:102@pbx>;party=calling;screen=yes;privacy=off'
    called = "Remote-Party-ID: <sip:103@pbx>;party=called"
    assert invitation(asserted, party).caller.display == "Ivan"
    assert invitation(called, party).caller.display == "Petr"
    assert invitation(called).caller.uri.user == "a"
    assert [str(one.uri) for one in invitation(asserted).asserted_identities] == [
        "sip:+7916@pbx",
        "tel:+7916",
    ]
    (first, second) = invitation(party, called).remote_parties
    assert (first.party, first.screened, second.party, second.screened) == ("calling", True, "called", False)


@pytest.mark.parametrize(
    ("header", "wants"),
    [("Privacy: id", True), ("Privacy: header; user", True), ("Privacy: none", False), ("Privacy: critical", False),
     ("Remote-Party-ID: <sip:1@a>;privacy=full", True), ("Remote-Party-ID: <sip:1@a>;privacy=off", False)],
)  # fmt: skip
def test_a_caller_may_not_want_to_be_shown(header: str, wants: bool) -> None:
    assert invitation(header).wants_privacy is wants


def test_diversions_are_told_latest_first_rfc5806() -> None:
    said = invitation(
        "Diversion: <sip:102@pbx>;reason=no-answer;counter=2, <sip:101@pbx>;reason=UserBusy;counter=x"
    )
    assert [(one.address.uri.user, one.reason, one.hops) for one in said.diversions] == [
        ("102", "no-answer", 2),
        ("101", "userbusy", 1),
    ]
    assert said.diverted_from is not None
    assert said.diverted_from.uri.user == "101"


def test_history_is_told_first_target_first_rfc7044() -> None:
    said = invitation(
        "History-Info: <sip:100@pbx?Reason=SIP%3Bcause%3D486%3Btext%3D%22Busy%22>;index=1",
        "History-Info: <sip:101@pbx>;index=1.1;rc=1",
    )
    assert [(one.address.uri.user, one.place, one.reason) for one in said.history] == [
        ("100", "1", Reason("SIP", 486, "Busy")),
        ("101", "1.1", None),
    ]
    assert said.diverted_from is not None
    assert said.diverted_from.uri.user == "100"
    assert invitation("History-Info: <sip:101@pbx>;index=1").diverted_from is None


def test_who_transferred_the_call_is_told_rfc3892() -> None:
    by = invitation('b: <sip:201@pbx>;cid="x@y"').referred_by
    assert by is not None
    assert (by.uri.user, by.params["cid"]) == ("201", "x@y")
    assert invitation("Referred-By: <rubbish").referred_by is None


def test_values_beyond_any_sense_are_not_read() -> None:
    assert len(invitation(*["Diversion: <sip:1@a>"] * 400).diversions) == 16


_NAMES = ["Answer-Mode", "Priv-Answer-Mode", "Alert-Info", "Call-Info", "P-Asserted-Identity", "Remote-Party-ID", "Diversion", "History-Info",
          "Referred-By", "Privacy"]  # fmt: skip
_READ = ["answer_mode", "priv_answer_mode", "answer_after", "alert_info", "alert_urns", "call_info", "asserted_identities", "remote_parties",
         "wants_privacy", "caller", "referred_by", "diversions", "history", "diverted_from"]  # fmt: skip


@given(
    st.sampled_from(_NAMES), st.text(st.characters(blacklist_characters="\r\n\0", codec="utf-8"), max_size=60)
)
def test_nothing_a_peer_writes_breaks_the_view(name: str, value: str) -> None:
    said = invitation(f"{name}: {value}")
    for attribute in _READ:
        getattr(said, attribute)
