"""RFC 3261 §26.3.1, RFC 5922: connections over TLS to peers that are who they say, and to others."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from sip.flow import Flow
from sip.transport import streams as streams_module
from sip.transport.tls import CertificateRefused, Tls, cause_of, examine
from tests.peers.authority import Authority
from tests.sip.transport.shells import MESSAGE, Shell, client, shell


class Signed:
    """An authority with its file, and a folder for what it signs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(exist_ok=True)
        self._authority = Authority()
        self.file = str(self._authority.write(folder))

    def listener(self, *names: str, uris: tuple[str, ...] = (), expired: bool = False) -> Tls:
        """What a peer of these names shows."""
        issued = self._authority.issue(*names, folder=self.folder, uris=uris, expired=expired)
        return Tls(self.file, str(issued.certificate), str(issued.key))


@pytest.fixture
def authority(tmp_path: Path) -> Signed:
    return Signed(tmp_path / "known")


def to(server: Shell, name: str = "pbx.example") -> Flow:
    return Flow("tls", server.tls_address, 0, name)


async def test_messages_go_both_ways_over_one_connection(authority: Signed) -> None:
    async with (
        shell(tls=authority.listener("pbx.example")) as server,
        shell(tls=Tls(authority.file)) as ours,
    ):
        ours.tcp.send(MESSAGE, to(server))
        ours.tcp.send(MESSAGE, to(server))
        await server.until(lambda: len(server.received) == 2)
        flow = server.received[0][1]
        assert flow == server.received[1][1]
        assert (flow.transport, flow.name) == ("tls", "")
        server.tcp.send(MESSAGE, flow)
        await ours.until(lambda: ours.received)
        assert ours.received[0][1] == Flow("tls", server.tls_address, 1, "pbx.example")
        assert not ours.counters


@pytest.mark.parametrize(
    ("names", "uris", "name"),
    [
        ((), ("sip:pbx.example",), "pbx.example"),
        (("127.0.0.1",), (), "127.0.0.1"),
        (("127.0.0.1",), (), ""),
        (("*.pbx.example",), (), "office.pbx.example"),
    ],
)
async def test_every_kind_of_name_is_taken(
    authority: Signed, names: tuple[str, ...], uris: tuple[str, ...], name: str
) -> None:
    async with (
        shell(tls=authority.listener(*names, uris=uris)) as server,
        shell(tls=Tls(authority.file)) as ours,
    ):
        ours.tcp.send(MESSAGE, to(server, name))
        await server.until(lambda: server.received)


async def test_a_certificate_for_another_name_is_refused_before_a_word_is_said(authority: Signed) -> None:
    async with (
        shell(tls=authority.listener("other.example")) as server,
        shell(tls=Tls(authority.file)) as ours,
    ):
        ours.tcp.send(MESSAGE, to(server))
        await ours.until(lambda: ours.lost)
        assert ours.lost == [to(server)]
        assert ours.causes == ["certificate refused: it is for other.example, not for pbx.example"]
        assert ours.counters == {"tls_refused": 1}
        await server.until(lambda: server.counters or server.lost)
        assert server.received == []


async def test_an_authority_that_is_not_known_is_refused(authority: Signed, tmp_path: Path) -> None:
    other = Signed(tmp_path / "other")
    async with (
        shell(tls=authority.listener("pbx.example")) as server,
        shell(tls=Tls(other.file)) as ours,
    ):
        ours.tcp.send(MESSAGE, to(server))
        await ours.until(lambda: ours.lost)
        assert ours.causes[0].startswith("certificate refused: ")
        assert ours.counters == {"tls_refused": 1}
        await server.until(lambda: server.counters)
        assert server.counters == {"tls_handshake_failed": 1}


async def test_without_an_authority_of_our_own_those_of_the_system_count(authority: Signed) -> None:
    async with shell(tls=authority.listener("pbx.example")) as server, shell() as ours:
        ours.tcp.send(MESSAGE, to(server))
        await ours.until(lambda: ours.lost)
        assert ours.counters == {"tls_refused": 1}


async def test_a_certificate_that_has_run_out_is_refused(authority: Signed) -> None:
    tls = authority.listener("pbx.example", expired=True)
    async with shell(tls=tls) as server, shell(tls=Tls(authority.file)) as ours:
        ours.tcp.send(MESSAGE, to(server))
        await ours.until(lambda: ours.lost)
        assert ours.causes == ["certificate refused: certificate has expired"]


def test_nothing_below_tls_1_2_is_spoken(authority: Signed) -> None:
    """RFC 8996."""
    tls = authority.listener("pbx.example")
    assert tls.client().minimum_version == tls.server().minimum_version == ssl.TLSVersion.TLSv1_2


async def test_a_peer_that_speaks_no_tls_is_a_failure_with_its_cause(authority: Signed) -> None:
    async with shell() as server, shell(tls=Tls(authority.file)) as ours:
        ours.tcp.send(MESSAGE, Flow("tls", server.address, 0, "pbx.example"))
        await ours.until(lambda: ours.lost)
        assert ours.causes[0].startswith(("TLS failed", "connection"))
        assert ours.counters == {"tcp_failed": 1}


