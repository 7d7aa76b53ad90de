"""What a locator remembers, asks, and thinks of servers (RFC 3263 §4.3, RFC 2308, RFC 8767)."""

from __future__ import annotations

from collections import Counter

from sip.deadlines import Deadlines
from sip.flow import Flow
from sip.ids import SeededIds
from sip.location.locator import PATIENCE, SILENCE, Locator
from sip.location.plan import Hop
from sip.location.records import Answer, Kind, Question
from tests.sip.location.zone import Zone

HOP = Hop("pbx.example", None, ("udp",))
SRV = Question(Kind.SRV, "_sip._udp.pbx.example")


class Scene:
    """A locator, its zone and its clock."""

    def __init__(self, ttl: float = 600.0) -> None:
        self.zone = Zone(ttl)
        self.deadlines: Deadlines[object, str] = Deadlines()
        self.counters: Counter[str] = Counter()
        self.locator = Locator(SeededIds(), self.deadlines, counters=self.counters)  # type: ignore[arg-type]
        self.now = 0.0
        self.zone.srv("_sip._udp.pbx.example", (10, 0, 5060, "one.example"), (20, 0, 5070, "two.example"))
        self.zone.a("one.example", "192.0.2.1")
        self.zone.a("two.example", "192.0.2.2")

    def find(self, hop: Hop = HOP) -> list[str]:
        """The hosts of a hop, asked for where that is needed."""
        found = self.locator.locate(hop, self.now)
        if found is None:
            self.zone.serve(self.locator, self.now)
            found = self.locator.locate(hop, self.now)
        assert found is not None
        return [target.flow.remote[0] for target in found]

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while (at := self.deadlines.next_deadline()) is not None and at <= end:
            self.now = at
            for owner, name in self.deadlines.due(at):
                assert owner is self.locator
                self.locator.handle_timer(name, at)
        self.now = end


ONE, TWO = Flow("udp", ("192.0.2.1", 5060)), Flow("udp", ("192.0.2.2", 5070))


def test_whoever_waits_is_told_when_the_last_answer_came() -> None:
    scene = Scene()
    told: list[float] = []
    assert scene.locator.locate(HOP, 1.0) is None
    scene.locator.wait(HOP, told.append)
    scene.locator.wait(HOP, told.append)
    scene.locator.answered(scene.zone.answer(SRV), 2.0)
    assert told == [], "the addresses are not known yet"
    scene.now = 3.0
    scene.zone.serve(scene.locator, 3.0)
    assert told == [3.0, 3.0]
    assert scene.find() == ["192.0.2.1", "192.0.2.2"]
    assert scene.deadlines.next_deadline() is None


def test_many_who_ask_at_once_make_one_question() -> None:
    scene = Scene()
    for _ in range(100):
        assert scene.locator.locate(HOP, 0.0) is None
    assert scene.locator.questions == [SRV]


def test_an_answer_holds_for_its_ttl_and_is_asked_for_anew_after_it() -> None:
    scene = Scene(ttl=600)
    scene.find()
    asked = len(scene.zone.asked)
    scene.now = 599
    scene.find()
    assert len(scene.zone.asked) == asked
    scene.now = 601
    scene.zone.srv("_sip._udp.pbx.example", (10, 0, 5060, "two.example"))
    assert scene.find() == ["192.0.2.2"]


def test_a_ttl_of_0_does_not_make_each_request_a_question() -> None:
    scene = Scene(ttl=0)
    scene.find()
    asked = len(scene.zone.asked)
    scene.now = 4.9
    scene.find()
    assert len(scene.zone.asked) == asked


def test_an_absence_is_kept_for_five_minutes_at_most() -> None:
    scene = Scene(ttl=86_400)
    nowhere = Hop("nowhere.example", None, ("udp",))
    assert scene.find(nowhere) == []
    scene.zone.a("nowhere.example", "192.0.2.9")
    scene.now = 299
    assert scene.find(nowhere) == []
    scene.now = 301
    assert scene.find(nowhere) == ["192.0.2.9"]


