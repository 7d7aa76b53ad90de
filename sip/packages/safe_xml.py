"""XML from strangers, read into small trees with every size bounded; and text made safe to be written into it.

Expat does the reading. What it is told to refuse: document types and with them every entity that is not one of XML's own five,
processing instructions' content (passed over), and whatever is larger, deeper or more than an event package needs. Knows no package.
Invariants: `read_xml` raises ParseError and nothing else; the work and memory for a document are a multiple of its bounded length;
nothing outside the document is ever fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Final, NoReturn
from xml.parsers.expat import ExpatError, ParserCreate

from sip.errors import LocalProtocolError, ParseError

LARGEST: Final = 64 * 1024  # bytes
_DEEPEST: Final = 16
_MOST_ELEMENTS: Final = 5_000
_MOST_ATTRIBUTES: Final = 32  # of one element
_SEPARATOR: Final = " "  # between namespace and name; neither can hold it
_BLANKS: Final = " \t\r\n"
# XML 1.0 §2.2: what may stand in no document, not even escaped.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True)
class Element:
    """An element: its local name, its namespace ("" for none), attributes without a namespace, its own text, its children."""

    name: str
    namespace: str
    attributes: Mapping[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def find(self, name: str) -> Element | None:
        """The first child of this name."""
        return next(self.find_all(name), None)

    def find_all(self, name: str) -> Iterator[Element]:
        """The children of this name, in this element's namespace."""
        return (one for one in self.children if one.name == name and one.namespace == self.namespace)

    def get(self, name: str) -> str | None:
        """An attribute, without blanks around it."""
        value = self.attributes.get(name)
        return None if value is None else value.strip(_BLANKS)


class _Builder:
    """Puts a tree together from Expat's calls."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _MOST_ELEMENTS or len(self._open) >= _DEEPEST or len(attributes) > _MOST_ATTRIBUTES:
            raise ParseError("XML with more elements, levels or attributes than are taken")
        namespace, _, local = name.rpartition(_SEPARATOR)
        plain = {key: value for key, value in attributes.items() if _SEPARATOR not in key}
        element = Element(local, namespace, plain)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)
        self._texts.append([])

    def end(self, name: str) -> None:
        self._open.pop().text = "".join(self._texts.pop()).strip(_BLANKS)

    def characters(self, text: str) -> None:
        self._texts[-1].append(text)


def read_xml(data: bytes, root: str) -> Element:
    """Read one document.

    Args:
        root: the local name that its outermost element must have.

    Raises:
        ParseError: it is no such document, or not one that is taken from strangers.
    """
    if len(data) > LARGEST:
        raise ParseError("an XML document that is longer than is taken", 413)
    builder = _Builder()
    parser = ParserCreate(namespace_separator=_SEPARATOR)
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.EntityDeclHandler = _refuse_doctype
    parser.ExternalEntityRefHandler = _refuse_doctype
    try:
        parser.Parse(data, True)
    except ParseError:
        raise
    except (ExpatError, ValueError, LookupError) as error:
        # ValueError, LookupError: an encoding that Python does not know, or that is none for Expat.
        raise ParseError(f"unreadable XML: {error}") from error
    if builder.root is None or builder.root.name != root:
        raise ParseError(f"no <{root}> document")
    return builder.root


def _refuse_doctype(*_: object) -> NoReturn:
    raise ParseError("XML with a document type is not taken")


def xml_text(text: str) -> str:
    """`text`, so that it may stand between tags or, in double quotes, as an attribute. Raises LocalProtocolError."""
    if _FORBIDDEN.search(text):
        raise LocalProtocolError(f"no XML can hold this: {text!r}")
    return escape(text)
