"""The picture: well-formed whatever is in a message, complete, and readable in both schemes."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ladder.lifelines import bars
from gateway.ladder.steps import ladder
from gateway.ladder.svg import svg
from tests.gateway.ladder.stories import HOLD, SDP, ZONE, Telling, answered

NAMESPACE = "{http://www.w3.org/2000/svg}"
NASTY = "]]>\x00\x07<script>alert(1)</script> & \"quotes\" 'more' \ud800 \ufffe \x1b[31m <!-- &amp; Ж 你 🙂"


def read(told: Telling, *, full: bool = False) -> ElementTree.Element:
    return ElementTree.fromstring(svg(told.ladder, ZONE, full=full))


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(one.itertext()) for one in root.iter(f"{NAMESPACE}text")]


def steps(root: ElementTree.Element) -> list[ElementTree.Element]:
    return [one for one in root.iter(f"{NAMESPACE}g") if "step" in one.get("class", "")]


def test_there_is_one_arrow_for_each_message_with_its_moment_and_the_time_since_the_one_before() -> None:
    root = read(answered())
    assert len(steps(root)) == len(answered().ladder.steps)
    assert [one.get("class") for one in steps(root)][:4] == [
        "step request",
        "step provisional",
        "step page",
        "step page",
    ]
    words = texts(root)
    for word in (
        "17:58:48.010",
        "+0.010",
        "+38.000",
        "38.0 s later",
        "INVITE1",
        "200 OK2 BYE",
        "ring",
        "PBX",
        "browser",
    ):
        assert word in words
    assert "Call in: +7 916 123-45-67 → 101" in words


def test_arrows_go_the_way_of_the_message_and_follow_each_other_downwards() -> None:
    arrows = [one.find(f"{NAMESPACE}path") for one in steps(read(answered()))]
    found = [
        re.fullmatch(r"M([\d.]+) ([\d.]+)H([\d.]+)", one.get("d", "")) for one in arrows if one is not None
    ]
    ends = [(float(one[1]), float(one[3])) for one in found if one]
    told = answered().ladder.steps
    assert [target > source for source, target in ends] == [one.target > one.source for one in told]
    heights = [float(one[2]) for one in found if one]
    assert heights == sorted(set(heights))
    assert len(heights) == len(told)


def test_messages_of_one_transaction_have_one_colour_and_frames_another() -> None:
    colours = [one.find(f"{NAMESPACE}path").get("style") for one in steps(read(answered()))]  # type: ignore[union-attr]
    told = answered().ladder.steps
    by_transaction = {one.transaction: colour for one, colour in zip(told, colours, strict=True)}
    assert [by_transaction[one.transaction] for one in told] == colours
    assert by_transaction[-1] is None
    assert len(set(by_transaction.values())) == 3


def test_the_whole_message_is_shown_where_the_pointer_rests_and_below_when_it_is_asked_for() -> None:
    root = read(answered())
    titles = [one.findtext(f"{NAMESPACE}title", "") for one in steps(root)]
    assert "m=audio 4000 RTP/AVP 8 101" in titles[0]
    assert "m=audio 4000 RTP/AVP 8 101" not in texts(root)
    assert "m=audio 4000 RTP/AVP 8 101" in texts(read(answered(), full=True))


def test_a_line_that_is_too_long_goes_on_in_the_next_one() -> None:
    told = Telling().say("INVITE", "1 INVITE", "X: " + "y" * 1000)
    assert "".join(one for one in texts(read(told, full=True)) if set(one) <= set("X: y")).count("y") == 1000


@pytest.mark.parametrize("place", ["start", "header", "sdp", "frame", "party", "call_id", "peer"])
def test_nothing_in_a_message_breaks_the_picture(place: str) -> None:
    told = Telling().say(
        "INVITE",
        "1 INVITE",
        f"Reason: {NASTY}" if place == "header" else "X: y",
        sdp=NASTY if place == "sdp" else SDP,
    )
    told.see(NASTY if place == "frame" else "ring", NASTY)
    if place == "start":
        told.said[0].text = f"{NASTY} {told.said[0].text}"
    if place == "peer":
        told.said[0].peer = NASTY
    story = told.story
    story.heading.party = NASTY if place == "party" else "x"
    story.legs[0].call_id = NASTY if place == "call_id" else "c0"
    drawn = svg(ladder(story), ZONE, full=True)
    root = ElementTree.fromstring(drawn)
    assert root.find(f".//{NAMESPACE}script") is None
    drawn.encode()


@given(st.text(max_size=300), st.text(max_size=60))
@settings(max_examples=60)
def test_any_text_gives_a_picture(text: str, what: str) -> None:
    told = Telling().say("INVITE", "1 INVITE").see(what)
    told.said[0].text = text
    ElementTree.fromstring(svg(told.ladder, ZONE, full=True))


def test_both_schemes_have_every_colour() -> None:
    drawn = svg(answered().ladder, ZONE)
    light, _, dark = drawn.partition("@media (prefers-color-scheme: dark)")
    named = set(re.findall(r"var\((--\w+)\)", drawn))
    for scheme in (light, dark.partition("text {")[0]):
        assert named <= set(re.findall(r"(--\w+):", scheme))


def test_text_has_room() -> None:
    """No title is wider than its arrow, no heading wider than the picture (widths are those of the faces, on the safe side)."""
    told = Telling().say("INVITE", "1 INVITE", "Reason: " + "r" * 500).see("w" * 300, "d" * 300)
    told.say("200 " + "O" * 300, "1 INVITE", sent=True)
    story = told.story
    story.heading.party = "p" * 500
    root = ElementTree.fromstring(svg(ladder(story), ZONE))
    width = float(root.get("width", "0"))
    for one in root.iter(f"{NAMESPACE}text"):
        words, kind = "".join(one.itertext()), one.get("class", "").split()[0]
        face = {"head": 9.2, "title": 8.1, "column": 8.1}.get(kind, 6.65)
        assert len(words) * face <= width, (kind, words)


def test_what_is_missing_is_said() -> None:
    story = answered().story
    story.legs[0].left_out, story.legs[0].gap = 12, 2
    story.frames_left_out = 3
    words = texts(ElementTree.fromstring(svg(ladder(story), ZONE)))
    assert "12 messages were not kept" in words
    assert "3 frames of pages were not kept" in words


def test_a_dialog_s_bar_is_hollow_full_and_pale_while_it_is_early_confirmed_and_held() -> None:
    told = Telling(legs=2).say("INVITE", "1 INVITE", to="").say("180 Ringing", "1 INVITE", sent=True)
    told.say("200 OK", "1 INVITE", sent=True).say("INVITE", "5 INVITE", sent=True, sdp=HOLD).say(
        "200 OK", "5 INVITE", sdp=SDP
    )
    told.say("BYE", "2 BYE").say("200 OK", "2 BYE", sent=True).say(
        "INVITE", "1 INVITE", leg=1, to="", sent=True
    )
    drawn = bars(told.ladder, [float(10 * place) for place in range(8)], 100.0, 200.0)
    heights = [
        (re.findall(r' (?:y|height)="([\d.]+)"', one), re.findall(r"fill(?:-opacity)?=\"([^\"]+)\"", one))
        for one in drawn
    ]
    assert heights == [
        (["0", "10"], ["var(--paper)"]),
        (["10", "10"], ["var(--paper)"]),
        (["20", "20"], ["var(--t0)"]),
        (["40", "20"], ["var(--t0)", ".35"]),
        (["70", "130"], ["var(--paper)"]),
    ]
    assert "stroke-dasharray" in drawn[0]
    assert "stroke-dasharray" not in drawn[1]


def test_an_empty_ladder_is_a_picture_too() -> None:
    assert steps(read(Telling())) == []
