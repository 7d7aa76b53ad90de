"""Dialogs (RFC 3261 §12): what either side remembers of an INVITE and its 2xx, and the requests it makes of that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.dialog import Dialog
from sip.message import Request, Response
from sip.uri import Uri

LOOSE = "<sip:p1.example;lr>", "<sip:p2.example;lr>"
STRICT = "<sip:p1.example>", "<sip:p2.example>"


def invite(*routes: str) -> Request:
    return Request.build(
        "INVITE",
        "sip:bob@example",
        [
            ("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"),
            *(("Record-Route", route) for route in routes),
            ("From", '"Alice" <sip:alice@example>;tag=a'),
            ("To", "sip:bob@example"),
            ("Call-ID", "c"),
            ("CSeq", "5 INVITE"),
            ("Contact", "<sip:alice@192.0.2.1>"),
        ],
    )


def accepted(*routes: str) -> Response:
    return invite(*routes).reply(200, to_tag="b", headers=[("Contact", "<sip:bob@192.0.2.2>")])


def caller(*routes: str) -> Dialog:
    return Dialog.of_caller(invite(), accepted(*routes))


def callee(*routes: str) -> Dialog:
    return Dialog.of_callee(invite(*routes), "b")


def test_the_caller_takes_the_route_set_in_reverse_order() -> None:
    dialog = caller(*LOOSE)  # §12.1.2
    assert dialog.route_set == LOOSE[::-1]
    assert (dialog.local_tag, dialog.remote_tag, str(dialog.target)) == ("a", "b", "sip:bob@192.0.2.2")
    assert (dialog.local_cseq, dialog.remote_cseq) == (5, 0)


def test_the_callee_takes_the_route_set_as_it_stands() -> None:
    dialog = callee(*LOOSE)  # §12.1.1
    assert dialog.route_set == LOOSE
    assert (dialog.local_tag, dialog.remote_tag, str(dialog.target)) == ("b", "a", "sip:alice@192.0.2.1")
    assert (dialog.local_cseq, dialog.remote_cseq) == (0, 5)


def test_both_sides_write_the_same_addresses_back() -> None:
    mine, theirs = caller().request("BYE"), callee().request("BYE")
    assert (mine.get("From"), mine.get("To")) == (
        '"Alice" <sip:alice@example>;tag=a',
        "sip:bob@example;tag=b",
    )
    assert (theirs.get("From"), theirs.get("To")) == (mine.get("To"), mine.get("From"))
    assert mine.cseq == (6, "BYE")
    assert theirs.cseq == (1, "BYE")
    assert mine.get("Max-Forwards") == "70"


def test_a_loose_router_leaves_the_target_in_the_request_uri() -> None:
    request = caller(*LOOSE).request("BYE")
    assert str(request.uri) == "sip:bob@192.0.2.2"
    assert request.get_all("Route") == list(LOOSE[::-1])
    assert caller(*LOOSE).next_hop().host == "p2.example"


def test_a_strict_router_stands_in_the_request_uri_and_the_target_at_the_end_of_the_routes() -> None:
    request = caller(*STRICT).request("BYE")  # §12.2.1.1
    assert str(request.uri) == "sip:p2.example"
    assert request.get_all("Route") == ["<sip:p1.example>", "<sip:bob@192.0.2.2>"]
    assert caller(*STRICT).next_hop().host == "p2.example"


def test_without_routes_the_target_is_the_next_hop() -> None:
    assert caller().next_hop() == Uri("sip", "bob", None, "192.0.2.2")
    assert caller().request("BYE").get_all("Route") == []


def test_an_ack_takes_the_number_it_is_given_and_spends_none() -> None:
    dialog = caller()
    assert dialog.request("ACK", cseq=5).cseq == (5, "ACK")
    assert dialog.next_cseq() == 6


def test_contact_headers_and_body_are_put_in() -> None:
    request = caller().request(
        "INVITE", contact="<sip:a@b>", headers=[("Supported", "replaces")], body=b"sdp"
    )
    assert (request.get("Contact"), request.get("Supported"), request.body) == (
        "<sip:a@b>",
        "replaces",
        b"sdp",
    )


def test_a_lower_cseq_is_not_admitted_and_a_higher_one_is_remembered() -> None:
    dialog = callee()
    assert dialog.admits(caller().request("BYE"))  # 6
    assert not dialog.admits(invite())  # 5
    assert dialog.admits(caller().request("BYE", cseq=99))
    assert not dialog.admits(caller().request("BYE", cseq=98))


def test_a_target_refresh_says_whether_the_target_is_another_one() -> None:
    dialog = caller()
    assert not dialog.refresh_target(accepted())
    moved = invite().reply(200, headers=[("Contact", "<sip:bob@192.0.2.9>")])
    assert dialog.refresh_target(moved)
    assert dialog.target.host == "192.0.2.9"
    assert not dialog.refresh_target(invite().reply(200))


def test_a_response_without_contact_leaves_the_request_uri_as_target() -> None:
    dialog = Dialog.of_caller(invite(), invite().reply(180, to_tag="b"))
    assert str(dialog.target) == "sip:bob@example"


@given(st.lists(st.sampled_from(["BYE", "INVITE", "ACK", "OPTIONS"]), max_size=20))
def test_the_local_cseq_only_grows(methods: list[str]) -> None:
    dialog = caller()
    numbers = [dialog.request(method).cseq.number for method in methods if method != "ACK"]
    assert numbers == list(range(6, 6 + len(numbers)))


@pytest.mark.parametrize("host", ["192.0.2.2", "2001:db8::1", "pbx.example"])
def test_any_host_is_written_as_it_was_read(host: str) -> None:
    dialog = caller()
    dialog.target = Uri("sip", "bob", None, host, 5070)
    assert dialog.request("BYE").uri == dialog.target
