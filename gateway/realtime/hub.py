"""All users' streams of a process: states in, prepared frames out.

What it does not know: how a state comes about, and sockets (frames go to the outbox, by number).

Invariants: a tab has at most one socket, the newer replaces the older; an event is encoded once, whatever the number of its
readers; a state is published before the letters that refer to it; a stream without a reader is forgotten after
`Limits.keep`, and the next one of that user has a new epoch.
"""

from collections import Counter
from collections.abc import Callable

import msgspec

from gateway.ladder.diary import Diary
from gateway.realtime.limits import Limits
from gateway.realtime.outbox import Outbox, text_frame
from gateway.realtime.ports import Identity, Letter, Office
from gateway.realtime.stream import Reader, Stream
from protocol.codec import encode
from protocol.codes import CloseCode
from protocol.entities import Position, State
from protocol.messages import GatewayMessage, Notice, Refused
from protocol.sentences import sentence


class Hub:
    """Who reads what.

    Args:
        outbox: where frames go.
        epochs: makes the names of new streams.
        limits: of rings and readers.
        diary: is told what pages are shown; None: nobody is.
    """

    def __init__(
        self, outbox: Outbox, epochs: Callable[[], str], limits: Limits, diary: Diary | None = None
    ) -> None:
        self._outbox = outbox
        self._epochs = epochs
        self._limits = limits
        self._diary = diary
        self._streams: dict[Identity, Stream] = {}
        # deltas, frames, snapshots, resumed, replaced, undelivered (a letter to a tab that is not here)
        self.counters: Counter[str] = Counter()

    def stream(self, identity: Identity) -> Stream | None:
        """A user's stream, if there is one."""
        return self._streams.get(identity)

    def collect(self, account_id: int, office: Office, now: float) -> None:
        """Take what an office has to tell and pass it on: states first, then letters."""
        for user_id in office.take_changed():
            self._refresh(Identity(account_id, user_id), office, now)
        for letter in office.take_letters():
            self._send(account_id, letter)

    def publish(self, identity: Identity, state: State) -> None:
        """A user's state may have changed: tell all of the user's tabs."""
        stream = self._streams.get(identity)
        if stream is None:
            return
        frame = stream.publish(state)
        if frame is None:
            return
        self.counters["deltas"] += 1
        self.counters["frames"] += len(stream.readers)
        if self._diary is not None and stream.latest is not None and stream.latest.calls:
            self._diary.shown(identity, stream.latest.calls)
        for reader in stream.readers.values():
            self._outbox.put(reader.number, frame)

    def crowded(self, identity: Identity, tab: str) -> bool:
        """Whether the user has as many other tabs as may be."""
        stream = self._streams.get(identity)
        if stream is None:
            return False
        return len(stream.readers.keys() - {tab}) >= self._limits.sockets_per_user

    def subscribe(self, identity: Identity, tab: str, reader: Reader, state: State) -> Stream:
        """A tab's socket begins to read; the other tabs are told what it changed, and `catch_up` is next for itself.

        Args:
            state: what the user sees now; the first state of a new stream.
        """
        stream = self._streams.get(identity)
        if stream is None:
            stream = self._streams[identity] = Stream(self._epochs(), state, self._limits)
        else:
            self.publish(identity, state)
        older = stream.readers.get(tab)
        if older is not None:
            self._outbox.close(older.number, CloseCode.REPLACED)
            self.counters["replaced"] += 1
        stream.readers[tab] = reader
        stream.left_at = None
        return stream

    def catch_up(self, stream: Stream, number: int, position: Position | None) -> None:
        """Bring a new reader to where the stream stands: by the missed deltas, or by a snapshot."""
        missed = stream.missed(position)
        if missed is None:
            self.counters["snapshots"] += 1
            self._outbox.put(number, stream.snapshot())
            return
        self.counters["resumed"] += 1
        for frame in missed:
            self._outbox.put(number, frame)

    def unsubscribe(self, identity: Identity, tab: str, number: int, now: float) -> bool:
        """A socket is gone.

        Returns:
            Whether the tab is without a socket now; False when a newer one has replaced this one.
        """
        stream = self._streams.get(identity)
        if stream is None or stream.readers.get(tab, Reader(-1, "")).number != number:
            return False
        del stream.readers[tab]
        if not stream.readers:
            stream.left_at = now
        return True

    def close_all(self, identity: Identity, code: CloseCode) -> int:
        """Close all of a user's sockets, as when the session was revoked; how many."""
        stream = self._streams.get(identity)
        if stream is None:
            return 0
        for reader in stream.readers.values():
            self._outbox.close(reader.number, code)
        return len(stream.readers)

    def _refresh(self, identity: Identity, office: Office, now: float) -> None:
        """Publish what an office says of a user, or forget the stream that nobody came back to."""
        stream = self._streams.get(identity)
        if stream is None:
            return
        if stream.left_at is not None and now - stream.left_at > self._limits.keep:
            del self._streams[identity]
            return
        self.publish(identity, office.state_of(identity.user_id))

    def _send(self, account_id: int, letter: Letter) -> None:
        """Bring a letter to its tab, or to all of the user's; encoded once for each language at most."""
        stream = self._streams.get(Identity(account_id, letter.user_id))
        readers = [] if stream is None else _addressees(stream, letter.tab)
        if not readers:
            self.counters["undelivered"] += 1
        elif self._diary is not None:
            self._diary.letter(letter.tab, letter.message)
        frames: dict[str, bytes] = {}
        for reader in readers:
            if reader.lang not in frames:
                frames[reader.lang] = text_frame(encode(worded(letter.message, reader.lang)))
            self._outbox.put(reader.number, frames[reader.lang])
            self.counters["frames"] += 1


def _addressees(stream: Stream, tab: str | None) -> list[Reader]:
    """The readers a letter goes to."""
    if tab is None:
        return list(stream.readers.values())
    reader = stream.readers.get(tab)
    return [] if reader is None else [reader]


def worded(message: GatewayMessage, lang: str) -> GatewayMessage:
    """The message with the sentence of its code, if it has a code and no sentence yet."""
    if isinstance(message, Refused | Notice) and not message.message:
        return msgspec.structs.replace(message, message=sentence(message.code, lang))
    return message
