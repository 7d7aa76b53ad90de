"""Who works in the make-believe office: six people, four of them with a telephone.

The ids are stable, so that a test or a gateway's configuration may name them.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class User:
    """One amoCRM user. `extension` is the PBX line that is this person's, None for those without a telephone."""

    id: int
    name: str
    login: str
    post: str
    extension: str | None = None
    is_admin: bool = False
    is_free: bool = False


USERS: Final = (
    User(
        9100101,
        "Марина Ковалёва",
        "kovaleva@okna.example",
        "Руководитель отдела продаж",
        "101",
        is_admin=True,
    ),
    User(9100102, "Алексей Дорофеев", "dorofeev@okna.example", "Старший менеджер", "102"),
    User(9100103, "Ольга Сергиенко", "sergienko@okna.example", "Менеджер", "103"),
    User(9100104, "Тимур Гайнутдинов", "gainutdinov@okna.example", "Менеджер", "104"),
    User(9100105, "Светлана Белова", "belova@okna.example", "Бухгалтер"),
    User(9100106, "Пётр Васильев", "vasilev@okna.example", "Замерщик", is_free=True),
)


def user_by_id(user_id: int) -> User | None:
    """The user with that id, or None."""
    return next((user for user in USERS if user.id == user_id), None)
