"""One request of ours as its user sees it: one question, one answer, whatever digest retries lie between (RFC 3261 §22).

Knows challenges and credentials, not what the request means. A request that nobody answered is told as what the RFC says it
equals, 408 for a time-out and 503 for a lost transport (§8.1.3.1), and `heard` is false then.
A next hop that is a name is located first, and its servers are asked one after the other until one answers (RFC 3263 §4.3).
Invariants: a realm that has refused our credentials is not asked again with the same ones, unless it only called the nonce
stale; at most `_MAX_ATTEMPTS` requests leave; every attempt has a CSeq of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from sip.account import Account
from sip.course import Course, chart
from sip.digest import Authenticator, Credentials
from sip.fields import header_line
from sip.flow import Flow, Transmit
from sip.headers import CSeq
from sip.ids import MAGIC_COOKIE
from sip.location.locator import SILENCE
from sip.message import Request, Response
from sip.transactions.layer import InviteClientTransaction

if TYPE_CHECKING:
    from sip.core import Core
    from sip.transactions.layer import ClientTransaction

# 401 and 407 of two realms, and a stale nonce of each.
_MAX_ATTEMPTS: Final = 5
# T1s until another server is asked, if there is one: four times the request was sent by then (§17.1.1.2, §17.1.2.2).
_TRIES: Final = 16
_LONGEST_SILENCE: Final = 600.0
_PATIENCE: Final = "patience"
_LOST: Final = "lost"
# Of a request that never leaves.
NO_BRANCH: Final = f"{MAGIC_COOKIE}0"


Listener: TypeAlias = Callable[["Exchange", Response, float], None]


class Exchange:
    """A request on its way.

    Args:
        request: without Via and credentials.
        way: where it goes: a flow, or a course of which every server is tried in turn (RFC 3263 §4.3) until one answers with something
            other than 503.
        account: whose credentials answer a challenge; None: challenges are answers like others.
        next_cseq: gives the number for an attempt with credentials.
        listener: is told every response, provisional ones too, and at last one final one, except to an INVITE, whose 2xx may be
            several.
        may_retry: is asked before a challenge is answered, and told so that a new attempt leaves; None: always.
    """

    __slots__ = (
        "_account",
        "_attempts",
        "_branch",
        "_core",
        "_course",
        "_credentials",
        "_listener",
        "_may_retry",
        "_next_cseq",
        "ack",
        "flow",
        "heard",
        "request",
        "transaction",
    )

    def __init__(
        self,
        core: Core,
        request: Request,
        way: Flow | Course,
        account: Account | None,
        next_cseq: Callable[[], int],
        listener: Listener,
        may_retry: Callable[[float], bool] | None = None,
    ) -> None:
        self.request = request
        self.flow = way if isinstance(way, Flow) else way.flow
        self._course = None if isinstance(way, Flow) else way
        # Whether the last response came from the network.
        self.heard = True
        # The ACK of an INVITE's 2xx, once it left.
        self.ack: Transmit | None = None
        # The last attempt; None while no server is known.
        self.transaction: ClientTransaction | None = None
        self._core = core
        self._account = account
        self._next_cseq = next_cseq
        self._listener = listener
        self._may_retry = may_retry
        self._attempts = 0
        # The header lines that the next or last attempt has beside those of the request.
        self._credentials: tuple[str, ...] = ()
        # Of the next attempt, when it was chosen before that leaves.
        self._branch: str | None = None

    def prepare(self) -> None:
        """Make the next attempt what it will be on the wire: with a branch, and with credentials for every realm that asked the
        account for them before."""
        self._attempts += 1
        authenticator = self._core.authenticators.get(self._account)
        if authenticator is not None:
            headers = authenticator.credentials_for(self.request, self._core.ids.token())
            self._credentials = tuple(header_line(name, value) for name, value in headers)
        self._branch = self._core.ids.branch()

    def send(self, now: float) -> None:
        """Send the request in a new transaction, as soon as its server is known."""
        course = self._course
        if course is not None and not course.is_known:
            self._find(course, now)
            return
        if self._branch is None:
            self.prepare()
        branch, self._branch = self._branch, None
        self.transaction = self._core.layer.send_request(
            self.request, self.flow, now, branch=branch, owner=self, credentials=self._credentials
        )
        if course is not None and course.left:
            # Somebody else can be asked: it is not waited for this one until timer B or F.
            self._core.deadlines.set(self, _PATIENCE, now + _TRIES * self._core.timers.t1)

    def again(self, request: Request, now: float) -> None:
        """Send the request anew, changed to what an answer asked for, with a number of its own."""
        self.request = request.with_cseq(CSeq(self._next_cseq(), request.method))
        self.send(now)

    @property
    def is_worn_out(self) -> bool:
        """Whether as many attempts left as may."""
        return self._attempts >= _MAX_ATTEMPTS

    def on_the_wire(self) -> Request:
        """The last attempt as it left, or, once it was prepared, as it will leave."""
        if self._branch is None and self.transaction is not None:
            return self.transaction.request
        return self._core.layer.sign(self.request, self.flow, self._branch or NO_BRANCH, self._credentials)

    def resume(self, now: float) -> None:
        """Wait for the responses to an INVITE that left in an earlier life of this process; its Via is still on it."""
        signed = self.request
        self.request = signed.without("Via").without("Authorization").without("Proxy-Authorization")
        if not self.flow.remote[1]:
            # It was written down before its server was known: nobody has it, or nobody knows who.
            self._core.deadlines.set(self, _LOST, now)
            return
        self.transaction = self._core.layer.resume_invite(signed, self.flow, now, owner=self)

    def receive(self, response: Response, now: float) -> None:
        """A response came."""
        if self._course is not None and self._try_next_after(response, now):
            return
        if response.status in (401, 407) and self._account is not None:
            if not self._can_answer(response):
                self._core.counters["credentials_refused"] += 1
            elif self._may_retry is None or self._may_retry(now):
                self.again(self.request, now)
                return
        self._listener(self, response, now)

    def leave(self, now: float) -> None:
        """Nobody waits for the INVITE's final response any more; its transaction gets 64*T1 to acknowledge one, as after CANCEL."""
        self._core.deadlines.set(self, "abandon", now + self._core.timers.timeout)

    def handle_timer(self, name: str, now: float) -> None:
        """The time of an INVITE that was left is over, or that of a server that says nothing, or there is no server."""
        if name == _LOST:
            self.fail(503, now, "No Server Found")
            return
        if name == _PATIENCE and self.transaction is not None:
            self.transaction.abandon(now)
            self.fail(408, now)
            return
        invite = self.transaction
        assert isinstance(invite, InviteClientTransaction), "only an INVITE may wait for ever"
        invite.abandon(now)

    def _can_answer(self, response: Response) -> bool:
        """Whether credentials may help that were not refused already (§22.2, §22.3)."""
        account = self._account
        if account is None or not account.username or self.is_worn_out:
            return False
        authenticators = self._core.authenticators
        authenticator = authenticators.get(account)
        if authenticator is None:
            authenticator = authenticators[account] = Authenticator(
                Credentials(account.username, account.password)
            )
        return authenticator.challenged(response, self.on_the_wire())

    def fail(self, status: int, now: float, cause: str = "") -> None:
        """Nobody answered: `status` is 408 for a time-out, 503 for a lost transport (§8.1.3.1), whose cause is known."""
        account = self._account
        if (
            status == 503
            and account is not None
            and account.transport == "auto"
            and self.flow.transport == "tcp"
        ):
            # §18.1.1: TCP was chosen for the size alone, and a peer may have none.
            if self._may_retry is None or self._may_retry(now):
                self.flow = Flow("udp", self.flow.remote)
                self.send(now)
                return
        if self._course is not None and self._try_next(now, SILENCE):
            return
        self.heard = False
        self._listener(self, self.on_the_wire().reply(status, cause or None), now)

    # Of those whose next hop is a name.

    def _find(self, course: Course, now: float) -> None:
        """Locate the next hop, now or when the DNS has answered."""
        core = self._core
        locator = core.locator
        assert locator is not None, "a course is charted by a locator"
        found = chart(core, course.hop, self._account, self.request, now, last=course.last)
        if found.is_known:
            self.flow, self._course = found.flow, found
            self.send(now)
        elif locator.locate(course.hop, now) is None:
            locator.wait(course.hop, self._go_on)
        else:
            # Never at once: whoever sends does not expect its answer before `send` is over.
            core.deadlines.set(self, _LOST, now)

    def _go_on(self, now: float) -> None:
        """The DNS has answered; perhaps nobody wants the answer any more."""
        if self._may_retry is not None and not self._may_retry(now):
            self._core.deadlines.set(self, _LOST, now)
            return
        self.send(now)

    def _try_next_after(self, response: Response, now: float) -> bool:
        """Whether a response only means that another server has to be asked: 503 does (RFC 3263 §4.3)."""
        core, status = self._core, response.status
        core.deadlines.cancel(self, _PATIENCE)
        if status == 503:
            pause = response.integer("Retry-After") or 0
            return self._try_next(now, min(max(float(pause), SILENCE), _LONGEST_SILENCE))
        assert core.locator is not None, "a course is charted by a locator"
        core.locator.speak(self.flow.road)
        if self._account is not None and status >= 200:
            core.homes[self._account] = self.flow.road
        if self._course is not None and status < 200:
            # It is being worked on there: from now on silence is no reason to have it done elsewhere too.
            self._course = self._course._replace(left=())
        return False

    def _try_next(self, now: float, silence: float) -> bool:
        """The server failed; send the same request, with another branch, to the next one if there is one."""
        core, course = self._core, self._course
        core.deadlines.cancel(self, _PATIENCE)
        if course is None or core.locator is None or self.transaction is None:
            return False
        core.locator.fall_silent(self.flow.road, now, silence)
        if not course.left or (self._may_retry is not None and not self._may_retry(now)):
            return False
        core.counters["failed_over"] += 1
        self.flow, self._course = course.left[0], course._replace(flow=course.left[0], left=course.left[1:])
        self._attempts -= 1
        self.send(now)
        return True
