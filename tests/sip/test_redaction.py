"""What of a message may be shown: everything but what opens a door."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.message import Request, parse
from sip.redaction import CUT, shown, shown_sdp
from tests.sip.pair import make_pair

SECRET = "s3cr3tvalue"


def message(*headers: str, body: str = "", method: str = "INVITE") -> bytes:
    lines = "\r\n".join((f"{method} sip:101@192.0.2.9 SIP/2.0", *headers))
    return f"{lines}\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    "header",
    [
        f'Authorization: Digest username="101", realm="pbx", nonce="{SECRET}", uri="sip:pbx", response="{SECRET}"',
        f'Proxy-Authorization: Digest response={SECRET},cnonce="{SECRET}", username="101"',
        f'WWW-Authenticate: Digest realm="pbx", nonce="{SECRET}", opaque="{SECRET}"',
        f'Proxy-Authenticate: Digest nonce = "{SECRET}", realm="pbx"',
        f'authorization:Digest response="a\\"{SECRET}", username="101"',
        f'Authorization: Digest response="{SECRET}',
        f'AUTHORIZATION : Digest response="{SECRET}"',
        f'Authorization: Digest username="101",\r\n response="{SECRET}"',
        f"Authorization: Bearer {SECRET}",
        f"Authorization: Basic {SECRET}",
        f'Authentication-Info: nextnonce="{SECRET}", rspauth="{SECRET}", qop=auth',
        f"Contact: <sip:101:{SECRET}@192.0.2.9>",
        f"Refer-To: <sip:102@pbx?Authorization={SECRET}>",
        f"Refer-To: <sip:102@pbx?Replaces=a&Proxy-Authorization={SECRET}&Require=replaces>",
    ],
)
def test_no_credential_is_shown(header: str) -> None:
    text = shown(message("Call-ID: a", header, "CSeq: 1 INVITE"))
    assert SECRET not in text
    assert CUT in text
    assert "Call-ID: a\n" in text
    assert "CSeq: 1 INVITE\n" in text


def test_what_helps_to_find_a_fault_in_a_challenge_stays() -> None:
    header = f'Authorization: Digest username="101", realm="pbx", nonce="{SECRET}", uri="sip:pbx", algorithm=MD5, nc=00000001, qop=auth, response="{SECRET}"'
    (line,) = [one for one in shown(message(header)).splitlines() if one.startswith("Auth")]
    assert line == (
        f'Authorization: Digest username="101", realm="pbx", nonce="{CUT}", uri="sip:pbx", algorithm=MD5, nc=00000001, '
        f'qop=auth, response="{CUT}"'
    )


def test_numbers_addresses_and_tags_stay() -> None:
    data = message(
        'From: "Customer" <sip:+79161234567@192.0.2.1:5080;user=phone>;tag=abc',
        "Via: SIP/2.0/UDP [2001:db8::1]:5060",
    )
    assert shown(data) == data.decode().replace("\r\n", "\n").removesuffix("\n")


SDP = f"""v=0
o=- 1 1 IN IP4 192.0.2.1
s=-
k=clear:{SECRET}
m=audio 4000 RTP/SAVP 8
a=ice-ufrag:abcd
a=ice-pwd:{SECRET}
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{SECRET}|2^20|1:4;inline:{SECRET}|2^20|2:4
a=key-mgmt:mikey {SECRET}
a=fingerprint:sha-256 AB:CD
a=sendrecv
"""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_no_key_of_a_description_is_shown_and_the_rest_is(end: str) -> None:
    text = shown_sdp(SDP.replace("\n", end))
    assert SECRET not in text
    assert text.splitlines()[4:] == [
        "m=audio 4000 RTP/SAVP 8",
        "a=ice-ufrag:abcd",
        f"a=ice-pwd:{CUT}",
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{CUT}|2^20|1:4;inline:{CUT}|2^20|2:4",
        f"a=key-mgmt:mikey {CUT}",
        "a=fingerprint:sha-256 AB:CD",
        "a=sendrecv",
    ]


def test_descriptions_are_shown_without_their_keys_in_messages_too() -> None:
    text = shown(message("Content-Type: application/sdp ; x=y", body=SDP.replace("\n", "\r\n")))
    assert "m=audio 4000 RTP/SAVP 8\n" in text
    assert SECRET not in text


@pytest.mark.parametrize(
    ("content_type", "method"),
    [
        ("text/plain", "MESSAGE"),
        ("application/sdp", "MESSAGE"),
        ("multipart/mixed;boundary=x", "INVITE"),
        ("", "INFO"),
    ],
)
def test_texts_and_unknown_bodies_are_only_counted(content_type: str, method: str) -> None:
    headers = (f"Content-Type: {content_type}",) if content_type else ()
    text = shown(message(*headers, body=SECRET, method=method))
    assert SECRET not in text
    assert f"{CUT} {len(SECRET)} bytes" in text


def test_a_short_name_of_content_type_counts_as_well() -> None:
    assert "SIP/2.0 200 OK" in shown(message("c: message/sipfrag", body="SIP/2.0 200 OK", method="NOTIFY"))


def test_tones_may_be_a_pin_and_are_not_shown() -> None:
    text = shown(
        message("Content-Type: application/dtmf-relay", body="Signal=7\r\nDuration=160\r\n", method="INFO")
    )
    assert f"Signal={CUT}\nDuration=160" in text


def test_a_registration_of_ours_shows_neither_the_nonce_nor_the_answer_to_it() -> None:
    pair = make_pair()
    alice = pair.alice
    alice.agent.register(alice.account, 0.0)
    (asked,) = alice.agent.take_output()
    request = parse(asked.data)
    assert isinstance(request, Request)
    challenge = ("WWW-Authenticate", f'Digest realm="pbx", nonce="{SECRET}", qop="auth"')
    pair.inject(request.reply(401, to_tag="x", headers=[challenge]).to_bytes(), alice)
    (again,) = alice.agent.take_output()
    response = re.search(rb'response="([0-9a-f]+)"', again.data)
    assert response is not None
    text = shown(again.data)
    assert "Authorization: Digest " in text
    assert SECRET not in text
    assert response[1].decode() not in text


@given(st.binary(max_size=400))
def test_any_bytes_are_shown(data: bytes) -> None:
    assert isinstance(shown(data), str)


@given(st.text(max_size=60))
def test_nothing_of_a_response_s_value_is_shown_whatever_it_holds(value: str) -> None:
    value = f"{SECRET}{value}{SECRET}".replace("\r", "").replace("\n", "")
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    assert SECRET not in shown(message(f'Authorization: Digest response="{quoted}", realm="pbx"'))
