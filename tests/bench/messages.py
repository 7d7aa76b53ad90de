"""What a SIP message costs: read and written by ours and by aiosipua, and brought through the user agent and back.

    python -m tests.bench.messages            JSON lines; `make bench` runs it

Both libraries get the same bytes in one run, turn by turn, and are asked for the same headers, which must come out equal. From message
to message changes what changes in life: each INVITE is another call of another customer; answers to REGISTER and NOTIFYs come for a thousand
lines by turns, with another branch and CSeq each, and once more as if every line were heard of for the first time. CPU time of one process; median, least and most of the rounds.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Final, NamedTuple

import aiosipua

from sip.message import Request, Response, parse
from tests.bench import turns
from tests.bench.figures import tell, tell_machine

WANTED: Final = 8.0
"""So many times faster than aiosipua is ours to read a message."""

LINES: Final = 1000
"""So many lines and subscriptions speak by turns."""

_SDP = "\r\n".join(
    ["v=0", "o=- {n} 1 IN IP4 192.0.2.10", "s=-", "c=IN IP4 192.0.2.10", "t=0 0", "m=audio {port} RTP/AVP 8 0 9 101",
     "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000", "a=rtpmap:9 G722/8000", "a=rtpmap:101 telephone-event/8000",
     "a=fmtp:101 0-16", "a=ptime:20", "a=maxptime:150", "a=sendrecv", ""]
)  # fmt: skip
_INVITE = "\r\n".join(
    ["INVITE sip:{user}@192.0.2.20:5070 SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bKPj{branch}",
     'From: "Customer {n}" <sip:+7916{n:07}@192.0.2.10>;tag={tag}', "To: <sip:{user}@192.0.2.20>",
     "Contact: <sip:asterisk@192.0.2.10:5060>", "Call-ID: {id}", "CSeq: {cseq} INVITE",
     "Allow: OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, INFO, MESSAGE, REFER",
     "Supported: 100rel, timer, replaces, norefersub, histinfo", "Session-Expires: 1800", "Min-SE: 90", "Max-Forwards: 70",
     "User-Agent: Asterisk PBX 22.5.2", "Content-Type: application/sdp", "Content-Length: {length}", "", "{body}"]
)  # fmt: skip
_REGISTERED = "\r\n".join(
    ["SIP/2.0 200 OK", "Via: SIP/2.0/UDP 192.0.2.20:5070;rport=5070;received=192.0.2.20;branch=z9hG4bK{branch}",
     "Call-ID: {id}", "From: <sip:{user}@192.0.2.10>;tag=tb{tag}", "To: <sip:{user}@192.0.2.10>;tag=z9hG4bK{tag}",
     "CSeq: {cseq} REGISTER", "Date: Sun, 22 Nov 2026 15:00:00 GMT",
     "Contact: <sip:{user}x{tag}@192.0.2.20:5070>;expires=299", "Expires: 300", "Server: Asterisk PBX 22.5.2",
     "Content-Length: 0", "", ""]
)  # fmt: skip
_DIALOG_INFO = "\r\n".join(
    ['<?xml version="1.0" encoding="UTF-8"?>',
     '<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="{cseq}" state="full" entity="sip:{user}@192.0.2.10">',
     ' <dialog id="{user}" direction="recipient">', "  <remote><identity>sip:+7916{n:07}@192.0.2.10</identity></remote>",
     "  <state>early</state>", " </dialog>", "</dialog-info>", ""]
)  # fmt: skip
_NOTIFY = "\r\n".join(
    ["NOTIFY sip:{user}@192.0.2.20:5070 SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bKPj{branch}",
     "From: <sip:{user}@192.0.2.10>;tag={tag}", "To: <sip:101@192.0.2.10>;tag=tb{tag}", "Contact: <sip:192.0.2.10:5060>",
     "Call-ID: {id}", "CSeq: {cseq} NOTIFY", "Event: dialog", "Subscription-State: active;expires=3000",
     "Allow-Events: presence, dialog, message-summary, refer", "Max-Forwards: 70", "User-Agent: Asterisk PBX 22.5.2",
     "Content-Type: application/dialog-info+xml", "Content-Length: {length}", "", "{body}"]
)  # fmt: skip


class Kind(NamedTuple):
    """One of the messages that are compared. `recurs`: a line gets it again and again; else each one begins something."""

    name: str
    head: str
    body: str
    recurs: bool


KINDS: Final = (
    Kind("INVITE with SDP", _INVITE, _SDP, False),
    Kind("200 to REGISTER", _REGISTERED, "", True),
    Kind("NOTIFY of dialog-info", _NOTIFY, _DIALOG_INFO, True),
)

Touched = tuple[str | int | None, ...]


def message(kind: Kind, number: int, *, recurring: bool = True) -> bytes:
    """The message of that number.

    Args:
        recurring: what belongs to a line or a subscription comes again with each of its messages, as in life; otherwise every message is
            of a line that was never heard of.
    """
    call = number % LINES if recurring and kind.recurs else number
    values = {
        "n": call, "user": 100 + call % 900, "id": f"{call * 2654435761 % 2**64:016x}{call:08x}",
        "tag": f"{call * 40503 % 2**32:08x}", "branch": f"{number * 2654435761 % 2**64:016x}{number:08x}",
        "cseq": 100 + number // LINES % 30_000, "port": 10_000 + number % 50_000 // 2 * 2,
    }  # fmt: skip
    body = kind.body.format(**values)
    return kind.head.format(**values, length=len(body), body=body).encode()


def touch_ours(data: bytes) -> Touched:
    """Read a message, and of it what a user agent looks at before it knows what to do."""
    one = parse(data)
    contact = one.contact
    return (
        one.method if isinstance(one, Request) else one.status, one.branch, one.call_id, one.cseq.number, one.cseq.method,
        one.from_tag, one.to_tag, contact.uri.user if contact else None, contact.uri.host if contact else None,
        one.content_type, len(one.body),
    )  # fmt: skip


def touch_theirs(data: bytes) -> Touched:
    """The same of aiosipua."""
    one = aiosipua.SipMessage.parse(data)
    cseq, sender, to, contact = one.cseq, one.from_addr, one.to_addr, one.contact
    assert cseq is not None
    assert sender is not None
    assert to is not None
    uri = contact[0].uri if contact else None
    return (
        one.method if isinstance(one, aiosipua.SipRequest) else getattr(one, "status_code", 0), one.via[0].branch,
        one.call_id, cseq.seq, cseq.method, sender.tag, to.tag, uri.user if uri else None, uri.host if uri else None,
        one.content_type, len(one.body),
    )  # fmt: skip


def build_ours(one: Request | Response) -> Callable[[], bytes]:
    """Write a message that holds these headers; `one` says which."""
    headers, body = one.headers, one.body
    if isinstance(one, Request):
        method, uri = one.method, one.uri
        return lambda: Request.build(method, uri, headers, body).to_bytes()
    status, reason = one.status, one.reason
    return lambda: Response.build(status, reason, headers, body).to_bytes()


def build_theirs(one: Request | Response) -> Callable[[], bytes]:
    """The same by aiosipua."""
    headers, body = one.headers, one.body

    def build() -> bytes:
        made: aiosipua.SipRequest | aiosipua.SipResponse
        if isinstance(one, Request):
            made = aiosipua.SipRequest(method=one.method, uri=one.target, body=body)
        else:
            made = aiosipua.SipResponse(status_code=one.status, reason_phrase=one.reason, body=body)
        for name, value in headers:
            made.add_header(name, value)
        return bytes(made)

    return build


def timed(work: Sequence[Callable[[], object]]) -> float:
    """CPU microseconds of one piece of work, on the average."""
    began = time.process_time()
    for one in work:
        one()
    return (time.process_time() - began) / len(work) * 1e6


def compare(
    what: str,
    ours: Sequence[Callable[[], object]],
    theirs: Sequence[Callable[[], object]],
    rounds: int,
    **more: object,
) -> float:
    """Both do their work, turn by turn; how many times faster ours is."""
    found: dict[str, list[float]] = {"ours": [], "aiosipua": []}
    for _ in range(rounds):
        for name, work in (("ours", ours), ("aiosipua", theirs)):
            gc.collect()
            found[name].append(timed(work))
    ratio = median(found["aiosipua"]) / median(found["ours"])
    figures = {f"{name}_us": _spread(values) for name, values in found.items()}
    tell(what, messages=len(ours), rounds=rounds, **figures, ratio=round(ratio, 2), **more)
    return ratio


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": round(median(values), 2), "least": round(min(values), 2), "most": round(max(values), 2)}


def compare_kind(kind: Kind, count: int, rounds: int) -> None:
    """Read and write one kind of message."""
    for recurring in (True, False) if kind.recurs else (False,):
        datas = [message(kind, number, recurring=recurring) for number in range(count)]
        for data in datas[:20]:
            assert touch_ours(data) == touch_theirs(data), "both must see the same"
        compare(
            f"read {kind.name}" + (", each of an unknown line" if kind.recurs and not recurring else ""),
            [lambda data=data: touch_ours(data) for data in datas],  # type: ignore[misc]
            [lambda data=data: touch_theirs(data) for data in datas],  # type: ignore[misc]
            rounds,
            bytes=len(datas[0]),
            wanted=WANTED,
        )
    parsed = [parse(data) for data in datas]
    ours, theirs = [build_ours(one) for one in parsed], [build_theirs(one) for one in parsed]
    assert len(ours[0]()) == len(datas[0]) == len(theirs[0]()), "both must write the same"
    compare(f"write {kind.name}", ours, theirs, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.messages", description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="messages of each kind")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    tell_machine()
    for kind in KINDS:
        compare_kind(kind, given.count, given.rounds)
    turns.measure(given.count, given.rounds)


if __name__ == "__main__":
    main()
