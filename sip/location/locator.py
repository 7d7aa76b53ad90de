"""What is known of where servers are: answers with their lives, questions still to be put, and servers that keep silent.

Asks nobody itself: the shell takes `questions` and brings the answers. Knows no requests: whoever has to wait leaves a function.
Invariants:
    * every question that leaves is answered once, by the shell or, after `PATIENCE`, by its own time-out, and nobody waits longer;
    * a silent server comes last, never not at all;
    * what is kept, asked and waited for is bounded; an answer outlives the DNS that gave it (RFC 8767) by at most `_STALE`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

from sip.deadlines import Deadlines
from sip.flow import Flow
from sip.ids import Ids
from sip.location.plan import Group, Hop, Plan, Target, plan
from sip.location.records import Answer, Kind, Question, Record
from sip.location.weights import draw

if TYPE_CHECKING:
    from sip.core import TimerOwner

PATIENCE: Final = 10.0
"""Seconds after which a question counts as failed, whatever becomes of the shell that was to ask it."""

SILENCE: Final = 60.0
"""Seconds for which a server that did not answer comes after the others."""

_SHORTEST: Final = 5.0  # seconds; a TTL of 0 must not make each request a question
_LONGEST: Final = 3600.0
_LONGEST_ABSENCE: Final = 300.0  # RFC 2308 §5 allows hours: too long for a zone that is being mended
_STALE: Final = 86_400.0  # RFC 8767 §5
_RETRY: Final = 30.0  # RFC 8767 §5: how soon a stale answer is asked for anew
_MOST_KEPT: Final = 2048
_MOST_ASKED: Final = 256
_MOST_SILENT: Final = 1024

Waiter: TypeAlias = Callable[[float], None]
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class _Kept(NamedTuple):
    records: tuple[Record, ...]
    expires_at: float
    # When the DNS said so.
    said_at: float


class _Search(NamedTuple):
    """A hop that is being located."""

    began_at: float
    waiters: list[Waiter]


class Locator:
    """The servers of every hop that was asked for.

    Args:
        ids: draws among servers of one priority.
        deadlines: the core's.
        families: the kinds of addresses that our sockets can reach, in the order in which they are tried.
        counters: "locating_failed" (a question that got no answer), "locating_refused" (too many questions at once),
            "locating_unasked" (an answer to no question).
    """

    def __init__(
        self,
        ids: Ids,
        deadlines: Deadlines[TimerOwner, str],
        families: tuple[Kind, ...] = (Kind.A,),
        counters: Counter[str] | None = None,
    ) -> None:
        self.questions: list[Question] = []
        # Is told the addresses of a hop whenever they were found, for whoever lets them in.
        self.found: Callable[[Hop, frozenset[str]], None] = lambda hop, addresses: None
        self._ids = ids
        self._deadlines = deadlines
        self._families = families
        self._counters: Counter[str] = Counter() if counters is None else counters
        self._kept: dict[Question, _Kept] = {}
        self._plans: dict[Hop, Plan] = {}
        self._asked: dict[str, Question] = {}
        self._searches: dict[Hop, _Search] = {}
        self._silent: dict[Flow, float] = {}

    # What the user agent asks.

    def locate(self, hop: Hop, now: float) -> tuple[Target, ...] | None:
        """The servers of a hop in the order in which they are to be tried; None: not known yet, see `wait`.

        Servers of one rank are drawn anew each time; empty: there are none, or nobody could say.
        """
        made = self._plans.get(hop)
        if made is None or made.expires_at <= now:
            made = self._plan(hop, now)
            if made.missing:
                if not self._ask(made.missing, now):
                    return ()
                # Asked to the end, whether or not anybody waits.
                self._searches.setdefault(hop, _Search(now, []))
                return None
        return self._order(made.groups, now)

    def wait(self, hop: Hop, waiter: Waiter) -> None:
        """Call the waiter, with the moment, when the hop is known for which `locate` has just given None."""
        self._searches[hop].waiters.append(waiter)

    def fall_silent(self, flow: Flow, now: float, seconds: float = SILENCE) -> None:
        """A server did not answer, could not be reached, or asked to be left alone so long."""
        silent = self._silent
        silent.pop(flow, None)
        silent[flow] = now + seconds
        if len(silent) > _MOST_SILENT:
            del silent[next(iter(silent))]

    def speak(self, flow: Flow) -> None:
        """A server answered."""
        if self._silent:
            self._silent.pop(flow, None)

    def is_silent(self, flow: Flow, now: float) -> bool:
        """Whether a server kept silent lately."""
        return self._silent.get(flow, 0.0) > now

    # What the shell brings.

    def take_questions(self) -> list[Question]:
        """What is to be asked; it is then forgotten. Each is to be answered once by `answered`."""
        questions, self.questions = self.questions, []
        return questions

    def answered(self, answer: Answer, now: float) -> None:
        """The DNS said something; whoever waited for nothing else goes on."""
        question = answer.question
        if self._asked.pop(_name(question), None) is None:
            self._counters["locating_unasked"] += 1
            return
        self._deadlines.cancel(self, _name(question))
        if answer.failed:
            self._counters["locating_failed"] += 1
        self._keep(answer, now)
        for hop, search in list(self._searches.items()):
            made = self._plan(hop, now, search.began_at)
            if not made.missing or not self._ask(made.missing, now):
                del self._searches[hop]
                for waiter in search.waiters:
                    waiter(now)

    def handle_timer(self, name: str, now: float) -> None:
        """A question found no answer in time."""
        self.answered(Answer(self._asked[name], failed=True), now)

    def _plan(self, hop: Hop, now: float, began_at: float = inf) -> Plan:
        """What is known of a hop; what was answered since a search for it began counts to its end, however short its life."""

        def known(question: Question) -> tuple[tuple[Record, ...], float] | None:
            kept = self._kept.get(question)
            if kept is None or (kept.expires_at <= now and kept.said_at < began_at):
                return None
            return kept.records, kept.expires_at

        made = plan(hop, self._families, known)
        if not made.missing:
            made.expires_at = max(made.expires_at, now + _SHORTEST)
            _put(self._plans, hop, made)
            self.found(hop, made.addresses)
        return made

    def _ask(self, questions: Iterable[Question], now: float) -> bool:
        """Put what is not being asked already; False: too much is being asked."""
        for question in questions:
            name = _name(question)
            if name in self._asked:
                continue
            if len(self._asked) >= _MOST_ASKED:
                self._counters["locating_refused"] += 1
                return False
            self._asked[name] = question
            self.questions.append(question)
            self._deadlines.set(self, name, now + PATIENCE)
        return True

    def _keep(self, answer: Answer, now: float) -> None:
        question, records = answer.question, answer.records
        if answer.failed:
            before = self._kept.get(question)
            if before is not None and before.records and now < before.said_at + _STALE:
                # The DNS is gone, the servers need not be.
                kept = before._replace(expires_at=now + _RETRY)
            else:
                kept = _Kept((), now + _SHORTEST, now)
        else:
            longest = _LONGEST if records else _LONGEST_ABSENCE
            kept = _Kept(records, now + min(max(answer.ttl, _SHORTEST), longest), now)
        _put(self._kept, question, kept)

    def _order(self, groups: Iterable[Group], now: float) -> tuple[Target, ...]:
        found: list[Target] = []
        for group in groups:
            for targets in draw(group, self._ids.fraction) if len(group) > 1 else (group[0][1],):
                found += targets
        if self._silent:
            found.sort(key=lambda target: self.is_silent(target.flow, now))
        return tuple(found)


def _put(where: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Keep as the newest of a bounded number."""
    where.pop(key, None)
    where[key] = value
    if len(where) > _MOST_KEPT:
        del where[next(iter(where))]


def _name(question: Question) -> str:
    return f"{question.kind} {question.name}"
