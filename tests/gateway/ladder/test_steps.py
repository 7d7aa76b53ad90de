"""From a story to steps: columns, transactions, and the life of each dialog."""

from gateway.ladder.steps import MOST_PEERS, Ladder
from tests.gateway.ladder.stories import HOLD, SDP, Telling, answered


def lives(ladder: Ladder, leg: int = 0) -> list[tuple[str, str]]:
    """What each message made of a leg's dialog."""
    return [(f"{one.title} {one.cseq}", one.news) for one in ladder.steps if one.leg == leg and one.news]


def test_the_columns_are_the_pbx_we_and_the_browser() -> None:
    ladder = answered().ladder
    assert [(one.title, one.subtitle) for one in ladder.columns] == [
        ("PBX", "192.0.2.1:5060 udp"),
        ("Trubka", "extension 101"),
        ("browser", "tab tab-a"),
    ]
    invite, trying, ring, acknowledged, *_ = ladder.steps
    assert [(one.source, one.target) for one in (invite, trying, ring, acknowledged)] == [
        (0, 1),
        (1, 0),
        (1, 2),
        (2, 1),
    ]


def test_without_frames_there_is_no_browser_and_without_messages_a_pbx_all_the_same() -> None:
    assert [one.title for one in Telling().say("INVITE", "1 INVITE").ladder.columns] == ["PBX", "Trubka"]
    assert [one.title for one in Telling().see("ring").ladder.columns] == ["PBX", "Trubka", "browser"]


def test_many_addresses_share_the_last_column() -> None:
    told = Telling()
    for number in range(7):
        told.say("OPTIONS", f"{number} OPTIONS", peer=f"192.0.2.{number}:5060")
    ladder = told.ladder
    assert [one.subtitle for one in ladder.columns[:-1]] == [
        "192.0.2.0:5060 udp",
        "192.0.2.1:5060 udp",
        "5 addresses",
    ]
    assert [one.source for one in ladder.steps] == [0, 1, 2, 2, 2, 2, 2]
    assert ladder.us == MOST_PEERS


def test_request_responses_and_ack_are_of_one_transaction() -> None:
    steps = [one for one in answered().ladder.steps if one.leg == 0]
    assert [(one.title, one.transaction) for one in steps] == [
        ("INVITE", 0), ("100 Trying", 0), ("180 Ringing", 0), ("200 OK", 0), ("ACK", 0), ("BYE", 1), ("200 OK", 1),
    ]  # fmt: skip


def test_the_same_number_of_the_other_side_or_another_leg_is_another_transaction() -> None:
    told = Telling(legs=2).say("UPDATE", "2 UPDATE").say("200 OK", "2 UPDATE", sent=True)
    told.say("UPDATE", "2 UPDATE", sent=True).say("UPDATE", "2 UPDATE", leg=1).say("200 OK", "2 UPDATE")
    assert [one.transaction for one in told.ladder.steps] == [0, 0, 1, 2, 1]


def test_an_answered_call_is_begun_early_confirmed_and_ended() -> None:
    assert lives(answered().ladder) == [
        ("INVITE 1", "begun"),
        ("180 Ringing 1 INVITE", "early dialog"),
        ("200 OK 1 INVITE", "confirmed"),
        ("200 OK 2 BYE", "ended"),
    ]


def test_a_challenge_does_not_end_it_and_a_refusal_does() -> None:
    told = (
        Telling()
        .say("INVITE", "1 INVITE", sent=True, to="")
        .say("407 Proxy", "1 INVITE")
        .say("ACK", "1 ACK", sent=True)
    )
    told.say("INVITE", "2 INVITE", sent=True, to="").say("486 Busy Here", "2 INVITE")
    assert lives(told.ladder) == [("INVITE 1", "begun"), ("486 Busy Here 2 INVITE", "ended")]


def test_an_invite_after_the_end_begins_anew() -> None:
    told = Telling().say("INVITE", "1 INVITE", to="").say("500 Oops", "1 INVITE", sent=True)
    assert lives(told.say("INVITE", "2 INVITE", to="").ladder)[-1] == ("INVITE 2", "begun")


