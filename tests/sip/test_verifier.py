"""Digest, the server's side: nonces that are ours and fresh, counts that grow, passwords that fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import verifier as module
from sip.digest import Challenge, Credentials, NonceCounts, answer, best
from sip.verifier import Verdict, Verifier

USER = Credentials("101", "secret")
URI = "sip:pbx.example.com"
SECRET = b"0123456789abcdef"


def make(**settings: float) -> Verifier:
    return Verifier("pbx", SECRET, **settings)  # type: ignore[arg-type]


def judge(
    verifier: Verifier, authorization: str | None, now: float = 1.0, method: str = "REGISTER", uri: str = URI
) -> Verdict:
    return verifier.verify(authorization, method, uri, b"", {"101": "secret"}.get, now)[0]


def log_in(
    verifier: Verifier, now: float = 0.0, user: Credentials = USER, counts: NonceCounts | None = None
) -> tuple[list[Challenge], str]:
    challenges = [Challenge.parse(one) for one in verifier.challenge(now)]
    value = answer(challenges, user, "REGISTER", URI, b"", counts or NonceCounts(), "c")
    assert value is not None
    return challenges, value


def test_our_own_client_is_let_in() -> None:
    verifier = make()
    challenges, value = log_in(verifier)
    assert [one.algorithm for one in challenges] == ["SHA-256", "MD5"]
    assert verifier.verify(value, "REGISTER", URI, b"", {"101": "secret"}.get, 1.0) == (
        Verdict.ACCEPTED,
        "101",
    )


def test_the_weaker_algorithm_is_accepted_when_it_was_offered_and_refused_when_not() -> None:
    verifier = make()
    md5 = [Challenge.parse(verifier.challenge(0.0)[1])]
    value = answer(md5, USER, "REGISTER", URI, b"", NonceCounts(), "c")
    assert judge(verifier, value) is Verdict.ACCEPTED
    strict = Verifier("pbx", SECRET, algorithms=("SHA-256",))
    assert judge(strict, value) is Verdict.MISSING


@pytest.mark.parametrize(
    "user",
    [
        Credentials("101", "wrong"),
        Credentials("102", "secret"),
        Credentials("102", ""),
        Credentials("101", ""),
    ],
)
def test_a_wrong_password_and_a_stranger_are_refused(user: Credentials) -> None:
    verifier = make()
    assert judge(verifier, log_in(verifier, user=user)[1]) is Verdict.REFUSED


def test_credentials_for_another_request_are_refused() -> None:
    verifier = make()
    value = log_in(verifier)[1]
    assert judge(verifier, value, method="INVITE") is Verdict.REFUSED
    assert judge(verifier, value, uri="sip:elsewhere") is Verdict.REFUSED
    assert judge(verifier, value) is Verdict.ACCEPTED


def test_a_count_must_not_be_used_twice() -> None:
    verifier, counts = make(), NonceCounts()
    challenges, value = log_in(verifier, counts=counts)
    assert judge(verifier, value) is Verdict.ACCEPTED
    assert judge(verifier, value) is Verdict.REPLAYED
    following = answer(challenges, USER, "REGISTER", URI, b"", counts, "c")
    assert judge(verifier, following) is Verdict.ACCEPTED
    assert judge(verifier, value) is Verdict.REPLAYED


def test_a_refused_answer_does_not_use_up_its_count() -> None:
    verifier = make()
    value = log_in(verifier)[1]
    assert judge(verifier, value.replace('response="', 'response="0')) is Verdict.REFUSED
    assert judge(verifier, value) is Verdict.ACCEPTED


def test_a_nonce_grows_old_and_that_is_said_only_to_who_knows_the_password() -> None:
    verifier = make(lifetime=10.0)
    value = log_in(verifier, now=100.0)[1]
    assert judge(verifier, value, now=111.0) is Verdict.STALE
    assert judge(verifier, value.replace('response="', 'response="0'), now=111.0) is Verdict.REFUSED
    assert judge(verifier, value, now=109.9) is Verdict.ACCEPTED


def test_a_nonce_from_the_future_is_not_taken() -> None:
    verifier = make()
    assert judge(verifier, log_in(verifier, now=100.0)[1], now=50.0) is Verdict.STALE


def test_a_nonce_of_another_secret_or_realm_is_refused() -> None:
    value = log_in(Verifier("pbx", b"another secret!!"))[1]
    assert judge(make(), value) is Verdict.REFUSED
    other = Verifier("other", SECRET)
    assert judge(other, log_in(make())[1]) is Verdict.REFUSED


def test_nonces_outlive_a_restart_when_the_secret_does() -> None:
    value = log_in(make())[1]
    assert judge(make(), value) is Verdict.ACCEPTED


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "Basic x",
        "Digest",
        'Digest username="101"',
        "Digest =",
        'Digest realm="pbx", nonce="x", nonce="y"',
    ],
)
def test_what_is_no_answer_is_missing(value: str | None) -> None:
    assert make().verify(value, "REGISTER", URI, b"", lambda _: None, 0.0) == (Verdict.MISSING, "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("nc=00000001", "nc=1"),
        ("qop=auth", "qop=auth-int"),
        ("nc=00000001", "nc=0000000g"),
        ("Digest ", "Basic "),
    ],
)
def test_an_answer_of_another_kind_is_missing(old: str, new: str) -> None:
    verifier = make()
    value = log_in(verifier)[1]
    assert old in value
    assert judge(verifier, value.replace(old, new)) is Verdict.MISSING


def test_every_challenge_has_a_nonce_of_its_own_and_says_stale_when_it_is() -> None:
    verifier = make()
    first, second = (Challenge.parse(verifier.challenge(0.0, stale=stale)[0]) for stale in (False, True))
    assert first.nonce != second.nonce
    assert (first.stale, second.stale) == (False, True)
    assert best([first]) == first


def test_counts_of_expired_nonces_are_dropped() -> None:
    verifier = make(lifetime=10.0)
    old = log_in(verifier, now=0.0)[1]
    assert judge(verifier, old, now=1.0) is Verdict.ACCEPTED
    assert judge(verifier, log_in(verifier, now=20.0)[1], now=20.0) is Verdict.ACCEPTED
    assert len(verifier._counts) == 1
    assert judge(verifier, old, now=20.0) is Verdict.STALE


def test_a_forgotten_nonce_is_stale_and_never_good_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_NONCES", 1)
    verifier = make()
    old = log_in(verifier, now=0.0)[1]
    assert judge(verifier, old, now=1.0) is Verdict.ACCEPTED
    assert judge(verifier, log_in(verifier, now=1.0)[1], now=1.0) is Verdict.ACCEPTED
    assert judge(verifier, old, now=1.0) is Verdict.STALE


@pytest.mark.parametrize(
    ("secret", "algorithms"), [(b"short", ("MD5",)), (SECRET, ()), (SECRET, ("SHA-3000",))]
)
def test_a_verifier_that_could_not_work_is_not_born(secret: bytes, algorithms: tuple[str, ...]) -> None:
    with pytest.raises(RuntimeError):
        Verifier("pbx", secret, algorithms=algorithms)


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(["", "Digest ", 'Digest realm="pbx", nonce="1-1-']),
)
def test_no_text_opens_the_door_or_breaks_it(text: str, prefix: str) -> None:
    assert judge(make(), prefix + text) in (Verdict.MISSING, Verdict.REFUSED)


@given(
    st.fixed_dictionaries(
        {name: st.text("abc-0129é") for name in ("username", "realm", "nonce", "response", "cnonce")}
    )
)
def test_no_parameters_open_the_door_or_break_it(given_: dict[str, str]) -> None:
    value = "Digest " + ", ".join(f'{name}="{text}"' for name, text in given_.items())
    assert (
        judge(make(), f'{value}, uri="{URI}", qop=auth, nc=00000001') is Verdict.REFUSED
        or given_["realm"] == "pbx"
    )
