"""From a datagram to what the user agent tells, and back to a datagram: a registration and an incoming call, in CPU microseconds.

The agent alone, no sockets: what it is handed was written by a PBX that knows nothing else, and what it says is taken and dropped. The
summary of a profile says in which modules the time goes; the profiler makes small functions look dearer than they are.
"""

from __future__ import annotations

import cProfile
import gc
import pstats
import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

from sip.account import Account
from sip.agent import UserAgent
from sip.events import CallConfirmed, CallEnded, CallReceived, Event, Registered
from sip.flow import Flow
from sip.ids import SeededIds
from sip.uri import Uri
from tests.bench.figures import tell

PBX: Final = Flow("udp", ("192.0.2.10", 5060))
HOST: Final = "192.0.2.10"
_ROOT: Final = Path(__file__).parents[2]
_SDP: Final = (
    "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
)


class Turns:
    """One agent and the moments it has spent. `steps` collects microseconds by the name of the step."""

    def __init__(self) -> None:
        self.agent = UserAgent(host="192.0.2.20", port=5070, ids=SeededIds(1))
        self.now = 1000.0
        self.spent: Counter[str] = Counter()
        self.contact = ""

    def step(self, name: str, work: Callable[[], object]) -> tuple[list[bytes], list[Event]]:
        """Do it, and take what the agent says; what that costs is noted."""
        began = time.process_time()
        work()
        sent = [transmit.data for transmit in self.agent.take_output()]
        events = self.agent.take_events()
        self.agent.next_deadline()
        self.spent[name] += time.process_time() - began  # type: ignore[assignment] # seconds, not a count
        return sent, events

    def register(self, number: int) -> None:
        """A line registers, and its registrar says yes."""
        agent, user = self.agent, f"{100_000 + number}"
        account = Account(Uri("sip", user, None, HOST), user, "secret", Uri("sip", None, None, HOST))
        self.now += 0.01
        (asked,), _ = self.step("REGISTER leaves", lambda: agent.register(account, self.now))
        text = asked.decode()
        copied = "".join(
            f"{name}: {_header(text, name)}\r\n" for name in ("Via", "From", "Call-ID", "CSeq", "Contact")
        )
        granted = f"SIP/2.0 200 OK\r\n{copied}To: {_header(text, 'To')};tag=x\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n".encode()
        _, (event,) = self.step("its 200 comes", lambda: agent.receive(granted, PBX, self.now))
        assert isinstance(event, Registered)
        self.contact = _header(text, "Contact").partition(">")[0].removeprefix("<")

    def call(self, number: int) -> None:
        """A customer calls a line, it rings, is answered, and the customer hangs up."""
        agent = self.agent
        self.now += 0.1
        head = f'From: "C" <sip:+7495{number:07}@{HOST}>;tag=c{number}\r\nCall-ID: turns-{number}\r\nMax-Forwards: 70\r\n'

        def request(method: str, cseq: int, to: str, more: str = "", body: str = "") -> bytes:
            via = f"Via: SIP/2.0/UDP {HOST}:5060;branch=z9hG4bK{method}{number};rport\r\n"
            return (
                f"{method} {self.contact} SIP/2.0\r\n{via}{head}To: {to}\r\nCSeq: {cseq} {method}\r\n{more}"
                f"Content-Length: {len(body)}\r\n\r\n{body}"
            ).encode()

        more = f"Contact: <sip:pbx@{HOST}>\r\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE\r\nContent-Type: application/sdp\r\n"
        invite = request("INVITE", 1, f"<sip:101@{HOST}>", more, _SDP)
        _, (event,) = self.step("INVITE comes", lambda: agent.receive(invite, PBX, self.now))
        assert isinstance(event, CallReceived)
        one = event.call
        self.step("180 leaves", lambda: one.ring(self.now))
        (ok,), _ = self.step("200 leaves", lambda: one.accept(_SDP.encode(), self.now))
        to = _header(ok.decode(), "To")
        ack, bye = request("ACK", 1, to), request("BYE", 2, to)
        _, (event,) = self.step("ACK comes", lambda: agent.receive(ack, PBX, self.now))
        assert isinstance(event, CallConfirmed)
        _, (event,) = self.step("BYE comes, 200 leaves", lambda: agent.receive(bye, PBX, self.now))
        assert isinstance(event, CallEnded)

    def rest(self) -> None:
        """Time passes and transactions end: a cost of the cycle as well."""
        self.now += 40.0
        self.step("timers", lambda: self.agent.handle_timer(self.now))


def measure(count: int, rounds: int) -> None:
    """Tell what a registration and a call cost, and where it goes."""
    for name, play in (("registration", Turns.register), ("incoming call", Turns.call)):
        turns = Turns()
        turns.register(10_000_000)
        figures: list[Counter[str]] = []
        for place in range(rounds + 1):
            turns.spent = Counter()
            gc.collect()
            for number in range(place * count, (place + 1) * count):
                play(turns, number)
            turns.rest()
            figures.append(turns.spent)
        figures = figures[1:]  # the first one warms up
        steps = {step: round(median(one[step] for one in figures) / count * 1e6, 1) for step in figures[0]}
        totals = [sum(one.values()) / count * 1e6 for one in figures]
        tell(
            f"{name} in the user agent: from datagram to event and back",
            times=count,
            rounds=rounds,
            us={
                "median": round(median(totals), 1),
                "least": round(min(totals), 1),
                "most": round(max(totals), 1),
            },
            steps_us=steps,
            profile=_profile(turns, play, (rounds + 1) * count, count),
        )


def _profile(turns: Turns, play: Callable[[Turns, int], None], first: int, count: int) -> dict[str, float]:
    """Shares of the time by module of ours, in per cent, the dearest first; what is C belongs to who called it."""
    profile = cProfile.Profile(builtins=False)
    plain = turns.step

    def profiled(name: str, work: Callable[[], object]) -> tuple[list[bytes], list[Event]]:
        profile.enable()
        try:
            return plain(name, work)
        finally:
            profile.disable()

    turns.step = profiled  # type: ignore[method-assign]
    for number in range(first, first + count):
        play(turns, number)
    shares: Counter[str] = Counter()
    for (path, _, _), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if path.startswith(str(_ROOT / "sip")):
            shares[str(Path(path).relative_to(_ROOT).with_suffix(""))] += own
    whole = sum(shares.values())
    return {module: round(own / whole * 100, 1) for module, own in shares.most_common(10)}


def _header(text: str, name: str) -> str:
    found = re.search(rf"^{name}: (.*)\r$", text, re.MULTILINE)
    assert found is not None, f"no {name} in {text}"
    return found[1]
