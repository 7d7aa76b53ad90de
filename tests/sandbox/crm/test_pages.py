"""The menu of users and the one page of the CRM."""

import json
import re

import pytest

from tests.sandbox.asgi import Browser
from tests.sandbox.office import MARINA, Account


async def test_a_stranger_is_shown_the_menu_of_all_six_users() -> None:
    browser = Browser(Account().app())
    assert (await browser.get("/")).headers["location"] == "/login"
    menu = (await browser.get("/login")).text
    assert menu.count('class="login__user"') == 6
    assert "внутренний 101" in menu
    assert "{{" not in menu


@pytest.mark.parametrize(
    "url", ["/leads/list", "/leads/detail/61000001", "/contacts/list", "/contacts/detail/51000001", "/companies/detail/41000001", "/contacts/add"]
)  # fmt: skip
async def test_every_address_of_the_crm_is_the_page_and_asks_for_a_login(url: str) -> None:
    account = Account()
    assert (await Browser(account.app()).get(url)).headers["location"] == "/login"
    page = await (await account.logged_in()).get(url)
    assert page.status == 200
    assert 'id="left_menu"' in page.text


async def test_the_constants_are_those_of_the_user() -> None:
    page = (await (await Account().logged_in(MARINA)).get("/leads/list")).text
    found = re.search(r'<script id="constants" type="application/json">(.*?)</script>', page, re.S)
    assert found is not None
    constants = json.loads(found[1])
    assert constants["user"]["id"] == MARINA
    assert constants["user_rights"] == {"is_admin": True, "is_free_user": False}
    assert constants["account"]["subdomain"] == "oknasz"
    assert constants["managers"]["9100102"]["title"] == "Алексей Дорофеев"
    assert constants["sandbox"]["extension"] == "101"


@pytest.mark.parametrize(
    ("to", "where"),
    [("/contacts/list", "/contacts/list"), ("//evil.test/", "/leads/list"), ("x", "/leads/list")],
)
async def test_login_goes_on_inside_the_account_only(to: str, where: str) -> None:
    answer = await Browser(Account().app()).get(f"/login/{MARINA}?to={to}")
    assert (answer.status, answer.headers["location"]) == (303, where)


async def test_logout_ends_the_session() -> None:
    browser = await Account().logged_in()
    cookies = dict(browser.cookies)
    await browser.get("/logout")
    browser.cookies = cookies
    assert (await browser.get("/sandbox/session")).status == 401


async def test_an_unknown_user_cannot_log_in() -> None:
    browser = Browser(Account().app())
    assert (await browser.get("/login/5")).status == 404
    assert browser.cookies == {}


@pytest.mark.parametrize("file", ["amd.js", "jquery.js", "office/main.js", "style.css", "icons.svg"])
async def test_the_files_of_the_page_are_there(file: str) -> None:
    answer = await Browser(Account().app()).get(f"/pages/{file}")
    assert answer.status == 200
    assert len(answer.body) > 500
