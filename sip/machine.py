"""The machine that every table of `sip` runs on: State x Input -> next state and action.

A machine is a class with a table and a state. The table says everything: what is to be ignored is a row without an
action, what is no row is a mistake. Knows nothing of SIP.

Invariants:
    * `step` is the only door to the state, and logs every passage: `INVITE client: calling -[180]-> proceeding`;
    * the state has changed before the action runs, so that whatever the action causes meets the new state;
    * actions return nothing and never wait: their effects are sent, set or told by the machine they are given.

What an input carries (a response, a status) is laid into a slot of the machine before the step; actions read it from
there. So every action has the same form, and no table has a column of payloads.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from logging import DEBUG, getLogger
from typing import Any, ClassVar, Final, Generic, TypeAlias, TypeVar

from sip.errors import LocalProtocolError

log: Final = getLogger("trubka.sip")

StateT = TypeVar(
    "StateT", bound=StrEnum
)  # StrEnum: its members hash at the speed of str, those of Enum do not
InputT = TypeVar("InputT", bound=StrEnum)

# What a row does: called with the machine and the moment. The type of the machine cannot be said here, since the
# table of a class is written inside that class.
Action: TypeAlias = Callable[[Any, float], None]
Table: TypeAlias = Mapping[tuple[StateT, InputT], tuple[StateT, Action | None]]


class Machine(Generic[StateT, InputT]):
    """One state and the table that moves it.

    Subclasses say `title` (for logs and diagrams), `figure` (the source of the table), `initial` and `table`.
    """

    __slots__ = ("state",)

    title: ClassVar[str]
    figure: ClassVar[str]
    initial: ClassVar[Any]  # a member of StateT; a class variable cannot name a type variable
    table: ClassVar[Table[Any, Any]]

    state: StateT

    def __init__(self) -> None:
        self.state = self.initial

    def step(self, event: InputT, now: float) -> None:
        """Take the row of the present state and this input.

        Raises:
            LocalProtocolError: the table has no such row; nothing has changed.
        """
        state: StateT
        try:
            state, action = self.table[self.state, event]
        except KeyError:
            raise LocalProtocolError(f"{self.title}: {event} is not allowed in {self.state}") from None
        if log.isEnabledFor(DEBUG):
            log.debug(
                "= %s: %s -[%s]-> %s (%s)", self.title, self.state, self.label(event), state, self.identity()
            )
        self.state = state
        if action is not None:
            action(self, now)

    def label(self, event: InputT) -> str:
        """The word for an input in the log: `180` says more there than `1xx`."""
        return event

    def identity(self) -> str:
        """What tells this machine from its sisters in the log."""
        return f"{id(self):x}"
