"""Admission: each credential that is not good, with its close code and its counter."""

from collections import Counter
from itertools import count

import msgspec
import pytest

from gateway.realtime.admission import Admission, Admitted
from gateway.realtime.ports import Identity
from gateway.realtime.sessions import LIFE, MemorySessions, Resumption
from gateway.realtime.tickets import Tickets
from protocol.codes import CloseCode
from protocol.messages import Hello, ResumeSecret
from tests.gateway.realtime.play import ANNA, ORIGIN, FakeSeats, RecordingOffice, hello


class Door:
    """An admission with its parts at hand."""

    def __init__(self) -> None:
        numbers = count(1)
        self.tickets = Tickets(lambda: f"ticket-{next(numbers):016}")
        self.sessions = MemorySessions()
        self.resumption = Resumption(self.sessions, source=lambda: f"secret-{next(numbers):016}")
        self.seats = FakeSeats(RecordingOffice())
        self.admission = Admission(self.tickets, self.resumption, self.seats)

    async def knock(self, shown: Hello, now: float = 0.0, origin: str = ORIGIN) -> Admitted | CloseCode:
        return await self.admission.admit(shown, origin, now)

    async def enter(self, tab: str = "tab-a", now: float = 0.0) -> Admitted:
        verdict = await self.knock(hello(tab, ticket=self.tickets.issue(ANNA, now)), now)
        assert isinstance(verdict, Admitted)
        return verdict


def resume(given: ResumeSecret | None, tab: str = "tab-a") -> Hello:
    assert given is not None
    return msgspec.structs.replace(hello(tab), ticket=None, resume=given.secret)


async def test_a_ticket_opens_and_brings_a_resume_secret() -> None:
    door = Door()
    admitted = await door.enter()
    assert admitted.identity == ANNA
    assert admitted.seat.user.name == "Анна"
    assert admitted.resume is not None
    assert admitted.resume.expires_at == LIFE
    assert admitted.renew_at == LIFE * 3 / 4
    assert door.admission.counters == Counter(by_ticket=1)


async def test_a_resume_secret_opens_without_a_ticket_and_stays_good() -> None:
    door = Door()
    given = (await door.enter()).resume
    admitted = await door.knock(resume(given), 10.0)
    assert isinstance(admitted, Admitted)
    assert admitted.resume is None, "nothing is written to the store when 10,000 come back at once"
    assert admitted.renew_at == LIFE * 3 / 4
    assert len(door.sessions) == 1


async def test_a_resume_secret_near_its_end_is_renewed_at_once() -> None:
    door = Door()
    given = (await door.enter()).resume
    admitted = await door.knock(resume(given), LIFE * 3 / 4)
    assert isinstance(admitted, Admitted)
    assert admitted.resume is not None
    assert admitted.resume.expires_at == LIFE * 7 / 4


async def refused(door: Door, shown: Hello, now: float = 1.0, origin: str = ORIGIN) -> CloseCode:
    kept = len(door.sessions)
    verdict = await door.knock(shown, now, origin)
    assert isinstance(verdict, CloseCode)
    assert len(door.sessions) == kept, "nothing is given to whom is refused"
    return verdict


async def test_a_forged_ticket() -> None:
    door = Door()
    assert await refused(door, hello(ticket="forged" * 4)) is CloseCode.TICKET
    assert door.admission.counters == Counter(bad_ticket=1)


async def test_a_spent_ticket() -> None:
    door = Door()
    ticket = door.tickets.issue(ANNA, 0.0)
    await door.knock(hello(ticket=ticket))
    assert await refused(door, hello(ticket=ticket)) is CloseCode.TICKET


async def test_an_expired_ticket() -> None:
    door = Door()
    ticket = door.tickets.issue(ANNA, 0.0)
    assert await refused(door, hello(ticket=ticket), now=31.0) is CloseCode.TICKET


async def test_a_ticket_shown_from_another_origin_is_spent_all_the_same() -> None:
    door = Door()
    ticket = door.tickets.issue(ANNA, 0.0)
    evil = "https://evil.example"
    assert await refused(door, hello(ticket=ticket), origin=evil) is CloseCode.TICKET
    assert door.admission.counters == Counter(foreign_origin=1)
    assert await refused(door, hello(ticket=ticket)) is CloseCode.TICKET


@pytest.mark.parametrize("tab", ["tab-b", "TAB-A"])
async def test_a_resume_secret_of_another_tab(tab: str) -> None:
    door = Door()
    given = (await door.enter()).resume
    assert await refused(door, resume(given, tab)) is CloseCode.RESUME
    assert door.admission.counters["bad_resume"] == 1


async def test_an_expired_resume_secret() -> None:
    door = Door()
    given = (await door.enter()).resume
    assert await refused(door, resume(given), now=LIFE) is CloseCode.RESUME


async def test_a_revoked_resume_secret() -> None:
    door = Door()
    given = (await door.enter()).resume
    await door.sessions.revoke(1, 11)
    assert await refused(door, resume(given)) is CloseCode.RESUME


@pytest.mark.parametrize("identity", [Identity(2, 11), Identity(1, 99)])
async def test_a_user_who_has_no_seat(identity: Identity) -> None:
    door = Door()
    ticket = door.tickets.issue(identity, 0.0)
    assert await refused(door, hello(ticket=ticket)) is CloseCode.ACCOUNT_OFF
    assert door.admission.counters == Counter(no_seat=1)


async def test_a_user_whose_seat_was_taken_away_cannot_resume() -> None:
    door = Door()
    given = (await door.enter()).resume
    door.seats.gone.add(ANNA)
    assert await refused(door, resume(given)) is CloseCode.ACCOUNT_OFF


async def test_renewing_gives_a_secret_and_the_time_of_the_next() -> None:
    door = Door()
    given = await door.admission.renew(ANNA, "tab-a", 100.0)
    assert door.admission.renew_at(given) == 100.0 + LIFE * 3 / 4
