"""Bad SIP: each gets the answer of RFC 3261, is counted by name, and changes nothing for those who talk."""

import asyncio
import socket

import pytest

from protocol.commands import Dial
from protocol.messages import Done
from tests.gateway.bad_input.conftest import Stage
from tests.gateway.pbx import sdp
from tests.gateway.process import PATIENCE, Exchange, House, foreign_socket, furnish, settings
from tests.peers.ports import HOST
from tests.peers.sip_text import Message, parameter


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\xff\xfe garbage",
        b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n",
        b"INVITE",
        b"SIP/2.0 200 OK\r\n\r\n",
        bytes(range(256)) * 20,
    ],
)
async def test_garbage_gets_silence_since_there_is_nobody_to_answer(stage: Stage, data: bytes) -> None:
    async with stage.house.unharmed(stage.tab, "sip malformed"):
        stage.exchange.send(data)
        assert await stage.exchange.is_silent() == []


async def test_a_truncated_request_that_can_be_answered_gets_400(stage: Stage) -> None:
    whole = stage.exchange.request("INVITE", "sip:101@127.0.0.1", body=sdp("pbx").encode())
    async with stage.house.unharmed(stage.tab, "sip malformed"):
        stage.exchange.send(whole.to_bytes()[:-40])
        answer = await stage.exchange.hears("SIP/2.0 400", whole["Call-ID"])
    assert answer.branch == whole.branch


async def test_a_datagram_cut_in_its_head_gets_400_when_its_way_back_can_be_read(stage: Stage) -> None:
    whole = stage.exchange.request("OPTIONS", "sip:101@127.0.0.1")
    async with stage.house.unharmed(stage.tab, "sip malformed"):
        stage.exchange.send(whole.to_bytes()[:-20])
        await stage.exchange.hears("SIP/2.0 400", whole["Call-ID"])


async def test_an_oversized_message_gets_513(stage: Stage) -> None:
    """No datagram can be larger than what is taken; a stream brings one."""
    house, exchange = stage.house, stage.exchange
    request = exchange.request("MESSAGE", "sip:101@127.0.0.1", body=b"x" * 70_000)
    request.headers[0] = ("Via", request.headers[0][1].replace("UDP", "TCP"))
    async with house.unharmed(stage.tab, "sip oversized"):
        reader, writer = await asyncio.open_connection(HOST, house.settings.sip_port)
        writer.write(request.to_bytes())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
        writer.close()
        await writer.wait_closed()
    assert head.startswith(b"SIP/2.0 513 ")
    assert await house.count("sip framing_error") == 1


async def test_a_huge_datagram_is_read_like_any_other(stage: Stage) -> None:
    async with stage.house.unharmed(stage.tab, "sip unknown_method"):
        request = stage.exchange.request("GREET", "sip:101@127.0.0.1", body=b"x" * 60_000)
        stage.exchange.send(request)
        await stage.exchange.hears("SIP/2.0 501", request["Call-ID"])


async def test_a_method_that_nobody_knows_gets_501(stage: Stage) -> None:
    async with stage.house.unharmed(stage.tab, "sip unknown_method"):
        stage.exchange.send(request := stage.exchange.request("GREET", "sip:101@127.0.0.1"))
        await stage.exchange.hears("SIP/2.0 501", request["Call-ID"])


@pytest.mark.parametrize("method", ["MESSAGE", "SUBSCRIBE", "REFER", "REGISTER", "PUBLISH"])
async def test_a_known_method_that_is_not_served_gets_405_with_allow(stage: Stage, method: str) -> None:
    async with stage.house.unharmed(stage.tab, "sip method_not_allowed"):
        stage.exchange.send(request := stage.exchange.request(method, "sip:101@127.0.0.1"))
        answer = await stage.exchange.hears("SIP/2.0 405", request["Call-ID"])
    allowed = set(answer["Allow"].replace(" ", "").split(","))
    assert {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "UPDATE"} <= allowed
    assert method not in allowed


@pytest.mark.parametrize("method", ["BYE", "INFO", "NOTIFY", "PRACK", "REFER"])
async def test_what_belongs_to_a_call_gets_481_for_nobodys(stage: Stage, method: str) -> None:
    async with stage.house.unharmed(stage.tab, "sip out_of_dialog"):
        request = stage.exchange.request(method, "sip:101@127.0.0.1", to_tag="nobody")
        stage.exchange.send(request)
        await stage.exchange.hears("SIP/2.0 481", request["Call-ID"])


