"""Broken bytes at a subscription that stands and at a watcher that stands: nothing raises, nothing unforeseen happens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sip.flow import Flow
from sip.subscriptions.facts import SubscriptionReceived
from tests.sip.notifier import TARGET
from tests.sip.pair import Pair, make_pair

_VALUES = (
    b"active", b"pending;expires=0", b"terminated;reason=deactivated;retry-after=9999999999", b"terminated;reason=\xff",
    b"dialog", b"dialog;id=1", b"presence", b";", b"", b"0", b"60", b"99999999999", b"-1", b"<sip:x@y>;tag=", b"*",
    b"<sip:[::1]:0;transport=tcp>", b"<sip:a@b>;tag=carol", b"1 NOTIFY", b"2147483647 NOTIFY", b"2147483648 SUBSCRIBE",
)  # fmt: skip
_NAMES = (
    b"Event", b"o", b"Subscription-State", b"Expires", b"Contact", b"m", b"From", b"To", b"CSeq", b"Record-Route",
    b"Min-Expires", b"Retry-After", b"Content-Encoding", b"Content-Length", b"Call-ID", b"Via", b"X",
)  # fmt: skip


def standing() -> tuple[Pair, list[tuple[bytes, bool]]]:
    """Alice watches Bob; what went over the wire, and whether it went to Alice."""
    pair = make_pair(packages=["dialog"])
    pair.alice.agent.subscribe(pair.alice.account, TARGET, "dialog", pair.now, expires=60)
    pair.advance(0.05)
    his = pair.bob.last(SubscriptionReceived).watcher
    his.accept(pair.now, "application/dialog-info+xml", b"<dialog-info/>")
    pair.advance(0.1)
    his.notify("application/dialog-info+xml", b"<dialog-info/>", pair.now)
    pair.advance(50)
    return pair, [(message.to_bytes(), sender == "bob") for sender, message in pair.sent]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 30),
            st.sampled_from(_NAMES),
            st.sampled_from(_VALUES) | st.binary(max_size=12),
            st.integers(0, 9),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_a_line_that_is_put_into_what_was_said_breaks_nothing(
    deeds: list[tuple[int, bytes, bytes, int]],
) -> None:
    pair, said = standing()
    for number, (place, name, value, kept) in enumerate(deeds):
        data, to_alice = said[place % len(said)]
        lines = data.split(b"\r\n")
        lines = [line for line in lines if kept > 4 or not line.startswith(name)]
        lines.insert(1, name + b": " + value)
        # Another branch, so that it is no repeat, in half of the cases.
        message = b"\r\n".join(lines)
        if kept % 2:
            message = message.replace(b"branch=z9hG4bK", b"branch=z9hG4bK%d" % number)
        party, other = (pair.alice, pair.bob) if to_alice else (pair.bob, pair.alice)
        party.agent.receive(message, Flow("udp", other.address), pair.now)
        party.agent.take_output()
        pair.now += 1.0
        party.agent.handle_timer(pair.now)
        party.agent.take_output()
    for party in (pair.alice, pair.bob):
        assert party.agent.counters["unforeseen"] == 0
