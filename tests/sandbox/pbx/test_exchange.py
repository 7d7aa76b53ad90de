"""Plays of the exchange in memory: user agents of ours on one wire, no sound, time wound by hand."""

import pytest

from sandbox.pbx.sound.frames import Loop, Silence
from sandbox.pbx.views import NotReachable
from sip.call import Call, CallState
from sip.events import (
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallProceeding,
    CallReceived,
    DialogRefreshed,
    OfferAccepted,
    OfferRefused,
    RegistrationFailed,
)
from sip.headers import Reason, ReplacesHeader
from sip.uri import Uri
from tests.sandbox.pbx.street import OFFER, Phone, Street, turned

SPEAKS, ECHOES, BUSY, SILENT, HANGS_UP = (f"+7900555010{n}" for n in range(1, 6))


def talking(street: Street, phone: Phone, number: str = SPEAKS) -> Call:
    """A call of that phone to a customer, answered and acknowledged."""
    call = phone.dial(number)
    street.wind(4)
    call.acknowledge(street.now)
    street.settle()
    assert call.state is CallState.CONFIRMED
    return call


def ended(phone: Phone) -> CallEnded:
    return phone.last(CallEnded)


class TestOutward:
    """An extension calls a customer."""

    def test_a_customer_rings_and_answers_after_three_seconds(self) -> None:
        street = Street()
        phone = street.phone("101")
        call = phone.dial(SPEAKS)
        assert [event.status for event in phone.told(CallProceeding)] == [180]
        street.wind(2.9)
        assert call.state is CallState.PROCEEDING
        street.wind(0.2)
        assert phone.told(CallAnswered)
        assert street.states == ["talking"]

    @pytest.mark.parametrize("dialled", ["89005550101", "9005550101", "8 (900) 555-01-01"])
    def test_a_number_may_be_dialled_as_a_russian_office_writes_it(self, dialled: str) -> None:
        street = Street()
        phone = street.phone("101")
        phone.dial(dialled)
        assert [call.callee for call in street.exchange.calls()] == [SPEAKS]

    def test_who_is_busy_gives_486_with_cause_17(self) -> None:
        street = Street()
        phone = street.phone("101")
        phone.dial(BUSY)
        assert ended(phone).status == 486
        assert ended(phone).reasons == (Reason("Q.850", 17, "User busy"),)
        assert street.states == []

    def test_a_number_that_nobody_has_gives_404(self) -> None:
        street = Street()
        phone = street.phone("101")
        phone.dial("+79000000000")
        assert ended(phone).status == 404

    def test_who_stays_silent_is_given_up_after_a_minute(self) -> None:
        street = Street()
        phone = street.phone("101")
        phone.dial(SILENT)
        street.wind(59.9)
        assert street.states == ["ringing"]
        street.wind(0.2)
        assert (ended(phone).status, ended(phone).reasons) == (480, (Reason("Q.850", 19, "No answer"),))

    def test_who_hangs_up_after_five_seconds_sends_bye_with_cause_16(self) -> None:
        street = Street()
        phone = street.phone("101")
        call = talking(street, phone, HANGS_UP)
        street.wind(3.1)  # two of ringing, five of talk; `talking` waited four
        assert call.state is CallState.ENDED
        assert (ended(phone).by, ended(phone).cause) == ("them", "hung_up")
        assert ended(phone).reasons == (Reason("Q.850", 16, "Normal call clearing"),)

    def test_the_caller_may_cancel_while_it_rings(self) -> None:
        street = Street()
        phone = street.phone("101")
        phone.dial(SILENT).cancel(street.now)
        street.settle()
        assert ended(phone).cause == "cancelled"
        street.wind(90)
        assert street.states == []

    def test_hanging_up_ends_the_conversation(self) -> None:
        street = Street()
        phone = street.phone("101")
        call = talking(street, phone)
        call.bye(street.now)
        street.settle()
        assert call.state is CallState.ENDED
        assert street.states == []

    def test_the_controls_can_hang_up(self) -> None:
        street = Street()
        phone = street.phone("101")
        call = talking(street, phone)
        (view,) = street.exchange.calls()
        assert street.exchange.hang_up(view.id)
        assert not street.exchange.hang_up(view.id)
        street.settle()
        assert call.state is CallState.ENDED

    def test_an_offer_that_is_no_description_gives_488(self) -> None:
        street = Street()
        phone = street.phone("101")
        phone.dial(SPEAKS, b"hello")
        assert ended(phone).status == 488
        assert street.states == []


