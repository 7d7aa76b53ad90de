"""The pages in a real Chromium: the order of amoCRM's loader, area changes without reload, numbers, `$authorizedAjax`.

amocrm.md 1.4 to 1.9. The widget is a diary (`pages.WIDGET`): what is compared is the order in which things were done to it.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Route, expect

from tests.peers.chromium import Chromium
from tests.peers.processes import Workshop
from tests.sandbox.office import ALEXEY
from tests.sandbox.pages import WIDGET, Office, diary, open_office, write_widget

# One browser and one loop for all of them: a start costs seconds.
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

BEGUN = ["new in llist for 101", "render in llist", "bind_actions", "rendered", "init"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_chromium() -> AsyncIterator[Chromium]:
    with Workshop("sandbox") as shop:
        async with Chromium(shop) as browser:
            yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def chromium(one_chromium: Chromium) -> AsyncIterator[Chromium]:
    """A console error that a test did not expect fails it."""
    yield one_chromium
    complaints = one_chromium.unexpected_errors
    one_chromium.errors.clear()
    one_chromium._expected.clear()
    assert complaints == []


@pytest_asyncio.fixture(loop_scope="module")
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A running sandbox whose widget writes down what is done to it."""
    async with open_office(tmp_path) as made:
        yield made


async def test_bind_actions_comes_at_once_and_init_when_render_is_done(
    chromium: Chromium, office: Office
) -> None:
    page = await office.page(chromium)
    assert await diary(page, until="init") == BEGUN


async def test_an_init_once_widget_lives_on_and_is_only_rendered_again(
    chromium: Chromium, office: Office
) -> None:
    page = await office.page(chromium)
    await diary(page, until="init")
    await page.locator("tbody a[href^='/contacts/detail/']").first.click()
    await expect(page.locator(".card-fields__head h1")).to_have_text("Ирина Лаврентьева")
    await page.wait_for_function("DIARY.length === 7")
    assert (await diary(page))[5:] == ["render in ccard", "rendered"]
    await page.evaluate("APP.router.navigate('/companies/detail/41000001', {trigger: true})")
    await page.wait_for_function("DIARY.length === 9")
    assert (await diary(page))[7:] == ["render in comcard", "rendered"]
    assert await page.evaluate("[APP.isCard(), APP.getV3WidgetsArea(), APP.data.current_card.id]") == [
        True,
        "companies.card",
        41000001,
    ]


async def test_a_widget_that_is_not_init_once_is_destroyed_on_every_change(
    chromium: Chromium, office: Office
) -> None:
    write_widget(office.widget, init_once=False)
    page = await office.page(chromium)
    await diary(page, until="init")
    await page.locator("#left_menu a[data-entity=contacts]").click()
    await page.wait_for_function("DIARY.length === 11")
    assert (await diary(page))[5:] == [
        "destroy", "new in clist for 101", "render in clist", "bind_actions", "rendered", "init"
    ]  # fmt: skip


@pytest.mark.parametrize("missing", ["init", "bind_actions"])
async def test_a_widget_without_a_mandatory_callback_is_left_out_silently(
    chromium: Chromium, office: Office, missing: str
) -> None:
    write_widget(office.widget, WIDGET.replace(f"{missing}: function", f"no_{missing}: function"))
    page = await office.page(chromium)
    assert await diary(page) == ["new in llist for 101"]
    assert await page.evaluate("Object.keys(APP.widgets.list)") == []


async def test_a_script_that_cannot_be_read_leaves_the_page_alive(chromium: Chromium, office: Office) -> None:
    (office.widget / "script.js").unlink()
    chromium.expect_error("404")
    page = await office.page(chromium)
    assert await page.evaluate("Object.keys(APP.widgets.list)") == []
    await expect(page.locator("#list_table tbody tr")).to_have_count(18)


async def test_in_a_list_one_click_on_the_number_calls_with_what_is_shown(
    chromium: Chromium, office: Office
) -> None:
    page = await office.page(chromium)
    await diary(page, until="init")
    await page.locator("tbody .js-phone").first.click()
    assert (await diary(page))[-1] == "phone +7 (900) 555-01-01"


async def test_the_switch_makes_lists_open_the_menu_too(chromium: Chromium, office: Office) -> None:
    page = await office.page(chromium)
    await diary(page, until="init")
    await page.locator(".js-list-click").check()
    await page.locator("tbody .js-phone").nth(1).click()
    assert (await diary(page))[-1] == "init"
    await page.locator(".js-cf-actions-item").click()
    assert (await diary(page))[-1] == "phone +79005550103"


async def test_in_a_card_the_number_opens_a_menu_with_the_widgets_call_action(
    chromium: Chromium, office: Office
) -> None:
    page = await office.page(chromium, "/contacts/detail/51000001")
    await diary(page, until="init")
    row = page.locator("[data-pei-code=phone].js-linked-with-actions").first
    await row.locator(".js-phone").click()
    item = row.locator(".js-tip-holder .js-cf-actions-item[data-type=phone]")
    await expect(item).to_have_text("Набрать")
    assert (await diary(page))[-1] == "init"
    await item.click()
    assert (await diary(page))[-1] == "phone +7 (900) 555-01-01"
    await expect(item).to_have_count(0)


