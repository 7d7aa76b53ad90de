"""One page's socket, without the socket: first a `Handshake`, in which nothing but `hello` can be said, then a `Session`.

What they do not know: bytes on the wire, tickets, clocks. Frames go to the outbox under the socket's number; what a page
says goes to its office; whoever calls them flushes afterwards.

Invariants:
- before `hello` no command can be expressed: that is another class;
- each command gets exactly one `done` or `refused`; a repeated id gets the stored answer and is not done again, also over a
  new socket of the same page;
- a frame that cannot be read is answered, counted, and changes nothing; a page that keeps sending such frames, or too many,
  is closed (`Limits.patience`);
- the office is told of a tab's end once, and not at all when a newer socket of the same tab has taken its place.

    Handshake:  waiting -[hello]-> admitting -[admitted]-> (Session)
                   |                  |
                   +---[timer, breach, no admission]---> closed
    Session:    open -[leaving, close, lost, breach]-> closed
"""

from collections import Counter
from dataclasses import dataclass
from enum import Enum

from gateway.ladder.diary import Diary, PageDid
from gateway.realtime.admission import Admitted
from gateway.realtime.hub import Hub, worded
from gateway.realtime.limits import Bucket, Limits
from gateway.realtime.outbox import Outbox, text_frame
from gateway.realtime.stream import Reader, Stream
from protocol.codec import FrameError, decode_client, encode
from protocol.codes import CloseCode, Code
from protocol.commands import AnyCommand
from protocol.messages import (
    VERSION,
    Beat,
    ClientMessage,
    Hello,
    Leaving,
    Refused,
    ResumeSecret,
    RingAck,
    SecretRenewed,
    Settings,
    Welcome,
)

NORMAL_CLOSURE = 1000  # RFC 6455 §7.4.1
RENEWAL_RETRY = 60.0  # seconds; a secret is renewed hours before its end


@dataclass(frozen=True, slots=True)
class Shared:
    """What all connections of a process share.

    Attributes:
        settings: what `welcome` tells the page.
        diary: is told what pages say; None: nobody is.
        counters: hello_timeout, admission_timeout, bad_hello, frames, malformed, unknown_command, too_large, rate_limited,
            repeated, refused, done, impatient, too_many_sockets, left, lost.
    """

    hub: Hub
    outbox: Outbox
    settings: Settings
    limits: Limits
    counters: Counter[str]
    diary: Diary | None = None


class Phase(Enum):
    """Where a connection is."""

    WAITING = "waiting"
    ADMITTING = "admitting"
    OPEN = "open"
    CLOSED = "closed"


class Handshake:
    """A socket that has not said who it is."""

    def __init__(self, number: int, shared: Shared, now: float) -> None:
        self._number = number
        self._shared = shared
        self._phase = Phase.WAITING
        self._deadline = now + shared.limits.hello

    @property
    def phase(self) -> Phase:
        return self._phase

    def receive(self, frame: bytes, now: float) -> Hello | None:
        """A frame came.

        Returns:
            The `hello` that is to be checked (`Admission.admit`); None: the socket is closed.
        """
        if self._phase is Phase.CLOSED:
            return None
        hello = self._read(frame)
        if isinstance(hello, CloseCode):
            self._refuse("bad_hello", hello)
            return None
        self._phase = Phase.ADMITTING
        self._deadline = now + self._shared.limits.admission
        return hello

    def refuse(self, code: CloseCode) -> None:
        """The page is not let in."""
        if self._phase is not Phase.CLOSED:
            self._phase = Phase.CLOSED
            self._shared.outbox.close(self._number, code)

    def closed(self) -> None:
        """The socket is gone."""
        self._phase = Phase.CLOSED

    def next_deadline(self) -> float | None:
        return None if self._phase is Phase.CLOSED else self._deadline

    def handle_timer(self, now: float) -> None:
        if self._phase is Phase.CLOSED or now < self._deadline:
            return
        if self._phase is Phase.WAITING:
            self._refuse("hello_timeout", CloseCode.HELLO_TIMEOUT)
        else:
            self._refuse("admission_timeout", CloseCode.INTERNAL)

    def _read(self, frame: bytes) -> Hello | CloseCode:
        """The `hello`, or the code with which a page that says something else is sent away."""
        if self._phase is Phase.ADMITTING:
            return CloseCode.BAD_FRAME  # a page waits for `welcome` before it says anything else
        try:
            message = decode_client(frame)
        except FrameError:
            return CloseCode.BAD_FRAME
        if not isinstance(message, Hello) or (message.ticket and message.resume):
            return CloseCode.BAD_FRAME
        if message.version != VERSION:
            return CloseCode.VERSION
        return message if message.ticket or message.resume else CloseCode.TICKET

    def _refuse(self, counter: str, code: CloseCode) -> None:
        self._shared.counters[counter] += 1
        self.refuse(code)


