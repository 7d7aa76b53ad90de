"""Telephone numbers: what the agent typed or clicked → what is dialled, and what is shown (E.164, ITU-T E.123).

Knows the account's country, nothing of calls. Rules, in this order:

- names of SIP users go to the PBX as they are, feature codes (`*98`, `#21#`) without separators;
- up to six digits are an extension or a service number of the PBX: untouched;
- what is a possible number in the account's country is dialled as E.164 with its plus, however it was written
  ("8 (495) 123-45-67" and "+7 495 123-45-67" are the same call);
- everything else is dialled as it is: the PBX may know better than a table of numbers.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

import phonenumbers

from protocol.entities import Party

_SHORT: Final = 6
"""Digits of the longest number that is never rewritten."""
_SEPARATORS: Final = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]+")
_FEATURE: Final = re.compile(r"[0-9A-D*#]*[*#][0-9A-D*#]*")
_USER: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.+-]*")
_DIGITS: Final = re.compile(r"\+?[0-9]{1,20}")
_WITHHELD: Final = frozenset({"", "anonymous", "unknown", "unavailable", "restricted", "asterisk"})


class BadNumber(ValueError):
    """Nothing in it can be dialled."""

    def __init__(self, text: str) -> None:
        super().__init__(f"not a number: {text!r}")


class Dialled(NamedTuple):
    """What goes to the PBX, and how the other side is shown."""

    number: str
    party: Party


class Numbering:
    """The numbers of one account.

    Args:
        country: ISO 3166 letters; how numbers without a country code are read.
    """

    __slots__ = ("_country",)

    def __init__(self, country: str) -> None:
        self._country = country.upper()

    def dialled(self, text: str) -> Dialled:
        """What to dial for a text that somebody typed or a page showed.

        Raises:
            BadNumber: it has no digits and is no name.
        """
        name = text.strip()
        if _USER.fullmatch(name):
            return Dialled(name, Party(number=name, shown=name))
        bare = _SEPARATORS.sub("", name.removeprefix("tel:"))
        if _FEATURE.fullmatch(bare):
            return Dialled(bare, Party(number=bare, shown=bare))
        if not _DIGITS.fullmatch(bare):
            raise BadNumber(text)
        number, shown = _read(bare, self._country)
        return Dialled(number, Party(number=number, shown=shown))

    def party(self, user: str, name: str) -> Party:
        """Who calls, as the PBX said it: the user part of From and its display name.

        A number that is withheld has an empty `number`; a display name that only repeats the number is no name.
        """
        bare = _SEPARATORS.sub("", user)
        if bare.lower() in _WITHHELD:
            return Party(number="", shown="", name=name if name.lower() not in _WITHHELD else None)
        number, shown = _read(bare, self._country) if _DIGITS.fullmatch(bare) else (bare, bare)
        repeats = _SEPARATORS.sub("", name) in (bare, number, "")
        return Party(number=number, shown=shown, name=None if repeats else name)


@lru_cache(maxsize=4096)
def _read(bare: str, country: str) -> tuple[str, str]:
    """The number for machines and for people. Cached: the same customers call again, and reading one costs 100 µs."""
    if len(bare.removeprefix("+")) <= _SHORT:
        return bare, bare
    for text in (bare,) if bare[0] == "+" else (bare, f"+{bare}"):
        try:
            known = phonenumbers.parse(text, country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(known):
            machine = phonenumbers.format_number(known, phonenumbers.PhoneNumberFormat.E164)
            return machine, phonenumbers.format_number(known, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return bare, bare
