"""A registrar that is only fast: challenges, checks the digest and grants, in a process of its own; `python -m tests.bench.registrar`.

Plain templates on one blocking socket, independent of our own `sip` package. Says its port on standard output, and at a datagram that
begins with "COUNT" how many registrations it has granted and how many digests were wrong.
"""

import hashlib
import re
import socket
import sys

REALM = "bench"
PASSWORD = "secret"
EXPIRES = 3600
_FIELDS = re.compile(rb'(\w+)="?([^",\r]+)')
_HEADERS = re.compile(rb"\r\n(Via|From|To|Call-ID|CSeq|Contact|Authorization|Expires): ([^\r]*)")


def _md5(text: bytes) -> bytes:
    return hashlib.md5(text, usedforsecurity=False).hexdigest().encode()


def serve(expires: int) -> None:
    """Answer for ever."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    sock.bind(("127.0.0.1", 0))
    sys.stdout.write(f"{sock.getsockname()[1]}\n")
    sys.stdout.flush()
    granted = wrong = 0
    while True:
        data, peer = sock.recvfrom(65_535)
        if data.startswith(b"COUNT"):
            sock.sendto(b"%d %d" % (granted, wrong), peer)
            continue
        header = dict(_HEADERS.findall(data))
        head = b"Via: %b\r\nFrom: %b\r\nTo: %b;tag=bench\r\nCall-ID: %b\r\nCSeq: %b\r\n" % (
            header[b"Via"], header[b"From"], header[b"To"], header[b"Call-ID"], header[b"CSeq"],
        )  # fmt: skip
        given = header.get(b"Authorization")
        if given is None:
            # A nonce of its own for each line, as registrars have.
            nonce = _md5(header[b"Call-ID"])
            answer = b'SIP/2.0 401 Unauthorized\r\n%bWWW-Authenticate: Digest realm="%b", nonce="%b", algorithm=MD5, qop="auth"\r\n'
            sock.sendto(answer % (head, REALM.encode(), nonce) + b"Content-Length: 0\r\n\r\n", peer)
            continue
        field = dict(_FIELDS.findall(given))
        one = _md5(b"%b:%b:%b" % (field[b"username"], REALM.encode(), PASSWORD.encode()))
        two = _md5(b"REGISTER:" + field[b"uri"])
        parts = (one, field[b"nonce"], field[b"nc"], field[b"cnonce"], field[b"qop"], two)
        if field[b"response"] != _md5(b":".join(parts)):
            wrong += 1
            sock.sendto(b"SIP/2.0 403 Forbidden\r\n%bContent-Length: 0\r\n\r\n" % head, peer)
            continue
        granted += 1
        answer = b"SIP/2.0 200 OK\r\n%bContact: %b;expires=%d\r\nContent-Length: 0\r\n\r\n"
        sock.sendto(answer % (head, header[b"Contact"], expires), peer)


if __name__ == "__main__":
    serve(int(sys.argv[1]) if len(sys.argv) > 1 else EXPIRES)
