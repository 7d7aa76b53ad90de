"""`trubka ladder`: asks the running process, and draws what it tells."""

import re
from datetime import datetime, tzinfo
from typing import NamedTuple

from gateway.commands import CommandRefused
from gateway.ladder import ask
from gateway.ladder.steps import ladder as laid_out
from gateway.ladder.svg import svg
from gateway.ladder.text import listed, text
from gateway.settings import Settings


class Drawn(NamedTuple):
    """What the command shows, and how a file for it is called."""

    content: str
    file_name: str


def ladder(
    settings: Settings, call: str | None, *, as_text: bool, full: bool, zone: tzinfo | None = None
) -> Drawn:
    """The list of the last calls, or one of them drawn.

    Args:
        call: our id, a Call-ID or `last`; None: the list.
        zone: in which moments are told; None: this machine's.

    Raises:
        CommandRefused: nobody tells, or there is no such call.
    """
    zone = zone or datetime.now().astimezone().tzinfo
    assert zone is not None, "a moment with a zone has one"
    if call is None:
        return Drawn(listed(ask.headings(settings), zone), "")
    story = ask.story(settings, call)
    if story is None:
        raise CommandRefused(
            f"Of a call {call!r} nothing is kept (any more); `trubka ladder` lists those there are."
        )
    drawing = text if as_text else svg
    name = re.sub(r"[^\w.-]", "_", story.heading.id or call)[:80]
    return Drawn(drawing(laid_out(story), zone, full=full), f"ladder-{name}.svg")
