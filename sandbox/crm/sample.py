"""The office's papers: a window maker in St Petersburg with forty contacts, their companies and deals.

Names are long, short, Tatar and double-barrelled on purpose: a card must hold them. Numbers are written as people
write them, in five ways, because the widget is given what is shown. The same papers at every start: no chance here.
"""

from typing import Final

from sandbox.crm.records import LOST, WON, Archive, Pipeline, Record, Stage, Value
from sandbox.customers import SPECIAL, Directory
from sandbox.staff import USERS

BORN: Final = 1_790_000_000  # seconds: the papers' first day, September 2026
HOUR: Final = 3600

MAIN = Pipeline(
    8_210_001,
    "Остекление",
    (
        Stage(8_211_001, "Неразобранное", 10, "#c1c1c1", type=1),
        Stage(8_211_002, "Первичный контакт", 20, "#99ccff"),
        Stage(8_211_003, "Замер назначен", 30, "#ffff99"),
        Stage(8_211_004, "Расчёт отправлен", 40, "#ffcc66"),
        Stage(8_211_005, "Договор и предоплата", 50, "#ffcccc"),
        Stage(WON, "Успешно реализовано", 10000, "#CCFF66"),
        Stage(LOST, "Закрыто и не реализовано", 11000, "#D5D8DB"),
    ),
)
SERVICE = Pipeline(
    8_210_002,
    "Гарантия и ремонт",
    (
        Stage(8_212_001, "Неразобранное", 10, "#c1c1c1", type=1),
        Stage(8_212_002, "Заявка принята", 20, "#99ccff"),
        Stage(8_212_003, "Мастер выехал", 30, "#ffff99"),
        Stage(WON, "Успешно реализовано", 10000, "#CCFF66"),
        Stage(LOST, "Закрыто и не реализовано", 11000, "#D5D8DB"),
    ),
)

COMPANIES: Final = (
    ("ООО «Балтийский фасад»", "+7 (812) 555-20-01"),
    ("ИП Рахматуллин Р. Ф.", "8 812 555 20 02"),
    ("АО «Строительно-монтажное управление № 17 Выборгского района»", "+78125552003"),
    ("ТСЖ «Савушкина, 12»", "+7 812 555-20-04"),
    ("Кофейня «Полтора зерна»", "88125552005"),
    ("Клиника «Доктор Айболит и партнёры»", "+7 (812) 555-20-06"),
    ("ООО «Северная верфь — Недвижимость»", "+7 812 5552007"),
    ("Школа танцев «Па-де-де»", "8 (812) 555-20-08"),
)

PEOPLE: Final = (
    "Константин Константинопольский-Задунайский", "Анна-Мария Верещагина-Рождественская", "Лев Ли",
    "Гульнара Мухаметзянова", "Святослав Преображенский", "Екатерина Александровна Долгорукова-Юрьевская",
    "Юрий Ёлкин", "Рустам Рахматуллин", "Зинаида Прокофьевна Щедрина", "Иннокентий Смоктуновский-младший",
    "Ян Ив", "Фёдор Михайлов", "Валентина Терешкова", "Абдурахман Абдулла оглы Гаджиев", "Софья Ким",
    "Григорий Мелехов", "Маргарита Бездомная", "Николай Гоголев", "Дарья Крюкова", "Степан Разин-Волжский",
    "Элеонора Штерн", "Олег Вещий", "Ксения Петербургская", "Тарас Бульбенко", "Людмила Чернова",
    "Роман Каренин", "Полина Виардо", "Всеволод Большегнездов", "Инга Орбели", "Денис Давыдов",
    "Алевтина Снежная", "Михаил Топтыгин", "Вера Павлова",
)  # fmt: skip

DEALS: Final = (
    "Остекление лоджии, ул. Савушкина, 12", "Пять окон в квартиру на Энгельса", "Витрина кофейни",
    "Замена стеклопакетов в клинике", "Панорамное остекление загородного дома в Комарово",
    "Балкон под ключ, пр. Просвещения", "Тёплое остекление веранды", "Входная группа бизнес-центра «Нева»",
    "Москитные сетки, 14 шт.", "Фасад школы танцев", "Ремонт фурнитуры", "Мансардные окна, посёлок Рощино",
    "Окна для детского сада № 43 (тендер, второй этап, ждём протокол разногласий)", "Офисные перегородки",
    "Остекление эркера", "Замена уплотнителя по гарантии", "Французский балкон", "Зимний сад",
)  # fmt: skip