def test_hold_and_resume_are_told_with_who_holds() -> None:
    told = answered()
    told.say("INVITE", "5 INVITE", sent=True, sdp=HOLD).say("200 OK", "5 INVITE", sdp=SDP)
    assert lives(told.ladder)[-1] == ("200 OK 2 BYE", "ended"), "not after the end"
    told = Telling().say("INVITE", "1 INVITE", to="", sdp=SDP).say("200 OK", "1 INVITE", sent=True, sdp=SDP)
    told.say("INVITE", "5 INVITE", sent=True, sdp=HOLD).say("200 OK", "5 INVITE", sdp=SDP)
    told.say("INVITE", "6 INVITE", sent=True, sdp=SDP).say("200 OK", "6 INVITE", sdp=SDP)
    told.say("UPDATE", "2 UPDATE", sdp=HOLD).say("200 OK", "2 UPDATE", sent=True, sdp=SDP)
    told.say("UPDATE", "3 UPDATE", sdp=HOLD).say("488 Not Acceptable Here", "3 UPDATE", sent=True)
    assert [news for _, news in lives(told.ladder)] == [
        "begun",
        "confirmed",
        "held by us",
        "resumed",
        "held by the PBX",
    ]


def test_a_dialog_that_the_peer_does_not_know_any_more_is_ended() -> None:
    told = answered()
    told.said = told.said[:5]
    assert (
        lives(told.say("UPDATE", "9 UPDATE", sent=True).say("481 Gone", "9 UPDATE").ladder)[-1][1] == "ended"
    )


def test_a_call_of_an_earlier_life_goes_on_with_its_update() -> None:
    told = Telling().say("UPDATE", "101 UPDATE", sent=True).say("200 OK", "101 UPDATE")
    assert lives(told.ladder) == [("UPDATE 101", "goes on")]
    assert lives(Telling().say("CANCEL", "1 CANCEL", sent=True).ladder) == [("CANCEL 1", "begun")]


def test_a_request_without_any_response_is_marked_and_an_ack_is_not() -> None:
    told = (
        Telling()
        .say("INVITE", "1 INVITE")
        .say("ACK", "9 ACK")
        .say("BYE", "2 BYE")
        .say("200 OK", "2 BYE", sent=True)
    )
    assert [one.remark for one in told.ladder.steps] == ["no response", "", "", ""]


def test_what_is_repeated_is_marked() -> None:
    told = Telling().say("INVITE", "1 INVITE").say("INVITE", "1 INVITE")
    told.said[1].again = True
    assert [one.remark for one in told.ladder.steps] == ["no response", "again"]


def test_what_was_not_kept_is_told_where_it_is_missing() -> None:
    story = answered().story
    story.legs[0].left_out, story.legs[0].gap = 12, 2
    ladder = answered().ladder
    assert [one.missing for one in ladder.steps] == [0] * len(ladder.steps)
    from gateway.ladder.steps import ladder as laid_out

    assert [(one.title, one.missing) for one in laid_out(story).steps if one.missing] == [("180 Ringing", 12)]


def test_at_one_moment_the_cause_stands_before_what_it_causes() -> None:
    told = Telling().see("delta held", after=0, changes=True).say("INVITE", "1 INVITE", sent=True, after=0)
    told.see("hold", from_page=True, after=0)
    assert [one.title for one in told.ladder.steps] == ["hold", "INVITE", "delta held"]


def test_frames_have_their_tone() -> None:
    told = (
        Telling()
        .see("hold", from_page=True, failed=True)
        .see("delta pending hold")
        .see("delta held", changes=True)
    )
    assert [(one.tone, one.quiet) for one in told.ladder.steps] == [
        ("failure", False),
        ("page", True),
        ("page", False),
    ]
    assert all(one.transaction == one.leg == -1 for one in told.ladder.steps)


def test_an_empty_story_is_a_ladder_without_steps() -> None:
    assert Telling().ladder.steps == []
