"""The accounts that a process owns, and what the pages' side asks of them.

Knows nothing of sockets, datagrams and the loop; `gateway/node.py` fills it.
"""

from dataclasses import dataclass

from gateway.crm.widget_auth import Integration
from gateway.office import Office
from gateway.realtime.ports import Identity, Seat
from gateway.store.accounts import Account
from sip.transport.alarm import Alarm


@dataclass(slots=True)
class Owned:
    """An account that this process owns.

    Attributes:
        seats: its users' places, by amoCRM's number of the user.
        alarm: follows the office's next deadline.
    """

    account: Account
    office: Office
    seats: dict[int, Seat]
    alarm: Alarm


class Owners:
    """The accounts of this process, as the pages' side asks for them (`realtime.ports.Seats`)."""

    def __init__(self) -> None:
        self.owned: dict[int, Owned] = {}

    def find(self, identity: Identity) -> Seat | None:
        owned = self.owned.get(identity.account_id)
        return owned.seats.get(identity.user_id) if owned else None

    def knows_origin(self, origin: str) -> bool:
        return any(owned.account.address == origin for owned in self.owned.values())

    def integration(self, account_id: int) -> Integration | None:
        """How that account's one-time tokens are signed."""
        owned = self.owned.get(account_id)
        if owned is None:
            return None
        account = owned.account
        return Integration(account.id, account.address, account.client_uuid, account.client_secret)