class TestIdentity:
    """Who may call, and as whom."""

    def test_a_stranger_is_challenged_and_refused(self) -> None:
        street = Street()
        phone = street.phone("999", register=False)
        phone.dial(SPEAKS)
        assert ended(phone).status == 403
        assert street.states == []

    def test_a_wrong_password_registers_nothing(self) -> None:
        street = Street()
        phone = street.phone("104", register=False)
        phone.agent.register(phone.account, street.now)
        street.settle()
        assert phone.last(RegistrationFailed).status == 403
        assert all(not line.contacts for line in street.exchange.lines())

    def test_lines_say_what_device_is_registered_and_that_it_is_gone(self) -> None:
        street = Street()
        phone = street.phone("101", register=False)
        registration = phone.agent.register(phone.account, street.now)
        street.settle()
        (contact,) = street.exchange.lines()[0].contacts
        assert (contact.device, contact.browser) == ("Desk", False)
        registration.unregister(street.now)
        street.settle()
        assert street.exchange.lines()[0].contacts == ()

    def test_a_softphone_of_ours_is_offered_webrtc_and_a_desk_phone_plain_rtp(self) -> None:
        street = Street()
        desk, softphone = street.phone("101"), street.phone("101", "Trubka/0.1")
        street.exchange.call_in(SPEAKS, "101")
        street.settle()
        assert b"RTP/AVP" in (desk.ringing.remote_sdp or b"")
        assert b"UDP/TLS/RTP/SAVPF" in (softphone.ringing.remote_sdp or b"")
        assert b"a=fingerprint" in (softphone.ringing.remote_sdp or b"")


class TestInward:
    """A customer calls an extension: all its devices ring."""

    def answered(self, street: Street, phone: Phone) -> Call:
        call = phone.ringing
        call.accept(OFFER, street.now)
        street.settle()
        return call

    def test_all_devices_ring_and_see_the_customers_number(self) -> None:
        street = Street()
        phones = [street.phone("101"), street.phone("101")]
        other = street.phone("102")
        street.exchange.call_in(ECHOES, "101")
        street.settle()
        assert [phone.ringing.remote.uri.user for phone in phones] == [ECHOES, ECHOES]
        assert other.told(CallReceived) == []
        assert street.states == ["ringing"]

    def test_the_first_to_answer_has_the_call_and_losers_learn_that_it_was_answered_elsewhere(self) -> None:
        street = Street()
        winner, loser = street.phone("101"), street.phone("101")
        street.exchange.call_in(SPEAKS, "101")
        street.settle()
        loser.ringing.ring(street.now)
        self.answered(street, winner)
        assert winner.told(CallConfirmed)
        assert ended(loser).cause == "cancelled"
        (cancel,) = loser.requests("CANCEL")
        assert cancel.get_all("Reason") == ['SIP;cause=200;text="Call completed elsewhere"', "Q.850;cause=26"]
        assert ended(loser).reasons == (
            Reason("SIP", 200, "Call completed elsewhere"),
            Reason("Q.850", 26, None),
        )
        assert street.states == ["talking"]

    def test_two_who_answer_at_once_do_not_both_get_the_call(self) -> None:
        street = Street()
        first, second = street.phone("101"), street.phone("101")
        street.exchange.call_in(SPEAKS, "101")
        street.settle()
        first.ringing.accept(OFFER, street.now)
        second.ringing.accept(OFFER, street.now)  # both 200s are on the wire before either is read
        street.wind(1)
        assert sorted((first.ringing.state, second.ringing.state)) == ["confirmed", "ended"]
        assert street.states == ["talking"]

    def test_the_customer_gives_up_after_45_seconds_without_a_word_of_elsewhere(self) -> None:
        street = Street()
        phone = street.phone("101")
        street.exchange.call_in(SPEAKS, "101")
        street.settle()
        phone.ringing.ring(street.now)
        street.wind(46)
        assert ended(phone).cause == "cancelled"
        assert Reason("Q.850", 26) not in ended(phone).reasons
        assert street.states == []

    def test_when_the_last_device_refuses_the_conversation_is_over(self) -> None:
        street = Street()
        phones = [street.phone("101"), street.phone("101")]
        street.exchange.call_in(SPEAKS, "101")
        street.settle()
        phones[0].ringing.reject(486, street.now)
        street.settle()
        assert street.states == ["ringing"]
        phones[1].ringing.reject(603, street.now)
        street.settle()
        assert street.states == []

    def test_nobody_at_the_extension_cannot_be_called_in(self) -> None:
        street = Street()
        with pytest.raises(NotReachable, match="101 не в сети"):
            street.exchange.call_in(SPEAKS, "101")
        with pytest.raises(NotReachable, match="\\+7000"):
            street.exchange.call_in("+7000", "101")
        assert street.states == []

    def test_the_extension_hangs_up(self) -> None:
        street = Street()
        phone = street.phone("101")
        street.exchange.call_in(SPEAKS, "101")
        street.settle()
        call = self.answered(street, phone)
        call.bye(street.now)
        street.settle()
        assert (call.state, street.states) == (CallState.ENDED, [])


