"""The list of widgets as amocrm.md 1.7 describes it, and the files of the unpacked archive."""

from pathlib import Path

import pytest

from sandbox.crm.widgets import built_widget
from tests.sandbox.asgi import Browser
from tests.sandbox.office import SETTINGS, Account, with_widget


async def listed(account: Account, area: str = "llist") -> dict[str, dict[str, object]]:
    browser = await account.logged_in()
    answer = await browser.ask("POST", "/ajax/widgets/list", form={"area": area})
    assert answer.status == 200
    widgets = answer.json()["widgets"]
    assert isinstance(widgets, dict)
    return widgets


async def test_the_descriptor_says_what_the_loader_reads(tmp_path: Path) -> None:
    widget = (await listed(Account(with_widget(tmp_path))))["trubka"]
    assert widget["src"] == "http://crm.test:8080/widget/script.js"
    assert widget["lang"] == "http://crm.test:8080/widget/i18n/ru.json"
    assert (widget["init_once"], widget["active"], widget["version"]) == ("Y", "Y", "1.2.3")
    assert widget["oauth_client_uuid"] == SETTINGS.client_uuid


async def test_settings_are_filled_by_the_fields_types(tmp_path: Path) -> None:
    settings = (await listed(Account(with_widget(tmp_path))))["trubka"]["settings"]
    assert isinstance(settings, dict)
    assert settings["gateway"] == "http://gateway.test:8090"
    assert settings["lines"]["9100101"] == "101"
    assert settings["lines"]["9100105"] == ""


@pytest.mark.parametrize(("area", "there"), [("ccard", True), ("lcard", False), ("clist", True)])
async def test_without_everywhere_only_its_own_areas_get_the_widget(
    tmp_path: Path, area: str, there: bool
) -> None:
    settings = with_widget(tmp_path, locations=["ccard-1", "clist-0"])
    assert bool(await listed(Account(settings), area)) is there


async def test_no_manifest_is_no_widget_and_no_error(tmp_path: Path) -> None:
    assert await listed(Account()) == {}
    settings = with_widget(tmp_path)
    (tmp_path / "manifest.json").write_text("{half")
    assert await listed(Account(settings)) == {}


async def test_a_disabled_widget_is_listed_as_inactive(tmp_path: Path) -> None:
    browser = await Account(with_widget(tmp_path)).logged_in()
    await browser.post("/sandbox/widget", {"active": False})
    answer = await browser.ask("POST", "/ajax/widgets/list", form={"area": "llist"})
    widgets = answer.json()["widgets"]
    assert isinstance(widgets, dict)
    assert widgets["trubka"]["active"] == "N"


async def test_a_stranger_gets_no_list() -> None:
    answer = await Browser(Account().app()).ask("POST", "/ajax/widgets/list", form={"area": "llist"})
    assert answer.status == 401


async def test_files_of_the_archive_are_served_and_nothing_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "widget"
    folder.mkdir()
    (tmp_path / "outside.txt").write_text("secret")
    settings = with_widget(folder)
    (folder / "script.js").write_text("define([])")
    browser = Browser(Account(settings).app())
    assert (await browser.get("/widget/script.js")).text == "define([])"
    assert (await browser.get("/widget/../outside.txt")).status == 404
    assert (await browser.get("/widget/missing.js")).status == 404


@pytest.mark.parametrize("place", ["widget/dist", "widget/dist/widget"])
def test_the_built_widget_is_found_in_the_tree(tmp_path: Path, place: str) -> None:
    assert built_widget(tmp_path) is None
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "manifest.json").write_text("{}")
    assert built_widget(tmp_path) == tmp_path / place
