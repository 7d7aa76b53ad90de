"""Bad tokens, tickets and secrets: each gets its answer, is counted by its fault, and opens nothing (amocrm.md 2.6)."""

from typing import Any

import pytest

from protocol.codes import CloseCode
from tests.gateway.bad_input.conftest import Stage
from tests.gateway.process import ORIGIN, Exchange, House, Tab, furnish, house, settings

FORGED = "f" * 64


@pytest.mark.parametrize(
    ("made", "status", "fault"),
    [
        ({"secret": FORGED}, 401, "signature"),
        ({"algorithm": "HS512"}, 401, "algorithm"),
        ({"secret": "", "algorithm": "none"}, 401, "algorithm"),
        ({"exp": 1_000_000, "iat": 999_000, "nbf": 999_000}, 401, "expired"),
        ({"nbf": 9_000_000_000, "iat": 9_000_000_000, "exp": 9_000_000_100}, 401, "not_yet_valid"),
        ({"exp": 9_000_000_000}, 401, "life"),
        ({"aud": "https://other-gateway.example.org"}, 401, "audience"),
        ({"iss": "https://evil.example"}, 403, "issuer"),
        ({"account_id": 404}, 403, "unknown_account"),
        ({"client_uuid": "of-another-integration"}, 403, "unknown_integration"),
        ({"user_id": "seven"}, 401, "malformed"),
    ],
)
async def test_a_token_that_is_not_good_gets_its_fault_by_name(
    stage: Stage, made: dict[str, Any], status: int, fault: str
) -> None:
    async with stage.house.unharmed(stage.tab, f"tokens {fault}"), counted(stage.house, "http refused"):
        assert await stage.house.session(stage.house.token(**made)) == (status, {"code": fault})


@pytest.mark.parametrize(
    ("token", "fault"), [("", "missing"), ("a.b.c", "malformed"), ("x" * 5000, "malformed")]
)
async def test_what_is_no_token_gets_401(stage: Stage, token: str, fault: str) -> None:
    async with stage.house.unharmed(stage.tab, f"tokens {fault}"):
        assert await stage.house.session(token) == (401, {"code": fault})


async def test_a_token_of_another_user_without_a_telephone_gets_403(stage: Stage) -> None:
    async with stage.house.unharmed(stage.tab, "http no_seat"):
        assert await stage.house.session(stage.house.token(user=99)) == (403, {"code": "no_seat"})


async def test_a_token_from_a_foreign_page_gets_403(stage: Stage) -> None:
    async with stage.house.unharmed(stage.tab, "http unknown_origin"):
        status, body = await stage.house.session(stage.house.token(), origin="https://evil.example")
    assert (status, body) == (403, {"code": "unknown_origin"})


async def test_a_token_that_is_shown_again_by_another_user_is_refused(stage: Stage) -> None:
    assert (await stage.house.session(stage.house.token(jti="one")))[0] == 200
    async with stage.house.unharmed(stage.tab, "tokens reused"):
        status, body = await stage.house.session(stage.house.token(user=99, jti="one"))
    assert (status, body) == (401, {"code": "reused"})


async def test_the_same_user_may_show_the_token_again_unless_the_setting_says_no(database: str) -> None:
    async with (
        Exchange() as exchange,
        house(database, exchange, reuse_token=False) as served,
        served.tab() as tab,
    ):
        await tab.shows(lambda state: state.lines["101"].state == "registered")
        token = served.token()
        assert (await served.session(token))[0] == 200
        async with served.unharmed(tab, "tokens reused"):
            assert await served.session(token) == (401, {"code": "reused"})


async def test_a_spent_ticket_opens_nothing(stage: Stage) -> None:
    house, ticket = stage.house, await stage.house.ticket()
    async with house.socket() as first:
        await Tab(first, "tab-b").enter(ticket=ticket)
        await stage.tab.settled()
        async with house.unharmed(stage.tab, "tickets unknown"), counted(house, "admissions bad_ticket"):
            await refused(house, CloseCode.TICKET, ticket=ticket)


async def test_a_ticket_that_was_never_given_opens_nothing(stage: Stage) -> None:
    async with stage.house.unharmed(stage.tab, "tickets unknown"):
        await refused(stage.house, CloseCode.TICKET, ticket="g" * 43)


async def test_an_expired_ticket_opens_nothing(stage: Stage) -> None:
    ticket = await stage.house.ticket()
    stage.house.skew += 31
    async with (
        stage.house.unharmed(stage.tab, "tickets expired"),
        counted(stage.house, "admissions bad_ticket"),
    ):
        await refused(stage.house, CloseCode.TICKET, ticket=ticket)


async def test_a_resume_secret_is_no_good_in_another_tab(stage: Stage) -> None:
    assert stage.tab.secret
    async with stage.house.unharmed(stage.tab, "admissions bad_resume"):
        await refused(stage.house, CloseCode.RESUME, resume=stage.tab.secret)


async def test_a_guessed_resume_secret_opens_nothing(stage: Stage) -> None:
    async with stage.house.unharmed(stage.tab, "admissions bad_resume"):
        await refused(stage.house, CloseCode.RESUME, tab=stage.tab.name, resume="g" * 43)


async def test_two_credentials_or_none_are_sent_away(stage: Stage) -> None:
    async with stage.house.unharmed(stage.tab, "frames bad_hello"):
        await refused(stage.house, CloseCode.BAD_FRAME, ticket="t" * 43, resume="r" * 43)
    async with stage.house.unharmed(stage.tab, "frames bad_hello"):
        await refused(stage.house, CloseCode.TICKET)


async def test_a_ticket_of_one_account_is_no_good_on_the_pages_of_another(database: str) -> None:
    async with Exchange() as exchange:
        await furnish(database, exchange, other=(exchange.host, exchange.port))
        async with House(settings(database), exchange).served() as served, served.tab() as tab:
            await tab.shows(lambda state: state.lines["101"].state == "registered")
            ticket = await served.ticket()
            async with (
                served.unharmed(tab, "admissions foreign_origin"),
                served.socket("https://other.amocrm.ru") as wire,
            ):
                stranger = Tab(wire, "tab-b")
                await stranger.say_hello(ticket=ticket)
                assert await stranger.closed() == CloseCode.TICKET


async def refused(served: House, code: CloseCode, tab: str = "tab-z", **credential: Any) -> None:
    """A page that is sent away with this code."""
    async with served.socket(ORIGIN) as wire:
        page = Tab(wire, tab)
        await page.say_hello(**credential)
        assert await page.closed() == code


class counted:  # noqa: N801 - reads as a clause of `async with`
    """What is done inside is counted once more under this name."""

    def __init__(self, served: House, counter: str) -> None:
        self._served = served
        self._counter = counter

    async def __aenter__(self) -> None:
        self._before = await self._served.count(self._counter)

    async def __aexit__(self, *exc: object) -> None:
        assert await self._served.count(self._counter) == self._before + 1, self._counter
