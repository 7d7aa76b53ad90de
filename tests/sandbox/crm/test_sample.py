"""The office's papers: numbers, links and what can be called."""

from sandbox.crm.records import KINDS, matches
from sandbox.crm.sample import LOST_NUMBER, directory_of, sample_archive, written
from sandbox.customers import Behaviour, e164


def test_there_are_forty_contacts_and_every_link_leads_somewhere() -> None:
    archive = sample_archive()
    contacts = list(archive.of_kind("contacts"))
    assert len(contacts) == 40
    assert len({contact.name for contact in contacts}) == 40
    for lead in archive.of_kind("leads"):
        assert len(archive.contacts_of(lead)) == len(lead.contact_ids)
        assert archive.pipeline(lead.pipeline_id) is not None
    for contact in contacts:
        assert contact.company_id is None or archive.get("companies", contact.company_id) is not None


def test_the_papers_are_the_same_at_every_start() -> None:
    first, second = sample_archive(), sample_archive()
    assert all(list(first.of_kind(kind)) == list(second.of_kind(kind)) for kind in KINDS)


def test_no_two_contacts_share_a_number() -> None:
    numbers = [
        e164(phone.value) for contact in sample_archive().of_kind("contacts") for phone in contact.phones
    ]
    assert len(numbers) == len(set(numbers))


def test_all_five_ways_of_writing_a_number_mean_the_same() -> None:
    assert {e164(written("+79005550101", manner)) for manner in range(5)} == {"+79005550101"}


def test_every_contact_can_be_called_but_the_one_written_down_wrong() -> None:
    archive = sample_archive()
    directory = directory_of(archive)
    for contact in archive.of_kind("contacts"):
        for phone in contact.phones:
            assert (directory.find(phone.value) is None) is (phone.value == LOST_NUMBER)
    nobody = directory.find("+79990000000")
    assert nobody is None


def test_special_customers_keep_their_behaviour_though_they_are_contacts_too() -> None:
    directory = directory_of(sample_archive())
    busy = directory.find("8 (900) 555-01-03")
    assert busy is not None
    assert busy.behaviour is Behaviour.REFUSES
    assert len(directory.special()) == 6


def test_a_short_row_of_digits_is_looked_for_as_text() -> None:
    (first, *_) = sample_archive().of_kind("contacts")
    assert matches(first, "555-01")
    assert not matches(first, "55501")
