"""amoCRM's one-time token: the checks of `amocrm.md` 2.6, each with its fault and its counter."""

import base64
import json
from collections import Counter
from typing import Any

import jwt
import pytest

from gateway.crm import widget_auth
from gateway.crm.widget_auth import (
    LEEWAY,
    MAX_LIFE,
    MAX_TOKEN,
    Integration,
    TokenFault,
    TokenRefusedError,
    WidgetAuth,
)
from gateway.realtime.ports import Identity

NOW = 1_757_577_700.0
SECRET = "s" * 64
ORIGIN = "https://example.amocrm.ru"
GATEWAY = "https://gw.example.org"
HOME = Integration(12345678, ORIGIN, "uuid-1", SECRET)
OTHER = Integration(777, "https://other.amocrm.ru", "uuid-1", "o" * 64)


def claims(**changed: Any) -> dict[str, Any]:
    """What amoCRM says, as in its documentation."""
    documented = {
        "iss": ORIGIN,
        "aud": GATEWAY,
        "jti": "a1b2c3d4",
        "iat": 1_757_577_600,
        "nbf": 1_757_577_600,
        "exp": 1_757_579_400,
        "account_id": 12345678,
        "user_id": 987654,
        "client_uuid": "uuid-1",
        "subdomain": "example",
        "is_admin": True,
    }
    return {name: value for name, value in {**documented, **changed}.items() if value is not None}


def token(key: str = SECRET, algorithm: str = "HS256", **changed: Any) -> str:
    return jwt.encode(claims(**changed), key, algorithm)


def auth(*, reuse: bool = True, audience: str = GATEWAY) -> WidgetAuth:
    known = {integration.account_id: integration for integration in (HOME, OTHER)}
    return WidgetAuth(known.get, audience, reuse=reuse)


def fault(of: WidgetAuth, shown: str, origin: str = ORIGIN, now: float = NOW) -> TokenFault:
    before = Counter(of.counters)
    with pytest.raises(TokenRefusedError) as caught:
        of.verify(shown, origin, now)
    assert of.counters - before == Counter({caught.value.fault.value: 1})
    return caught.value.fault


def test_a_genuine_token_says_whose_it_is() -> None:
    checked = auth()
    assert checked.verify(token(), ORIGIN, NOW) == Identity(12345678, 987654)
    assert checked.counters == Counter(accepted=1)


@pytest.mark.parametrize(
    "audience",
    ["https://gw.example.org", "https://gw.example.org:8443", "https://gw.example.org/oauth/callback"],
)
def test_port_and_path_of_the_redirect_uri_do_not_matter(audience: str) -> None:
    assert auth(audience=audience).verify(token(), ORIGIN, NOW)
    assert auth().verify(token(aud=audience), ORIGIN, NOW)


def test_a_token_without_the_claims_that_are_not_documented_is_taken() -> None:
    assert auth().verify(token(subdomain=None, is_admin=None), ORIGIN, NOW)


def test_no_token() -> None:
    assert fault(auth(), "") is TokenFault.MISSING


@pytest.mark.parametrize(
    "shown",
    [
        "nonsense",
        "a.b.c",
        "é.é.é",
        token()[:-200],
        "x" * (MAX_TOKEN + 1),
        ".".join([token().split(".")[0], "[]", ""]),
    ],
)
def test_what_is_no_token(shown: str) -> None:
    assert fault(auth(), shown) is TokenFault.MALFORMED


@pytest.mark.parametrize(
    "missing", ["iss", "aud", "jti", "iat", "nbf", "exp", "account_id", "user_id", "client_uuid"]
)
def test_every_documented_claim_must_be_there(missing: str) -> None:
    assert fault(auth(), token(**dict[str, Any]({missing: None}))) is TokenFault.MALFORMED


@pytest.mark.parametrize(
    "changed",
    [{"account_id": "12345678"}, {"exp": "tomorrow"}, {"user_id": True}, {"aud": [GATEWAY]}, {"jti": 5}],
    ids=str,
)
def test_claims_of_the_wrong_type(changed: dict[str, Any]) -> None:
    assert fault(auth(), _unchecked(claims(**changed), {"alg": "HS256"})) is TokenFault.MALFORMED


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_of_the_same_key_is_refused(algorithm: str) -> None:
    """HS512 is the Salesbot's token: genuine, and not for us."""
    shown = jwt.encode(claims(), SECRET, algorithm)
    assert fault(auth(), shown) is TokenFault.ALGORITHM


@pytest.mark.parametrize("alg", ["none", "None", "RS256", "", None, 5])
def test_an_algorithm_that_is_no_signature_is_refused(alg: object) -> None:
    assert fault(auth(), _unchecked(claims(), {"alg": alg})) in (
        TokenFault.ALGORITHM,
        TokenFault.MALFORMED,
    )


def test_an_account_that_did_not_install_us() -> None:
    assert fault(auth(), token(account_id=1)) is TokenFault.UNKNOWN_ACCOUNT


