"""RFC 3261 §18.1.1, §18.1.2, §18.2.1, RFC 3581: the topmost Via."""

import pytest

from sip.flow import Flow
from sip.headers import Via
from sip.transactions.via import SentBy, fall_back, server_key, stamp, way_back
from tests.sip.transactions.recorder import TCP, UDP, our_request, their_request

TLS = Flow("tls", ("192.0.2.2", 40_123), 9)


@pytest.mark.parametrize(("flow", "transport"), [(UDP, "UDP"), (TCP, "TCP")])
def test_our_via_says_transport_sent_by_rport_and_branch(flow: Flow, transport: str) -> None:
    signed = SentBy("192.0.2.1", 5062).sign(our_request(), flow, "z9hG4bKx")
    assert signed.get("Via") == f"SIP/2.0/{transport} 192.0.2.1:5062;rport;branch=z9hG4bKx"


def test_on_tls_our_via_says_the_port_of_tls_and_offers_the_connection_to_whom_may_use_it() -> None:
    plain, offering = SentBy("192.0.2.1", 5062, 5063), SentBy("192.0.2.1", 5062, 5063, alias=True)
    signed = plain.sign(our_request(), TLS, "z9hG4bKx")
    assert signed.get("Via") == "SIP/2.0/TLS 192.0.2.1:5063;rport;branch=z9hG4bKx"
    assert plain.wrote(signed.via)
    aliased = offering.sign(our_request(), TLS, "z9hG4bKx")
    assert aliased.get("Via") == "SIP/2.0/TLS 192.0.2.1:5063;rport;alias;branch=z9hG4bKx"
    assert "alias" not in str(offering.sign(our_request(), TCP, "z9hG4bKx").get("Via")), "RFC 5923: TLS alone"


@pytest.mark.parametrize(
    ("flow", "sent_by", "port"),
    [
        (TCP, "192.0.2.2:5088", 5088),
        (TCP, "192.0.2.2", 5060),
        (TLS, "192.0.2.2", 5061),
        (TLS, "gone.example:7", 7),
    ],
)
def test_a_response_whose_connection_is_gone_goes_to_where_its_sender_listens_18_2_2(
    flow: Flow, sent_by: str, port: int
) -> None:
    request = stamp(their_request(sent_by=sent_by, transport=flow.transport.upper()), flow)
    assert fall_back(request, flow) == Flow(flow.transport, ("192.0.2.2", port))


def test_an_ipv6_address_stands_in_brackets() -> None:
    sent_by = SentBy("2001:db8::1", 5060)
    signed = sent_by.sign(our_request(), UDP, "z9hG4bKx")
    assert signed.get("Via") == "SIP/2.0/UDP [2001:db8::1]:5060;rport;branch=z9hG4bKx"
    assert sent_by.wrote(signed.via)


@pytest.mark.parametrize(
    ("via", "ours"),
    [
        ("SIP/2.0/UDP gw.example:5060;branch=z9hG4bKx", True),
        ("SIP/2.0/TCP GW.Example:5060;received=192.0.2.9;branch=z9hG4bKx", True),
        ("SIP/2.0/UDP gw.example;branch=z9hG4bKx", False),
        ("SIP/2.0/UDP gw.example:5061;branch=z9hG4bKx", False),
        ("SIP/2.0/TLS gw.example:5061;branch=z9hG4bKx", True),
        ("SIP/2.0/TLS gw.example:5060;branch=z9hG4bKx", False),
        ("SIP/2.0/UDP pbx.example:5060;branch=z9hG4bKx", False),
    ],
)
def test_a_via_is_ours_by_its_sent_by(via: str, ours: bool) -> None:
    assert SentBy("gw.example", 5060).wrote(Via.parse(via)) is ours


@pytest.mark.parametrize(
    ("request_args", "source", "expected"),
    [
        ({"rport": True}, ("192.0.2.2", 5060), ("192.0.2.2", 5060)),
        ({"rport": True}, ("203.0.113.5", 1234), ("203.0.113.5", 1234)),
        ({"rport": False}, ("203.0.113.5", 1234), ("203.0.113.5", 5060)),
        ({"rport": False, "sent_by": "192.0.2.2:5088"}, ("192.0.2.2", 5088), ("192.0.2.2", 5088)),
        ({"rport": False, "sent_by": "192.0.2.2"}, ("192.0.2.2", 1234), ("192.0.2.2", 5060)),
    ],
)
def test_the_way_back_of_a_datagram(
    request_args: dict[str, str], source: tuple[str, int], expected: tuple[str, int]
) -> None:
    flow = Flow("udp", source)
    assert way_back(stamp(their_request(**request_args), flow), flow) == Flow("udp", expected)  # type: ignore[arg-type]


def test_an_ack_has_the_key_of_its_invite() -> None:
    invite, ack = their_request("INVITE"), their_request("ACK", to_tag="tb")
    assert server_key(ack, "INVITE") == server_key(invite, "INVITE")
    assert server_key(invite, "CANCEL") != server_key(invite, "INVITE")
