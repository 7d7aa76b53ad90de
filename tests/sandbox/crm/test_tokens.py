"""The one-time token: claims of amocrm.md 2.6, re-used or signed anew, given to the logged-in user's page only."""

from dataclasses import replace

import jwt
import pytest
from jwt.types import Options

from tests.sandbox.asgi import Browser
from tests.sandbox.office import ALEXEY, MARINA, SECRET, SETTINGS, Account

URL = f"/ajax/v2/integrations/{SETTINGS.client_uuid}/disposable_token"
XHR = {"X-Requested-With": "XMLHttpRequest"}


async def token_of(browser: Browser) -> str:
    answer = await browser.get(URL, headers=XHR)
    assert answer.status == 200
    return str(answer.json()["token"])


def claims_of(token: str, account: Account) -> dict[str, object]:
    options: Options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    audience = account.settings.token_audience
    claims: dict[str, object] = jwt.decode(token, SECRET, ["HS256"], options=options, audience=audience)
    return claims


async def test_the_claims_are_those_of_the_documentation() -> None:
    account = Account()
    claims = claims_of(await token_of(await account.logged_in(MARINA)), account)
    jti = claims.pop("jti")
    assert isinstance(jti, str)
    assert claims == {
        "iss": "http://crm.test:8080",
        "aud": "http://gateway.test:8090",
        "iat": 1_795_000_000,
        "nbf": 1_795_000_000,
        "exp": 1_795_001_800,
        "account_id": 31622477,
        "user_id": MARINA,
        "client_uuid": SETTINGS.client_uuid,
        "subdomain": "oknasz",
        "is_admin": True,
    }


async def test_the_token_names_the_user_who_is_logged_in() -> None:
    account = Account()
    claims = claims_of(await token_of(await account.logged_in(ALEXEY)), account)
    assert (claims["user_id"], claims["is_admin"]) == (ALEXEY, False)


async def test_every_request_gets_a_new_token_unless_reuse_is_on() -> None:
    account = Account()
    browser = await account.logged_in()
    assert await token_of(browser) != await token_of(browser)


async def test_with_reuse_the_same_token_comes_until_half_of_its_life_is_gone() -> None:
    account = Account(replace(SETTINGS, reuse_tokens=True))
    browser = await account.logged_in()
    first = await token_of(browser)
    account.now += 899
    assert await token_of(browser) == first
    account.now += 1
    assert await token_of(browser) != first


async def test_a_given_audience_is_taken_as_it_is() -> None:
    account = Account(replace(SETTINGS, audience="https://gw.example.org"))
    assert claims_of(await token_of(await account.logged_in()), account)["aud"] == "https://gw.example.org"


@pytest.mark.parametrize(
    ("url", "headers", "status"),
    [(URL, {}, 403), ("/ajax/v2/integrations/another/disposable_token", XHR, 404)],
    ids=["a form of another site", "another integration"],
)
async def test_nobody_else_gets_one(url: str, headers: dict[str, str], status: int) -> None:
    assert (await (await Account().logged_in()).get(url, headers=headers)).status == status


async def test_a_stranger_gets_none() -> None:
    assert (await Browser(Account().app()).get(URL, headers=XHR)).status == 401
