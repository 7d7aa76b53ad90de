"""XML from strangers: what is read, and that nothing hostile costs more than its length."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import LocalProtocolError, ParseError
from sip.packages.safe_xml import LARGEST, read_xml, xml_text

LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]><r>&j;</r>"
)


def test_names_texts_attributes_and_namespaces_are_read() -> None:
    root = read_xml(
        b'<r xmlns="urn:x" xmlns:y="urn:y" a=" 1 " y:a="2"> one <s>two</s><y:s>three</y:s> &amp;&#233;<s/></r>',
        "r",
    )
    assert (root.name, root.namespace, root.get("a"), root.text) == ("r", "urn:x", "1", "one  &é")
    assert [(one.namespace, one.text) for one in root.children] == [
        ("urn:x", "two"),
        ("urn:y", "three"),
        ("urn:x", ""),
    ]
    found = root.find("s")
    assert found is not None
    assert found.text == "two"
    assert len(list(root.find_all("s"))) == 2
    assert root.find("t") is None
    assert root.get("b") is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(LAUGHS.encode(), id="billion laughs"),
        pytest.param(b'<!DOCTYPE r SYSTEM "http://192.0.2.66/x.dtd"><r/>', id="foreign dtd"),
        pytest.param(b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>', id="file"),
        pytest.param(b'<!DOCTYPE r [<!ENTITY % p SYSTEM "http://192.0.2.66/">%p;]><r/>', id="parameter entity"),
        pytest.param(b"<!DOCTYPE r><r/>", id="doctype alone"),
        pytest.param(b"<r>&unknown;</r>", id="unknown entity"),
        pytest.param(b"<r>" + b" " * LARGEST + b"</r>", id="huge"),
        pytest.param(b"<r>" + b"<s/>" * 6000 + b"</r>", id="many elements"),
        pytest.param(b"<r>" * 17 + b"</r>" * 17, id="deep"),
        pytest.param(b"<r>" * 9000, id="very deep"),
        pytest.param(b"<r " + b" ".join(b"a%d='1'" % n for n in range(40)) + b"/>", id="many attributes"),
        pytest.param(b"<r a='1' a='2'/>", id="an attribute twice"),
        pytest.param(b"<x/>", id="another document"),
        pytest.param(b"<r/><r/>", id="two roots"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"   ", id="blanks"),
        pytest.param(b"<r", id="cut off"),
        pytest.param(b"<r><s></r>", id="crossed"),
        pytest.param(b"<a:r/>", id="unbound prefix"),
        pytest.param(b"<r>\xff\xfe</r>", id="no utf-8"),
        pytest.param(b"<r>\x00</r>", id="nul"),
        pytest.param(b"<r>&#0;</r>", id="nul by number"),
        pytest.param(b'<?xml version="1.0" encoding="klingon"?><r/>', id="unknown encoding"),
        pytest.param(b'<?xml version="1.0" encoding="utf-7"?><r/>', id="utf-7"),
        pytest.param(b'<?xml version="1.0" encoding="utf-16"?><r/>', id="an encoding that it is not in"),
        pytest.param(b'<?xml version="1.0" encoding="shift_jis"?><r>\x83</r>', id="a multi-byte encoding"),
        pytest.param("<r/>".encode("utf-32"), id="utf-32"),
    ],
)  # fmt: skip
def test_what_is_no_document_for_us_raises_a_parse_error(data: bytes) -> None:
    with pytest.raises(ParseError):
        read_xml(data, "r")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1251"])
def test_encodings_of_daily_life_are_read(encoding: str) -> None:
    text = "Ж" if encoding not in ("iso-8859-1",) else "é"
    declared = encoding.removesuffix("-sig")
    data = f'<?xml version="1.0" encoding="{declared}"?><r>{text}</r>'.encode(encoding)
    assert read_xml(data, "r").text == text


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for document in (data, b"<r>" + data + b"</r>", b'<r a="' + data + b'"/>', b"<!DOCTYPE r [" + data):
        try:
            read_xml(document, "r")
        except ParseError:
            continue


@given(st.text())
def test_what_is_written_is_read_back_or_refused(text: str) -> None:
    try:
        safe = xml_text(text)
    except LocalProtocolError:
        assert any(
            ord(one) < 32 or 0xD800 <= ord(one) < 0xE000 or ord(one) in (0xFFFE, 0xFFFF) for one in text
        )
        return
    root = fromstring(f'<r a="{safe}">{safe}</r>')
    blanks = str.maketrans("\t\n\r", "   ")
    assert (root.text or "").translate(blanks) == text.replace("\r\n", "\n").translate(blanks)
    assert root.attrib["a"] == text.replace("\r\n", "\n").translate(blanks)