class TestInside:
    """One extension calls another."""

    def test_the_callers_telephone_rings_when_the_callees_does_and_both_talk(self) -> None:
        street = Street()
        caller, callee = street.phone("101"), street.phone("102")
        call = caller.dial("102")
        assert caller.told(CallProceeding) == []
        callee.ringing.ring(street.now)
        street.settle()
        assert [event.status for event in caller.told(CallProceeding)] == [180]
        callee.ringing.accept(OFFER, street.now)
        street.settle()
        call.acknowledge(street.now)
        street.settle()
        assert (call.state, callee.ringing.state) == (CallState.CONFIRMED, CallState.CONFIRMED)
        call.bye(street.now)
        street.settle()
        assert callee.ringing.state is CallState.ENDED

    @pytest.mark.parametrize(("said", "told"), [(486, 486), (603, 603), (480, 480), (500, 480)])
    def test_the_caller_is_told_the_refusal(self, said: int, told: int) -> None:
        street = Street()
        caller, callee = street.phone("101"), street.phone("102")
        caller.dial("102")
        callee.ringing.reject(said, street.now)
        street.settle()
        assert ended(caller).status == told

    def test_an_extension_without_a_telephone_gives_480(self) -> None:
        street = Street()
        caller = street.phone("101")
        caller.dial("103")
        assert ended(caller).status == 480

    def test_cancelling_stops_the_ringing(self) -> None:
        street = Street()
        caller, callee = street.phone("101"), street.phone("102")
        call = caller.dial("102")
        callee.ringing.ring(street.now)
        street.settle()
        call.cancel(street.now)
        street.settle()
        assert ended(callee).cause == "cancelled"
        assert street.states == []


class TestHold:
    """Re-INVITE from one side: the other hears music (design.md 6, pbx-facts.md)."""

    @pytest.mark.parametrize(("direction", "mirrored"), [("inactive", "inactive"), ("sendonly", "recvonly")])
    def test_a_held_customer_hears_music_and_the_answer_is_mirrored(
        self, direction: str, mirrored: str
    ) -> None:
        street = Street()
        phone = street.phone("101")
        call = talking(street, phone)
        before = call.remote_sdp or b""
        (person,) = next(iter(street.exchange._dialing.conversations.values())).people
        call.reinvite(turned(OFFER, direction), street.now)
        street.settle()
        answer = phone.last(OfferAccepted).sdp or b""
        assert f"a={mirrored}\r\n".encode() in answer
        assert b"o=- 1 1 " in before
        assert b"o=- 1 2 " in answer
        assert street.states == ["held"]
        assert street.exchange.calls()[0].held_by == ("101",)
        assert isinstance(person._hears, Loop)
        assert isinstance(street.legs.legs[-1].heard, Silence)

    def test_resume_connects_both_again(self) -> None:
        street = Street()
        phone = street.phone("101")
        call = talking(street, phone)
        (person,) = next(iter(street.exchange._dialing.conversations.values())).people
        call.reinvite(turned(OFFER, "inactive"), street.now)
        street.settle()
        call.reinvite(turned(turned(OFFER, "inactive"), "sendrecv"), street.now)
        street.settle()
        assert street.states == ["talking"]
        assert person._hears is street.legs.legs[-1].voice

    def test_another_dtls_identity_is_refused_with_488_and_nothing_changes(self) -> None:
        street = Street()
        phone = street.phone("101", "Trubka")
        offer = OFFER.replace(b"RTP/AVP", b"UDP/TLS/RTP/SAVPF") + b"a=fingerprint:sha-256 AA:BB\r\n"
        call = phone.dial(ECHOES, offer)
        street.wind(2)
        call.acknowledge(street.now)
        street.settle()
        call.reinvite(turned(offer.replace(b"AA:BB", b"CC:DD"), "inactive"), street.now)
        street.settle()
        assert phone.last(OfferRefused).status == 488
        assert street.states == ["talking"]

    def test_a_re_invite_that_is_no_description_is_refused_with_488(self) -> None:
        street = Street()
        phone = street.phone("101")
        call = talking(street, phone)
        call.reinvite(b"no description", street.now)
        street.settle()
        assert phone.last(OfferRefused).status == 488
        assert street.states == ["talking"]

    def test_update_and_options_are_answered(self) -> None:
        street = Street()
        phone = street.phone("101")
        call = talking(street, phone)
        call.update(street.now)
        street.settle()
        call.options(street.now)
        street.settle()
        assert len(phone.told(DialogRefreshed)) == 2


