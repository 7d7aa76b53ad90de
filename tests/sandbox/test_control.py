"""The controls under /sandbox/: what the drawer and the tests ask of the exchange."""

from sandbox.pbx.views import Sound
from tests.sandbox.asgi import Browser
from tests.sandbox.office import Account


async def test_state_lists_customers_lines_and_calls() -> None:
    state = (await Browser(Account().app()).get("/sandbox/state")).json()
    customers, lines = state["customers"], state["lines"]
    assert isinstance(customers, list)
    assert isinstance(lines, list)
    assert customers[0] == {
        "number": "+79005550101",
        "shown": "+7 (900) 555-01-01",
        "name": "Ирина Лаврентьева",
        "behaviour": "speaks",
        "does": "отвечает через 3 с и говорит",
    }
    assert [(line["extension"], len(line["contacts"])) for line in lines] == [("101", 1), ("102", 0)]
    assert state["calls"] == [
        {"id": "c1", "from": "+79005550101", "to": "101", "state": "held", "state_text": "удержание: звучит музыка", "held_by": ["101"]}
    ]  # fmt: skip


async def test_a_customer_calls_in_by_any_way_of_writing_the_number() -> None:
    account = Account()
    answer = await Browser(account.app()).post(
        "/sandbox/call-in", {"customer": "8 900 555 01 02", "extension": "101"}
    )
    assert (answer.status, answer.json()) == (201, {"id": "c2"})
    assert account.switchboard.asked == [("call_in", "+79005550102", "101")]


async def test_calling_in_says_why_it_cannot_be() -> None:
    browser = Browser(Account().app())
    assert (await browser.post("/sandbox/call-in", {"customer": "+79005550101"})).status == 400
    assert (await browser.post("/sandbox/call-in", {"customer": "5", "extension": "101"})).status == 404
    refused = await browser.post("/sandbox/call-in", {"customer": "+79005550101", "extension": "102"})
    assert (refused.status, refused.json()["detail"]) == (409, "Внутренний номер 102 не в сети")
    assert (await browser.ask("POST", "/sandbox/call-in", body=b"{")).status == 400


async def test_hanging_up_from_outside() -> None:
    browser = Browser(Account().app())
    assert (await browser.post("/sandbox/hang-up", {"id": "c1"})).status == 204
    assert (await browser.post("/sandbox/hang-up", {"id": "c9"})).status == 404


async def test_what_a_customer_hears() -> None:
    account = Account()
    browser = Browser(account.app())
    assert (await browser.get("/sandbox/heard?customer=%2B79005550101")).status == 404
    account.switchboard.sound = Sound(440.0, 0.25, 50)
    heard = (await browser.get("/sandbox/heard?customer=+79005550101")).json()
    assert heard == {"frequency": 440.0, "energy": 0.25, "frames": 50, "digits": ""}