class Session:
    """A page that is in."""

    __slots__ = (
        "_hello",
        "_identity",
        "_number",
        "_patience",
        "_phase",
        "_rate",
        "_renew_at",
        "_resume",
        "_seat",
        "_secret_due",
        "_shared",
        "_stream",
        "_tab",
    )

    def __init__(self, number: int, shared: Shared, admitted: Admitted, hello: Hello, now: float) -> None:
        self._number = number
        self._shared = shared
        self._seat = admitted.seat
        self._identity = admitted.identity
        self._resume = admitted.resume
        self._renew_at: float | None = admitted.renew_at
        self._secret_due = False
        self._hello = hello
        self._tab = hello.tab
        self._rate = Bucket(shared.limits.rate, shared.limits.burst, now)
        self._patience = Bucket(shared.limits.patience / 60, shared.limits.patience, now)
        self._stream: Stream | None = None
        self._phase = Phase.ADMITTING

    @property
    def phase(self) -> Phase:
        return self._phase

    @property
    def account_id(self) -> int:
        return self._seat.account_id

    @property
    def tab(self) -> str:
        return self._tab

    def open(self, now: float) -> None:
        """Join the office, then greet the page and bring it up to date."""
        hub, hello, user_id = self._shared.hub, self._hello, self._identity.user_id
        if hub.crowded(self._identity, self._tab):
            self._shared.counters["too_many_sockets"] += 1
            self._phase = Phase.CLOSED
            self._shared.outbox.close(self._number, CloseCode.TOO_MANY_SOCKETS)
            return
        self._phase = Phase.OPEN
        self._seat.office.join(user_id, self._tab, hello.page, hello.alive, now)
        # Letters of the office to this tab (a call that rings already) wait for the flush: they come after the snapshot.
        state = self._seat.office.state_of(user_id)
        reader = Reader(self._number, hello.lang)
        self._stream = hub.subscribe(self._identity, self._tab, reader, state)
        if hello.page == "load":
            self._stream.forget_answers(self._tab)
        self._note("joined")
        self._shared.outbox.put(self._number, text_frame(encode(self._welcome(self._stream, now))))
        hub.catch_up(self._stream, self._number, hello.position)

    def receive(self, frame: bytes, now: float) -> None:
        """A frame came."""
        if self._phase is not Phase.OPEN:
            return
        self._shared.counters["frames"] += 1
        try:
            message = decode_client(frame)
        except FrameError as error:
            self._refuse_frame(error.code, error.id, now)
            return
        if self._rate.take(now):
            self._take(message, now)
        else:
            self._refuse_frame(Code.RATE_LIMITED, getattr(message, "id", None), now)

    def closed(self, *, clean: bool, now: float) -> None:
        """The socket is gone; `clean`: the page closed it, else it was lost or we closed it."""
        if self._phase is not Phase.OPEN:
            return
        self._phase = Phase.CLOSED
        if self._shared.hub.unsubscribe(self._identity, self._tab, self._number, now):
            self._shared.counters["left" if clean else "lost"] += 1
            self._note("left" if clean else "lost")
            self._seat.office.leave(self._identity.user_id, self._tab, clean, now)

    def next_deadline(self) -> float | None:
        return self._renew_at if self._phase is Phase.OPEN else None

    def handle_timer(self, now: float) -> None:
        if self._phase is Phase.OPEN and self._renew_at is not None and now >= self._renew_at:
            self._renew_at = None
            self._secret_due = True

    def take_secret_due(self) -> tuple[Admitted, str] | None:
        """Who needs a new resume secret, and for which tab; `renewed` brings it."""
        if not self._secret_due:
            return None
        self._secret_due = False
        return Admitted(self._identity, self._seat, None, 0.0), self._tab

    def renewed(self, resume: ResumeSecret, renew_at: float) -> None:
        """There is a new resume secret, and it is in the store."""
        self._renew_at = renew_at
        if self._phase is Phase.OPEN:
            message = SecretRenewed(resume.secret, resume.expires_at)
            self._shared.outbox.put(self._number, text_frame(encode(message)))

    def renewal_failed(self, now: float) -> None:
        """The store could not keep a new secret: the old one is still good, and it is tried again."""
        self._renew_at = now + RENEWAL_RETRY

    def _take(self, message: ClientMessage, now: float) -> None:
        office, user_id = self._seat.office, self._identity.user_id
        match message:
            case Beat(calls=calls):
                office.beat(user_id, self._tab, calls, now)
            case RingAck(call=call):
                if self._shared.diary is not None:
                    self._shared.diary.rings(self._tab, message)
                office.ring_acknowledged(user_id, self._tab, call, now)
            case Leaving():
                self.closed(clean=True, now=now)
                self._shared.outbox.close(self._number, NORMAL_CLOSURE)
            case Hello():
                self._refuse_frame(Code.MALFORMED, None, now)
            case _:
                self._execute(message, now)

    def _execute(self, command: AnyCommand, now: float) -> None:
        assert self._stream is not None, "an open session reads a stream"
        answers = self._stream.answers_of(self._tab)
        stored = answers.find(command.id)
        if stored is not None:
            self._shared.counters["repeated"] += 1
            self._shared.outbox.put(self._number, stored)
            return
        answer = self._seat.office.execute(self._identity.user_id, self._tab, command, now)
        if self._shared.diary is not None:
            self._shared.diary.command(self._tab, command, answer)
        self._shared.counters["refused" if isinstance(answer, Refused) else "done"] += 1
        frame = text_frame(encode(worded(answer, self._hello.lang)))
        answers.keep(command.id, frame)
        self._shared.outbox.put(self._number, frame)

    def _note(self, did: PageDid) -> None:
        if self._shared.diary is not None:
            self._shared.diary.page(self._identity, self._tab, did)

    def _refuse_frame(self, code: Code, id: str | None, now: float) -> None:
        """Answer a frame that is not taken, and close the socket of a page that does not stop."""
        self._shared.counters[code.value] += 1
        refusal = worded(Refused(code, id=id), self._hello.lang)
        self._shared.outbox.put(self._number, text_frame(encode(refusal)))
        if self._patience.take(now):
            return
        self._shared.counters["impatient"] += 1
        self.closed(clean=False, now=now)
        code_of_close = CloseCode.RATE if code is Code.RATE_LIMITED else CloseCode.BAD_FRAME
        self._shared.outbox.close(self._number, code_of_close)

    def _welcome(self, stream: Stream, now: float) -> Welcome:
        return Welcome(
            version=VERSION,
            epoch=stream.epoch,
            seq=stream.seq,
            now=now,
            account=self._seat.account_id,
            user=self._seat.user,
            extensions=self._seat.extensions,
            tab=self._tab,
            settings=self._shared.settings,
            resume=self._resume,
        )
