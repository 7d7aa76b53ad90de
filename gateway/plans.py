"""Numbers that are written in full, read by their country's numbering plan: as `phonenumbers` does it, in a twentieth of the time.

The library compares a number with each kind of number of each country of its calling code, one expression after the other. Here
what it knows of one calling code and one length is put together once, into two expressions that are kept.
Knows no country of ours. Invariant (tested against the library): what is answered is what the library would answer; what is not
plainly a number of its plan is answered None, and then the library is to be asked.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberDesc

_KINDS: Final = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
    "fixed_line",
    "mobile",
)
_NEVER: Final = "(?!)"


class _Form(NamedTuple):
    """How numbers are grouped for people."""

    leading: re.Pattern[str]
    whole: re.Pattern[str]
    groups: str


class _Plan(NamedTuple):
    """National numbers of one length behind one calling code."""

    valid: re.Pattern[str]
    prefix: re.Pattern[str]  # a national prefix, which the library would try to take away
    forms: tuple[_Form, ...]


def shown_in_full(number: str) -> str | None:
    """A number with its plus and calling code as people read it (E.123), or None: it is not plainly a valid one."""
    for end in (2, 3, 4):
        if int(number[1:end]) in COUNTRY_CODE_TO_REGION_CODE and number[1] != "0":
            national = number[end:]
            plan = _plan(int(number[1:end]), len(national))
            if plan.prefix.match(national) or not plan.valid.fullmatch(national):
                return None
            for form in plan.forms:
                if form.leading.match(national) and form.whole.fullmatch(national):
                    return f"{number[:end]} {form.whole.sub(form.groups, national)}"
            return f"{number[:end]} {national}"
    return None


@lru_cache(maxsize=256)
def _plan(code: int, length: int) -> _Plan:
    regions = COUNTRY_CODE_TO_REGION_CODE[code]
    main = _of(code, regions[0])
    formats = main.intl_number_format or main.number_format
    return _Plan(
        re.compile("|".join(_valid(code, regions, length)) or _NEVER),
        re.compile(main.national_prefix_for_parsing or _NEVER),
        tuple(
            _Form(
                re.compile((one.leading_digits_pattern or [""])[-1]),
                re.compile(one.pattern or _NEVER),
                one.format or "",
            )
            for one in formats
        ),
    )


def _valid(code: int, regions: tuple[str, ...], length: int) -> Iterator[str]:
    """For each country of a calling code an expression of its valid numbers: a kind of its own, and the general description.

    Where a country is known by its first digits, these decide alone, and the countries after it are not asked.
    """
    others = ""
    for region in regions:
        data = _of(code, region)
        general = _pattern(data.general_desc, length)
        kinds = [found for kind in _KINDS if (found := _pattern(getattr(data, kind), length))]
        alone = len(regions) == 1 or data.leading_digits is None
        leading = "" if alone else f"(?={data.leading_digits})"
        if general and kinds:
            yield f"{others}{leading}(?=(?:{general})$)(?:{'|'.join(kinds)})"
        if not alone:
            others += f"(?!{data.leading_digits})"


def _of(code: int, region: str) -> PhoneMetadata:
    data = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    assert data is not None, "the library knows every country that it names"
    return data


def _pattern(kind: PhoneNumberDesc | None, length: int) -> str:
    """The expression of a kind of numbers; "" when there are none of this length."""
    if kind is None or (kind.possible_length and length not in kind.possible_length):
        return ""
    return kind.national_number_pattern or ""
