"""What each torture message must give: the table of RFC 4475 and of RFC 5118, as `test_torture.py` and the fuzzer's corpus use them.

`read` is the method or status that the parser gives, or the error's status as a number; `answer` is the final response that a user
agent sends to it, None for silence; `counter` is the one that grows by one ("" for what is welcome); `stream` is what a framer makes
of the same bytes on a connection: a whole message, two and then what is no SIP, waiting for the rest of it, or an error that closes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

TORTURE = Path(__file__).parent / "torture"

Stream = Literal["whole", "twice", "waits", "closes"]


class Case(NamedTuple):
    """One message and what must come of it."""

    name: str
    clause: str
    read: str | int
    answer: int | None
    counter: str = ""
    stream: Stream = "whole"
    differs: str = ""
    """Why we do not answer as the RFC wants: the case is then an expected failure."""
    unread: bool = False
    """Whether the parser already differs."""

    @property
    def data(self) -> bytes:
        return (TORTURE / f"{self.name}.dat").read_bytes()


_RINGS = 180
"""Not an answer of ours: the user is told of a call, and it rings when he says so."""

# fmt: off
RFC4475 = [
    # §3.1.1: valid messages.
    Case("wsinv", "3.1.1.1", "INVITE", 481, "out_of_dialog"),
    Case("intmeth", "3.1.1.2", "!interesting-Method0123456789_*+`.%indeed'~", 501, "unknown_method",
         differs="a NUL, though quoted, would be copied into To of the answer, where C programs end their strings: no line of ours holds one",
         unread=True),
    Case("esc01", "3.1.1.3", "INVITE", _RINGS),
    Case("escnull", "3.1.1.4", "REGISTER", 405, "method_not_allowed"),
    Case("esc02", "3.1.1.5", "RE%47IST%45R", 501, "unknown_method"),
    Case("lwsdisp", "3.1.1.6", "OPTIONS", 200),
    Case("longreq", "3.1.1.7", "INVITE", _RINGS),
    Case("dblreq", "3.1.1.8", "REGISTER", 405, "method_not_allowed", "twice"),
    Case("semiuri", "3.1.1.9", "OPTIONS", 200),
    Case("transports", "3.1.1.10", "OPTIONS", 200),
    Case("mpart01", "3.1.1.11", "MESSAGE", 405, "method_not_allowed"),
    Case("unreason", "3.1.1.12", "200", None, "foreign_via"),
    Case("noreason", "3.1.1.13", "100", None, "foreign_via"),
    # §3.1.2: invalid ones.
    Case("badinv01", "3.1.2.1", 400, 400, "malformed"),
    Case("clerr", "3.1.2.2", 400, 400, "malformed", "waits"),
    Case("ncl", "3.1.2.3", 400, 400, "malformed", "closes"),
    Case("scalar02", "3.1.2.4", 400, 400, "malformed"),
    Case("scalarlg", "3.1.2.5", 400, None, "malformed"),
    Case("quotbal", "3.1.2.6", 400, 400, "malformed"),
    Case("ltgtruri", "3.1.2.7", 400, 400, "malformed"),
    Case("lwsruri", "3.1.2.8", 400, 400, "malformed"),
    Case("lwsstart", "3.1.2.9", 400, 400, "malformed"),
    Case("trws", "3.1.2.10", "OPTIONS", 200),  # liberal, as it may be
    Case("escruri", "3.1.2.11", "INVITE", _RINGS),  # liberal: the headers in the Request-URI are not looked at
    Case("baddate", "3.1.2.12", "INVITE", _RINGS),  # Date is not looked at
    Case("regbadct", "3.1.2.13", 400, 400, "malformed"),
    Case("badaspec", "3.1.2.14", "OPTIONS", 200),  # liberal
    Case("baddn", "3.1.2.15", 400, 400, "malformed", "waits"),
    Case("badvers", "3.1.2.16", 505, 505, "malformed"),
    Case("mismatch01", "3.1.2.17", 400, 400, "malformed"),
    Case("mismatch02", "3.1.2.18", 400, 400, "malformed"),
    Case("bigcode", "3.1.2.19", 505, None, "malformed"),
    # §3.2 and §3.3: what is well formed and means something.
    Case("badbranch", "3.2.1", "OPTIONS", 200),  # as if it had no branch, which RFC 2543 knew
    Case("insuf", "3.3.1", 400, 400, "malformed",
         differs="a response has the From, To and Call-ID of its request (RFC 3261 §8.2.6.2); without them it is no SIP message"),
    Case("unkscm", "3.3.2", "OPTIONS", 416, "unsupported_scheme"),
    Case("novelsc", "3.3.3", "OPTIONS", 416, "unsupported_scheme"),
    Case("unksm2", "3.3.4", "REGISTER", 405, "method_not_allowed"),
    Case("bext01", "3.3.5", "OPTIONS", 420, "bad_extension"),
    Case("invut", "3.3.6", "INVITE", 415, "unsupported_media"),
    Case("regaut01", "3.3.7", "REGISTER", 405, "method_not_allowed"),
    Case("multi01", "3.3.8", 400, 400, "malformed"),
    Case("mcl01", "3.3.9", 400, 400, "malformed", "closes"),
    Case("bcast", "3.3.10", "200", None, "foreign_via"),
    Case("zeromf", "3.3.11", "OPTIONS", 200),
    Case("cparam01", "3.3.12", "REGISTER", 405, "method_not_allowed"),
    Case("cparam02", "3.3.13", "REGISTER", 405, "method_not_allowed"),
    Case("regescrt", "3.3.14", "REGISTER", 405, "method_not_allowed"),
    Case("sdp01", "3.3.15", "INVITE", 406, "sdp_not_accepted"),
    # §3.4: of before 2002. On a stream it has no end, for it has no Content-Length (RFC 3261 §18.3).
    Case("inv2543", "3.4.1", "INVITE", _RINGS, stream="closes",
         differs="without a Contact there is nobody to send the BYE to (RFC 3261 §8.1.1.8): a call that cannot be hung up is refused by 400"),
]

RFC5118 = [
    Case("ipv6/ipv6-good", "4.1", "REGISTER", 405, "method_not_allowed"),
    Case("ipv6/ipv6-bad", "4.2", 400, 400, "malformed"),
    Case("ipv6/port-ambiguous", "4.3", "REGISTER", 405, "method_not_allowed"),
    Case("ipv6/port-unambiguous", "4.4", "REGISTER", 405, "method_not_allowed"),
    Case("ipv6/via-received-param-with-delim", "4.5", "BYE", 481, "out_of_dialog"),
    Case("ipv6/via-received-param-no-delim", "4.5", "OPTIONS", 200),
    Case("ipv6/ipv6-in-sdp", "4.6", "INVITE", _RINGS),
    Case("ipv6/mult-ip-in-header", "4.7", "BYE", 481, "out_of_dialog"),
    Case("ipv6/mult-ip-in-sdp", "4.8", "INVITE", _RINGS),
    Case("ipv6/ipv4-mapped-ipv6", "4.9", "INVITE", _RINGS),
    Case("ipv6/ipv6-bug-abnf-3-colons", "4.10", "OPTIONS", 200),
    Case("ipv6/ipv6-correct-abnf-2-colons", "4.10", "OPTIONS", 200),
]
# fmt: on
