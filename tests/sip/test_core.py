"""Where requests in dialogs go, and what our Contact says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sip.account import Transport
from sip.core import Core, body_headers, checked_reasons, reason_headers
from sip.dialog import Dialog
from sip.errors import LocalProtocolError
from sip.flow import Flow
from sip.headers import Reason
from sip.ids import SeededIds
from sip.timers import Timers
from sip.uri import Uri
from tests.sip.test_account import ACCOUNT

MET = Flow("udp", ("192.0.2.9", 40_000))


def core() -> Core:
    return Core(host="192.0.2.1", port=5062, ids=SeededIds(), timers=Timers(), product="P", tag_prefix="zz")


def dialog(target: str, *routes: str) -> Dialog:
    return Dialog(
        call_id="c", local_tag="l", remote_tag="r", local="<sip:a@b>;tag=l", remote="<sip:b@a>;tag=r",
        target=Uri.parse(target), route_set=routes, local_cseq=1, remote_cseq=0,
    )  # fmt: skip


def flow(
    made: Dialog, *, proxy: tuple[str, int] | None = None, transport: Transport = "udp", body: bytes = b""
) -> Flow:
    account = replace(ACCOUNT, proxy=proxy, transport=transport)
    return core().flow(made.request("INVITE", body=body), made, account, MET)


def test_a_numeric_target_is_reached_at_its_address() -> None:
    assert flow(dialog("sip:b@192.0.2.8:5070")) == Flow("udp", ("192.0.2.8", 5070))


def test_the_accounts_proxy_stands_for_every_target() -> None:
    assert flow(dialog("sip:b@10.0.0.1"), proxy=("192.0.2.7", 5080)) == Flow("udp", ("192.0.2.7", 5080))


def test_a_route_set_comes_before_the_proxy() -> None:
    assert flow(dialog("sip:b@10.0.0.1", "<sip:192.0.2.3;lr>"), proxy=("192.0.2.7", 5080)).remote == (
        "192.0.2.3",
        5060,
    )
    assert flow(dialog("sip:b@10.0.0.1", "<sip:edge;lr>"), proxy=("192.0.2.7", 5080)).remote == (
        "192.0.2.7",
        5080,
    )


def test_a_named_target_is_reached_over_the_flow_where_the_dialog_was_met() -> None:
    assert flow(dialog("sip:b@pbx.example")) == MET
    assert (
        core().flow(dialog("sip:b@pbx.example").request("BYE"), dialog("sip:b@pbx.example"), None, MET) is MET
    )


def test_the_connection_is_kept_when_it_leads_there() -> None:
    met = Flow("tcp", ("192.0.2.9", 40_000), 7)
    made = dialog("sip:b@192.0.2.9:40000")
    assert core().flow(made.request("BYE"), made, None, met) is met


def test_transport_follows_the_account_its_size_rule_or_the_targets_parameter() -> None:
    made = dialog("sip:b@192.0.2.8")
    assert flow(made, transport="tcp").transport == "tcp"
    assert flow(made, transport="auto").transport == "udp"
    assert flow(made, transport="auto", body=b"x" * 1300).transport == "tcp"
    wanted = dialog("sip:b@192.0.2.8;transport=tcp")
    assert core().flow(wanted.request("BYE"), wanted, None, MET).transport == "tcp"


def test_contact_says_tcp_only_for_lines_that_are_always_on_tcp() -> None:
    assert str(core().contact("u", "tcp")) == "sip:u@192.0.2.1:5062;transport=tcp"
    assert str(core().contact("u", "auto")) == str(core().contact("u", "udp")) == "sip:u@192.0.2.1:5062"


def test_contact_says_tls_and_is_of_the_scheme_that_is_asked_for_8_1_1_8() -> None:
    assert str(core().contact("u", "tls")) == "sip:u@192.0.2.1:5061;transport=tls"
    assert str(core().contact("u", "tls", secure=True)) == "sips:u@192.0.2.1:5061"
    secure = replace(ACCOUNT, uri=Uri("sips", "101", None, "pbx.example"))
    assert str(core().line_contact(secure)) == "sips:101@192.0.2.1:5061"


def test_a_line_on_tls_stays_on_it_in_dialogs_and_keeps_the_name_of_its_pbx() -> None:
    made = dialog("sip:b@192.0.2.8:5061")
    assert flow(made, transport="tls") == Flow("tls", ("192.0.2.8", 5061), 0, "192.0.2.5")
    met = Flow("tls", ("192.0.2.8", 5061), 4, "pbx.example")
    assert core().flow(made.request("BYE"), made, replace(ACCOUNT, transport="tls"), met) is met


@pytest.mark.parametrize("target", ["sips:b@192.0.2.8", "sip:b@192.0.2.8;transport=tls"])
def test_a_dialog_of_no_line_goes_over_tls_where_its_target_wants_it(target: str) -> None:
    made = dialog(target)
    assert core().flow(made.request("BYE"), made, None, MET) == Flow("tls", ("192.0.2.8", 5061))
    met = Flow("tls", ("192.0.2.9", 40_000), 7)
    plain = dialog("sip:b@192.0.2.8")
    assert core().flow(plain.request("BYE"), plain, None, met).transport == "tls", "no step down"


def test_tags_bear_the_prefix_and_are_known_by_it() -> None:
    made = core()
    assert made.new_tag().startswith("zz")
    assert made.is_our_tag(made.new_tag())
    assert not made.is_our_tag("tb1")
    assert not made.is_our_tag(None)


@pytest.mark.parametrize("draw", range(20))
def test_retry_after_is_0_to_10_seconds(draw: int) -> None:
    made = core()
    for _ in range(draw):
        made.ids.fraction()
    name, value = made.retry_after()
    assert name == "Retry-After"
    assert 0 <= int(str(value)) <= 10


def test_headers_of_bodies_and_reasons() -> None:
    assert body_headers(None) == body_headers(b"") == []
    assert body_headers(b"v=0") == [("Content-Type", "application/sdp")]
    assert reason_headers([Reason("SIP", 200)]) == [("Reason", Reason("SIP", 200))]


def test_reasons_are_tried_before_anything_has_changed() -> None:
    reasons = checked_reasons(reason for reason in [Reason("SIP", 200, "x")])
    assert reasons == (Reason("SIP", 200, "x"),)
    with pytest.raises(LocalProtocolError):
        checked_reasons([*reasons, Reason("SIP", 200, "a\r\nb")])


def test_the_packages_that_are_served_stand_in_what_makes_a_dialog_rfc6665_8_2_2() -> None:
    served = Core(
        host="192.0.2.1", port=5062, ids=SeededIds(), timers=Timers(), product="P", tag_prefix="zz",
        packages=["dialog", "presence"],
    )  # fmt: skip
    assert dict(served.capabilities)["Allow-Events"] == "dialog, presence, hold, talk"
    assert served.capabilities[-1] == ("User-Agent", "P"), "the last one, for those that bear nothing else"
    assert "SUBSCRIBE" in served.allow
    assert served.understood_events("dialog", "refer") == "dialog, presence, refer"
    assert dict(core().capabilities)["Allow-Events"] == "hold, talk"
    assert "SUBSCRIBE" not in core().allow