def test_a_silent_server_comes_last_for_a_while_and_never_not_at_all() -> None:
    scene = Scene()
    assert scene.find() == ["192.0.2.1", "192.0.2.2"]
    scene.locator.fall_silent(ONE, 0.0)
    assert scene.find() == ["192.0.2.2", "192.0.2.1"]
    scene.locator.fall_silent(TWO, 0.0)
    assert scene.find() == ["192.0.2.1", "192.0.2.2"], "all are silent: as if none was"
    scene.now = SILENCE
    assert scene.find() == ["192.0.2.1", "192.0.2.2"]


def test_a_server_that_answers_is_no_longer_silent() -> None:
    scene = Scene()
    scene.find()
    scene.locator.fall_silent(ONE, 0.0)
    scene.locator.speak(TWO)
    assert scene.locator.is_silent(ONE, 1.0)
    scene.locator.speak(ONE)
    assert not scene.locator.is_silent(ONE, 1.0)
    assert scene.find() == ["192.0.2.1", "192.0.2.2"]


def test_a_dns_that_is_gone_leaves_the_last_answer_standing() -> None:
    scene = Scene(ttl=60)
    scene.find()
    scene.zone.broken |= set(scene.zone.records)
    scene.now = 61
    assert scene.find() == ["192.0.2.1", "192.0.2.2"]
    assert scene.counters["locating_failed"] == 3
    asked = len(scene.zone.asked)
    scene.now = 90
    scene.find()
    assert len(scene.zone.asked) == asked, "half a minute between two attempts"
    scene.now = 86_500
    assert scene.find() == [], "a day is long enough"


def test_a_dns_that_fails_from_the_beginning_is_asked_again_soon() -> None:
    scene = Scene()
    scene.zone.broken |= set(scene.zone.records)
    scene.zone.broken.add(Question(Kind.A, "pbx.example"))
    assert scene.find() == []
    scene.zone.broken.clear()
    scene.now = 5.0
    assert scene.find() == ["192.0.2.1", "192.0.2.2"]


def test_a_shell_that_never_answers_makes_nobody_wait_for_ever() -> None:
    scene = Scene()
    told: list[float] = []
    assert scene.locator.locate(HOP, 0.0) is None
    scene.locator.wait(HOP, told.append)
    scene.pass_time(3 * PATIENCE)
    assert told == [2 * PATIENCE], "for the SRV records, then for the host of that name"
    assert scene.locator.locate(HOP, told[0]) == ()
    assert scene.counters["locating_failed"] == 2


def test_an_answer_to_no_question_is_counted_and_changes_nothing() -> None:
    scene = Scene()
    scene.find()
    scene.locator.answered(Answer(Question(Kind.A, "one.example"), ("203.0.113.66",), 9999), 1.0)
    assert scene.find() == ["192.0.2.1", "192.0.2.2"]
    assert scene.counters["locating_unasked"] == 1


def test_a_flood_of_names_is_bounded_and_those_beyond_are_told_so_at_once() -> None:
    scene = Scene()
    hops = [Hop(f"h{number}.example", 5060, ("udp",)) for number in range(400)]
    found = [scene.locator.locate(hop, 0.0) for hop in hops]
    assert found.count(None) == 256
    assert found.count(()) == 144
    assert scene.counters["locating_refused"] == 144
    scene.pass_time(PATIENCE)
    assert scene.find() == ["192.0.2.1", "192.0.2.2"]


def test_servers_of_one_priority_share_the_load_by_weight() -> None:
    scene = Scene()
    scene.zone.srv("_sip._udp.pbx.example", (10, 80, 5060, "one.example"), (10, 20, 5060, "two.example"))
    first = Counter(scene.find()[0] for _ in range(2000))
    assert 1500 < first["192.0.2.1"] < 1700