async def test_bye_with_a_strange_tag_does_not_end_the_call_of_that_call_id(stage: Stage) -> None:
    async with stage.house.unharmed(stage.tab, "sip out_of_dialog"):
        bye = stage.exchange.request(
            "BYE", stage.invite.uri, to_tag="guessed", call_id=stage.invite["Call-ID"], cseq=2
        )
        stage.exchange.send(bye)
        await stage.exchange.hears("SIP/2.0 481", bye["Call-ID"])


async def test_cancel_for_nobody_gets_481(stage: Stage) -> None:
    async with stage.house.unharmed(stage.tab, "sip nothing_to_cancel"):
        stage.exchange.send(cancel := stage.exchange.request("CANCEL", "sip:101@127.0.0.1"))
        await stage.exchange.hears("SIP/2.0 481", cancel["Call-ID"])


async def test_ack_for_nobody_gets_silence(stage: Stage) -> None:
    async with stage.house.unharmed(stage.tab, "sip stray_ack"):
        stage.exchange.send(stage.exchange.request("ACK", "sip:101@127.0.0.1", to_tag="nobody"))
        assert await stage.exchange.is_silent() == []


async def test_an_old_cseq_in_the_dialog_gets_500(stage: Stage) -> None:
    """RFC 3261 §12.2.2."""
    exchange = stage.exchange
    exchange.send(first := exchange.within(stage.invite, stage.ok, "OPTIONS", 9))
    await exchange.hears("SIP/2.0 200", first["Call-ID"])
    async with stage.house.unharmed(stage.tab, "sip cseq_too_low"):
        exchange.send(late := exchange.within(stage.invite, stage.ok, "BYE", 3))
        await exchange.hears("SIP/2.0 500", late["Call-ID"])


async def test_a_required_extension_that_we_have_not_gets_420(stage: Stage) -> None:
    async with stage.house.unharmed(stage.tab, "sip bad_extension"):
        request = stage.exchange.request("INVITE", stage.invite.uri, [("Require", "teleport")])
        stage.exchange.send(request)
        answer = await stage.exchange.hears("SIP/2.0 420", request["Call-ID"])
    assert answer["Unsupported"] == "teleport"


async def test_a_body_that_is_no_sdp_gets_415(stage: Stage) -> None:
    async with stage.house.unharmed(stage.tab, "sip unsupported_media"):
        request = stage.exchange.request("INVITE", stage.invite.uri, [("Content-Type", "text/html")])
        request.body = b"<b>call me</b>"
        stage.exchange.send(request)
        answer = await stage.exchange.hears("SIP/2.0 415", request["Call-ID"])
    assert "application/sdp" in answer["Accept"]


async def test_a_request_without_hops_left_gets_483(stage: Stage) -> None:
    async with stage.house.unharmed(stage.tab, "sip too_many_hops"):
        request = stage.exchange.request("INVITE", stage.invite.uri)
        request.headers = [
            (name, "0" if name == "Max-Forwards" else value) for name, value in request.headers
        ]
        stage.exchange.send(request)
        await stage.exchange.hears("SIP/2.0 483", request["Call-ID"])


async def test_a_call_for_nobody_gets_404(stage: Stage) -> None:
    async with stage.house.unharmed(stage.tab, "node call_for_nobody"):
        request = stage.exchange.request("INVITE", f"sip:nobody@{HOST}", body=sdp("pbx").encode())
        stage.exchange.send(request)
        await stage.exchange.hears("SIP/2.0 404", request["Call-ID"])


# --- responses ---------------------------------------------------------------------------------------------------------


def response(
    stage: Stage, status: str, *, method: str = "INVITE", tag: str = "tbdead", host: str = ""
) -> Message:
    """A response to a request that nobody remembers; its Via says that we sent it."""
    exchange = stage.exchange
    via = f"SIP/2.0/UDP {host or f'{HOST}:{stage.house.settings.sip_port}'};branch=z9hG4bKlongago"
    return Message(
        f"SIP/2.0 {status}",
        [
            ("Via", via), ("From", f"<sip:101@{HOST}>;tag={tag}"), ("To", f"<sip:customer@{HOST}>;tag=theirs"),
            ("Call-ID", "dead-call"), ("CSeq", f"7 {method}"), ("Contact", f"<sip:pbx@{HOST}:{exchange.port}>"),
        ],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "method", "tag"),
    [
        ("200 OK", "OPTIONS", "tbdead"),
        ("180 Ringing", "INVITE", "tbdead"),
        ("486 Busy Here", "INVITE", "tbdead"),
        ("200 OK", "INVITE", "somebody-elses"),
    ],
)
async def test_a_response_to_nothing_gets_silence(stage: Stage, status: str, method: str, tag: str) -> None:
    async with stage.house.unharmed(stage.tab, "sip stray_response"):
        stage.exchange.send(response(stage, status, method=method, tag=tag))
        assert await stage.exchange.is_silent() == []


