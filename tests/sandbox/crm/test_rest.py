"""REST v4 of the make-believe account against the shapes of amocrm.md part 3."""

import pytest

from tests.sandbox.asgi import Answer, Browser
from tests.sandbox.office import ALEXEY, MARINA, Account

# amocrm.md 3.4: the keys of a contact as documented, without the optional embedded lists.
CONTACT_KEYS = {
    "id", "name", "first_name", "last_name", "responsible_user_id", "group_id", "created_by", "updated_by",
    "created_at", "updated_at", "is_deleted", "is_unsorted", "closest_task_at", "custom_fields_values", "account_id",
    "_links", "_embedded",
}  # fmt: skip
# amocrm.md 3.6
LEAD_KEYS = {
    "id", "name", "price", "responsible_user_id", "group_id", "status_id", "pipeline_id", "loss_reason_id", "source_id",
    "created_by", "updated_by", "created_at", "updated_at", "closed_at", "closest_task_at", "is_deleted",
    "custom_fields_values", "score", "account_id", "labor_cost", "_links", "_embedded",
}  # fmt: skip
# amocrm.md 3.2: what the official client reads without a default.
ACCOUNT_KEYS = {
    "id", "name", "subdomain", "created_by", "created_at", "updated_by", "updated_at", "current_user_id", "country",
    "currency", "is_unsorted_on", "mobile_feature_version", "customers_mode", "is_loss_reason_enabled",
    "is_helpbot_enabled", "is_technical_account", "contact_name_display_order",
}  # fmt: skip


def items(answer: Answer, kind: str) -> list[dict[str, object]]:
    embedded = answer.json()["_embedded"]
    assert isinstance(embedded, dict)
    found = embedded[kind]
    assert isinstance(found, list)
    return found


@pytest.fixture
async def marina() -> Browser:
    return await Account().logged_in(MARINA)


async def test_a_stranger_gets_401_as_problem_json() -> None:
    answer = await Browser(Account().app()).get("/api/v4/account")
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "title": "Unauthorized",
        "type": "https://httpstatus.es/401",
        "status": 401,
        "detail": "Invalid user name or password",
    }


async def test_a_bearer_token_is_let_in_and_a_wrong_one_is_not() -> None:
    browser = Browser(Account().app())
    assert (
        await browser.get("/api/v4/account", headers={"Authorization": "Bearer long-lived"})
    ).status == 200
    assert (await browser.get("/api/v4/account", headers={"Authorization": "Bearer other"})).status == 401


async def test_account_always_sends_what_the_official_client_reads(marina: Browser) -> None:
    answer = await marina.get("/api/v4/account")
    assert answer.headers["content-type"] == "application/hal+json"
    assert answer.json().keys() >= ACCOUNT_KEYS
    assert answer.json()["current_user_id"] == MARINA
    assert "_embedded" not in answer.json()


async def test_account_embeds_only_what_with_asks_for(marina: Browser) -> None:
    answer = (await marina.get("/api/v4/account?with=users_groups,amojo_id")).json()
    assert answer["_embedded"] == {"users_groups": [{"id": 0, "name": "Отдел продаж", "uuid": None}]}
    assert "amojo_id" in answer
    assert "drive_url" not in answer


async def test_users_are_for_administrators(marina: Browser) -> None:
    answer = (await marina.get("/api/v4/users")).json()
    assert (answer["_total_items"], answer["_page"], answer["_page_count"]) == (6, 1, 1)
    agent = await Account().logged_in(ALEXEY)
    assert (await agent.get("/api/v4/users")).status == 403
    assert (await agent.get(f"/api/v4/users/{ALEXEY}")).status == 403


async def test_one_user_is_named_with_rights(marina: Browser) -> None:
    answer = (await marina.get(f"/api/v4/users/{ALEXEY}")).json()
    assert answer["name"] == "Алексей Дорофеев"
    assert isinstance(answer["rights"], dict)
    assert answer["rights"]["is_admin"] is False
    assert (await marina.get("/api/v4/users/1")).status == 404


