"""Sample messages for the tests of `sip`."""

from __future__ import annotations

from sip.message import Request, Response, parse

SDP = (
    "v=0\r\no=- 1234 1 IN IP4 10.0.0.9\r\ns=Asterisk\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n"
    "m=audio 14002 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
)

INVITE = (
    "INVITE sip:tb7f3a@10.0.0.5:5062;transport=udp SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bKPj1c7c2d9e1b\r\n"
    'From: "Ivan Petrov" <sip:+79161234567@pbx.example.com>;tag=as12f9\r\n'
    "To: <sip:tb7f3a@10.0.0.5>\r\n"
    "Contact: <sip:asterisk@10.0.0.9:5060>\r\n"
    "Call-ID: 7c1-41ab-9f3c@10.0.0.9\r\n"
    "CSeq: 21547 INVITE\r\n"
    "Allow: OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, INFO, MESSAGE\r\n"
    "Supported: 100rel, timer, replaces, norefersub\r\n"
    "Session-Expires: 1800\r\nMin-SE: 90\r\nMax-Forwards: 70\r\nUser-Agent: Asterisk PBX 22.10.1\r\n"
    "Content-Type: application/sdp\r\n"
    f"Content-Length: {len(SDP)}\r\n\r\n{SDP}"
).encode()

RINGING = (
    b"SIP/2.0 180 Ringing\r\n"
    b"Via: SIP/2.0/UDP 10.0.0.5:5062;rport=5062;branch=z9hG4bKab;received=10.0.0.5\r\n"
    b"Record-Route: <sip:10.0.0.9;lr>\r\n"
    b"From: <sip:101@pbx.example.com>;tag=tb1\r\nTo: <sip:102@pbx.example.com>;tag=as9\r\n"
    b"Call-ID: ours\r\nCSeq: 7 INVITE\r\nContact: <sip:10.0.0.9:5060>\r\nContent-Length: 0\r\n\r\n"
)


def lines(*extra: str, method: str = "OPTIONS", **replaced: str) -> bytes:
    """A short request: the mandatory headers, any of them replaced (`call_id="…"`), then `extra` lines."""
    values = {
        "Via": "SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK1",
        "From": "<sip:a@example.com>;tag=1",
        "To": "<sip:b@example.com>",
        "Call-ID": "call-1",
        "CSeq": f"1 {method}",
    }
    spelled = {name.lower().replace("-", "_"): name for name in values}
    values |= {spelled[name]: value for name, value in replaced.items()}
    head = [
        f"{method} sip:b@example.com SIP/2.0",
        *(f"{k}: {v}" for k, v in values.items()),
        *extra,
    ]
    return ("\r\n".join(head) + "\r\n\r\n").encode()


def request(data: bytes) -> Request:
    message = parse(data)
    assert isinstance(message, Request)
    return message


def response(data: bytes) -> Response:
    message = parse(data)
    assert isinstance(message, Response)
    return message