def test_another_integration_of_the_same_account() -> None:
    assert fault(auth(), token(client_uuid="uuid-2")) is TokenFault.UNKNOWN_INTEGRATION


def test_a_forged_signature() -> None:
    assert fault(auth(), token(key="f" * 64)) is TokenFault.SIGNATURE


def test_a_signature_of_another_accounts_secret() -> None:
    """A customer who knows his own secret cannot speak for another account."""
    assert fault(auth(), token(key=OTHER.client_secret)) is TokenFault.SIGNATURE


def test_a_token_whose_content_was_changed() -> None:
    head, _, signature = token().split(".")
    forged = _base64(json.dumps(claims(user_id=1)).encode())
    assert fault(auth(), f"{head}.{forged}.{signature}") is TokenFault.SIGNATURE


def test_an_expired_token_with_leeway() -> None:
    end = float(claims()["exp"])
    assert auth().verify(token(), ORIGIN, end + LEEWAY - 1)
    assert fault(auth(), token(), now=end + LEEWAY) is TokenFault.EXPIRED


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_token_of_tomorrow_with_leeway(claim: str) -> None:
    assert auth().verify(token(**dict[str, Any]({claim: NOW + LEEWAY})), ORIGIN, NOW)
    assert fault(auth(), token(**dict[str, Any]({claim: NOW + LEEWAY + 1}))) is TokenFault.NOT_YET_VALID


@pytest.mark.parametrize("changed", [{"exp": 1_757_577_600 + MAX_LIFE + 1}, {"exp": NOW - 1, "iat": NOW}])
def test_a_life_that_amocrm_does_not_give(changed: dict[str, Any]) -> None:
    assert fault(auth(), token(**changed)) is TokenFault.LIFE


@pytest.mark.parametrize(
    "audience", ["https://evil.example", "http://gw.example.org", "gw.example.org", "", "https://[bad"]
)
def test_a_token_for_another_gateway(audience: str) -> None:
    assert fault(auth(), token(aud=audience)) is TokenFault.AUDIENCE


@pytest.mark.parametrize(
    "issuer", ["https://evil.amocrm.ru", "http://example.amocrm.ru", "example.amocrm.ru", ""]
)
def test_an_issuer_that_is_not_the_accounts_address(issuer: str) -> None:
    assert fault(auth(), token(iss=issuer)) is TokenFault.ISSUER


def test_a_page_of_another_origin_may_not_show_it() -> None:
    assert fault(auth(), token(), origin="https://other.amocrm.ru") is TokenFault.ORIGIN


def test_a_token_shown_again_by_the_same_user_is_taken_and_counted() -> None:
    checked = auth()
    checked.verify(token(), ORIGIN, NOW)
    assert checked.verify(token(), ORIGIN, NOW + 60) == Identity(12345678, 987654)
    assert checked.counters == Counter(accepted=1, accepted_again=1)


def test_or_it_is_refused_by_a_setting() -> None:
    checked = auth(reuse=False)
    checked.verify(token(), ORIGIN, NOW)
    assert fault(checked, token(), now=NOW + 60) is TokenFault.REUSED


def test_the_same_jti_of_another_user_is_refused() -> None:
    checked = auth()
    checked.verify(token(), ORIGIN, NOW)
    assert fault(checked, token(user_id=5)) is TokenFault.REUSED


def test_a_refused_token_is_not_remembered() -> None:
    checked = auth(reuse=False)
    fault(checked, token(), origin="https://other.amocrm.ru")
    assert checked.verify(token(), ORIGIN, NOW)


def test_memory_is_bounded_and_the_expired_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widget_auth, "MAX_SEEN", 10)
    checked = auth(reuse=False)
    for number in range(9):
        checked.verify(token(jti=f"old-{number}"), ORIGIN, NOW)
    later: dict[str, Any] = {"iat": NOW + 3600, "nbf": NOW + 3600, "exp": NOW + 5400}
    for number in range(10):
        checked.verify(token(jti=f"new-{number}", **later), ORIGIN, NOW + 3600)
    assert fault(checked, token(jti="new-0", **later), now=NOW + 3600) is TokenFault.REUSED
    assert checked.counters["forgotten_early"] == 0
    checked.verify(token(jti="one more", **later), ORIGIN, NOW + 3600)
    assert checked.counters["forgotten_early"] == 1
    assert len(checked._seen) == 10


def test_no_secret_is_shown_by_a_repr() -> None:
    assert SECRET not in repr(HOME)


def test_a_refusal_reads_as_a_sentence() -> None:
    assert str(TokenRefusedError(TokenFault.EXPIRED)) == "one-time token refused: expired"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unchecked(said: dict[str, Any], head: dict[str, Any]) -> str:
    """A token that no library would make: any head, any claims, an empty signature."""
    parts = (json.dumps({"typ": "JWT", **head}).encode(), json.dumps(said).encode(), b"")
    return ".".join(_base64(part) for part in parts)
