"""The diagrams of all machines."""

from pathlib import Path

import sip
from sip.diagrams import DIRECTORY, draw, find_machines, main, pages
from sip.transactions.client import NonInviteClientTransaction

REPOSITORY = Path(__file__).parents[2]


def test_the_pages_in_docs_are_those_that_the_tables_draw() -> None:
    written = {page.name: page.read_text(encoding="utf-8") for page in (REPOSITORY / DIRECTORY).glob("*.md")}
    assert written == pages(), "stale: run `python -m sip.diagrams`"


def test_every_machine_is_found() -> None:
    titles = [machine.title for machine in find_machines(sip)]
    assert {"INVITE client", "INVITE server", "non-INVITE client", "non-INVITE server"} <= set(titles)
    assert len(titles) == len(set(titles))


def test_a_page_has_an_arrow_for_what_happens_and_a_row_for_everything() -> None:
    page = draw(NonInviteClientTransaction)
    assert "    [*] --> trying\n" in page
    assert "    trying --> completed: 200-699\n" in page
    assert "    trying --> terminated: timer F, transport lost, abandon\n" in page
    assert "    terminated --> [*]\n" in page
    assert "completed --> completed" not in page
    assert "| completed | 200-699 | completed | – |" in page
    assert "| proceeding | timer E | proceeding | resend slowly |" in page
    assert page.count("\n| ") == len(NonInviteClientTransaction.table) + 1


def test_pages_of_machines_that_are_gone_are_removed(tmp_path: Path) -> None:
    (tmp_path / "gone.md").write_text("old")
    main(tmp_path)
    assert {page.name for page in tmp_path.iterdir()} == set(pages())
