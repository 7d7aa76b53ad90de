"""Via, CSeq, Replaces, Reason and authentication parameters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import LocalProtocolError, ParseError
from sip.grammar import parse_params
from sip.headers import AuthParams, CSeq, Reason, ReplacesHeader, Via, checked_call_id

CLEAN = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))
TOKENS = st.text("abcXYZ019-.!%*_+`'~", min_size=1)
NAMES = TOKENS.map(str.lower)
HOSTS = st.sampled_from(["example.com", "10.0.0.1", "::1", "2001:db8::1", "my_host"])


@pytest.mark.parametrize(
    ("text", "via"),
    [
        ("SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bKx", Via("UDP", "10.0.0.9", 5060, {"rport": None, "branch": "z9hG4bKx"})),
        (" SIP/2.0/UDP a.b;branch=z9hG4bKx, SIP/2.0/TCP c", Via("UDP", "a.b", None, {"branch": "z9hG4bKx"})),
        ("SIP / 2.0 / tcp  first.example.com : 4000 ; ttl = 16 ;Branch=x", Via("TCP", "first.example.com", 4000, {"ttl": "16", "branch": "x"})),
        ("sip/2.0/TLS [2001:db8::1]:5061", Via("TLS", "2001:db8::1", 5061)),
        (' SIP/2.0/UDP h;x="a,b;branch=no";branch=yes', Via("UDP", "h", None, {"x": "a,b;branch=no", "branch": "yes"})),
    ],
)  # fmt: skip
def test_the_topmost_via_is_read(text: str, via: Via) -> None:
    assert Via.parse(text) == via
    assert Via.parse(str(via)) == via


@pytest.mark.parametrize(
    "text",
    ["", "SIP/2.0/UDP", "SIP/x.0/UDP h", "SIP/2.0/UDP h:99999", "SIP/2.0/UDP h x", "HTTP/1.1 h", "SIP/2.0/UDP h;x=\"open",
     "SIP/2.0/UDP [::1", " SIP/2.0/UDP h:70000;branch=x", "SIP/2.0/UDP h;:=1"],
)  # fmt: skip
def test_what_is_no_via_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        Via.parse(text)


@given(
    st.builds(
        Via,
        TOKENS.map(str.upper),
        HOSTS,
        st.none() | st.integers(0, 65535),
        st.dictionaries(NAMES, st.none() | CLEAN),
    )
)
def test_a_via_reads_as_it_was_written(via: Via) -> None:
    assert Via.parse(str(via)) == via


@pytest.mark.parametrize(
    "via",
    [Via("U\r\nX", "h"), Via("UDP", "h\r\nX: y"), Via("UDP", ""), Via("UDP", "h", None, {"branch": "a\nb"})],
)
def test_a_via_must_not_become_two_headers(via: Via) -> None:
    with pytest.raises(LocalProtocolError):
        str(via)


def test_via_says_what_it_knows_of_the_way_back() -> None:
    via = Via.parse("SIP/2.0/UDP 10.0.0.9:5060;rport=5062;received=192.0.2.1;branch=b")
    assert (via.branch, via.received, via.rport, via.sent_by) == ("b", "192.0.2.1", 5062, "10.0.0.9:5060")
    assert Via("UDP", "::1").sent_by == "[::1]"
    assert Via("UDP", "h").branch == ""
    assert Via("UDP", "h").rport is None


@pytest.mark.parametrize("rport", ["", "x", "²", "99999", None])
def test_an_rport_that_is_no_port_is_none(rport: str | None) -> None:
    assert Via("UDP", "h", None, {"rport": rport}).rport is None


def test_received_is_added_when_the_address_differs_18_2_1() -> None:
    via = Via("UDP", "10.0.0.9", 5060, {"branch": "b"})
    assert via.with_received("10.0.0.9", 4000) is via
    assert via.with_received("192.0.2.1", 4000).params == {"branch": "b", "received": "192.0.2.1"}


def test_received_and_rport_are_both_added_when_rport_is_asked_rfc3581_4() -> None:
    via = Via("UDP", "10.0.0.9", 5060, {"rport": None, "branch": "b"})
    assert (
        str(via.with_received("10.0.0.9", 4000))
        == "SIP/2.0/UDP 10.0.0.9:5060;rport=4000;branch=b;received=10.0.0.9"
    )


@pytest.mark.parametrize(
    ("text", "cseq"),
    [
        ("1 INVITE", CSeq(1, "INVITE")),
        (" 0009\t ACK ", CSeq(9, "ACK")),
        (f"{2**31 - 1} X", CSeq(2**31 - 1, "X")),
    ],
)
def test_cseq_is_read(text: str, cseq: CSeq) -> None:
    assert CSeq.parse(text) == cseq
    assert CSeq.parse(str(cseq)) == cseq


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "INVITE",
        "-1 INVITE",
        f"{2**31} INVITE",
        "36893488147419103232 INVITE",
        "² INVITE",
        "1 IN VITE",
        "1INVITE",
    ],
)
def test_cseq_must_be_below_2_to_31_and_have_a_method_8_1_1_5(text: str) -> None:
    with pytest.raises(ParseError):
        CSeq.parse(text)


def test_replaces_is_read_rfc3891() -> None:
    replaces = ReplacesHeader.parse(" 12adf2f34456gs5@h ;to-tag=12345;from-tag=54321;early-only")
    assert replaces == ReplacesHeader("12adf2f34456gs5@h", "12345", "54321", early_only=True)
    assert ReplacesHeader.parse(str(replaces)) == replaces
    assert str(ReplacesHeader("c", "t", "f")) == "c;to-tag=t;from-tag=f"


@pytest.mark.parametrize(
    "text", ["", "c", "c;to-tag=1", "c;from-tag=1", ";to-tag=1;from-tag=2", "c;to-tag;from-tag=2"]
)
def test_replaces_without_both_tags_is_an_error_rfc3891_6_1(text: str) -> None:
    with pytest.raises(ParseError):
        ReplacesHeader.parse(text)


@pytest.mark.parametrize(
    "header",
    [ReplacesHeader("c;x", "t", "f"), ReplacesHeader("c,d", "t", "f"), ReplacesHeader("c\r\n", "t", "f"), ReplacesHeader("c", "t;x", "f"), ReplacesHeader("c", "t", "f\n")],
)  # fmt: skip
def test_replaces_must_not_carry_more_than_it_says(header: ReplacesHeader) -> None:
    with pytest.raises(LocalProtocolError):
        str(header)


def test_several_reasons_in_one_line_or_two_are_all_read_rfc3326() -> None:
    lines = ['SIP;cause=200;text="Call completed elsewhere", Q.850 ;cause=26', "Q.850;cause=16"]
    assert Reason.parse_all(lines) == (
        Reason("SIP", 200, "Call completed elsewhere"),
        Reason("Q.850", 26),
        Reason("Q.850", 16),
    )


def test_an_unreadable_reason_is_passed_over() -> None:
    assert Reason.parse_all(['"x";cause=1', "SIP;cause=486", "Q.850;cause=x"]) == (
        Reason("SIP", 486),
        Reason("Q.850"),
    )


@given(st.builds(Reason, TOKENS, st.none() | st.integers(0, 99999), st.none() | CLEAN))
def test_a_reason_reads_as_it_was_written(reason: Reason) -> None:
    assert Reason.parse(str(reason)) == reason
    assert Reason.parse_all([f"{reason}, {reason}"]) == (reason, reason)


def test_a_reason_must_not_become_a_header() -> None:
    with pytest.raises(LocalProtocolError):
        str(Reason("SIP", 200, "a\r\nVia: x"))
    with pytest.raises(LocalProtocolError):
        str(Reason("S P", 200))


def test_a_challenge_is_read_with_its_quotes_and_commas() -> None:
    text = 'Digest realm="a, \\"b\\"",nonce="n=1", Algorithm=MD5 ,qop="auth,auth-int", opaque=""'
    assert AuthParams.parse(text) == AuthParams(
        "Digest",
        {"realm": 'a, "b"', "nonce": "n=1", "algorithm": "MD5", "qop": "auth,auth-int", "opaque": ""},
    )


@pytest.mark.parametrize(
    "text",
    ["", '"x"', "Digest realm", 'Digest realm="open', "Digest a=1 b=2", "Digest a=1, a=2", "Digest =1"],
)
def test_what_is_no_challenge_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        AuthParams.parse(text)


@given(TOKENS, st.dictionaries(NAMES, CLEAN))
def test_parameters_of_a_challenge_read_as_they_were_written(scheme: str, params: dict[str, str]) -> None:
    assert AuthParams.parse(AuthParams(scheme, params).format()) == AuthParams(scheme, params)


def test_named_parameters_are_written_bare_and_must_then_be_tokens() -> None:
    assert (
        AuthParams("Digest", {"realm": "x", "nc": "00000001"}).format({"nc"})
        == 'Digest realm="x", nc=00000001'
    )
    with pytest.raises(LocalProtocolError):
        AuthParams("Digest", {"nc": "1, x=2"}).format({"nc"})
    with pytest.raises(LocalProtocolError):
        AuthParams("Digest", {"realm": "1\r\n"}).format()


@given(
    st.text(st.characters(exclude_characters="\r\n\0")),
    st.sampled_from(["", "SIP/2.0/UDP h;", "1 ", "c;to-tag=a;from-tag=b;", "Digest "]),
)
def test_nothing_but_a_parse_error_comes_of_any_text_and_what_is_read_can_be_written(
    text: str, prefix: str
) -> None:
    for kind in (Via, CSeq, ReplacesHeader, Reason):
        try:
            value = kind.parse(prefix + text)
        except ParseError:
            continue
        assert kind.parse(str(value)) == value
    try:
        challenge = AuthParams.parse(prefix + text)
    except ParseError:
        return
    assert AuthParams.parse(challenge.format()) == challenge


def test_a_via_of_another_version_is_read_so_that_505_can_be_answered() -> None:
    assert Via.parse("SIP/7.0/UDP h;branch=b") == Via("UDP", "h", None, {"branch": "b"})
    with pytest.raises(ParseError):
        Via.parse("SIP/x/UDP h")


def test_only_received_is_written_as_a_bare_ipv6_address_rfc5118_4_5() -> None:
    via = Via("UDP", "::1", None, {"received": "2001:db8::1", "x": "2001:db8::1"})
    assert str(via) == 'SIP/2.0/UDP [::1];received=2001:db8::1;x="2001:db8::1"'
    assert Via.parse(str(via)) == via
    assert Via("UDP", "h", None, {"received": "[::1]"}).received == "::1"


@pytest.mark.parametrize("text", ["", " ", "a b", "a\r\n", "a\0", "\t", "é"])
def test_a_call_id_of_ours_is_a_word(text: str) -> None:
    assert checked_call_id('a-b.c@[::1]:"') == 'a-b.c@[::1]:"'
    with pytest.raises(LocalProtocolError):
        checked_call_id(text)
    with pytest.raises(LocalProtocolError):
        str(ReplacesHeader(text, "1", "2"))


@given(
    st.lists(
        st.sampled_from(
            [";rport", ";branch=z9hG4bKa", "; branch=b", ";Branch=c", ";branch", ";branch=", ";branch=d ", ";received=1.2.3.4",
             ";ttl=1", ";", ";x=\"y\"", ";branch=\"q\"", " "]
        ),
        max_size=6,
    )
)  # fmt: skip
def test_the_branch_is_the_first_one_however_the_parameters_stand(params: list[str]) -> None:
    text = f" SIP/2.0/UDP 192.0.2.1:5070{''.join(params)}"
    try:
        expected = parse_params(text[text.find(";") :] if ";" in text else "")
    except ParseError:
        with pytest.raises(ParseError):
            Via.parse(text)
        return
    for _ in range(2):  # read, then remembered
        via = Via.parse(text)
        assert (via.transport, via.host, via.port) == ("UDP", "192.0.2.1", 5070)
        assert list(via.params.items()) == list(expected.items())
