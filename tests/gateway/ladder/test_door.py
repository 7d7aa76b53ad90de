"""Who may ask a running gateway for its last calls: who has its secret key, and nobody else."""

import json
from collections.abc import Callable

import pytest
from cryptography.fernet import Fernet
from starlette.applications import Starlette
from starlette.routing import Route

from gateway.ladder.diary import Diary
from gateway.ladder.door import PATH, LadderRoute, pass_of
from gateway.ladder.story import Archive
from sip.flow import Flow
from sip.trace import Trace
from tests.gateway.test_app import Answer, Exchange

KEY, OLD, FOREIGN = (Fernet.generate_key().decode() for _ in range(3))


async def ask(
    path: str,
    authorization: str | None,
    *,
    passes: Callable[[], list[str]] = lambda: [pass_of(KEY), pass_of(OLD)],
) -> Answer:
    """One request through ASGI; `path` with its query."""
    archive = Archive(Trace(10), Diary(lambda: 1.0, 10))
    archive.trace.record(
        1.0, True, Flow("udp", ("192.0.2.1", 5060)), b"INVITE sip:x SIP/2.0\r\nCall-ID: a b\r\n\r\n"
    )
    app = Starlette(routes=[Route(PATH, LadderRoute(passes(), archive).tell, methods=["GET"])])
    where, _, query = path.partition("?")
    headers = [] if authorization is None else [(b"authorization", authorization.encode("latin-1"))]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": where, "raw_path": where.encode(),
        "query_string": query.encode(), "root_path": "", "scheme": "http", "server": ("gw", 80), "client": ("127.0.0.1", 1), "headers": headers,
    }  # fmt: skip
    exchange = Exchange([b""])
    await app(scope, exchange.receive, exchange.send)
    return exchange.answer()


@pytest.mark.parametrize("key", [KEY, OLD])
async def test_any_key_of_the_process_opens(key: str) -> None:
    answer = await ask(PATH, f"Bearer {pass_of(key)}")
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert [one["legs"] for one in json.loads(answer.body)] == [["a b"]]


@pytest.mark.parametrize(
    "shown",
    [None, "", "Bearer", "Bearer ", f"Bearer {pass_of(FOREIGN)}", pass_of(KEY), f"bearer {pass_of(KEY)}", f"Bearer {pass_of(KEY)} ",
     f"Bearer {KEY}", "Bearer \xff\xfe"],
)  # fmt: skip
async def test_without_the_pass_it_is_a_page_that_is_not_there(shown: str | None) -> None:
    refused, missing = await ask(PATH, shown), await ask("/api/nothing", shown)
    assert (refused.status, refused.body, refused.headers) == (missing.status, missing.body, missing.headers)
    assert refused.status == 404


async def test_without_any_key_nobody_enters() -> None:
    assert (await ask(PATH, "Bearer ", passes=list)).status == 404


async def test_one_call_is_told_by_its_name_and_what_is_not_known_is_null() -> None:
    known = await ask(f"{PATH}?call=a%20b", f"Bearer {pass_of(KEY)}")
    assert json.loads(known.body)["said"][0]["text"].startswith("INVITE ")
    unknown = await ask(f"{PATH}?call=x", f"Bearer {pass_of(KEY)}")
    assert (unknown.status, unknown.body) == (200, b"null")


def test_a_pass_is_always_the_same_and_tells_nothing_of_its_key() -> None:
    assert pass_of(KEY) == pass_of(KEY)
    assert len({pass_of(key) for key in (KEY, OLD, FOREIGN)}) == 3
    assert KEY not in pass_of(KEY)
    assert len(pass_of(KEY)) == 43