async def test_a_response_to_somebody_elses_request_gets_silence(stage: Stage) -> None:
    """RFC 3261 §18.1.2."""
    async with stage.house.unharmed(stage.tab, "sip foreign_via"):
        stage.exchange.send(response(stage, "200 OK", host="198.51.100.7:5060"))
        assert await stage.exchange.is_silent() == []


async def test_a_200_for_a_dead_call_of_ours_is_acknowledged_and_ended(stage: Stage) -> None:
    """Or the customer would talk to nobody (RFC 3261 §13.2.2.4)."""
    exchange = stage.exchange
    async with stage.house.unharmed(stage.tab, "sip late_200_ended"):
        exchange.send(response(stage, "200 OK"))
        ack = await exchange.hears("ACK ", "dead-call")
        bye = await exchange.hears("BYE ", "dead-call")
        exchange.send(bye.reply(200, "OK"))
        # The same 200 once more: its ACK is sent again, its BYE is not.
        exchange.send(response(stage, "200 OK"))
        await exchange.hears("ACK ", "dead-call")
        assert await exchange.is_silent() == []
    assert ack["CSeq"] == "7 ACK"
    for request in (ack, bye):
        assert parameter(request["From"], "tag") == "tbdead"
        assert parameter(request["To"], "tag") == "theirs"


# --- strangers ---------------------------------------------------------------------------------------------------------


async def test_a_stranger_gets_silence_and_cannot_end_a_call(stage: Stage) -> None:
    """The BYE is right in everything but where it comes from (design 6: SIP only from the PBX's addresses)."""
    bye = stage.exchange.within(stage.invite, stage.ok, "BYE", 2).to_bytes()
    loop = asyncio.get_running_loop()
    with foreign_socket("127.0.0.2") as stranger:
        async with stage.house.unharmed(stage.tab, "sip kernel_dropped"):
            await loop.sock_sendto(stranger, bye, stage.exchange.gateway)
            assert await stage.exchange.is_silent() == []
        with pytest.raises(BlockingIOError):
            stranger.recv(1)


async def test_a_strangers_connection_is_closed(stage: Stage) -> None:
    async with stage.house.unharmed(stage.tab, "sip foreign_source"):
        reader, writer = await asyncio.open_connection(
            HOST, stage.house.settings.sip_port, local_addr=("127.0.0.2", 0), family=socket.AF_INET
        )
        try:
            assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
        except ConnectionResetError:
            pass  # as good an answer
        writer.close()


# --- wrong digest ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reason"), [(401, "line_refused"), (403, "line_refused"), (404, "line_unknown")]
)
async def test_a_registration_that_the_pbx_refuses_is_shown_with_its_reason(
    database: str, status: int, reason: str
) -> None:
    """A wrong password: the PBX challenges again with the same nonce, and is not asked a third time at once."""
    async with Exchange() as exchange:
        exchange.refuses = status
        await furnish(database, exchange)
        async with House(settings(database), exchange).served() as house, house.tab() as tab:
            state = await tab.shows(lambda state: state.lines["101"].state == "failed")
            assert state.lines["101"].reason == reason
            assert not state.calls
            assert await house.count("node registration_refused") == 1
            assert len([one for one in exchange.registers if one["Expires"] != "0"]) == (
                2 if status == 401 else 1
            )


async def test_a_call_whose_digest_the_pbx_refuses_ends_with_that_cause(stage: Stage) -> None:
    exchange, tab = stage.exchange, stage.tab
    await tab.say(Dial("dial-1", "89261112233", sdp("page-2")))
    call = (await tab.hears(Done, lambda one: one.id == "dial-1")).result.call
    challenge = [("Proxy-Authenticate", 'Digest realm="pbx", nonce="always the same", algorithm=MD5')]
    while True:  # our other call is put on hold first: answered by a refusal, it stays as it is
        invite = await exchange.hears("INVITE ")
        if parameter(invite["To"], "tag"):
            exchange.send(invite.reply(500, "No"))
            continue
        exchange.send(invite.reply(407, "Proxy Authentication Required", "px", challenge))
        if invite["Proxy-Authorization"]:
            break
    state = await tab.shows(lambda state: call in state.calls and state.calls[call].state == "ended")
    end = state.calls[call].end
    assert end is not None
    assert (end.cause, end.status) == ("forbidden", 407)
    assert await stage.house.count("sip credentials_refused") == 1
    assert state.calls[stage.call.id].state == "talking"
