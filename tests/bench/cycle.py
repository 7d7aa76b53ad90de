"""One call cycle through user agent, office and hub in this process: no sockets, no disk, so that only our own code is seen.

`python -m tests.bench.cycle` prints what a cycle costs warm (one after the other), cold (after a pause each, as at 100 calls a
second: the same code costs two to three times as much when its memory has left the caches), and how many Python calls it
makes, which does not depend on the machine; then the same of a registration with digest. `--profile` shows where they go.
"""

import argparse
import cProfile
import gc
import pstats
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gateway.lines.line import Extension
from gateway.office import Office
from gateway.realtime.hub import Hub
from gateway.realtime.limits import Limits
from gateway.realtime.outbox import Outbox
from gateway.realtime.ports import Identity
from gateway.realtime.stream import Reader
from protocol.commands import Answer
from sip.account import Account
from sip.agent import UserAgent
from sip.events import Registered
from sip.flow import Flow
from sip.ids import SeededIds
from sip.pacer import Pace
from sip.uri import Uri
from tests.bench.figures import tell
from tests.bench.pbx import SDP, header
from tests.bench.widgets import ANSWER

HOST = "127.0.0.1"
PBX = Flow("udp", (HOST, 5060))
STEP = 0.01  # seconds of the cores' clock between two calls
TICK = 0.02  # and between two looks at what is due while lines wait for their turn to register


def account(number: int) -> Account:
    uri = Uri("sip", f"{10_000 + number}", None, HOST, None)
    return Account(uri, uri.user or "", "pw", Uri("sip", None, None, HOST, None), (HOST, 5060))


def extension(number: int) -> Extension:
    return Extension(1, f"{10_000 + number}", "", number + 1, account(number))


class Cores:
    """What a process has between its sockets: fed and emptied by hand."""

    def __init__(self, lines: int) -> None:
        self.now = 1000.0
        self.agent = UserAgent(host=HOST, port=5070, ids=SeededIds(1))
        ids = SeededIds(2)
        self.office = Office(map(extension, range(lines)), self.agent, ids.token)
        self.outbox = Outbox()
        self.hub = Hub(self.outbox, lambda: "epoch", Limits())
        self.contacts: dict[str, str] = {}
        self.sent: list[bytes] = []
        self.office.start(self.now)
        self._register(lines)
        for user in range(1, lines + 1):
            self.office.join(user, "tab", "load", (), self.now)
            self.hub.subscribe(Identity(1, user), "tab", Reader(user, "ru"), self.office.state_of(user))
        self.settle()

    def _register(self, lines: int) -> None:
        """All lines, turn by turn, as the agent's pacer lets them."""
        patience = self.now + 60.0
        while len(self.contacts) < lines:
            assert self.now < patience, "every line registers"
            self.advance(TICK)
            asked, self.sent = self.sent, []
            for data in asked:
                request = data.decode()
                contact = header(request, "Contact")
                user = header(request, "From").split("sip:")[1].split("@")[0]
                self.contacts[user] = contact[contact.find("<") + 1 : contact.find(">")]
                self.agent.receive(grant(request), PBX, self.now)
            self.settle()

    def receive(self, head: str, body: str = "") -> None:
        """A datagram came from the PBX."""
        self.agent.receive(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode(), PBX, self.now)
        self.settle()

    def settle(self) -> None:
        """What the shells do after an input; the disk is quick."""
        while True:
            self.sent += [transmit.data for transmit in self.agent.take_output()]
            events = self.agent.take_events()
            if not events:
                break
            for event in events:
                self.office.sip_event(event, self.now)
        for save in self.office.take_saves():
            save.record.to_json()
            if save.token:
                self.office.saved(save.token, self.now)
        self.office.take_gone()
        self.sent += [transmit.data for transmit in self.agent.take_output()]
        self.hub.collect(1, self.office, self.now)
        self.outbox.take_output()

    def advance(self, seconds: float) -> None:
        """Time passes, and what is due is done."""
        self.now += seconds
        self.agent.handle_timer(self.now)
        self.settle()
        self.office.handle_timer(self.now)
        self.settle()

    def cycle(self, number: int, *, answered: bool) -> None:
        """One call: INVITE, ring, then CANCEL, or an answer and BYE."""
        self.sent.clear()
        self.advance(STEP)
        line = f"{10_000 + number % len(self.contacts)}"
        contact, user = self.contacts[line], number % len(self.contacts) + 1
        common = f'From: "Customer" <sip:+7495{number:07}@{HOST}>;tag=c{number}\r\nCall-ID: bench-{number}\r\nMax-Forwards: 70\r\n'

        def request(method: str, cseq: str, to: str, branch: str = "b") -> str:
            via = f"Via: SIP/2.0/UDP {HOST}:5060;branch=z9hG4bK{branch}{number};rport\r\n"
            return f"{method} {contact} SIP/2.0\r\n{via}{common}To: {to}\r\nCSeq: {cseq} {method}\r\n"

        called = f"<sip:{line}@{HOST}>"
        invite = f"{request('INVITE', '1', called)}Contact: <sip:bench@{HOST}>\r\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE\r\n"
        self.receive(f"{invite}Content-Type: application/sdp\r\n", SDP)
        call = next(id for id, one in self.office.state_of(user).calls.items() if one.state == "incoming")
        self.office.ring_acknowledged(user, "tab", call, self.now)
        self.settle()
        to = header(self.sent[-1].decode(), "To")
        if answered:
            self.office.execute(user, "tab", Answer(id=f"c{number}", call=call, sdp=ANSWER), self.now)
            self.settle()
            self.receive(request("ACK", "1", to, "a"))
            self.receive(request("BYE", "2", to, "y"))
        else:
            self.receive(request("CANCEL", "1", called))
            self.receive(request("ACK", "1", to))


