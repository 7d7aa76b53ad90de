"""Digest, the client's side: the RFCs' own examples, and what a careful client does with a challenge."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.digest import (
    Authenticator,
    Challenge,
    Credentials,
    NonceCounts,
    answer,
    best,
    challenges_in,
    digest_response,
)
from sip.errors import LocalProtocolError, ParseError
from sip.headers import AuthParams
from sip.message import Request, Response
from tests.sip.messages import lines, request

MUFASA = Credentials("Mufasa", "Circle of Life")
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"


def params(value: str | None) -> dict[str, str]:
    assert value is not None
    scheme, found = AuthParams.parse(value)
    assert scheme == "Digest"
    return dict(found)


def challenge(**changed: str) -> str:
    given = {"realm": "pbx", "nonce": "n1", "qop": "auth", **changed}
    return AuthParams("Digest", given).format()


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc7616_3_9_1(algorithm: str, response: str) -> None:
    offered = Challenge.parse(
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, nonce="{NONCE}", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    value = answer([offered], MUFASA, "GET", "/dir/index.html", b"", NonceCounts(), CNONCE)
    assert params(value) == {
        "username": "Mufasa",
        "realm": "http-auth@example.org",
        "uri": "/dir/index.html",
        "algorithm": algorithm,
        "nonce": NONCE,
        "nc": "00000001",
        "cnonce": CNONCE,
        "qop": "auth",
        "response": response,
        "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    }
    assert value is not None
    assert f"algorithm={algorithm}, " in value
    assert "qop=auth, nc=00000001" in value


def test_the_example_of_rfc7616_3_9_2_as_its_erratum_4897_corrects_it() -> None:
    response = digest_response(
        "SHA-512-256",
        Credentials("J\u00e4s\u00f8n Doe", "Secret, or not?"),
        "api@example.org",
        "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
        "GET",
        "/doe.json",
        qop="auth",
        nc="00000001",
        cnonce="NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
    )
    assert response == "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"


def test_the_example_of_rfc2617_3_5() -> None:
    response = digest_response(
        "MD5", Credentials("Mufasa", "Circle Of Life"), "testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        "GET", "/dir/index.html", qop="auth", nc="00000001", cnonce="0a4f113b",
    )  # fmt: skip
    assert response == "6629fae49393a05397450978507c4ef1"


def test_without_qop_it_is_rfc2069() -> None:
    # The example of RFC 2069 §2.4 with its erratum 749.
    offered = Challenge.parse(
        'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc"'
    )
    given_ = params(
        answer(
            [offered],
            Credentials("Mufasa", "CircleOfLife"),
            "GET",
            "/dir/index.html",
            b"",
            NonceCounts(),
            "c",
        )
    )
    assert given_["response"] == "1949323746fe6a43ef61f9606e7febea"
    assert not given_.keys() & {"qop", "nc", "cnonce", "algorithm"}
    assert given_["opaque"] == "5ccc"


def test_sess_mixes_nonce_and_cnonce_into_the_secret() -> None:
    # Calculated apart with hashlib: H(H("Mufasa:r:Circle of Life"):n:c) and so on.
    expected = digest_response(
        "SHA-256-sess", MUFASA, "r", "n", "GET", "/", qop="auth", nc="00000001", cnonce="c"
    )

    def h(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    a1 = h(h("Mufasa:r:Circle of Life") + ":n:c")
    assert expected == h(f"{a1}:n:00000001:c:auth:{h('GET:/')}")
    named = params(answer([Challenge("r", "n", "MD5-sess")], MUFASA, "GET", "/", b"", NonceCounts(), "c"))
    assert (named["algorithm"], named["cnonce"]) == ("MD5-sess", "c")


def test_auth_int_covers_the_body_and_is_taken_only_when_auth_is_not_offered() -> None:
    only = Challenge("r", "n", qop=("auth-int",))
    one = params(answer([only], MUFASA, "INVITE", "sip:a", b"v=0", NonceCounts(), "c"))
    other = params(answer([only], MUFASA, "INVITE", "sip:a", b"v=1", NonceCounts(), "c"))
    assert one["qop"] == "auth-int"
    assert one["response"] != other["response"]
    assert Challenge("r", "n", qop=("auth-int", "auth")).protection == "auth"


def test_the_best_that_we_know_wins_and_among_equals_the_topmost_rfc8760_2_4() -> None:
    offered = [
        Challenge("r", "1", "MD5"),
        Challenge("r", "2", "SHA-256"),
        Challenge("r", "3", "sha-256-SESS"),
        Challenge("r", "4", "SHA-3000"),
        Challenge("r", "5", "SHA-512-256", qop=("auth-token",)),
    ]
    chosen = best(offered)
    assert chosen is not None
    assert chosen.nonce == "2"


def test_what_we_do_not_know_is_not_answered() -> None:
    unknown = [Challenge("r", "n", "AKAv1-MD5"), Challenge("r", "n", qop=("token",))]
    assert best(unknown) is None
    assert answer(unknown, MUFASA, "GET", "/", b"", NonceCounts(), "c") is None


def test_a_challenge_is_read_whatever_its_case_and_quotes() -> None:
    read = Challenge.parse(
        'DIGEST Realm="a \\"b\\"", NONCE="n", stale=TRUE, algorithm=md5, qop="AUTH , auth-int", domain="sip:x"'
    )
    assert read == Challenge('a "b"', "n", "md5", ("auth", "auth-int"), None, stale=True)
    assert read.is_supported
    assert Challenge.parse('Digest realm="", nonce="n"') == Challenge("", "n", named=False)


@pytest.mark.parametrize(
    "text",
    ["", 'Basic realm="x"', 'Digest realm="x"', 'Digest nonce="x"', 'Digest realm="x", nonce=""', "Digest ="],
)
def test_what_is_no_digest_challenge_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        Challenge.parse(text)


@given(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])))
def test_quotes_and_backslashes_survive_in_user_and_realm(text: str) -> None:
    value = answer(
        [Challenge(text, "n", opaque=text)], Credentials(text, "p"), "GET", "/", b"", NonceCounts(), "c"
    )
    found = params(value)
    assert found["username"] == found["realm"] == found["opaque"] == text


@pytest.mark.parametrize("bad", ["a\r\nVia: x", "a\n", "a\0"])
def test_nothing_in_the_credentials_must_become_a_header(bad: str) -> None:
    for credentials, cnonce in ((Credentials(bad, "p"), "c"), (Credentials("u", "p"), bad)):
        with pytest.raises(LocalProtocolError):
            answer([Challenge("r", "n", qop=("auth",))], credentials, "GET", "/", b"", NonceCounts(), cnonce)


def test_a_password_is_not_printed() -> None:
    assert "Circle" not in repr(MUFASA)


def test_counts_are_kept_per_nonce_and_the_oldest_is_forgotten() -> None:
    counts = NonceCounts()
    assert [counts.next("a"), counts.next("a"), counts.next("b"), counts.next("a")] == [1, 2, 1, 3]
    for number in range(64):
        counts.next(str(number))
    assert (counts.used("a"), counts.used("63")) == (0, 1)


def challenged(sent: Request, *challenges: str, status: int = 401) -> Response:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return sent.reply(status, to_tag="x", headers=[(name, one) for one in challenges])


def credentials_of(sent: Request, name: str = "Authorization") -> dict[str, str]:
    return params(sent.get(name))


def test_the_first_challenge_is_answered_and_the_next_request_comes_with_credentials() -> None:
    account, sent = Authenticator(MUFASA), request(lines(method="REGISTER"))
    assert account.authorize(sent, "c0") is sent
    assert account.challenged(challenged(sent, challenge()), sent)
    second = account.authorize(sent, "c1")
    third = account.authorize(second, "c2")
    assert [credentials_of(one)["nc"] for one in (second, third)] == ["00000001", "00000002"]
    assert credentials_of(third)["cnonce"] == "c2"
    assert len(third.get_all("Authorization")) == 1
    assert credentials_of(third)["uri"] == "sip:b@example.com"


def test_a_wrong_password_is_tried_once() -> None:
    account, sent = Authenticator(MUFASA), request(lines())
    assert account.challenged(challenged(sent, challenge()), sent)
    again = account.authorize(sent, "c1")
    assert not account.challenged(challenged(again, challenge(nonce="n2")), again)
    assert account.authorize(sent, "c2").get("Authorization") is None


def test_a_stale_nonce_is_no_refusal() -> None:
    account, sent = Authenticator(MUFASA), request(lines())
    account.challenged(challenged(sent, challenge()), sent)
    again = account.authorize(sent, "c1")
    assert account.challenged(challenged(again, challenge(nonce="n2", stale="true")), again)
    assert credentials_of(account.authorize(sent, "c2"))["nonce"] == "n2"


def test_a_nonce_that_served_before_may_be_replaced_without_the_word_stale() -> None:
    account, sent = Authenticator(MUFASA), request(lines())
    account.challenged(challenged(sent, challenge()), sent)
    account.authorize(sent, "c1")
    later = account.authorize(sent, "c2")
    assert account.challenged(challenged(later, challenge(nonce="n2")), later)
    last = account.authorize(sent, "c3")
    assert credentials_of(last)["nc"] == "00000001"
    assert not account.challenged(challenged(last, challenge(nonce="n3")), last)


def test_the_same_nonce_again_without_stale_is_a_refusal() -> None:
    account, sent = Authenticator(MUFASA), request(lines())
    account.challenged(challenged(sent, challenge()), sent)
    account.authorize(sent, "c1")
    later = account.authorize(sent, "c2")
    assert not account.challenged(challenged(later, challenge()), later)


def test_a_proxy_and_a_server_are_both_answered_each_in_its_header() -> None:
    account, sent = Authenticator(MUFASA), request(lines(method="INVITE"))
    assert account.challenged(challenged(sent, challenge(realm="proxy"), status=407), sent)
    second = account.authorize(sent, "c1")
    assert account.challenged(challenged(second, challenge(realm="server")), second)
    third = account.authorize(second, "c2")
    assert credentials_of(third, "Proxy-Authorization")["realm"] == "proxy"
    assert credentials_of(third)["realm"] == "server"


def test_several_algorithms_of_one_realm_are_one_challenge() -> None:
    account, sent = Authenticator(MUFASA), request(lines())
    assert account.challenged(
        challenged(sent, challenge(algorithm="SHA-256"), challenge(algorithm="MD5")), sent
    )
    assert credentials_of(account.authorize(sent, "c"))["algorithm"] == "SHA-256"


@pytest.mark.parametrize("text", [challenge(algorithm="X"), 'Bearer realm="x"', "nonsense"])
def test_a_challenge_beyond_us_is_not_worth_another_try(text: str) -> None:
    account, sent = Authenticator(MUFASA), request(lines())
    assert not account.challenged(challenged(sent, text), sent)


def test_other_answers_hold_no_challenge() -> None:
    sent = request(lines())
    refused = sent.reply(403, headers=[("WWW-Authenticate", challenge())])
    assert challenges_in(refused) == []
    assert not Authenticator(MUFASA).challenged(refused, sent)
