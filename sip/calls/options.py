"""The option tags of SIP extensions that a call looks for (RFC 3261 §19.2).

Knows what messages say, not what is done about it. Nothing here is asked of a message before its header is known to be there.
"""

from __future__ import annotations

from typing import Final

from sip.fields import Message

RELIABLE: Final = "100rel"
"""RFC 3262."""


TIMER: Final = "timer"
"""RFC 4028."""


def requires(message: Message, option: str) -> bool:
    """Whether Require names the option."""
    return "require" in message.index() and _names(message, "Require", option)


def supports(message: Message, option: str) -> bool:
    """Whether its sender knows the option: Supported or Require names it."""
    return _names(message, "Supported", option) or requires(message, option)


def allows(message: Message, method: str) -> bool:
    """Whether its sender knows the method; who says nothing may (RFC 3261 §20.5)."""
    allowed = message.index().get("allow")
    return allowed is None or method in allowed.upper()


def _names(message: Message, header: str, option: str) -> bool:
    return any(value.lower() == option for value in message.get_all(header))