class Registrar:
    """Lines that register with digest at a registrar of one realm: REGISTER, 401, REGISTER, 200."""

    def __init__(self) -> None:
        # All at once: what is measured is not how long they would wait for each other.
        pace = Pace(rate=1e9, window=1_000_000, first=1_000_000)
        self.agent = UserAgent(host=HOST, port=5070, ids=SeededIds(1), pace=pace)
        self.now = 1000.0
        self.spent = 0.0
        self.profile = cProfile.Profile()

    def register(self, accounts: Sequence[Account], *, profiled: bool) -> None:
        """Register them all, turn by turn, as the agent's pacer lets them; what is measured is the agent's part alone."""
        self.now += 100.0
        with self._measured(profiled):
            for one in accounts:
                self.agent.register(one, self.now)
        registered, patience = 0, self.now + 60.0
        while registered < len(accounts):
            assert self.now < patience, "every line registers"
            with self._measured(profiled):
                self.agent.handle_timer(self.now)
                asked = [transmit.data.decode() for transmit in self.agent.take_output()]
            answers = [grant(one) if "\r\nAuthorization: Digest " in one else challenge(one) for one in asked]
            with self._measured(profiled):
                for data in answers:
                    self.agent.receive(data, PBX, self.now)
                events = self.agent.take_events()
            assert all(isinstance(event, Registered) for event in events)
            registered += len(events)
            self.now += TICK
        self.now += 100.0
        self.agent.handle_timer(self.now)

    @contextmanager
    def _measured(self, profiled: bool) -> Iterator[None]:
        if profiled:
            self.profile.enable()
        began = time.process_time()
        yield
        self.spent += time.process_time() - began
        self.profile.disable()


def grant(request: str) -> bytes:
    """The 200 that keeps the line for an hour."""
    return answer(request, "200 OK", f"Contact: {header(request, 'Contact')};expires=3600")


def challenge(request: str) -> bytes:
    """The 401 that asks for the password, with a nonce of its own for each line."""
    nonce = header(request, "Call-ID")
    return answer(
        request, "401 Unauthorized", f'WWW-Authenticate: Digest realm="pbx", nonce="{nonce}", qop="auth"'
    )


def answer(request: str, status: str, line: str) -> bytes:
    """A response with one header more."""
    copied = "".join(f"{name}: {header(request, name)}\r\n" for name in ("Via", "From", "Call-ID", "CSeq"))
    head = f"SIP/2.0 {status}\r\n{copied}To: {header(request, 'To')};tag=x\r\n{line}\r\n"
    return f"{head}Content-Length: 0\r\n\r\n".encode()


def measure_registration(lines: int, *, shown: bool) -> None:
    """What it costs to register lines with digest for the first time."""
    accounts = [account(number) for number in range(3 * lines)]
    registrar = Registrar()
    registrar.register(accounts[:lines], profiled=False)
    gc.collect()
    gc.freeze()
    registrar.spent = 0.0
    registrar.register(accounts[lines : 2 * lines], profiled=False)
    warm = registrar.spent
    registrar.register(accounts[2 * lines :], profiled=True)
    stats = pstats.Stats(registrar.profile, stream=sys.stderr)
    calls: int = stats.total_calls  # type: ignore[attr-defined] # not in the stubs
    tell(
        "registration with digest in the user agent alone",
        lines=lines,
        warm_us=round(warm / lines * 1e6, 1),
        python_calls=round(calls / lines),
    )
    if shown:
        stats.sort_stats("tottime").print_stats(45)


def measure(cores: Cores, first: int, count: int, *, answered: bool, pause: float = 0.0) -> float:
    """CPU microseconds of a cycle."""
    spent = 0.0
    for number in range(first, first + count):
        if pause:
            time.sleep(pause)
        began = time.process_time()
        cores.cycle(number, answered=answered)
        spent += time.process_time() - began
    return round(spent / count * 1e6, 1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cycle", description=__doc__)
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--profile", action="store_true", help="show the functions that take longest")
    given = parser.parse_args()
    cores, first = Cores(given.lines), 0
    for answered in (False, True):
        measure(cores, first, 200, answered=answered)
        first += 200
        gc.collect()
        gc.freeze()
        warm = measure(cores, first, given.count, answered=answered)
        cold = measure(cores, first + given.count, 200, answered=answered, pause=STEP)
        first += given.count + 200
        profile = cProfile.Profile()
        profile.enable()
        measure(cores, first, given.count, answered=answered)
        profile.disable()
        first += given.count
        stats = pstats.Stats(profile, stream=sys.stderr)
        calls: int = stats.total_calls  # type: ignore[attr-defined] # not in the stubs
        tell(
            f"{'answered' if answered else 'unanswered'} cycle in the cores alone",
            lines=given.lines,
            cycles=given.count,
            warm_us=warm,
            cold_us=cold,
            python_calls=round(calls / given.count),
        )
        if given.profile:
            stats.sort_stats("tottime").print_stats(45)

    measure_registration(given.lines, shown=given.profile)


if __name__ == "__main__":
    main()
