"""Nothing a peer sends may raise anything but ParseError, then or when the message is used; and time stays linear."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip.digest import Authenticator, Credentials
from sip.errors import ParseError
from sip.message import Request, Response, parse
from sip.uri import NameAddr, Uri
from tests.sip.effort import effort
from tests.sip.messages import INVITE, RINGING, lines

CHALLENGED = RINGING.replace(b"180 Ringing", b"401 Unauthorized").replace(
    b"Content-Length",
    b'WWW-Authenticate: Digest realm="pbx", nonce="n", qop="auth", algorithm=SHA-256\r\nContent-Length',
)
RICH = (
    lines(
        'Contact: "A, B" <sip:a@[::1]:5060;transport=tcp>;expires=60, <sip:c@d>',
        "Record-Route: <sip:p;lr>, <sip:q;lr>",
        "Route: <sip:r;lr>",
        'Reason: SIP;cause=200;text="x", Q.850;cause=26',
        "Replaces: c;to-tag=1;from-tag=2",
        "Expires: 60",
        "Subject: folded",
        "\tin two",
        "Content-Length: 4",
        method="INVITE",
        via="SIP/2.0/UDP 10.0.0.9;rport;branch=z9hG4bK1, SIP/2.0/TCP h:5061",
        to='"B" <sip:b@example.com;x=%41?a=b>;tag=2',
    )
    + b"body"
)
SEEDS = [INVITE, RINGING, CHALLENGED, RICH]
SPICE = [b"\r\n", b"\r", b"\n", b"\0", b",", b";", b":", b"<", b">", b'"', b"\\", b" ", b"\t", b"=", b"@", b"%", b"%0d%0a", b"[", b"*",
         b"\xff", "И".encode(), b"\xc2\x85", b"\xe2\x80\xa8", b"-1", b"99999999999999999999", b"sip:", b"tel:", b"SIP/2.0", b";tag=x"]  # fmt: skip


def use(message: Request | Response) -> None:
    """Everything that a user agent may do with a message that `parse` gave it."""
    _ = (
        message.via.branch,
        message.via.rport,
        message.via.received,
        message.call_id,
        message.cseq,
        message.from_tag,
    )
    _ = (
        message.to_tag,
        message.contact,
        message.route,
        message.record_route,
        message.reasons,
        message.headers,
        message.content_type,
    )
    _ = message.integer("Expires"), message.get("Subject"), message.get_all("Allow"), message.get("X-None")
    for name, value in message.headers:
        assert not set(name + value) & set("\r\n\0")
    for address in (message.from_, message.to, message.contact, *message.route, *message.contacts):
        if address is not None:
            assert NameAddr.parse(str(address)) == address
    if isinstance(message, Request):
        assert Uri.parse(str(message.uri)) == message.uri
        noted = message.with_received("192.0.2.1", 4000)
        reply = noted.reply(200, to_tag="x", headers=[("Contact", "<sip:a@b>")], body=b"x")
        assert parse(reply.to_bytes()) == reply
        assert parse(noted.prepend("Via", "SIP/2.0/UDP h;branch=z9hG4bK2").to_bytes()).branch == "z9hG4bK2"
    else:
        account = Authenticator(Credentials("u", "p"))
        sent = parse(lines(method="INVITE"))
        assert isinstance(sent, Request)
        if account.challenged(message, sent):
            assert parse(account.authorize(sent, "c").to_bytes()).get("CSeq") == "1 INVITE"
    _ = message.replaces


def fault(data: bytes) -> ParseError | None:
    """Parse and use; the one error that may come, or None."""
    try:
        use(parse(data))
    except ParseError as error:
        return error
    return None


def read_and_use(data: bytes) -> None:
    error = fault(data)
    if error is None:
        return
    assert 400 <= error.status <= 699
    if error.message is not None:
        reply = error.message.with_received("192.0.2.1", 4000).reply(error.status, to_tag="x").to_bytes()
        assert reply.endswith(b"\r\nContent-Length: 0\r\n\r\n")
        assert error.message.method != "ACK"


@given(st.binary())
def test_random_bytes(data: bytes) -> None:
    read_and_use(data)


@given(
    st.lists(st.sampled_from([*INVITE.split(b"\r\n"), *RICH.split(b"\r\n"), *RINGING.split(b"\r\n")])).map(
        b"\r\n".join
    )
)
def test_shuffled_lines(data: bytes) -> None:
    read_and_use(data + b"\r\n\r\n")


@settings(max_examples=600)
@given(
    st.sampled_from(SEEDS),
    st.lists(
        st.tuples(st.integers(0, 1500), st.integers(0, 3), st.sampled_from(SPICE) | st.binary(max_size=3)),
        max_size=4,
    ),
)
def test_mutated_messages(seed: bytes, changes: list[tuple[int, int, bytes]]) -> None:
    data = seed
    for place, length, new in changes:
        at = place % (len(data) + 1)
        data = data[:at] + new + data[at + length :]
    read_and_use(data)


@pytest.mark.parametrize("seed", SEEDS)
def test_truncated_messages(seed: bytes) -> None:
    for end in range(len(seed)):
        with pytest.raises(ParseError):
            parse(seed[:end])
        read_and_use(seed[:end])
    read_and_use(seed)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "header",
    [b"Via", b"From", b"To", b"Contact", b"Record-Route", b"WWW-Authenticate", b"CSeq", b"Content-Length"],
)
@pytest.mark.parametrize(
    "fill", [b'"', b"<", b",", b";", b"\\", b'"\\', b"a", b" ", b";a=", b"<>,", b"%", b"0", b"[", b"\r\n "]
)
def test_a_datagram_full_of_one_thing_takes_little_time(seed: bytes, header: bytes, fill: bytes) -> None:
    data = seed.replace(header + b": ", header + b": " + fill * (40_000 // len(fill)), 1)
    assert effort(lambda: read_and_use(data), bound=1.0) < 1.0


def test_headers_in_great_number_take_little_time() -> None:
    for line in (b"a:", b"Via: x", b"Route: <sip:a>,", b" ", b"To: x"):
        for times in (60_000 // (len(line) + 2), 480):
            data = INVITE.replace(b"\r\n\r\n", b"\r\n" + (line + b"\r\n") * times + b"\r\n", 1)
            assert effort(lambda data=data: read_and_use(data), bound=0.5) < 0.5  # type: ignore[misc] # mypy sees no default of a lambda
