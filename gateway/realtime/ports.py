"""What the realtime part needs of others, and what it hands them: values and ports, no code.

Implemented by: `Office` in `gateway/office.py`, `Sessions` in the store (and in memory, in `realtime/sessions.py`),
`Seats` in `gateway/main.py`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from protocol.commands import AnyCommand
from protocol.entities import State
from protocol.messages import Done, GatewayMessage, Refused, User

Page = Literal["load", "reconnect"]


class Identity(NamedTuple):
    """Who is there: both numbers are amoCRM's own."""

    account_id: int
    user_id: int


class Letter(Protocol):
    """A message outside the state, from an office to a user's page: `ring`, `remote`, `notice`."""

    @property
    def user_id(self) -> int: ...

    @property
    def tab(self) -> str | None:
        """The one tab it goes to; None: all of the user's."""

    @property
    def message(self) -> GatewayMessage:
        """`message` of a `Notice` may be left empty: the sentence of its code is put in, in each page's language."""


class Office(Protocol):
    """One account, as the sockets see it. Sans-I/O: whoever calls it flushes afterwards."""

    def join(self, user_id: int, tab: str, page: Page, alive: Collection[str], now: float) -> None:
        """A tab has a socket. A tab that is joined already has a new socket in place of the old one."""

    def leave(self, user_id: int, tab: str, clean: bool, now: float) -> None:
        """A tab has no socket any more; `clean`: it said so (hold at once), else it was lost (wait for the beat)."""

    def beat(self, user_id: int, tab: str, calls: Sequence[str], now: float) -> None:
        """Sound lives in the tab for these calls."""

    def ring_acknowledged(self, user_id: int, tab: str, call: str, now: float) -> None:
        """The tab shows the incoming call."""

    def execute(self, user_id: int, tab: str, command: AnyCommand, now: float) -> Done | Refused:
        """Do what the user wants, or say why not. `message` of a refusal may be left empty."""

    def state_of(self, user_id: int) -> State:
        """What the user sees now. A state that was given out is never changed in place."""

    def take_changed(self) -> set[int]:
        """Users whose state may have changed since the last time."""

    def take_letters(self) -> Sequence[Letter]:
        """Letters since the last time, oldest first."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A user's place in an account that this process owns.

    Attributes:
        account_id: amoCRM's number of the account.
        origin: address of the account's pages, as `https://example.amocrm.ru`.
        user: who the page is told it belongs to.
        extensions: the user's extensions.
        office: the account.
    """

    account_id: int
    origin: str
    user: User
    extensions: tuple[str, ...]
    office: Office


class Seats(Protocol):
    """The accounts of this process and the users in them."""

    def find(self, identity: Identity) -> Seat | None:
        """The user's seat; None when the account is not here, or the user may not use the telephone."""

    def knows_origin(self, origin: str) -> bool:
        """Whether an account of this process has its pages there."""


@dataclass(frozen=True, slots=True)
class SavedSession:
    """What the store keeps of a resume secret: never the secret itself.

    Attributes:
        digest: SHA-256 of the secret, hexadecimal.
        tab: the only tab that may show it.
        expires_at: seconds since the epoch.
    """

    digest: str
    account_id: int
    user_id: int
    tab: str
    expires_at: float


class Sessions(Protocol):
    """Where resume secrets are kept. May raise anything of the store's: the page is then told to retry."""

    async def put(self, session: SavedSession) -> None:
        """Keep it; when this returns it survives a restart."""

    async def find(self, digest: str, now: float) -> SavedSession | None:
        """The session of a digest, if it has not expired."""

    async def revoke(self, account_id: int, user_id: int | None = None) -> int:
        """Forget the sessions of a user, or of the whole account; how many there were."""

    async def forget_expired(self, now: float) -> int:
        """Forget what has expired; how many."""
