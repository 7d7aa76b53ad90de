"""Flows and transmissions."""

import pytest

from sip.flow import Flow, Transmit


@pytest.mark.parametrize(("transport", "reliable"), [("udp", False), ("tcp", True), ("tls", True)])
def test_only_connections_are_reliable(transport: str, reliable: bool) -> None:
    assert Flow(transport, ("192.0.2.1", 5060)).is_reliable is reliable  # type: ignore[arg-type]


def test_flows_are_values() -> None:
    flow = Flow("tcp", ("192.0.2.1", 5060), 3)
    assert {flow: 1}[Flow("tcp", ("192.0.2.1", 5060), 3)] == 1
    assert flow != Flow("tcp", ("192.0.2.1", 5060), 4)
    with pytest.raises(AttributeError):
        flow.connection = 4  # type: ignore[misc]
    assert Transmit(flow, b"x").flow is flow


def test_the_road_is_the_flow_without_the_connections_number() -> None:
    flow = Flow("tls", ("192.0.2.1", 5061), 3, "pbx.example")
    assert flow.road == Flow("tls", ("192.0.2.1", 5061), 0, "pbx.example")
    assert flow.road.road is flow.road or flow.road.road == flow.road
    assert flow.road != Flow("tls", ("192.0.2.1", 5061), 0, "another.example")


@pytest.mark.parametrize(
    ("flow", "text"),
    [
        (Flow("udp", ("192.0.2.1", 5060)), "udp:192.0.2.1:5060"),
        (Flow("tcp", ("2001:db8::1", 5060), 1), "tcp:[2001:db8::1]:5060"),
    ],
)
def test_a_flow_reads_well_in_a_log(flow: Flow, text: str) -> None:
    assert str(flow) == text