async def test_a_contact_has_the_documented_keys_and_its_phone_as_multitext(marina: Browser) -> None:
    contact = (await marina.get("/api/v4/contacts/51000001?with=leads")).json()
    assert contact.keys() == CONTACT_KEYS
    assert contact["custom_fields_values"] == [
        {
            "field_id": 771001, "field_name": "Телефон", "field_code": "PHONE", "field_type": "multitext",
            "values": [{"value": "+7 (900) 555-01-01", "enum_id": 1491001, "enum_code": "WORK"}],
        }
    ]  # fmt: skip
    assert contact["_links"] == {"self": {"href": "http://crm.test:8080/api/v4/contacts/51000001"}}
    assert isinstance(contact["_embedded"], dict)
    assert contact["_embedded"].keys() == {"tags", "companies", "leads"}


@pytest.mark.parametrize("written", ["79005550102", "%2B79005550102", "9005550102", "5550102"])
async def test_a_number_is_found_by_its_last_digits_however_the_card_has_it(
    marina: Browser, written: str
) -> None:
    found = items(await marina.get(f"/api/v4/contacts?query={written}"), "contacts")
    assert [contact["name"] for contact in found] == ["Эхо-тест"]


async def test_a_name_is_found_without_regard_to_case(marina: Browser) -> None:
    found = items(await marina.get("/api/v4/contacts?query=%D1%8D%D1%85%D0%BE"), "contacts")  # «эхо»
    assert [contact["name"] for contact in found] == ["Эхо-тест"]


@pytest.mark.parametrize(
    "url", ["/contacts?query=79990000000", "/contacts?page=99", "/contacts/1", "/leads/51000001"]
)
async def test_nothing_found_is_204_without_a_body(marina: Browser, url: str) -> None:
    answer = await marina.get(f"/api/v4{url}")
    assert (answer.status, answer.body) == (204, b"")


async def test_pages_are_linked_to_their_neighbours(marina: Browser) -> None:
    first = (await marina.get("/api/v4/contacts?limit=25")).json()
    last = (await marina.get("/api/v4/contacts?limit=25&page=2")).json()
    assert isinstance(first["_links"], dict)
    assert isinstance(last["_links"], dict)
    assert first["_links"].keys() == {"self", "next"}
    assert last["_links"].keys() == {"self", "first", "prev"}
    assert first["_links"]["next"]["href"] == "http://crm.test:8080/api/v4/contacts?limit=25&page=2"


async def test_more_than_250_per_page_is_refused(marina: Browser) -> None:
    answer = await marina.get("/api/v4/contacts?limit=251")
    assert (answer.status, answer.json()["detail"]) == (422, "Limit 250 per page")


async def test_ids_filter_and_order_narrow_and_sort(marina: Browser) -> None:
    url = "/api/v4/contacts?filter[id][]=51000001&filter[id][]=51000005&order[id]=desc"
    assert [contact["id"] for contact in items(await marina.get(url), "contacts")] == [51000005, 51000001]


async def test_a_lead_has_the_documented_keys_and_its_contacts_only_when_asked(marina: Browser) -> None:
    lead = (await marina.get("/api/v4/leads/61000004?with=contacts")).json()
    assert lead.keys() == LEAD_KEYS
    assert isinstance(lead["_embedded"], dict)
    assert [(one["id"], one["is_main"]) for one in lead["_embedded"]["contacts"]] == [
        (51000007, True),
        (51000012, False),
    ]
    bare = (await marina.get("/api/v4/leads/61000004")).json()
    assert isinstance(bare["_embedded"], dict)
    assert "contacts" not in bare["_embedded"]


async def test_pipelines_end_in_142_and_143(marina: Browser) -> None:
    for pipeline in items(await marina.get("/api/v4/leads/pipelines"), "pipelines"):
        embedded = pipeline["_embedded"]
        assert isinstance(embedded, dict)
        statuses = embedded["statuses"]
        assert [status["id"] for status in statuses[-2:]] == [142, 143]
        assert [status["sort"] for status in statuses[-2:]] == [10000, 11000]
    missing = await marina.get("/api/v4/leads/pipelines/5")
    assert (missing.status, missing.json()["detail"]) == (404, "Pipeline not found")