async def test_a_name_that_cannot_be_one_is_a_failure_and_no_traceback(authority: Signed) -> None:
    async with (
        shell(tls=authority.listener("pbx.example")) as server,
        shell(tls=Tls(authority.file)) as ours,
    ):
        ours.tcp.send(MESSAGE, to(server, "." + "x" * 300))
        await ours.until(lambda: ours.lost)
        assert ours.counters.total() == 1


async def test_a_client_certificate_is_shown_to_whom_asks(authority: Signed) -> None:
    tls = authority.listener("pbx.example")
    context = tls.server()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.file)
    mine = authority.listener("gateway.example")
    async with shell(tls=tls) as server:
        async with shell(tls=mine) as ours:
            ours.tcp.send(MESSAGE, to(server))
            await server.until(lambda: server.received)
        async with shell(tls=Tls(authority.file)) as nameless:
            nameless.tcp.send(MESSAGE, to(server))
            await nameless.until(lambda: nameless.lost)
            assert nameless.causes[0].startswith(("TLS failed", "connection"))


async def test_two_names_at_one_address_are_two_connections(authority: Signed) -> None:
    """A hosted PBX: what one customer's certificate proves is nothing for another's."""
    async with (
        shell(tls=authority.listener("a.pbx.example", "b.pbx.example")) as server,
        shell(tls=Tls(authority.file)) as ours,
    ):
        for name in ("a.pbx.example", "b.pbx.example", "c.pbx.example"):
            ours.tcp.send(MESSAGE, to(server, name))
        await server.until(lambda: len(server.received) == 2)
        await ours.until(lambda: ours.lost)
        assert ours.lost == [to(server, "c.pbx.example")]


async def test_strangers_are_cut_off_before_tls_costs_anything(authority: Signed) -> None:
    async with (
        shell(["127.0.0.9"], tls=authority.listener("pbx.example")) as server,
        shell(tls=Tls(authority.file)) as ours,
    ):
        ours.tcp.send(MESSAGE, to(server))
        await ours.until(lambda: ours.lost)
        assert server.counters == {"foreign_source": 1}


async def test_a_client_that_never_shakes_hands_is_given_up(
    authority: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams_module, "_CONNECT_TIMEOUT", 0.05)
    async with shell(tls=authority.listener("pbx.example")) as server:
        reached = Shell(server.tls_address)
        async with client(reached) as (reader, _):
            assert await reader.read() == b""
        await server.until(lambda: server.counters)
        assert server.counters == {"tls_handshake_failed": 1}
        assert not server.tcp._hosts


async def test_a_message_that_is_too_long_is_answered_before_the_end(authority: Signed) -> None:
    async with (
        shell(tls=authority.listener("pbx.example")) as server,
        shell(tls=Tls(authority.file)) as ours,
    ):
        take = server.tcp.received

        def refuse(data: bytes, flow: Flow) -> None:
            take(data, flow)
            server.tcp.send(MESSAGE, flow)

        server.tcp.received = refuse
        ours.tcp.send(b"MESSAGE sip:a SIP/2.0\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70_000, to(server))
        await ours.until(lambda: ours.received)
        assert server.counters == {"framing_error": 1}


# The files.


async def test_a_renewed_certificate_is_shown_at_the_next_connection(authority: Signed) -> None:
    tls = authority.listener("old.example")
    tls.check()
    before = tls.client(), tls.server()
    assert (tls.client(), tls.server()) == before
    new = authority.listener("new.example")
    os.replace(new.certificate, tls.certificate)
    os.replace(new.key, tls.key)
    os.utime(tls.certificate, (1, 1))
    assert tls.server() is not before[1]
    assert tls.client() is not before[0]
    async with shell(tls=tls) as server, shell(tls=Tls(authority.file)) as ours:
        ours.tcp.send(MESSAGE, to(server, "new.example"))
        await server.until(lambda: server.received)


def test_files_that_become_unreadable_leave_what_was_read(authority: Signed) -> None:
    tls = authority.listener("pbx.example")
    tls.check()
    before = tls.server()
    Path(tls.certificate).write_text("nothing")
    os.utime(tls.certificate, (2, 2))
    assert tls.server() is before
    Path(tls.certificate).unlink()
    assert tls.server() is before


def test_files_that_are_not_to_be_had_are_known_at_the_start(authority: Signed, tmp_path: Path) -> None:
    Tls().check()
    for wrong in (Tls(str(tmp_path / "none")), Tls("", __file__, __file__), Tls(__file__)):
        with pytest.raises(OSError):
            wrong.check()


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (None, "connection closed by the peer"),
        (ConnectionRefusedError(), "connection refused"),
        (ConnectionResetError(), "connection reset by the peer"),
        (TimeoutError(), "no connection in time"),
        (OSError(113, "No route to host"), "no connection: no route to host"),
        (OSError(), "no connection: oserror"),
        (ValueError("x"), "no connection: ValueError"),
        (CertificateRefused("it is for a"), "certificate refused: it is for a"),
        (ssl.SSLError(1, "boom"), "TLS failed"),
    ],
)
def test_every_failure_has_words(error: Exception | None, cause: str) -> None:
    assert cause_of(error).startswith(cause)


def test_no_certificate_is_nobodys() -> None:
    with pytest.raises(CertificateRefused, match="nobody"):
        examine(None, "pbx.example")
