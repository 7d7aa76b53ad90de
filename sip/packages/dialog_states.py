"""The calls of one observed user, put together from the documents of one subscription (RFC 4235 §4.3).

    calls = DialogStates()
    changes = calls.apply(DialogInfo.parse(body))

Knows no SIP: that the documents come in order is the dialog's duty (CSeq), so a full document always counts. The RFC would have one
with a lower version thrown away; but Asterisk takes its subscriptions up again after a restart, in the same dialog, and counts
versions from 0, which would leave a lamp as it was for ever. Of partial documents the version says whether one was missed.
Invariants: a dialog that has ended is told once and not kept; the number of those that are kept is bounded; what was once told of
a living dialog (call-id, tags, parties) is not forgotten because a later document does not repeat it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from sip.packages.dialog_info import DialogEntry, DialogInfo, DialogState

_MOST: Final = 500
# From the least to the most that a lamp can show.
_ORDER: Final = tuple(DialogState)[:-1]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a document changed.

    Args:
        changed: dialogs that are new or different, as they are now.
        ended: dialogs that are over, as they were told last; also those that a full document does not name any more.
        needs_refresh: a document was missed, or more dialogs were told than are kept: refresh the subscription, which brings a full one.
        is_stale: it was a repeat of an older partial document and changed nothing.
    """

    changed: tuple[DialogEntry, ...] = ()
    ended: tuple[DialogEntry, ...] = ()
    needs_refresh: bool = False
    is_stale: bool = False


class DialogStates:
    """The living dialogs of one observed user. One for each subscription: each fork counts versions of its own.

    Attributes:
        version: of the last document that counted; None before the first.
        entity: the observed user, as the documents name it.
    """

    __slots__ = ("_dialogs", "entity", "version")

    def __init__(self) -> None:
        self.version: int | None = None
        self.entity = ""
        self._dialogs: dict[str, DialogEntry] = {}

    @property
    def dialogs(self) -> tuple[DialogEntry, ...]:
        """Those that have not ended, in the order in which they were first told."""
        return tuple(self._dialogs.values())

    @property
    def lamp(self) -> DialogState | None:
        """The state that a busy lamp shows: the furthest of all dialogs; None when there is none."""
        states = {dialog.state for dialog in self._dialogs.values()}
        return next((state for state in reversed(_ORDER) if state in states), None)

    def apply(self, document: DialogInfo) -> Changes:
        """Take the next document of the subscription."""
        known = self.version
        if not document.is_full and known is not None and document.version <= known:
            return Changes(is_stale=True)
        missed = not document.is_full and (known is None or document.version > known + 1)
        self.version, self.entity = document.version, document.entity or self.entity
        gone = self._unnamed(document.dialogs) if document.is_full else ()
        changed, ended, left_out = self._take(document.dialogs)
        return Changes(changed, (*gone, *ended), needs_refresh=missed or left_out)

    def _unnamed(self, named: Iterable[DialogEntry]) -> tuple[DialogEntry, ...]:
        """Forget what a full document does not name."""
        names = {dialog.id for dialog in named}
        gone = [name for name in self._dialogs if name not in names]
        return tuple(replace(self._dialogs.pop(name), state=DialogState.TERMINATED) for name in gone)

    def _take(
        self, dialogs: Iterable[DialogEntry]
    ) -> tuple[tuple[DialogEntry, ...], tuple[DialogEntry, ...], bool]:
        changed, ended, left_out = [], [], False
        for told in dialogs:
            before = self._dialogs.get(told.id)
            now = told if before is None else _merged(before, told)
            if now.state is DialogState.TERMINATED:
                if self._dialogs.pop(told.id, None) is not None:
                    ended.append(now)
            elif before is None and len(self._dialogs) >= _MOST:
                left_out = True
            elif now != before:
                self._dialogs[told.id] = now
                changed.append(now)
        return tuple(changed), tuple(ended), left_out


def _merged(before: DialogEntry, told: DialogEntry) -> DialogEntry:
    """What is told now, with what was told before of the things that are not said again.

    The cause and the duration are of the present state and are not carried on.
    """
    return replace(
        told,
        direction=told.direction or before.direction,
        call_id=told.call_id or before.call_id,
        local_tag=told.local_tag or before.local_tag,
        remote_tag=told.remote_tag or before.remote_tag,
        local=told.local or before.local,
        remote=told.remote or before.remote,
    )
