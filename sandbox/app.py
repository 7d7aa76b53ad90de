"""The sandbox's one web application: pages, REST, tokens, widget, and the controls of the make-believe office.

Composition only: who needs whom is said here, everything else in its own module.
"""

import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.types import Lifespan

from sandbox.control import Control
from sandbox.crm.pages import Pages
from sandbox.crm.records import Archive
from sandbox.crm.rest import Rest
from sandbox.crm.sessions import Sessions
from sandbox.crm.tokens import TokenDesk
from sandbox.crm.widgets import WidgetShelf
from sandbox.settings import Settings


def create_app(
    settings: Settings,
    archive: Archive,
    control: Control,
    *,
    clock: Callable[[], float] = time.time,
    lifespan: Lifespan[Starlette] | None = None,
) -> Starlette:
    """The application of one account.

    Args:
        archive: the account's records; changed by REST writes.
        control: routes of the drawer and of the tests.
        clock: seconds since the epoch, for tokens and `updated_at`.
        lifespan: what lives as long as the application (the exchange's sockets); None for the CRM alone.
    """
    sessions = Sessions(settings.bearer)
    parts = (
        control,
        WidgetShelf(settings, sessions),
        TokenDesk(settings, sessions, clock),
        Rest(settings, archive, sessions, clock),
        Pages(settings, sessions),
    )
    return Starlette(routes=[route for part in parts for route in part.routes], lifespan=lifespan)
