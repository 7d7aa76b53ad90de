"""Walks a transaction through its figure: every state with every input, what follows, what leaves and what is told.

The figure is the RFC's, written by hand in each suite (`read_figure`); the code's own table is not looked at. What the figure does not
have must be refused and change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

import pytest

from sip.errors import LocalProtocolError
from sip.transactions.base import Transaction
from tests.sip.transactions.recorder import Bench, effects

T = TypeVar("T", bound=Transaction[Any, Any])
StateT = TypeVar("StateT", bound=StrEnum)
InputT = TypeVar("InputT", bound=StrEnum)


@dataclass(frozen=True)
class Walker(Generic[T, StateT, InputT]):
    """One kind of transaction.

    Args:
        figure: (state, input) → the state that follows and the effects; a status in them stands as its input's name.
        statuses: the inputs that are responses, with the statuses that each of them stands for.
        way: the inputs that lead to each state.
        begin: makes a transaction.
        say: brings a response in, from the peer or from the user.
        deeds: what other inputs are, if they do not come by `step`.
    """

    figure: Mapping[tuple[str, str], tuple[str, Sequence[str]]]
    statuses: Mapping[InputT, Sequence[int]]
    way: Mapping[StateT, Sequence[InputT]]
    begin: Callable[[Bench], T]
    say: Callable[[Bench, T, int], None]
    deeds: Mapping[InputT, Callable[[Bench, T], None]] = field(default_factory=dict)

    def check(self, state: StateT, event: InputT) -> None:
        """Bring a transaction to the state, give it the input, and compare with the figure."""
        for status in self.statuses.get(event) or (None,):
            bench, transaction = self.in_state(state)
            row = self.figure.get((state, event))
            if row is None:
                with pytest.raises(LocalProtocolError):
                    self._give(bench, transaction, event, status)
                assert (transaction.state, effects(bench)) == (state, [])
                continue
            self._give(bench, transaction, event, status)
            assert transaction.state == row[0]
            word = event.removesuffix(" from user")
            assert effects(bench) == [one.replace(word, str(status)) if status else one for one in row[1]]

    def in_state(self, state: StateT) -> tuple[Bench, T]:
        """A transaction that has come to this state, with nothing left to collect."""
        bench = Bench()
        transaction = self.begin(bench)
        for event in self.way[state]:
            self._give(bench, transaction, event, None)
        effects(bench)
        assert transaction.state is state
        return bench, transaction

    def _give(self, bench: Bench, transaction: T, event: InputT, status: int | None) -> None:
        if event in self.statuses:
            self.say(bench, transaction, status or self.statuses[event][0])
        elif event in self.deeds:
            self.deeds[event](bench, transaction)
        else:
            transaction.step(event, bench.now)
