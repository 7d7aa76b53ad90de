"""RFC 5922 §7.1, §7.2: whom a certificate is for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.identity import identities, refusal


def certificate(*names: tuple[str, str], common: str = "common.example") -> dict[str, Any]:
    """As `getpeercert` shows it; without names there is no subjectAltName at all."""
    made: dict[str, Any] = {"subject": ((("countryName", "XX"),), (("commonName", common),))}
    return {**made, "subjectAltName": names} if names else made


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([("URI", "sip:pbx.example")], ["pbx.example"]),
        ([("URI", "SIP:Pbx.Example")], ["pbx.example"]),
        ([("URI", "sip:alice@pbx.example")], []),  # a person's
        ([("URI", "https://pbx.example"), ("URI", "sip:;;")], []),
        ([("DNS", "Pbx.Example."), ("email", "a@b")], ["pbx.example"]),
        (
            [("IP Address", "192.0.2.1"), ("IP Address", "2001:DB8:0:0:0:0:0:1\n")],
            ["192.0.2.1", "2001:db8::1"],
        ),
        ([("IP Address", "<invalid>")], []),
        ([], ["common.example"]),
    ],
)
def test_identities_are_those_of_7_1(names: list[tuple[str, str]], found: list[str]) -> None:
    assert identities(certificate(*names)) == found


@pytest.mark.parametrize(
    ("names", "name", "fits"),
    [
        ([("URI", "sip:pbx.example")], "pbx.example", True),
        ([("URI", "sip:pbx.example")], "PBX.Example.", True),
        ([("DNS", "pbx.example")], "pbx.example", True),
        ([("DNS", "pbx.example")], "sub.pbx.example", False),
        ([("DNS", "pbx.example")], "example", False),
        ([("DNS", "other.example"), ("URI", "sip:pbx.example")], "pbx.example", True),
        (
            [("DNS", "other.example")],
            "common.example",
            False,
        ),  # §7.1: the common name only without subjectAltName
        ([], "common.example", True),
        ([], "pbx.example", False),
        ([("IP Address", "192.0.2.1")], "192.0.2.1", True),
        ([("IP Address", "2001:DB8:0:0:0:0:0:1")], "2001:db8::1", True),
        ([("DNS", "192.0.2.1.example")], "192.0.2.1", False),
        ([("IP Address", "192.0.2.1")], "192.0.2.10", False),
        ([("DNS", "*.pbx.example")], "a.pbx.example", True),  # RFC 9525 §6.3, and not RFC 5922 §7.2
        ([("DNS", "*.pbx.example")], "a.b.pbx.example", False),
        ([("DNS", "*.pbx.example")], "pbx.example", False),
        ([("DNS", "a*.pbx.example")], "ab.pbx.example", False),
        ([("DNS", "*.example")], "pbx.example", False),  # a whole top-level domain
        ([("DNS", "*")], "pbx", False),
        ([("DNS", "*.0.2.1")], "192.0.2.1", False),
        ([("URI", "sip:*.pbx.example")], "a.pbx.example", False),
    ],
)
def test_a_certificate_is_for_its_names_alone_7_2(
    names: list[tuple[str, str]], name: str, fits: bool
) -> None:
    assert (refusal(certificate(*names), name) == "") == fits


def test_a_refusal_says_whom_it_is_for_and_not_more_than_that() -> None:
    assert refusal(certificate(("DNS", "a.example")), "b.example") == "it is for a.example, not for b.example"
    many = certificate(*[("DNS", f"n{number}.example") for number in range(100)])
    assert refusal(many, "b.example").startswith(
        "it is for n0.example, n1.example, n2.example, n3.example, n4"
    )
    assert len(refusal(many, "b.example")) < 200
    assert refusal(certificate(("URI", "x:y")), "b.example") == "it is for nobody, not for b.example"
    assert refusal({}, "b.example") == "it is for nobody, not for b.example"


@given(st.lists(st.tuples(st.sampled_from(["URI", "DNS", "IP Address", "other"]), st.text()), min_size=1))
def test_nothing_in_a_certificate_raises(names: list[tuple[str, str]]) -> None:
    told = refusal(certificate(*names), "pbx.example")
    assert told == "" or told.isascii()
