"""The sentences for codes, in the languages of `languages/*.json`.

What it does not know: which code is used when. A language that is not there is answered in English.
"""

from functools import cache
from importlib import resources

import msgspec

from protocol.codes import Cause, CloseCode, Code

LANGUAGES = ("ru", "en")
FALLBACK = "en"


class Language(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One language file."""

    codes: dict[Code, str]
    causes: dict[Cause, str]
    closes: dict[str, str]


@cache
def language(lang: str) -> Language:
    """The sentences of a language, read once.

    Args:
        lang: `ru`, `en`, also `ru-RU`; anything else is English.
    """
    name = lang[:2].lower()
    if name not in LANGUAGES:
        return language(FALLBACK)
    text = resources.files("protocol").joinpath("languages", f"{name}.json").read_bytes()
    return msgspec.json.decode(text, type=Language)


def sentence(code: Code | Cause | CloseCode, lang: str) -> str:
    """What a code says to people."""
    name = lang[:2].lower()
    words = language(name if name in LANGUAGES else FALLBACK)
    if isinstance(code, Code):
        return words.codes[code]
    if isinstance(code, Cause):
        return words.causes[code]
    return words.closes[str(int(code))]