class TestReplaces:
    """INVITE with Replaces takes over a leg (RFC 3891, pbx-facts.md)."""

    def take_over(self, street: Street, phone: Phone, old: Call, number: str = "101") -> Call:
        replaces = ReplacesHeader(old.id, old.remote_tag, old.local_tag)
        target = Uri("sip", number, None, "127.0.0.1")
        call = phone.agent.invite(phone.account, target, OFFER, street.now, replaces=replaces)
        street.settle()
        if call.state is CallState.ANSWERED:
            call.acknowledge(street.now)
            street.settle()
        return call

    def test_the_new_leg_gets_200_the_old_one_bye_and_the_customer_stays(self) -> None:
        street = Street()
        phone = street.phone("101")
        old = talking(street, phone)
        (before,) = street.exchange.calls()
        old.reinvite(turned(OFFER, "inactive"), street.now)
        street.settle()
        new = self.take_over(street, phone, old)
        assert new.state is CallState.CONFIRMED
        assert old.state is CallState.ENDED
        assert (ended(phone).call, ended(phone).by) == (old, "them")
        assert street.exchange.calls() == (before,)  # the hold went with the old leg

    def test_three_times_in_a_row_as_callee_too(self) -> None:
        street = Street()
        phone = street.phone("101")
        street.exchange.call_in(SPEAKS, "101")
        street.settle()
        leg = phone.ringing
        leg.accept(OFFER, street.now)
        street.settle()
        for _ in range(3):
            old, leg = leg, self.take_over(street, phone, leg)
            assert (old.state, leg.state) == (CallState.ENDED, CallState.CONFIRMED)
        assert street.states == ["talking"]
        leg.bye(street.now)
        street.settle()
        assert street.states == []

    def test_a_dead_dialog_gets_603_and_rings_nobody(self) -> None:
        street = Street()
        phone, other = street.phone("101"), street.phone("101")
        old = talking(street, phone)
        old.bye(street.now)
        street.settle()
        self.take_over(street, phone, old)
        assert ended(phone).status == 603
        assert other.told(CallReceived) == []

    def test_a_call_of_another_extension_cannot_be_taken(self) -> None:
        street = Street()
        phone, thief = street.phone("101"), street.phone("102")
        old = talking(street, phone)
        stolen = ReplacesHeader(old.id, old.remote_tag, old.local_tag)
        thief.agent.invite(
            thief.account, Uri("sip", "102", None, "127.0.0.1"), OFFER, street.now, replaces=stolen
        )
        street.settle()
        assert ended(thief).status == 603
        assert old.state is CallState.CONFIRMED

    def test_the_request_uri_must_be_dialable(self) -> None:
        street = Street()
        phone = street.phone("101")
        old = talking(street, phone)
        self.take_over(street, phone, old, number="s")
        assert ended(phone).status == 404
        assert old.state is CallState.CONFIRMED


def test_nothing_is_left_of_calls_that_are_over() -> None:
    street = Street()
    phone = street.phone("101")
    call = talking(street, phone)
    call.bye(street.now)
    street.wind(60)
    assert street.agent.calls == []
    assert street.exchange.next_deadline() is None
    assert [leg.asked[-1] for leg in street.legs.legs] == ["close"]
    assert street.exchange._dialing._devices == {}


def test_closing_the_office_hangs_up_everywhere() -> None:
    street = Street()
    phone = street.phone("101")
    call = talking(street, phone)
    street.exchange.close(street.now)
    street.settle()
    assert call.state is CallState.ENDED