LOST_NUMBER: Final = "+7 900 000-00-00"  # written down wrong: nobody has it, the exchange says 404


def written(number: str, manner: int) -> str:
    """An E.164 Russian number as one of five people would type it into a card."""
    d = number[2:]
    return (
        f"+7 ({d[:3]}) {d[3:6]}-{d[6:8]}-{d[8:]}",
        f"8 {d[:3]} {d[3:6]} {d[6:8]} {d[8:]}",
        f"+7{d}",
        f"8({d[:3]}){d[3:6]}-{d[6:]}",
        f"7 {d[:3]} {d[3:6]}-{d[6:8]}-{d[8:]}",
    )[manner % 5]


def sample_archive() -> Archive:
    """The papers as they lie on the first morning."""
    archive = Archive((MAIN, SERVICE))
    for index, (name, phone) in enumerate(COMPANIES):
        _company(archive, index, name, phone)
    for index, customer in enumerate(SPECIAL):
        _contact(archive, index, customer.name, written(customer.number, index))
    for index, name in enumerate(PEOPLE, start=len(SPECIAL)):
        _contact(archive, index, name, written(f"+7921555{index:02d}{index * 7 % 100:02d}", index))
    _contact(archive, 39, "Неверно записанный номер", LOST_NUMBER)
    for index, name in enumerate(DEALS):
        _lead(archive, index, name)
    return archive


def directory_of(archive: Archive) -> Directory:
    """Who can be reached by telephone: the special customers, and every contact and company of the papers."""
    directory = Directory()
    for kind in ("contacts", "companies"):
        for record in archive.of_kind(kind):
            for phone in record.phones:
                if phone.value != LOST_NUMBER:
                    directory.add(phone.value, record.name)
    return directory


def _responsible(index: int) -> int:
    return USERS[index % 4].id


def _company(archive: Archive, index: int, name: str, phone: str) -> None:
    at = BORN + index * HOUR
    archive.put(
        Record(
            41_000_001 + index, "companies", name, _responsible(index), at, at + HOUR,
            created_by=USERS[0].id, phones=(Value(phone),), emails=(Value(f"office{index + 1}@firma.example"),),
        )
    )  # fmt: skip


def _contact(archive: Archive, index: int, name: str, phone: str) -> None:
    at = BORN + index * 5 * HOUR
    first, _, last = name.partition(" ")
    phones = [Value(phone, "MOB" if index % 3 else "WORK")]
    if index == 7:  # a second number, as people have
        phones.append(Value("+7 (921) 555-90-90", "HOME"))
    archive.put(
        Record(
            51_000_001 + index, "contacts", name, _responsible(index), at, at + 2 * HOUR,
            created_by=USERS[index % 4].id, first_name=first, last_name=last, phones=tuple(phones),
            emails=(Value(f"client{index + 1}@mail.example"),) if index % 2 else (),
            tags=("постоянный",) if index % 6 == 2 else (),
            company_id=41_000_001 + index % len(COMPANIES) if index % 3 == 0 else None,
        )
    )  # fmt: skip


def _lead(archive: Archive, index: int, name: str) -> None:
    at = BORN + index * 9 * HOUR
    pipeline = SERVICE if "гарант" in name or "Ремонт" in name else MAIN
    stage = pipeline.stages[1 + index % (len(pipeline.stages) - 1)]
    main = 51_000_001 + index * 2 % 39
    contact = archive.get("contacts", main)
    archive.put(
        Record(
            61_000_001 + index, "leads", name, _responsible(index), at, at + 3 * HOUR,
            created_by=USERS[index % 4].id, price=(index * 37 % 90 + 8) * 1000,
            status_id=stage.id, pipeline_id=pipeline.id, tags=("сайт",) if index % 4 == 1 else (),
            contact_ids=(main, 51_000_001 + (index * 2 + 5) % 39) if index % 5 == 3 else (main,),
            company_id=contact.company_id if contact is not None else None,
        )
    )  # fmt: skip
