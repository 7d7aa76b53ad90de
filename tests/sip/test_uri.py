"""SIP URIs (RFC 3261 §19.1) and name-addr (§20.10)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import LocalProtocolError, ParseError
from sip.uri import NameAddr, Uri, read_address, read_tag, read_target

ANY = st.text(st.characters(exclude_categories=["Cs"]))
CLEAN = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))
LOWER = st.text('abcxyz0189.-_ ;=?&@<>"\r\n%', min_size=1)
HOSTS = st.sampled_from(["example.com", "10.0.0.1", "::1", "2001:db8::1", "my_host", "a"])
URIS = st.builds(
    Uri,
    st.sampled_from(["sip", "sips"]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.none() | ANY,
    HOSTS,
    st.none() | st.integers(0, 65535),
    st.dictionaries(LOWER, st.none() | ANY, max_size=3),
    st.dictionaries(LOWER, ANY, max_size=3),
)


def test_every_part_of_a_uri_is_read() -> None:
    uri = Uri.parse(
        "sips:alice:se%20cret@Atlanta.COM:5061;Transport=tcp;lr;x=%41?subject=a%20b&priority=urgent"
    )
    assert uri == Uri(
        "sips",
        "alice",
        "se cret",
        "atlanta.com",
        5061,
        {"transport": "tcp", "lr": None, "x": "A"},
        {"subject": "a b", "priority": "urgent"},
    )
    assert uri.transport == "tcp"
    assert uri.is_loose_router


@pytest.mark.parametrize(
    ("text", "user", "host", "port"),
    [
        ("sip:10.0.0.1", None, "10.0.0.1", None),
        ("SIP:a@B", "a", "b", None),
        ("sip:+7(916)123-45-67@pbx", "+7(916)123-45-67", "pbx", None),
        ("sip:%2367%23@pbx:5060", "#67#", "pbx", 5060),
        ("sip:*67#@pbx", "*67#", "pbx", None),
        ("sip:a@[2001:DB8::1]:5062", "a", "2001:db8::1", 5062),
        ("sip:[::1]", None, "::1", None),
        ("sip:a;isup=x;b?c@host", "a;isup=x;b?c", "host", None),
        ("sip:%d0%98%D0%B2@pbx", "Ив", "pbx", None),
        ("sip:иван@pbx", "иван", "pbx", None),
    ],
)
def test_users_and_hosts_of_the_world(text: str, user: str | None, host: str, port: int | None) -> None:
    uri = Uri.parse(text)
    assert (uri.user, uri.host, uri.port) == (user, host, port)
    assert Uri.parse(str(uri)) == uri


@pytest.mark.parametrize(
    "text",
    ["", "sip:", "sip:@host", "sip:a@", "sip:a@b@c", "sip:a b@c", "sip:a@b:99999", "sip:a@b:123456", "sip:a@b:x", "sips",
     "sip:a@b>", "sip:a@[::1", "sip:\x00@b", "sip:a@b;x=\r\ny", "sip:a@b ", " sip:a@b", "no scheme", "tel:", "te l:1", "tel:<1>"],
)  # fmt: skip
def test_what_is_no_uri_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        Uri.parse(text)


def test_other_schemes_keep_what_follows_the_colon() -> None:
    uri = Uri.parse("TEL:+7-916;phone-context=x")
    assert (uri.scheme, uri.user, uri.host) == ("tel", "+7-916;phone-context=x", "")
    assert str(uri) == "tel:+7-916;phone-context=x"


@given(URIS)
def test_a_uri_reads_as_it_was_written_whatever_its_parts_hold(uri: Uri) -> None:
    text = str(uri)
    assert not set(text) & set('\r\n\0 <>"')
    assert Uri.parse(text) == uri
    assert hash(Uri.parse(text)) == hash(uri)


def test_a_changed_copy_of_a_uri_that_was_written_is_written_anew() -> None:
    uri = Uri("sip", "a", None, "b")
    assert (str(uri), str(uri)) == ("sip:a@b", "sip:a@b")
    other = replace(uri, host="c")
    assert str(other) == "sip:a@c"
    assert uri == Uri("sip", "a", None, "b")
    assert "_written" not in repr(uri)


@pytest.mark.parametrize("host", ["", "a b", "a\r\nVia: x", "a@b", "a;b", "a>", "[::1]", "::g"])
def test_a_host_that_is_none_must_not_leave(host: str) -> None:
    with pytest.raises(LocalProtocolError):
        str(Uri("sip", "a", None, host))


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_must_not_leave(port: int) -> None:
    with pytest.raises(LocalProtocolError):
        str(Uri("sip", "a", None, "b", port))


@pytest.mark.parametrize(
    "uri", [Uri("te\nl", "1"), Uri("tel", "1\r\n2"), Uri("tel", ""), Uri("tel", None), Uri("tel", "1>")]
)
def test_an_opaque_uri_that_would_break_out_must_not_leave(uri: Uri) -> None:
    with pytest.raises(LocalProtocolError):
        str(uri)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
        ("sip:a@b;x=1;y=2", "sip:a@b;y=2;x=1"),
        ("sip:alice@b?to=x&from=y", "sip:alice@b?from=y&to=x"),
    ],
)
def test_equivalent_uris_match_19_1_4(one: str, other: str) -> None:
    assert Uri.parse(one).matches(Uri.parse(other))
    assert Uri.parse(other).matches(Uri.parse(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:ALICE@b", "sip:alice@b"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
        ("sip:carol@c;security=on", "sip:carol@c;security=off"),
        ("sip:a@b;method=INVITE", "sip:a@b"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=x"),
    ],
)
def test_different_uris_do_not_match_19_1_4(one: str, other: str) -> None:
    assert not Uri.parse(one).matches(Uri.parse(other))
    assert not Uri.parse(other).matches(Uri.parse(one))


@pytest.mark.parametrize(
    ("text", "display", "uri", "params"),
    [
        ("<sip:a@b>", "", "sip:a@b", {}),
        ('"A. \\"B\\" <c>, d" <sip:a@b;lr>;tag=x', 'A. "B" <c>, d', "sip:a@b;lr", {"tag": "x"}),
        ("Иван Петров <sip:a@b> ; tag = x", "Иван Петров", "sip:a@b", {"tag": "x"}),
        ("sip:a@b;tag=x", "", "sip:a@b", {"tag": "x"}),
        ("  sip:a@b ;tag=x", "", "sip:a@b", {"tag": "x"}),
        ("Alice<sip:a@b>", "Alice", "sip:a@b", {}),
        ('"" <tel:+7916>', "", "tel:+7916", {}),
        ('<sip:a@[::1]:5060>;+sip.instance="<urn:uuid:1>";q=0.5', "", "sip:a@[::1]:5060", {"+sip.instance": "<urn:uuid:1>", "q": "0.5"}),
        ("\t\"x\"\t<sip:a@b>\t", "x", "sip:a@b", {}),
    ],
)  # fmt: skip
def test_addresses_are_read(text: str, display: str, uri: str, params: dict[str, str | None]) -> None:
    address = NameAddr.parse(text)
    assert address == NameAddr(display, Uri.parse(uri), params)
    assert NameAddr.parse(str(address)) == address
    assert address.tag == read_tag(text) == params.get("tag")
    assert read_address(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "<>", "<sip:a@b", "sip:a@b>", '"open <sip:a@b>', "<sip:a@b> x", "<sip:a@b>, <sip:c@d>", "a <b> <sip:a@b>",
     "sip:a@b?x=y", "sip:a@b,sip:c@d", "<sip:a b@c>", '"x" sip:a@b', "*"],
)  # fmt: skip
def test_what_is_no_address_is_an_error(text: str) -> None:
    for read in (NameAddr.parse, read_tag, read_address):
        with pytest.raises(ParseError):
            read(text)


@given(
    st.builds(
        NameAddr, CLEAN, URIS, st.dictionaries(st.text("abcz09-", min_size=1), st.none() | CLEAN, max_size=3)
    )
)
def test_an_address_reads_as_it_was_written(address: NameAddr) -> None:
    text = str(address)
    assert "\r" not in text
    assert "\n" not in text
    assert NameAddr.parse(text) == address
    assert read_tag(text) == address.tag


@pytest.mark.parametrize("bad", ["a\r\nVia: x", "a\nb", "a\0"])
def test_a_display_name_must_not_become_a_header(bad: str) -> None:
    with pytest.raises(LocalProtocolError):
        str(NameAddr(bad, Uri.parse("sip:a@b")))
    with pytest.raises(LocalProtocolError):
        str(NameAddr("", Uri.parse("sip:a@b"), {"tag": bad}))


def test_parameters_can_be_set() -> None:
    address = NameAddr.parse("<sip:a@b>;q=1").with_params(tag="t", q="2")
    assert str(address) == "<sip:a@b>;q=2;tag=t"


@pytest.mark.parametrize(
    "text",
    ['"x" <sip:a@b;y=1>;tag=t', "<sip:a@b:99999>;tag=t", "<sip:a:b:c@d>;tag=t", "<sip:a@b;;x>;tag=t", "<sip:a@b>;tag=",
     "<sip:a@b>;tag=t;tag=u", "<sip:a@b>;tag", "<sip:a@b>", 'a.b <sip:%zz@b>;tag="t"', "<sip:a@b:65535>;tag=t", "<sip:@b>"],
)  # fmt: skip
def test_the_short_way_to_a_tag_agrees_with_the_long_one(text: str) -> None:
    def by(read: object) -> object:
        try:
            return NameAddr.parse(text).tag if read is NameAddr else read_tag(text)
        except ParseError:
            return ParseError

    assert by(read_tag) == by(NameAddr)


@given(st.text(), st.sampled_from(["", "sip:", "<sip:a@b>;", '"', "<sip:"]))
def test_nothing_but_a_parse_error_comes_of_any_text(text: str, prefix: str) -> None:
    for read in (Uri.parse, NameAddr.parse, read_tag, read_address, read_target):
        try:
            value = read(prefix + text)
        except ParseError:
            continue
        if isinstance(value, Uri | NameAddr):
            assert type(value).parse(str(value)) == value


def test_an_empty_user_is_refused_rather_than_written() -> None:
    with pytest.raises(LocalProtocolError):
        str(Uri("sip", "", None, "h"))