async def test_a_new_contact_is_answered_with_id_and_request_id_and_can_be_found(marina: Browser) -> None:
    body = [
        {
            "name": "Автоконтакт",
            "custom_fields_values": [
                {"field_code": "PHONE", "values": [{"value": "+79161234567", "enum_code": "MOB"}]}
            ],
            "_embedded": {"tags": [{"name": "Звонок"}]},
            "request_id": "c1",
        }
    ]
    answer = await marina.post("/api/v4/contacts", body)
    assert answer.status == 200
    (made,) = items(answer, "contacts")
    assert made["request_id"] == "c1"
    (found,) = items(await marina.get("/api/v4/contacts?query=9161234567"), "contacts")
    assert (found["id"], found["name"], found["responsible_user_id"]) == (made["id"], "Автоконтакт", MARINA)


async def test_a_missing_request_id_is_the_index_as_a_string(marina: Browser) -> None:
    answer = await marina.post("/api/v4/companies", [{"name": "А"}, {"name": "Б"}])
    assert [made["request_id"] for made in items(answer, "companies")] == ["0", "1"]


async def test_a_rejected_item_rejects_the_batch_and_names_its_paths(marina: Browser) -> None:
    bad = {"name": 5, "custom_fields_values": [{"field_id": 1, "values": [{"value": "x"}]}]}
    answer = await marina.post("/api/v4/contacts", [{"name": "Хороший"}, bad])
    assert answer.status == 400
    assert answer.json() == {
        "validation-errors": [
            {
                "request_id": "1",
                "errors": [
                    {"code": "InvalidType", "path": "name", "detail": "This value should be of type string."},
                    {
                        "code": "NotSupportedChoice",
                        "path": "custom_fields_values.0.field_id",
                        "detail": "The value you selected is not a valid choice.",
                    },
                ],
            }
        ],
        "title": "Bad Request",
        "type": "https://httpstatus.es/400",
        "status": 400,
        "detail": "Request validation failed",
    }
    assert (
        await marina.get("/api/v4/contacts?query=%D0%A5%D0%BE%D1%80%D0%BE%D1%88%D0%B8%D0%B9")
    ).status == 204


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"[]", b"[5]"])
async def test_a_body_that_is_no_array_of_objects_is_400_and_changes_nothing(body: bytes) -> None:
    account = Account()
    browser = await account.logged_in()
    before = list(account.archive.of_kind("contacts"))
    answer = await browser.ask("POST", "/api/v4/contacts", body=body)
    assert answer.status == 400
    assert list(account.archive.of_kind("contacts")) == before


async def test_patch_answers_with_updated_at_and_replaces_phones() -> None:
    account = Account()
    browser = await account.logged_in()
    account.now += 77
    change = {"custom_fields_values": [{"field_code": "PHONE", "values": [{"value": "+79990001122"}]}]}
    answer = await browser.ask("PATCH", "/api/v4/contacts/51000001", json_body=change)
    assert answer.json()["updated_at"] == int(account.now)
    contact = account.archive.get("contacts", 51000001)
    assert contact is not None
    assert [phone.value for phone in contact.phones] == ["+79990001122"]
    assert contact.name == "Ирина Лаврентьева"


async def test_a_lead_without_a_stage_begins_at_the_main_pipelines_first_editable_one(
    marina: Browser,
) -> None:
    answer = await marina.post(
        "/api/v4/leads", [{"name": "Новая", "_embedded": {"contacts": [{"id": 51000001}]}}]
    )
    (made,) = items(answer, "leads")
    lead = (await marina.get(f"/api/v4/leads/{made['id']}?with=contacts")).json()
    assert (lead["pipeline_id"], lead["status_id"]) == (8210001, 8211002)


async def test_a_collection_patch_without_an_id_is_refused(marina: Browser) -> None:
    answer = await marina.ask("PATCH", "/api/v4/leads", json_body=[{"price": 5}])
    assert answer.status == 400
    assert "FieldMissing" in answer.text


async def test_custom_fields_name_the_phone_sorts(marina: Browser) -> None:
    fields = items(await marina.get("/api/v4/contacts/custom_fields"), "custom_fields")
    assert [field["code"] for field in fields] == ["PHONE", "EMAIL"]


async def test_an_unknown_address_is_404(marina: Browser) -> None:
    assert (await marina.get("/api/v4/calls")).status == 404
