"""Resume secrets: bound, hashed, renewed in time, revocable. The suite of the port runs on the store's keeper too."""

from itertools import count

from gateway.realtime.ports import Identity, SavedSession
from gateway.realtime.sessions import LIFE, MemorySessions, Resumption, digest_of, new_secret

ANNA = Identity(1, 11)


def resumption() -> tuple[Resumption, MemorySessions]:
    keeper, numbers = MemorySessions(), count(1)
    return Resumption(keeper, source=lambda: f"secret-{next(numbers)}"), keeper


async def test_a_secret_opens_its_users_session() -> None:
    resume, _ = resumption()
    given = await resume.issue(ANNA, "tab-a", 100.0)
    assert given.expires_at == 100.0 + LIFE
    saved = await resume.check(given.secret, "tab-a", 200.0)
    assert saved == SavedSession(digest_of(given.secret), 1, 11, "tab-a", given.expires_at)


async def test_the_secret_itself_is_not_kept() -> None:
    resume, keeper = resumption()
    given = await resume.issue(ANNA, "tab-a", 0.0)
    saved = await keeper.find(digest_of(given.secret), 0.0)
    assert saved is not None
    assert given.secret not in repr(saved)


async def test_another_tab_may_not_show_it() -> None:
    resume, _ = resumption()
    given = await resume.issue(ANNA, "tab-a", 0.0)
    assert await resume.check(given.secret, "tab-b", 1.0) is None


async def test_a_forged_secret_opens_nothing() -> None:
    resume, _ = resumption()
    await resume.issue(ANNA, "tab-a", 0.0)
    assert await resume.check("secret-2", "tab-a", 1.0) is None


async def test_it_lives_twelve_hours_and_not_longer() -> None:
    resume, _ = resumption()
    given = await resume.issue(ANNA, "tab-a", 0.0)
    assert await resume.check(given.secret, "tab-a", LIFE - 1) is not None
    assert await resume.check(given.secret, "tab-a", LIFE) is None


async def test_a_renewed_secret_does_not_kill_the_old_one() -> None:
    resume, _ = resumption()
    old = await resume.issue(ANNA, "tab-a", 0.0)
    new = await resume.issue(ANNA, "tab-a", 1.0)
    assert old.secret != new.secret
    assert await resume.check(old.secret, "tab-a", 2.0) is not None
    assert await resume.check(new.secret, "tab-a", 2.0) is not None


async def test_renewal_comes_a_quarter_of_its_life_before_the_end() -> None:
    resume, _ = resumption()
    assert resume.renew_at(LIFE) == LIFE * 3 / 4


async def test_revoking_a_user_leaves_the_others() -> None:
    resume, keeper = resumption()
    annas = await resume.issue(ANNA, "tab-a", 0.0)
    boris = await resume.issue(Identity(1, 12), "tab-b", 0.0)
    assert await keeper.revoke(1, 11) == 1
    assert await resume.check(annas.secret, "tab-a", 1.0) is None
    assert await resume.check(boris.secret, "tab-b", 1.0) is not None


async def test_revoking_an_account_leaves_the_other_accounts() -> None:
    resume, keeper = resumption()
    for identity in (ANNA, Identity(1, 12), Identity(2, 11)):
        await resume.issue(identity, "tab-a", 0.0)
    assert await keeper.revoke(1) == 2
    assert len(keeper) == 1


async def test_what_has_expired_is_forgotten() -> None:
    resume, keeper = resumption()
    await resume.issue(ANNA, "tab-a", 0.0)
    await resume.issue(ANNA, "tab-a", 10.0)
    assert await keeper.forget_expired(LIFE + 5.0) == 1
    assert len(keeper) == 1


def test_secrets_have_chance_enough_and_fit_the_protocol() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert len(new_secret()) == 43