async def test_the_left_menu_carries_the_widgets_telephone(chromium: Chromium, office: Office) -> None:
    page = await office.page(chromium)
    await diary(page, until="init")
    await page.locator("#left_menu .nav__notifications .calls-list-toggler").click()
    assert (await diary(page))[-1] == "icon"
    await page.evaluate("APP.widgets.destroyNotificationsPhone({ns: '.widget:trubka'})")
    await expect(page.locator(".calls-list-toggler")).to_have_count(0)


async def test_ticked_rows_are_what_list_selected_gives(chromium: Chromium, office: Office) -> None:
    page = await office.page(chromium)
    await diary(page, until="init")
    for row in (0, 3):
        await page.locator(".js-row-tick").nth(row).check()
    await page.locator("#list_multiple_actions .js-list-multiple-actions__item").click()
    assert (await diary(page))[-1] == 'selected {"items":2,"emails":1,"phones":3}'


async def test_authorized_ajax_carries_a_one_time_token_of_the_user(
    chromium: Chromium, office: Office
) -> None:
    page = await office.page(chromium, user=ALEXEY)
    await diary(page, until="init")
    seen: list[str] = []

    async def backend(route: Route) -> None:
        seen.append(route.request.headers["x-auth-token"])
        await route.fulfill(json={"ok": 1})

    await page.route("**/backend", backend)
    answer = await page.evaluate(
        """() => new Promise((done, failed) =>
             APP.widgets.list.trubka.$authorizedAjax({url: '/backend', method: 'POST'}).done(done).fail(failed))"""
    )
    assert answer == {"ok": 1}
    payload = await page.evaluate("token => JSON.parse(atob(token.split('.')[1]))", seen[0])
    assert (payload["user_id"], payload["iss"]) == (ALEXEY, office.url)


async def test_the_widget_can_be_switched_off_and_on_without_a_reload(
    chromium: Chromium, office: Office
) -> None:
    page = await office.page(chromium)
    await diary(page, until="init")
    await page.locator(".js-widget-active").uncheck()
    await diary(page, until="destroy")
    await expect(page.locator("tbody .js-phone")).to_have_count(18)
    await page.locator(".js-widget-active").check()
    await diary(page, until="init")


async def test_the_page_does_not_reload_itself_while_a_call_lives(chromium: Chromium, office: Office) -> None:
    page = await office.page(chromium)
    await page.evaluate("window.STILL = true; APP.sdk.setCallingStatus(true)")
    await page.locator(".js-rollout").click()
    await expect(page.locator(".toast")).to_contain_text("Идёт звонок")
    assert await page.evaluate("window.STILL === true")
    await page.evaluate("APP.sdk.setCallingStatus(false)")
    async with page.expect_navigation():
        await page.locator(".js-rollout").click()


async def test_a_new_contact_is_saved_from_the_address_that_carries_its_number(
    chromium: Chromium, office: Office
) -> None:
    page = await office.page(chromium, "/contacts/list")
    await page.evaluate("APP.router.navigate('/contacts/add/?phone=+79161234567', {trigger: true})")
    await expect(page.locator("input[name=phone]")).to_have_value("+79161234567")
    assert await page.evaluate("APP.data.current_card.id") == 0
    await page.locator("input[name=name]").fill("Новый <b>человек</b>")
    await page.locator(".js-new-contact .button").click()
    await expect(page.locator(".card-fields__head h1")).to_have_text("Новый <b>человек</b>")


async def test_nobody_registered_is_said_by_the_button(chromium: Chromium, office: Office) -> None:
    chromium.expect_error("409")
    page = await office.page(chromium)
    await page.locator(".js-call-in").first.click()
    await expect(page.locator(".toast")).to_contain_text("Внутренний номер 101 не в сети")


@pytest.mark.parametrize(
    "style", ["define(function (require) { var $ = require('jquery'); return { has: !!$.ajax }; })"]
)
async def test_the_commonjs_style_of_define_works_too(chromium: Chromium, office: Office, style: str) -> None:
    (office.widget / "other.js").write_text(style)
    page = await office.page(chromium)
    url = f"{office.url}/widget/other.js"
    assert await page.evaluate("url => new Promise((d) => require([url], d))", url) == {"has": True}
    relative = f"define(['{office.url}/widget/other.js'], (other) => ({{ other }}))"
    (office.widget / "third.js").write_text(relative.replace(f"{office.url}/widget", "."))
    third = f"{office.url}/widget/third.js"
    assert await page.evaluate("url => new Promise((d) => require([url], d))", third) == {
        "other": {"has": True}
    }
